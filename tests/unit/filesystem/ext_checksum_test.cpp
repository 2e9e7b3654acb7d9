// One wrong byte under a checksum: it is said, with its place, and what can still be read is read.
#include <algorithm>

#include "trees.hpp"

namespace salvage::test {
namespace {

using filesystem::Entry;

std::uint64_t first_block_of(const std::filesystem::path& image, const std::string& file)
{
    return std::stoull(Tree::ask(image, "blocks " + file));
}

class ExtMetadataChecksums : public ::testing::Test {
protected:
    void SetUp() override
    {
        if (!have_e2fsprogs()) {
            GTEST_SKIP() << "e2fsprogs is not installed";
        }
        path = tree.image(
            "-t ext4 -b 1024 -O none,extent,filetype,ext_attr,extra_isize,dir_index,metadata_csum,64bit -I 256", "8M");
    }
    /// Where debugfs says that an inode lies.
    [[nodiscard]] std::size_t place_of_inode(const std::string& name) const
    {
        const auto text = Tree::ask(path, "imap " + name);
        const auto block = std::stoull(text.substr(text.find("at block ") + 9));
        return block * 1024 + std::stoull(text.substr(text.find("offset ") + 7), nullptr, 16);
    }
    void flip(std::size_t at) { image.at(at) ^= std::byte{0x10}; }
    void load() { image = read_file(path); }

    Tree tree;
    std::filesystem::path path;
    Bytes image;
};

TEST_F(ExtMetadataChecksums, OfAnInodeIsSaidWhereItsFolderIsListed)
{
    load();
    const auto at = place_of_inode("media/0/DCIM/Camera/IMG_0001.jpg");
    flip(at + 0x8); // atime: the content is what it was, but who can know
    const auto fs = open_image(image);
    const auto camera = filesystem::find_path(*fs, "media/0/DCIM/Camera")->inode;
    std::vector<Entry> so_far;
    const auto listed = fs->list(camera, &so_far);
    ASSERT_TRUE(fails_with(listed, ErrorCode::malformed));
    EXPECT_NE(listed.error().what.find("fails its checksum"), std::string::npos);
    EXPECT_NE(listed.error().why.find("IMG_0001.jpg"), std::string::npos);
    EXPECT_EQ(listed.error().where->chain.front().at.value, at);
    ASSERT_EQ(so_far.size(), 1U);
    EXPECT_EQ(sha256(content_of(*fs, so_far.front().inode)),
              sha256(read_file(tree.root() / "media/0/DCIM/Camera/IMG_0001.jpg")));
    EXPECT_TRUE(fs->list(filesystem::find_path(*fs, "many")->inode).has_value());
}

TEST_F(ExtMetadataChecksums, OfADirectoryBlockIsSaidAndItsNamesAreRead)
{
    load();
    const auto whole = open_image(image)->list(filesystem::find_path(*open_image(image), "many")->inode)->size();
    const auto block = first_block_of(path, "/many");
    // A letter of a name: nothing but the checksum can tell.
    const auto name = as_text(image).find("blocks 7", block * 1024);
    flip(name);
    const auto fs = open_image(image);
    std::vector<Entry> so_far;
    const auto listed = fs->list(filesystem::find_path(*fs, "many")->inode, &so_far);
    ASSERT_TRUE(fails_with(listed, ErrorCode::malformed));
    EXPECT_NE(listed.error().what.find("fails its checksum"), std::string::npos);
    EXPECT_EQ(listed.error().where->chain.front().at.value / 1024, name / 1024);
    EXPECT_EQ(so_far.size(), whole);
}

TEST_F(ExtMetadataChecksums, OfAnIndexBlockIsSaid)
{
    must_run(tools("e2fsck -fyD " + path.string() + " >/dev/null; test $? -le 1"));
    ASSERT_NE(Tree::ask(path, "htree_dump /many").find("Indirect levels"), std::string::npos);
    load();
    ASSERT_TRUE(is_ok(open_image(image)->list(filesystem::find_path(*open_image(image), "many")->inode)));
    const auto number = static_cast<std::uint32_t>(filesystem::find_path(*open_image(image), "many")->inode);
    std::istringstream blocks{Tree::ask(path, "blocks /many")}; // a block of extents may be among them
    std::size_t root = 0;
    while (blocks >> root && load_le<std::uint32_t>(ByteView{image}.subspan(root * 1024)) != number) {
    }
    flip(root * 1024 + 40 + 4); // the block of the second entry
    const auto fs = open_image(image);
    std::vector<Entry> so_far;
    const auto listed = fs->list(filesystem::find_path(*fs, "many")->inode, &so_far);
    EXPECT_TRUE(fails_with(listed, ErrorCode::malformed));
    EXPECT_EQ(so_far.size(), 300U);
}

TEST_F(ExtMetadataChecksums, OfABlockOfExtentsCostsWhatItMaps)
{
    const TemporaryFolder scratch;
    const auto content = noise(600 * 1024, 7);
    std::string commands = "write " + scratch.write("content", content).string() + " fragmented\n";
    for (int i = 1; i < 600; i += 2) {
        commands += "punch fragmented " + std::to_string(i) + " " + std::to_string(i) + "\n";
    }
    Tree::debugfs(path, commands);
    load();
    std::istringstream nodes{Tree::ask(path, "ex -n /fragmented")};
    std::string line;
    std::getline(nodes, line);
    std::getline(nodes, line);
    const auto node = std::stoull(line.substr(line.find(" - ") + 3 + 6));
    flip(node * 1024 + 12 + 8); // the place of the first extent: another block of the volume
    const auto fs = open_image(image);
    const auto file = fs->open(filesystem::find_path(*fs, "fragmented")->inode).value();
    const auto read = io::read_bytes(*file, ByteOffset{0}, ByteCount{1024});
    ASSERT_TRUE(fails_with(read, ErrorCode::unreadable));
    EXPECT_NE(read.error().why.find("fails its checksum"), std::string::npos) << to_string(read.error());
    const auto last = io::read_bytes(*file, ByteOffset{598 * 1024}, ByteCount{1024}).value();
    EXPECT_TRUE(std::ranges::equal(last, std::span{content}.subspan(598 * 1024, 1024)));
}

TEST_F(ExtMetadataChecksums, OfABlockOfAttributesIsAnError)
{
    Tree::debugfs(path, "ea_set small.txt user.long " + std::string(700, 'v') + "\n");
    load();
    const auto inode = filesystem::find_path(*open_image(image), "small.txt")->inode;
    ASSERT_EQ(open_image(image)->extended_attributes(inode)->size(), 1U);
    flip(as_text(image).find(std::string(700, 'v')) + 5);
    const auto attributes = open_image(image)->extended_attributes(inode);
    ASSERT_TRUE(fails_with(attributes, ErrorCode::malformed));
    EXPECT_NE(attributes.error().what.find("fails its checksum"), std::string::npos);
}

TEST_F(ExtMetadataChecksums, OfABlockBitmapMakesTheInodesTell)
{
    load();
    const auto expected = open_image(image)->unused_areas().value();
    const std::size_t bitmap = load_le<std::uint32_t>(ByteView{image}.subspan(2048)) * std::size_t{1024};
    flip(bitmap + 900); // of a block that is free
    EXPECT_EQ(open_image(image)->unused_areas().value(), expected);
}

} // namespace
} // namespace salvage::test
