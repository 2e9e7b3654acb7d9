// The seam between our key derivations and what runs them: OpenCL, CUDA, or a fake in a test.
//
// Plain structs, function pointers and status numbers: nothing of a driver's headers or of ours passes through.
// A status of 0 is success; any other number is the driver's own.  One thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace salvage::crypto::gpu {

/// More compute units than any device has: what sizes of batches are made from.
inline constexpr std::uint32_t most_compute_units = 4096;

struct GpuProperties {
    std::array<char, 128> name; ///< as the driver says it: any bytes, ended by NUL
    std::array<char, 16> api;   ///< "OpenCL", "CUDA"
    std::uint64_t memory_bytes;
    std::uint64_t largest_buffer_bytes;
    std::uint32_t compute_units;
    std::uint32_t word_lanes;  ///< candidates that a work item of PBKDF2 takes side by side: see kernels/dialect.cl
    std::uint32_t group_items; ///< work items that start together; sizes of launches are multiples of it
    std::uint32_t is_cpu;
};

/// Memory of the device; a driver uses one of the two.
struct GpuBuffer {
    void* object;
    std::uint64_t address;
};

struct GpuKernel {
    void* object;
};

enum GpuArgumentKind : std::uint32_t { gpu_argument_buffer, gpu_argument_number };

struct GpuArgument {
    GpuArgumentKind kind;
    std::uint32_t number;
    GpuBuffer buffer;
};

/// scrypt_r_log2 of programs that have none.
inline constexpr std::uint32_t no_scrypt = 0xFFFFFFFFU;

/// A program is text in the common dialect, put together from `parts`, and, for CUDA, its compiled form if there is
/// one.
struct GpuProgram {
    const char* name; ///< "pbkdf2_sha1", "scrypt_r3"
    const char* const* parts;
    std::size_t part_count;
    std::uint32_t scrypt_r_log2; ///< or no_scrypt
    const char* ptx;             ///< may be null
};

struct GpuDriver {
    void* context;
    /// Releases everything.
    void (*close)(void* context);
    void (*properties)(void* context, GpuProperties* into);
    /// Compiles `program` and finds `count` kernels in it by name.
    int (*build)(void* context, const GpuProgram* program, const char* const* names, std::size_t count,
                 GpuKernel* kernels);
    /// Memory that is there when this returns 0.
    int (*allocate)(void* context, std::uint64_t bytes, GpuBuffer* into);
    void (*release)(void* context, GpuBuffer buffer);
    int (*write)(void* context, GpuBuffer into, const void* from, std::size_t bytes);
    int (*read)(void* context, GpuBuffer from, std::uint64_t offset, void* into, std::size_t bytes);
    int (*clear)(void* context, GpuBuffer buffer, std::uint64_t bytes);
    /// Runs `groups` groups of group_items work items to their end.
    int (*launch)(void* context, GpuKernel kernel, const GpuArgument* arguments, std::size_t count,
                  std::uint32_t groups);
    /// What the driver has to say about the last failure; valid until the next call, any bytes.
    const char* (*why)(void* context);
};

} // namespace salvage::crypto::gpu
