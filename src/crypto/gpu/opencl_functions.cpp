#include "crypto/gpu/opencl_functions.hpp"

namespace salvage::crypto::gpu::opencl {

Loaded<Functions> load(const std::string& name)
{
    auto library = Library::open(name);
    Loaded<Functions> loaded;
    auto& f = loaded.functions;
    library.find("clGetPlatformIDs", f.get_platforms);
    library.find("clGetPlatformInfo", f.get_platform_info);
    library.find("clGetDeviceIDs", f.get_devices);
    library.find("clGetDeviceInfo", f.get_device_info);
    library.find("clCreateContext", f.create_context);
    library.find("clReleaseContext", f.release_context);
    library.find("clCreateCommandQueue", f.create_queue);
    library.find("clReleaseCommandQueue", f.release_queue);
    library.find("clCreateProgramWithSource", f.create_program);
    library.find("clBuildProgram", f.build_program);
    library.find("clGetProgramBuildInfo", f.get_build_info);
    library.find("clReleaseProgram", f.release_program);
    library.find("clCreateKernel", f.create_kernel);
    library.find("clSetKernelArg", f.set_argument);
    library.find("clReleaseKernel", f.release_kernel);
    library.find("clCreateBuffer", f.create_buffer);
    library.find("clReleaseMemObject", f.release_memory);
    library.find("clEnqueueWriteBuffer", f.enqueue_write);
    library.find("clEnqueueReadBuffer", f.enqueue_read);
    library.find("clEnqueueFillBuffer", f.enqueue_fill);
    library.find("clEnqueueNDRangeKernel", f.enqueue_kernel);
    library.find("clFinish", f.finish);
    loaded.why = library.why();
    return loaded;
}

} // namespace salvage::crypto::gpu::opencl
