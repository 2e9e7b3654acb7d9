// The OpenCL side: the whole contract on every OpenCL device of this machine, and a driver that says odd things.
//
// A machine without GPU has one with pocl, which compiles kernels for the CPU (Debian: pocl-opencl-icd).  Its first
// compilation takes about ten seconds; later ones come from a cache beside this program.
#include <gtest/gtest.h>

#if __has_include(<CL/cl.h>)
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#define SALVAGE_HAS_CL_H
#endif

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <span>

#include "crypto/gpu/opencl.hpp"
#include "salvage/crypto/gpu.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "support/vectors.hpp"
#include "unit/crypto/gpu_contract.hpp"

/// LeakSanitizer asks for this: pocl, and the LLVM in it, keep what they compiled until the process ends.
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
extern "C" const char* __lsan_default_suppressions();
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
extern "C" const char* __lsan_default_suppressions()
{
    return "leak:libpocl\nleak:libLLVM\n";
}

namespace salvage::crypto {
namespace {

using test::fails_with;
using test::is_ok;

void keep_what_pocl_compiles()
{
    const auto cache = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "pocl-cache";
    setenv("POCL_CACHE_DIR", cache.c_str(), 0);
}

/// The first OpenCL device, opened; nothing where there is none.
std::unique_ptr<KdfDevice> open_first(const GpuOptions& options = {})
{
    keep_what_pocl_compiles();
    const auto list = list_gpus({.opencl = GpuLibraries{}.opencl, .cuda = {}});
    if (list.gpus.empty()) {
        return nullptr;
    }
    auto device = open_gpu(list.gpus.front(), options);
    EXPECT_TRUE(is_ok(device));
    return device ? std::move(*device) : nullptr;
}

#define SKIP_WITHOUT_OPENCL(device)                                                                                    \
    if ((device) == nullptr) {                                                                                         \
        GTEST_SKIP() << "no OpenCL device here: apt-get install pocl-opencl-icd ocl-icd-libopencl1";                   \
    }

TEST(GpuOpenCl, DerivesEverySizeOfPbkdf2AsTheCpu)
{
    const auto device = open_first();
    SKIP_WITHOUT_OPENCL(device)
    test::expect_pbkdf2_as_on_cpu(*device);
    EXPECT_FALSE(device->is_lost());
}

TEST(GpuOpenCl, DerivesScryptAsTheCpuWithAllOfItsTableOrAPart)
{
    for (const unsigned gap_log2 : {0U, 2U}) {
        const auto device = open_first({.batch = 5, .scrypt_gap_log2 = gap_log2});
        SKIP_WITHOUT_OPENCL(device)
        test::expect_scrypt_as_on_cpu(*device, {{.n_log2 = 8, .r_log2 = 0, .p_log2 = 1},
                                                {.n_log2 = 3, .r_log2 = 3, .p_log2 = 3},
                                                {.n_log2 = 10, .r_log2 = 3, .p_log2 = 1}});
    }
}

KdfKind kind_of(std::string_view section)
{
    return section == "scrypt"             ? KdfKind::scrypt
           : section == "PBKDF2-HMAC-SHA1" ? KdfKind::pbkdf2_sha1
                                           : KdfKind::pbkdf2_sha256;
}

KdfJob job_of(const test::VectorRecord& record, KdfKind kind)
{
    KdfJob job{.kind = kind,
               .salt = record.bytes("Salt"),
               .iterations = Iterations{0},
               .factors = {},
               .key_bytes = record.bytes("Key").size()};
    if (kind == KdfKind::scrypt) {
        const auto log2 = [&](std::string_view name) {
            return static_cast<std::uint8_t>(std::countr_zero(record.number(name)));
        };
        job.factors = {.n_log2 = log2("N"), .r_log2 = log2("R"), .p_log2 = log2("P")};
    } else {
        job.iterations = Iterations{static_cast<std::uint32_t>(record.number("Iterations"))};
    }
    return job;
}

TEST(GpuOpenCl, AgreesWithThePublishedVectors)
{
    const auto device = open_first();
    SKIP_WITHOUT_OPENCL(device)
    for (const auto* const section : {"PBKDF2-HMAC-SHA1", "PBKDF2-HMAC-SHA256", "scrypt"}) {
        for (const auto& record : test::read_vectors(test::sample("crypto/kdf.vec"), section)) {
            const auto job = job_of(record, kind_of(section));
            const auto secret = record.bytes("Password");
            const std::array secrets{ByteView{secret}};
            Bytes key(job.key_bytes);
            ASSERT_TRUE(is_ok(device->derive(job, secrets, key))) << record.where();
            EXPECT_EQ(to_hex(key), to_hex(record.bytes("Key"))) << record.where();
        }
    }
}

TEST(GpuOpenCl, TakesBatchesOfItsOwnSizeAndMore)
{
    const auto device = open_first();
    SKIP_WITHOUT_OPENCL(device)
    KdfJob job{.kind = KdfKind::pbkdf2_sha1,
               .salt = Bytes(16, std::byte{3}),
               .iterations = Iterations{2},
               .factors = {},
               .key_bytes = 32};
    const auto size = device->batch_size(job);
    ASSERT_GE(size, 1U);
    const test::Guesses guesses{size + 3};
    EXPECT_TRUE(test::derives_as_on_cpu(*device, job, guesses.views()));
    job.kind = KdfKind::scrypt;
    EXPECT_GE(device->batch_size(job), 1U);
}

TEST(GpuOpenCl, SaysThatADeviceIsNotThere)
{
    keep_what_pocl_compiles();
    GpuInfo gpu;
    gpu.api = "OpenCL";
    gpu.platform_index = 1000;
    EXPECT_TRUE(fails_with(open_gpu(gpu), ErrorCode::not_found));
    gpu.platform_index = 0;
    gpu.device_index = 1000;
    EXPECT_TRUE(fails_with(open_gpu(gpu), ErrorCode::not_found));
}

namespace cl = gpu::opencl;

/// A driver that counts far too many devices and fills every text to its end with escapes.
cl::Functions lying_driver()
{
    cl::Functions functions{};
    functions.get_platforms = [](std::uint32_t most, cl::Handle*, std::uint32_t* count) {
        *count = most + 1000;
        return cl::success;
    };
    functions.get_devices = [](cl::Handle, std::uint64_t, std::uint32_t most, cl::Handle*, std::uint32_t* count) {
        *count = most + 1000;
        return cl::success;
    };
    functions.get_platform_info = [](cl::Handle, std::uint32_t, std::size_t size, void* into, std::size_t* taken) {
        std::ranges::fill(std::span{static_cast<char*>(into), size}, '\x1b');
        *taken = 1U << 30U;
        return cl::success;
    };
    functions.get_device_info = [](cl::Handle, std::uint32_t what, std::size_t size, void* into, std::size_t* taken) {
        const bool is_text = what == cl::device_name || what == cl::driver_version;
        std::ranges::fill(std::span{static_cast<char*>(into), size}, is_text ? '\x1b' : '\x01');
        *taken = size;
        return cl::success;
    };
    return functions;
}

TEST(GpuOpenCl, BoundsAndCleansWhatADriverSays)
{
    std::vector<std::string> notes;
    const auto found = cl::list(lying_driver(), notes);
    EXPECT_LE(found.size(), 32U * 64U);
    ASSERT_FALSE(found.empty());
    for (const auto& gpu : found) {
        EXPECT_EQ((gpu.name + gpu.driver + gpu.card).find('\x1b'), std::string::npos);
        EXPECT_LT(gpu.name.size() + gpu.driver.size() + gpu.card.size(), 4096U);
    }
}

TEST(GpuOpenCl, PassesOverADeviceThatAnswersNothing)
{
    auto functions = lying_driver();
    functions.get_device_info = [](cl::Handle, std::uint32_t, std::size_t, void*, std::size_t*) { return -30; };
    std::vector<std::string> notes;
    EXPECT_TRUE(cl::list(functions, notes).empty());
    EXPECT_FALSE(notes.empty());
}

#ifdef SALVAGE_HAS_CL_H
/// Our own declarations against Khronos' header.
static_assert(cl::device_type == CL_DEVICE_TYPE && cl::device_type_cpu == CL_DEVICE_TYPE_CPU);
static_assert(cl::device_type_all == CL_DEVICE_TYPE_ALL && cl::context_platform == CL_CONTEXT_PLATFORM);
static_assert(cl::memory_read_write == CL_MEM_READ_WRITE && cl::program_build_log == CL_PROGRAM_BUILD_LOG);
static_assert(cl::platform_name == CL_PLATFORM_NAME && cl::platform_version == CL_PLATFORM_VERSION);
static_assert(cl::device_max_compute_units == CL_DEVICE_MAX_COMPUTE_UNITS);
static_assert(cl::device_max_work_group_size == CL_DEVICE_MAX_WORK_GROUP_SIZE);
static_assert(cl::device_max_mem_alloc_size == CL_DEVICE_MAX_MEM_ALLOC_SIZE);
static_assert(cl::device_global_mem_size == CL_DEVICE_GLOBAL_MEM_SIZE);
static_assert(cl::device_endian_little == CL_DEVICE_ENDIAN_LITTLE && cl::device_available == CL_DEVICE_AVAILABLE);
static_assert(cl::device_compiler_available == CL_DEVICE_COMPILER_AVAILABLE && cl::device_name == CL_DEVICE_NAME);
static_assert(cl::driver_version == CL_DRIVER_VERSION && cl::device_version == CL_DEVICE_VERSION);
static_assert(cl::device_native_vector_width_int == CL_DEVICE_NATIVE_VECTOR_WIDTH_INT);
#endif

} // namespace
} // namespace salvage::crypto
