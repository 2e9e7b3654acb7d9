// MBR and EBR: sfdisk wrote the standard chain; the MediaTek pair is modelled on a real MT6572's.
#include <sstream>

#include <gtest/gtest.h>

#include "partition_support.hpp"

namespace salvage::partition {
namespace {

using namespace testing;
using test::is_ok;

struct Record {
    std::uint8_t type;
    std::uint32_t start;
    std::uint32_t count;
};

Bytes boot_sector(const std::vector<Record>& records)
{
    Bytes out(512);
    for (std::size_t i = 0; i < records.size(); ++i) {
        const auto entry = std::span{out}.subspan(446 + (16 * i), 16);
        entry[4] = std::byte{records[i].type};
        store_le<std::uint32_t>(entry.subspan(8), records[i].start);
        store_le<std::uint32_t>(entry.subspan(12), records[i].count);
    }
    out[510] = std::byte{0x55};
    out[511] = std::byte{0xAA};
    return out;
}

/// An ext4 superblock of 4096-byte blocks, as it lies 1 KiB into a partition.
Bytes ext4_superblock(std::uint32_t blocks)
{
    Bytes out(0x400);
    store_le<std::uint32_t>(std::span{out}.subspan(4), blocks);
    store_le<std::uint32_t>(std::span{out}.subspan(0x18), 2);
    store_le<std::uint16_t>(std::span{out}.subspan(0x38), 0xEF53);
    store_le<std::uint32_t>(std::span{out}.subspan(0x60), 0x40);
    return out;
}

TEST(Mbr, WalksTheChainAsSfdiskDoes)
{
    const auto table = table_of(test::sample("mbr/chain.bin"));
    std::istringstream text{std::string{as_text(test::read_file(test::sample("mbr/chain.sfdisk.txt")))}};
    std::string line;
    std::size_t rows = 0;
    while (std::getline(text, line)) {
        unsigned number = 0;
        unsigned long start = 0;
        unsigned long size = 0;
        unsigned type = 0;
        ASSERT_EQ(std::sscanf(line.c_str(), "%u start= %lu, size= %lu, type=%x", &number, &start, &size, &type), 4)
            << line;
        const auto* const partition = find(table.partitions, "p" + std::to_string(number));
        ASSERT_NE(partition, nullptr) << line;
        EXPECT_EQ(partition->start.value, start * 512);
        if (type != 5) {
            EXPECT_EQ(partition->size.value, size * 512);
        }
        ++rows;
    }
    EXPECT_EQ(table.partitions.size(), rows);
    EXPECT_EQ(find_code(table.findings, "ebr-relative-to-mbr"), nullptr);
}

TEST(Mbr, ReadsMediatekPairWithOpenEnds)
{
    constexpr std::uint64_t flash = 64ULL << 20U;
    const DumpFile dump{flash,
                        {{.at = 0, .bytes = boot_sector({{0x05, 0x400, 0xFFFFFFFF}, {0x83, 0x4800, 0x1000}})},
                         {.at = 0x80000, .bytes = boot_sector({{0x83, 0x8000, 0x2000}, {0x83, 0xA000, 0xFFFF5FFF}})}}};
    const auto layout = reconcile(dump.tables(), ByteCount{flash});
    const auto* const last = find(layout.partitions, "p6");
    ASSERT_NE(last, nullptr);
    EXPECT_EQ(last->start.value, (0x400U + 0xA000U) * 512);
    EXPECT_EQ(last->start.value + last->size.value, flash);
    EXPECT_EQ(find(layout.partitions, "p1"), nullptr); // the extended one is a box
    EXPECT_NE(find_code(layout.findings, "ebr-relative-to-own"), nullptr);
}

TEST(Mbr, CountsFromTheMbrWhereOnlyThatFits)
{
    constexpr std::uint64_t flash = 32ULL << 20U;
    const DumpFile dump{flash,
                        {{.at = 0, .bytes = boot_sector({{0x05, 0x400, 0xFFFFFFFF}})},
                         {.at = 0x80000, .bytes = boot_sector({{0x83, 0x4000, 0x1000}})},
                         {.at = (0x4000 * 512) + 0x400, .bytes = ext4_superblock(512)}}};
    const auto tables = dump.tables();
    ASSERT_EQ(tables.size(), 1U);
    EXPECT_EQ(find(tables.front().partitions, "p5")->start.value, 0x4000U * 512);
    EXPECT_NE(find_code(tables.front().findings, "ebr-relative-to-mbr"), nullptr);
}

TEST(Mbr, LeavesAProtectiveOneToGpt)
{
    const auto tables = tables_of_bytes(boot_sector({{0xEE, 1, 0xFFFFFFFF}}), "MBR");
    EXPECT_TRUE(test::fails_with(tables, ErrorCode::not_found));
}

TEST(Mbr, DoesNotTakeAFatBootSectorForATable)
{
    auto sector = boot_sector({{0x83, 1, 100}});
    sector[0] = std::byte{0xEB};
    std::ranges::copy(as_bytes("FAT32"), sector.begin() + 82);
    EXPECT_TRUE(test::fails_with(tables_of_bytes(sector, "sdcard"), ErrorCode::not_found));
}

TEST(Mbr, LeavesALoopOfEbrs)
{
    const auto loop = table_of(test::sample("evil/mbr-ebr-loop.bin"));
    EXPECT_NE(find_code(loop.findings, "ebr-loop"), nullptr);
    const auto itself = table_of(test::sample("evil/mbr-ebr-self.bin"));
    EXPECT_FALSE(itself.partitions.empty());
}

TEST(Mbr, BoundsALongChain)
{
    constexpr std::uint32_t links = 200;
    Bytes image = boot_sector({{0x05, 1, 1000}});
    for (std::uint32_t i = 0; i < links; ++i) {
        const auto sector = boot_sector({{0x83, 1, 1}, {0x05, i + 1, 1}});
        image.insert(image.end(), sector.begin(), sector.end());
    }
    const auto tables = tables_of_bytes(image, "dump");
    ASSERT_TRUE(is_ok(tables));
    EXPECT_NE(find_code(tables->front().findings, "ebr-loop"), nullptr);
    EXPECT_LT(tables->front().partitions.size(), 100U);
}

TEST(Mbr, PlacesLoneEbrsAlongTheChain)
{
    const auto mbr = tables_of_bytes(boot_sector({{0x05, 0x400, 0xFFFFFFFF}, {0x83, 0x4800, 0x1000}}), "MBR").unwrap();
    const auto ebr1 =
        tables_of_bytes(boot_sector({{0x83, 0x8000, 0x2000}, {0x05, 0x600, 0xFFFFFFFF}}), "EBR1").unwrap();
    // Open to sector 0xFFFFFFFF, counted from EBR1 as MediaTek's generator does.
    const auto ebr2 = tables_of_bytes(boot_sector({{0x83, 0xA000, 0xFFFFFFFF - 0xA600}}), "EBR2").unwrap();
    const auto layout = reconcile({ebr2.front(), ebr1.front(), mbr.front()}, std::nullopt);
    EXPECT_EQ(find(layout.partitions, "EBR1.1")->start.value, (0x400U + 0x8000U) * 512);
    EXPECT_EQ(find(layout.partitions, "EBR2.1")->start.value, (0x400U + 0x600U + 0xA000U) * 512);
    EXPECT_FALSE(find(layout.partitions, "EBR2.1")->is_size_known);
    EXPECT_EQ(count_code(layout.findings, "ebr-place"), 2U);
}

TEST(Mbr, DoesNotGuessWhereALoneEbrStood)
{
    const auto tables = tables_of_bytes(boot_sector({{0x83, 0x100, 0x100}}), "backup/EBR1.bin");
    ASSERT_TRUE(is_ok(tables));
    EXPECT_FALSE(tables->front().partitions.front().is_start_known);
    EXPECT_NE(find_code(reconcile(*tables, std::nullopt).findings, "ebr-place-unknown"), nullptr);
}

} // namespace
} // namespace salvage::partition
