// Mounting a tree until someone says stop.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "salvage/core/result.hpp"
#include "tree.hpp"

namespace salvage::fuse {

struct MountOptions {
    std::filesystem::path at;
    std::string name;            ///< what stands in the table of mounts: the dump's path
    bool is_for_everyone{false}; ///< other users may look, too (allow_other)
};

/// What the mount tells while it is there.  Called from any thread, not from two at once.
struct MountEvents {
    std::function<void()> on_ready;
    std::function<void(const Error&)> on_problem; ///< bytes that were asked for and are lost …
};

/// Whether a tree can be mounted at `at`: to be asked before anything takes long.
/// Errors: not_found (no such folder; no FUSE here: says how it is had), invalid_argument (not a folder, or not empty),
/// io (a mount that lost its server is there).
[[nodiscard]] Result<> check_mount_point(const std::filesystem::path& at);

/// Mounts and serves until `stop` is requested or the folder is unmounted; then it is unmounted.
/// Errors: io (with libfuse's own words).
[[nodiscard]] Result<> mount_and_serve(const Tree& tree, const MountOptions& options, const MountEvents& events,
                                       const std::stop_token& stop);

} // namespace salvage::fuse
