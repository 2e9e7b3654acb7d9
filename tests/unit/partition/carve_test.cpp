// Dumps without a table: what carving finds, and how much it reads.
#include <gtest/gtest.h>

#include "partition_support.hpp"

namespace salvage::partition {
namespace {

using namespace testing;
using test::is_ok;

constexpr std::uint64_t flash = 64ULL << 20U;

Bytes with_le32(std::size_t size, std::initializer_list<std::pair<std::size_t, std::uint32_t>> fields)
{
    Bytes out(size);
    for (const auto& [at, value] : fields) {
        store_le<std::uint32_t>(std::span{out}.subspan(at), value);
    }
    return out;
}

/// ext4 with 4096-byte blocks; `group` is where this copy of the superblock says it stands.
Bytes ext4(std::uint32_t blocks, std::uint32_t group = 0)
{
    auto out = with_le32(0x800, {{0x404, blocks}, {0x418, 2}, {0x438, 0xEF53}, {0x460, 0x40}, {0x458, group << 16U}});
    std::ranges::copy(as_bytes("system"), out.begin() + 0x478);
    return out;
}

Bytes boot_image()
{
    auto out = with_le32(2048, {{8, 5000}, {16, 3000}, {36, 2048}});
    std::ranges::copy(as_bytes("ANDROID!"), out.begin());
    return out;
}

Bytes lk_image()
{
    auto out = with_le32(512, {{0, 0x58881688}, {4, 300000}});
    std::ranges::copy(as_bytes("lk"), out.begin() + 8);
    return out;
}

TEST(Carve, FindsWhatBeginsWithSomethingKnown)
{
    const DumpFile dump{flash,
                        {{.at = 0x20000, .bytes = lk_image()},
                         {.at = 0x100000, .bytes = boot_image()},
                         {.at = 0x800000, .bytes = ext4(1024)},
                         {.at = 0x900000, .bytes = boot_image()},   // a file inside that filesystem
                         {.at = 0x2000000, .bytes = ext4(1024, 1)}, // a copy of a superblock
                         {.at = 0x3000000, .bytes = with_le32(512, {{0, 0xD0B5B1C4}, {4, 0x00030001}})}}};
    const auto tables = dump.tables();
    ASSERT_EQ(tables.size(), 1U);
    EXPECT_EQ(tables.front().kind, "carved");
    ASSERT_EQ(tables.front().partitions.size(), 4U);
    EXPECT_EQ(find(tables.front().partitions, "lk")->size.value, 300512U);
    EXPECT_EQ(find(tables.front().partitions, "boot image@0x100000")->size.value, (1U + 3U + 2U) * 2048);
    EXPECT_EQ(find(tables.front().partitions, "system")->size.value, 1024U * 4096);
    EXPECT_EQ(find(tables.front().partitions, "system")->filesystem, "ext4");
    EXPECT_NE(find(tables.front().partitions, "crypto footer@0x3000000"), nullptr);
}

TEST(Carve, ReadsLittle)
{
    const auto memory = io::make_memory(Bytes(flash, std::byte{0x5A}), "noise");
    io::ReadCounters counters;
    const auto counted = io::make_counting(memory, counters);
    const auto tables = find_tables_in_dump(*counted, "noise");
    ASSERT_TRUE(is_ok(tables));
    EXPECT_TRUE(tables->empty());
    // 8 KiB a MiB, besides the two tails in which tables are looked for.
    EXPECT_LT(counters.bytes.load(), (flash >> 20U) * 8192 + (4U << 20U));
}

TEST(Carve, LeavesABareFilesystemAlone)
{
    const DumpFile dump{flash, {{.at = 0, .bytes = ext4(1024)}}};
    EXPECT_TRUE(dump.tables().empty());
}

TEST(Carve, ReportsAFailingRead)
{
    const DumpFile dump{flash, {{.at = 0x800000, .bytes = ext4(1024)}}};
    const auto source = dump.open();
    bool has_succeeded = false;
    for (std::uint64_t n = 1; n < 100 && !has_succeeded; ++n) {
        const auto tables = read_tables(*io::make_faulty(source, n), "dump");
        has_succeeded = tables.has_value();
        EXPECT_TRUE(has_succeeded || test::fails_with(tables, ErrorCode::io)) << n;
    }
    EXPECT_TRUE(has_succeeded);
}

} // namespace
} // namespace salvage::partition
