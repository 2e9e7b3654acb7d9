// The CUDA side, as far as a machine without an NVIDIA card can prove it: the kernels compile as CUDA by two
// compilers, our declarations are those of cuda.h, and the host's code runs against a driver of our own making.
#include <gtest/gtest.h>

#if __has_include("/usr/local/cuda/include/cuda.h")
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#include "/usr/local/cuda/include/cuda.h"
#pragma GCC diagnostic pop
#define SALVAGE_HAS_CUDA_H
#endif

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <type_traits>
#include <vector>

#include "crypto/gpu/cuda.hpp"
#include "crypto/gpu/gpu_device.hpp"
#include "crypto/gpu/kernel_sources.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "unit/crypto/gpu_contract.hpp"
#include "unit/crypto/gpu_fake.hpp"

namespace salvage::crypto::gpu {
namespace {

using test::is_ok;

struct Source {
    const char* name;
    std::vector<const char*> parts;
};
std::vector<Source> sources()
{
    const auto* const dialect = kernel_text("dialect.cl");
    return {{"pbkdf2_sha1", {dialect, kernel_text("sha1.cl"), kernel_text("pbkdf2.cl")}},
            {"pbkdf2_sha256", {dialect, kernel_text("sha256.cl"), kernel_text("pbkdf2.cl")}},
            {"scrypt", {dialect, kernel_text("sha256.cl"), kernel_text("scrypt.cl")}}};
}

/// Writes each program to a file and runs `command` on it; what the compiler says is the failure's text.
void expect_compiles(const std::string& command, const std::string& ending)
{
    const test::TemporaryFolder folder;
    for (const auto& source : sources()) {
        const auto file = folder.path() / (source.name + ending);
        std::ofstream out{file};
        for (const auto* const part : source.parts) {
            ASSERT_NE(part, nullptr);
            out << part;
        }
        out.close();
        const auto log = folder.path() / "log";
        const auto line =
            command + " " + file.string() + " -o " + (folder.path() / "out").string() + " 2>" + log.string();
        EXPECT_EQ(std::system(line.c_str()), 0) // NOLINT(cert-env33-c): a compiler, on our own file
            << source.name << ": " << std::ifstream{log}.rdbuf();
    }
}

bool has_clang()
{
    return std::system("clang-19 --version >/dev/null 2>&1") == 0; // NOLINT(cert-env33-c)
}

TEST(GpuKernels, CompileAsCudaByClang)
{
    if (!has_clang()) {
        GTEST_SKIP() << "no clang-19 here: apt-get install clang-19";
    }
    expect_compiles("clang-19 -x cuda -nocudainc -nocudalib --cuda-device-only -S -O1 --cuda-gpu-arch=sm_75 "
                    "-Wno-unknown-cuda-version -DSCRYPT_R_LOG2=3",
                    ".cu");
}

/// The branches of the dialect that pocl does not take: AMD's and NVIDIA's register exchange in OpenCL C.
TEST(GpuKernels, CompileAsOpenClForAmdAndNvidiaByClang)
{
    if (!has_clang()) {
        GTEST_SKIP() << "no clang-19 here: apt-get install clang-19";
    }
    // NVIDIA's OpenCL knows asm, clang's only __asm__.
    const std::string opencl = "clang-19 -x cl -cl-std=CL1.2 -nogpulib -Xclang -finclude-default-header "
                               "-DSCRYPT_R_LOG2=3 -Dasm=__asm__ -O1 -S ";
    expect_compiles(opencl + "--target=amdgcn-amd-amdhsa -mcpu=gfx1030", ".cl");
    expect_compiles(opencl + "--target=nvptx64-nvidia-nvcl -Xclang -target-cpu -Xclang sm_75 -D__NV_CL_C_VERSION=120",
                    ".cl");
}

TEST(GpuKernels, CompileAsCudaByNvrtc)
{
    const auto compiler = cuda::load_compiler();
    if (!compiler.why.empty()) {
        GTEST_SKIP() << "no NVRTC here: " << compiler.why;
    }
    for (const auto& source : sources()) {
        const GpuProgram program{.name = source.name,
                                 .parts = source.parts.data(),
                                 .part_count = source.parts.size(),
                                 .scrypt_r_log2 = std::string_view{source.name} == "scrypt" ? 3 : no_scrypt,
                                 .ptx = nullptr};
        const auto ptx = cuda::compile(compiler.functions, program);
        ASSERT_TRUE(is_ok(ptx)) << source.name;
        EXPECT_NE(ptx->find(".visible .entry"), std::string::npos);
    }
    const std::array<const char*, 1> broken{"this is no program"};
    const GpuProgram program{
        .name = "broken", .parts = broken.data(), .part_count = 1, .scrypt_r_log2 = no_scrypt, .ptx = nullptr};
    const auto ptx = cuda::compile(compiler.functions, program);
    ASSERT_TRUE(test::fails_with(ptx, ErrorCode::unsupported));
    EXPECT_NE(ptx.error().why.find("error"), std::string::npos) << "the compiler's words are missing";
}

#ifdef SALVAGE_HAS_CUDA_H
/// Two parameters that are passed alike: the same size, and both pointers or neither.
template <typename A, typename B>
constexpr bool passed_alike = sizeof(A) == sizeof(B) && std::is_pointer_v<A> == std::is_pointer_v<B>;

template <typename ResultA, typename... A, typename ResultB, typename... B>
constexpr bool called_alike(ResultA (*)(A...), ResultB (*)(B...))
{
    if constexpr (sizeof...(A) != sizeof...(B)) {
        return false;
    } else {
        return sizeof(ResultA) == sizeof(ResultB) && (passed_alike<A, B> && ...);
    }
}

constexpr cuda::Functions none{};
static_assert(called_alike(none.init, decltype(&cuInit){}));
static_assert(called_alike(none.driver_version, decltype(&cuDriverGetVersion){}));
static_assert(called_alike(none.device_count, decltype(&cuDeviceGetCount){}));
static_assert(called_alike(none.device_get, decltype(&cuDeviceGet){}));
static_assert(called_alike(none.device_name, decltype(&cuDeviceGetName){}));
static_assert(called_alike(none.device_memory, decltype(&cuDeviceTotalMem_v2){}));
static_assert(called_alike(none.device_attribute, decltype(&cuDeviceGetAttribute){}));
static_assert(called_alike(none.device_card, decltype(&cuDeviceGetPCIBusId){}));
static_assert(called_alike(none.context_flags, decltype(&cuDevicePrimaryCtxSetFlags_v2){}));
static_assert(called_alike(none.context_retain, decltype(&cuDevicePrimaryCtxRetain){}));
static_assert(called_alike(none.context_release, decltype(&cuDevicePrimaryCtxRelease_v2){}));
static_assert(called_alike(none.context_use, decltype(&cuCtxSetCurrent){}));
static_assert(called_alike(none.synchronize, decltype(&cuCtxSynchronize){}));
static_assert(called_alike(none.module_load, decltype(&cuModuleLoadData){}));
static_assert(called_alike(none.module_unload, decltype(&cuModuleUnload){}));
static_assert(called_alike(none.module_function, decltype(&cuModuleGetFunction){}));
static_assert(called_alike(none.allocate, decltype(&cuMemAlloc_v2){}));
static_assert(called_alike(none.release, decltype(&cuMemFree_v2){}));
static_assert(called_alike(none.write, decltype(&cuMemcpyHtoD_v2){}));
static_assert(called_alike(none.read, decltype(&cuMemcpyDtoH_v2){}));
static_assert(called_alike(none.fill, decltype(&cuMemsetD8_v2){}));
static_assert(called_alike(none.launch, decltype(&cuLaunchKernel){}));
static_assert(called_alike(none.error_text, decltype(&cuGetErrorString){}));
static_assert(cuda::blocking_sync == CU_CTX_SCHED_BLOCKING_SYNC);
static_assert(int{cuda::attribute_multiprocessors} == int{CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT});
static_assert(int{cuda::attribute_major} == int{CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR});
static_assert(int{cuda::attribute_minor} == int{CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR});
#endif

/// A driver of CUDA that runs the kernels on this thread.  Modules are named by what should be their PTX.
struct FakeCuda {
    static int module_load(cuda::Handle* module, const void* image)
    {
        *module = new std::string{static_cast<const char*>(image)};
        return cuda::success;
    }
    static int module_unload(cuda::Handle module)
    {
        const std::unique_ptr<std::string> name{static_cast<std::string*>(module)};
        return cuda::success;
    }
    static int module_function(cuda::Handle* function, cuda::Handle module, const char* name)
    {
        const auto* const kernel = test::kernels::find(*static_cast<std::string*>(module), name);
        *function = const_cast<test::kernels::Kernel*>(kernel);
        return kernel == nullptr ? 500 : cuda::success;
    }
    static void* pointer_of(cuda::Address address)
    {
        return reinterpret_cast<void*>(address); // NOLINT: a device's address, made by allocate below
    }
    static int allocate(cuda::Address* address, std::size_t bytes)
    {
        *address = reinterpret_cast<cuda::Address>(std::malloc(bytes)); // NOLINT: as above
        return *address == 0 ? 2 : cuda::success;
    }
    static int release(cuda::Address address)
    {
        std::free(pointer_of(address)); // NOLINT: as above
        return cuda::success;
    }
    static int launch(cuda::Handle function, unsigned groups, unsigned, unsigned, unsigned group, unsigned, unsigned,
                      unsigned, cuda::Handle, void** arguments, void**)
    {
        const auto& kernel = *static_cast<const test::kernels::Kernel*>(function);
        std::vector<test::kernels::Value> values;
        for (std::size_t i = 0; i < kernel.arguments; ++i) {
            test::kernels::Value value;
            if (kernel.is_pointer.at(i)) {
                value.pointer = pointer_of(*static_cast<const cuda::Address*>(arguments[i]));
            } else {
                value.number = *static_cast<const std::uint32_t*>(arguments[i]);
            }
            values.push_back(value);
        }
        test::kernels::run(kernel, values, groups * group);
        return cuda::success;
    }
    static int attribute(int* value, int which, int)
    {
        *value = which == cuda::attribute_major ? 9 : which == cuda::attribute_multiprocessors ? 2 : 0;
        return cuda::success;
    }

    [[nodiscard]] static cuda::Functions functions()
    {
        return {.init = [](unsigned) { return cuda::success; },
                .driver_version = [](int* version) { return *version = 13000, cuda::success; },
                .device_count = [](int* count) { return *count = 1, cuda::success; },
                .device_get = [](int* device, int i) { return *device = i, i == 0 ? cuda::success : 101; },
                .device_name = [](char* into, int, int) { return std::strcpy(into, "Fake \x1b"), cuda::success; },
                .device_memory = [](std::size_t* bytes, int) { return *bytes = 1U << 30U, cuda::success; },
                .device_attribute = attribute,
                .device_card = [](char* into, int, int) { return std::strcpy(into, "0000:AF:00.0"), cuda::success; },
                .context_flags = [](int, unsigned) { return cuda::success; },
                .context_retain = [](cuda::Handle* context, int) { return *context = context, cuda::success; },
                .context_release = [](int) { return cuda::success; },
                .context_use = [](cuda::Handle) { return cuda::success; },
                .synchronize = [] { return cuda::success; },
                .module_load = module_load,
                .module_unload = module_unload,
                .module_function = module_function,
                .allocate = allocate,
                .release = release,
                .write = [](cuda::Address into, const void* from,
                            std::size_t bytes) { return std::memcpy(pointer_of(into), from, bytes), cuda::success; },
                .read = [](void* into, cuda::Address from,
                           std::size_t bytes) { return std::memcpy(into, pointer_of(from), bytes), cuda::success; },
                .fill = [](cuda::Address into, unsigned char value,
                           std::size_t bytes) { return std::memset(pointer_of(into), value, bytes), cuda::success; },
                .launch = launch,
                .error_text = [](int, const char** text) { return *text = "by order", cuda::success; }};
    }
};

decltype(GpuDriver::build) real_build = nullptr;

/// `driver`, given the program's name for its PTX: that is what FakeCuda knows.
GpuDriver with_names_for_ptx(GpuDriver driver)
{
    real_build = driver.build;
    driver.build = [](void* context, const GpuProgram* program, const char* const* names, std::size_t count,
                      GpuKernel* kernels) {
        auto named = *program;
        named.ptx = program->name;
        return real_build(context, &named, names, count, kernels);
    };
    return driver;
}

TEST(GpuCuda, HostCodeDerivesAsTheCpuThroughADriverOfOurOwn)
{
    const auto functions = FakeCuda::functions();
    std::vector<std::string> notes;
    const auto found = cuda::list(functions, notes);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].name.find('\x1b'), std::string::npos);
    EXPECT_EQ(found[0].card, "0000:af:00.0");
    EXPECT_EQ(found[0].driver, "NVIDIA CUDA 13.0");
    auto driver = cuda::open(functions, found[0]);
    ASSERT_TRUE(is_ok(driver));
    const auto device = make_gpu_device(with_names_for_ptx(*driver), {.batch = 20});
    ASSERT_TRUE(is_ok(device));
    test::expect_pbkdf2_as_on_cpu(**device);
    test::expect_scrypt_as_on_cpu(**device, {{.n_log2 = 4, .r_log2 = 3, .p_log2 = 1}});
}

TEST(GpuCuda, SaysWhatTheDriverSaysWhenItFails)
{
    auto functions = FakeCuda::functions();
    std::vector<std::string> notes;
    const auto found = cuda::list(functions, notes);
    ASSERT_EQ(found.size(), 1U);
    functions.launch = [](cuda::Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                          cuda::Handle, void**, void**) { return 719; };
    auto driver = cuda::open(functions, found[0]);
    ASSERT_TRUE(is_ok(driver));
    const auto device = make_gpu_device(with_names_for_ptx(*driver), {});
    ASSERT_FALSE(device.has_value());
    EXPECT_NE(to_string(device.error()).find("cuLaunchKernel gave 719 (by order)"), std::string::npos)
        << to_string(device.error());
}

TEST(GpuCuda, PassesOverCardsThatAreTooOldAndDriversThatFail)
{
    auto functions = FakeCuda::functions();
    functions.device_attribute = [](int* value, int, int) { return *value = 6, cuda::success; };
    std::vector<std::string> notes;
    EXPECT_TRUE(cuda::list(functions, notes).empty());
    EXPECT_EQ(notes.size(), 1U);
    functions.init = [](unsigned) { return 100; };
    EXPECT_TRUE(cuda::list(functions, notes).empty());
    EXPECT_EQ(notes.size(), 2U);
}

} // namespace
} // namespace salvage::crypto::gpu
