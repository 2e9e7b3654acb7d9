// OpenCL behind the seam.
#pragma once

#include <vector>

#include "crypto/gpu/opencl_functions.hpp"
#include "crypto/gpu/seam.hpp"
#include "salvage/core/result.hpp"
#include "salvage/crypto/gpu.hpp"

namespace salvage::crypto::gpu::opencl {

/// All usable devices; appends why there are none, or why one is passed over.
[[nodiscard]] std::vector<GpuInfo> list(const Functions& functions, std::vector<std::string>& notes);

/// Opens the device that `gpu` names.  Errors: not_found; io.
[[nodiscard]] Result<GpuDriver> open(const Functions& functions, const GpuInfo& gpu);

} // namespace salvage::crypto::gpu::opencl
