// GPUs as devices of key derivation: OpenCL and CUDA, found at run time.
//
// Nothing here needs a driver to build or to start: a library that is absent is a note in the list.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/core/units.hpp"
#include "salvage/crypto/kdf_device.hpp"

namespace salvage::crypto {

/// A GPU, or a CPU that OpenCL offers as one.  Texts come from drivers and are made printable.
struct GpuInfo {
    std::string name;
    std::string api; ///< "OpenCL", "CUDA"
    ByteCount memory;
    unsigned compute_units{0};
    bool is_cpu{false};
    std::string driver; ///< platform and version
    std::string card;   ///< "0000:65:00.0" where the driver tells; empty where it does not
    /// The same card was listed before, under another API: a search uses only one of them.
    bool is_duplicate{false};
    /// How its API counts it.
    std::uint32_t platform_index{0};
    std::uint32_t device_index{0};
};

/// Where the drivers' libraries are looked for.  An empty name: not at all.
struct GpuLibraries {
    std::string opencl{"libOpenCL.so.1"};
    std::string cuda{"libcuda.so.1"};
};

struct GpuList {
    std::vector<GpuInfo> gpus;
    /// Why there are none of an API: "OpenCL: libOpenCL.so.1: cannot open shared object file".
    std::vector<std::string> notes;
};

/// All devices, OpenCL's first.  Never fails: what cannot be listed is a note.  Loads the drivers, which may start
/// threads of their own.
[[nodiscard]] GpuList list_gpus(const GpuLibraries& libraries = {});

struct GpuOptions {
    /// Share of the device's memory that may be taken.
    double memory_share{0.85};
    /// Secrets taken at once; nothing: chosen from the device.
    std::optional<std::size_t> batch{};
    /// Keeps every 2^k-th block of scrypt's table; nothing: chosen from memory.
    std::optional<unsigned> scrypt_gap_log2{};
    /// How long one launch may run; a desktop must be able to draw between two.
    std::chrono::milliseconds launch_time{50};
    /// The stop token is asked between launches: derive then fails with cancelled, and the device stays good.
    RunContext context{};
    GpuLibraries libraries{};
};

/// Largest scrypt block size a GPU takes: r = 8, Android's.
inline constexpr unsigned most_gpu_scrypt_r_log2 = 3;

/// Opens a device from list_gpus, compiles the kernels for it, which may take half a minute the first time, and tests
/// them against published answers of every kind.  One thread at a time; a device may be opened more than once (with
/// parts of its memory each), so that one thread's host work hides behind the other's.
///
/// In use, one secret of every batch, chosen by the batch's content, is derived again on the CPU.  A wrong key or a
/// failing driver makes the device lost.
/// Errors: not_found (no such device now); unsupported (its compiler refuses the kernels, or a self-test fails); io.
[[nodiscard]] Result<std::unique_ptr<KdfDevice>> open_gpu(const GpuInfo& gpu, const GpuOptions& options = {});

} // namespace salvage::crypto
