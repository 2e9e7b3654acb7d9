// The part of OpenCL 1.2 that we call, loaded at run time.  Khronos OpenCL 1.2 specification; numbers as in cl.h.
#pragma once

#include "crypto/gpu/library.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace salvage::crypto::gpu::opencl {

using Handle = void*; ///< platform, device, context, queue, program, kernel, memory: all opaque pointers

inline constexpr std::int32_t success = 0;
inline constexpr std::uint64_t device_type_cpu = 1U << 1U;
inline constexpr std::uint64_t device_type_all = 0xFFFFFFFFU;
inline constexpr std::intptr_t context_platform = 0x1084;
inline constexpr std::uint64_t memory_read_write = 1;
inline constexpr std::uint32_t blocking = 1;

enum PlatformInfo : std::uint32_t { platform_version = 0x0901, platform_name = 0x0902 };
enum DeviceInfo : std::uint32_t {
    device_type = 0x1000,
    device_max_compute_units = 0x1002,
    device_max_work_group_size = 0x1004,
    device_max_mem_alloc_size = 0x1010,
    device_global_mem_size = 0x101F,
    device_endian_little = 0x1026,
    device_available = 0x1027,
    device_compiler_available = 0x1028,
    device_name = 0x102B,
    driver_version = 0x102D,
    device_version = 0x102F,
    device_native_vector_width_int = 0x1038,
    device_pci_bus_id_nv = 0x4008,
    device_pci_slot_id_nv = 0x4009,
    device_topology_amd = 0x4037,
    device_pci_bus_info_khr = 0x410F,
};
enum BuildInfo : std::uint32_t { program_build_log = 0x1183 };

struct Functions {
    std::int32_t (*get_platforms)(std::uint32_t, Handle*, std::uint32_t*);
    std::int32_t (*get_platform_info)(Handle, std::uint32_t, std::size_t, void*, std::size_t*);
    std::int32_t (*get_devices)(Handle, std::uint64_t, std::uint32_t, Handle*, std::uint32_t*);
    std::int32_t (*get_device_info)(Handle, std::uint32_t, std::size_t, void*, std::size_t*);
    Handle (*create_context)(const std::intptr_t*, std::uint32_t, const Handle*,
                             void (*)(const char*, const void*, std::size_t, void*), void*, std::int32_t*);
    std::int32_t (*release_context)(Handle);
    Handle (*create_queue)(Handle, Handle, std::uint64_t, std::int32_t*);
    std::int32_t (*release_queue)(Handle);
    Handle (*create_program)(Handle, std::uint32_t, const char**, const std::size_t*, std::int32_t*);
    std::int32_t (*build_program)(Handle, std::uint32_t, const Handle*, const char*, void (*)(Handle, void*), void*);
    std::int32_t (*get_build_info)(Handle, Handle, std::uint32_t, std::size_t, void*, std::size_t*);
    std::int32_t (*release_program)(Handle);
    Handle (*create_kernel)(Handle, const char*, std::int32_t*);
    std::int32_t (*set_argument)(Handle, std::uint32_t, std::size_t, const void*);
    std::int32_t (*release_kernel)(Handle);
    Handle (*create_buffer)(Handle, std::uint64_t, std::size_t, void*, std::int32_t*);
    std::int32_t (*release_memory)(Handle);
    std::int32_t (*enqueue_write)(Handle, Handle, std::uint32_t, std::size_t, std::size_t, const void*, std::uint32_t,
                                  const Handle*, Handle*);
    std::int32_t (*enqueue_read)(Handle, Handle, std::uint32_t, std::size_t, std::size_t, void*, std::uint32_t,
                                 const Handle*, Handle*);
    std::int32_t (*enqueue_fill)(Handle, Handle, const void*, std::size_t, std::size_t, std::size_t, std::uint32_t,
                                 const Handle*, Handle*);
    std::int32_t (*enqueue_kernel)(Handle, Handle, std::uint32_t, const std::size_t*, const std::size_t*,
                                   const std::size_t*, std::uint32_t, const Handle*, Handle*);
    std::int32_t (*finish)(Handle);
};

[[nodiscard]] Loaded<Functions> load(const std::string& name);

} // namespace salvage::crypto::gpu::opencl
