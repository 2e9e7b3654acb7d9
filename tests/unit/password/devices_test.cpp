// What devices a search gets: threads by cores, scrypt lanes by memory.
#include <array>
#include <thread>

#include <gtest/gtest.h>

#include "password/memory.hpp"
#include "salvage/password/devices.hpp"
#include "support/assert_result.hpp"
#include "unit/password/search_support.hpp"

namespace salvage::password {
namespace {

using salvage::test::is_ok;

constexpr std::uint64_t mebi = std::uint64_t{1} << 20U;

/// A target whose scrypt takes 32 MiB a lane.
struct Scrypt {
    Scrypt() { target.factors = crypto::ScryptFactors{}; }
    test::CountingTarget target{1};
    std::array<const Target*, 1> view{&target};
};

DevicePlan plan(std::uint64_t free_bytes, unsigned threads = 2, std::optional<std::size_t> lanes = {})
{
    const Scrypt scrypt;
    return plan_devices(scrypt.view, {.threads = threads, .isa = {}, .scrypt_lanes = lanes}, ByteCount{free_bytes});
}

TEST(DevicePlan, GivesEveryThreadAFullBatchWhereMemoryAllows)
{
    const auto out = plan(4096 * mebi);
    EXPECT_EQ(out.threads, 2U);
    EXPECT_EQ(out.lanes, 32U);
    EXPECT_EQ(out.memory_each, ByteCount{1024 * mebi});
    EXPECT_FALSE(out.is_limited_by_memory());
}

TEST(DevicePlan, LeavesAQuarterOfTheMemoryAndHalvesLanesFirst)
{
    // Three quarters of 1364 MiB are 31 lanes: 15 a thread, of which 8 are a power of two.
    const auto out = plan(1364 * mebi);
    EXPECT_EQ(out.threads, 2U);
    EXPECT_EQ(out.lanes, 8U);
    EXPECT_TRUE(out.is_limited_by_memory());
    EXPECT_NE(describe(out).find("8 scrypt lanes each instead of 32"), std::string::npos) << describe(out);
}

TEST(DevicePlan, TakesFewerThreadsWhereNotEveryOneCanHaveALane)
{
    const auto out = plan(100 * mebi, 8);
    EXPECT_EQ(out.threads, 2U);
    EXPECT_EQ(out.lanes, 1U);
    EXPECT_EQ(plan(0, 8).threads, 1U) << "one has to try";
    EXPECT_EQ(plan(0, 8).lanes, 1U);
}

TEST(DevicePlan, NeverTakesMoreThanThreeQuartersOfWhatIsFree)
{
    for (std::uint64_t free_mebi = 64; free_mebi < 8192; free_mebi += 37) {
        for (const unsigned threads : {1U, 2U, 3U, 16U}) {
            const auto out = plan(free_mebi * mebi, threads);
            EXPECT_LE(out.memory_each.value * out.threads, free_mebi * mebi / 4 * 3) << free_mebi << ' ' << threads;
        }
    }
}

TEST(DevicePlan, KeepsToTheLanesThatAreAskedForWithinMemory)
{
    EXPECT_EQ(plan(16'384 * mebi, 2, 4).lanes, 4U);
    EXPECT_EQ(plan(16'384 * mebi, 2, 5).lanes, 4U) << "a power of two";
    EXPECT_EQ(plan(16'384 * mebi, 2, 1000).lanes, 32U);
    EXPECT_EQ(plan(128 * mebi, 2, 32).lanes, 1U);
}

TEST(DevicePlan, OfNoScryptAsksForNoMemory)
{
    const test::CountingTarget target{1};
    const std::array<const Target*, 1> view{&target};
    const auto out = plan_devices(view, {.threads = 8, .isa = {}, .scrypt_lanes = {}}, ByteCount{0});
    EXPECT_EQ(out.threads, 8U);
    EXPECT_FALSE(out.uses_scrypt());
    EXPECT_EQ(describe(out), "8 threads");
    EXPECT_EQ(plan_devices(view, {}, ByteCount{0}).threads, std::max(1U, std::thread::hardware_concurrency()));
    EXPECT_EQ(plan_devices(view, {.threads = 1'000'000, .isa = {}, .scrypt_lanes = {}}, {}).threads, 1024U);
}

TEST(DevicePlan, OfSeveralTargetsIsForTheDearestOfThem)
{
    Scrypt scrypt;
    test::CountingTarget small{1};
    small.factors = crypto::ScryptFactors{.n_log2 = 10, .r_log2 = 3, .p_log2 = 0};
    const std::array<const Target*, 2> both{&small, &scrypt.target};
    const auto out = plan_devices(both, {.threads = 1, .isa = {}, .scrypt_lanes = 1}, ByteCount{1024 * mebi});
    EXPECT_EQ(out.memory_each, ByteCount{32 * mebi});
}

TEST(DevicePlan, IsMadeIntoDevices)
{
    auto out = plan(1024 * mebi, 2, 1);
    out.isa = crypto::Isa::portable;
    const auto devices = make_devices(out);
    ASSERT_TRUE(is_ok(devices));
    EXPECT_EQ(devices->size(), 2U);
}

TEST(AvailableMemory, IsReadFromTheKernelsText)
{
    EXPECT_EQ(parse_available_memory("MemTotal:  100 kB\nMemAvailable:    42 kB\n"), ByteCount{42U * 1024U});
    EXPECT_EQ(parse_available_memory("MemTotal: 100 kB\n"), std::nullopt);
    EXPECT_EQ(parse_available_memory("MemAvailable:"), std::nullopt);
    EXPECT_EQ(parse_available_memory("MemAvailable: much"), std::nullopt);
    EXPECT_EQ(parse_available_memory("MemAvailable: 18446744073709551615 kB"), std::nullopt);
}

} // namespace
} // namespace salvage::password
