// Restore plans: every conflict between a backup and the phone that it is for.
#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "restore_plan_support.hpp"

namespace salvage::rescue {
namespace {

using test::fails_with;
using test::is_ok;

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

} // namespace
} // namespace salvage::rescue
