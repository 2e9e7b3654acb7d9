// A CUDA device behind the seam, by the driver API: the primary context, its default stream, every call waited for.
#include "crypto/gpu/cuda.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "crypto/gpu/driver_parts.hpp"
#include "salvage/core/text.hpp"

namespace salvage::crypto::gpu::cuda {
namespace {

/// Work items of a block: four warps.
constexpr std::uint32_t group_items = 128;
/// Kernels have fewer arguments.
constexpr std::size_t most_arguments = 32;
/// A driver that counts more devices is not believed.
constexpr int most_devices = 64;
/// Oldest cards that know shfl.sync with Volta's meaning, as compiled in cuda_compile.cpp: Turing.
constexpr int oldest_major = 7;
constexpr int oldest_minor = 5;

struct Device {
    Functions cuda{};
    GpuProperties properties{};
    int device{0};
    Handle context{nullptr};
    std::vector<Handle> modules;
    std::string why;

    Device() = default;
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
    ~Device()
    {
        if (context != nullptr) {
            cuda.context_use(context);
            std::ranges::for_each(modules, [this](Handle module) { cuda.module_unload(module); });
            cuda.context_release(device);
        }
    }

    /// `status`, after writing down which call gave it.
    int remember(const char* call, int status)
    {
        if (status != success) {
            const char* text = nullptr;
            const bool is_known = cuda.error_text(status, &text) == success && text != nullptr;
            why = fmt::format("{} gave {} ({})", call, status, is_known ? text : "unknown");
        }
        return status;
    }
};

/// The device, made current on this thread.
Device& use(void* context)
{
    auto& device = *static_cast<Device*>(context);
    device.cuda.context_use(device.context);
    return device;
}

/// The program's compiled form: the build's, or NVRTC's.  A status, and `why` in the device.
int load_module(Device& device, const GpuProgram& program, Handle& module)
{
    std::string compiled;
    const char* ptx = program.ptx;
    if (ptx == nullptr) {
        const auto compiler = load_compiler();
        auto text = compiler.why.empty()
                        ? compile(compiler.functions, program)
                        : Result<std::string>{unsupported("no PTX is built in, and no NVRTC is found", compiler.why)};
        if (!text) {
            device.why = to_string(text.error());
            return -1;
        }
        compiled = std::move(*text);
        ptx = compiled.c_str();
    }
    return device.remember("cuModuleLoadData", device.cuda.module_load(&module, ptx));
}

int build(void* context, const GpuProgram* wanted, const char* const* names, std::size_t count, GpuKernel* kernels)
{
    auto& device = use(context);
    Handle module = nullptr;
    if (const int failed = load_module(device, *wanted, module); failed != success) {
        return failed;
    }
    device.modules.push_back(module);
    for (std::size_t i = 0; i < count; ++i) {
        const int status = device.cuda.module_function(&kernels[i].object, module, names[i]);
        if (status != success) {
            return device.remember("cuModuleGetFunction", status);
        }
    }
    return success;
}

int allocate(void* context, std::uint64_t bytes, GpuBuffer* into)
{
    auto& device = use(context);
    *into = {};
    return device.remember("cuMemAlloc", device.cuda.allocate(&into->address, static_cast<std::size_t>(bytes)));
}

void release(void* context, GpuBuffer buffer)
{
    use(context).cuda.release(buffer.address);
}

int write(void* context, GpuBuffer into, const void* from, std::size_t bytes)
{
    auto& device = use(context);
    return device.remember("cuMemcpyHtoD", device.cuda.write(into.address, from, bytes));
}

int read(void* context, GpuBuffer from, std::uint64_t offset, void* into, std::size_t bytes)
{
    auto& device = use(context);
    return device.remember("cuMemcpyDtoH", device.cuda.read(into, from.address + offset, bytes));
}

int clear(void* context, GpuBuffer buffer, std::uint64_t bytes)
{
    auto& device = use(context);
    const int status = device.cuda.fill(buffer.address, 0, static_cast<std::size_t>(bytes));
    return device.remember("cuMemsetD8", status == success ? device.cuda.synchronize() : status);
}

int launch(void* context, GpuKernel kernel, const GpuArgument* arguments, std::size_t count, std::uint32_t groups)
{
    auto& device = use(context);
    if (count > most_arguments) {
        return device.remember("cuLaunchKernel", -1);
    }
    // The driver reads each argument through a pointer, by the kernel's own sizes.
    std::array<GpuArgument, most_arguments> values{};
    std::array<void*, most_arguments> places{};
    for (std::size_t i = 0; i < count; ++i) {
        values[i] = arguments[i];
        places[i] = values[i].kind == gpu_argument_buffer ? static_cast<void*>(&values[i].buffer.address)
                                                          : static_cast<void*>(&values[i].number);
    }
    const int status = device.cuda.launch(kernel.object, groups, 1, 1, device.properties.group_items, 1, 1, 0, nullptr,
                                          places.data(), nullptr);
    return status == success ? device.remember("cuCtxSynchronize", device.cuda.synchronize())
                             : device.remember("cuLaunchKernel", status);
}

int attribute(const Functions& functions, int device, Attribute which)
{
    int value = 0;
    return functions.device_attribute(&value, which, device) == success ? value : 0;
}

GpuInfo info_of(const Functions& functions, int device)
{
    std::array<char, 128> name{};
    std::array<char, 32> card{};
    std::size_t memory = 0;
    int version = 0; // 1000 * major + 10 * minor
    GpuInfo info;
    info.api = "CUDA";
    if (functions.device_name(name.data(), static_cast<int>(name.size()) - 1, device) == success) {
        info.name = printable(name.data());
    }
    if (functions.device_card(card.data(), static_cast<int>(card.size()) - 1, device) == success) {
        info.card = printable(card.data());
        std::ranges::transform(info.card, info.card.begin(),
                               [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
    }
    if (functions.device_memory(&memory, device) == success) {
        info.memory = ByteCount{memory};
    }
    static_cast<void>(functions.driver_version(&version));
    info.driver = fmt::format("NVIDIA CUDA {}.{}", version / 1000, version % 1000 / 10);
    info.compute_units = static_cast<unsigned>(std::max(attribute(functions, device, attribute_multiprocessors), 1));
    return info;
}

bool is_too_old(const Functions& functions, int device)
{
    const auto major = attribute(functions, device, attribute_major);
    const auto minor = attribute(functions, device, attribute_minor);
    return major < oldest_major || (major == oldest_major && minor < oldest_minor);
}

} // namespace

std::vector<GpuInfo> list(const Functions& functions, std::vector<std::string>& notes)
{
    std::vector<GpuInfo> found;
    int count = 0;
    int status = functions.init(0);
    status = status == success ? functions.device_count(&count) : status;
    if (status != success) {
        notes.push_back(fmt::format("CUDA: the driver gave {}", status));
        return found;
    }
    for (int i = 0; i < std::min(count, most_devices); ++i) {
        int device = 0;
        if (functions.device_get(&device, i) != success) {
            continue;
        }
        auto info = info_of(functions, device);
        info.device_index = static_cast<std::uint32_t>(i);
        if (is_too_old(functions, device)) {
            notes.push_back(fmt::format("CUDA: {} is passed over: it is older than compute capability 7.5", info.name));
            continue;
        }
        found.push_back(std::move(info));
    }
    return found;
}

Result<GpuDriver> open(const Functions& functions, const GpuInfo& gpu)
{
    auto device = std::make_unique<Device>();
    device->cuda = functions;
    if (functions.init(0) != success ||
        functions.device_get(&device->device, static_cast<int>(std::min(gpu.device_index, 255U))) != success) {
        return not_found(fmt::format("there is no CUDA device {} now", gpu.device_index));
    }
    // As another part of the process may have set it: a waiting thread that spins is no fault.
    static_cast<void>(functions.context_flags(device->device, blocking_sync));
    const int status =
        device->remember("cuDevicePrimaryCtxRetain", functions.context_retain(&device->context, device->device));
    if (status != success) {
        device->context = nullptr;
        return does_not_open(gpu, printable(device->why));
    }
    device->properties = listed_properties(gpu);
    device->properties.group_items = group_items;
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

} // namespace salvage::crypto::gpu::cuda
