// Scatter files in all their forms.  Samples: tests/data/scatter/README.md; other people's: foreign_test.cpp.
#include <chrono>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "partition_support.hpp"

namespace salvage::partition {
namespace {

using namespace testing;
using test::fails_with;
using test::is_ok;

std::string text_of(std::string_view name)
{
    return std::string{as_text(test::read_file(test::sample(name)))};
}

std::string replaced(std::string text, std::string_view from, std::string_view to)
{
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

std::string block(std::string_view name, std::string_view start, std::string_view size, std::string_view more = {})
{
    return fmt::format(
        "- partition_index: SYS1\n  partition_name: {}\n  linear_start_addr: {}\n  physical_start_addr: {}\n"
        "  partition_size: {}\n  region: EMMC_USER\n  is_reserved: false\n{}\n",
        name, start, start, size, more);
}

TEST(Scatter, FindsTheMetadataOfTheArticle)
{
    const auto table = table_of(test::sample("scatter/MT6750_Android_scatter.txt"));
    EXPECT_EQ(table.kind, "scatter-yaml");
    EXPECT_EQ(table.dialect, "V1.1.2");
    EXPECT_EQ(table.platform, "MT6750");
    EXPECT_EQ(table.storage, "EMMC");
    const auto* const metadata = find(table.partitions, "metadata");
    ASSERT_NE(metadata, nullptr);
    EXPECT_EQ(metadata->start.value, 0x3BC8000U);
    EXPECT_EQ(metadata->size.value, 0x2000000U);
    EXPECT_EQ(attribute(*metadata, "operation_type"), "INVISIBLE");
    EXPECT_EQ(attribute(*metadata, "partition_index"), "SYS8");
    EXPECT_EQ(metadata->role, Role::keys_and_footers);
    EXPECT_EQ(find(table.partitions, "preloader")->region, "boot1");
}

TEST(Scatter, KeepsUnknownKeysInOrder)
{
    const auto table = table_of_text(block("boot", "0x8000", "0x1000", "  zebra: 1\n  apple: two words\n"));
    const auto& attributes = table.partitions.front().attributes;
    ASSERT_GE(attributes.size(), 2U);
    EXPECT_EQ(attributes[attributes.size() - 2], (std::pair<std::string, std::string>{"zebra", "1"}));
    EXPECT_EQ(attributes.back(), (std::pair<std::string, std::string>{"apple", "two words"}));
}

TEST(Scatter, ReadsTheSameUnderAnyEditor)
{
    const auto plain = text_of("scatter/MT6750_Android_scatter.txt");
    const auto expected = table_of_text(plain);
    const std::vector<std::string> variants{
        replaced(plain, "\n", "\r\n"),
        "\xEF\xBB\xBF" + plain,
        replaced(plain, ": ", ":\t"),
        plain.substr(0, plain.find_last_not_of('\n') + 1),
        replaced(plain, "\n", "   \n"),
        replaced(plain, "0x", "0X"),
        replaced(plain, "####\n", "####__WwR_MTK__####\n"),
        plain + "- storage_advice: none\n  partition_name: not_mine\n",
    };
    for (std::size_t i = 0; i < variants.size(); ++i) {
        const auto table = table_of_text(variants[i]);
        ASSERT_EQ(table.partitions.size(), expected.partitions.size()) << i;
        for (std::size_t k = 0; k < table.partitions.size(); ++k) {
            EXPECT_EQ(table.partitions[k].name, expected.partitions[k].name) << i;
            EXPECT_EQ(table.partitions[k].start, expected.partitions[k].start) << i;
            EXPECT_EQ(table.partitions[k].size, expected.partitions[k].size) << i;
        }
        EXPECT_TRUE(warnings_of(table.findings).empty()) << i;
    }
}

TEST(Scatter, SaysHowAnEditorLeftTheFile)
{
    const auto plain = text_of("scatter/MT6750_Android_scatter.txt");
    EXPECT_EQ(find_code(table_of_text(plain).findings, "text-form"), nullptr);
    const auto form_of = [](const std::string& text) {
        const auto table = table_of_text(text);
        const auto* const finding = find_code(table.findings, "text-form");
        return finding == nullptr ? std::string{} : finding->words.front().second;
    };
    EXPECT_EQ(form_of("\xEF\xBB\xBF" + plain), "a byte order mark");
    EXPECT_EQ(form_of(replaced(plain, "\n", "\r\n")), "CR LF line ends");
    EXPECT_EQ(form_of(replaced(plain, ": ", ":\t")), "tabs");
    EXPECT_EQ(form_of(plain.substr(0, plain.find_last_not_of('\n') + 1)), "no newline at its end");
}

TEST(Scatter, ReadsUtf16OfBothByteOrders)
{
    const auto plain = text_of("scatter/MT6750_Android_scatter.txt");
    const auto expected = table_of_text(plain);
    for (const bool is_little : {true, false}) {
        std::string text = is_little ? "\xFF\xFE" : "\xFE\xFF";
        for (const auto c : plain) {
            text += is_little ? std::string{c, '\0'} : std::string{'\0', c};
        }
        const auto table = table_of_text(text);
        ASSERT_EQ(table.partitions.size(), expected.partitions.size());
        EXPECT_EQ(find(table.partitions, "metadata")->start.value, 0x3BC8000U);
        EXPECT_EQ(find_code(table.findings, "text-form")->words.front().second, "UTF-16");
    }
}

TEST(Scatter, TakesAnEmptyRegionForTheUserArea)
{
    auto text = block("boot", "0x8000", "0x1000");
    text = replaced(text, "region: EMMC_USER", "region:");
    EXPECT_EQ(table_of_text(text).partitions.front().region, "user");
}

TEST(Scatter, PassesOverForeignLinesAndSaysSo)
{
    const auto table = table_of_text(block("boot", "0x8000", "0x1000") +
                                     "made with love by nobody\n- footer_of_a_tool:\n  partition_name: x\n");
    EXPECT_EQ(table.partitions.size(), 1U);
    EXPECT_EQ(number(find_code(table.findings, "scatter-foreign-lines"), "first_line"),
              std::optional<std::uint64_t>{9});
}

TEST(Scatter, TakesPhysicalAddressesOfV111)
{
    const auto table = table_of(test::sample("scatter/MT6582_Android_scatter.txt"));
    EXPECT_EQ(find(table.partitions, "MBR")->start.value, 0U);
    EXPECT_EQ(find(table.partitions, "ANDROID")->start.value, 0x5100000U);
    EXPECT_EQ(number(find_code(table.findings, "scatter-linear-differs"), "difference"),
              std::optional<std::uint64_t>{0xC00000});
}

TEST(Scatter, CountsFromTheMbrWherePhysicalAddressesAreZero)
{
    auto text = text_of("scatter/MT6582_Android_scatter.txt");
    for (auto at = text.find("physical_start_addr: "); at != std::string::npos;
         at = text.find("physical_start_addr: ", at + 1)) {
        const auto value = at + std::string_view{"physical_start_addr: "}.size();
        text.replace(value, text.find('\n', value) - value, "0x0");
    }
    const auto table = table_of_text(text);
    EXPECT_EQ(find(table.partitions, "ANDROID")->start.value, 0x5100000U);
    EXPECT_TRUE(find(table.partitions, "BMTPOOL")->is_reserved);
    EXPECT_EQ(number(find_code(table.findings, "scatter-linear-addresses"), "subtracted"),
              std::optional<std::uint64_t>{0xC00000});
}

TEST(Scatter, SubtractsTheBootRegionFromPhysicalAddressesThatCountIt)
{
    const auto table = table_of_text(block("MBR", "0xc00000", "0x80000") + block("EBR1", "0xc80000", "0x80000"));
    EXPECT_EQ(table.partitions[0].start.value, 0U);
    EXPECT_EQ(table.partitions[1].start.value, 0x80000U);
    EXPECT_NE(find_code(table.findings, "scatter-physical-counts-boot"), nullptr);
}

TEST(Scatter, TellsAReservedAddressFromANeighbourBelowFourGibibytes)
{
    const auto table = table_of_text(block("a", "0x8000", "0xfffe8000") + block("b", "0xffff0000", "0x1000") +
                                     block("c", "0xffff0080", "0x1000"));
    EXPECT_FALSE(table.partitions[1].is_reserved);
    EXPECT_EQ(table.partitions[1].start.value, 0xFFFF0000U);
    EXPECT_TRUE(table.partitions[2].is_reserved);
    EXPECT_FALSE(table.partitions[2].is_start_known);
}

TEST(Scatter, TakesMissingSizesFromTheNextStart)
{
    const auto table = table_of_text(block("a", "0x8000", "0x0") + block("b", "0x10000", "0x0"));
    EXPECT_EQ(table.partitions[0].size.value, 0x8000U);
    EXPECT_FALSE(table.partitions[1].is_size_known);
}

TEST(Scatter, NamesWhatIsTwice)
{
    const auto table =
        table_of_text(block("a", "0x8000", "0x1000") + block("A", "0x9000", "0x1000", "  partition_size: 0x2000\n"));
    EXPECT_NE(find_code(table.findings, "duplicate-name"), nullptr);
    EXPECT_NE(find_code(table.findings, "scatter-duplicate-key"), nullptr);
    EXPECT_EQ(table.partitions[1].size.value, 0x1000U);
}

TEST(Scatter, KeepsBothStorages)
{
    const auto table = table_of(test::sample("scatter/MT6781_Android_scatter.txt"));
    EXPECT_EQ(table.partitions.size(), 12U);
    std::set<std::string> regions;
    for (const auto& partition : table.partitions) {
        regions.insert(partition.region);
    }
    EXPECT_EQ(regions, (std::set<std::string>{"boot1", "lu0", "lu2", "user"}));
    EXPECT_NE(find_code(table.findings, "scatter-several-storages"), nullptr);
}

TEST(Scatter, ReadsTheOldForm)
{
    const auto table = table_of(test::sample("scatter/MT6589_Android_scatter_emmc.txt"));
    EXPECT_EQ(table.kind, "scatter-text");
    ASSERT_EQ(table.partitions.size(), 12U);
    EXPECT_EQ(find(table.partitions, "PRELOADER")->region, "boot1");
    EXPECT_EQ(find(table.partitions, "MBR")->start.value, 0U);
    const auto* const nvram = find(table.partitions, "NVRAM"); // written as __NODL_NVRAM
    ASSERT_NE(nvram, nullptr);
    EXPECT_EQ(nvram->start.value, 0x800000U);
    EXPECT_EQ(nvram->size.value, 0x2780000U - 0xE00000U);
    EXPECT_EQ(attribute(*nvram, "is_download"), "false");
    EXPECT_NE(find(table.partitions, "OTP"), nullptr); // written as __NODL_RSV_OTP
    EXPECT_FALSE(find(table.partitions, "USRDATA")->is_size_known);
}

TEST(Scatter, ReadsTheOtaForm)
{
    const auto table = table_of(test::sample("scatter/ota_scatter.txt"));
    EXPECT_EQ(table.kind, "scatter-ota");
    EXPECT_EQ(find(table.partitions, "metadata")->start.value, 0x3BC8000U);
    EXPECT_EQ(find(table.partitions, "metadata")->size.value, 0x6000000U - 0x3BC8000U);
    EXPECT_TRUE(find(table.partitions, "sgpt")->is_reserved);
}

TEST(Scatter, ReadsBothXmlForms)
{
    const auto flat = table_of(test::sample("scatter/flat.xml"));
    EXPECT_EQ(flat.kind, "scatter-xml");
    EXPECT_EQ(flat.dialect, "V1.1.8");
    EXPECT_EQ(flat.platform, "MT6768");
    EXPECT_EQ(find(flat.partitions, "metadata")->start.value, 0x3BC8000U);
    const auto nested = table_of(test::sample("scatter/nested.xml"));
    EXPECT_EQ(nested.dialect, "V2.1.0");
    EXPECT_EQ(nested.partitions.size(), 12U);
    EXPECT_EQ(attribute(nested.partitions.back(), "storage_type"), "UFS");
    EXPECT_EQ(nested.partitions.back().region, "lu2");
}

TEST(Scatter, ReadsWhatIsLeftOfACutXmlFile)
{
    const auto whole = text_of("scatter/flat.xml");
    const auto tables = tables_of_text(whole.substr(0, whole.find("SYS3")));
    ASSERT_TRUE(is_ok(tables));
    EXPECT_NE(find(tables->front().partitions, "metadata"), nullptr);
}

TEST(Scatter, RefusesAFileWithoutPartitions)
{
    const auto tables = tables_of_text("- general: MTK_PLATFORM_CFG\n  info:\n    - config_version: V1.1.2\n");
    ASSERT_TRUE(fails_with(tables, ErrorCode::malformed));
    EXPECT_TRUE(tables.error().where.has_value());
}

TEST(Scatter, SaysWhichNumberIsNone)
{
    const auto table = table_of(test::sample("evil/scatter-overflow.txt"));
    EXPECT_EQ(count_code(table.findings, "scatter-bad-number"), 5U);
    EXPECT_EQ(count_code(table.findings, "overflow"), 2U);
    for (const auto& partition : table.partitions) {
        EXPECT_TRUE(checked_add(partition.start.value, partition.size.value).has_value());
    }
}

TEST(Scatter, StopsAtAMillionBlocks)
{
    const auto started = std::chrono::steady_clock::now();
    std::string text;
    while (text.size() < 3'900'000) {
        text += "- partition_index: SYS0\n  partition_name: a\n";
    }
    const auto table = table_of_text(text);
    EXPECT_EQ(table.partitions.size(), 1024U);
    EXPECT_NE(find_code(table.findings, "scatter-too-many"), nullptr);
    EXPECT_LE(count_code(table.findings, "duplicate-name"), 256U);
    for (std::size_t i = 0; i < 1'000'000; ++i) {
        text += "- partition_index: SYS0\n  partition_name: a\n";
    }
    EXPECT_TRUE(
        fails_with(tables_of_text(text), ErrorCode::not_found)); // 44 MB are no scatter file, and the error says so
    EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds{20});
}

} // namespace
} // namespace salvage::partition
