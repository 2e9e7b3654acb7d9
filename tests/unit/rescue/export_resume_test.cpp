// Exporting in several runs.
#include <fstream>
#include <stop_token>

#include <sys/stat.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "export_support.hpp"
#include "salvage/io/views.hpp"
#include "small_disk.hpp"
#include "stop_at.hpp"
#include "support/assert_result.hpp"

namespace salvage::rescue {
namespace {

using test::export_all;
using test::fails_with;
using test::FakeFileSystem;
using test::fill;
using test::is_ok;
using test::manifest_of;
using test::noise;
using test::stat_of;
using test::sums_agree;
using test::text_of;

constexpr auto root = FakeFileSystem::root_inode;
constexpr std::uint64_t mib = 1U << 20U;

TEST(Export, GoesOnWhereItWasStopped)
{
    FakeFileSystem files;
    for (int i = 0; i < 6; ++i) {
        files.add_file(root, fmt::format("file {}", i), io::make_memory(noise(mib, static_cast<unsigned>(i)), "f"));
    }
    const auto first = files.add_file(root, "linked 1", "linked");
    files.link(root, "linked 2", first);
    for (std::uint64_t stop_at = mib; stop_at <= 6 * mib; stop_at += mib) {
        const test::TemporaryFolder folder;
        const auto out = folder.path() / "files";
        std::stop_source stop;
        StopAt progress{stop, stop_at};
        RunContext context;
        context.progress = &progress;
        context.stop = stop.get_token();
        ASSERT_TRUE(fails_with(export_all(files, out, context), ErrorCode::cancelled));
        EXPECT_FALSE(std::filesystem::exists(out / "manifest.jsonl"));
        const auto report = export_all(files, out);
        ASSERT_TRUE(is_ok(report));
        EXPECT_GE(report->resumed, (stop_at / mib) - 1);
        EXPECT_EQ(report->files, 8U);
        EXPECT_TRUE(sums_agree(out));
        EXPECT_EQ(manifest_of(out).size(), 8U);
        EXPECT_EQ(stat_of(out / "linked 1").st_ino, stat_of(out / "linked 2").st_ino);
        const auto again = export_all(files, out);
        ASSERT_TRUE(is_ok(again));
        EXPECT_EQ(again->resumed, 8U) << "a finished export is copied again";
        EXPECT_EQ(again->bytes, report->bytes);
    }
}

TEST(Export, CopiesAgainWhatChangedInTheSourceOrInTheFolder)
{
    FakeFileSystem files;
    files.add_file(root, "a", "one");
    files.add_file(root, "b", "two");
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    ASSERT_TRUE(is_ok(export_all(files, out)));
    std::filesystem::remove(out / "a");
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->resumed, 1U);
    EXPECT_EQ(text_of(out / "a"), "one");
    std::ofstream{out / "b"} << "changed by someone";
    const auto changed = export_all(files, out);
    ASSERT_TRUE(is_ok(changed));
    ASSERT_EQ(changed->failed.size(), 1U) << "what someone else wrote stays, and it is said";
    EXPECT_EQ(text_of(out / "b"), "changed by someone");
}

TEST(Export, TriesAgainWhatCouldNotBeRead)
{
    const auto bytes = noise(8192);
    const auto bad = *ByteRange::make(ByteOffset{1024}, ByteCount{1024});
    FakeFileSystem files;
    const auto inode = files.add_file(root, "a", io::make_with_bad_areas(io::make_memory(bytes, "a"), {bad}));
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    ASSERT_TRUE(is_ok(export_all(files, out)));
    const auto same = export_all(files, out);
    ASSERT_TRUE(is_ok(same));
    EXPECT_EQ(same->resumed, 1U);
    EXPECT_EQ(same->failed.size(), 1U) << "the loss was forgotten";
    files.node(inode).content = io::make_memory(bytes, "a"); // read once more, with more luck
    const auto better = export_all(files, out);
    ASSERT_TRUE(is_ok(better));
    EXPECT_TRUE(better->failed.empty());
    EXPECT_EQ(test::read_file(out / "a"), bytes);
}

TEST(Export, SurvivesATornJournal)
{
    FakeFileSystem files;
    fill(files);
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    ASSERT_TRUE(is_ok(export_all(files, out)));
    const auto manifest = text_of(out / "manifest.jsonl");
    for (std::size_t cut = 0; cut < manifest.size(); cut += 97) {
        std::filesystem::remove(out / "manifest.jsonl");
        std::ofstream{out / ".salvage-export.journal"} << manifest.substr(0, cut) << "\xFF{]";
        const auto report = export_all(files, out);
        ASSERT_TRUE(is_ok(report)) << cut;
        EXPECT_TRUE(report->failed.empty()) << cut;
        EXPECT_TRUE(sums_agree(out)) << cut;
    }
}

TEST(Export, GoesOnInFoldersThatWereClosedToTheirOwner)
{
    FakeFileSystem files;
    const auto closed = files.add_folder(root, "closed");
    files.node(closed).entry.mode = 0;
    files.add_file(closed, "a", "x");
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    ASSERT_TRUE(is_ok(export_all(files, out)));
    EXPECT_EQ(stat_of(out / "closed").st_mode & 0777U, 0700U) << "the owner must see what was saved";
    ASSERT_EQ(::chmod((out / "closed").c_str(), 0), 0);
    EXPECT_TRUE(is_ok(export_all(files, out)));
}

TEST(Export, SaysHowMuchRoomIsMissingAndGoesOnWhenThereIsMore)
{
    const test::TemporaryFolder folder;
    const test::SmallDisk disk{folder.path() / "disk"};
    if (!disk.is_mounted()) {
        GTEST_SKIP() << "mounting a small filesystem is not permitted here";
    }
    FakeFileSystem files;
    for (int i = 0; i < 8; ++i) {
        files.add_file(root, fmt::format("{}", i), io::make_memory(noise(mib / 2, static_cast<unsigned>(i)), "f"));
    }
    const auto out = folder.path() / "disk/files";
    const auto full = export_all(files, out);
    ASSERT_TRUE(fails_with(full, ErrorCode::no_space));
    EXPECT_NE(full.error().what.find("bytes) more are needed"), std::string::npos) << full.error().what;
    EXPECT_NE(full.error().hint.find("safe"), std::string::npos);
    disk.enlarge();
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->files, 8U);
    EXPECT_GT(report->resumed, 0U) << "what was finished is safe";
    EXPECT_TRUE(sums_agree(out));
}

} // namespace
} // namespace salvage::rescue
