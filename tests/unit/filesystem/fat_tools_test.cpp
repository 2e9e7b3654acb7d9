// FAT volumes that mkfs.vfat made and mtools filled: every file must be as it is in the folder, deleted ones as they
// were.
#include "card_images.hpp"

namespace salvage::test {
namespace {

using filesystem::Confidence;
using filesystem::EntryType;

struct FatKind {
    const char* name;
    const char* options;
    const char* size;
};

std::ostream& operator<<(std::ostream& out, const FatKind& kind)
{
    return out << kind.name << " " << kind.options;
}

class FatTools : public ::testing::TestWithParam<FatKind> {
protected:
    void SetUp() override
    {
        if (!have_fat_tools()) {
            GTEST_SKIP() << "dosfstools and mtools are not installed";
        }
        if (original_tree().empty()) {
            make_tree();
        }
        const auto made = original_folder() / (std::string{GetParam().name} + GetParam().options);
        if (!std::filesystem::exists(made)) {
            make(made);
        }
        must_run("cp --sparse=always '" + made.string() + "' " + image.string());
        tree = original_tree();
    }

    static std::filesystem::path original_folder()
    {
        static const TemporaryFolder folder;
        return folder.path();
    }

    static std::filesystem::path& original_tree()
    {
        static std::filesystem::path path;
        return path;
    }

    void make_tree() const
    {
        original_tree() = original_folder() / "tree";
        std::filesystem::create_directories(tree / "DCIM/Camera");
        std::filesystem::create_directories(tree / "\xC3\x9Cn\xC3\xAF \xE2\x9C\x93/deep");
        std::filesystem::create_directories(tree / "many");
        put("DCIM/Camera/IMG_20190101_120000.jpg", 70'001);
        put("DCIM/Camera/SHORT.TXT", 1);
        put("lower.txt", 512);
        put("empty", 0);
        put("exactly", 4096);
        put("\xC3\x9Cn\xC3\xAF \xE2\x9C\x93/deep/\xD1\x84\xD0\xB0\xD0\xB9\xD0\xBB.txt", 300);
        put(std::string(200, 'n') + ".txt", 10);
        for (int i = 0; i < 500; ++i) {
            put("many/a file with a long name " + std::to_string(i), i % 50 == 0 ? 700 : 0);
        }
        set_time("lower.txt", 1'500'000'002);
        std::filesystem::rename(tree, original_tree());
    }

    void put(const std::string& name, std::size_t count) const
    {
        std::ofstream file{tree / name, std::ios::binary};
        const auto bytes = noise(count, count + name.size());
        file.write(as_text(bytes).data(), static_cast<std::streamsize>(count));
    }

    void set_time(const std::string& name, std::int64_t seconds) const
    {
        const std::array<timespec, 2> times{timespec{.tv_sec = seconds, .tv_nsec = 0},
                                            timespec{.tv_sec = seconds, .tv_nsec = 0}};
        ::utimensat(AT_FDCWD, (tree / name).c_str(), times.data(), 0);
    }

    static void make(const std::filesystem::path& at)
    {
        const auto& kind = GetParam();
        const auto name = "'" + at.string() + "'";
        must_run(fat_tools("truncate -s " + std::string{kind.size} + " " + name + " && mkfs.vfat -n 'MY CARD' " +
                           kind.options + " " + name + " && cd " + original_tree().string() + " && mcopy -s -m -i " +
                           name + " * ::"));
    }

    std::string mtools(const std::string& verb, const std::string& arguments) const
    {
        return must_run(fat_tools(verb + " -i " + image.string() + " " + arguments));
    }

    [[nodiscard]] std::unique_ptr<const filesystem::FileSystem> open() const
    {
        return filesystem::open(io::open_file(image).value()).value();
    }

    TemporaryFolder folder;
    std::filesystem::path tree{folder.path() / "tree"};
    std::filesystem::path image{folder.path() / "card.img"};
};

TEST_P(FatTools, EveryFileIsAsInTheFolder)
{
    const auto fs = open();
    EXPECT_EQ(fs->kind(), GetParam().name);
    EXPECT_EQ(fs->label(), "MY CARD");
    EXPECT_TRUE(has_finding(*fs, "fat-local-times"));
    EXPECT_EQ(fs->findings().size(), 1U);
    const auto entries = walk_all(*fs);
    std::size_t expected = 0;
    for (const auto& origin : std::filesystem::recursive_directory_iterator{tree}) {
        const auto path = origin.path().lexically_relative(tree).string();
        ++expected;
        const auto found = entries.find(path);
        ASSERT_NE(found, entries.end()) << path;
        EXPECT_EQ(found->second.type, origin.is_directory() ? EntryType::directory : EntryType::file) << path;
        if (origin.is_regular_file()) {
            EXPECT_EQ(found->second.size.value, origin.file_size()) << path;
            EXPECT_TRUE(content_of(*fs, found->second.inode) == read_file(origin.path())) << path;
        }
    }
    EXPECT_EQ(entries.size(), expected);
    EXPECT_EQ(entries.at("lower.txt").modified.seconds, 1'500'000'002);
}

TEST_P(FatTools, UnusedAreasAreWhatMdirSaysIsFree)
{
    auto text = mtools("mdir", "::");
    std::erase(text, ' ');
    const auto end = text.rfind("bytesfree");
    ASSERT_NE(end, std::string::npos);
    const auto start = text.find_last_not_of("0123456789", end - 1) + 1;
    const auto areas = open()->unused_areas();
    ASSERT_TRUE(is_ok(areas));
    EXPECT_EQ(total_of(*areas), std::stoull(text.substr(start, end - start)));
}

TEST_P(FatTools, DeletedFilesAreFoundWithTheirContent)
{
    mtools("mdel",
           "::DCIM/Camera/IMG_20190101_120000.jpg ::DCIM/Camera/SHORT.TXT '::many/a file with a long name 150'");
    const auto fs = open();
    const auto deleted = fs->deleted_files({});
    ASSERT_TRUE(is_ok(deleted));
    EXPECT_EQ(deleted->size(), 3U);
    const auto* const photo = find_deleted(*deleted, "/DCIM/Camera", "IMG_20190101_120000.jpg");
    ASSERT_NE(photo, nullptr);
    EXPECT_TRUE(content_of_deleted(*photo) == read_file(tree / "DCIM/Camera/IMG_20190101_120000.jpg"));
    EXPECT_EQ(photo->confidence, Confidence::medium); // its clusters are taken to follow each other
    const auto* const short_one = find_deleted(*deleted, "/DCIM/Camera", "_HORT.TXT");
    ASSERT_NE(short_one, nullptr);
    EXPECT_EQ(short_one->confidence, Confidence::medium);
    EXPECT_NE(short_one->proof.find("first letter"), std::string::npos);
    EXPECT_TRUE(content_of_deleted(*short_one) == read_file(tree / "DCIM/Camera/SHORT.TXT"));
    const auto* const small = find_deleted(*deleted, "/many", "a file with a long name 150");
    ASSERT_NE(small, nullptr);
    EXPECT_TRUE(content_of_deleted(*small) == read_file(tree / "many/a file with a long name 150"));
}

TEST_P(FatTools, AFileWhoseClustersWereTakenSaysSo)
{
    mtools("mdel", "::DCIM/Camera/IMG_20190101_120000.jpg");
    const auto added = folder.write("new", noise(5000, 1));
    // All that is free in front of the volume's free end is what the photo had: mtools takes the first that fits.
    mtools("mcopy", added.string() + " ::");
    const auto deleted = open()->deleted_files({}).value();
    const auto* const photo = find_deleted(deleted, "/DCIM/Camera", "IMG_20190101_120000.jpg");
    ASSERT_NE(photo, nullptr);
    const auto original = read_file(tree / "DCIM/Camera/IMG_20190101_120000.jpg");
    std::uint64_t lost = 0;
    const auto& content = *photo->content;
    const auto extents = content.extents(io::whole(content)).value();
    for (const auto& extent : extents) {
        const auto bytes = io::read_bytes(content, extent.range.start(), extent.range.size());
        ASSERT_EQ(bytes.has_value(), extent.kind != io::ExtentKind::unreadable);
        lost += bytes.has_value() ? 0 : extent.range.size().value;
        if (bytes.has_value()) {
            EXPECT_TRUE(
                std::ranges::equal(*bytes, ByteView{original}.subspan(extent.range.start().value, bytes->size())));
        }
    }
    EXPECT_EQ(photo->confidence, lost == 0 ? Confidence::medium : Confidence::low);
    if (lost != 0) {
        EXPECT_NE(photo->proof.find("taken by live files"), std::string::npos);
    }
}

TEST_P(FatTools, WhatADeletedFolderHeldIsFound)
{
    mtools("mdeltree", "'::\xC3\x9Cn\xC3\xAF \xE2\x9C\x93'");
    const auto deleted = open()->deleted_files({}).value();
    const std::string name{"\xD1\x84\xD0\xB0\xD0\xB9\xD0\xBB.txt"};
    // "deep" has a short name alone, so its first letter is lost; the other folder's long name is whole.
    const auto* const inner = find_deleted(deleted, "/\xC3\x9Cn\xC3\xAF \xE2\x9C\x93/_eep", name);
    ASSERT_NE(inner, nullptr);
    EXPECT_TRUE(content_of_deleted(*inner) == read_file(tree / "\xC3\x9Cn\xC3\xAF \xE2\x9C\x93/deep" / name));
}

TEST_P(FatTools, FilesOfALostFolderAreFoundWithoutItsName)
{
    mtools("mmd", "::LOSTDIR");
    must_run(fat_tools("cd " + tree.string() + " && mcopy -i " + image.string() + " lower.txt ::LOSTDIR"));
    mtools("mdeltree", "::LOSTDIR");
    // The entry itself is written over by another one.
    must_run(fat_tools("cd " + tree.string() + " && for i in 1 2 3 4; do mcopy -i " + image.string() +
                       " empty ::E$i; done"));
    const auto deleted = open()->deleted_files({}).value();
    const auto found = std::ranges::find_if(deleted, [](const filesystem::DeletedFile& file) {
        return file.entry.size.value == 512 && file.entry.type == EntryType::file;
    });
    ASSERT_NE(found, deleted.end());
    EXPECT_TRUE(content_of_deleted(*found) == read_file(tree / "lower.txt"));
}

TEST_P(FatTools, ARenamedFileIsNotADeletedOne)
{
    mtools("mmove", "::DCIM/Camera/IMG_20190101_120000.jpg ::moved.jpg");
    const auto deleted = open()->deleted_files({}).value();
    EXPECT_EQ(find_deleted(deleted, "/DCIM/Camera", "IMG_20190101_120000.jpg"), nullptr);
}

TEST_P(FatTools, AttributesAreKept)
{
    mtools("mattrib", "+h +s +r ::lower.txt");
    const auto fs = open();
    const auto entry = filesystem::find_path(*fs, "/lower.txt").value();
    EXPECT_EQ(entry.mode, 0444U);
    const auto attributes = fs->extended_attributes(entry.inode).value();
    ASSERT_EQ(attributes.size(), 1U);
    EXPECT_EQ(attributes[0].first, "user.dos.attributes");
    EXPECT_EQ(as_text(attributes[0].second), "read-only,hidden,system,archive");
    const auto plain = filesystem::find_path(*fs, "/exactly").value();
    EXPECT_EQ(plain.mode, 0644U);
    EXPECT_TRUE(fs->extended_attributes(plain.inode).value().empty());
}

TEST_P(FatTools, AnUnreadableAreaIsUnreadableInTheFile)
{
    const auto whole = io::open_file(image).value();
    const auto inode = filesystem::find_path(*open(), "/DCIM/Camera/IMG_20190101_120000.jpg").value().inode;
    const auto file = open()->open(inode).value();
    const auto place = file->locate(ByteOffset{20'000}).chain.front().at;
    const ByteOffset bad{place.value / 512 * 512};
    const auto damaged = io::make_with_bad_areas(whole, {ByteRange::between(bad, bad + ByteCount{512})});
    const auto again = filesystem::open(damaged).value()->open(inode).value();
    std::uint64_t lost = 0;
    const auto extents = again->extents(io::whole(*again)).value();
    for (const auto& extent : extents) {
        lost += extent.kind == io::ExtentKind::unreadable ? extent.range.size().value : 0;
    }
    EXPECT_EQ(lost, 512U);
    EXPECT_TRUE(fails_with(io::read_bytes(*again, ByteOffset{20'000}, ByteCount{1}), ErrorCode::unreadable));
}

class FatOfTwoTables : public FatTools {};

TEST_P(FatOfTwoTables, TheOtherTableServesForALostOne)
{
    auto bytes = read_file(image);
    const auto reserved = load_le<std::uint16_t>(ByteView{bytes}.subspan(14)) * std::size_t{512};
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(reserved), 512, std::byte{0});
    const auto fs = open_image(std::move(bytes));
    EXPECT_TRUE(content_at(*fs, "/DCIM/Camera/IMG_20190101_120000.jpg") ==
                read_file(tree / "DCIM/Camera/IMG_20190101_120000.jpg"));
}

class Fat32 : public FatTools {};

TEST_P(Fat32, TheBackupServesForADamagedBootSector)
{
    for (const std::size_t lost : {std::size_t{512}, std::size_t{24}}) { // all of it, or sizes and places
        auto bytes = read_file(image);
        std::fill_n(bytes.begin() + (lost == 24 ? 11 : 0), static_cast<std::ptrdiff_t>(lost), std::byte{0});
        const auto fs = open_image(std::move(bytes));
        EXPECT_TRUE(has_finding(*fs, "fat-backup-boot-sector"));
        EXPECT_EQ(content_at(*fs, "/lower.txt").size(), 512U);
    }
}

constexpr FatKind fat12{"fat12", "-F 12 -s 1", "1440K"};
constexpr FatKind fat16{"fat16", "-F 16 -s 1", "8M"};
constexpr FatKind fat16_of_one_table{"fat16", "-F 16 -s 4 -f 1 -S 1024", "24M"};
constexpr FatKind fat32{"fat32", "-F 32 -s 1", "34M"};
constexpr FatKind fat32_of_one_table{"fat32", "-F 32 -s 1 -f 1", "34M"};

INSTANTIATE_TEST_SUITE_P(Kinds, FatTools,
                         ::testing::Values(fat12, fat16, fat16_of_one_table, fat32, fat32_of_one_table));
INSTANTIATE_TEST_SUITE_P(Kinds, FatOfTwoTables, ::testing::Values(fat12, fat16, fat32));
INSTANTIATE_TEST_SUITE_P(Kinds, Fat32, ::testing::Values(fat32, fat32_of_one_table));

} // namespace
} // namespace salvage::test
