// Copies of a case: what is in the way of them, and what is said of them.
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include <gtest/gtest.h>

#include "case_support.hpp"
#include "rescue/backup_folder.hpp"
#include "salvage/rescue/backup.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;
using test_case::get;
using test_case::put;

/// Answers for restic.
class FakeRestic final : public CommandRunner {
public:
    Result<CommandAnswer> run(const std::vector<std::string>& command, const RunContext& /*context*/) override
    {
        commands.push_back(command);
        for (const auto& [word, answer] : answers) {
            if (std::ranges::find(command, word) != command.end()) {
                return answer;
            }
        }
        return CommandAnswer{};
    }
    std::map<std::string, CommandAnswer> answers;
    std::vector<std::vector<std::string>> commands;
};

class Backup : public ::testing::Test {
protected:
    Backup()
    {
        put(the_folder() / "case.json", "{}");
        put(the_folder() / "report.txt", "all is well\n");
        put(the_folder() / "files" / "DCIM" / "photo.jpg", "a photo");
        fs::create_symlink("DCIM/photo.jpg", the_folder() / "files" / "newest");
    }

    [[nodiscard]] fs::path the_folder() const { return work_.path() / "case"; }
    [[nodiscard]] fs::path copy() const { return work_.path() / "copy"; }
    [[nodiscard]] fs::path outside() const { return work_.path() / "outside"; }

    Result<BackupReport> add(const std::string& target = {})
    {
        return add_backup(
            {.case_folder = the_folder(), .target = backup_target_of(target.empty() ? copy().string() : target)},
            restic_, {});
    }
    Result<BackupReport> verify(BackupPart part = {}) { return verify_backups(the_folder(), part, restic_, {}); }

    // NOLINTBEGIN(*-non-private-member-variables-in-classes): a fixture's
    test::TemporaryFolder work_;
    FakeRestic restic_;
    // NOLINTEND(*-non-private-member-variables-in-classes)
};

TEST_F(Backup, HasTheFilesAndLinksOfTheCase)
{
    const auto report = add();
    ASSERT_TRUE(test::is_ok(report));
    EXPECT_EQ(report->good_copies, 2U);
    EXPECT_EQ(get(copy() / "files" / "DCIM" / "photo.jpg"), "a photo");
    EXPECT_EQ(fs::read_symlink(copy() / "files" / "newest"), "DCIM/photo.jpg");
    EXPECT_FALSE(fs::exists(copy() / "salvage-backup.new.partial"));
    EXPECT_FALSE(fs::exists(fs::symlink_status(copy() / "salvage-backup.new")));
}

TEST_F(Backup, WritesNothingOverALinkThatSomeonePutInItsPlace)
{
    ASSERT_TRUE(test::is_ok(add()));
    put(outside() / "photo.jpg", "someone else's");
    put(the_folder() / "files" / "DCIM" / "photo.jpg", "another photo");
    fs::remove_all(copy() / "files" / "DCIM");
    fs::create_directory_symlink(outside(), copy() / "files" / "DCIM");
    EXPECT_TRUE(test::fails_with(add(), ErrorCode::already_exists));
    EXPECT_EQ(get(outside() / "photo.jpg"), "someone else's");

    // A link in the file's own place is replaced, and not followed.
    fs::remove(copy() / "files" / "DCIM");
    fs::create_directory(copy() / "files" / "DCIM");
    fs::create_symlink(outside() / "photo.jpg", copy() / "files" / "DCIM" / "photo.jpg");
    ASSERT_TRUE(test::is_ok(add()));
    EXPECT_EQ(get(outside() / "photo.jpg"), "someone else's");
    EXPECT_EQ(get(copy() / "files" / "DCIM" / "photo.jpg"), "another photo");
    EXPECT_FALSE(fs::is_symlink(copy() / "files" / "DCIM" / "photo.jpg"));
}

TEST_F(Backup, DoesNotTakeALinkToTheSameBytesForTheCopy)
{
    ASSERT_TRUE(test::is_ok(add()));
    put(outside() / "photo.jpg", "a photo");
    fs::remove(copy() / "files" / "DCIM" / "photo.jpg");
    fs::create_symlink(outside() / "photo.jpg", copy() / "files" / "DCIM" / "photo.jpg");
    ASSERT_TRUE(test::is_ok(add()));
    EXPECT_FALSE(fs::is_symlink(copy() / "files" / "DCIM" / "photo.jpg")) << "it was copied anew";
}

TEST_F(Backup, RepairsNothingOverALink)
{
    ASSERT_TRUE(test::is_ok(add()));
    put(outside() / "photo.jpg", "someone's");
    fs::remove_all(copy() / "files" / "DCIM");
    fs::create_directory_symlink(outside(), copy() / "files" / "DCIM");
    const auto report = repair_backups(the_folder(), {});
    ASSERT_TRUE(test::is_ok(report));
    EXPECT_FALSE(report->is_sound());
    EXPECT_EQ(get(outside() / "photo.jpg"), "someone's");
}

TEST_F(Backup, RepairsNothingThatHasASecondName)
{
    ASSERT_TRUE(test::is_ok(add()));
    put(outside() / "photo.jpg", "b photo");
    fs::remove(copy() / "files" / "DCIM" / "photo.jpg");
    fs::create_hard_link(outside() / "photo.jpg", copy() / "files" / "DCIM" / "photo.jpg");
    const auto report = repair_backups(the_folder(), {});
    ASSERT_TRUE(test::is_ok(report));
    EXPECT_FALSE(report->is_sound());
    EXPECT_EQ(get(outside() / "photo.jpg"), "b photo");
}

TEST_F(Backup, RepairsAFileWithItsTime)
{
    ASSERT_TRUE(test::is_ok(add()));
    const auto time = fs::last_write_time(the_folder() / "files" / "DCIM" / "photo.jpg");
    fs::remove_all(copy() / "files" / "DCIM");
    const auto report = repair_backups(the_folder(), {});
    ASSERT_TRUE(test::is_ok(report));
    EXPECT_TRUE(report->is_sound());
    EXPECT_EQ(get(copy() / "files" / "DCIM" / "photo.jpg"), "a photo");
    EXPECT_EQ(fs::last_write_time(copy() / "files" / "DCIM" / "photo.jpg"), time);
}

TEST_F(Backup, KeepsKnowingWhatIsWrongWithFilesThatTheCaseDoesNotHaveAnyMore)
{
    ASSERT_TRUE(test::is_ok(add()));
    put(copy() / "report.txt", "all is Well\n");
    const auto found = verify();
    ASSERT_TRUE(test::is_ok(found));
    ASSERT_EQ(found->mismatches.size(), 1U);
    fs::remove(the_folder() / "report.txt");
    const auto added = add();
    ASSERT_TRUE(test::is_ok(added));
    EXPECT_FALSE(added->is_sound()) << added->text;
    EXPECT_EQ(added->copies.front().mismatch_count, 1U);
    EXPECT_EQ(added->good_copies, 1U);
}

TEST_F(Backup, FindsTheCaseItselfWrongWhereOnlyItsBytesChanged)
{
    ASSERT_TRUE(test::is_ok(add()));
    const auto photo = the_folder() / "files" / "DCIM" / "photo.jpg";
    const auto time = fs::last_write_time(photo);
    put(photo, "a phoTo");
    fs::last_write_time(photo, time);
    const auto report = verify();
    ASSERT_TRUE(test::is_ok(report));
    ASSERT_EQ(report->mismatches.size(), 1U);
    EXPECT_EQ(report->mismatches.front().copy, the_case);
    EXPECT_EQ(report->mismatches.front().first_difference, ByteOffset{5});
    EXPECT_EQ(report->good_copies, 1U) << "the copy, and not the case";
    EXPECT_NE(report->mismatches.front().text.find(copy().string()), std::string::npos) << "who has it as it was";
}

TEST_F(Backup, SaysWhatItLookedAt)
{
    ASSERT_TRUE(test::is_ok(add()));
    const auto part = verify({.number = 1, .of = 3});
    ASSERT_TRUE(test::is_ok(part));
    EXPECT_NE(part->text.find("part 1 of 3 of the case and of 1 copy."), std::string::npos) << part->text;
    EXPECT_EQ(part->copies.front().parts_done, std::vector<std::uint32_t>{1});
    fs::rename(copy(), work_.path() / "unplugged");
    const auto none = verify();
    ASSERT_TRUE(test::is_ok(none));
    EXPECT_EQ(none->copies_read, 0U);
    EXPECT_NE(none->text.find("0 copies; 1 could not be looked at"), std::string::npos) << none->text;
}

TEST_F(Backup, CountsAFullCheckOnlyWhenEachPartWasDone)
{
    ASSERT_TRUE(test::is_ok(add()));
    const auto before = verify()->copies.front().checked;
    for (const std::uint32_t number : {1U, 1U, 2U, 2U}) {
        ASSERT_TRUE(test::is_ok(verify({.number = number, .of = 3})));
    }
    const auto status = backup_status(the_folder(), {});
    ASSERT_TRUE(test::is_ok(status));
    EXPECT_EQ(status->copies.front().checked, before);
    EXPECT_EQ(status->copies.front().parts, 3U) << "a round is under way";
}

TEST_F(Backup, LeavesNoRecordOfAFolderThatWasRefused)
{
    put(copy() / "letter.txt", "someone's own");
    EXPECT_TRUE(test::fails_with(add(), ErrorCode::already_exists));
    const auto status = backup_status(the_folder(), {});
    ASSERT_TRUE(test::is_ok(status));
    EXPECT_TRUE(status->copies.empty());
}

TEST_F(Backup, KeepsWhatWasNotSaidAnew)
{
    auto target = backup_target_of(copy().string());
    target.medium = "stick";
    target.place = "a drawer";
    ASSERT_TRUE(test::is_ok(add_backup({.case_folder = the_folder(), .target = target}, restic_, {})));
    const auto again = add();
    ASSERT_TRUE(test::is_ok(again));
    EXPECT_EQ(again->copies.front().target.medium, "stick");
    EXPECT_EQ(again->copies.front().target.place, "a drawer");
}

class BackupInRestic : public Backup {
protected:
    BackupInRestic()
    {
        restic_.answers["backup"] = {
            .exit_code = 0, .out = R"({"message_type":"summary","total_files_processed":4})", .complaint = {}};
    }
};

TEST_F(BackupInRestic, IsBadUntilAllOfItIsFoundRight)
{
    ASSERT_TRUE(test::is_ok(add("restic:/repository")));
    restic_.answers["check"] = {.exit_code = 1, .out = {}, .complaint = "pack 12 is damaged"};
    const auto bad = verify({.number = 1, .of = 2});
    ASSERT_TRUE(test::is_ok(bad));
    EXPECT_FALSE(bad->is_sound());
    restic_.answers["check"] = {};
    const auto other_part = verify({.number = 2, .of = 2});
    ASSERT_TRUE(test::is_ok(other_part));
    EXPECT_FALSE(other_part->is_sound()) << "the other part says nothing of the first";
    const auto all = verify();
    ASSERT_TRUE(test::is_ok(all));
    EXPECT_TRUE(all->is_sound());
}

TEST_F(BackupInRestic, IsNotCalledDamagedWhereItCannotBeOpened)
{
    ASSERT_TRUE(test::is_ok(add("restic:/repository")));
    restic_.answers["cat"] = {.exit_code = 1, .out = {}, .complaint = "wrong password"};
    const auto report = verify();
    ASSERT_TRUE(test::is_ok(report));
    EXPECT_TRUE(report->is_sound());
    EXPECT_EQ(report->copies_read, 0U);
    ASSERT_TRUE(report->copies.front().unreachable);
    EXPECT_NE(report->copies.front().unreachable->find("wrong password"), std::string::npos);
}

TEST_F(BackupInRestic, IsOlderThanWhatChangesWhileItIsMade)
{
    class Changing final : public CommandRunner {
    public:
        explicit Changing(fs::path file) : file_{std::move(file)} {}
        Result<CommandAnswer> run(const std::vector<std::string>& command, const RunContext& /*context*/) override
        {
            if (std::ranges::find(command, "backup") != command.end()) {
                put(file_, "written after restic read it");
                return CommandAnswer{.exit_code = 0, .out = R"({"message_type":"summary"})", .complaint = {}};
            }
            return CommandAnswer{};
        }

    private:
        fs::path file_;
    };
    Changing restic{the_folder() / "report.txt"};
    const auto report =
        add_backup({.case_folder = the_folder(), .target = backup_target_of("restic:/repository")}, restic, {});
    ASSERT_TRUE(test::is_ok(report));
    EXPECT_EQ(report->copies.front().changed, 1U);
}

} // namespace
} // namespace salvage::rescue
