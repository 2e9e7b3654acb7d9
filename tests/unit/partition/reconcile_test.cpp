// Several tables as one layout, and asking it.
#include <gtest/gtest.h>

#include "partition_support.hpp"

namespace salvage::partition {
namespace {

using namespace testing;
using test::fails_with;
using test::is_ok;

constexpr std::uint64_t flash = 128ULL << 20U;

Table gpt()
{
    return table_of(test::sample("gpt/mt6750-primary.bin"));
}

Table scatter()
{
    return table_of(test::sample("scatter/MT6750_Android_scatter.txt"));
}

Table moved(Table table, std::string_view name, std::uint64_t start, std::uint64_t size)
{
    const auto found = std::ranges::find(table.partitions, name, &Partition::name);
    found->start = ByteOffset{start};
    found->size = ByteCount{size};
    return table;
}

TEST(Reconcile, NamesThePlaceholderOfUserdata)
{
    const auto layout = reconcile({gpt(), scatter()}, ByteCount{flash});
    EXPECT_EQ(warnings_of(layout.findings), (std::set<std::string>{"scatter-userdata-placeholder"}));
    const auto* const finding = find_code(layout.findings, "scatter-userdata-placeholder");
    EXPECT_EQ(number(finding, "scatter_size"), std::optional<std::uint64_t>{0xC0000000});
    EXPECT_EQ(number(finding, "gpt_size"), std::optional<std::uint64_t>{0xFFBE00});
    EXPECT_EQ(layout.find("userdata")->size.value, 0xFFBE00U);
}

TEST(Reconcile, ComputesReservedStartsFromTheEndOfTheFlash)
{
    const auto layout = reconcile({gpt(), scatter()}, std::nullopt);
    const auto* const sgpt = layout.find("sgpt");
    ASSERT_NE(sgpt, nullptr);
    EXPECT_EQ(sgpt->start.value, flash - 0x4200);
    EXPECT_EQ(layout.find("flashinfo")->start.value, flash - 0x1004200); // GPT and rule agree
    EXPECT_EQ(count_code(layout.findings, "reserved-start-computed"), 2U);
}

TEST(Reconcile, ComputesTheEndOfUserdataWithoutAGpt)
{
    const auto layout = reconcile({scatter()}, ByteCount{flash});
    EXPECT_EQ(layout.find("userdata")->size.value, 0xFFBE00U);
    const auto* const finding = find_code(layout.findings, "scatter-userdata-placeholder");
    EXPECT_EQ(number(finding, "computed_size"), std::optional<std::uint64_t>{0xFFBE00});
    EXPECT_FALSE(layout.device_size.has_value());
}

TEST(Reconcile, TrustsNoScatterSizeThatNothingConfirms)
{
    const auto layout = reconcile({scatter()}, std::nullopt);
    EXPECT_NE(find_code(layout.findings, "userdata-size-unchecked"), nullptr);
    EXPECT_EQ(count_code(layout.findings, "reserved-start-unknown"), 2U);
    EXPECT_FALSE(layout.find("sgpt")->is_start_known);
}

TEST(Reconcile, NamesEveryConflictWithBothValues)
{
    auto other = moved(moved(scatter(), "boot", 0x900000, 0xA00000), "system", 0x5C00000, 0x300000);
    other.partitions.push_back({.name = "extra_one",
                                .start = ByteOffset{0x1300000},
                                .size = ByteCount{0x1000},
                                .source = "scatter-yaml",
                                .filesystem = {},
                                .attributes = {}});
    std::erase_if(other.partitions, [](const Partition& partition) { return partition.name == "nvram"; });
    const auto layout = reconcile({gpt(), other}, ByteCount{flash});
    EXPECT_EQ(warnings_of(layout.findings),
              (std::set<std::string>{"scatter-userdata-placeholder", "scatter-gpt-start-differs",
                                     "scatter-gpt-size-differs", "only-in-gpt", "only-in-scatter"}));
    const auto* const start = find_code(layout.findings, "scatter-gpt-start-differs");
    EXPECT_EQ(start->where.partition, "boot");
    EXPECT_EQ(number(start, "scatter_start"), std::optional<std::uint64_t>{0x900000});
    EXPECT_EQ(number(start, "gpt_start"), std::optional<std::uint64_t>{0x808000});
    EXPECT_EQ(layout.find("boot")->start.value, 0x808000U);
    EXPECT_EQ(find_code(layout.findings, "only-in-gpt")->where.partition, "nvram");
    EXPECT_NE(layout.find("extra_one"), nullptr);
}

TEST(Reconcile, LeavesOutWhatAnotherPhonesScatterNames)
{
    auto other = scatter();
    for (auto& partition : other.partitions) {
        partition.start = partition.start + ByteCount{0x100000};
    }
    other.partitions.push_back({.name = "stranger",
                                .start = ByteOffset{0x10000},
                                .size = ByteCount{0x1000},
                                .source = "scatter-yaml",
                                .filesystem = {},
                                .attributes = {}});
    const auto layout = reconcile({gpt(), other}, std::nullopt);
    EXPECT_NE(find_code(layout.findings, "scatter-of-another-phone"), nullptr);
    EXPECT_EQ(layout.find("stranger"), nullptr);
}

TEST(Reconcile, JoinsOldAndNewNames)
{
    auto old = scatter();
    for (auto& partition : old.partitions) {
        partition.name = partition.name == "userdata" ? "USRDATA"
                         : partition.name == "system" ? "ANDROID"
                                                      : partition.name;
    }
    const auto layout = reconcile({gpt(), old}, std::nullopt);
    EXPECT_EQ(find_code(layout.findings, "only-in-gpt"), nullptr);
    EXPECT_EQ(layout.find("USRDATA"), layout.find("userdata"));
    EXPECT_EQ(layout.find("Android")->name, "system");
}

TEST(Reconcile, TakesFilesystemsFromScatterAndFstab)
{
    const auto layout = reconcile({gpt(), table_of(test::sample("fstab/fstab.mt6755"))}, std::nullopt);
    EXPECT_EQ(layout.find("userdata")->filesystem, "ext4");
    EXPECT_EQ(attribute(*layout.find("userdata"), "mount_point"), "/data");
    EXPECT_EQ(layout.find("cache"), nullptr); // fstab names it, no table places it
}

TEST(Reconcile, ChoosesTheStorageByTheSectorsOfTheGpt)
{
    const auto both = table_of(test::sample("scatter/MT6781_Android_scatter.txt"));
    const auto ufs = reconcile({table_of(test::sample("gpt/ufs-primary.bin")), both}, std::nullopt);
    EXPECT_EQ(ufs.find("userdata")->region, "user");
    EXPECT_EQ(count_code(ufs.findings, "scatter-gpt-start-differs"), 0U);
    const auto* const finding = find_code(ufs.findings, "scatter-other-storage");
    ASSERT_NE(finding, nullptr);
    EXPECT_EQ(finding->words[0].second, "UFS");
    EXPECT_EQ(finding->words[1].second, "EMMC");
    const auto alone = reconcile({both}, std::nullopt);
    EXPECT_EQ(find_code(alone.findings, "scatter-other-storage")->words[0].second, "EMMC");
    EXPECT_EQ(alone.partitions.size(), 6U);
}

TEST(Reconcile, SortsByRegionAndStart)
{
    const auto layout = reconcile({scatter(), gpt()}, ByteCount{flash});
    EXPECT_TRUE(std::ranges::is_sorted(layout.partitions, [](const Partition& left, const Partition& right) {
        return std::pair{left.region, left.start} < std::pair{right.region, right.start};
    }));
}

TEST(Reconcile, NamesReadbackSlips)
{
    for (const std::uint64_t missing : {1U, 2U, 512U}) {
        const auto layout = reconcile({gpt()}, ByteCount{flash - missing});
        EXPECT_NE(find_code(layout.findings, "dump-one-byte-short"), nullptr) << missing;
    }
    EXPECT_NE(find_code(reconcile({gpt()}, ByteCount{flash - 4096}).findings, "dump-shorter-than-gpt"), nullptr);
}

TEST(Reconcile, FindsGapsAndOverlaps)
{
    const auto layout = reconcile({moved(gpt(), "system", 0x5B00000, 0x800000)}, std::nullopt);
    EXPECT_EQ(count_code(layout.findings, "overlap"), 2U); // metadata and userdata
    EXPECT_EQ(number(find_code(layout.findings, "gap"), "gaps"), std::optional<std::uint64_t>{1});
}

TEST(Reconcile, DropsASizeThatDoesNotFitAStartOfAnotherTable)
{
    // Found by fuzzing: each table alone is sound.
    Table first;
    first.kind = "gpt";
    first.partitions = {{.name = "a",
                         .start = ByteOffset{~0ULL - 10},
                         .size = {},
                         .source = "gpt",
                         .filesystem = {},
                         .attributes = {}}};
    first.partitions.front().is_size_known = false;
    Table second;
    second.kind = "scatter-yaml";
    second.partitions = {{.name = "a",
                          .start = ByteOffset{0},
                          .size = ByteCount{100},
                          .source = "scatter-yaml",
                          .filesystem = {},
                          .attributes = {}}};
    const auto layout = reconcile({first, second}, std::nullopt);
    ASSERT_EQ(layout.partitions.size(), 1U);
    EXPECT_FALSE(layout.partitions.front().is_size_known);
    EXPECT_EQ(number(find_code(layout.findings, "overflow"), "size"), std::optional<std::uint64_t>{100});
}

TEST(Reconcile, MakesNothingOfNothing)
{
    const auto layout = reconcile({}, ByteCount{12345});
    EXPECT_TRUE(layout.partitions.empty());
    EXPECT_TRUE(layout.findings.empty());
}

TEST(Layout, DescribesTheOffsetOfTheArticle)
{
    const auto layout = reconcile({gpt(), scatter()}, std::nullopt);
    EXPECT_EQ(describe_offset(layout, ByteOffset{62685220}), "metadata+0x24");
    EXPECT_EQ(describe_offset(layout, ByteOffset{0x2000000}), "0x2000000"); // a gap
    EXPECT_EQ(layout.containing(ByteOffset{0x1000})->name, "pgpt");
}

TEST(Layout, ResolvesEveryNotation)
{
    const auto layout = reconcile({gpt(), scatter()}, std::nullopt);
    for (const auto* const text : {"62685220", "0x3bc8024", "metadata+0x24", "METADATA+36"}) {
        const auto at = resolve_offset(layout, text);
        ASSERT_TRUE(is_ok(at)) << text;
        EXPECT_EQ(at->value, 0x3BC8024U) << text;
    }
    EXPECT_EQ(resolve_offset(layout, "metadata").unwrap().value, 0x3BC8000U);
    EXPECT_EQ(resolve_offset(layout, "metadata+1s").unwrap().value, 0x3BC8200U);
    EXPECT_EQ(resolve_offset(layout, "USRDATA").unwrap(), layout.find("userdata")->start);
}

TEST(Layout, NamesNearMisses)
{
    const auto layout = reconcile({gpt()}, std::nullopt);
    const auto at = resolve_offset(layout, "metdata+0x24");
    ASSERT_TRUE(fails_with(at, ErrorCode::invalid_argument));
    EXPECT_NE(at.error().hint.find("metadata"), std::string::npos);
    EXPECT_TRUE(fails_with(resolve_offset(layout, ""), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(resolve_offset(layout, "metadata+"), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(resolve_offset(layout, "metadata+0xFFFFFFFFFFFFFFFF"), ErrorCode::invalid_argument));
}

TEST(Layout, HoldsOtherRegionsApart)
{
    const auto layout = reconcile({gpt(), scatter()}, std::nullopt);
    const auto at = resolve_offset(layout, "preloader");
    ASSERT_TRUE(fails_with(at, ErrorCode::invalid_argument));
    EXPECT_NE(at.error().why.find("boot1"), std::string::npos);
}

TEST(Roles, KnowOldAndNewSpellings)
{
    EXPECT_EQ(role_of("USRDATA"), Role::user_data);
    EXPECT_EQ(role_of("userdata"), Role::user_data);
    EXPECT_EQ(role_of("__NODL_NVRAM"), Role::radio_calibration);
    EXPECT_EQ(role_of("boot_a"), Role::boot_chain);
    EXPECT_EQ(role_of("SEC_RO"), Role::keys_and_footers);
    EXPECT_EQ(role_of("metadata"), Role::keys_and_footers);
    EXPECT_EQ(role_of("no such thing"), Role::unknown);
}

} // namespace
} // namespace salvage::partition
