// Damaged, cut and lying volumes: what can be had is had, the rest is named, and nothing crashes or hangs.
#include "trees.hpp"

namespace salvage::test {
namespace {

using filesystem::Entry;
using filesystem::EntryType;

/// The small images that tools/testdata/make_ext_samples.sh makes; they are seeds of the fuzz target, too.
std::filesystem::path small_image(std::string_view name)
{
    return sample("../../fuzz/corpus/ext") / name;
}
constexpr std::array<std::string_view, 4> small_images{"ext2", "ext4", "inline", "tree"};

template <typename T>
::testing::AssertionResult is_well_formed(const Result<T>& result)
{
    if (result.has_value() || !result.error().what.empty()) {
        return ::testing::AssertionSuccess();
    }
    return ::testing::AssertionFailure() << "an error without words";
}

/// Everything that can be asked of every entry; the number of questions that were answered.
std::size_t ask_everything(const filesystem::FileSystem& fs, std::uint64_t inode, unsigned depth = 0)
{
    std::vector<Entry> so_far;
    const auto listed = fs.list(inode, &so_far);
    EXPECT_TRUE(is_well_formed(listed));
    std::size_t answered = listed.has_value() ? 1 : 0;
    for (const auto& entry : listed.has_value() ? *listed : so_far) {
        const auto attributes = fs.extended_attributes(entry.inode);
        const auto link = fs.read_link(entry.inode);
        EXPECT_TRUE(is_well_formed(attributes) && is_well_formed(link));
        answered += (attributes.has_value() ? 1U : 0U) + (link.has_value() ? 1U : 0U);
        if (const auto file = fs.open(entry.inode); file.has_value()) {
            const auto head = io::read_up_to(**file, ByteOffset{0}, ByteCount{65536});
            EXPECT_TRUE(is_well_formed(head));
            answered += head.has_value() ? 1U : 0U;
        }
        if (entry.type == EntryType::directory && depth < 6) {
            answered += ask_everything(fs, entry.inode, depth + 1);
        }
    }
    return answered;
}

std::size_t ask_everything_of(io::SourcePtr source)
{
    const auto fs = filesystem::open(std::move(source));
    EXPECT_TRUE(is_well_formed(fs));
    return fs.has_value() ? ask_everything(**fs, (*fs)->root().inode) : 0;
}

TEST(ExtDamage, EveryLengthOfACutImageIsSurvived)
{
    for (const auto name : small_images) {
        const auto image = read_file(small_image(name));
        for (std::size_t length = 0; length < image.size(); length += length < 4096 ? 127 : 509) {
            const auto cut = Bytes{image.begin(), image.begin() + static_cast<std::ptrdiff_t>(length)};
            ask_everything_of(in_memory(cut));
        }
    }
}

TEST(ExtDamage, EveryFlippedByteOfSuperblockAndDescriptorsIsSurvived)
{
    for (const auto name : small_images) {
        const auto image = read_file(small_image(name));
        for (std::size_t at = 1024; at < 2048 + 64; ++at) {
            for (const auto flip : {std::byte{0x01}, std::byte{0xFF}}) {
                auto damaged = image;
                damaged[at] ^= flip;
                ask_everything_of(in_memory(std::move(damaged)));
            }
        }
    }
}

TEST(ExtDamage, FlippedBytesOfInodesAndDirectoriesAreSurvived)
{
    for (const auto name : small_images) {
        const auto image = read_file(small_image(name));
        for (std::size_t at = 2112; at < 36 * 1024; at += 5) {
            auto damaged = image;
            damaged[at] ^= std::byte{0xFF};
            ask_everything_of(in_memory(std::move(damaged)));
        }
    }
}

TEST(ExtDamage, EveryReadMayFail)
{
    for (const auto name : small_images) {
        const auto image = read_file(small_image(name));
        const auto whole = ask_everything_of(in_memory(image));
        EXPECT_GT(whole, 15U);
        std::size_t answered = 0;
        for (std::uint64_t n = 1; n < 1000 && answered != whole; ++n) {
            answered = ask_everything_of(io::make_faulty(in_memory(image), n));
        }
        EXPECT_EQ(answered, whole) << name;
    }
}

TEST(ExtDamage, AFailedReadIsReportedWithItsPlace)
{
    const auto image = read_file(small_image("ext4"));
    for (std::uint64_t n = 1; n < 6; ++n) {
        const auto fs = filesystem::open(io::make_faulty(in_memory(image), n));
        if (!fs.has_value()) {
            EXPECT_EQ(fs.error().code, ErrorCode::io) << to_string(fs.error());
            EXPECT_TRUE(fs.error().where.has_value()) << to_string(fs.error());
        }
    }
}

/// Runs of a file's blocks as debugfs names them.
std::vector<std::uint64_t> blocks_of(const std::filesystem::path& image, const std::string& file)
{
    std::istringstream text{Tree::ask(image, "blocks " + file)};
    std::vector<std::uint64_t> out;
    for (std::uint64_t block = 0; text >> block;) {
        out.push_back(block);
    }
    return out;
}

class ExtBadAreas : public ::testing::Test {
protected:
    void SetUp() override
    {
        if (!have_e2fsprogs()) {
            GTEST_SKIP() << "e2fsprogs is not installed";
        }
        path = tree.image("-t ext4 -b 1024 -O none,extent,filetype,ext_attr,extra_isize -I 256", "8M");
        image = read_file(path);
    }
    [[nodiscard]] std::unique_ptr<const filesystem::FileSystem>
    open_with_bad(std::uint64_t block, std::uint64_t within = 0, std::uint64_t count = 1024) const
    {
        const auto range = *ByteRange::make(ByteOffset{block * 1024 + within}, ByteCount{count});
        return filesystem::open(io::make_with_bad_areas(in_memory(image), {range})).value();
    }
    Tree tree;
    std::filesystem::path path;
    Bytes image;
};

TEST_F(ExtBadAreas, InAFileAreUnreadableThereAndNowhereElse)
{
    const auto blocks = blocks_of(path, "/large");
    const auto fs = open_with_bad(blocks.at(10), 512, 512);
    const auto file = fs->open(filesystem::find_path(*fs, "large")->inode).value();
    const auto extents = file->extents(io::whole(*file)).value();
    ASSERT_EQ(extents.size(), 3U);
    EXPECT_EQ(extents.at(1).kind, io::ExtentKind::unreadable);
    EXPECT_EQ(extents.at(1).range, *ByteRange::make(ByteOffset{10 * 1024 + 512}, ByteCount{512}));
    const auto read = io::read_bytes(*file, ByteOffset{10 * 1024}, ByteCount{1024});
    ASSERT_TRUE(fails_with(read, ErrorCode::unreadable));
    EXPECT_EQ(read.error().where->chain.front().at.value, blocks.at(10) * 1024 + 512);
    const auto expected = read_file(tree.root() / "large");
    EXPECT_EQ(io::read_bytes(*file, ByteOffset{0}, ByteCount{10 * 1024 + 512}).value(),
              (Bytes{expected.begin(), expected.begin() + 10 * 1024 + 512}));
    const auto other = content_at(*fs, "media/0/DCIM/Camera/IMG_0001.jpg");
    EXPECT_EQ(sha256(other), sha256(read_file(tree.root() / "media/0/DCIM/Camera/IMG_0001.jpg")));
}

TEST_F(ExtBadAreas, InADirectoryCostTheNamesOfOneBlock)
{
    const auto whole = open_image(image);
    const auto many = filesystem::find_path(*whole, "many")->inode;
    const auto all = whole->list(many)->size();
    const auto blocks = blocks_of(path, "/many");
    ASSERT_GT(blocks.size(), 5U);
    const auto fs = open_with_bad(blocks.at(2));
    std::vector<Entry> so_far;
    const auto listed = fs->list(many, &so_far);
    ASSERT_TRUE(fails_with(listed, ErrorCode::unreadable));
    EXPECT_EQ(listed.error().where->chain.front().at.value, blocks.at(2) * 1024);
    EXPECT_LT(so_far.size(), all);
    EXPECT_GT(so_far.size(), all - 1024 / 12);
    EXPECT_FALSE(fs->list(many).has_value());
    EXPECT_TRUE(filesystem::find_path(*fs, "many/" + so_far.back().name).has_value());
    EXPECT_TRUE(fails_with(filesystem::find_path(*fs, "many/no such file"), ErrorCode::unreadable));
}

TEST_F(ExtBadAreas, InTheSecondHalfOfADirectoryBlockLeaveTheFirst)
{
    const auto blocks = blocks_of(path, "/many");
    const auto many = filesystem::find_path(*open_image(image), "many")->inode;
    std::vector<Entry> with_half;
    std::vector<Entry> without;
    ASSERT_FALSE(open_with_bad(blocks.at(2), 512, 512)->list(many, &with_half).has_value());
    ASSERT_FALSE(open_with_bad(blocks.at(2))->list(many, &without).has_value());
    EXPECT_GT(with_half.size(), without.size());
}

TEST_F(ExtBadAreas, InTheInodeTableLeaveNamesAndTypes)
{
    const auto inode = filesystem::find_path(*open_image(image), "small.txt")->inode;
    const auto where = Tree::ask(path, "imap small.txt");
    const auto fs = open_with_bad(std::stoull(where.substr(where.find("at block ") + 9)));
    const auto entry = filesystem::find_path(*fs, "small.txt");
    ASSERT_TRUE(is_ok(entry));
    EXPECT_EQ(entry->type, EntryType::file);
    EXPECT_EQ(entry->inode, inode);
    const auto stat = fs->stat(inode);
    ASSERT_TRUE(fails_with(stat, ErrorCode::unreadable));
    EXPECT_TRUE(stat.error().where.has_value());
    EXPECT_TRUE(fails_with(fs->open(inode), ErrorCode::unreadable));
}

TEST_F(ExtBadAreas, InTheTreeOfExtentsCostThatBranch)
{
    const TemporaryFolder scratch;
    const auto content = noise(600 * 1024, 7);
    const auto file = scratch.write("content", content);
    std::string commands = "write " + file.string() + " fragmented\n";
    for (int i = 1; i < 600; i += 2) {
        commands += "punch fragmented " + std::to_string(i) + " " + std::to_string(i) + "\n";
    }
    Tree::debugfs(path, commands);
    image = read_file(path);
    // "ex -n" shows index nodes alone: level, entries, first - last block of the file, block of the node.
    std::istringstream nodes{Tree::ask(path, "ex -n /fragmented")};
    std::string line;
    std::getline(nodes, line);
    std::getline(nodes, line);
    const auto first_node = std::stoull(line.substr(line.find(" - ") + 3 + 6));
    const auto fs = open_with_bad(first_node);
    const auto source = fs->open(filesystem::find_path(*fs, "fragmented")->inode).value();
    const auto extents = source->extents(io::whole(*source)).value();
    EXPECT_EQ(extents.front().kind, io::ExtentKind::unreadable);
    EXPECT_EQ(extents.front().range.start().value, 0U);
    EXPECT_GT(extents.size(), 10U) << "the other branches are lost, too";
    const auto read = io::read_bytes(*source, ByteOffset{0}, ByteCount{10});
    ASSERT_TRUE(fails_with(read, ErrorCode::unreadable));
    EXPECT_EQ(read.error().where->chain.front().at.value, first_node * 1024);
    const auto last = io::read_bytes(*source, ByteOffset{598 * 1024}, ByteCount{1024}).value();
    EXPECT_TRUE(std::ranges::equal(last, std::span{content}.subspan(598 * 1024, 1024)));
}

TEST_F(ExtBadAreas, InAnIndirectBlockCostWhatItMaps)
{
    path = tree.image("-t ext2 -b 1024 -O none,filetype", "8M");
    image = read_file(path);
    // The single indirect block maps the blocks 12 to 267 of the file.
    const auto text = Tree::ask(path, "stat /large");
    const auto indirect = std::stoull(text.substr(text.find("(IND):") + 6));
    const auto fs = open_with_bad(indirect);
    const auto source = fs->open(filesystem::find_path(*fs, "large")->inode).value();
    EXPECT_EQ(source->extents(io::whole(*source)).value(),
              (std::vector{io::Extent{.range = ByteRange::first(ByteCount{12 * 1024}), .kind = io::ExtentKind::data},
                           io::Extent{.range = ByteRange::between(ByteOffset{12 * 1024}, ByteOffset{268 * 1024}),
                                      .kind = io::ExtentKind::unreadable},
                           io::Extent{.range = ByteRange::between(ByteOffset{268 * 1024}, ByteOffset{400'000}),
                                      .kind = io::ExtentKind::data}}));
}

TEST_F(ExtBadAreas, BeyondTheEndOfACutDumpAreUnreadable)
{
    const auto size = image.size();
    const auto last = blocks_of(path, "/large").back();
    image.resize(last * 1024 + 100);
    const auto fs = open_image(image);
    ASSERT_TRUE(has_finding(*fs, "ext-cut"));
    EXPECT_EQ(fs->findings().front().numbers.front().second, size);
    const auto file = fs->open(filesystem::find_path(*fs, "large")->inode).value();
    const auto extents = file->extents(io::whole(*file)).value();
    ASSERT_EQ(extents.size(), 2U);
    EXPECT_EQ(extents.back().kind, io::ExtentKind::unreadable);
    EXPECT_EQ(extents.back().range.start().value, 400'000 / 1024 * 1024U + 100);
}

class ExtBackups : public ::testing::Test {
protected:
    void SetUp() override
    {
        if (!have_e2fsprogs()) {
            GTEST_SKIP() << "e2fsprogs is not installed";
        }
        image = read_file(tree.image(options, "20M"));
        expected = open_image(image)->list(2)->size();
    }
    static constexpr auto options = "-t ext4 -b 1024 -O none,extent,filetype,sparse_super,metadata_csum -I 256";
    Tree tree;
    Bytes image;
    std::size_t expected{};
};

TEST_F(ExtBackups, AreUsedWhenTheSuperblockIsOverwritten)
{
    std::ranges::fill(std::span{image}.subspan(0, 2048), std::byte{0});
    const auto fs = open_image(image);
    ASSERT_TRUE(has_finding(*fs, "ext-backup-superblock"));
    EXPECT_EQ(fs->findings().front().numbers,
              (std::vector<std::pair<std::string, std::uint64_t>>{{"group", 1}, {"block", 8193}}));
    EXPECT_EQ(fs->list(2)->size(), expected);
    EXPECT_EQ(sha256(content_at(*fs, "large")), sha256(read_file(tree.root() / "large")));
}

TEST_F(ExtBackups, AreUsedWhenTheSuperblockCannotBeRead)
{
    const auto bad = *ByteRange::make(ByteOffset{0}, ByteCount{4096});
    const auto fs = filesystem::open(io::make_with_bad_areas(in_memory(image), {bad}));
    ASSERT_TRUE(is_ok(fs));
    EXPECT_TRUE(has_finding(**fs, "ext-backup-superblock"));
    EXPECT_EQ((*fs)->list(2)->size(), expected);
}

TEST_F(ExtBackups, AreUsedWhenTheDescriptorsAreOverwritten)
{
    std::ranges::fill(std::span{image}.subspan(2048, 1024), std::byte{0xA5});
    const auto fs = open_image(image);
    EXPECT_TRUE(has_finding(*fs, "ext-backup-superblock"));
    EXPECT_FALSE(has_finding(*fs, "ext-group-descriptors"));
    EXPECT_EQ(fs->list(2)->size(), expected);
}

TEST_F(ExtBackups, AreUsedWhenTheSuperblockContradictsItself)
{
    image.at(1024 + 0x18) = std::byte{2}; // s_log_block_size: 4096
    const auto fs = open_image(image);
    EXPECT_TRUE(has_finding(*fs, "ext-backup-superblock"));
    EXPECT_EQ(fs->list(2)->size(), expected);
}

TEST_F(ExtBackups, DoNotHideWhatIsWrongWhereThereAreNone)
{
    auto small = read_file(small_image("ext4"));
    small.at(1024 + 0x18) = std::byte{7};
    const auto fs = filesystem::open(in_memory(small));
    ASSERT_TRUE(fails_with(fs, ErrorCode::malformed));
    EXPECT_NE(fs.error().why.find("s_log_block_size is 7"), std::string::npos);
    EXPECT_EQ(fs.error().where->chain.front().at.value, 1024U + 0x18);
}

TEST_F(ExtBackups, AJournalIsReplayedFromABackupToo)
{
    const auto path = tree.image("-t ext4 -b 1024 -O none,has_journal,extent,filetype,sparse_super", "20M");
    const TemporaryFolder scratch;
    const auto target = blocks_of(path, "/large").at(0);
    const auto block = noise(1024, 77);
    Tree::debugfs(path,
                  "jo\njw -b " + std::to_string(target) + " " + scratch.write("block", block).string() + "\njc\n");
    auto dirty = read_file(path);
    std::ranges::fill(std::span{dirty}.subspan(1024, 1024), std::byte{0});
    const auto fs = open_image(dirty);
    EXPECT_TRUE(has_finding(*fs, "ext-journal-replayed"));
    const auto content = content_at(*fs, "large");
    EXPECT_TRUE(std::ranges::equal(std::span{content}.first(1024), block));
}

TEST(ExtChecksums, OfASuperblockThatDisagreeAreSaid)
{
    auto image = read_file(small_image("ext4"));
    image.at(1024 + 0x78) ^= std::byte{1}; // the label
    const auto fs = open_image(image);
    ASSERT_TRUE(has_finding(*fs, "ext-superblock-checksum"));
    EXPECT_TRUE(filesystem::find_path(*fs, "small.txt").has_value());
}

TEST(ExtChecksums, OfDescriptorsThatDisagreeAreSaid)
{
    auto image = read_file(small_image("ext4"));
    image.at(2048 + 0xC) ^= std::byte{1}; // free blocks of group 0
    const auto fs = open_image(image);
    ASSERT_TRUE(has_finding(*fs, "ext-group-descriptors"));
    EXPECT_TRUE(filesystem::find_path(*fs, "small.txt").has_value());
}

/// The superblock of a small image with one field changed.
Result<std::unique_ptr<const filesystem::FileSystem>> open_with(std::size_t at, std::uint32_t value)
{
    auto image = read_file(small_image("ext2"));
    store_le(std::span{image}.subspan(1024 + at), value);
    return filesystem::open(in_memory(std::move(image)));
}

TEST(ExtLies, AboutCountsAreRefusedBeforeAnythingIsAllocated)
{
    EXPECT_TRUE(fails_with(open_with(0x4, 0xFFFFFFFF), ErrorCode::malformed));  // blocks
    EXPECT_TRUE(fails_with(open_with(0x0, 0xFFFFFFFF), ErrorCode::malformed));  // inodes
    EXPECT_TRUE(fails_with(open_with(0x20, 0), ErrorCode::malformed));          // blocks per group
    EXPECT_TRUE(fails_with(open_with(0x20, 0xFFFFFFF8), ErrorCode::malformed)); // blocks per group
    EXPECT_TRUE(fails_with(open_with(0x28, 0), ErrorCode::malformed));          // inodes per group
    EXPECT_TRUE(fails_with(open_with(0x14, 64), ErrorCode::malformed));         // first data block
    EXPECT_TRUE(fails_with(open_with(0x18, 31), ErrorCode::malformed));         // block size
}

TEST(ExtLies, AboutFeaturesAreRefusedByName)
{
    const auto compressed = open_with(0x60, 0x3);
    ASSERT_TRUE(fails_with(compressed, ErrorCode::unsupported));
    EXPECT_EQ(compressed.error().why, "compression");
    const auto unknown = open_with(0x60, 0x40000002);
    ASSERT_TRUE(fails_with(unknown, ErrorCode::unsupported));
    EXPECT_NE(unknown.error().why.find("0x40000000"), std::string::npos);
}

/// Offset of an inode in the small image "tree": the table begins in the block that the descriptor names.
std::size_t inode_at(const Bytes& image, std::size_t number)
{
    const std::size_t table = load_le<std::uint32_t>(ByteView{image}.subspan(2048 + 8));
    return table * 1024 + (number - 1) * 256;
}

TEST(ExtLies, ALoopInATreeOfExtentsEnds)
{
    auto image = read_file(small_image("tree"));
    const auto inode = filesystem::find_path(*open_image(image), "fragments")->inode;
    const auto root = inode_at(image, inode) + 0x28;
    const auto child = load_le<std::uint32_t>(ByteView{image}.subspan(root + 12 + 4));
    const auto node = child * std::size_t{1024};
    // The root says two levels, the node below says one and points to itself, four times over.
    image.at(root + 6) = std::byte{2};
    image.at(node + 6) = std::byte{1};
    for (std::size_t i = 1; i <= 4; ++i) {
        store_le(std::span{image}.subspan(node + i * 12), static_cast<std::uint32_t>(i - 1));
        store_le(std::span{image}.subspan(node + i * 12 + 4), child);
        store_le(std::span{image}.subspan(node + i * 12 + 8), std::uint32_t{0});
    }
    const auto fs = open_image(image);
    const auto file = fs->open(inode).value();
    const auto read = io::read_bytes(*file, ByteOffset{0}, ByteCount{1});
    ASSERT_TRUE(fails_with(read, ErrorCode::unreadable));
    EXPECT_NE(read.error().why.find("uses a block twice"), std::string::npos) << to_string(read.error());
}

TEST(ExtLies, ASizeBeyondWhatAFileCanHaveIsRefused)
{
    auto image = read_file(small_image("ext4"));
    const auto inode = filesystem::find_path(*open_image(image), "small.txt")->inode;
    store_le(std::span{image}.subspan(inode_at(image, inode) + 0x6C), std::uint32_t{0x7FFFFFFF}); // i_size_high
    const auto fs = open_image(image);
    EXPECT_TRUE(fails_with(fs->open(inode), ErrorCode::malformed));
    EXPECT_EQ(fs->stat(inode)->size.value >> 32U, 0x7FFFFFFFU);
}

TEST(ExtLies, AHugeFileOfHolesIsOneHole)
{
    auto image = read_file(small_image("ext4"));
    const auto inode = filesystem::find_path(*open_image(image), "sparse")->inode;
    store_le(std::span{image}.subspan(inode_at(image, inode) + 0x6C), std::uint32_t{0x100}); // 1 TiB more
    const auto fs = open_image(image);
    const auto file = fs->open(inode).value();
    EXPECT_LE(file->extents(io::whole(*file))->size(), 3U);
    EXPECT_TRUE(is_all_zero(io::read_bytes(*file, ByteOffset{1ULL << 39U}, ByteCount{4096}).value()));
}

TEST(ExtLies, ANameWithASlashIsNotHandedOn)
{
    auto image = read_file(small_image("ext2"));
    const auto at = as_text(image).find("\x09\x01small.txt"); // length and type, then the name
    image.at(at + 4) = std::byte{'/'};
    const auto fs = open_image(image);
    std::vector<Entry> so_far;
    ASSERT_TRUE(fails_with(fs->list(2, &so_far), ErrorCode::malformed));
    EXPECT_GE(so_far.size(), 4U);
}

class OtherFilesystems : public ::testing::TestWithParam<std::tuple<const char*, std::size_t, const char*>> {};

TEST_P(OtherFilesystems, AreRefusedByName)
{
    const auto& [name, at, magic_hex] = GetParam();
    Bytes image(65536);
    const auto magic = from_hex(magic_hex).value();
    std::ranges::copy(magic, image.begin() + static_cast<std::ptrdiff_t>(at));
    const auto opened = filesystem::open(in_memory(std::move(image)));
    ASSERT_TRUE(fails_with(opened, ErrorCode::unsupported));
    EXPECT_NE(opened.error().what.find(name), std::string::npos) << opened.error().what;
    EXPECT_FALSE(opened.error().hint.empty());
    EXPECT_EQ(opened.error().where->chain.front().at.value, at);
}

INSTANTIATE_TEST_SUITE_P(All, OtherFilesystems, ::testing::Values(std::tuple{"SquashFS", 0, "68737173"}));

TEST(NoFilesystem, SaysWhatWasLookedFor)
{
    for (const std::size_t size : {0U, 1U, 1500U, 65536U}) {
        const auto opened = filesystem::open(in_memory(Bytes(size)));
        ASSERT_TRUE(fails_with(opened, ErrorCode::not_found));
        EXPECT_NE(opened.error().why.find("ext4"), std::string::npos);
        EXPECT_NE(opened.error().why.find("f2fs"), std::string::npos);
        EXPECT_TRUE(opened.error().where.has_value());
    }
}

} // namespace
} // namespace salvage::test
