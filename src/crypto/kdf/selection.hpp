// Which kernels this machine runs, and which of them are the fastest for each job.
#pragma once

#include <optional>
#include <string>

#include "crypto/kdf/kernels.hpp"
#include "salvage/crypto/kdf_device.hpp"

namespace salvage::crypto::kdf {

/// A set of kernels and whose they are.
template <typename Kernels>
struct Owned {
    Isa isa{Isa::portable};
    const Kernels* kernels{nullptr};
};
struct Selection {
    Owned<Pbkdf2Kernel> sha1;
    Owned<Pbkdf2Kernel> sha256;
    Owned<ScryptKernels> scrypt;
};

[[nodiscard]] bool is_supported(Isa isa) noexcept;
/// "portable, sse2, avx2".
[[nodiscard]] std::string names_of_supported_isas();

/// The fastest of what the machine has, or of `only` and the portable ones.  Requires: `only` is supported.
[[nodiscard]] Selection select_kernels(std::optional<Isa> only) noexcept;

} // namespace salvage::crypto::kdf
