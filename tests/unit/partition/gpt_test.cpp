// GPT: sgdisk and fdisk wrote the samples, and what they print is the expected answer (tests/data/gpt/README.md).
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "partition/crc32.hpp"
#include "partition_support.hpp"

namespace salvage::partition {
namespace {

using namespace testing;
using test::fails_with;
using test::is_ok;

constexpr std::uint64_t flash = 128ULL << 20U;

Bytes primary()
{
    return test::read_file(test::sample("gpt/mt6750-primary.bin"));
}

Bytes backup()
{
    return test::read_file(test::sample("gpt/mt6750-backup.bin"));
}

/// A dump of the sample phone whose areas may have been damaged before.
DumpFile dump_of(Bytes first, Bytes last, std::uint64_t size = flash)
{
    const auto last_at = flash - last.size();
    return DumpFile{size, {{.at = 0, .bytes = std::move(first)}, {.at = last_at, .bytes = std::move(last)}}};
}

void set_header_crc(Bytes& area, std::size_t header_at)
{
    const auto header = std::span{area}.subspan(header_at, 92);
    store_le<std::uint32_t>(header.subspan(16), 0);
    store_le<std::uint32_t>(header.subspan(16), crc32(header));
}

struct Row {
    std::uint64_t first;
    std::uint64_t last;
    std::string name;
};

/// `Number Start End Size Unit Code Name`, as sgdisk --print has it.
std::vector<Row> sgdisk_rows()
{
    const auto bytes = test::read_file(test::sample("gpt/mt6750.sgdisk.txt"));
    std::istringstream text{std::string{as_text(bytes)}};
    std::string line;
    std::getline(text, line);
    std::vector<Row> rows;
    std::string number;
    std::string size;
    std::string unit;
    std::string code;
    for (Row row{}; text >> number >> row.first >> row.last >> size >> unit >> code >> row.name;) {
        rows.push_back(row);
    }
    return rows;
}

TEST(Crc32, HasTheCheckValueOfItsCatalogue)
{
    EXPECT_EQ(crc32(as_bytes("123456789")), 0xCBF43926U); // CRC RevEng catalogue, CRC-32/ISO-HDLC
}

TEST(Gpt, ReadsWhatSgdiskPrints)
{
    const auto rows = sgdisk_rows();
    ASSERT_EQ(rows.size(), 7U);
    for (const auto* const file : {"gpt/mt6750-primary.bin", "gpt/mt6750-backup.bin"}) {
        const auto table = table_of(test::sample(file));
        ASSERT_EQ(table.partitions.size(), rows.size()) << file;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            EXPECT_EQ(table.partitions[i].name, rows[i].name);
            EXPECT_EQ(table.partitions[i].start.value, rows[i].first * 512);
            EXPECT_EQ(table.partitions[i].size.value, (rows[i].last + 1 - rows[i].first) * 512);
        }
        EXPECT_EQ(table.device_size, ByteCount{flash});
        EXPECT_TRUE(warnings_of(table.findings).empty());
    }
}

TEST(Gpt, Reads4096ByteSectorsAsFdiskDoes)
{
    for (const auto* const file : {"gpt/ufs-primary.bin", "gpt/ufs-backup.bin"}) {
        const auto table = table_of(test::sample(file));
        ASSERT_EQ(table.partitions.size(), 2U) << file;
        EXPECT_EQ(table.sector_size, sector_4096());
        EXPECT_EQ(table.partitions[0].name, "boot_a");
        EXPECT_EQ(table.partitions[0].start.value, 256U * 4096); // ufs.fdisk.txt
        EXPECT_EQ(table.partitions[0].size.value, 1024U * 4096);
        EXPECT_EQ(table.partitions[1].size.value, 8192U * 4096);
        EXPECT_EQ(table.device_size, ByteCount{64ULL << 20U});
    }
}

TEST(Gpt, ListsGuidsAndAttributeBits)
{
    const auto table = table_of(test::sample("gpt/mt6750-primary.bin"));
    const auto* const boot = find(table.partitions, "boot");
    ASSERT_NE(boot, nullptr);
    EXPECT_EQ(attribute(*boot, "unique_guid"), "1CB143A8-B1A8-4B57-B251-945C5119E8FE"); // make_layout_samples.sh
    EXPECT_EQ(attribute(*boot, "gpt_attributes"), "0x1000000000000000");                // sgdisk -A 3:set:60
    EXPECT_EQ(attribute(table.partitions[0], "type_guid"), "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7");
    EXPECT_NE(find_code(table.findings, "gpt-mtk-layout"), nullptr);
}

TEST(Gpt, IsFoundWhereverItStandsInASmallFile)
{
    const auto whole = primary();
    Bytes shifted(5376 - 512);
    shifted.insert(shifted.end(), whole.begin(), whole.end());
    const Bytes header_first{whole.begin() + 512, whole.end()};
    for (const auto& bytes : {shifted, header_first}) {
        const auto tables = tables_of_bytes(bytes, "gpt.bin");
        ASSERT_TRUE(is_ok(tables));
        EXPECT_EQ(tables->front().partitions.size(), 7U);
        EXPECT_TRUE(warnings_of(tables->front().findings).empty());
    }
}

TEST(Gpt, FindsBothCopiesInADump)
{
    const auto tables = dump_of(primary(), backup()).tables();
    ASSERT_EQ(tables.size(), 2U);
    EXPECT_EQ(tables[0].kind, "gpt");
    EXPECT_EQ(tables[1].kind, "gpt-backup");
    EXPECT_TRUE(warnings_of(reconcile(tables, ByteCount{flash}).findings).empty());
}

TEST(Gpt, UsesTheBackupWhenThePrimaryIsDamaged)
{
    auto broken = primary();
    broken[1024 + 32] ^= std::byte{0xFF}; // first LBA of the first entry
    const auto layout = reconcile(dump_of(broken, backup()).tables(), ByteCount{flash});
    EXPECT_NE(find_code(layout.findings, "gpt-primary-damaged"), nullptr);
    const auto* const crc = find_code(layout.findings, "gpt-entries-crc-wrong");
    ASSERT_NE(crc, nullptr);
    EXPECT_NE(number(crc, "stored"), number(crc, "computed"));
    EXPECT_NE(find_code(layout.findings, "gpt-backup-used"), nullptr);
    EXPECT_EQ(layout.find("proinfo")->start.value, 0x8000U);
    EXPECT_EQ(layout.find("proinfo")->source, "gpt-backup");
}

TEST(Gpt, UsesTheBackupWhenThePrimaryIsGone)
{
    const auto layout = reconcile(dump_of(Bytes(17408), backup()).tables(), ByteCount{flash});
    EXPECT_NE(find_code(layout.findings, "gpt-primary-missing"), nullptr);
    EXPECT_EQ(layout.find("userdata")->source, "gpt-backup");
    EXPECT_EQ(layout.device_size, ByteCount{flash});
}

TEST(Gpt, SaysThatTheBackupIsMissing)
{
    const auto layout = reconcile(dump_of(primary(), Bytes(16896)).tables(), ByteCount{flash});
    EXPECT_NE(find_code(layout.findings, "gpt-backup-missing"), nullptr);
    EXPECT_EQ(layout.find("userdata")->source, "gpt");
}

TEST(Gpt, FindsTheBackupOfADumpThatEndsOneByteEarly)
{
    const auto layout = reconcile(dump_of(Bytes(17408), backup(), flash - 1).tables(), ByteCount{flash - 1});
    EXPECT_EQ(layout.find("userdata")->source, "gpt-backup");
    EXPECT_NE(find_code(layout.findings, "dump-one-byte-short"), nullptr);
}

TEST(Gpt, FindsTheBackupOfADumpThatIsLongerThanTheFlash)
{
    const auto layout =
        reconcile(dump_of(primary(), backup(), flash + (8ULL << 20U)).tables(), ByteCount{flash + (8ULL << 20U)});
    EXPECT_EQ(layout.tables.size(), 2U);
    EXPECT_NE(find_code(layout.findings, "dump-longer-than-gpt"), nullptr);
}

TEST(Gpt, SaysHowMuchOfADumpIsMissing)
{
    const auto layout = reconcile(dump_of(primary(), backup(), flash / 2).tables(), ByteCount{flash / 2});
    const auto* const finding = find_code(layout.findings, "dump-shorter-than-gpt");
    ASSERT_NE(finding, nullptr);
    EXPECT_EQ(number(finding, "flash_size"), std::optional<std::uint64_t>{flash});
    EXPECT_GE(count_code(layout.findings, "past-end"), 2U); // userdata and flashinfo
}

TEST(Gpt, NamesEachDifferenceBetweenTheCopies)
{
    auto other = backup();
    std::ranges::copy(as_bytes("x"), other.begin() + 128 + 56); // second entry's name begins with x
    store_le<std::uint32_t>(std::span{other}.subspan(16384 + 88), crc32(ByteView{other}.first(16384)));
    set_header_crc(other, 16384);
    const auto layout = reconcile(dump_of(primary(), other).tables(), ByteCount{flash});
    ASSERT_EQ(count_code(layout.findings, "gpt-copies-differ"), 1U);
    EXPECT_NE(layout.find("nvram"), nullptr);
}

TEST(Gpt, TakesTheWholeOneOfSeveralFilesAndNamesTheDifferences)
{
    auto damaged = primary();
    damaged[1024 + 128 + 32] ^= std::byte{1}; // where nvram begins; the CRC of the entries no longer fits
    for (const bool is_damaged_first : {true, false}) {
        auto first = tables_of_bytes(is_damaged_first ? damaged : primary(), "first.bin").unwrap();
        auto second = tables_of_bytes(is_damaged_first ? primary() : damaged, "second.bin").unwrap();
        const auto layout = reconcile({first.front(), second.front()}, std::nullopt);
        EXPECT_EQ(layout.find("nvram")->start.value, 6208U * 512) << is_damaged_first; // sgdisk -n 2:6208
        ASSERT_EQ(count_code(layout.findings, "gpt-copies-differ"), 1U) << is_damaged_first;
        const auto* const finding = find_code(layout.findings, "gpt-copies-differ");
        EXPECT_EQ(number(finding, "taken_start"), std::optional<std::uint64_t>{6208U * 512});
        EXPECT_EQ(number(finding, "other_start"), std::optional<std::uint64_t>{6209U * 512});
    }
}

TEST(Gpt, LeavesOutTheOneOfAnotherDisk)
{
    // Two names of nobody else's, as the logical units of one UFS have them.
    auto other = primary();
    std::ranges::fill(std::span{other}.subspan(1024), std::byte{0});
    const auto mine = primary();
    std::ranges::copy(ByteView{mine}.subspan(1024, 128), other.begin() + 1024);
    std::ranges::copy(as_bytes("X"), other.begin() + 1024 + 56);
    store_le<std::uint32_t>(std::span{other}.subspan(512 + 88), crc32(ByteView{other}.subspan(1024)));
    set_header_crc(other, 512);
    const auto layout = reconcile(
        {tables_of_bytes(primary(), "lu2.bin").unwrap().front(), tables_of_bytes(other, "lu0.bin").unwrap().front()},
        std::nullopt);
    EXPECT_EQ(count_code(layout.findings, "gpt-of-another-disk"), 1U);
    EXPECT_EQ(count_code(layout.findings, "gpt-copies-differ"), 0U);
    EXPECT_EQ(layout.partitions.size(), 7U);
}

TEST(Gpt, NamesWhatIsTwice)
{
    const auto table = table_of(test::sample("evil/gpt-overlapping.bin")); // a, b, c, a
    EXPECT_EQ(count_code(table.findings, "duplicate-name"), 1U);
    EXPECT_EQ(find_code(table.findings, "duplicate-name")->where.partition, "a");
}

TEST(Gpt, ReadsTheEntriesThatAreThere)
{
    auto cut = primary();
    cut.resize(1024 + (5 * 128) + 60);
    const auto tables = tables_of_bytes(cut, "pgpt");
    ASSERT_TRUE(is_ok(tables));
    EXPECT_EQ(tables->front().partitions.size(), 5U);
    const auto* const finding = find_code(tables->front().findings, "gpt-entries-cut");
    EXPECT_EQ(number(finding, "missing"), std::optional<std::uint64_t>{123});
    EXPECT_NE(find_code(tables->front().findings, "gpt-primary-damaged"), nullptr);
}

TEST(Gpt, ProvesByItsChecksumThatMissingEntriesAreEmpty)
{
    auto cut = primary();
    cut.resize(1024 + (100 * 128));
    const auto tables = tables_of_bytes(cut, "pgpt");
    ASSERT_TRUE(is_ok(tables));
    EXPECT_TRUE(warnings_of(tables->front().findings).empty());
    EXPECT_NE(find_code(tables->front().findings, "gpt-entries-cut"), nullptr);
}

TEST(Gpt, ReadsLargerEntries)
{
    const auto small = primary();
    Bytes large(1024 + (128 * 256));
    std::ranges::copy(ByteView{small}.first(1024), large.begin());
    for (std::size_t i = 0; i < 128; ++i) {
        std::ranges::copy(ByteView{small}.subspan(1024 + (i * 128), 128),
                          large.begin() + static_cast<std::ptrdiff_t>(1024 + (i * 256)));
    }
    store_le<std::uint32_t>(std::span{large}.subspan(512 + 84), 256);
    store_le<std::uint32_t>(std::span{large}.subspan(512 + 88), crc32(ByteView{large}.subspan(1024)));
    set_header_crc(large, 512);
    const auto tables = tables_of_bytes(large, "pgpt");
    ASSERT_TRUE(is_ok(tables));
    EXPECT_EQ(tables->front().partitions.size(), 7U);
    EXPECT_TRUE(warnings_of(tables->front().findings).empty());
}

TEST(Gpt, DecodesNamesBeyondAscii)
{
    auto area = primary();
    // "ü", a pair of surrogates (U+1F4BE), a lone surrogate
    const auto name = from_hex("fc00 3dd8bedc 00d8 0000").unwrap();
    std::ranges::copy(name, area.begin() + 1024 + 56);
    const auto tables = tables_of_bytes(area, "pgpt");
    ASSERT_TRUE(is_ok(tables));
    EXPECT_EQ(tables->front().partitions.front().name, "\xC3\xBC\xF0\x9F\x92\xBE\xEF\xBF\xBD");
}

TEST(Gpt, NamesTheNameless)
{
    auto area = primary();
    std::ranges::fill(std::span{area}.subspan(1024 + 56, 72), std::byte{0});
    const auto tables = tables_of_bytes(area, "pgpt");
    ASSERT_TRUE(is_ok(tables));
    EXPECT_EQ(tables->front().partitions.front().name, "unnamed-1");
    EXPECT_NE(find_code(tables->front().findings, "gpt-name-empty"), nullptr);
}

TEST(Gpt, SurvivesAttacks)
{
    const auto overflow = table_of(test::sample("evil/gpt-overflow.bin"));
    EXPECT_EQ(count_code(overflow.findings, "overflow"), 3U);
    EXPECT_EQ(count_code(overflow.findings, "gpt-entry-reversed"), 1U);
    EXPECT_FALSE(find(overflow.partitions, "past")->is_start_known);
    const auto bomb = table_of(test::sample("evil/gpt-entry-count-bomb.bin"));
    EXPECT_EQ(number(find_code(bomb.findings, "gpt-entry-count-absurd"), "claimed"),
              std::optional<std::uint64_t>{0xFFFFFFFF});
    EXPECT_EQ(bomb.partitions.size(), 7U);
    EXPECT_TRUE(fails_with(tables_of_file(test::sample("evil/gpt-entry-size-zero.bin")), ErrorCode::malformed));
    const auto layout = reconcile({table_of(test::sample("evil/gpt-overlapping.bin"))}, std::nullopt);
    EXPECT_EQ(count_code(layout.findings, "overlap"), 3U);
}

TEST(Gpt, ReadsWhatABadAreaLeaves)
{
    const auto dump = dump_of(primary(), backup());
    const auto bad = ByteRange::make(ByteOffset{512}, ByteCount{512});
    const auto source = io::make_with_bad_areas(dump.open(), {*bad});
    const auto tables = find_tables_in_dump(*source, "phone.img");
    ASSERT_TRUE(is_ok(tables));
    EXPECT_EQ(reconcile(*tables, ByteCount{flash}).find("userdata")->source, "gpt-backup");
}

} // namespace
} // namespace salvage::partition
