// The tree of deleted files, over a filesystem that tells what the test wants.
#include "salvage/filesystem/deleted_tree.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "salvage/io/sources.hpp"
#include "support/assert_result.hpp"

namespace salvage::filesystem {
namespace {

class Fake final : public FileSystem {
public:
    explicit Fake(Result<std::vector<DeletedFile>> deleted) : deleted_{std::move(deleted)} {}

    [[nodiscard]] std::string_view kind() const noexcept override { return "fake"; }
    [[nodiscard]] std::string label() const override { return "PHONE"; }
    [[nodiscard]] Entry root() const override { return {}; }
    Result<std::vector<Entry>> list(std::uint64_t, std::vector<Entry>*) const override { return not_found("live"); }
    [[nodiscard]] Result<Entry> stat(std::uint64_t) const override { return not_found("live"); }
    [[nodiscard]] Result<std::string> read_link(std::uint64_t) const override { return not_found("live"); }
    [[nodiscard]] Result<ExtendedAttributes> extended_attributes(std::uint64_t) const override
    {
        return not_found("live");
    }
    [[nodiscard]] Result<io::SourcePtr> open(std::uint64_t) const override { return not_found("live"); }
    [[nodiscard]] const std::vector<Finding>& findings() const noexcept override { return findings_; }
    [[nodiscard]] Result<std::vector<DeletedFile>> deleted_files(const RunContext&) const override
    {
        ++asked;
        return deleted_;
    }

    mutable unsigned asked{0};

private:
    Result<std::vector<DeletedFile>> deleted_;
    std::vector<Finding> findings_;
};

DeletedFile deleted(std::string folder, std::string name, std::string_view content, std::uint64_t inode = 77)
{
    DeletedFile out;
    out.folder = std::move(folder);
    out.entry.name = std::move(name);
    out.entry.inode = inode;
    out.entry.type = EntryType::file;
    out.entry.size = ByteCount{content.size()};
    out.confidence = Confidence::medium;
    out.proof = "said by the test";
    const auto bytes = as_bytes(content);
    out.content = io::make_memory({bytes.begin(), bytes.end()}, "content");
    return out;
}

std::unique_ptr<const FileSystem> tree(std::vector<DeletedFile> files)
{
    return make_deleted_tree(std::make_shared<Fake>(std::move(files)), RunContext{});
}

std::string content_at(const FileSystem& fs, std::string_view path)
{
    const auto entry = find_path(fs, path);
    EXPECT_TRUE(test::is_ok(entry));
    const auto source = fs.open(entry->inode);
    EXPECT_TRUE(test::is_ok(source));
    const auto bytes = io::read_all(**source, ByteCount{1000});
    return std::string{as_text(*bytes)};
}

TEST(DeletedTree, FilesLieWhereTheyLay)
{
    const auto fs = tree({deleted("/media/0/DCIM", "a.jpg", "first"), deleted("/", "top.txt", "second")});
    EXPECT_EQ(content_at(*fs, "/media/0/DCIM/a.jpg"), "first");
    EXPECT_EQ(content_at(*fs, "/top.txt"), "second");
    const auto entry = find_path(*fs, "/media/0/DCIM/a.jpg");
    EXPECT_EQ(entry->deleted, Confidence::medium);
    EXPECT_EQ(find_path(*fs, "/media")->deleted, std::nullopt);
    EXPECT_EQ(fs->kind(), "deleted files of fake");
}

TEST(DeletedTree, WhatHasNoNameOrFolderIsStillThere)
{
    const auto fs = tree({deleted("", "", "a", 12), deleted("/x", "", "b", 13), deleted("", "known.db", "c")});
    EXPECT_EQ(content_at(*fs, "/folder-unknown/inode-12"), "a");
    EXPECT_EQ(content_at(*fs, "/x/inode-13"), "b");
    EXPECT_EQ(content_at(*fs, "/folder-unknown/known.db"), "c");
}

TEST(DeletedTree, NamesThatMeetAreNumberedInAnOrderThatDoesNotChange)
{
    std::vector<DeletedFile> files{deleted("/x", "a.tar.gz", "1", 5), deleted("/x", "a.tar.gz", "2", 6),
                                   deleted("/x", "a.tar.gz", "3", 7), deleted("/x", "a.tar~2.gz", "4", 8)};
    for (int round = 0; round < 24; ++round) {
        std::next_permutation(files.begin(), files.end(), [](const DeletedFile& one, const DeletedFile& other) {
            return one.entry.inode < other.entry.inode;
        });
        const auto fs = tree(files);
        EXPECT_EQ(content_at(*fs, "/x/a.tar.gz"), "1");
        EXPECT_EQ(content_at(*fs, "/x/a.tar~2.gz"), "2");
        EXPECT_EQ(content_at(*fs, "/x/a.tar~3.gz"), "3");
        EXPECT_EQ(content_at(*fs, "/x/a.tar~2~2.gz"), "4");
    }
}

TEST(DeletedTree, AFolderKeepsWhatIsKnownOfItWhateverTheOrder)
{
    auto folder = deleted("/x", "old", "", 9);
    folder.entry.type = EntryType::directory;
    folder.entry.mode = 0710;
    const auto fs = tree({deleted("/x/old", "a", "1"), folder, deleted("/x/old/deeper", "b", "2")});
    EXPECT_EQ(find_path(*fs, "/x/old")->mode, 0710U);
    EXPECT_EQ(find_path(*fs, "/x/old")->deleted, Confidence::medium);
    EXPECT_EQ(content_at(*fs, "/x/old/a"), "1");
    EXPECT_EQ(content_at(*fs, "/x/old/deeper/b"), "2");
}

TEST(DeletedTree, AFileInTheWayOfAFolderHidesNeither)
{
    const auto fs = tree({deleted("/", "x", "file"), deleted("/x", "a", "in it")});
    std::set<std::string> found;
    const auto top = fs->list(fs->root().inode);
    for (const auto& entry : *top) {
        found.insert(entry.name + (entry.type == EntryType::directory ? "/" : ""));
    }
    EXPECT_EQ(found, (std::set<std::string>{"x", "x~2/"}));
    EXPECT_EQ(content_at(*fs, "/x"), "file");
    EXPECT_EQ(content_at(*fs, "/x~2/a"), "in it");
}

TEST(DeletedTree, MadeUpPathsStayInside)
{
    const std::string nul{"a\0b", 3};
    const auto fs = tree({deleted("/../../etc", "passwd", "1", 2), deleted("/x", "..", "2", 3),
                          deleted("/x", nul, "3", 4), deleted("/x", "a/b", "4", 5)});
    EXPECT_EQ(content_at(*fs, "/etc/passwd"), "1");
    EXPECT_EQ(content_at(*fs, "/x/inode-3"), "2");
    EXPECT_EQ(content_at(*fs, "/x/inode-4"), "3");
    EXPECT_EQ(content_at(*fs, "/x/inode-5"), "4");
}

TEST(DeletedTree, ContentThatIsGoneIsAnErrorAndAnEmptyFileIsNot)
{
    auto gone = deleted("/", "gone", "12345");
    gone.content = nullptr;
    auto empty = deleted("/", "empty", "");
    empty.content = nullptr;
    const auto fs = tree({gone, empty});
    const auto missing = fs->open(find_path(*fs, "/gone")->inode);
    ASSERT_FALSE(missing.has_value());
    EXPECT_EQ(missing.error().code, ErrorCode::not_found);
    EXPECT_EQ(content_at(*fs, "/empty"), "");
}

TEST(DeletedTree, ProofGoesAlongAsAnAttribute)
{
    const auto fs = tree({deleted("/", "a", "1")});
    const auto attributes = fs->extended_attributes(find_path(*fs, "/a")->inode);
    ASSERT_EQ(attributes->size(), 2U);
    EXPECT_EQ(as_text(attributes->at(0).second), "medium");
    EXPECT_EQ(as_text(attributes->at(1).second), "said by the test");
}

TEST(DeletedTree, AsksOnceAndOnlyWhenItIsLookedAt)
{
    const auto live = std::make_shared<Fake>(std::vector{deleted("/", "a", "1")});
    const auto fs = make_deleted_tree(live, RunContext{});
    EXPECT_EQ(live->asked, 0U);
    EXPECT_TRUE(test::is_ok(fs->list(fs->root().inode)));
    EXPECT_TRUE(test::is_ok(fs->list(fs->root().inode)));
    EXPECT_EQ(live->asked, 1U);
    EXPECT_FALSE(fs->stat(3).has_value());
    EXPECT_FALSE(fs->stat(0).has_value());
}

TEST(DeletedTree, SaysWhyThereIsNone)
{
    const auto fs = make_deleted_tree(std::make_shared<Fake>(unsupported("not looked for")), RunContext{});
    const auto listed = fs->list(fs->root().inode);
    ASSERT_FALSE(listed.has_value());
    EXPECT_EQ(listed.error().code, ErrorCode::unsupported);
}

TEST(DeletedTree, StoppingIsNotRemembered)
{
    const auto live = std::make_shared<Fake>(cancelled("looking for deleted files"));
    const auto fs = make_deleted_tree(live, RunContext{});
    EXPECT_FALSE(fs->list(fs->root().inode).has_value());
    EXPECT_FALSE(fs->list(fs->root().inode).has_value());
    EXPECT_EQ(live->asked, 2U);
}

} // namespace
} // namespace salvage::filesystem
