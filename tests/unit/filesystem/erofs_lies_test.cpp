// Volumes that contradict themselves, one number at a time: each lie is told from the truth and named.
#include "erofs_images.hpp"
#include "filesystem/erofs/directory.hpp"
#include "salvage/io/missing.hpp"

namespace salvage::test {
namespace {

using filesystem::Entry;

/// A sample whose bytes are changed by what they are.
class Volume {
public:
    explicit Volume(const std::string& name) : image_{erofs_sample(name)} {}

    [[nodiscard]] std::unique_ptr<const filesystem::FileSystem> open() const { return open_image(image_); }
    [[nodiscard]] Result<std::unique_ptr<const filesystem::FileSystem>> try_open() const
    {
        return filesystem::open(in_memory(image_));
    }
    [[nodiscard]] std::uint64_t inode(const std::string& path) const
    {
        return filesystem::find_path(*open(), path)->inode;
    }
    [[nodiscard]] std::uint64_t block_bytes() const
    {
        return std::uint64_t{1} << std::to_integer<unsigned>(image_.at(1024 + 12));
    }
    [[nodiscard]] std::size_t inode_at(const std::string& path) const
    {
        return get<std::uint32_t>(1024 + 40) * block_bytes() + inode(path) * 32;
    }
    /// Behind the inode, which is one of 64 bytes in all samples but one.
    [[nodiscard]] std::size_t attributes_at(const std::string& path) const { return inode_at(path) + 64; }
    [[nodiscard]] std::size_t layout_at(const std::string& path) const
    {
        const auto units = get<std::uint16_t>(inode_at(path) + 2);
        return attributes_at(path) + (units == 0 ? 0U : 12U + 4U * (units - 1U));
    }
    /// Header of the index of a compressed file.
    [[nodiscard]] std::size_t header_at(const std::string& path) const { return (layout_at(path) + 7) / 8 * 8; }
    /// The place of `name` in a directory's block, as the image has it.
    [[nodiscard]] std::size_t name_at(std::string_view name) const
    {
        const auto at = as_text(image_).find(name);
        EXPECT_NE(at, std::string_view::npos);
        return at;
    }
    /// The entry of 12 bytes that leads to this inode.
    [[nodiscard]] std::size_t entry_at(std::uint64_t inode) const
    {
        for (std::size_t at = 0; at + 12 <= image_.size(); at += 4) {
            const auto type = std::to_integer<unsigned>(image_[at + 10]);
            const auto name = get<std::uint16_t>(at + 8);
            if (get<std::uint64_t>(at) == inode && type > 0 && type < 8 && name >= 12 && name < block_bytes()) {
                return at;
            }
        }
        ADD_FAILURE() << "no entry leads to inode " << inode;
        return 0;
    }

    template <typename T>
    [[nodiscard]] T get(std::size_t at) const
    {
        return load_le<T>(ByteView{image_}.subspan(at));
    }
    template <typename T>
    void put(std::size_t at, T value)
    {
        store_le(std::span{image_}.subspan(at), value);
        mend_checksum();
    }
    void put_text(std::size_t at, std::string_view text)
    {
        std::ranges::copy(as_bytes(text), image_.begin() + static_cast<std::ptrdiff_t>(at));
        mend_checksum();
    }
    [[nodiscard]] Bytes& bytes() noexcept { return image_; }

private:
    /// So that it is the lie that is found.
    void mend_checksum()
    {
        const auto count = block_bytes() > 1024 ? block_bytes() - 1024 : block_bytes();
        store_le<std::uint32_t>(std::span{image_}.subspan(1024 + 4), 0);
        std::uint32_t crc = 0xFFFFFFFF;
        for (const auto byte : ByteView{image_}.subspan(1024, count)) {
            crc ^= std::to_integer<std::uint32_t>(byte);
            for (int bit = 0; bit < 8; ++bit) {
                crc = crc >> 1U ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
            }
        }
        store_le<std::uint32_t>(std::span{image_}.subspan(1024 + 4), crc);
    }

    Bytes image_;
};

void expect_says(const Error& error, std::string_view text)
{
    EXPECT_NE(to_string(error).find(text), std::string::npos) << to_string(error);
}

/// Why the whole content cannot be read.
Error why_lost(const filesystem::FileSystem& fs, std::uint64_t inode)
{
    const auto source = fs.open(inode);
    if (!source.has_value()) {
        return source.error();
    }
    const auto bytes = io::read_all(**source, ByteCount{1U << 24U});
    EXPECT_FALSE(bytes.has_value());
    return bytes.has_value() ? Error{} : bytes.error();
}

TEST(ErofsSuperblock, AWrongChecksumIsSaidAndTheRestRead)
{
    auto image = erofs_sample("plain");
    image.at(1024 + 70) ^= std::byte{1}; // the label
    const auto fs = open_image(image);
    ASSERT_TRUE(has_finding(*fs, "erofs-superblock-checksum"));
    EXPECT_EQ(fs->findings()[0].severity, Severity::error);
    EXPECT_GT(walk_all(*fs).size(), 20U);
}

TEST(ErofsSuperblock, WithoutAChecksumNothingIsSaid)
{
    Volume volume{"plain"};
    volume.put<std::uint32_t>(1024 + 8, 0);
    volume.bytes().at(1024 + 4) ^= std::byte{1};
    EXPECT_TRUE(volume.open()->findings().empty());
}

TEST(ErofsSuperblock, TheLabelIsThere)
{
    Volume volume{"plain"};
    volume.put_text(1024 + 64, "vendor");
    EXPECT_EQ(volume.open()->label(), "vendor");
}

TEST(ErofsSuperblock, ACutVolumeIsSaid)
{
    auto image = erofs_sample("lz4");
    image.resize(image.size() - 5000);
    EXPECT_TRUE(has_finding(*open_image(image), "erofs-cut"));
}

struct Refused {
    const char* name;
    std::size_t at;
    std::uint32_t value;
    ErrorCode code;
    const char* reason;
};

class ErofsRefusedFields : public ::testing::TestWithParam<Refused> {};

TEST_P(ErofsRefusedFields, SaysTheReason)
{
    Volume volume{"plain"};
    const auto& lie = GetParam();
    volume.put<std::uint8_t>(1024 + lie.at, static_cast<std::uint8_t>(lie.value));
    const auto opened = volume.try_open();
    ASSERT_TRUE(fails_with(opened, lie.code));
    expect_says(opened.error(), lie.reason);
}

INSTANTIATE_TEST_SUITE_P(All, ErofsRefusedFields,
                         ::testing::Values(Refused{"Metabox", 81, 0x1, ErrorCode::unsupported, "metabox"},
                                           Refused{"Wide", 80, 0x80, ErrorCode::unsupported, "48bit"},
                                           Refused{"Unknown", 83, 0x40, ErrorCode::unsupported, "0x40000000"},
                                           Refused{"DirectoryBlocks", 90, 1, ErrorCode::unsupported,
                                                   "directory blocks"},
                                           Refused{"MetadataOutside", 42, 1, ErrorCode::malformed, "meta_blkaddr"},
                                           Refused{"AttributesOutside", 46, 1, ErrorCode::malformed, "xattr_blkaddr"},
                                           Refused{"Nanoseconds", 35, 0xFF, ErrorCode::malformed, "build_time_nsec"},
                                           Refused{"Root", 15, 0xFF, ErrorCode::not_found, "no such inode"}),
                         [](const auto& lie) { return lie.param.name; });

TEST(ErofsSuperblock, ABlockSizeThatCannotBeIsNamed)
{
    auto image = erofs_sample("plain");
    for (const auto bits : {0, 8, 17, 200}) {
        image.at(1024 + 12) = static_cast<std::byte>(bits);
        const auto opened = filesystem::open(in_memory(image));
        ASSERT_TRUE(fails_with(opened, ErrorCode::malformed));
        expect_says(opened.error(), "blkszbits");
    }
}

TEST(ErofsInode, AnUnknownLayoutIsNamed)
{
    Volume volume{"plain"};
    const auto inode = volume.inode("noise");
    volume.put<std::uint8_t>(volume.inode_at("noise"), 0xB);
    const auto status = volume.open()->stat(inode);
    ASSERT_TRUE(fails_with(status, ErrorCode::malformed));
    expect_says(status.error(), "i_format");
    EXPECT_EQ(status.error().where->chain.front().at.value, volume.get<std::uint32_t>(1024 + 40) * 4096 + inode * 32);
}

TEST(ErofsInode, AFileThatPointsOutsideIsLostThere)
{
    Volume volume{"plain"};
    volume.put<std::uint32_t>(volume.inode_at("noise") + 16, 0x7FFFFFFF);
    const auto fs = volume.open();
    const auto inode = volume.inode("noise");
    expect_says(why_lost(*fs, inode), "outside the volume");
    const auto file = fs->open(inode).value();
    EXPECT_TRUE(io::read_bytes(*file, ByteOffset{4096}, ByteCount{904}).has_value()); // its end, behind the inode
}

TEST(ErofsInode, AHugeSizeIsNotBelieved)
{
    for (const auto* name : {"plain", "chunks", "lz4", "lz4-full", "lz4-fragments"}) {
        SCOPED_TRACE(name);
        Volume volume{name};
        const auto inode = volume.inode("mixed");
        volume.put<std::uint64_t>(volume.inode_at("mixed") + 8, 0x7FFFFFFFFFFFF000);
        const auto fs = volume.open();
        const auto file = fs->open(inode);
        if (!file.has_value()) {
            EXPECT_EQ(file.error().code, ErrorCode::malformed);
            continue;
        }
        EXPECT_EQ((*file)->size().value, 0x7FFFFFFFFFFFF000U);
        EXPECT_EQ((*file)->extents(io::whole(**file)).value().back().kind, io::ExtentKind::unreadable);
    }
}

TEST(ErofsInode, AnEndThatDoesNotFitIsLost)
{
    Volume volume{"plain"};
    const auto inode = volume.inode("noise");
    volume.put<std::uint64_t>(volume.inode_at("noise") + 8, 4096 + 4095);
    expect_says(why_lost(*volume.open(), inode), "does not fit there");
}

TEST(ErofsDirectory, AnEntryOfAnotherTypeIsLeftOut)
{
    Volume volume{"plain"};
    const auto at = volume.entry_at(volume.inode("noise"));
    volume.put<std::uint64_t>(at, volume.inode("folder"));
    std::vector<Entry> so_far;
    const auto fs = volume.open();
    const auto listed = fs->list(fs->root().inode, &so_far);
    ASSERT_TRUE(fails_with(listed, ErrorCode::malformed));
    expect_says(listed.error(), "\"noise\" is a file");
    EXPECT_TRUE(std::ranges::none_of(so_far, [](const Entry& entry) { return entry.name == "noise"; }));
    EXPECT_EQ(so_far.size(), 7U);
}

TEST(ErofsDirectory, OneThatIsAnothersIsSaid)
{
    Volume volume{"plain"};
    const auto at = volume.entry_at(volume.inode("many"));
    volume.put<std::uint64_t>(at, volume.inode("folder/deeper"));
    const auto fs = volume.open();
    const auto listed = fs->list(fs->root().inode);
    ASSERT_TRUE(fails_with(listed, ErrorCode::malformed));
    expect_says(listed.error(), "whose parent is not");
}

TEST(ErofsDirectory, OneThatDoesNotNameItselfIsSaid)
{
    Volume volume{"plain"};
    const auto inode = volume.inode("folder");
    const auto at = volume.layout_at("folder"); // its names stand behind the inode, "." first
    ASSERT_EQ(volume.get<std::uint64_t>(at), inode);
    volume.put<std::uint64_t>(at, inode + 1);
    const auto listed = volume.open()->list(inode);
    ASSERT_TRUE(fails_with(listed, ErrorCode::malformed));
    expect_says(listed.error(), "does not name itself");
}

TEST(ErofsDirectory, WhatIsLostIsNotAskedForBlockByBlock)
{
    io::ReadCounters counters;
    const auto lost = io::make_counting(io::make_missing(ByteCount{1U << 29U}, "lost"), counters);
    const auto directory = filesystem::erofs::read_directory(*lost, 1024).value();
    EXPECT_TRUE(directory.damage.has_value());
    EXPECT_LT(counters.reads.load(), 10U);
}

TEST(ErofsDirectory, NamesOutOfOrderAreSaidAndKept)
{
    Volume volume{"plain"};
    const auto inode = volume.inode("folder");
    volume.put_text(volume.name_at("alikedeeperlinksmall"), "zlike");
    std::vector<Entry> so_far;
    const auto listed = volume.open()->list(inode, &so_far);
    ASSERT_TRUE(fails_with(listed, ErrorCode::malformed));
    expect_says(listed.error(), "not in order");
    EXPECT_EQ(so_far.size(), 4U);
}

TEST(ErofsDirectory, ANameWithASlashIsLeftOut)
{
    Volume volume{"plain"};
    const auto inode = volume.inode("folder");
    volume.put_text(volume.name_at("alikedeeperlinksmall"), "al/ke");
    std::vector<Entry> so_far;
    ASSERT_TRUE(fails_with(volume.open()->list(inode, &so_far), ErrorCode::malformed));
    EXPECT_EQ(so_far.size(), 3U);
}

TEST(ErofsDirectory, ANameOutsideItsBlockIsSaid)
{
    Volume volume{"plain"};
    const auto inode = volume.inode("folder");
    const auto at = volume.layout_at("folder") + 8;
    for (const auto offset : std::array<std::uint16_t, 4>{0, 11, 13, 0xFFFC}) {
        volume.put<std::uint16_t>(at, offset);
        EXPECT_TRUE(fails_with(volume.open()->list(inode), ErrorCode::malformed)) << offset;
    }
}

TEST(ErofsAttributes, ThatDoNotFitAreSaid)
{
    Volume volume{"plain"};
    const auto inode = volume.inode("text");
    const auto at = volume.attributes_at("text");
    volume.put<std::uint8_t>(at + 4, 200); // shared ones
    expect_says(volume.open()->extended_attributes(inode).error(), "more shared attributes than have room");
    volume.put<std::uint8_t>(at + 4, 0);
    volume.put<std::uint16_t>(at + 12 + 2, 60000); // size of the first value
    expect_says(volume.open()->extended_attributes(inode).error(), "does not fit behind its inode");
}

TEST(ErofsAttributes, ASharedOneOutsideTheVolumeIsSaid)
{
    Volume volume{"shared"};
    const auto inode = volume.inode("text");
    ASSERT_GT(volume.get<std::uint8_t>(volume.attributes_at("text") + 4), 0U);
    volume.put<std::uint32_t>(volume.attributes_at("text") + 12, 0xFFFFFFF0);
    EXPECT_TRUE(fails_with(volume.open()->extended_attributes(inode), ErrorCode::truncated));
}

TEST(ErofsAttributes, AnUnknownPrefixIsShownAsItsNumber)
{
    Volume volume{"plain"};
    const auto inode = volume.inode("empty");
    volume.put<std::uint8_t>(volume.attributes_at("empty") + 12 + 1, 0x85);
    EXPECT_EQ(volume.open()->extended_attributes(inode)->at(0).first, "index133.nothing");
}

TEST(ErofsChunks, FormsThatCannotBeAreSaid)
{
    Volume volume{"chunks"};
    const auto inode = volume.inode("mixed");
    const auto at = volume.inode_at("mixed") + 16;
    volume.put<std::uint32_t>(at, 0x40);
    EXPECT_TRUE(fails_with(volume.open()->open(inode), ErrorCode::unsupported));
    volume.put<std::uint32_t>(at, 0x100);
    EXPECT_TRUE(fails_with(volume.open()->open(inode), ErrorCode::malformed));
}

TEST(ErofsChunks, OneThatPointsOutsideIsLostAlone)
{
    Volume volume{"chunks"};
    const auto inode = volume.inode("mixed");
    volume.put<std::uint32_t>((volume.layout_at("mixed") + 3) / 4 * 4 + 4, 0x00FFFFFF);
    const auto fs = volume.open();
    const auto file = fs->open(inode).value();
    const auto extents = file->extents(io::whole(*file)).value();
    ASSERT_EQ(extents.size(), 3U);
    EXPECT_EQ(extents[1].kind, io::ExtentKind::unreadable);
    const auto chunk = std::uint64_t{1024} << (volume.get<std::uint32_t>(volume.inode_at("mixed") + 16) & 31U);
    EXPECT_EQ(extents[1].range.start().value, chunk);
    EXPECT_EQ(extents[1].range.size().value, chunk);
}

TEST(ErofsIndex, ABlockNumberThatDoesNotFollowIsNotBelieved)
{
    Volume volume{"lz4-blocks-of-512"};
    const auto inode = volume.inode("mixed");
    // Packs of two entries stand before that of sixteen, whose last 4 bytes are a block number.
    const auto index = volume.header_at("mixed") + 8;
    const auto leading = (32 - index % 32) % 32;
    ASSERT_GT(leading, 0U);
    const auto at = index + leading + 28;
    volume.put<std::uint32_t>(at, volume.get<std::uint32_t>(at) + 1);
    expect_says(why_lost(*volume.open(), inode), "its block is");
}

TEST(ErofsIndex, ADistanceThatIsWrongIsNotBelieved)
{
    Volume volume{"lz4-full"};
    const auto inode = volume.inode("text");
    // Eight bytes an entry: the second is of a nonhead, one behind its head.
    const auto at = volume.header_at("text") + 16 + 8;
    ASSERT_EQ(volume.get<std::uint16_t>(at), 2U);
    ASSERT_EQ(volume.get<std::uint16_t>(at + 4), 1U);
    volume.put<std::uint16_t>(at + 4, 2);
    expect_says(why_lost(*volume.open(), inode), "is said to be 2 before it");
}

TEST(ErofsIndex, AnAlgorithmThatIsNotInUseIsNotTried)
{
    Volume volume{"lzma"};
    const auto inode = volume.inode("text");
    volume.put<std::uint8_t>(volume.header_at("text") + 6, 3);
    expect_says(why_lost(*volume.open(), inode), "algorithm 3");
}

TEST(ErofsIndex, ListsOfExtentsAndLargerClustersAreRefused)
{
    Volume volume{"lz4-large"};
    const auto inode = volume.inode("text");
    volume.put<std::uint8_t>(volume.header_at("text") + 7, 1);
    EXPECT_TRUE(fails_with(volume.open()->open(inode), ErrorCode::unsupported));
    Volume other{"lz4-dedupe"};
    const auto second = other.inode("folder/alike");
    ASSERT_EQ(other.get<std::uint8_t>(other.inode_at("folder/alike")) >> 1U, 1U); // a full index
    const auto at = other.header_at("folder/alike") + 4;
    other.put<std::uint8_t>(at, static_cast<std::uint8_t>(other.get<std::uint8_t>(at) | 1U));
    EXPECT_TRUE(fails_with(other.open()->open(second), ErrorCode::unsupported));
}

TEST(ErofsFragments, ThatLieOutsideAreLost)
{
    Volume volume{"lz4-all-fragments"};
    const auto inode = volume.inode("text");
    volume.put<std::uint32_t>(volume.header_at("text"), 0x7FFFFFFF);
    ASSERT_TRUE(fails_with(volume.open()->open(inode), ErrorCode::malformed));
}

TEST(ErofsFragments, WithoutTheirInodeAreLostAndSaid)
{
    Volume volume{"lz4-all-fragments"};
    const auto inode = volume.inode("text");
    volume.put<std::uint64_t>(1024 + 96, 0x7FFFFFFF);
    const auto fs = volume.open();
    EXPECT_TRUE(has_finding(*fs, "erofs-fragments-lost"));
    EXPECT_TRUE(fails_with(fs->open(inode), ErrorCode::malformed));
    EXPECT_EQ(fs->list(fs->root().inode)->size(), 8U);
}

TEST(ErofsFragments, AnInodeOfFragmentsThatIsItselfAFragmentIsNoLoop)
{
    Volume volume{"lz4-all-fragments"};
    const auto inode = volume.inode("text");
    volume.put<std::uint64_t>(1024 + 96, inode);
    const auto fs = volume.open();
    EXPECT_TRUE(has_finding(*fs, "erofs-fragments-lost"));
    EXPECT_TRUE(fails_with(fs->open(inode), ErrorCode::malformed));
}

} // namespace
} // namespace salvage::test
