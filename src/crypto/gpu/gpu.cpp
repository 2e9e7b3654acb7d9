// Finding and opening GPUs.
#include "salvage/crypto/gpu.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "crypto/gpu/cuda.hpp"
#include "crypto/gpu/gpu_device.hpp"
#include "crypto/gpu/opencl.hpp"
#include "salvage/core/text.hpp"

namespace salvage::crypto {
namespace {

/// A card is OpenCL's first: that path is the one our tests run.
void mark_duplicates(std::vector<GpuInfo>& gpus)
{
    for (auto gpu = gpus.begin(); gpu != gpus.end(); ++gpu) {
        gpu->is_duplicate = !gpu->card.empty() && std::any_of(gpus.begin(), gpu, [&](const GpuInfo& earlier) {
            return earlier.card == gpu->card;
        });
    }
}

Error no_library(const GpuInfo& gpu, const std::string& why)
{
    return not_found(fmt::format("{} ({}) is not to be reached", gpu.name, gpu.api), printable(why));
}

Result<gpu::GpuDriver> open_driver(const GpuInfo& gpu, const GpuLibraries& libraries)
{
    if (gpu.api == "CUDA") {
        const auto loaded = gpu::cuda::load(libraries.cuda);
        return loaded.why.empty() ? gpu::cuda::open(loaded.functions, gpu) : no_library(gpu, loaded.why);
    }
    const auto loaded = gpu::opencl::load(libraries.opencl);
    return loaded.why.empty() ? gpu::opencl::open(loaded.functions, gpu) : no_library(gpu, loaded.why);
}

} // namespace

GpuList list_gpus(const GpuLibraries& libraries)
{
    GpuList list;
    const auto opencl = gpu::opencl::load(libraries.opencl);
    if (opencl.why.empty()) {
        list.gpus = gpu::opencl::list(opencl.functions, list.notes);
    } else {
        list.notes.push_back(fmt::format("OpenCL: {}", printable(opencl.why)));
    }
    const auto cuda = gpu::cuda::load(libraries.cuda);
    if (cuda.why.empty()) {
        std::ranges::move(gpu::cuda::list(cuda.functions, list.notes), std::back_inserter(list.gpus));
    } else {
        list.notes.push_back(fmt::format("CUDA: {}", printable(cuda.why)));
    }
    mark_duplicates(list.gpus);
    return list;
}

Result<std::unique_ptr<KdfDevice>> open_gpu(const GpuInfo& gpu, const GpuOptions& options)
{
    const auto driver = SALVAGE_TRY(open_driver(gpu, options.libraries));
    return gpu::make_gpu_device(driver, options);
}

} // namespace salvage::crypto
