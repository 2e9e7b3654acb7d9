// Files that debugfs and our own samples deleted: what is found of them, and what is not said.
#include <algorithm>

#include "trees.hpp"

namespace salvage::test {
namespace {

using filesystem::Confidence;
using filesystem::DeletedFile;
using filesystem::EntryType;

std::string path_of(const DeletedFile& file)
{
    return (file.folder == "/" ? "" : file.folder) + "/" + file.entry.name;
}

std::map<std::string, DeletedFile> deleted_in(const filesystem::FileSystem& fs)
{
    auto files = fs.deleted_files({});
    EXPECT_TRUE(is_ok(files));
    std::map<std::string, DeletedFile> out;
    for (auto& file : files.has_value() ? *files : std::vector<DeletedFile>{}) {
        auto path = path_of(file);
        EXPECT_TRUE(out.emplace(path, std::move(file)).second) << path << " comes twice";
    }
    return out;
}

std::vector<std::string> paths_of(const std::map<std::string, DeletedFile>& files)
{
    std::vector<std::string> out;
    for (const auto& [path, file] : files) {
        out.push_back(path);
    }
    return out;
}

Bytes deleted_content(const DeletedFile& file)
{
    return file.content ? io::read_all(*file.content, ByteCount{1U << 24U}).value() : Bytes{};
}

/// Made by tools/testdata/make_ext_samples.sh.
Bytes sample_with_deleted()
{
    return read_file(sample("../../fuzz/corpus/ext") / "deleted");
}

TEST(ExtDeleted, ComeBackFromTheJournalOfTheSample)
{
    const auto files = deleted_in(*open_image(sample_with_deleted()));
    EXPECT_EQ(paths_of(files), (std::vector<std::string>{"/fragments", "/gone", "/gone/dead-link", "/gone/in-a-folder",
                                                         "/media/0/photo.jpg"}));
    EXPECT_EQ(deleted_content(files.at("/media/0/photo.jpg")), Bytes(3000, std::byte{'p'}));
    EXPECT_EQ(deleted_content(files.at("/gone/in-a-folder")), Bytes(2048, std::byte{'j'}));
    Bytes fragments(16384, std::byte{'q'});
    for (const std::size_t hole : {1U, 3U, 5U, 7U, 9U}) {
        std::ranges::fill(std::span{fragments}.subspan(hole * 1024, 1024), std::byte{0});
    }
    EXPECT_EQ(deleted_content(files.at("/fragments")), fragments);
    EXPECT_EQ(files.at("/gone/dead-link").target, "small.txt");
    EXPECT_EQ(files.at("/gone/dead-link").entry.type, EntryType::symlink);
    EXPECT_EQ(files.at("/gone").entry.type, EntryType::directory);
    for (const auto& [path, file] : files) {
        EXPECT_EQ(file.confidence, Confidence::high) << path << ": " << file.proof;
        EXPECT_NE(file.proof.find("transaction 7 of the journal"), std::string::npos) << file.proof;
        EXPECT_EQ(file.deleted_at->seconds, 1'500'000'000) << path;
    }
}

TEST(ExtDeleted, AreNotThereWhereTheNumberLivesUnderAnotherName)
{
    auto image = sample_with_deleted();
    // The inode as it was before: the file was renamed, and no directory that is read says how.
    const auto fs = open_image(image);
    const auto photo = deleted_in(*fs).at("/media/0/photo.jpg").entry.inode;
    const std::size_t table = load_le<std::uint32_t>(ByteView{image}.subspan(2048 + 8)) * std::size_t{1024};
    const auto at = table + (photo - 1) * 256;
    store_le(std::span{image}.subspan(at + 0x1A), std::uint16_t{1}); // links
    store_le(std::span{image}.subspan(at + 0x14), std::uint32_t{0}); // time of deletion
    EXPECT_FALSE(deleted_in(*open_image(image)).contains("/media/0/photo.jpg"));
}

TEST(ExtDeleted, BelongToAnotherLifeWhereTheNumberIsUsedAgain)
{
    auto image = sample_with_deleted();
    const auto photo = deleted_in(*open_image(image)).at("/media/0/photo.jpg").entry.inode;
    const std::size_t table = load_le<std::uint32_t>(ByteView{image}.subspan(2048 + 8)) * std::size_t{1024};
    const auto at = table + (photo - 1) * 256;
    store_le(std::span{image}.subspan(at + 0x1A), std::uint16_t{1});
    store_le(std::span{image}.subspan(at + 0x14), std::uint32_t{0});
    store_le(std::span{image}.subspan(at + 0x64), std::uint32_t{77}); // generation
    const auto files = deleted_in(*open_image(image));
    ASSERT_TRUE(files.contains("/media/0/photo.jpg"));
    EXPECT_EQ(deleted_content(files.at("/media/0/photo.jpg")), Bytes(3000, std::byte{'p'}));
}

/// The block bitmap of group 0 with one block marked as in use.
Bytes with_taken(Bytes image, std::uint64_t block)
{
    const std::size_t bitmap = load_le<std::uint32_t>(ByteView{image}.subspan(2048)) * std::size_t{1024};
    const auto bit = block - 1;
    image.at(bitmap + bit / 8) |= static_cast<std::byte>(1U << (bit % 8));
    return image;
}

TEST(ExtDeleted, AreUnreadableWhereALiveFileTookTheirBlocks)
{
    const auto image = sample_with_deleted();
    const auto whole = deleted_in(*open_image(image)).at("/media/0/photo.jpg");
    const auto first = whole.content->locate(ByteOffset{0}).chain.front().at.value / 1024;
    const auto files = deleted_in(*open_image(with_taken(image, first + 1)));
    const auto& file = files.at("/media/0/photo.jpg");
    EXPECT_EQ(file.confidence, Confidence::medium);
    EXPECT_NE(file.proof.find("1 of its 3 blocks"), std::string::npos) << file.proof;
    const auto extents = file.content->extents(io::whole(*file.content)).value();
    ASSERT_EQ(extents.size(), 3U);
    EXPECT_EQ(extents.at(1).range, *ByteRange::make(ByteOffset{1024}, ByteCount{1024}));
    EXPECT_EQ(extents.at(1).kind, io::ExtentKind::unreadable);
    EXPECT_TRUE(fails_with(io::read_bytes(*file.content, ByteOffset{1024}, ByteCount{1}), ErrorCode::unreadable));
    EXPECT_EQ(io::read_bytes(*file.content, ByteOffset{2048}, ByteCount{952}).value(), Bytes(952, std::byte{'p'}));
    const auto none = deleted_in(*open_image(with_taken(with_taken(with_taken(image, first), first + 1), first + 2)));
    EXPECT_EQ(none.at("/media/0/photo.jpg").content, nullptr);
}

TEST(ExtDeleted, AreGoneWithTheJournal)
{
    auto image = sample_with_deleted();
    // Without the journal the folder's remainders give names, the emptied inodes nothing.
    image.at(1024 + 0x5C) &= static_cast<std::byte>(0xFBU);
    for (const auto& [path, file] : deleted_in(*open_image(image))) {
        EXPECT_EQ(file.content, nullptr) << path;
        EXPECT_EQ(file.confidence, Confidence::low) << path << ": " << file.proof;
    }
}

TEST(ExtDeleted, EveryFlippedByteOfTheJournalIsSurvived)
{
    const auto image = sample_with_deleted();
    const auto log = as_text(image).find("\xC0\x3B\x39\x98");
    ASSERT_NE(log, std::string_view::npos);
    for (std::size_t at = log; at < log + 14336; at += 13) {
        auto damaged = image;
        damaged[at] ^= std::byte{0xFF};
        const auto files = open_image(std::move(damaged))->deleted_files({});
        EXPECT_TRUE(files.has_value() || !files.error().what.empty());
    }
}

TEST(ExtDeleted, CanBeStopped)
{
    std::stop_source stop;
    stop.request_stop();
    RunContext context;
    context.stop = stop.get_token();
    EXPECT_TRUE(fails_with(open_image(sample_with_deleted())->deleted_files(context), ErrorCode::cancelled));
}

TEST(ExtDeleted, EveryReadMayFail)
{
    const auto image = sample_with_deleted();
    std::size_t found = 0;
    for (std::uint64_t n = 1; n < 3000 && found < 5; ++n) {
        const auto fs = filesystem::open(io::make_faulty(in_memory(image), n));
        if (fs.has_value()) {
            const auto files = (*fs)->deleted_files({});
            EXPECT_TRUE(files.has_value() || files.error().code == ErrorCode::io);
            found = files.has_value() ? files->size() : 0;
        }
    }
    EXPECT_EQ(found, 5U);
}

class ExtDeletedByDebugfs : public ::testing::Test {
protected:
    void SetUp() override
    {
        if (!have_e2fsprogs()) {
            GTEST_SKIP() << "e2fsprogs is not installed";
        }
    }
    Tree tree;
};

/// debugfs leaves an inode's blocks where they are, as ext2 did: lsdel lists them, and so do we.
TEST_F(ExtDeletedByDebugfs, AreFoundByTheirInodesAndTheRoomThatTheirNamesLeft)
{
    for (const auto* const options : {"-t ext2 -b 1024 -O none,filetype", "-t ext2 -b 4096 -O none,filetype,dir_index",
                                      "-t ext4 -b 1024 -O none,extent,filetype,extra_isize,metadata_csum,64bit -I 256",
                                      "-t ext4 -b 1024 -O none,extent,filetype,flex_bg,uninit_bg -I 256",
                                      "-t ext4 -b 1024 -O extent,filetype,bigalloc,metadata_csum -C 4096"}) {
        const auto image = tree.image(options, "16M");
        Tree::debugfs(image, "rm large\nrm media/0/DCIM/Camera/IMG_0001.jpg\nrm one-block\nrm short-link\n"
                             "rm link-of-60\nrmdir media/0/DCIM/Camera\n");
        const auto fs = open_image(read_file(image));
        const auto files = deleted_in(*fs);
        for (const auto* const name : {"large", "one-block"}) {
            ASSERT_TRUE(files.contains(std::string{"/"} + name)) << options << ": " << name;
            const auto& file = files.at(std::string{"/"} + name);
            EXPECT_EQ(sha256(deleted_content(file)), sha256(read_file(tree.root() / name))) << options << ": " << name;
            EXPECT_EQ(file.confidence, Confidence::high) << file.proof;
            EXPECT_EQ(file.deleted_at->seconds, 1'500'000'000);
        }
        EXPECT_EQ(files.at("/link-of-60").target, std::string(60, 'b')) << options;
        EXPECT_EQ(files.at("/short-link").target, "media/0/DCIM") << options;
        EXPECT_EQ(paths_of(files).size(), 6U) << options;
    }
}

TEST_F(ExtDeletedByDebugfs, AreFoundByTheListOfOrphans)
{
    const auto image = tree.image("-t ext4 -b 1024 -O none,extent,filetype -I 256", "8M");
    const auto number = filesystem::find_path(*open_image(read_file(image)), "large")->inode;
    // Open while it was deleted: no name, no links, its blocks in use, its number at the head of the list.
    Tree::debugfs(image, "unlink large\nset_inode_field <" + std::to_string(number) +
                             "> links_count 0\nset_super_value last_orphan " + std::to_string(number) + "\n");
    const auto files = deleted_in(*open_image(read_file(image)));
    ASSERT_TRUE(files.contains("/large"));
    const auto& file = files.at("/large");
    EXPECT_EQ(sha256(deleted_content(file)), sha256(read_file(tree.root() / "large")));
    EXPECT_EQ(file.confidence, Confidence::high);
    EXPECT_NE(file.proof.find("deleted while they were open"), std::string::npos) << file.proof;
    EXPECT_FALSE(file.deleted_at.has_value());
}

TEST_F(ExtDeletedByDebugfs, AreNoneOnAVolumeThatLostNothing)
{
    for (const auto* const options : {"-t ext4 -O has_journal,extent,filetype,metadata_csum",
                                      "-t ext4 -O extent,filetype,ext_attr,inline_data -I 256",
                                      "-t ext3 -b 1024 -O has_journal,filetype", "-t ext2 -O filetype"}) {
        const auto fs = open_image(read_file(tree.image(options, "16M")));
        EXPECT_TRUE(deleted_in(*fs).empty()) << options;
    }
}

} // namespace
} // namespace salvage::test
