// NTFS whose records lie: what is lost is said, and what another file has is not taken for a file's own.
#include <fmt/format.h>

#include "card_images.hpp"

namespace salvage::test {
namespace {

using filesystem::Confidence;

constexpr std::size_t table_at = 0x4000; // of the kept volume, whose table is in one piece
constexpr std::size_t record_bytes = 1024;
constexpr std::uint64_t folder_many = 66; // of two records
constexpr std::uint64_t extension_of_many = 76;
constexpr std::uint64_t deleted_photo = 115;

/// A record with its update sequence undone, which is put back when the edit is done.
template <typename Edit>
void edit_record(Bytes& image, std::uint64_t number, Edit edit)
{
    const auto record = std::span{image}.subspan(table_at + number * record_bytes, record_bytes);
    const std::size_t sequence = load_le<std::uint16_t>(record.subspan(4));
    const auto swap = [&](std::size_t sector) {
        const auto end = sector * 512 + 510;
        const auto kept = sequence + 2 + sector * 2;
        std::swap_ranges(record.begin() + static_cast<std::ptrdiff_t>(end),
                         record.begin() + static_cast<std::ptrdiff_t>(end + 2),
                         record.begin() + static_cast<std::ptrdiff_t>(kept));
    };
    swap(0), swap(1);
    edit(record);
    swap(0), swap(1);
}

std::size_t attribute_at(ByteView record, std::uint32_t type)
{
    std::size_t at = load_le<std::uint16_t>(record.subspan(20));
    while (load_le<std::uint32_t>(record.subspan(at)) != type) {
        at += load_le<std::uint32_t>(record.subspan(at + 4));
    }
    return at;
}

/// A resident attribute with a value of eight bytes, the last of its record.
void add_attribute(std::span<std::byte> record, std::uint32_t type, std::uint32_t value)
{
    const auto at = attribute_at(record, 0xFFFFFFFF);
    const auto attribute = record.subspan(at, 40);
    std::ranges::fill(attribute, std::byte{0});
    store_le<std::uint32_t>(attribute, type);
    store_le<std::uint32_t>(attribute.subspan(4), 32);
    store_le<std::uint32_t>(attribute.subspan(16), 8);
    store_le<std::uint16_t>(attribute.subspan(20), 24);
    store_le<std::uint32_t>(attribute.subspan(24), value);
    store_le<std::uint32_t>(attribute.subspan(32), 0xFFFFFFFF);
    store_le<std::uint32_t>(record.subspan(24), static_cast<std::uint32_t>(at + 40));
}

class NtfsLies : public ::testing::Test {
protected:
    [[nodiscard]] std::uint64_t number_of(std::string_view path) const
    {
        return filesystem::find_path(*open_image(image), path).value().inode;
    }

    filesystem::DeletedFile photo()
    {
        deleted = open_image(image)->deleted_files({}).value();
        const auto* const found = find_deleted(deleted, "/", "deleted.jpg");
        if (found == nullptr) {
            throw std::runtime_error{"the photo is gone"};
        }
        return *found;
    }

    Bytes image{card_image("ntfs")};
    std::vector<filesystem::DeletedFile> deleted;
};

TEST_F(NtfsLies, WhatAFilterOfWindowsKeepsElsewhereIsNotTakenForZeros)
{
    for (const std::uint32_t tag : {0x80000017U, 0x80000013U, 0x9000701AU, 0xC0000004U}) {
        auto bytes = image;
        const auto sparse = number_of("/sparse");
        const auto whole = number_of("/one in pieces");
        for (const auto number : {sparse, whole}) {
            edit_record(bytes, number, [&](auto record) { add_attribute(record, 0xC0, tag); });
        }
        const auto fs = open_image(std::move(bytes));
        const auto refused = fs->open(sparse);
        ASSERT_TRUE(fails_with(refused, ErrorCode::unsupported));
        EXPECT_NE(to_string(refused.error()).find(fmt::format("{:#010x}", tag)), std::string::npos);
        // One that is there as a whole, as of a cloud that was asked for it, has its content.
        EXPECT_EQ(sha256(content_of(*fs, whole)), card_sums("ntfs").at("one in pieces"));
    }
}

TEST_F(NtfsLies, ADeletedFileOfAFilterHasNoContent)
{
    edit_record(image, deleted_photo, [&](auto record) {
        const auto data = attribute_at(record, 0x80);
        store_le<std::uint64_t>(record.subspan(data + 56), 0); // nothing of it was written
        add_attribute(record, 0xC0, 0x80000017);
    });
    const auto file = photo();
    EXPECT_EQ(file.content, nullptr);
    EXPECT_NE(file.proof.find("kept elsewhere"), std::string::npos) << file.proof;
}

TEST_F(NtfsLies, AnExtensionOfAnotherLifeIsNotTheFiles)
{
    edit_record(image, extension_of_many, [](auto record) { store_le<std::uint16_t>(record.subspan(38), 9); });
    const auto fs = open_image(image);
    const auto listed = fs->list(folder_many);
    ASSERT_TRUE(fails_with(listed, ErrorCode::malformed));
    EXPECT_NE(listed.error().what.find("belongs to another one"), std::string::npos) << to_string(listed.error());
}

TEST_F(NtfsLies, ADeletedFileWhoseListEndsEarlyIsLow)
{
    EXPECT_EQ(photo().confidence, Confidence::high);
    edit_record(image, deleted_photo, [](auto record) {
        const auto data = attribute_at(record, 0x80);
        const auto runs = data + load_le<std::uint16_t>(record.subspan(data + 32));
        record[runs + 1] = static_cast<std::byte>(std::to_integer<unsigned>(record[runs + 1]) - 2U);
    });
    const auto file = photo();
    EXPECT_EQ(file.confidence, Confidence::low);
    EXPECT_NE(file.proof.find("lacks 2 clusters"), std::string::npos) << file.proof;
}

TEST_F(NtfsLies, ADeletedFileWithADamagedRecordIsLow)
{
    edit_record(image, deleted_photo,
                [](auto record) { store_le<std::uint32_t>(record.subspan(attribute_at(record, 0xFFFFFFFF)), 0x100); });
    const auto file = photo();
    EXPECT_EQ(file.confidence, Confidence::low);
    EXPECT_NE(file.proof.find("parts of its record are lost"), std::string::npos) << file.proof;
}

TEST_F(NtfsLies, WhatIsBeyondTheDumpIsUnreadableAndNotHigh)
{
    const auto place = photo().content->locate(ByteOffset{0}).chain.front().at.value;
    image.resize(place + 1024);
    const auto file = photo();
    EXPECT_NE(file.confidence, Confidence::high);
    EXPECT_NE(file.proof.find("beyond the end of the dump"), std::string::npos) << file.proof;
    EXPECT_EQ(file.proof.find("taken by live files"), std::string::npos) << file.proof;
}

TEST_F(NtfsLies, AFileTableThatIsCutIsAFinding)
{
    EXPECT_FALSE(has_finding(*open_image(image), "ntfs-table-cut"));
    edit_record(image, 0,
                [](auto record) { store_le<std::uint32_t>(record.subspan(attribute_at(record, 0xFFFFFFFF)), 0x100); });
    EXPECT_TRUE(has_finding(*open_image(image), "ntfs-table-cut"));
}

TEST_F(NtfsLies, ACopyThatEndsElsewhereOrDoesNotOpenIsNoVolume)
{
    const Bytes boot{image.begin(), image.begin() + 512};
    const auto with_copy = [&](std::uint64_t sectors) {
        Bytes out(image.size());
        std::ranges::copy(boot, out.end() - 512);
        store_le<std::uint64_t>(std::span{out}.last(512).subspan(40), sectors);
        return filesystem::open(in_memory(std::move(out)));
    };
    EXPECT_TRUE(fails_with(with_copy(6143), ErrorCode::not_found)); // its table is not there
    std::fill_n(image.begin(), 512, std::byte{0});
    EXPECT_TRUE(has_finding(*open_image(image), "ntfs-boot-sector-copy"));
    for (const std::uint64_t sectors : {6144U, 5000U}) {
        store_le<std::uint64_t>(std::span{image}.last(512).subspan(40), sectors);
        EXPECT_TRUE(fails_with(filesystem::open(in_memory(image)), ErrorCode::not_found)) << sectors;
    }
}

/// Places of entries in indexes that lead to `number`.
std::vector<std::size_t> index_entries_of(const Bytes& image, std::uint64_t number, std::string_view name)
{
    std::vector<std::size_t> out;
    for (std::size_t at = 0; at + 200 <= image.size(); at += 8) {
        const auto entry = ByteView{image}.subspan(at, 200);
        bool fits = load_le<std::uint32_t>(entry) == number && std::to_integer<std::size_t>(entry[80]) == name.size();
        for (std::size_t i = 0; fits && i < name.size(); ++i) {
            fits = entry[82 + 2 * i] == static_cast<std::byte>(name[i]);
        }
        if (fits) {
            out.push_back(at);
        }
    }
    return out;
}

TEST_F(NtfsLies, ARecordThatNoVolumeHasIsNoStreamOfAnother)
{
    const auto number = number_of("/one in pieces");
    const auto places = index_entries_of(image, number, "one in pieces");
    ASSERT_FALSE(places.empty());
    for (const auto at : places) {
        store_le<std::uint32_t>(std::span{image}.subspan(at + 4), 0x00010001);
    }
    const auto fs = open_image(image);
    std::vector<filesystem::Entry> so_far;
    EXPECT_TRUE(fails_with(fs->list(fs->root().inode, &so_far), ErrorCode::malformed));
    for (const auto& entry : so_far) {
        EXPECT_NE(entry.name, "one in pieces");
    }
}

TEST_F(NtfsLies, OfALostRecordTheDirectoryTellsSizeAndTimes)
{
    const auto whole = filesystem::find_path(*open_image(image), "/one in pieces").value();
    image[table_at + whole.inode * record_bytes] ^= std::byte{1};
    const auto lost = filesystem::find_path(*open_image(image), "/one in pieces").value();
    EXPECT_EQ(lost.inode, whole.inode);
    EXPECT_EQ(lost.size, whole.size);
    EXPECT_NE(lost.modified.seconds, 0);
}

TEST_F(NtfsLies, BlocksBehindAShortBitmapOfADirectoryAreNotInUse)
{
    const auto names = open_image(image)->list(folder_many).value().size();
    edit_record(image, folder_many,
                [](auto record) { store_le<std::uint32_t>(record.subspan(attribute_at(record, 0xB0) + 16), 0); });
    EXPECT_LT(open_image(image)->list(folder_many).value().size(), names);
}

} // namespace
} // namespace salvage::test
