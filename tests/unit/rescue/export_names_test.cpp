// Exporting hostile and odd names.
#include <set>

#include <gtest/gtest.h>

#include "export_support.hpp"
#include "support/assert_result.hpp"

namespace salvage::rescue {
namespace {

using test::export_all;
using test::FakeFileSystem;
using test::is_ok;
using test::manifest_of;
using test::sums_agree;
using test::text_of;

constexpr auto root = FakeFileSystem::root_inode;

TEST(Export, NeverWritesOutsideOfItsFolder)
{
    const test::TemporaryFolder folder;
    const auto outside = folder.path() / "outside";
    std::filesystem::create_directory(outside);
    FakeFileSystem files;
    files.add_file(root, "..", "dot dot");
    files.add_file(root, ".", "dot");
    files.add_file(root, "", "nameless");
    files.add_file(root, "../outside/escaped", "slash");
    files.add_file(root, "/etc/salvage-test-escaped", "absolute");
    files.add_file(root, std::string{"nul\0name", 8}, "nul");
    files.add_file(root, std::string(300, 'n'), "long");
    // A link and a folder of one name: what is in the folder must not follow the link.
    files.add_symlink(root, "trap", outside.string());
    const auto trap = files.add_folder(root, "trap");
    files.add_file(trap, "escaped", "trapped");
    const auto up = files.add_folder(root, "..");
    files.add_file(up, "outside", "up");
    const auto out = folder.path() / "files";
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    EXPECT_TRUE(std::filesystem::is_empty(outside));
    EXPECT_FALSE(std::filesystem::exists("/etc/salvage-test-escaped"));
    EXPECT_EQ(report->files, 9U) << "all of them were saved, under other names";
    EXPECT_EQ(report->failed.size(), 9U) << "and each other name was told";
    EXPECT_TRUE(sums_agree(out));
    std::set<std::string> top;
    for (const auto& entry : std::filesystem::directory_iterator{folder.path()}) {
        top.insert(entry.path().filename().string());
    }
    EXPECT_EQ(top, (std::set<std::string>{"files", "outside"}));
    EXPECT_EQ(text_of(out / "_inode_11"), "dot dot");
}

TEST(Export, DoesNotLetFilesTakeTheNamesOfItsOwn)
{
    FakeFileSystem files;
    for (const auto* const name : {"manifest.jsonl", "SHA256SUMS", ".salvage-export.json", ".salvage-export.journal",
                                   "manifest.jsonl.partial", ".salvage-export.partial"}) {
        files.add_file(root, name, "mine");
    }
    const auto inner = files.add_folder(root, "inner");
    files.add_file(inner, "SHA256SUMS", "not on top");
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->files, 7U);
    EXPECT_EQ(report->failed.size(), 6U);
    EXPECT_EQ(text_of(out / "inner/SHA256SUMS"), "not on top");
    EXPECT_TRUE(sums_agree(out));
}

TEST(Export, KeepsTheFirstOfTwoFilesWithOneName)
{
    FakeFileSystem files;
    files.add_file(root, "twice", "first");
    files.add_file(root, "twice", "second");
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(text_of(out / "twice"), "first");
    ASSERT_EQ(report->failed.size(), 1U);
    EXPECT_FALSE(report->failed[0].is_partial);
}

TEST(Export, WritesOddNamesSoThatSha256sumReadsThem)
{
    FakeFileSystem files;
    for (const auto* const name : {"back\\slash", "new\nline", "carriage\rreturn", "ends\r", "not utf8 \xFF\xFE",
                                   " spaces ", "*star", "-dash", "quote'\"", "\\", "ünï"}) {
        files.add_file(root, name, name);
    }
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    EXPECT_TRUE(report->failed.empty());
    EXPECT_TRUE(sums_agree(out));
    EXPECT_EQ(text_of(out / "not utf8 \xFF\xFE"), "not utf8 \xFF\xFE");
    const auto manifest = manifest_of(out);
    const auto line = manifest.at("/not utf8 \xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_EQ(line["path_hex"], "2f6e6f74207574663820fffe");
    EXPECT_EQ(line["stored_hex"], "6e6f74207574663820fffe");
    EXPECT_FALSE(manifest.at("/new\nline").contains("path_hex"));
}

} // namespace
} // namespace salvage::rescue
