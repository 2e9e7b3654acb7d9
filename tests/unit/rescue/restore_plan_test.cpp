// Restore plans: what is picked and why, what is refused, every conflict, and the plan as a document.
#include <algorithm>
#include <fstream>
#include <functional>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "salvage/rescue/restore.hpp"
#include "salvage/rescue/sample_phone.hpp"
#include "salvage/rescue/split.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;
using test::fails_with;
using test::is_ok;

struct Built {
    test::TemporaryFolder folder;
    SamplePhone phone;
};

/// A phone whose scrypt takes milliseconds.
std::unique_ptr<Built> build(const std::function<void(SamplePhoneSpec&)>& change)
{
    SamplePhoneSpec spec;
    spec.userdata_size = ByteCount{24U << 20U};
    spec.footer.n_log2 = 10;
    spec.content.photos = 1;
    change(spec);
    auto out = std::make_unique<Built>();
    out->phone = build_sample_phone(spec, out->folder.path(), {}).unwrap();
    return out;
}

/// The phones of the suite, each made once.
class RestorePlanTest : public ::testing::Test {
protected:
    static void SetUpTestSuite()
    {
        in_metadata_ = build([](SamplePhoneSpec& /*spec*/) {});
        in_tail_ = build([](SamplePhoneSpec& spec) { spec.footer.place = SampleFooter::Place::userdata_tail; });
        hardware_ = build([](SamplePhoneSpec& spec) {
            spec.footer.kdf = 5;
            spec.footer.keymaster = SampleFooter::Keymaster::opaque;
        });
    }
    static void TearDownTestSuite()
    {
        in_metadata_.reset();
        in_tail_.reset();
        hardware_.reset();
    }

    static RestoreSource source_of(const Built& built)
    {
        return open_restore_source({.path = built.phone.dump, .layout_files = {}, .footer_file = {}, .map_file = {}})
            .unwrap();
    }

    /// What the phone's own GPT says: here the same as the dump's.
    static KnownPhone phone_by_gpt(const Built& built) { return know_phone_by_files({built.phone.dump}).unwrap(); }

    static RestorePlan plan(const Built& built, const KnownPhone& phone = {}, const RestoreRequest& request = {})
    {
        auto out = plan_restore(source_of(built), phone, request, {});
        EXPECT_TRUE(is_ok(out));
        return out.has_value() ? *std::move(out) : RestorePlan{};
    }

    static std::vector<std::string> names_of(const RestorePlan& plan)
    {
        std::vector<std::string> out;
        for (const auto& step : plan.steps) {
            out.push_back(step.partition);
        }
        return out;
    }

    static const Finding* finding(const std::vector<Finding>& findings, std::string_view code)
    {
        const auto found = std::ranges::find(findings, code, &Finding::code);
        return found != findings.end() ? &*found : nullptr;
    }

    static std::unique_ptr<Built> in_metadata_;
    static std::unique_ptr<Built> in_tail_;
    static std::unique_ptr<Built> hardware_;
};

std::unique_ptr<Built> RestorePlanTest::in_metadata_;
std::unique_ptr<Built> RestorePlanTest::in_tail_;
std::unique_ptr<Built> RestorePlanTest::hardware_;

using Names = std::vector<std::string>;

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

// ---- conflicts
// -------------------------------------------------------------------------------------------------------

KnownPhone talking(std::vector<std::pair<std::string, std::string>> variables)
{
    KnownPhone out;
    out.variables = std::move(variables);
    return out;
}

TEST_F(RestorePlanTest, SaysThatALockedBootloaderHasToBeReadBeforeItIsUnlocked)
{
    const auto made = plan(*in_metadata_, talking({{"unlocked", "no"}, {"max-download-size", "0x8000000"}}));
    ASSERT_NE(made.blocker(), nullptr);
    EXPECT_EQ(made.blocker()->code, "bootloader-locked");
    const auto position = [&](std::string_view words) {
        return std::ranges::find_if(made.notes,
                                    [&](const auto& note) { return note.find(words) != std::string::npos; }) -
               made.notes.begin();
    };
    EXPECT_LT(position("Read the whole phone first"), position("Unlock ("));
    EXPECT_LT(position("Unlock ("), position("Apply the plan"));
    EXPECT_LT(position("Apply the plan"), position("compare"));
    EXPECT_LT(position("compare"), static_cast<std::ptrdiff_t>(made.notes.size()));
}

TEST_F(RestorePlanTest, WritesByTheAgentWhereTheBootloaderIsLocked)
{
    auto phone = phone_by_gpt(*in_metadata_);
    phone.variables = {{"unlocked", "no"}};
    const auto made = plan(*in_metadata_, phone);
    EXPECT_EQ(made.steps.front().tool, RestoreTool::da_write);
    EXPECT_EQ(made.steps.front().start, in_metadata_->phone.userdata_at);
    EXPECT_EQ(made.blocker(), nullptr);
}

TEST_F(RestorePlanTest, DoesNotTrustTheCappedSizeOfUserdata)
{
    const auto made = plan(*in_metadata_, talking({{"unlocked", "yes"},
                                                   {"max-download-size", "134217728"},
                                                   {"partition-size:userdata", "31f00000"},
                                                   {"partition-size:metadata", "2000000"}}));
    ASSERT_NE(finding(made.conflicts, "size-not-trusted"), nullptr);
    EXPECT_FALSE(made.steps[0].phone_size);
    EXPECT_EQ(made.steps[1].phone_size, ByteCount{0x2000000});
    EXPECT_EQ(made.phone.max_download, ByteCount{134217728});
    EXPECT_EQ(made.blocker(), nullptr);
}

TEST_F(RestorePlanTest, RefusesAnImageThatIsLargerThanItsPlace)
{
    const auto phone = talking({{"unlocked", "yes"}, {"partition-size:metadata", "1000000"}});
    const RestoreRequest request{.only = {}, .also = {}, .accepted = {"image-larger-than-partition"}, .tool = {}};
    const auto made = plan(*in_metadata_, phone, request);
    ASSERT_NE(made.blocker(), nullptr) << "accepting it must not make it possible";
    EXPECT_EQ(made.blocker()->code, "image-larger-than-partition");
}

TEST_F(RestorePlanTest, RefusesALargerUserdataWhereTheFooterCountsFromItsEnd)
{
    auto phone = phone_by_gpt(*in_tail_);
    for (auto& partition : phone.layout->partitions) {
        if (partition.name == "userdata") {
            partition.size = partition.size + ByteCount{1U << 20U};
        }
    }
    const auto made = plan(*in_tail_, phone);
    ASSERT_NE(made.blocker(), nullptr);
    EXPECT_EQ(made.blocker()->code, "size-differs");
    EXPECT_NE(made.blocker()->text.find("partition's end"), std::string::npos);
}

TEST_F(RestorePlanTest, SaysThatAPartitionIsNotOnThePhone)
{
    auto phone = phone_by_gpt(*in_metadata_);
    std::erase_if(phone.layout->partitions, [](const auto& partition) { return partition.name == "metadata"; });
    const auto made = plan(*in_metadata_, phone);
    ASSERT_NE(made.blocker(), nullptr);
    EXPECT_EQ(made.blocker()->code, "partition-absent");
}

TEST_F(RestorePlanTest, DoesNotLetTheAgentWriteWhereThePhonesTableIsUnknown)
{
    const RestoreRequest request{.only = {}, .also = {}, .accepted = {}, .tool = RestoreTool::da_write};
    const auto made = plan(*in_metadata_, {}, request);
    ASSERT_NE(made.blocker(), nullptr);
    EXPECT_EQ(made.blocker()->code, "phone-layout-unknown");
}

TEST_F(RestorePlanTest, SendsWhatTheFlashToolHidesByFastboot)
{
    const auto phone = know_phone_by_files({in_metadata_->phone.scatter}).unwrap();
    const auto made = plan(*in_metadata_, phone);
    ASSERT_EQ(names_of(made), (Names{"userdata", "metadata"}));
    EXPECT_EQ(made.steps[0].tool, RestoreTool::flash_tool);
    EXPECT_EQ(made.steps[1].tool, RestoreTool::fastboot);
    EXPECT_FALSE(made.steps[0].phone_size) << "3 GiB in a scatter file are a placeholder";
    const RestoreRequest request{.only = {}, .also = {}, .accepted = {}, .tool = RestoreTool::flash_tool};
    const auto forced = plan(*in_metadata_, phone, request);
    ASSERT_NE(forced.blocker(), nullptr);
    EXPECT_EQ(forced.blocker()->code, "invisible-to-flash-tool");
}

TEST_F(RestorePlanTest, SaysThatABootImageWithoutItsMagicIsRefused)
{
    const auto built = build([](SamplePhoneSpec& /*spec*/) {});
    const RestoreRequest request{.only = {"recovery", "boot"}, .also = {}, .accepted = {}, .tool = {}};
    const auto put = [&](std::uint64_t at, std::string_view text) {
        std::fstream file{built->phone.dump, std::ios::in | std::ios::out | std::ios::binary};
        file.seekp(static_cast<std::streamoff>(at)).write(text.data(), static_cast<std::streamsize>(text.size()));
    };
    put(0x1D80000, "ANDROID!");
    put(0x2D80000, "ANDROID?");
    const auto made = plan(*built, talking({{"unlocked", "yes"}}), request);
    ASSERT_NE(finding(made.conflicts, "no-android-magic"), nullptr);
    EXPECT_EQ(finding(made.conflicts, "no-android-magic")->where.partition, "recovery");
    put(0x2D80000, "ANDROID!");
    EXPECT_EQ(finding(plan(*built, talking({{"unlocked", "yes"}}), request).conflicts, "no-android-magic"), nullptr);
}

TEST_F(RestorePlanTest, ComparesFirmwareOnlyWhereBothAreKnown)
{
    auto phone = phone_by_gpt(*in_metadata_);
    const auto unknown = plan(*in_metadata_, phone);
    EXPECT_FALSE(unknown.firmware) << "the sample's build.prop has no fingerprint";
    phone.firmware = "OUKITEL/K10000_Pro/K10000_Pro:7.0/NRD90M/1:user/release-keys";
    EXPECT_EQ(finding(plan(*in_metadata_, phone).conflicts, "firmware-differs"), nullptr);

    // The same phone, with a fingerprint put into its system by e2fsprogs.
    const auto built = build([](SamplePhoneSpec& /*spec*/) {});
    const auto system = built->folder.path() / "system.img";
    const auto prop = built->folder.write("build.prop", as_bytes("ro.x=1\nro.build.fingerprint=other/fp\r\n"));
    ASSERT_TRUE(
        test::run_command(fmt::format("cd '{0}' && dd if=phone.img of=system.img bs=1M skip=96 count=16 2>/dev/null && "
                                      "debugfs -w -R 'rm /build.prop' system.img 2>/dev/null && "
                                      "debugfs -w -R 'write build.prop /build.prop' system.img 2>/dev/null && "
                                      "dd if=system.img of=phone.img bs=1M seek=96 conv=notrunc 2>/dev/null",
                                      built->folder.path().string())));
    const auto made = plan(*built, phone);
    EXPECT_EQ(made.firmware, "other/fp");
    ASSERT_NE(made.blocker(), nullptr);
    EXPECT_EQ(made.blocker()->code, "firmware-differs");
    const auto with_system = plan(*built, phone, {.only = {}, .also = {"system"}, .accepted = {}, .tool = {}});
    EXPECT_EQ(with_system.blocker(), nullptr) << "it brings its own";
    phone.firmware = "other/fp";
    EXPECT_EQ(finding(plan(*built, phone).conflicts, "firmware-differs"), nullptr);
}

TEST_F(RestorePlanTest, WarnsOfTailsThatSparseBlocksDoNotFit)
{
    auto source = source_of(*in_metadata_);
    const auto plan_with = [&](std::uint64_t size, const std::string& max_download, RestoreTool tool) {
        for (auto& partition : source.dump.layout.partitions) {
            partition.size = partition.name == "metadata" ? ByteCount{size} : partition.size;
        }
        const RestoreRequest request{.only = {"metadata"}, .also = {}, .accepted = {}, .tool = tool};
        return plan_restore(source, talking({{"unlocked", "yes"}, {"max-download-size", max_download}}), request, {})
            .unwrap();
    };
    const auto odd = plan_with(0x2000000 - 3584, "0x100000", RestoreTool::fastboot);
    ASSERT_NE(finding(odd.conflicts, "odd-tail"), nullptr);
    EXPECT_EQ(odd.blocker(), nullptr);
    EXPECT_EQ(finding(plan_with(0x2000000 - 3584, "0x8000000", RestoreTool::fastboot).conflicts, "odd-tail"), nullptr)
        << "it goes over raw";
    const auto impossible = plan_with(0x2000000 - 1, "0x100000", RestoreTool::fastboot);
    ASSERT_NE(impossible.blocker(), nullptr);
    EXPECT_EQ(impossible.blocker()->code, "size-is-odd");
    EXPECT_EQ(plan_with(0x2000000 - 1, "0x8000000", RestoreTool::fastboot).blocker(), nullptr);
    EXPECT_NE(finding(plan_with(0x2000000 - 1, "0x8000000", RestoreTool::da_write).conflicts, "size-is-odd"), nullptr)
        << "a flash is written in sectors";
}

TEST_F(RestorePlanTest, DoesNotTakeAFooterFromAnotherFileForOneInTheDump)
{
    const auto built = build([](SamplePhoneSpec& spec) { spec.footer.place = SampleFooter::Place::none; });
    const auto bytes = test::read_file(in_metadata_->phone.dump);
    const auto footer = built->folder.write("metadata.img", ByteView{bytes}.subspan(0x3BC8000, 0x4000));
    const auto source =
        open_restore_source({.path = built->phone.dump, .layout_files = {}, .footer_file = footer, .map_file = {}});
    ASSERT_TRUE(is_ok(source));
    const auto made = plan_restore(*source, {}, {}, {});
    ASSERT_TRUE(is_ok(made));
    ASSERT_NE(made->blocker(), nullptr);
    EXPECT_EQ(made->blocker()->code, "footer-in-other-file");
}

TEST_F(RestorePlanTest, TellsFastbootVariablesInEverySpelling)
{
    const auto known = talking(parse_variables("(bootloader) \tmax-download-size: 0x8000000\r\n(bootloader) product: "
                                               "K10000_PRO\nunlocked:yes\npartition-size:metadata: 2000000\n"
                                               "serialno: \nall: Done!!\nfinished. total time: 0.003s\n"));
    const auto facts = known.facts();
    EXPECT_EQ(facts.product, "K10000_PRO");
    EXPECT_EQ(facts.serial, std::nullopt);
    EXPECT_EQ(facts.is_unlocked, true);
    EXPECT_EQ(facts.max_download, ByteCount{0x8000000});
    ASSERT_TRUE(known.find("metadata"));
    EXPECT_EQ(known.find("metadata")->size, ByteCount{0x2000000});
    EXPECT_FALSE(known.find("system"));
}

TEST_F(RestorePlanTest, TellsTheTwoSlotsOfAPartitionApart)
{
    auto source = source_of(*in_metadata_);
    for (auto& partition : source.dump.layout.partitions) {
        partition.name = partition.name == "system"  ? "system_a"
                         : partition.name == "cache" ? "system_b"
                                                     : partition.name;
        partition.name = partition.name == "proinfo" ? "nvram_b" : partition.name;
    }
    const auto both =
        plan_restore(source, {}, {.only = {"system_a", "system_b"}, .also = {}, .accepted = {}, .tool = {}}, {});
    ASSERT_TRUE(is_ok(both));
    EXPECT_EQ(names_of(*both), (Names{"system_a", "system_b"}));
    const auto one = plan_restore(source, {}, {.only = {"system_b"}, .also = {}, .accepted = {}, .tool = {}}, {});
    ASSERT_TRUE(is_ok(one));
    EXPECT_EQ(names_of(*one), (Names{"system_b"}));
    EXPECT_TRUE(fails_with(plan_restore(source, {}, {.only = {"nvram_b"}, .also = {}, .accepted = {}, .tool = {}}, {}),
                           ErrorCode::refused));
}

TEST_F(RestorePlanTest, TakesABareImageForUserdata)
{
    const auto bytes = test::read_file(in_tail_->phone.dump);
    test::TemporaryFolder folder;
    const auto image =
        folder.write("userdata.img", ByteView{bytes}.subspan(in_tail_->phone.userdata_at.value, 24U << 20U));
    const auto source = open_restore_source({.path = image, .layout_files = {}, .footer_file = {}, .map_file = {}});
    ASSERT_TRUE(is_ok(source));
    const auto made = plan_restore(*source, {}, {}, {});
    ASSERT_TRUE(is_ok(made));
    ASSERT_EQ(names_of(*made), (Names{"userdata"}));
    EXPECT_EQ(made->steps[0].image.range, ByteRange::first(ByteCount{24U << 20U}));
    EXPECT_NE(finding(made->missing, "backup-lacks-table"), nullptr);
    EXPECT_NE(finding(made->missing, "backup-lacks-boot1"), nullptr);
}

TEST_F(RestorePlanTest, KnowsOldSpellingsOfNames)
{
    const auto built = build([](SamplePhoneSpec& spec) {
        spec.era = SamplePhoneSpec::Era::mbr;
        spec.footer.place = SampleFooter::Place::userdata_tail;
    });
    const auto source = open_restore_source(
        {.path = built->phone.dump, .layout_files = {built->phone.scatter}, .footer_file = {}, .map_file = {}});
    ASSERT_TRUE(is_ok(source));
    const auto made = plan_restore(*source, {}, {.only = {}, .also = {"uboot"}, .accepted = {}, .tool = {}}, {});
    ASSERT_TRUE(is_ok(made));
    EXPECT_EQ(names_of(*made), (Names{"UBOOT", "USRDATA"}));
    for (const std::string_view name : {"PRO_INFO", "NVRAM", "PROTECT_F", "SECCFG", "MBR"}) {
        EXPECT_NE(std::ranges::find(made->refused, name, &RefusedPartition::partition), made->refused.end()) << name;
    }
    EXPECT_TRUE(fails_with(plan_restore(*source, {}, {.only = {}, .also = {"proinfo"}, .accepted = {}, .tool = {}}, {}),
                           ErrorCode::refused));
}

// ---- parts, scatter
// --------------------------------------------------------------------------------------------------

TEST_F(RestorePlanTest, MakesTheSamePlanFromTheFolderOfASplit)
{
    const auto source = source_of(*in_metadata_);
    test::TemporaryFolder folder;
    const auto out = folder.path() / "parts";
    ASSERT_TRUE(is_ok(split(source.dump.source, source.dump.layout, out, {.source_identity = "x", .only = {}}, {})));
    const auto parts = open_restore_source({.path = out, .layout_files = {}, .footer_file = {}, .map_file = {}});
    ASSERT_TRUE(is_ok(parts));
    const auto from_parts = plan_restore(*parts, {}, {}, {});
    ASSERT_TRUE(is_ok(from_parts));
    const auto from_dump = plan(*in_metadata_);
    ASSERT_EQ(names_of(*from_parts), names_of(from_dump));
    for (std::size_t i = 0; i < from_dump.steps.size(); ++i) {
        EXPECT_EQ(from_parts->steps[i].image.sha256, from_dump.steps[i].image.sha256);
        EXPECT_EQ(from_parts->steps[i].image.range.start(), ByteOffset{0});
        EXPECT_EQ(from_parts->steps[i].why, from_dump.steps[i].why);
    }
    EXPECT_EQ(from_parts->verdict, from_dump.verdict);
}

TEST_F(RestorePlanTest, WritesAScatterFileThatDownloadsThePlanAndNothingElse)
{
    const auto phone = know_phone_by_files({in_metadata_->phone.scatter}).unwrap();
    const auto made = plan(*in_metadata_, phone, {.only = {}, .also = {"system"}, .accepted = {}, .tool = {}});
    const auto bytes = test::read_file(in_metadata_->phone.scatter);
    const std::string before{as_text(bytes)};
    const auto after = make_restore_scatter(made, before);
    ASSERT_TRUE(is_ok(after));
    std::istringstream old_lines{before};
    std::istringstream new_lines{*after};
    std::string old_line;
    std::string new_line;
    std::string name;
    Names downloaded;
    while (std::getline(old_lines, old_line)) {
        ASSERT_TRUE(std::getline(new_lines, new_line));
        if (old_line.starts_with("  partition_name: ")) {
            name = old_line.substr(18);
        }
        if (new_line == "  is_download: true") {
            downloaded.push_back(name);
        }
        const bool may_change = old_line.starts_with("  is_download:") || old_line.starts_with("  file_name:");
        EXPECT_TRUE(may_change || old_line == new_line) << old_line << " became " << new_line;
    }
    EXPECT_FALSE(std::getline(new_lines, new_line));
    EXPECT_EQ(downloaded, (Names{"system", "userdata"}));
    EXPECT_NE(after->find("file_name: userdata.img"), std::string::npos);
    EXPECT_TRUE(fails_with(make_restore_scatter(made, "<root/>"), ErrorCode::unsupported));
    EXPECT_TRUE(fails_with(make_restore_scatter(plan(*in_metadata_), before), ErrorCode::not_found));
}

// ---- the document
// ----------------------------------------------------------------------------------------------------

TEST_F(RestorePlanTest, ComesBackFromItsDocument)
{
    const auto made = plan(*hardware_, talking({{"unlocked", "yes"}, {"serialno", "0123"}, {"product", "K10"}}),
                           {.only = {}, .also = {"para", "lk"}, .accepted = {}, .tool = {}});
    const auto text = format_plan(made);
    const auto again = parse_plan(as_bytes(text));
    ASSERT_TRUE(is_ok(again));
    EXPECT_EQ(format_plan(*again), text);
    EXPECT_EQ(hash_of(*again), hash_of(made));
    EXPECT_EQ(again->steps, made.steps);
    EXPECT_EQ(again->phone, made.phone);
    EXPECT_NE(text.find(hash_of(made)), std::string::npos);
}

TEST_F(RestorePlanTest, HasAnotherHashWhereAnyFieldIsAnother)
{
    const auto made = plan(*in_metadata_, talking({{"unlocked", "yes"}, {"max-download-size", "0x100000"}}));
    const std::vector<std::function<void(RestorePlan&)>> changes{
        [](auto& p) { p.source += "x"; },
        [](auto& p) { p.verdict = "open"; },
        [](auto& p) { p.verdict_text += "x"; },
        [](auto& p) { p.phone.product = "other"; },
        [](auto& p) { p.phone.serial = "other"; },
        [](auto& p) { p.phone.is_unlocked = false; },
        [](auto& p) { p.phone.max_download = ByteCount{1}; },
        [](auto& p) { p.known_from.emplace_back("x"); },
        [](auto& p) { p.firmware = "x"; },
        [](auto& p) { p.phone_firmware = "x"; },
        [](auto& p) { p.missing.pop_back(); },
        [](auto& p) { p.missing.front().text += "x"; },
        [](auto& p) { p.missing.front().severity = Severity::error; },
        [](auto& p) { p.steps.pop_back(); },
        [](auto& p) { std::swap(p.steps[0], p.steps[1]); },
        [](auto& p) { p.steps[0].partition = "cache"; },
        [](auto& p) { p.steps[0].tool = RestoreTool::da_write; },
        [](auto& p) { p.steps[0].image.path += "x"; },
        [](auto& p) { p.steps[0].image.range = ByteRange::first(ByteCount{1}); },
        [](auto& p) { p.steps[0].image.sha256[0] = p.steps[0].image.sha256[0] == '0' ? '1' : '0'; },
        [](auto& p) { p.steps[0].region = "gp1"; },
        [](auto& p) { p.steps[0].start = ByteOffset{1}; },
        [](auto& p) { p.steps[0].phone_size = ByteCount{1}; },
        [](auto& p) { p.steps[0].why += "x"; },
        [](auto& p) { p.steps[0].bytes_a_second = ByteCount{1}; },
        [](auto& p) { p.refused.pop_back(); },
        [](auto& p) { p.refused.front().can_be_asked_for = !p.refused.front().can_be_asked_for; },
        [](auto& p) { p.conflicts.push_back({}); },
        [](auto& p) { p.notes.pop_back(); },
        [](auto& p) { p.also.emplace_back("lk"); },
    };
    std::vector<std::string> hashes{hash_of(made)};
    for (std::size_t i = 0; i < changes.size(); ++i) {
        auto changed = made;
        changes[i](changed);
        const auto hash = hash_of(changed);
        EXPECT_EQ(std::ranges::find(hashes, hash), hashes.end()) << "change " << i;
        hashes.push_back(hash);
    }
}

TEST_F(RestorePlanTest, TakesNoEditedDocument)
{
    const auto text = format_plan(plan(*in_tail_));
    const auto edited = [&](std::string_view from, std::string_view to) {
        auto out = text;
        const auto at = out.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return out.replace(at, from.size(), to);
    };
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {"\"tool\": \"fastboot\"", "\"tool\": \"da-write\""},
             {"\"region\": \"user\"", "\"region\": \"boot1\""},
             {"\"seconds\": ", "\"seconds\": 1"},
             {"\"can_be_applied\": true", "\"can_be_applied\": false"},
             {"\"partition\": \"userdata\"", "\"partition\": \"cache\""},
             {"\"notes\":", "\"extra\": 1, \"notes\":"},
             {"\"schema\"", "\"schemata\""},
             {"\"missing\": [", "\"missing\": [[[[[[[[]]]]]]]], \"x\": ["}}) {
        const auto changed = edited(from, to);
        EXPECT_TRUE(!parse_plan(as_bytes(changed)).has_value()) << from;
    }
    for (std::size_t length = 0; length < text.size(); length += 1 + (text.size() / 300)) {
        EXPECT_FALSE(parse_plan(as_bytes(std::string_view{text}.substr(0, length))).has_value()) << length;
    }
    EXPECT_FALSE(parse_plan(as_bytes(std::string(100'000, '['))).has_value());
}

TEST_F(RestorePlanTest, TakesNoDocumentThatWritesWhatIsNeverWritten)
{
    // Someone who knows the format can make a plan with the right hash: the rules still hold.
    auto made = plan(*in_tail_);
    for (const std::string name : {"nvram", "preloader", "seccfg", "__NODL_PRO_INFO", "nvram_a", "lk"}) {
        made.steps[0].partition = name;
        EXPECT_TRUE(fails_with(parse_plan(as_bytes(format_plan(made))), ErrorCode::refused)) << name;
    }
    made.steps[0].partition = "userdata";
    made.steps[0].region = "boot1";
    EXPECT_TRUE(fails_with(parse_plan(as_bytes(format_plan(made))), ErrorCode::refused));
    made.steps[0].region = "user";
    made.steps.push_back(made.steps[0]);
    EXPECT_TRUE(fails_with(parse_plan(as_bytes(format_plan(made))), ErrorCode::malformed));
}

} // namespace
} // namespace salvage::rescue
