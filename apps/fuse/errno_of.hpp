// What the kernel is told of an error: the one place where errors become errno.
#pragma once

#include <cerrno>

#include "salvage/core/error.hpp"

namespace salvage::fuse {

[[nodiscard]] constexpr int errno_of(ErrorCode code) noexcept
{
    switch (code) {
    case ErrorCode::not_found: return ENOENT;
    case ErrorCode::invalid_argument: return EINVAL;
    case ErrorCode::unsupported: return EOPNOTSUPP;
    case ErrorCode::needs_phone_key:
    case ErrorCode::wrong_secret: return EACCES;
    case ErrorCode::cancelled: return EINTR;
    default: return EIO;
    }
}

} // namespace salvage::fuse
