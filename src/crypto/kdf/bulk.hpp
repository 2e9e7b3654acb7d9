// Many secrets through one kernel: filling its lanes, and taking the keys out of them.
#pragma once

#include <span>

#include "crypto/kdf/kernels.hpp"
#include "crypto/kdf/working_memory.hpp"
#include "salvage/crypto/kdf_device.hpp"

namespace salvage::crypto::kdf {

/// PBKDF2.  Requires: job.kind is one of PBKDF2 and the kernel's hash, sizes within the bounds of kdf_device.hpp.
class Pbkdf2Bulk {
public:
    void derive(const Pbkdf2Kernel& kernel, const KdfJob& job, std::span<const ByteView> secrets,
                std::span<std::byte> keys);

private:
    SecretWords words_;
};

/// scrypt.  Keeps its table between calls.
class ScryptBulk {
public:
    explicit ScryptBulk(std::size_t most_lanes) : most_lanes_{most_lanes} {}

    /// Errors: unsupported (factors), io (no memory for the table).
    Result<> derive(const ScryptKernels& kernels, const KdfJob& job, std::span<const ByteView> secrets,
                    std::span<std::byte> keys);
    /// Lanes that run side by side: those of the largest kernel that may be used.
    [[nodiscard]] std::size_t lanes(const ScryptKernels& kernels) const noexcept;

private:
    /// Mixes the blocks B of several secrets in place: `mixed` is a whole number of blocks of 128 r bytes.
    Result<> mix(const ScryptKernels& kernels, ScryptFactors factors, std::span<std::byte> mixed);
    Result<> reserve(const ScryptKernel& kernel, ScryptFactors factors);

    std::size_t most_lanes_;
    PagedMemory memory_;
};

} // namespace salvage::crypto::kdf
