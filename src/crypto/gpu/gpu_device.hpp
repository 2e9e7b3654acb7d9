// A GPU as a device of key derivation, whatever driver stands behind the seam.
#pragma once

#include <memory>

#include "crypto/gpu/seam.hpp"
#include "salvage/core/result.hpp"
#include "salvage/crypto/gpu.hpp"
#include "salvage/crypto/kdf_device.hpp"

namespace salvage::crypto::gpu {

/// Takes `driver` over, tests what it computes, and hands out the device.
/// Errors: unsupported (a program that does not compile, a failed self-test); io.
[[nodiscard]] Result<std::unique_ptr<KdfDevice>> make_gpu_device(const GpuDriver& driver, const GpuOptions& options);

/// Published answers of every kind, and longer ones against the CPU.  Errors: unsupported; what derive gives.
[[nodiscard]] Result<> self_test(KdfDevice& device);
/// The part of it that is scrypt.
[[nodiscard]] Result<> self_test_scrypt(KdfDevice& device);

} // namespace salvage::crypto::gpu
