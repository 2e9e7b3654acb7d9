// The low-level operations of FUSE over a tree.
#pragma once

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <mutex>

#include "mount.hpp"
#include "tree.hpp"

namespace salvage::fuse {

/// What libfuse hands to every operation.
struct Served {
    const Tree* tree{nullptr};
    const MountEvents* events{nullptr};
    std::mutex events_mutex{};
};

/// Session data of these operations: a Served that outlives the session.
[[nodiscard]] fuse_lowlevel_ops operations() noexcept;

} // namespace salvage::fuse
