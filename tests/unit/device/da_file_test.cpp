// Download agent files, good and bad.
#include <gtest/gtest.h>

#include "salvage/device/da_file.hpp"
#include "support/assert_result.hpp"
#include "unit/device/phone_bench.hpp"

namespace salvage::test {
namespace {

using device::DaEntry;
using device::DaFile;
using device::MediatekIdentity;

constexpr std::size_t entries_at = 0x6C;

Bytes synthetic(std::uint16_t code = 0x6755)
{
    SeededEntropy entropy;
    return device::make_synthetic_agents(code, entropy);
}

MediatekIdentity phone_of(std::uint16_t hw_code, std::uint16_t hw_version = 0xCA01, std::uint16_t sw_version = 0)
{
    MediatekIdentity identity;
    identity.hw_code = hw_code;
    identity.hw_version = hw_version;
    identity.sw_version = sw_version;
    return identity;
}

/// A table of entries without regions; `entry_bytes` 0xDC, or 0xD8 as files had it before 2014.
Bytes table(std::size_t entry_bytes, const std::vector<DaEntry>& entries)
{
    Bytes file = synthetic();
    file.resize(entries_at);
    store_le<std::uint32_t>(std::span{file}.subspan(0x68), static_cast<std::uint32_t>(entries.size()));
    for (const auto& entry : entries) {
        Bytes one(entry_bytes);
        const std::span all{one};
        store_le<std::uint16_t>(all, 0xDADA);
        store_le<std::uint16_t>(all.subspan(2), entry.da_code);
        store_le<std::uint16_t>(all.subspan(6), entry.hw_version);
        const std::size_t page_at = entry_bytes == 0xDC ? 12 : 8;
        if (entry_bytes == 0xDC) {
            store_le<std::uint16_t>(all.subspan(8), entry.sw_version);
        }
        store_le<std::uint16_t>(all.subspan(page_at), 512);
        store_le<std::uint16_t>(all.subspan(page_at + 6), 3);
        file.insert(file.end(), one.begin(), one.end());
    }
    return file;
}

DaEntry version(std::uint16_t code, std::uint16_t hw, std::uint16_t sw)
{
    DaEntry entry;
    entry.da_code = code;
    entry.hw_version = hw;
    entry.sw_version = sw;
    return entry;
}

TEST(DaFile, ReadsASyntheticFile)
{
    const auto bytes = synthetic();
    const auto file = device::parse_da_file(bytes);
    ASSERT_TRUE(is_ok(file));
    EXPECT_EQ(file->generation, device::DaGeneration::binary);
    EXPECT_TRUE(file->id.starts_with("MTK_AllInOne_DA_v3"));
    ASSERT_EQ(file->entries.size(), 1U);
    const auto entry = device::choose_agent(*file, phone_of(0x326));
    ASSERT_TRUE(is_ok(entry));
    const auto stages = device::stages_of(*entry, bytes);
    ASSERT_TRUE(is_ok(stages));
    EXPECT_EQ(stages->first.size(), 0x8000U);
    EXPECT_EQ(stages->first_region.load_address, 0x200000U);
    EXPECT_EQ(stages->first_region.signature_length, 0x100U);
    EXPECT_EQ(stages->second_region.load_address, 0x40000000U);
    EXPECT_EQ(stages->second_unsigned().size(), 0x1FF00U);
    EXPECT_TRUE(stages->second.data() + stages->second.size() == bytes.data() + bytes.size());
}

TEST(DaFile, ChoosesTheHighestVersionThatIsNotAboveThePhones)
{
    const auto bytes = table(0xDC, {version(0x6755, 0x0000, 0), version(0x6755, 0xCA00, 1), version(0x6755, 0xCA00, 2),
                                    version(0x6755, 0xCB00, 0), version(0x6735, 0xCA00, 3)});
    const auto file = device::parse_da_file(bytes);
    ASSERT_TRUE(is_ok(file));
    EXPECT_EQ(device::choose_agent(*file, phone_of(0x326, 0xCA01, 5)).unwrap().sw_version, 2);
    EXPECT_EQ(device::choose_agent(*file, phone_of(0x326, 0xCA01, 1)).unwrap().sw_version, 1);
    EXPECT_EQ(device::choose_agent(*file, phone_of(0x326, 0xC000, 1)).unwrap().hw_version, 0);
    EXPECT_TRUE(fails_with(device::choose_agent(*file, phone_of(0x321, 0x8A00, 0)), ErrorCode::not_found));
}

TEST(DaFile, ReadsTheShortEntriesOfOldFiles)
{
    for (const std::size_t count : {1U, 2U, 3U}) {
        const auto bytes = table(0xD8, std::vector<DaEntry>(count, version(0x6582, 0xCA00, 0)));
        const auto file = device::parse_da_file(bytes);
        ASSERT_TRUE(is_ok(file));
        ASSERT_EQ(file->entries.size(), count);
        EXPECT_EQ(file->entries.back().page_bytes, 512);
        EXPECT_EQ(file->entries.back().regions.size(), 3U);
    }
}

TEST(DaFile, ReadsALongEntryThatIsAlone)
{
    const auto file = device::parse_da_file(table(0xDC, {version(0x6755, 0xCA00, 0)}));
    ASSERT_TRUE(is_ok(file));
    EXPECT_EQ(file->entries.front().page_bytes, 512);
    EXPECT_EQ(file->entries.front().regions.size(), 3U);
}

TEST(DaFile, KnowsTheXmlGeneration)
{
    auto bytes = synthetic();
    std::ranges::copy(as_bytes(std::string_view{"MTK_DA_v6", 10}), bytes.begin() + 0x20);
    EXPECT_EQ(device::parse_da_file(bytes).unwrap().generation, device::DaGeneration::xml);
}

TEST(DaFile, SaysThatSomethingElseIsNoDaFile)
{
    EXPECT_TRUE(fails_with(device::parse_da_file(pattern_bytes(4096)), ErrorCode::malformed));
    EXPECT_TRUE(fails_with(device::parse_da_file({}), ErrorCode::truncated));
}

TEST(DaFile, RefusesMoreEntriesThanAnyFileHas)
{
    auto bytes = synthetic();
    store_le<std::uint32_t>(std::span{bytes}.subspan(0x68), 0xFFFFFFFF);
    EXPECT_TRUE(fails_with(device::parse_da_file(bytes), ErrorCode::malformed));
}

/// Parses, chooses and cuts.
Result<> walk(ByteView bytes)
{
    const auto file = SALVAGE_TRY(device::parse_da_file(bytes));
    const auto entry = SALVAGE_TRY(device::choose_agent(file, phone_of(0x326)));
    const auto stages = SALVAGE_TRY(device::stages_of(entry, bytes));
    return stages.second_unsigned().size() <= bytes.size() ? Result<>{} : Result<>{not_found("a cut that is none")};
}

TEST(DaFile, CutAtEveryLengthIsAnError)
{
    const auto bytes = synthetic();
    for (std::size_t size = 0; size < bytes.size(); size += size < 0x400 ? 1 : 997) {
        const auto result = walk(ByteView{bytes}.first(size));
        ASSERT_FALSE(result.has_value()) << size;
        EXPECT_FALSE(to_string(result.error()).empty());
    }
    EXPECT_TRUE(is_ok(walk(bytes)));
}

TEST(DaFile, WithAnyHeaderByteFlippedIsAValueOrAnError)
{
    const auto bytes = synthetic();
    unsigned errors = 0;
    for (std::size_t at = 0; at < entries_at + 0xDC; ++at) {
        for (const auto flip : {std::byte{0x01}, std::byte{0x80}, std::byte{0xFF}}) {
            auto bad = bytes;
            bad[at] ^= flip;
            const auto result = walk(bad);
            errors += result.has_value() ? 0U : 1U;
            EXPECT_TRUE(result.has_value() || !to_string(result.error()).empty());
        }
    }
    EXPECT_GT(errors, 100U);
}

TEST(DaFile, NamesThePlaceOfADamage)
{
    auto bytes = synthetic();
    bytes[entries_at] = std::byte{0};
    const auto file = device::parse_da_file(bytes);
    ASSERT_TRUE(fails_with(file, ErrorCode::malformed));
    EXPECT_EQ(file.error().where->chain.back().at.value, entries_at);
}

} // namespace
} // namespace salvage::test
