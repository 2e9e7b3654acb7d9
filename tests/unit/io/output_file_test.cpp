// Files being written: never over what exists, never whole-looking before they are whole.
#include <array>
#include <csignal>
#include <optional>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "salvage/io/output_file.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::io {
namespace {

using test::fails_with;
using test::is_ok;

class Output : public ::testing::Test {
protected:
    [[nodiscard]] std::filesystem::path path(std::string_view name = "image.raw") const
    {
        return folder_.path() / name;
    }
    [[nodiscard]] std::filesystem::path partial() const { return folder_.path() / "image.raw.partial"; }
    [[nodiscard]] Result<OutputFile> create(Leftover leftover = Leftover::start_over, unsigned mode = 0644) const
    {
        return OutputFile::create(path(), leftover, mode);
    }
    test::TemporaryFolder folder_;
};

std::string text_of(const std::filesystem::path& path)
{
    return std::string{as_text(test::read_file(path))};
}

struct stat status_of(const std::filesystem::path& path)
{
    struct stat status{};
    EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
    return status;
}

/// Runs `work` in a child process; its exit status, or 128 plus the signal.
template <typename Work>
int in_child(Work work)
{
    const auto child = fork();
    if (child == 0) {
        work();
        _exit(0);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST_F(Output, HasItsNameOnlyWhenItIsWhole)
{
    auto file = create();
    ASSERT_TRUE(is_ok(file));
    ASSERT_TRUE(is_ok(file->write_at(ByteOffset{0}, as_bytes("whole"))));
    EXPECT_FALSE(exists(path()));
    EXPECT_EQ(file->partial_path(), partial());
    EXPECT_TRUE(exists(partial()));
    ASSERT_TRUE(is_ok(file->commit()));
    EXPECT_EQ(text_of(path()), "whole");
    EXPECT_FALSE(exists(partial()));
}

TEST_F(Output, LeavesOnlyThePartialWhenItsWriterIsKilled)
{
    const auto status = in_child([&] {
        auto file = create();
        ignore(file->write_at(ByteOffset{0}, as_bytes("half")), "the child has no one to tell");
        raise(SIGKILL);
    });
    ASSERT_EQ(status, 128 + SIGKILL);
    EXPECT_FALSE(exists(path()));
    EXPECT_EQ(text_of(partial()), "half");
    EXPECT_TRUE(is_ok(create())) << "a killed run holds no lock";
}

TEST_F(Output, KeepsOrEmptiesWhatAnEarlierRunLeft)
{
    static_cast<void>(folder_.write("image.raw.partial", as_bytes("earlier")));
    {
        auto file = create(Leftover::keep);
        ASSERT_TRUE(is_ok(file));
        ASSERT_TRUE(is_ok(file->write_at(ByteOffset{7}, as_bytes(" and later"))));
        EXPECT_EQ(text_of(partial()), "earlier and later");
    }
    ASSERT_TRUE(is_ok(create(Leftover::start_over)));
    EXPECT_EQ(text_of(partial()), "");
}

TEST_F(Output, RefusesWhateverHasTheName)
{
    static_cast<void>(folder_.write("image.raw", as_bytes("precious")));
    EXPECT_TRUE(fails_with(create(), ErrorCode::already_exists));
    EXPECT_FALSE(exists(partial()));
    std::filesystem::remove(path());
    std::filesystem::create_symlink("nowhere", path());
    EXPECT_TRUE(fails_with(create(), ErrorCode::already_exists)) << "a dangling link is a name, too";
    std::filesystem::remove(path());
    std::filesystem::create_directory(path());
    EXPECT_TRUE(fails_with(create(), ErrorCode::already_exists));
}

TEST_F(Output, DoesNotReplaceWhatCameMeanwhile)
{
    auto file = create();
    ASSERT_TRUE(is_ok(file));
    static_cast<void>(folder_.write("image.raw", as_bytes("precious")));
    const auto result = file->commit();
    ASSERT_TRUE(fails_with(result, ErrorCode::already_exists));
    EXPECT_FALSE(result.error().hint.empty());
    EXPECT_EQ(text_of(path()), "precious");
    EXPECT_TRUE(exists(partial())) << "the work is not lost";
}

TEST_F(Output, DoesNotWriteThroughLinksThatWaitInItsPlace)
{
    const auto evidence = folder_.write("evidence.img", as_bytes("evidence"));
    std::filesystem::create_symlink(evidence, partial());
    EXPECT_FALSE(create().has_value());
    std::filesystem::remove(partial());
    std::filesystem::create_hard_link(evidence, partial());
    EXPECT_TRUE(fails_with(create(), ErrorCode::already_exists));
    std::filesystem::remove(partial());
    ASSERT_EQ(mkfifo(partial().c_str(), 0600), 0);
    EXPECT_TRUE(fails_with(create(), ErrorCode::already_exists));
    EXPECT_EQ(text_of(evidence), "evidence");
}

TEST_F(Output, IsWrittenByOneRunAtATime)
{
    auto first = create();
    ASSERT_TRUE(is_ok(first));
    ASSERT_TRUE(is_ok(first->write_at(ByteOffset{0}, as_bytes("first"))));
    EXPECT_TRUE(fails_with(create(), ErrorCode::already_exists));
    EXPECT_EQ(text_of(partial()), "first");
}

TEST_F(Output, GivesNoMorePermissionsThanAsked)
{
    static_cast<void>(folder_.write("image.raw.partial", as_bytes("readable by all")));
    auto file = create(Leftover::start_over, 0600);
    ASSERT_TRUE(is_ok(file));
    EXPECT_EQ(status_of(partial()).st_mode & 0777U, 0600U);
}

TEST_F(Output, CannotBeMadeInAFolderThatIsNotThere)
{
    EXPECT_TRUE(fails_with(OutputFile::create(path("no/such/folder/image.raw")), ErrorCode::io));
}

TEST_F(Output, LeavesZeroBlocksAsHoles)
{
    constexpr std::size_t block = 4096;
    Bytes bytes(300 * block + 100);
    bytes[5] = std::byte{1};
    bytes[200 * block + 7] = std::byte{2};
    auto file = create();
    ASSERT_TRUE(is_ok(file));
    // In odd pieces, as a reader delivers them.
    for (std::size_t at = 0; at < bytes.size(); at += 10007) {
        ASSERT_TRUE(is_ok(file->write_sparse_at(
            ByteOffset{at}, ByteView{bytes}.subspan(at, std::min<std::size_t>(10007, bytes.size() - at)))));
    }
    ASSERT_TRUE(is_ok(file->commit()));
    EXPECT_EQ(test::read_file(path()), bytes);
    EXPECT_LE(status_of(path()).st_blocks * 512, 4 * static_cast<long>(block));
}

TEST_F(Output, KeepsDataOnBothSidesOfEveryHole)
{
    for (const std::size_t size : {1U, 4095U, 4096U, 4097U, 8192U, 12289U}) {
        for (const std::size_t start : {0U, 1U, 4095U, 4096U, 5000U}) {
            for (std::size_t mark = 0; mark < size; mark += 1021) {
                Bytes bytes(size);
                bytes[mark] = std::byte{0xA5};
                auto file = create();
                ASSERT_TRUE(is_ok(file));
                ASSERT_TRUE(is_ok(file->write_sparse_at(ByteOffset{start}, bytes)));
                Bytes expected(start);
                expected.insert(expected.end(), bytes.begin(), bytes.end());
                ASSERT_EQ(test::read_file(partial()), expected) << size << " at " << start << ", mark " << mark;
            }
        }
    }
}

TEST_F(Output, SaysThatTheMediumIsFullAndKeepsWhatItHas)
{
    const auto mounted = path("small");
    std::filesystem::create_directory(mounted);
    if (mount("none", mounted.c_str(), "tmpfs", 0, "size=64k") != 0) {
        GTEST_SKIP() << "a small tmpfs can be mounted only by root";
    }
    {
        auto file = OutputFile::create(mounted / "image.raw");
        ASSERT_TRUE(is_ok(file));
        const auto result = file->write_at(ByteOffset{0}, Bytes(1U << 20U, std::byte{1}));
        ASSERT_TRUE(fails_with(result, ErrorCode::no_space));
        EXPECT_NE(result.error().what.find("KiB"), std::string::npos) << result.error().what;
        EXPECT_FALSE(result.error().hint.empty());
        EXPECT_GT(file_size(mounted / "image.raw.partial"), 0U);
        EXPECT_FALSE(exists(mounted / "image.raw"));
    }
    EXPECT_EQ(umount(mounted.c_str()), 0);
}

TEST_F(Output, ReplacesASmallFileOnlyWhenTold)
{
    const auto target = path("case.json");
    ASSERT_TRUE(is_ok(write_file_atomically(target, as_bytes("one"), Existing::refuse)));
    EXPECT_TRUE(
        fails_with(write_file_atomically(target, as_bytes("two"), Existing::refuse), ErrorCode::already_exists));
    EXPECT_EQ(text_of(target), "one");
    ASSERT_TRUE(is_ok(write_file_atomically(target, as_bytes("three"), Existing::replace)));
    EXPECT_EQ(text_of(target), "three");
    ASSERT_TRUE(is_ok(write_file_atomically(path("new.json"), as_bytes("four"), Existing::replace, 0600)));
    EXPECT_EQ(status_of(path("new.json")).st_mode & 0777U, 0600U);
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{folder_.path()}) {
        ++files;
    }
    EXPECT_EQ(files, 2U) << "nothing else is left over";
}

TEST_F(Output, ShowsReadersTheOldOrTheNewFileNeverHalfOfOne)
{
    const auto target = path("status.json");
    ASSERT_TRUE(is_ok(write_file_atomically(target, Bytes(50000, std::byte{'0'}), Existing::replace)));
    const auto child = fork();
    if (child == 0) {
        for (int i = 1;; ++i) {
            ignore(write_file_atomically(target, Bytes(50000, static_cast<std::byte>('0' + i % 10)), Existing::replace),
                   "the reader judges");
        }
    }
    for (int i = 0; i < 200; ++i) {
        const auto text = text_of(target);
        EXPECT_EQ(text, std::string(50000, text.empty() ? '?' : text.front()));
    }
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    EXPECT_TRUE(is_ok(write_file_atomically(target, as_bytes("done"), Existing::replace)));
    EXPECT_EQ(text_of(target), "done");
}

} // namespace
} // namespace salvage::io
