// Which devices a search gets: threads by cores, scrypt lanes by the memory that is free.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "salvage/crypto/gpu.hpp"
#include "salvage/password/search.hpp"

namespace salvage::password {

/// Whether a search runs on GPUs as well.
enum class GpuUse : std::uint8_t {
    none,
    found, ///< every GPU that is found
    any,   ///< and CPUs that OpenCL offers as devices: slower than our own kernels, for checks
};

struct DeviceRequest {
    unsigned threads{0}; ///< 0: one a core
    std::optional<crypto::Isa> isa{};
    std::optional<std::size_t> scrypt_lanes{}; ///< nothing: as many as pay and memory allows
    GpuUse gpu{GpuUse::none};
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
    std::vector<crypto::GpuInfo> gpus{};
    std::vector<std::string> gpu_notes{}; ///< why there are none of an API, where GPUs were asked for
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
/// With the memory that is free now, and the GPUs that are found.  Each GPU takes a core's time of the CPU's threads.
[[nodiscard]] DevicePlan plan_devices(std::span<const Target* const> targets, const DeviceRequest& request);
/// "2 threads, 16 scrypt lanes of 32 MiB each: 1 GiB of 18 GiB that are free".
[[nodiscard]] std::string describe(const DevicePlan& plan);
/// Opening a GPU builds its kernels and tests them, which may take half a minute the first time.  A GPU looks at
/// `context`'s stop token, and lives no longer than what `context` points at.
/// Errors: unsupported (an instruction set this machine does not have); those of crypto::open_gpu.
[[nodiscard]] Result<Devices> make_devices(const DevicePlan& plan, const RunContext& context = {});

} // namespace salvage::password
