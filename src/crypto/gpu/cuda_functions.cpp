#include "crypto/gpu/cuda_functions.hpp"

#include <array>

namespace salvage::crypto::gpu::cuda {

// Where a function has been given a new shape, its name ends in _v2 and cuda.h hides that by a macro.
Loaded<Functions> load(const std::string& name)
{
    auto library = Library::open(name);
    Loaded<Functions> loaded;
    auto& f = loaded.functions;
    library.find("cuInit", f.init);
    library.find("cuDriverGetVersion", f.driver_version);
    library.find("cuDeviceGetCount", f.device_count);
    library.find("cuDeviceGet", f.device_get);
    library.find("cuDeviceGetName", f.device_name);
    library.find("cuDeviceTotalMem_v2", f.device_memory);
    library.find("cuDeviceGetAttribute", f.device_attribute);
    library.find("cuDeviceGetPCIBusId", f.device_card);
    library.find("cuDevicePrimaryCtxSetFlags_v2", f.context_flags);
    library.find("cuDevicePrimaryCtxRetain", f.context_retain);
    library.find("cuDevicePrimaryCtxRelease_v2", f.context_release);
    library.find("cuCtxSetCurrent", f.context_use);
    library.find("cuCtxSynchronize", f.synchronize);
    library.find("cuModuleLoadData", f.module_load);
    library.find("cuModuleUnload", f.module_unload);
    library.find("cuModuleGetFunction", f.module_function);
    library.find("cuMemAlloc_v2", f.allocate);
    library.find("cuMemFree_v2", f.release);
    library.find("cuMemcpyHtoD_v2", f.write);
    library.find("cuMemcpyDtoH_v2", f.read);
    library.find("cuMemsetD8_v2", f.fill);
    library.find("cuLaunchKernel", f.launch);
    library.find("cuGetErrorString", f.error_text);
    loaded.why = library.why();
    return loaded;
}

Loaded<Compiler> load_compiler()
{
    Loaded<Compiler> loaded;
    for (const auto* const name : {"libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2"}) {
        auto library = Library::open(name);
        auto& f = loaded.functions;
        library.find("nvrtcCreateProgram", f.create);
        library.find("nvrtcCompileProgram", f.compile);
        library.find("nvrtcGetPTXSize", f.ptx_size);
        library.find("nvrtcGetPTX", f.ptx);
        library.find("nvrtcGetProgramLogSize", f.log_size);
        library.find("nvrtcGetProgramLog", f.log);
        library.find("nvrtcDestroyProgram", f.destroy);
        loaded.why = library.why();
        if (loaded.why.empty()) {
            break;
        }
    }
    return loaded;
}

} // namespace salvage::crypto::gpu::cuda
