// Sorted listings, and that the second page of a folder does not read it again.
#include "web/listing.hpp"

#include <gtest/gtest.h>

#include "support/assert_result.hpp"
#include "unit/rescue/fake_filesystem.hpp"

namespace salvage::web {
namespace {

using test::fails_with;
using test::FakeFileSystem;

class ListingTest : public ::testing::Test {
protected:
    ListingTest()
    {
        const auto folder = files.add_folder(FakeFileSystem::root_inode, "folder");
        add(folder, "b", "12", 30);
        add(folder, "a", "123", 20);
        add(folder, "C", "1", 10);
        files.add_folder(folder, "z");
    }
    void add(std::uint64_t folder, const std::string& name, std::string_view text, std::int64_t time)
    {
        files.node(files.add_file(folder, name, text)).entry.modified.seconds = time;
    }
    [[nodiscard]] std::string names(SortBy sort, Descending descending = Descending::no)
    {
        const auto listing =
            list_sorted(files, {.known = 1, .path = "/folder", .sort = sort, .descending = descending}).unwrap();
        std::string out;
        for (const auto& entry : listing->entries) {
            out += entry.name;
        }
        return out;
    }
    FakeFileSystem files;
};

TEST_F(ListingTest, SortsFoldersFirst)
{
    EXPECT_EQ(names(SortBy::name), "zCab");
    EXPECT_EQ(names(SortBy::name, Descending::yes), "zbaC");
    EXPECT_EQ(names(SortBy::size), "zCba");
    EXPECT_EQ(names(SortBy::size, Descending::yes), "zabC");
    EXPECT_EQ(names(SortBy::mtime), "zCab");
    EXPECT_EQ(names(SortBy::mtime, Descending::yes), "zbaC");
}

TEST_F(ListingTest, OfADamagedFolderShowsWhatCanBeRead)
{
    files.node(filesystem::find_path(files, "/folder").unwrap().inode).damage = malformed(ByteOffset{7}, "torn");
    const auto listing = list_sorted(files, {.known = 1, .path = "/folder"}).unwrap();
    EXPECT_EQ(listing->entries.size(), 4U);
    ASSERT_TRUE(listing->problem);
    EXPECT_EQ(listing->problem->what, "torn");
}

TEST_F(ListingTest, SaysWhatIsNoFolder)
{
    EXPECT_TRUE(fails_with(list_sorted(files, {.path = "/folder/a"}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(list_sorted(files, {.path = "/nothing"}), ErrorCode::not_found));
}

TEST_F(ListingTest, IsKeptForTheSameQuestionAlone)
{
    ListingCache cache;
    const ListingRequest asked{.known = 1, .path = "/folder"};
    const auto first = cache.get(files, asked).unwrap();
    EXPECT_EQ(cache.get(files, asked).unwrap(), first);
    auto other = asked;
    other.sort = SortBy::size;
    EXPECT_NE(cache.get(files, other).unwrap(), first);
    other = asked;
    other.known = 2; // another dump, or the same after it was opened anew
    EXPECT_NE(cache.get(files, other).unwrap(), first);
    other = asked;
    other.is_deleted = true;
    EXPECT_NE(cache.get(files, other).unwrap(), first);
    EXPECT_EQ(cache.get(files, asked).unwrap(), first);
}

TEST_F(ListingTest, KeepsTheFoldersThatWereLookedAtLast)
{
    ListingCache cache;
    const ListingRequest asked{.known = 0, .path = "/folder"};
    const auto first = cache.get(files, asked).unwrap();
    for (std::uint64_t i = 1; i < 50; ++i) {
        static_cast<void>(cache.get(files, {.known = i, .path = "/folder"}));
        EXPECT_EQ(cache.get(files, asked).unwrap(), first);
    }
    EXPECT_EQ(cache.size(), ListingCache::max_folders);
}

} // namespace
} // namespace salvage::web
