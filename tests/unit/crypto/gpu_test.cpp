// GPU devices above the seam: right answers, planned memory, lies, deaths, stops.  The device is a fake that runs the
// real kernels; gpu_opencl_test.cpp runs them on an OpenCL device.
#include "salvage/crypto/gpu.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "crypto/gpu/gpu_device.hpp"
#include "crypto/gpu/pbkdf2.hpp"
#include "crypto/gpu/scrypt.hpp"
#include "crypto/gpu/scrypt_plan.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "unit/crypto/gpu_contract.hpp"
#include "unit/crypto/gpu_fake.hpp"

namespace salvage::crypto::gpu {
namespace {

using test::fails_with;
using test::FakeGpu;
using test::Guesses;
using test::is_ok;

constexpr ScryptFactors small_scrypt{.n_log2 = 5, .r_log2 = 3, .p_log2 = 1};

KdfJob job_of(KdfKind kind)
{
    return {.kind = kind,
            .salt = Bytes(16, std::byte{0x5A}),
            .iterations = Iterations{20},
            .factors = small_scrypt,
            .key_bytes = 48};
}
const std::vector<KdfKind> all_kinds{KdfKind::pbkdf2_sha1, KdfKind::pbkdf2_sha256, KdfKind::scrypt};

std::unique_ptr<KdfDevice> open_fake(FakeGpu& gpu, const GpuOptions& options = {})
{
    auto device = make_gpu_device(gpu.driver(), options);
    EXPECT_TRUE(is_ok(device));
    return device ? std::move(*device) : nullptr;
}

TEST(Gpu, AgreesWithTheCpuForEverySizeOfEverything)
{
    FakeGpu gpu;
    const auto device = open_fake(gpu, {.batch = 7});
    ASSERT_NE(device, nullptr);
    test::expect_pbkdf2_as_on_cpu(*device);
    test::expect_scrypt_as_on_cpu(*device, {{.n_log2 = 1, .r_log2 = 0, .p_log2 = 0},
                                            {.n_log2 = 4, .r_log2 = 0, .p_log2 = 3},
                                            {.n_log2 = 6, .r_log2 = 3, .p_log2 = 0},
                                            {.n_log2 = 5, .r_log2 = 3, .p_log2 = 2}});
}

TEST(Gpu, GivesItsMemoryBack)
{
    FakeGpu gpu;
    {
        const auto device = open_fake(gpu);
        ASSERT_NE(device, nullptr);
        EXPECT_GT(gpu.buffers, 0U);
    }
    EXPECT_EQ(gpu.buffers, 0U);
    EXPECT_EQ(gpu.memory_used, 0U);
    EXPECT_FALSE(gpu.is_open);
}

/// Less of the table, several buffers, fewer streams than candidates: always the same keys.
TEST(Gpu, TradesMemoryForTimeWithoutChangingScryptsKeys)
{
    for (const unsigned gap_log2 : {0U, 1U, 2U, 3U, 4U}) {
        for (const std::uint64_t memory_mib : {2U, 1024U}) { // room for three whole tables; for more than are asked for
            FakeGpu gpu;
            gpu.properties.memory_bytes = memory_mib << 20U;
            gpu.properties.largest_buffer_bytes = std::uint64_t{2} << 20U; // four whole tables in a buffer
            const auto device = open_fake(gpu, {.batch = 9, .scrypt_gap_log2 = gap_log2});
            ASSERT_NE(device, nullptr);
            test::expect_scrypt_as_on_cpu(*device, {{.n_log2 = 9, .r_log2 = 3, .p_log2 = 1}});
        }
    }
}

/// The arithmetic and the rows of cards whose neighbours exchange registers; the exchange itself is theirs.
TEST(Gpu, SharesASalsaMatrixAmongFourWorkItems)
{
    FakeGpu gpu;
    Session session{gpu.driver()};
    auto first = Pbkdf2::make(session, KdfKind::pbkdf2_sha256, std::chrono::seconds{1});
    ASSERT_TRUE(is_ok(first));
    gpu.kernels_suffix = " of four";
    for (const unsigned gap_log2 : {0U, 2U}) {
        auto scrypt = Scrypt::make(
            session, *first, 0,
            {.launch_time = std::chrono::milliseconds{5}, .memory = ByteCount{1U << 20U}, .gap_log2 = gap_log2});
        ASSERT_TRUE(is_ok(scrypt));
        auto job = job_of(KdfKind::scrypt);
        job.factors = {.n_log2 = 6, .r_log2 = 0, .p_log2 = 1};
        const Guesses guesses{9};
        Bytes keys(guesses.size() * job.key_bytes);
        ASSERT_TRUE(is_ok(scrypt->derive(job, guesses.views(), keys, {})));
        EXPECT_EQ(keys, test::keys_on_cpu(job, guesses.views())) << "gap 2^" << gap_log2;
    }
}

TEST(Gpu, TakesWhatMemoryThereIsAndSaysSoWhereThereIsNone)
{
    FakeGpu gpu;
    const auto device = open_fake(gpu, {.batch = 8});
    ASSERT_NE(device, nullptr);
    auto job = job_of(KdfKind::scrypt);
    job.factors = {.n_log2 = 10, .r_log2 = 3, .p_log2 = 0};
    const Guesses guesses{8};
    Bytes keys(guesses.size() * job.key_bytes);
    // The device promised 1 GiB; another program took all but room for about three tables of 512 KiB to 1 MiB.
    gpu.memory_really = gpu.memory_used + (3U << 20U);
    ASSERT_TRUE(is_ok(device->derive(job, guesses.views(), keys)));
    EXPECT_EQ(keys, test::keys_on_cpu(job, guesses.views()));
    EXPECT_FALSE(device->is_lost());
    gpu.memory_really = 0;
    job.factors = {.n_log2 = 9, .r_log2 = 3, .p_log2 = 0};
    EXPECT_FALSE(device->derive(job, guesses.views(), keys).has_value());
}

TEST(Gpu, RefusesWhatIsBeyondItsBounds)
{
    FakeGpu gpu;
    const auto device = open_fake(gpu);
    ASSERT_NE(device, nullptr);
    const Guesses guesses{1};
    const auto refuses = [&](const KdfJob& job, ErrorCode code = ErrorCode::unsupported) {
        Bytes keys(code == ErrorCode::unsupported ? job.key_bytes : job.key_bytes + 1);
        return fails_with(device->derive(job, guesses.views(), keys), code);
    };
    auto job = job_of(KdfKind::pbkdf2_sha1);
    job.key_bytes = max_kdf_key_bytes + 1;
    EXPECT_TRUE(refuses(job));
    job = job_of(KdfKind::pbkdf2_sha1);
    job.salt.resize(max_kdf_salt_bytes + 1);
    EXPECT_TRUE(refuses(job));
    EXPECT_TRUE(refuses(job_of(KdfKind::pbkdf2_sha1), ErrorCode::invalid_argument)) << "no room for the keys";
    job = job_of(KdfKind::scrypt);
    for (const auto factors :
         {ScryptFactors{.n_log2 = 15, .r_log2 = 4, .p_log2 = 1}, ScryptFactors{.n_log2 = 0, .r_log2 = 3, .p_log2 = 1},
          ScryptFactors{.n_log2 = 16, .r_log2 = 0, .p_log2 = 0}, ScryptFactors{.n_log2 = 21, .r_log2 = 3, .p_log2 = 0},
          ScryptFactors{.n_log2 = 5, .r_log2 = 3, .p_log2 = 8},
          ScryptFactors{.n_log2 = 255, .r_log2 = 255, .p_log2 = 255}}) {
        job.factors = factors;
        EXPECT_TRUE(refuses(job));
    }
    EXPECT_FALSE(device->is_lost()) << "a job it does not take says nothing about a device";
    EXPECT_TRUE(is_ok(device->derive(job_of(KdfKind::scrypt), {}, {}))) << "no secrets, no keys";
}

/// The first, the second, … call to the driver fails, until none does: an error each time, never a wrong key.
TEST(Gpu, DiesAtAnyCallWithoutAWrongKey)
{
    for (const auto kind : all_kinds) {
        const auto job = job_of(kind);
        const Guesses guesses{5};
        const auto expected = test::keys_on_cpu(job, guesses.views());
        bool is_through = false;
        for (std::size_t call = 0; !is_through; ++call) {
            ASSERT_LT(call, 1000U);
            FakeGpu gpu;
            auto device = open_fake(gpu);
            ASSERT_NE(device, nullptr);
            gpu.fails_at_call = gpu.calls + call;
            Bytes keys(expected.size());
            const auto done = device->derive(job, guesses.views(), keys);
            is_through = gpu.calls <= *gpu.fails_at_call;
            if (done) {
                ASSERT_EQ(keys, expected); // nothing failed, or memory was found at the second attempt
                ASSERT_FALSE(device->is_lost());
            } else {
                ASSERT_TRUE(device->is_lost());
                ASSERT_TRUE(is_all_zero(keys));
                ASSERT_NE(to_string(done.error()).find("Fake 3000"), std::string::npos);
                ASSERT_FALSE(device->derive(job, guesses.views(), keys).has_value()) << "lost stays lost";
            }
            device.reset();
            ASSERT_EQ(gpu.buffers, 0U);
        }
    }
}

TEST(Gpu, IsRefusedWhereItFailsItsSelfTestOrDiesInIt)
{
    FakeGpu liar;
    liar.on_read = [](std::span<std::byte> bytes) { bytes.back() ^= std::byte{1}; };
    EXPECT_FALSE(make_gpu_device(liar.driver(), {}).has_value());
    EXPECT_EQ(liar.buffers, 0U);
    EXPECT_FALSE(liar.is_open);
    for (std::size_t call = 0; call < 40; ++call) {
        FakeGpu gpu;
        gpu.fails_at_call = call;
        const auto opened = make_gpu_device(gpu.driver(), {});
        if (!opened) {
            EXPECT_FALSE(gpu.is_open);
            EXPECT_EQ(gpu.buffers, 0U);
        }
    }
}

TEST(Gpu, IsLostWhenItLies)
{
    for (const auto kind : all_kinds) {
        FakeGpu gpu;
        const auto device = open_fake(gpu);
        ASSERT_NE(device, nullptr);
        gpu.on_read = [](std::span<std::byte> bytes) {
            if (bytes.size() > 4) { // not the small answers, which say whether scrypt is through
                std::ranges::for_each(bytes, [](std::byte& byte) { byte ^= std::byte{0x10}; });
            }
        };
        const auto job = job_of(kind);
        const Guesses guesses{5};
        Bytes keys(guesses.size() * job.key_bytes);
        EXPECT_TRUE(fails_with(device->derive(job, guesses.views(), keys), ErrorCode::io));
        EXPECT_TRUE(device->is_lost());
        EXPECT_TRUE(is_all_zero(keys)) << "nothing that it said of this batch is handed out";
    }
}

/// One faulty place of sixteen: each batch finds it with that chance, so it is found soon, wherever it is.
TEST(Gpu, IsLostSoonWhenItLiesAboutOneSecretOfMany)
{
    constexpr std::size_t many = 16;
    for (std::size_t place = 0; place < many; ++place) {
        FakeGpu gpu;
        const auto device = open_fake(gpu);
        ASSERT_NE(device, nullptr);
        gpu.on_read = [place](std::span<std::byte> bytes) { bytes[place * 4] ^= std::byte{0x80}; };
        const auto job = job_of(KdfKind::pbkdf2_sha1);
        for (std::size_t batch = 0; batch < 1000 && !device->is_lost(); ++batch) {
            const Guesses guesses{many, batch * many};
            Bytes keys(many * job.key_bytes);
            ignore(device->derive(job, guesses.views(), keys), "the state tells");
        }
        EXPECT_TRUE(device->is_lost()) << "place " << place;
    }
}

TEST(Gpu, NamesItselfPrintablyAndWithinBounds)
{
    FakeGpu gpu;
    gpu.set_name(std::string(300, '\x1b'));
    gpu.why = std::string(100000, '\x07');
    const auto device = open_fake(gpu);
    ASSERT_NE(device, nullptr);
    const auto name = device->name();
    EXPECT_EQ(name.find('\x1b'), std::string::npos);
    EXPECT_LT(name.size(), 1000U);
    gpu.fails_at_call = gpu.calls;
    const Guesses guesses{1};
    Bytes keys(48);
    const auto done = device->derive(job_of(KdfKind::pbkdf2_sha1), guesses.views(), keys);
    ASSERT_FALSE(done.has_value());
    const auto text = to_string(done.error());
    EXPECT_EQ(text.find('\x07'), std::string::npos);
    EXPECT_LT(text.size(), 20000U);
}

TEST(Gpu, StopsBetweenLaunchesAndStaysGood)
{
    for (const auto kind : all_kinds) {
        FakeGpu gpu;
        std::stop_source stop;
        test::StillClock clock;
        GpuOptions options{.launch_time = std::chrono::milliseconds{1}};
        options.context.stop = stop.get_token();
        options.context.clock = &clock;
        std::optional<std::size_t> launches; // counted once the device is open
        gpu.after_launch = [&](std::string_view, std::uint32_t, std::span<const test::kernels::Value>) {
            clock.time += std::chrono::milliseconds{2}; // too long: the next one must be shorter
            if (launches && ++*launches == 4) {
                stop.request_stop();
            }
        };
        const auto device = open_fake(gpu, options);
        ASSERT_NE(device, nullptr);
        auto job = job_of(kind);
        job.iterations = Iterations{2000};
        job.factors.n_log2 = 8;
        launches = 0;
        const Guesses guesses{3};
        Bytes keys(guesses.size() * job.key_bytes);
        EXPECT_TRUE(fails_with(device->derive(job, guesses.views(), keys), ErrorCode::cancelled));
        EXPECT_FALSE(device->is_lost());
        EXPECT_EQ(*launches, 4U) << "it went on after the stop";
        EXPECT_TRUE(is_all_zero(keys));
    }
}

/// A device of constant speed, fast or slow: once it is known, no launch takes more than its time.
TEST(Gpu, KeepsLaunchesShortOnFastAndSlowDevices)
{
    using std::chrono::nanoseconds;
    for (const std::int64_t step_ns : {1, 100, 100000}) {
        FakeGpu gpu;
        test::StillClock clock;
        GpuOptions options{.launch_time = std::chrono::milliseconds{50}};
        options.context.clock = &clock;
        std::size_t launches = 0;
        nanoseconds longest{0};
        gpu.after_launch = [&](std::string_view name, std::uint32_t, std::span<const test::kernels::Value> values) {
            const auto steps = name == "pbkdf2_loop" ? values[2].number : name == "scrypt_mix" ? values[14].number : 1;
            const nanoseconds taken{std::int64_t{steps} * step_ns};
            clock.time += taken;
            longest = std::max(longest, taken);
            ++launches;
        };
        const auto device = open_fake(gpu, options);
        ASSERT_NE(device, nullptr);
        auto job = job_of(KdfKind::pbkdf2_sha1);
        job.iterations = Iterations{3000};
        const Guesses guesses{4};
        Bytes keys(guesses.size() * job.key_bytes);
        ASSERT_TRUE(is_ok(device->derive(job, guesses.views(), keys)));
        EXPECT_LE(longest, std::chrono::milliseconds{100}) << step_ns;
        launches = 0;
        ASSERT_TRUE(is_ok(device->derive(job, guesses.views(), keys)));
        EXPECT_LE(launches, 2 + (std::int64_t{3000} * step_ns / 25000000)) << "launches far shorter than allowed";
    }
}

GpuProperties card(std::uint64_t gib, std::uint32_t units)
{
    GpuProperties properties{};
    properties.memory_bytes = gib << 30U;
    properties.largest_buffer_bytes = properties.memory_bytes / 4;
    properties.compute_units = units;
    properties.group_items = 64;
    properties.word_lanes = 1;
    return properties;
}

std::optional<ScryptPlan> plan(const GpuProperties& device, ScryptFactors factors = {})
{
    return plan_scrypt(device, 4, factors,
                       {.memory = ByteCount{device.memory_bytes / 20 * 17}, .gap_log2 = {}, .most_streams = 0});
}

TEST(ScryptPlan, FillsACardsMemoryAndNeverMore)
{
    for (const std::uint64_t gib : {1U, 2U, 4U, 8U, 12U, 24U, 80U}) {
        for (const std::uint32_t units : {1U, 8U, 30U, 132U}) {
            const auto device = card(gib, units);
            const auto made = plan(device);
            ASSERT_TRUE(made.has_value());
            EXPECT_LE(made->streams * made->stream_table.value, device.memory_bytes / 100 * 86);
            EXPECT_LE(made->streams_a_buffer * made->stream_table.value, device.largest_buffer_bytes);
            EXPECT_LE(made->buffers(), most_table_buffers);
            EXPECT_LE(made->streams, units * 64U) << "more than the card has use for";
        }
    }
}

TEST(ScryptPlan, GivesAllUnitsTheSameNumberOfStreams)
{
    for (const std::uint64_t gib : {1U, 2U, 4U, 8U, 12U, 24U, 80U, 81U}) {
        for (const std::uint32_t units : {8U, 30U, 132U}) {
            const auto made = plan(card(gib, units));
            ASSERT_TRUE(made.has_value());
            EXPECT_TRUE(made->streams < units * 8U || made->streams % (units * 8U) == 0)
                << made->streams << " streams on " << units << " units";
        }
    }
}

TEST(ScryptPlan, KeepsLessOfTheTableWhereThatFeedsMoreOfTheCard)
{
    EXPECT_GT(plan(card(80, 132))->gap_log2, 0U) << "2,100 whole tables do not fill 132 units";
    EXPECT_EQ(plan(card(80, 4))->gap_log2, 0U) << "512 streams fill 4 units";
    EXPECT_EQ(plan(card(80, 132), {.n_log2 = 10, .r_log2 = 3, .p_log2 = 0})->gap_log2, 0U) << "small tables";
}

TEST(ScryptPlan, SaysWhereNotEvenOneStreamFits)
{
    auto device = card(1, 8);
    device.memory_bytes = 1U << 20U;
    device.largest_buffer_bytes = 1U << 20U;
    EXPECT_FALSE(plan(device).has_value()) << "2 MiB, with every 16th block";
    EXPECT_TRUE(plan(device, {.n_log2 = 10, .r_log2 = 3, .p_log2 = 0}).has_value());
}

TEST(GpuList, SaysWhyThereIsNoDevice)
{
    const GpuLibraries absent{.opencl = "libsalvage-no-such-library.so.1", .cuda = {}};
    const auto list = list_gpus(absent);
    EXPECT_TRUE(list.gpus.empty());
    ASSERT_EQ(list.notes.size(), 2U);
    EXPECT_NE(list.notes[0].find("libsalvage-no-such-library"), std::string::npos) << list.notes[0];
    GpuInfo gpu;
    gpu.api = "OpenCL";
    EXPECT_TRUE(fails_with(open_gpu(gpu, {.libraries = absent}), ErrorCode::not_found));
    gpu.api = "CUDA";
    EXPECT_TRUE(fails_with(open_gpu(gpu, {.libraries = absent}), ErrorCode::not_found));
}

TEST(GpuList, IsNotFooledByALibraryThatIsAnother)
{
    const auto list = list_gpus({.opencl = "libc.so.6", .cuda = "libc.so.6"});
    EXPECT_TRUE(list.gpus.empty());
    ASSERT_EQ(list.notes.size(), 2U);
    EXPECT_NE(list.notes[0].find("clGetPlatformIDs"), std::string::npos) << list.notes[0];
    EXPECT_NE(list.notes[1].find("cuInit"), std::string::npos) << list.notes[1];
}

} // namespace
} // namespace salvage::crypto::gpu
