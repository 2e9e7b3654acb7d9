// CUDA behind the seam.
#pragma once

#include <string>
#include <vector>

#include "crypto/gpu/cuda_functions.hpp"
#include "crypto/gpu/seam.hpp"
#include "salvage/core/result.hpp"
#include "salvage/crypto/gpu.hpp"

namespace salvage::crypto::gpu::cuda {

/// All usable devices; appends why there are none.
[[nodiscard]] std::vector<GpuInfo> list(const Functions& functions, std::vector<std::string>& notes);

/// Opens the device that `gpu` names.  Errors: not_found; io.
[[nodiscard]] Result<GpuDriver> open(const Functions& functions, const GpuInfo& gpu);

/// `program` as PTX by NVRTC.  Errors: unsupported (with the compiler's words).
[[nodiscard]] Result<std::string> compile(const Compiler& compiler, const GpuProgram& program);

} // namespace salvage::crypto::gpu::cuda
