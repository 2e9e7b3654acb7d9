// Files that lost their name: what e2fsck puts under lost+found stands there, too, under the same names.
#include <algorithm>
#include <set>

#include "trees.hpp"

namespace salvage::test {
namespace {

using filesystem::EntryType;

class ExtUnnamed : public ::testing::TestWithParam<const char*> {
protected:
    void SetUp() override
    {
        if (!have_e2fsprogs()) {
            GTEST_SKIP() << "e2fsprogs is not installed";
        }
        path = tree.image(GetParam(), "8M");
        image = read_file(path);
    }
    void zero_blocks_of(const std::string& file)
    {
        std::istringstream text{Tree::ask(path, "blocks " + file)};
        for (std::size_t block = 0; text >> block;) {
            std::ranges::fill(std::span{image}.subspan(block * 1024, 1024), std::byte{0});
        }
    }
    /// "#123" of a copy that e2fsck -y repaired.
    [[nodiscard]] std::set<std::string> names_of_e2fsck() const
    {
        const TemporaryFolder scratch;
        const auto copy = scratch.write("copy", image);
        must_run(tools("e2fsck -fy " + copy.string() + " >/dev/null 2>&1; true"));
        std::istringstream text{Tree::ask(copy, "ls -p /lost+found")};
        std::set<std::string> out;
        for (std::string line; std::getline(text, line);) { // /inode/mode/uid/gid/name/size/
            if (const auto at = line.find('#'); at != std::string::npos) {
                out.insert(line.substr(at, line.find('/', at) - at));
            }
        }
        return out;
    }
    /// Without files that have no bytes: e2fsck clears those.
    static std::set<std::string> names_in(const filesystem::FileSystem& fs, std::uint64_t folder)
    {
        std::set<std::string> out;
        const auto entries = fs.list(folder).value();
        for (const auto& entry : entries) {
            if (entry.size.value != 0) {
                out.insert(entry.name);
            }
        }
        return out;
    }
    /// Hashes of all files under `folder`, and of the tree.
    static std::multiset<std::string> contents(const filesystem::FileSystem& fs, std::uint64_t folder)
    {
        std::map<std::string, filesystem::Entry> entries;
        walk_into(fs, folder, "", entries);
        std::multiset<std::string> out;
        for (const auto& [name, entry] : entries) {
            if (entry.type == EntryType::file) {
                out.insert(sha256(content_of(fs, entry.inode)));
            }
        }
        return out;
    }
    Tree tree;
    std::filesystem::path path;
    Bytes image;
};

TEST_P(ExtUnnamed, AreThoseOfE2fsckWhenAFolderLosesItsBlocks)
{
    zero_blocks_of("/many");
    const auto fs = open_image(image);
    ASSERT_TRUE(has_finding(*fs, "ext-unnamed-inodes"));
    const auto found = filesystem::find_path(*fs, "lost+found").value();
    const auto names = names_in(*fs, found.inode);
    EXPECT_EQ(fs->list(found.inode)->size(), 300U);
    EXPECT_EQ(names, names_of_e2fsck());
    std::multiset<std::string> expected;
    for (const auto& file : std::filesystem::directory_iterator{tree.root() / "many"}) {
        expected.insert(sha256(read_file(file.path())));
    }
    EXPECT_EQ(contents(*fs, found.inode), expected);
}

TEST_P(ExtUnnamed, AreTheFoldersOfARootWithoutBlocksWithWhatTheyHold)
{
    zero_blocks_of("<2>");
    const auto fs = open_image(image);
    ASSERT_TRUE(has_finding(*fs, "ext-unnamed-inodes"));
    std::vector<filesystem::Entry> so_far;
    ASSERT_FALSE(fs->list(2, &so_far).has_value());
    const auto found = filesystem::find_path(*fs, "lost+found").value();
    // The volume's own lost+found is one of the nameless itself; e2fsck makes a new one and keeps the old as #11.
    EXPECT_EQ(names_in(*fs, found.inode), names_of_e2fsck());
    const auto original = open_image(read_file(path));
    EXPECT_EQ(contents(*fs, found.inode).size(), contents(*original, 2).size() - 1) << "small.txt has two names";
}

TEST_P(ExtUnnamed, AreFoundWithoutTheInodeOfTheRoot)
{
    const auto text = Tree::ask(path, "imap <2>");
    const auto at = std::stoull(text.substr(text.find("at block ") + 9)) * 1024 +
                    std::stoull(text.substr(text.find("offset ") + 7), nullptr, 16);
    const auto inode_bytes = load_le<std::uint16_t>(ByteView{image}.subspan(1024 + 0x58));
    std::ranges::fill(std::span{image}.subspan(at, inode_bytes), std::byte{0});
    const auto fs = open_image(image);
    EXPECT_TRUE(has_finding(*fs, "ext-root-lost"));
    EXPECT_EQ(fs->root().type, EntryType::directory);
    std::vector<filesystem::Entry> so_far;
    EXPECT_TRUE(fails_with(fs->list(2, &so_far), ErrorCode::malformed));
    ASSERT_EQ(so_far.size(), 1U);
    EXPECT_EQ(so_far.front().name, "lost+found");
    EXPECT_EQ(fs->stat(so_far.front().inode)->type, EntryType::directory);
    const auto original = open_image(read_file(path));
    EXPECT_EQ(contents(*fs, so_far.front().inode).size(), contents(*original, 2).size() - 1);
}

TEST_P(ExtUnnamed, AreNoneWhereNothingIsDamaged)
{
    const auto fs = open_image(image);
    EXPECT_TRUE(fs->findings().empty());
    EXPECT_TRUE(fs->list(filesystem::find_path(*fs, "lost+found")->inode)->empty());
}

constexpr std::array unnamed_options{
    "-t ext4 -b 1024 -O none,extent,filetype,ext_attr,extra_isize,dir_index,metadata_csum -I 256",
    "-t ext2 -b 1024 -O none,filetype -I 128", "-t ext4 -b 1024 -O none,extent,filetype -I 256"};
INSTANTIATE_TEST_SUITE_P(All, ExtUnnamed, ::testing::ValuesIn(unnamed_options));

TEST(ExtNoRoot, IsNoProofOfAFilesystem)
{
    auto image = read_file(sample("../../fuzz/corpus/ext") / "ext2");
    // All inodes are noise: nothing says that this is still a filesystem.
    const std::size_t table = load_le<std::uint32_t>(ByteView{image}.subspan(2048 + 8)) * std::size_t{1024};
    const auto bytes = noise(4096, 3);
    std::ranges::copy(bytes, image.begin() + static_cast<std::ptrdiff_t>(table));
    const auto opened = filesystem::open(in_memory(image));
    ASSERT_TRUE(fails_with(opened, ErrorCode::malformed));
    EXPECT_NE(opened.error().what.find("no root directory"), std::string::npos) << to_string(opened.error());
}

} // namespace
} // namespace salvage::test
