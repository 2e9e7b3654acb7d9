// Which devices a search gets: threads by cores, scrypt lanes by the memory that is free.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "salvage/password/search.hpp"

namespace salvage::password {

struct DeviceRequest {
    unsigned threads{0}; ///< 0: one a core
    std::optional<crypto::Isa> isa{};
    std::optional<std::size_t> scrypt_lanes{}; ///< nothing: as many as pay and memory allows
};

/// How many threads a search gets, with how many scrypt lanes, and why.
struct DevicePlan {
    unsigned threads{1};
    unsigned wanted_threads{1};
    std::size_t lanes{1}; ///< scrypt lanes of each thread
    std::size_t wanted_lanes{1};
    std::optional<crypto::Isa> isa{};
    ByteCount memory_each{};              ///< of one thread; 0: next to nothing
    std::optional<ByteCount> available{}; ///< memory that is free now, as far as the system tells
    [[nodiscard]] bool is_limited_by_memory() const noexcept
    {
        return threads < wanted_threads || lanes < wanted_lanes;
    }
    [[nodiscard]] bool uses_scrypt() const noexcept { return memory_each.value != 0; }
};

/// The best use of `available` bytes: a quarter stays free; first every thread gets a lane, then all of them more
/// lanes, in powers of two.  Free memory unknown: one lane a thread.
[[nodiscard]] DevicePlan plan_devices(std::span<const Target* const> targets, const DeviceRequest& request,
                                      std::optional<ByteCount> available);
/// With the memory that is free now.
[[nodiscard]] DevicePlan plan_devices(std::span<const Target* const> targets, const DeviceRequest& request);
/// "2 threads, 16 scrypt lanes of 32 MiB each: 1 GiB of 18 GiB that are free".
[[nodiscard]] std::string describe(const DevicePlan& plan);
/// Errors: unsupported (an instruction set this machine does not have).
[[nodiscard]] Result<Devices> make_devices(const DevicePlan& plan);

} // namespace salvage::password
