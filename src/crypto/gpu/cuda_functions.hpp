// The part of CUDA's driver API and of NVRTC that we call, loaded at run time.  NVIDIA CUDA driver API reference;
// numbers as in cuda.h.  A test compares these types with cuda.h where that is installed.
#pragma once

#include "crypto/gpu/library.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace salvage::crypto::gpu::cuda {

using Handle = void*; ///< context, module, function, stream: opaque pointers
using Address = std::uint64_t;

inline constexpr int success = 0;
inline constexpr unsigned blocking_sync = 4; ///< CU_CTX_SCHED_BLOCKING_SYNC: a waiting thread sleeps

enum Attribute : int {
    attribute_multiprocessors = 16,
    attribute_major = 75,
    attribute_minor = 76,
};

struct Functions {
    int (*init)(unsigned);
    int (*driver_version)(int*);
    int (*device_count)(int*);
    int (*device_get)(int*, int);
    int (*device_name)(char*, int, int);
    int (*device_memory)(std::size_t*, int);
    int (*device_attribute)(int*, int, int);
    int (*device_card)(char*, int, int);
    int (*context_flags)(int, unsigned);
    int (*context_retain)(Handle*, int);
    int (*context_release)(int);
    int (*context_use)(Handle);
    int (*synchronize)();
    int (*module_load)(Handle*, const void*);
    int (*module_unload)(Handle);
    int (*module_function)(Handle*, Handle, const char*);
    int (*allocate)(Address*, std::size_t);
    int (*release)(Address);
    int (*write)(Address, const void*, std::size_t);
    int (*read)(void*, Address, std::size_t);
    int (*fill)(Address, unsigned char, std::size_t);
    int (*launch)(Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Handle, void**, void**);
    int (*error_text)(int, const char**);
};

[[nodiscard]] Loaded<Functions> load(const std::string& name);

/// NVRTC: CUDA's compiler as a library.
struct Compiler {
    int (*create)(Handle*, const char*, const char*, int, const char* const*, const char* const*);
    int (*compile)(Handle, int, const char* const*);
    int (*ptx_size)(Handle, std::size_t*);
    int (*ptx)(Handle, char*);
    int (*log_size)(Handle, std::size_t*);
    int (*log)(Handle, char*);
    int (*destroy)(Handle*);
};
/// The first NVRTC that is whole: the one that the system calls by no number, then from the newest.
[[nodiscard]] Loaded<Compiler> load_compiler();

} // namespace salvage::crypto::gpu::cuda
