// Walking: order, bounds, loops, damage.
#include "salvage/rescue/walk.hpp"

#include <gtest/gtest.h>

#include "support/assert_result.hpp"
#include "unit/rescue/fake_filesystem.hpp"

namespace salvage::rescue {
namespace {

using filesystem::EntryType;
using test::FakeFileSystem;
using test::is_ok;

constexpr auto root = FakeFileSystem::root_inode;

struct Walked {
    Result<> result;
    std::vector<ListedEntry> entries;
    [[nodiscard]] std::vector<std::string> paths() const
    {
        std::vector<std::string> out;
        for (const auto& entry : entries) {
            out.push_back(entry.path);
        }
        return out;
    }
};

Walked walk_all(const FakeFileSystem& files, std::string_view path = "/", Recursive recursive = Recursive::yes,
                const RunContext& context = {})
{
    Walked out;
    out.result = walk(
        files, path, recursive,
        [&](const ListedEntry& entry) -> Result<> {
            out.entries.push_back(entry);
            return {};
        },
        context);
    return out;
}

using Paths = std::vector<std::string>;

TEST(Walk, VisitsParentsFirstAndNamesInTheOrderOfTheirBytes)
{
    FakeFileSystem files;
    files.add_file(root, "b", "x");
    const auto folder = files.add_folder(root, "a");
    files.add_file(folder, "\xC3\xA4", "x");
    files.add_file(folder, "z", "x");
    files.add_file(folder, "Z", "x");
    const auto walked = walk_all(files);
    EXPECT_TRUE(is_ok(walked.result));
    EXPECT_EQ(walked.paths(), (Paths{"/a", "/a/Z", "/a/z", "/a/\xC3\xA4", "/b"}));
}

TEST(Walk, StaysInOneFolderWhenNotRecursive)
{
    FakeFileSystem files;
    const auto folder = files.add_folder(root, "a");
    files.add_file(folder, "inside", "x");
    files.add_file(root, "b", "x");
    EXPECT_EQ(walk_all(files, "", Recursive::no).paths(), (Paths{"/a", "/b"}));
    EXPECT_EQ(walk_all(files, "a//", Recursive::no).paths(), Paths{"/a/inside"});
}

TEST(Walk, ShowsAFileThatItIsPointedAt)
{
    FakeFileSystem files;
    const auto folder = files.add_folder(root, "a");
    files.add_file(folder, "photo", "x");
    const auto walked = walk_all(files, "/a/photo");
    ASSERT_EQ(walked.paths(), Paths{"/a/photo"});
    EXPECT_EQ(walked.entries.front().entry.name, "photo");
}

TEST(Walk, SaysWhichPathIsNotThere)
{
    const FakeFileSystem files;
    EXPECT_TRUE(test::fails_with(walk_all(files, "/nowhere").result, ErrorCode::not_found));
}

TEST(Walk, ReadsWhereLinksPoint)
{
    FakeFileSystem files;
    files.add_symlink(root, "good", "/etc/passwd");
    const auto bad = files.add_symlink(root, "bad", "");
    files.node(bad).damage = malformed(ByteOffset{1}, "the link is damaged");
    const auto walked = walk_all(files);
    ASSERT_EQ(walked.paths(), (Paths{"/bad", "/good"}));
    EXPECT_TRUE(walked.entries[0].problem.has_value());
    EXPECT_EQ(walked.entries[1].target, "/etc/passwd");
}

TEST(Walk, EntersAFolderThatContainsItselfOnce)
{
    FakeFileSystem files;
    const auto outer = files.add_folder(root, "outer");
    const auto inner = files.add_folder(outer, "inner");
    files.link(inner, "again", outer);
    files.link(inner, "top", root);
    const auto walked = walk_all(files);
    EXPECT_TRUE(is_ok(walked.result));
    ASSERT_EQ(walked.paths(), (Paths{"/outer", "/outer/inner", "/outer/inner/again", "/outer/inner/top"}));
    EXPECT_TRUE(walked.entries[2].problem.has_value());
    EXPECT_TRUE(walked.entries[3].problem.has_value());
}

TEST(Walk, DoesNotMultiplyFoldersThatShareTheirFolders)
{
    // Thirty floors with two doors each to the next: 2^30 paths, thirty folders.
    FakeFileSystem files;
    auto floor = root;
    for (int i = 0; i < 30; ++i) {
        const auto next = files.add_folder(floor, "left");
        files.link(floor, "right", next);
        floor = next;
    }
    EXPECT_EQ(walk_all(files).entries.size(), 60U);
}

TEST(Walk, StopsGoingDownSomewhere)
{
    FakeFileSystem files;
    auto folder = root;
    for (int i = 0; i < 3000; ++i) {
        folder = files.add_folder(folder, "d");
    }
    const auto walked = walk_all(files);
    EXPECT_TRUE(is_ok(walked.result));
    EXPECT_EQ(walked.entries.size(), 2048U);
    EXPECT_TRUE(walked.entries.back().problem.has_value());
}

TEST(Walk, DoesNotFillTheMemoryWithLongNames)
{
    FakeFileSystem files;
    auto folder = root;
    for (int i = 0; i < 300; ++i) {
        folder = files.add_folder(folder, std::string(255, 'd'));
    }
    const auto walked = walk_all(files);
    EXPECT_LT(walked.entries.size(), 140U);
    EXPECT_TRUE(walked.entries.back().problem.has_value());
}

TEST(Walk, GoesOnBehindADamagedFolder)
{
    FakeFileSystem files;
    const auto damaged = files.add_folder(root, "damaged");
    files.add_file(damaged, "still there", "x");
    files.node(damaged).damage = malformed(ByteOffset{64}, "an entry has no length");
    files.add_file(root, "other", "x");
    const auto walked = walk_all(files);
    EXPECT_TRUE(is_ok(walked.result));
    ASSERT_EQ(walked.paths(), (Paths{"/damaged", "/damaged/still there", "/other"}));
    ASSERT_TRUE(walked.entries.front().problem.has_value());
    EXPECT_EQ(walked.entries.front().problem->code, ErrorCode::malformed);
}

TEST(Walk, TellsOfDamageInTheFolderItBeginsWith)
{
    FakeFileSystem files;
    files.add_file(root, "a", "x");
    files.node(root).damage = malformed(ByteOffset{0}, "an entry has no length");
    const auto walked = walk_all(files);
    ASSERT_EQ(walked.paths(), (Paths{"/", "/a"}));
    EXPECT_TRUE(walked.entries.front().problem.has_value());
}

TEST(Walk, EndsWithTheErrorOfItsVisitor)
{
    FakeFileSystem files;
    files.add_file(root, "a", "x");
    const auto refuse = [](const ListedEntry&) -> Result<> { return not_found("enough"); };
    EXPECT_TRUE(test::fails_with(walk(files, "/", Recursive::yes, refuse, {}), ErrorCode::not_found));
}

TEST(Walk, StopsWhenItIsAskedTo)
{
    FakeFileSystem files;
    files.add_file(root, "a", "x");
    std::stop_source stop;
    stop.request_stop();
    RunContext context;
    context.stop = stop.get_token();
    EXPECT_TRUE(test::fails_with(walk_all(files, "/", Recursive::yes, context).result, ErrorCode::cancelled));
}

} // namespace
} // namespace salvage::rescue
