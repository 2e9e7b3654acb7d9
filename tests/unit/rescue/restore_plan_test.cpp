// Restore plans: what is picked and why, and what is refused.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "restore_plan_support.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;
using test::fails_with;

TEST_F(RestorePlanTest, NeverTakesAFooterAloneForUserdata)
{
    // 16 KiB over the start of a phone's userdata would be the end of it.
    const test::TemporaryFolder folder;
    const auto dump = test::read_file(in_tail_->phone.dump);
    const auto footer = folder.write(
        "footer.bin", ByteView{dump}.subspan(static_cast<std::size_t>(in_tail_->phone.footer_at->value), 16384));
    const auto source =
        open_restore_source({.path = footer, .layout_files = {}, .footer_file = {}, .map_file = {}}).unwrap();
    const auto made = plan_restore(source, {}, {}, {});
    ASSERT_TRUE(fails_with(made, ErrorCode::invalid_argument));
    EXPECT_NE(made.error().what.find("footer"), std::string::npos) << made.error().what;
    const RestoreRequest insisting{.only = {"userdata"}, .also = {}, .accepted = {"footer-misplaced"}, .tool = {}};
    EXPECT_TRUE(fails_with(plan_restore(source, {}, insisting, {}), ErrorCode::invalid_argument));
}

TEST_F(RestorePlanTest, SaysThatAFileWithTheTableAloneHoldsNoPartitions)
{
    const test::TemporaryFolder folder;
    const auto dump = test::read_file(in_tail_->phone.dump);
    const auto table = folder.write("gpt.bin", ByteView{dump}.first(0x8000));
    const auto source =
        open_restore_source({.path = table, .layout_files = {}, .footer_file = {}, .map_file = {}}).unwrap();
    const auto made = plan_restore(source, {}, {}, {});
    ASSERT_TRUE(fails_with(made, ErrorCode::truncated));
    EXPECT_NE(made.error().what.find("userdata"), std::string::npos) << made.error().what;
    EXPECT_NE(made.error().hint.find("whole dump"), std::string::npos) << made.error().hint;
}

TEST_F(RestorePlanTest, WritesTheFooterInMetadataAfterUserdata)
{
    const auto made = plan(*in_metadata_);
    ASSERT_EQ(names_of(made), (Names{"userdata", "metadata"}));
    const auto& metadata = made.steps[1];
    EXPECT_NE(metadata.why.find("key footer"), std::string::npos);
    EXPECT_EQ(metadata.image.range.start(), ByteOffset{0x3BC8000});
    EXPECT_EQ(metadata.image.range.size(), ByteCount{0x2000000});
    EXPECT_EQ(metadata.image.path, in_metadata_->phone.dump.string());
    EXPECT_EQ(made.verdict, "needs-secret");
}

TEST_F(RestorePlanTest, NeedsNothingButUserdataWhereTheFooterIsAtItsEnd)
{
    const auto made = plan(*in_tail_);
    ASSERT_EQ(names_of(made), (Names{"userdata"}));
    EXPECT_NE(made.steps[0].why.find("last 16 KiB"), std::string::npos);
}

TEST_F(RestorePlanTest, PutsKeyPartitionsBackWhereOnlyTheChipCanUseTheKey)
{
    const auto made = plan(*hardware_);
    EXPECT_EQ(made.verdict, "needs-phone-key");
    ASSERT_EQ(names_of(made), (Names{"secro", "userdata", "metadata"}));
    EXPECT_NE(made.steps[1].why.find("this very phone"), std::string::npos);
    EXPECT_TRUE(
        std::ranges::any_of(made.notes, [](const auto& note) { return note.find("very phone") != std::string::npos; }));
}

TEST_F(RestorePlanTest, HashesTheBytesThatItNames)
{
    const auto made = plan(*in_metadata_);
    const auto& image = made.steps[1].image;
    const auto sum =
        test::run_command(fmt::format("tail -c +{} '{}' | head -c {} | sha256sum | cut -d' ' -f1",
                                      image.range.start().value + 1, image.path, image.range.size().value));
    ASSERT_TRUE(sum);
    EXPECT_EQ(image.sha256 + "\n", *sum);
}

TEST_F(RestorePlanTest, RefusesWhatMakesAPhoneThatPhone)
{
    const auto made = plan(*in_metadata_);
    for (const std::string_view name : {"proinfo", "nvram", "protect1", "protect2", "seccfg", "lk", "para"}) {
        const auto found = std::ranges::find(made.refused, name, &RefusedPartition::partition);
        ASSERT_NE(found, made.refused.end()) << name;
        EXPECT_FALSE(found->reason.empty());
        EXPECT_FALSE(found->source.empty());
    }
    EXPECT_EQ(std::ranges::find(made.refused, "userdata", &RefusedPartition::partition), made.refused.end());
}

TEST_F(RestorePlanTest, NeverWritesImeiOrLockStateEvenWhereAskedTo)
{
    for (const std::string name : {"nvram", "proinfo", "protect1", "seccfg", "NVRAM"}) {
        EXPECT_TRUE(fails_with(
            plan_restore(source_of(*in_metadata_), {}, {.only = {}, .also = {name}, .accepted = {}, .tool = {}}, {}),
            ErrorCode::refused))
            << name;
        EXPECT_TRUE(fails_with(
            plan_restore(source_of(*in_metadata_), {}, {.only = {name}, .also = {}, .accepted = {}, .tool = {}}, {}),
            ErrorCode::refused))
            << name;
    }
}

TEST_F(RestorePlanTest, WritesTheBootloaderOnlyWhereItIsAskedFor)
{
    const auto made = plan(*in_metadata_, {}, {.only = {}, .also = {"lk", "system"}, .accepted = {}, .tool = {}});
    EXPECT_EQ(names_of(made), (Names{"lk", "system", "userdata", "metadata"}));
    EXPECT_EQ(std::ranges::find(made.refused, "lk", &RefusedPartition::partition), made.refused.end());
    const auto only = plan(*in_metadata_, {}, {.only = {"lk"}, .also = {}, .accepted = {}, .tool = {}});
    EXPECT_TRUE(only.steps.empty());
    ASSERT_NE(only.blocker(), nullptr);
    EXPECT_EQ(only.blocker()->code, "nothing-to-write");
}

TEST_F(RestorePlanTest, TakesOnlyWhatIsNamed)
{
    const auto made = plan(*in_metadata_, {}, {.only = {"metadata"}, .also = {}, .accepted = {}, .tool = {}});
    EXPECT_EQ(names_of(made), (Names{"metadata"}));
    EXPECT_TRUE(fails_with(plan_restore(source_of(*in_metadata_), {},
                                        {.only = {"frobnicate"}, .also = {}, .accepted = {}, .tool = {}}, {}),
                           ErrorCode::not_found));
}

TEST_F(RestorePlanTest, NamesWhatTheBackupSetLacks)
{
    const auto made = plan(*in_metadata_);
    // The sample has boot1.bin beside its dump, and no boot2.
    EXPECT_EQ(finding(made.missing, "backup-lacks-boot1"), nullptr);
    ASSERT_NE(finding(made.missing, "backup-lacks-boot2"), nullptr);
    EXPECT_EQ(finding(made.missing, "backup-lacks-boot2")->severity, Severity::warning);
    EXPECT_EQ(finding(made.missing, "backup-lacks-table"), nullptr);
    EXPECT_NE(finding(made.missing, "backup-lacks-rpmb"), nullptr);
    EXPECT_EQ(made.blocker(), nullptr);
}

TEST_F(RestorePlanTest, KnowsTheBootRegionsThatAReadPutBesideTheDump)
{
    const auto built = build([](SamplePhoneSpec& /*spec*/) {});
    fs::remove(built->phone.boot1);
    std::ofstream{built->phone.dump.string() + ".boot2"} << "EMMC_BOOT";
    const auto made = plan(*built);
    EXPECT_NE(finding(made.missing, "backup-lacks-boot1"), nullptr);
    EXPECT_EQ(finding(made.missing, "backup-lacks-boot2"), nullptr);
}

TEST_F(RestorePlanTest, StopsWhereTheFooterIsNotInTheBackup)
{
    const auto built = build([](SamplePhoneSpec& spec) { spec.footer.place = SampleFooter::Place::none; });
    const auto made = plan(*built);
    ASSERT_NE(made.blocker(), nullptr);
    EXPECT_EQ(made.blocker()->code, "backup-lacks-footer");
    const auto accepted = plan(*built, {}, {.only = {}, .also = {}, .accepted = {"backup-lacks-footer"}, .tool = {}});
    EXPECT_EQ(accepted.blocker(), nullptr);
}

TEST_F(RestorePlanTest, StopsWhereTheDumpEndsInsideUserdata)
{
    const auto built = build([](SamplePhoneSpec& spec) { spec.damage.is_cut_inside_userdata = true; });
    const auto made = plan(*built);
    ASSERT_NE(finding(made.missing, "part-cut"), nullptr);
    EXPECT_NE(made.blocker(), nullptr);
}

TEST_F(RestorePlanTest, CountsWhatTheOldPhoneCouldNotGive)
{
    const auto built = build([](SamplePhoneSpec& /*spec*/) {});
    const auto at = built->phone.userdata_at.value + (8U << 20U);
    std::ofstream{built->phone.dump.string() + ".map"}
        << fmt::format("# Mapfile\n0x0 + 1\n0x0 {0:#x} +\n{0:#x} 0x400 -\n{1:#x} {2:#x} +\n", at, at + 0x400,
                       built->phone.device_size.value - at - 0x400);
    const auto made = plan(*built);
    const auto* const found = finding(made.missing, "part-unreadable");
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->numbers.front().second, 0x400U);
    EXPECT_EQ(found->where.partition, "userdata");
    EXPECT_EQ(made.blocker(), nullptr);
}

} // namespace
} // namespace salvage::rescue
