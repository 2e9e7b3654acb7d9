// Kernel sources as text, and compiled for CUDA where the build had nvcc.  The definitions are written by the build:
// cmake/SalvageGpuKernels.cmake.
#pragma once

#include <span>
#include <string_view>

namespace salvage::crypto::gpu {

/// A file of src/crypto/gpu/kernels, or the PTX of a program.  The text is ended by NUL.
struct KernelText {
    std::string_view name; ///< "sha1.cl", "scrypt_r3.ptx"
    const char* text;
};

[[nodiscard]] std::span<const KernelText> kernel_texts() noexcept;

} // namespace salvage::crypto::gpu
