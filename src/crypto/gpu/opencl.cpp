// An OpenCL device behind the seam: one context, one queue, every call waited for.
#include "crypto/gpu/opencl.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <string>
#include <vector>

#include "crypto/gpu/driver_parts.hpp"
#include "crypto/gpu/opencl_query.hpp"
#include "salvage/core/text.hpp"

namespace salvage::crypto::gpu::opencl {
namespace {

/// Work items of a group on a GPU: a multiple of every maker's width (32, 64).
constexpr std::uint32_t gpu_group_items = 64;
/// A compiler's messages are kept up to here.
constexpr std::size_t longest_log = 4096;
/// Widest vector type of OpenCL.
constexpr std::uint32_t widest_word = 16;

struct Device {
    Functions cl{};
    GpuProperties properties{};
    Handle device{nullptr};
    Handle context{nullptr};
    Handle queue{nullptr};
    std::vector<Handle> programs;
    std::vector<Handle> kernels;
    std::string why;

    Device() = default;
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
    ~Device()
    {
        std::ranges::for_each(kernels, [this](Handle kernel) { cl.release_kernel(kernel); });
        std::ranges::for_each(programs, [this](Handle program) { cl.release_program(program); });
        if (queue != nullptr) {
            cl.release_queue(queue);
        }
        if (context != nullptr) {
            cl.release_context(context);
        }
    }

    /// `status`, after writing down which call gave it.
    int remember(const char* call, std::int32_t status)
    {
        if (status != success) {
            why = fmt::format("{} gave {}", call, status);
        }
        return status;
    }
};

Device& device_of(void* context)
{
    return *static_cast<Device*>(context);
}

int wait(Device& device)
{
    return device.remember("clFinish", device.cl.finish(device.queue));
}

/// The compiler's messages, which say more than its status.
void remember_log(Device& device, Handle program)
{
    std::vector<char> log(longest_log + 1);
    std::size_t size = 0;
    if (device.cl.get_build_info(program, device.device, program_build_log, 0, nullptr, &size) != success ||
        size > longest_log) {
        return; // a longer one cannot be had in part
    }
    if (device.cl.get_build_info(program, device.device, program_build_log, longest_log, log.data(), &size) ==
        success) {
        device.why += std::string{": "} + log.data();
    }
}

int build_program(Device& device, const GpuProgram& wanted, Handle& program)
{
    std::int32_t status = success;
    std::vector<const char*> parts{wanted.parts, wanted.parts + wanted.part_count};
    program = device.cl.create_program(device.context, static_cast<std::uint32_t>(parts.size()), parts.data(), nullptr,
                                       &status);
    if (program == nullptr || status != success) {
        return device.remember("clCreateProgramWithSource", status == success ? -1 : status);
    }
    device.programs.push_back(program);
    const bool is_scrypt = wanted.scrypt_r_log2 != no_scrypt;
    const auto options = is_scrypt
                             ? fmt::format("-cl-std=CL1.2 -DWORD_LANES=1 -DSCRYPT_R_LOG2={}", wanted.scrypt_r_log2)
                             : fmt::format("-cl-std=CL1.2 -DWORD_LANES={}", device.properties.word_lanes);
    status = device.cl.build_program(program, 1, &device.device, options.c_str(), nullptr, nullptr);
    if (status != success) {
        device.remember("clBuildProgram", status);
        remember_log(device, program);
    }
    return status;
}

int build(void* context, const GpuProgram* wanted, const char* const* names, std::size_t count, GpuKernel* kernels)
{
    auto& device = device_of(context);
    Handle program = nullptr;
    if (const int failed = build_program(device, *wanted, program); failed != success) {
        return failed;
    }
    for (std::size_t i = 0; i < count; ++i) {
        std::int32_t status = success;
        Handle kernel = device.cl.create_kernel(program, names[i], &status);
        if (kernel == nullptr || status != success) {
            return device.remember("clCreateKernel", status == success ? -1 : status);
        }
        device.kernels.push_back(kernel);
        kernels[i] = {.object = kernel};
    }
    return success;
}

int clear(void* context, GpuBuffer buffer, std::uint64_t bytes)
{
    auto& device = device_of(context);
    const std::uint32_t zero = 0;
    // Whole numbers only: all our tables are made of them.
    const auto status =
        device.cl.enqueue_fill(device.queue, buffer.object, &zero, sizeof(zero), 0,
                               static_cast<std::size_t>(bytes & ~std::uint64_t{3}), 0, nullptr, nullptr);
    return status == success ? wait(device) : device.remember("clEnqueueFillBuffer", status);
}

int write(void* context, GpuBuffer into, const void* from, std::size_t bytes)
{
    auto& device = device_of(context);
    return device.remember("clEnqueueWriteBuffer", device.cl.enqueue_write(device.queue, into.object, blocking, 0,
                                                                           bytes, from, 0, nullptr, nullptr));
}

int read(void* context, GpuBuffer from, std::uint64_t offset, void* into, std::size_t bytes)
{
    auto& device = device_of(context);
    return device.remember("clEnqueueReadBuffer",
                           device.cl.enqueue_read(device.queue, from.object, blocking, static_cast<std::size_t>(offset),
                                                  bytes, into, 0, nullptr, nullptr));
}

void release(void* context, GpuBuffer buffer)
{
    device_of(context).cl.release_memory(buffer.object);
}

int allocate(void* context, std::uint64_t bytes, GpuBuffer* into)
{
    auto& device = device_of(context);
    std::int32_t status = success;
    Handle memory =
        device.cl.create_buffer(device.context, memory_read_write, static_cast<std::size_t>(bytes), nullptr, &status);
    if (memory == nullptr || status != success) {
        return device.remember("clCreateBuffer", status == success ? -1 : status);
    }
    *into = {.object = memory, .address = 0};
    // Many drivers find the memory only when it is first used: better now than in the middle of a search.
    const std::uint32_t zero = 0;
    if (const int failed = write(context, *into, &zero, sizeof(zero)); failed != success) {
        release(context, *into);
        return failed;
    }
    return success;
}

int set_argument(Device& device, Handle kernel, std::uint32_t place, const GpuArgument& argument)
{
    const auto status = argument.kind == gpu_argument_buffer
                            ? device.cl.set_argument(kernel, place, sizeof(argument.buffer.object),
                                                     static_cast<const void*>(&argument.buffer.object))
                            : device.cl.set_argument(kernel, place, sizeof(argument.number), &argument.number);
    return device.remember("clSetKernelArg", status);
}

int launch(void* context, GpuKernel kernel, const GpuArgument* arguments, std::size_t count, std::uint32_t groups)
{
    auto& device = device_of(context);
    for (std::size_t i = 0; i < count; ++i) {
        const auto place = static_cast<std::uint32_t>(i);
        if (const int failed = set_argument(device, kernel.object, place, arguments[i]); failed != success) {
            return failed;
        }
    }
    const std::size_t group = device.properties.group_items;
    const std::size_t items = group * groups;
    const auto status =
        device.cl.enqueue_kernel(device.queue, kernel.object, 1, nullptr, &items, &group, 0, nullptr, nullptr);
    return status == success ? wait(device) : device.remember("clEnqueueNDRangeKernel", status);
}

/// `width`, or the next smaller width that OpenCL has a type for: 1, 2, 4, 8, 16.
std::uint32_t word_lanes_of(std::uint32_t width)
{
    std::uint32_t lanes = widest_word;
    while (lanes > std::max(width, 1U)) {
        lanes /= 2;
    }
    return lanes;
}

GpuProperties properties_of(const Functions& functions, const GpuInfo& gpu, Handle device)
{
    auto properties = listed_properties(gpu);
    properties.largest_buffer_bytes =
        query<std::uint64_t>(functions, device, device_max_mem_alloc_size).value_or(gpu.memory.value / 4);
    const auto width = query<std::uint32_t>(functions, device, device_native_vector_width_int).value_or(1);
    if (gpu.is_cpu) {
        properties.word_lanes = word_lanes_of(width);
    }
    const auto most_items = query<std::size_t>(functions, device, device_max_work_group_size).value_or(1);
    properties.group_items =
        gpu.is_cpu ? 1 : static_cast<std::uint32_t>(std::min<std::size_t>(gpu_group_items, most_items));
    return properties;
}

Error no_device(const GpuInfo& gpu)
{
    return not_found(
        fmt::format("there is no OpenCL device {} of platform {} now", gpu.device_index, gpu.platform_index),
        "it was there when devices were listed, or the list is another machine's");
}

} // namespace

Result<GpuDriver> open(const Functions& functions, const GpuInfo& gpu)
{
    const auto all = platforms(functions);
    if (gpu.platform_index >= all.size()) {
        return no_device(gpu);
    }
    const auto devices = devices_of(functions, all[gpu.platform_index]);
    if (gpu.device_index >= devices.size()) {
        return no_device(gpu);
    }
    auto device = std::make_unique<Device>();
    device->cl = functions;
    device->device = devices[gpu.device_index];
    device->properties = properties_of(functions, gpu, device->device);
    const auto platform =
        std::bit_cast<std::intptr_t>(all[gpu.platform_index]); // property lists hold handles as numbers
    const std::array<std::intptr_t, 3> wanted{context_platform, platform, 0};
    std::int32_t status = success;
    device->context = functions.create_context(wanted.data(), 1, &device->device, nullptr, nullptr, &status);
    if (device->context == nullptr || status != success) {
        return does_not_open(gpu, fmt::format("clCreateContext gave {}", status));
    }
    device->queue = functions.create_queue(device->context, device->device, 0, &status);
    if (device->queue == nullptr || status != success) {
        return does_not_open(gpu, fmt::format("clCreateCommandQueue gave {}", status));
    }
    return GpuDriver{.context = device.release(),
                     .close = close_device<Device>,
                     .properties = get_properties<Device>,
                     .build = build,
                     .allocate = allocate,
                     .release = release,
                     .write = write,
                     .read = read,
                     .clear = clear,
                     .launch = launch,
                     .why = get_why<Device>};
}

} // namespace salvage::crypto::gpu::opencl
