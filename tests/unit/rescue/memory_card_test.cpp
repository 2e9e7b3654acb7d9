// Dumps of memory cards: behind an MBR or bare, the partition with the owner's files is the one that is opened.
#include <gtest/gtest.h>

#include "salvage/fde/unlock.hpp"
#include "salvage/filesystem/filesystem.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/rescue/dump.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::test {
namespace {

constexpr std::size_t first_sector = 64;

Bytes volume(const std::string& name)
{
    const auto text = run_command("zstd -dcq " + sample("card/" + name + ".img.zst").string()).value();
    const auto view = as_bytes(text);
    return {view.begin(), view.end()};
}

/// Volumes one behind the other, and an MBR that names them.
Bytes card(const std::vector<Bytes>& volumes)
{
    Bytes out(first_sector * 512);
    for (std::size_t i = 0; i < volumes.size(); ++i) {
        const auto entry = std::span{out}.subspan(446 + i * 16, 16);
        entry[4] = std::byte{7};
        store_le<std::uint32_t>(entry.subspan(8), static_cast<std::uint32_t>(out.size() / 512));
        store_le<std::uint32_t>(entry.subspan(12), static_cast<std::uint32_t>(volumes[i].size() / 512));
        out.insert(out.end(), volumes[i].begin(), volumes[i].end());
    }
    store_le<std::uint16_t>(std::span{out}.subspan(510), 0xAA55);
    return out;
}

class MemoryCard : public ::testing::Test {
protected:
    rescue::Dump dump_of(const Bytes& bytes)
    {
        rescue::DumpRequest request;
        request.path = folder.write("card.img", bytes);
        return rescue::open_dump(request).value();
    }

    TemporaryFolder folder;
};

TEST_F(MemoryCard, ItsPartitionIsOpened)
{
    const auto dump = dump_of(card({volume("exfat")}));
    const auto chosen = rescue::userdata_of(dump);
    ASSERT_TRUE(chosen.has_value());
    EXPECT_EQ(chosen->name, "p1");
    const auto fs = filesystem::open(rescue::open_partition(dump, *chosen).value());
    ASSERT_TRUE(is_ok(fs));
    EXPECT_EQ((*fs)->kind(), "exfat");
    EXPECT_TRUE(is_ok(filesystem::find_path(**fs, "/DCIM/Camera/IMG_0001.jpg")));
}

TEST_F(MemoryCard, OfSeveralTheLargestIsOpened)
{
    EXPECT_EQ(rescue::userdata_of(dump_of(card({volume("exfat"), volume("ntfs")})))->name, "p2");
    EXPECT_EQ(rescue::userdata_of(dump_of(card({volume("ntfs"), volume("exfat")})))->name, "p1");
}

TEST_F(MemoryCard, APartitionWithoutAPlaceHidesNoOther)
{
    auto dump = dump_of(card({volume("exfat")}));
    auto placeless = dump.layout.partitions.front();
    placeless.name = "p9";
    placeless.is_start_known = false;
    dump.layout.partitions.insert(dump.layout.partitions.begin(), placeless);
    const auto found = rescue::find_card_partition(dump);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->name, "p1");
}

TEST_F(MemoryCard, APhoneWithoutNamesIsNone)
{
    const auto ext4 = read_file(sample("../../fuzz/corpus/ext/ext4"));
    const auto dump = dump_of(card({volume("exfat"), ext4}));
    EXPECT_FALSE(rescue::userdata_of(dump).has_value());
}

TEST_F(MemoryCard, ABareOneIsTakenWhole)
{
    const auto dump = dump_of(volume("ntfs"));
    EXPECT_TRUE(dump.is_bare);
    const auto source = rescue::open_partition(dump, *rescue::userdata_of(dump)).value();
    EXPECT_EQ(fde::probe_filesystem(*source)->name, "ntfs");
    EXPECT_TRUE(is_ok(filesystem::open(source)));
}

TEST_F(MemoryCard, ExfatAndNtfsAreToldInTheClear)
{
    for (const std::string name : {"exfat", "ntfs"}) {
        const auto bytes = volume(name);
        const auto found = fde::probe_filesystem(*io::make_memory(bytes, name));
        ASSERT_TRUE(found.has_value()) << name;
        EXPECT_EQ(found->name, name);
        EXPECT_LE(found->size.value, bytes.size());
        EXPECT_GT(found->size.value, bytes.size() - 4096);
    }
}

TEST_F(MemoryCard, ABootSectorAloneIsNoFilesystem)
{
    for (const std::string name : {"exfat", "ntfs"}) {
        auto bytes = volume(name);
        const auto left_over = io::make_memory({bytes.begin(), bytes.begin() + 4096}, "cut");
        EXPECT_TRUE(fde::probe_filesystem(*left_over).has_value()) << name; // what would deny it is not there
        for (std::size_t at = 512; at < bytes.size(); ++at) {
            bytes[at] = static_cast<std::byte>(at * at / 7);
        }
        EXPECT_FALSE(fde::probe_filesystem(*io::make_memory(bytes, name)).has_value()) << name;
    }
}

TEST_F(MemoryCard, OneOfTwoPlacesProvesABootSector)
{
    auto exfat = volume("exfat");
    auto ntfs = volume("ntfs");
    exfat[11 * 512] ^= std::byte{1}; // the checksum
    ntfs[0x4000] ^= std::byte{1};    // the first record; its mirror is whole
    EXPECT_EQ(fde::probe_filesystem(*io::make_memory(exfat, "exfat"))->name, "exfat");
    EXPECT_EQ(fde::probe_filesystem(*io::make_memory(ntfs, "ntfs"))->name, "ntfs");
    exfat[12 * 512 + 100] ^= std::byte{1}; // the backup
    EXPECT_FALSE(fde::probe_filesystem(*io::make_memory(exfat, "exfat")).has_value());
}

} // namespace
} // namespace salvage::test
