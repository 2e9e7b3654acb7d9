// PMT: both forms, the mirror, and where offsets count from.
#include <gtest/gtest.h>

#include "partition_support.hpp"

namespace salvage::partition {
namespace {

using namespace testing;
using test::is_ok;

constexpr std::uint64_t flash = 64ULL << 20U;

Bytes ptv1()
{
    return test::read_file(test::sample("pmt/ptv1.bin"));
}

TEST(Pmt, ReadsBothForms)
{
    for (const auto* const file : {"pmt/ptv1.bin", "pmt/ptv3.bin"}) {
        const auto table = table_of(test::sample(file));
        EXPECT_EQ(table.kind, "pmt");
        ASSERT_EQ(table.partitions.size(), 6U) << file;
        const auto* const android = find(table.partitions, "ANDROID");
        ASSERT_NE(android, nullptr);
        EXPECT_EQ(android->start.value, 0x5100000U); // make_layout_samples.sh
        EXPECT_EQ(android->size.value, 0x20000000U);
        EXPECT_EQ(android->role, Role::system);
        EXPECT_TRUE(find(table.partitions, "BMTPOOL")->is_reserved);
        EXPECT_TRUE(warnings_of(table.findings).empty());
    }
}

TEST(Pmt, IsFoundOneMebibyteBeforeTheEndAndTellsTheSizeOfTheFlash)
{
    const DumpFile dump{flash, {{.at = flash - 0x100000, .bytes = ptv1()}}};
    const auto tables = dump.tables();
    ASSERT_EQ(tables.size(), 1U);
    EXPECT_EQ(tables.front().device_size, ByteCount{flash});
}

TEST(Pmt, IsFoundInADumpThatEndsEarly)
{
    for (const std::uint64_t missing : {1U, 512U}) {
        const DumpFile dump{flash - missing, {{.at = flash - 0x100000, .bytes = ptv1()}}};
        const auto layout = reconcile(dump.tables(), ByteCount{flash - missing});
        EXPECT_EQ(layout.device_size, ByteCount{flash});
        EXPECT_NE(find_code(layout.findings, "dump-one-byte-short"), nullptr) << missing;
    }
}

TEST(Pmt, UsesTheMirror)
{
    auto bytes = ptv1();
    std::ranges::fill(std::span{bytes}.first(0x1000), std::byte{0});
    const auto tables = tables_of_bytes(bytes, "pmt");
    ASSERT_TRUE(is_ok(tables));
    EXPECT_EQ(tables->front().partitions.size(), 6U);
    EXPECT_NE(find_code(tables->front().findings, "pmt-mirror-used"), nullptr);
}

TEST(Pmt, PrefersTheSoundCopyAndNamesTheDifference)
{
    auto bytes = ptv1();
    bytes[0xFFF] = std::byte{0};    // closing signature of the first
    bytes[8 + 64] = std::byte{0x7}; // and a size in it
    const auto tables = tables_of_bytes(bytes, "pmt");
    ASSERT_TRUE(is_ok(tables));
    EXPECT_NE(find_code(tables->front().findings, "pmt-copies-differ"), nullptr);
    EXPECT_EQ(tables->front().partitions.front().size.value, 0x300000U);
}

TEST(Pmt, SubtractsWhatTheMbrEntrySays)
{
    auto bytes = ptv1();
    bytes.resize(0x1000);
    // The first record becomes the MBR at 0x600000, as in the linear space of an MT6577.
    std::ranges::fill(std::span{bytes}.subspan(8, 64), std::byte{0});
    std::ranges::copy(as_bytes("MBR"), bytes.begin() + 8);
    store_le<std::uint64_t>(std::span{bytes}.subspan(8 + 72), 0x600000);
    const auto tables = tables_of_bytes(bytes, "pmt");
    ASSERT_TRUE(is_ok(tables));
    EXPECT_EQ(find(tables->front().partitions, "MBR")->start.value, 0U);
    EXPECT_EQ(find(tables->front().partitions, "ANDROID")->start.value, 0x5100000U - 0x600000U);
    EXPECT_NE(find_code(tables->front().findings, "pmt-linear-offsets"), nullptr);
}

TEST(Pmt, SurvivesOverflow)
{
    const auto layout = reconcile({table_of(test::sample("evil/pmt-overflow.bin"))}, ByteCount{flash});
    for (const auto& partition : layout.partitions) {
        EXPECT_TRUE(checked_add(partition.start.value, partition.size.value).has_value());
    }
    EXPECT_GE(count_code(layout.findings, "past-end"), 40U);
}

} // namespace
} // namespace salvage::partition
