// What mke2fs makes in all its variants must come out as it went in.
#include <atomic>
#include <thread>

#include "trees.hpp"

namespace salvage::test {
namespace {

using filesystem::Entry;
using filesystem::EntryType;

/// One tree for all tests of this file.
const Tree& tree()
{
    static const Tree instance;
    return instance;
}

EntryType type_of(const std::filesystem::path& path)
{
    const auto status = std::filesystem::symlink_status(path);
    return std::filesystem::is_symlink(status)     ? EntryType::symlink
           : std::filesystem::is_directory(status) ? EntryType::directory
                                                   : EntryType::file;
}

void expect_equal(const filesystem::FileSystem& fs, const Entry& entry, const std::filesystem::path& path)
{
    struct stat expected{};
    ASSERT_EQ(::lstat(path.c_str(), &expected), 0);
    EXPECT_EQ(entry.type, type_of(path)) << path;
    EXPECT_EQ(entry.mode, expected.st_mode & 07777U) << path;
    EXPECT_EQ(entry.modified.seconds, expected.st_mtim.tv_sec) << path;
    EXPECT_EQ(entry.uid, expected.st_uid) << path;
    if (entry.type == EntryType::file) {
        EXPECT_EQ(entry.links, expected.st_nlink) << path;
        EXPECT_EQ(sha256(content_of(fs, entry.inode)), sha256(read_file(path))) << path;
    }
    if (entry.type == EntryType::symlink) {
        EXPECT_EQ(fs.read_link(entry.inode).value(), std::filesystem::read_symlink(path).string()) << path;
    }
}

void expect_tree(const filesystem::FileSystem& fs)
{
    auto entries = walk_all(fs);
    entries.erase("lost+found");
    std::size_t count = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator{tree().root()}) {
        ++count;
        const auto path = file.path().string().substr(tree().root().string().size() + 1);
        const auto found = entries.find(path);
        ASSERT_NE(found, entries.end()) << path;
        expect_equal(fs, found->second, file.path());
    }
    EXPECT_EQ(entries.size(), count);
}

struct Variant {
    const char* name;
    const char* options;
    const char* kind;
};

std::ostream& operator<<(std::ostream& out, const Variant& variant)
{
    return out << variant.options;
}

class ExtVariants : public ::testing::TestWithParam<Variant> {};

TEST_P(ExtVariants, HoldTheTreeThatMke2fsPutIn)
{
    if (!have_e2fsprogs()) {
        GTEST_SKIP() << "e2fsprogs is not installed";
    }
    const auto image = tree().image(GetParam().options, "16M");
    const auto fs = open_image(read_file(image));
    EXPECT_EQ(fs->kind(), GetParam().kind);
    EXPECT_EQ(fs->label(), "salvage");
    for (const auto& finding : fs->findings()) {
        ADD_FAILURE() << finding.code << ": " << finding.text;
    }
    expect_tree(*fs);
}

constexpr std::array variants{
    Variant{.name = "Ext2With1k", .options = "-t ext2 -b 1024 -O none,filetype,sparse_super", .kind = "ext2"},
    Variant{.name = "Ext2With2k", .options = "-t ext2 -b 2048 -O none,filetype,ext_attr,dir_index", .kind = "ext2"},
    Variant{.name = "Ext2With4k", .options = "-t ext2 -b 4096 -O none,filetype,large_file", .kind = "ext2"},
    Variant{.name = "Ext2WithoutFileTypes", .options = "-t ext2 -b 1024 -O none,sparse_super", .kind = "ext2"},
    Variant{.name = "Ext2OfRevision0", .options = "-t ext2 -b 1024 -r 0 -O none", .kind = "ext2"},
    Variant{.name = "Ext3With1k", .options = "-t ext3 -b 1024 -O none,has_journal,filetype,dir_index", .kind = "ext3"},
    Variant{.name = "Ext3With4k", .options = "-t ext3 -b 4096 -O none,has_journal,filetype -I 256", .kind = "ext3"},
    Variant{.name = "Ext4With1k",
            .options = "-t ext4 -b 1024 -O none,has_journal,extent,filetype,dir_index -I 256",
            .kind = "ext4"},
    Variant{
        .name = "Ext4With2k", .options = "-t ext4 -b 2048 -O none,extent,filetype,huge_file,uninit_bg", .kind = "ext4"},
    Variant{.name = "Ext4With4k",
            .options = "-t ext4 -b 4096 -O none,has_journal,extent,filetype,flex_bg,dir_nlink",
            .kind = "ext4"},
    Variant{.name = "Ext4With64bit",
            .options = "-t ext4 -b 4096 -O none,extent,filetype,64bit,metadata_csum -I 256",
            .kind = "ext4"},
    Variant{.name = "Ext4WithInlineData",
            .options = "-t ext4 -b 1024 -O none,extent,filetype,inline_data,ext_attr,metadata_csum -I 256",
            .kind = "ext4"},
    Variant{.name = "Ext4WithLargeInodes",
            .options = "-t ext4 -b 4096 -O none,extent,filetype,inline_data,ext_attr -I 1024",
            .kind = "ext4"},
    Variant{.name = "Ext4WithIndirectBlocks",
            .options = "-t ext4 -b 1024 -O none,has_journal,filetype,huge_file",
            .kind = "ext4"},
    Variant{.name = "Ext4WithCasefold",
            .options = "-t ext4 -b 1024 -O extent,filetype,casefold -E encoding=utf8",
            .kind = "ext4"},
    Variant{
        .name = "Ext4WithQuota", .options = "-t ext4 -b 1024 -O extent,filetype,quota,project -I 256", .kind = "ext4"},
    Variant{.name = "Ext4WithOrphanFile",
            .options = "-t ext4 -b 1024 -O has_journal,extent,filetype,orphan_file,metadata_csum -I 256",
            .kind = "ext4"},
    Variant{.name = "Ext4WithEncrypt",
            .options = "-t ext4 -b 4096 -O extent,filetype,encrypt,verity,stable_inodes",
            .kind = "ext4"},
    Variant{.name = "Ext4WithEaInodes",
            .options = "-t ext4 -b 1024 -O extent,filetype,ea_inode,large_dir -I 256",
            .kind = "ext4"},
    Variant{.name = "Ext4WithMetaGroups",
            .options = "-t ext4 -b 1024 -O extent,filetype,meta_bg,^resize_inode",
            .kind = "ext4"},
    Variant{
        .name = "Ext4WithClusters", .options = "-t ext4 -b 1024 -O extent,filetype,bigalloc -C 4096", .kind = "ext4"},
    Variant{.name = "Ext4WithMmp", .options = "-t ext4 -b 4096 -O extent,filetype,mmp", .kind = "ext4"},
    Variant{
        .name = "Ext4WithTwoBackups", .options = "-t ext4 -b 1024 -O extent,filetype,sparse_super2", .kind = "ext4"},
    Variant{.name = "Ext4WithChecksumSeed",
            .options = "-t ext4 -b 1024 -O extent,filetype,metadata_csum,metadata_csum_seed",
            .kind = "ext4"},
    Variant{.name = "Ext4WithFastCommit",
            .options = "-t ext4 -b 1024 -O has_journal,extent,filetype,fast_commit",
            .kind = "ext4"},
    Variant{.name = "Ext4With64k", .options = "-t ext4 -b 65536 -O extent,filetype,dir_index", .kind = "ext4"},
};

INSTANTIATE_TEST_SUITE_P(All, ExtVariants, ::testing::ValuesIn(variants),
                         [](const auto& variant) { return std::string{variant.param.name}; });

class ExtFeatures : public ::testing::Test {
protected:
    void SetUp() override
    {
        if (!have_e2fsprogs()) {
            GTEST_SKIP() << "e2fsprogs is not installed";
        }
    }
};

constexpr auto usual = "-t ext4 -b 1024 -O none,extent,filetype,ext_attr,dir_index,extra_isize -I 256";

TEST_F(ExtFeatures, HolesOfASparseFileAreHoles)
{
    for (const auto* const options : {usual, "-t ext2 -b 1024 -O none,filetype"}) {
        const auto fs = open_image(read_file(tree().image(options)));
        const auto source = fs->open(filesystem::find_path(*fs, "/sparse")->inode).value();
        const auto extents = source->extents(io::whole(*source)).value();
        ASSERT_GE(extents.size(), 4U) << options;
        EXPECT_EQ(extents.at(0).kind, io::ExtentKind::hole);
        // 200000 and 900000 lie in the blocks 195 and 878 of 1024 bytes; the host may have stored more around them.
        EXPECT_LE(extents.at(0).range.end().value, 200'000U);
        EXPECT_EQ(extents.at(1).kind, io::ExtentKind::data);
        EXPECT_EQ(extents.at(2).kind, io::ExtentKind::hole);
        EXPECT_EQ(source->size().value, 900'003U);
        EXPECT_EQ(as_text(io::read_bytes(*source, ByteOffset{200'000}, ByteCount{13}).value()), "in the middle");
    }
}

TEST_F(ExtFeatures, BlocksThatWereAllocatedAndNeverWrittenAreHoles)
{
    const auto image = tree().image(usual);
    // fallocate makes uninitialised extents; the blocks hold what an earlier file left.
    Tree::debugfs(image, "write /dev/null reserved\nfallocate reserved 0 19\nset_inode_field reserved size 20480\n");
    const auto fs = open_image(read_file(image));
    const auto entry = filesystem::find_path(*fs, "reserved").value();
    EXPECT_EQ(entry.size.value, 20480U);
    const auto source = fs->open(entry.inode).value();
    EXPECT_EQ(source->extents(io::whole(*source)).value(),
              (std::vector{io::Extent{.range = ByteRange::first(ByteCount{20480}), .kind = io::ExtentKind::hole}}));
    EXPECT_TRUE(is_all_zero(content_of(*fs, entry.inode)));
}

TEST_F(ExtFeatures, TimesReachFrom1901To2446WithNanoseconds)
{
    const auto image = tree().image(usual);
    // Epoch bits 0 to 3 above 32 signed bits, nanoseconds in the 30 bits over them: ext4's own definition.
    Tree::debugfs(image, "set_inode_field small.txt mtime @0x80000000\nset_inode_field small.txt mtime_extra 0\n"
                         "set_inode_field small.txt atime @0x7fffffff\nset_inode_field small.txt atime_extra 0x3\n"
                         "set_inode_field small.txt ctime @0\nset_inode_field small.txt ctime_extra 0xee6b27fc\n"
                         "set_inode_field small.txt crtime @0x7fffffff\nset_inode_field small.txt crtime_extra 0\n"
                         "set_inode_field small.txt extra_isize 32\n");
    const auto fs = open_image(read_file(image));
    const auto entry = filesystem::find_path(*fs, "small.txt").value();
    EXPECT_EQ(entry.modified, (filesystem::Timestamp{.seconds = -2147483648LL, .nanoseconds = 0}));
    EXPECT_EQ(entry.accessed, (filesystem::Timestamp{.seconds = 15032385535LL, .nanoseconds = 0})); // 2446-05-10
    EXPECT_EQ(entry.changed, (filesystem::Timestamp{.seconds = 0, .nanoseconds = 999'999'999}));
    ASSERT_TRUE(entry.created.has_value());
    EXPECT_EQ(entry.created->seconds, 2147483647LL); // 2038-01-19
    EXPECT_EQ(entry.accessed.total_nanoseconds(), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(entry.modified.total_nanoseconds(), -2147483648'000'000'000LL);
}

TEST_F(ExtFeatures, InodesOf128BytesHaveNoCreationTime)
{
    const auto fs = open_image(read_file(tree().image("-t ext2 -b 1024 -I 128 -O none,filetype")));
    EXPECT_FALSE(filesystem::find_path(*fs, "small.txt")->created.has_value());
}

TEST_F(ExtFeatures, DevicesHaveTheirNumbers)
{
    const auto image = tree().image(usual);
    Tree::debugfs(image, "mknod block b 259 60000\nmknod char c 1 3\nmknod pipe p\n");
    const auto fs = open_image(read_file(image));
    const auto block = filesystem::find_path(*fs, "block").value();
    EXPECT_EQ(block.type, EntryType::block_device);
    EXPECT_EQ(block.device, (259ULL << 32U) | 60000U);
    const auto character = filesystem::find_path(*fs, "char").value();
    EXPECT_EQ(character.type, EntryType::character_device);
    EXPECT_EQ(character.device, (1ULL << 32U) | 3U);
    EXPECT_EQ(filesystem::find_path(*fs, "pipe")->type, EntryType::fifo);
}

TEST_F(ExtFeatures, AttributesLieInTheInodeAndInABlock)
{
    const auto image = tree().image(usual);
    const auto long_value = std::string(700, 'v');
    Tree::debugfs(image, "ea_set small.txt user.note short\nea_set small.txt security.selinux u:object_r:x:s0\n"
                         "ea_set small.txt user.long " +
                             long_value + "\nea_set small.txt trusted.t 1\n");
    const auto fs = open_image(read_file(image));
    const auto attributes = fs->extended_attributes(filesystem::find_path(*fs, "small.txt")->inode).value();
    const std::map<std::string, Bytes> found{attributes.begin(), attributes.end()};
    EXPECT_EQ(found, (std::map<std::string, Bytes>{{"user.note", bytes_of("short")},
                                                   {"security.selinux", bytes_of("u:object_r:x:s0")},
                                                   {"user.long", bytes_of(long_value)},
                                                   {"trusted.t", bytes_of("1")}}));
    EXPECT_TRUE(fs->extended_attributes(filesystem::find_path(*fs, "one-block")->inode)->empty());
}

TEST_F(ExtFeatures, AttributesMayLieInInodesOfTheirOwn)
{
    const auto image = tree().image("-t ext4 -b 1024 -O none,extent,filetype,ext_attr,ea_inode,extra_isize -I 256");
    const auto value = std::string(1024, 'w'); // with its header it does not fit into a block
    const auto file = TemporaryFolder{};
    const auto path = file.write("value", as_bytes(value));
    Tree::debugfs(image, "ea_set -f " + path.string() + " small.txt user.huge\n");
    const auto fs = open_image(read_file(image));
    const auto attributes = fs->extended_attributes(filesystem::find_path(*fs, "small.txt")->inode).value();
    ASSERT_EQ(attributes.size(), 1U);
    EXPECT_EQ(attributes.front().first, "user.huge");
    EXPECT_EQ(attributes.front().second, bytes_of(value));
}

TEST_F(ExtFeatures, AnAccessControlListHasTheFormOfAnAttribute)
{
    const auto image = tree().image(usual);
    // The value given to debugfs is the attribute's form (version 2); on the disk debugfs writes version 1.
    const auto value = from_hex("02000000 01000700ffffffff 02000500e8030000 04000500ffffffff 10000700ffffffff"
                                "20000500ffffffff")
                           .value();
    const TemporaryFolder folder;
    const auto path = folder.write("acl", value);
    Tree::debugfs(image, "ea_set -f " + path.string() + " small.txt system.posix_acl_access\n");
    const auto fs = open_image(read_file(image));
    const auto attributes = fs->extended_attributes(filesystem::find_path(*fs, "small.txt")->inode).value();
    ASSERT_EQ(attributes.size(), 1U);
    EXPECT_EQ(attributes.front().first, "system.posix_acl_access");
    EXPECT_EQ(to_hex(attributes.front().second), to_hex(value));
}

TEST_F(ExtFeatures, AnEncryptedFolderShowsItsNamesInBase64)
{
    const auto image = tree().image("-t ext4 -b 1024 -O none,extent,filetype,ext_attr,encrypt,extra_isize -I 256");
    Tree::debugfs(image, "set_inode_field media flags 0x80800\n");
    const auto fs = open_image(read_file(image));
    const auto media = filesystem::find_path(*fs, "media").value();
    EXPECT_TRUE(media.is_encrypted);
    EXPECT_FALSE(filesystem::find_path(*fs, "small.txt")->is_encrypted);
    const auto entries = fs->list(media.inode).value();
    // printf 0 | base64, printf second-name | base64
    EXPECT_EQ(entries.at(0).name + " " + entries.at(1).name, "MA c2Vjb25kLW5hbWU");
}

TEST_F(ExtFeatures, ABigFolderUnderAnIndexIsListedWhole)
{
    const auto image = tree().image(usual + std::string{" -N 4000"}, "8M");
    std::string commands = "mkdir big\ncd big\n";
    for (int i = 0; i < 2000; ++i) {
        commands += "write /dev/null name-of-a-file-" + std::to_string(i) + "\n";
    }
    Tree::debugfs(image, commands);
    must_run(tools("e2fsck -fyD " + image.string() + " >/dev/null; test $? -le 1")); // -D builds the index
    EXPECT_NE(Tree::ask(image, "htree_dump /big").find("Indirect levels"), std::string::npos);
    const auto fs = open_image(read_file(image));
    EXPECT_EQ(fs->list(filesystem::find_path(*fs, "big")->inode)->size(), 2000U);
}

TEST_F(ExtFeatures, AFileInManyExtentsIsReadThroughTheTree)
{
    const auto image = tree().image(usual, "8M");
    const TemporaryFolder scratch;
    // Every second block freed: no extent can be longer than one block.
    const auto content = noise(600 * 1024, 7);
    const auto file = scratch.write("content", content);
    std::string commands = "write " + file.string() + " fragmented\n";
    for (int i = 1; i < 600; i += 2) {
        commands += "punch fragmented " + std::to_string(i) + " " + std::to_string(i) + "\n";
    }
    Tree::debugfs(image, commands);
    EXPECT_NE(Tree::ask(image, "ex /fragmented").find(" 1/ 1"), std::string::npos);
    const auto fs = open_image(read_file(image));
    auto expected = content;
    for (std::size_t i = 1; i < 600; i += 2) {
        std::ranges::fill(std::span{expected}.subspan(i * 1024, 1024), std::byte{0});
    }
    EXPECT_EQ(sha256(content_at(*fs, "fragmented")), sha256(expected));
}

TEST_F(ExtFeatures, AFileBeyond4GiBKeepsItsSize)
{
    for (const auto* const options : {"-t ext4 -b 4096 -O none,extent,filetype,large_file,huge_file",
                                      "-t ext2 -b 4096 -O none,filetype,large_file"}) {
        const auto image = tree().image(options, "8M");
        const TemporaryFolder scratch;
        must_run("cd " + scratch.path().string() + " && truncate -s 5368709120 far && printf tail >> far");
        Tree::debugfs(image, "write " + (scratch.path() / "far").string() + " far\n");
        const auto fs = open_image(read_file(image));
        const auto source = fs->open(filesystem::find_path(*fs, "far")->inode).value();
        EXPECT_EQ(source->size().value, 5368709124U) << options;
        EXPECT_EQ(as_text(io::read_bytes(*source, ByteOffset{5368709120U}, ByteCount{4}).value()), "tail") << options;
    }
}

TEST_F(ExtFeatures, ManyThreadsMayReadAtOnce)
{
    const auto fs = open_image(read_file(tree().image(usual)));
    const auto expected = walk_all(*fs).size();
    const auto large = sha256(content_at(*fs, "large"));
    std::atomic<int> right{0};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                right += walk_all(*fs).size() == expected && sha256(content_at(*fs, "large")) == large ? 1 : 0;
            });
        }
    }
    EXPECT_EQ(right, 4);
}

TEST_F(ExtFeatures, PathsAreFoundAndMissingPartsNamed)
{
    const auto fs = open_image(read_file(tree().image(usual)));
    EXPECT_EQ(filesystem::find_path(*fs, "")->inode, 2U);
    EXPECT_EQ(filesystem::find_path(*fs, "/")->inode, 2U);
    EXPECT_EQ(filesystem::find_path(*fs, "//media/0//DCIM/")->type, EntryType::directory);
    EXPECT_EQ(filesystem::find_path(*fs, "short-link")->type, EntryType::symlink);
    const auto missing = filesystem::find_path(*fs, "/media/0/Music/a.mp3");
    ASSERT_TRUE(fails_with(missing, ErrorCode::not_found));
    EXPECT_NE(missing.error().why.find("\"Music\""), std::string::npos);
    EXPECT_TRUE(fails_with(filesystem::find_path(*fs, "small.txt/x"), ErrorCode::not_found));
    EXPECT_TRUE(fails_with(filesystem::find_path(*fs, ".."), ErrorCode::not_found));
}

TEST_F(ExtFeatures, WhatIsAskedOfTheWrongTypeIsRefused)
{
    const auto fs = open_image(read_file(tree().image(usual)));
    const auto file = filesystem::find_path(*fs, "small.txt")->inode;
    EXPECT_TRUE(fails_with(fs->list(file), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(fs->read_link(file), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(fs->open(2), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(fs->stat(0), ErrorCode::not_found));
    EXPECT_TRUE(fails_with(fs->stat(1U << 30U), ErrorCode::not_found));
    EXPECT_TRUE(fails_with(fs->stat(1ULL << 40U), ErrorCode::not_found));
    EXPECT_TRUE(fails_with(fs->stat(1000), ErrorCode::not_found)); // there, and not in use
}

} // namespace
} // namespace salvage::test
