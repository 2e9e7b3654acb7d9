// Kernel sources as text, and compiled for CUDA where the build had nvcc.  The definitions are written by the build:
// cmake/SalvageGpuKernels.cmake.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>

namespace salvage::crypto::gpu {

/// A file of src/crypto/gpu/kernels, or the PTX of a program.  The text is ended by NUL.
struct KernelText {
    std::string_view name; ///< "sha1.cl", "scrypt_r3.ptx"
    const char* text;
};

[[nodiscard]] std::span<const KernelText> kernel_texts() noexcept;

/// Null where this build has none of that name.
[[nodiscard]] inline const char* kernel_text(std::string_view name) noexcept
{
    const auto texts = kernel_texts();
    const auto found = std::ranges::find(texts, name, &KernelText::name);
    return found == texts.end() ? nullptr : found->text;
}

} // namespace salvage::crypto::gpu
