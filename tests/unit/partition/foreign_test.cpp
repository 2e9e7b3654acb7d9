// Other people's files: each parses as their manifest says, and pairs of one phone agree as their README says.
#include <fstream>
#include <regex>
#include <sstream>

#include <gtest/gtest.h>

#include "partition_support.hpp"

namespace salvage::partition {
namespace {

using namespace testing;
using test::is_ok;

struct ForeignFile {
    std::filesystem::path path;
    std::string name; ///< in the manifest: "gpt/…"
    std::string what; ///< facts measured by those who collected it
};

std::vector<ForeignFile> foreign_files(const std::filesystem::path& manifest, std::string_view folder)
{
    std::ifstream file{manifest};
    std::vector<ForeignFile> out;
    std::string line;
    while (std::getline(file, line)) {
        std::vector<std::string> fields;
        std::istringstream parts{line};
        for (std::string field; std::getline(parts, field, '\t');) {
            fields.push_back(field);
        }
        if (fields.size() > 5 && fields[0].starts_with(std::string{folder} + "/")) {
            out.push_back({.path = manifest.parent_path() / fields[0], .name = fields[0], .what = fields[5]});
        }
    }
    return out;
}

std::string first_match(const std::string& text, const std::string& pattern)
{
    std::smatch match;
    return std::regex_search(text, match, std::regex{pattern}) ? match[1].str() : std::string{};
}

std::filesystem::path with_prefix(const std::filesystem::path& folder, std::string_view prefix)
{
    for (const auto& entry : std::filesystem::directory_iterator{folder}) {
        if (entry.path().filename().string().starts_with(prefix)) {
            return entry.path();
        }
    }
    return {};
}

TEST(Foreign, GptFilesAreAsTheManifestSays)
{
    SALVAGE_FOREIGN_OR_SKIP(manifest, "MANIFEST.tsv");
    const auto files = foreign_files(manifest, "gpt");
    ASSERT_GE(files.size(), 15U);
    for (const auto& file : files) {
        const auto table = table_of(file.path);
        EXPECT_FALSE(table.partitions.empty()) << file.name;
        const auto sectors = first_match(file.what, R"(\((\d+)B sectors\))");
        EXPECT_EQ(table.sector_size->bytes(), sectors.empty() ? 512U : std::stoul(sectors)) << file.name;
        EXPECT_EQ(find_code(table.findings, "gpt-header-crc-wrong"), nullptr) << file.name; // "crc ok" of all
        const bool has_whole_entries = file.what.find("entries crc ok") != std::string::npos;
        EXPECT_EQ(find_code(table.findings, "gpt-entries-cut") == nullptr, has_whole_entries) << file.name;
        EXPECT_EQ(find_code(table.findings, "gpt-entries-crc-wrong"), nullptr) << file.name;
        const auto backup_lba = std::stoull(first_match(file.what, R"(backup LBA (\d+))"));
        const auto own_lba = std::stoull(first_match(file.what, R"(cur LBA (\d+))"));
        const auto last = std::max(backup_lba, own_lba);
        EXPECT_EQ(table.device_size.has_value(), last > 1) << file.name;
        if (table.device_size) {
            EXPECT_EQ(table.device_size->value, (last + 1) * table.sector_size->bytes()) << file.name;
        }
    }
}

TEST(Foreign, GptTemplateOfAMotorolaIsFoundInsideItsFile)
{
    SALVAGE_FOREIGN_OR_SKIP(path, "gpt/N00bTree__Potter_Stock_Unpacked__gpt.bin");
    const auto table = table_of(path);
    EXPECT_EQ(table.partitions.size(), 54U);
    EXPECT_FALSE(find(table.partitions, "userdata")->is_size_known);
    constexpr std::uint64_t flash = 31'268'536'320; // a 32 GB eMMC
    const auto layout = reconcile({table}, ByteCount{flash});
    EXPECT_EQ(layout.find("userdata")->start.value + layout.find("userdata")->size.value, flash - 0x4200);
}

TEST(Foreign, ScatterFilesAreAsTheManifestSays)
{
    SALVAGE_FOREIGN_OR_SKIP(manifest, "MANIFEST.tsv");
    const auto files = foreign_files(manifest, "scatter");
    ASSERT_GE(files.size(), 32U);
    for (const auto& file : files) {
        const auto table = table_of(file.path);
        EXPECT_EQ(table.kind, "scatter-yaml") << file.name;
        EXPECT_EQ(table.platform, first_match(file.what, R"(platform (\w+))")) << file.name;
        EXPECT_EQ(table.dialect, first_match(file.what, R"(config (V[\d.]+))")) << file.name;
        EXPECT_EQ(table.partitions.size(), std::stoul(first_match(file.what, R"((\d+) partitions)"))) << file.name;
        const bool has_two = file.what.find("UFS") != std::string::npos;
        EXPECT_EQ(find_code(table.findings, "scatter-several-storages") != nullptr, has_two) << file.name;
        const auto layout = reconcile({table}, std::nullopt);
        const bool is_template = file.name.find("template") != std::string::npos;
        EXPECT_EQ(layout.find("userdata") != nullptr, !is_template) << file.name;
        EXPECT_TRUE(is_template || layout.find("userdata")->start.value >= 0x10000000) << file.name;
        if (const auto* const mbr = layout.find("mbr")) {
            EXPECT_EQ(mbr->start.value, 0U) << file.name;
            EXPECT_EQ(layout.find("ebr1")->start.value, 0x80000U) << file.name;
        }
    }
}

TEST(Foreign, OldScatterFormsParse)
{
    SALVAGE_FOREIGN_OR_SKIP(manifest, "MANIFEST.tsv");
    const auto files = foreign_files(manifest, "scatter_legacy");
    ASSERT_EQ(files.size(), 4U);
    for (const auto& file : files) {
        const auto table = table_of(file.path);
        const bool is_ota = file.what.starts_with("OTA");
        EXPECT_EQ(table.kind, is_ota ? "scatter-ota" : "scatter-text") << file.name;
        EXPECT_GE(table.partitions.size(), 13U) << file.name;
        EXPECT_NE(reconcile({table}, std::nullopt).find("userdata"), nullptr) << file.name;
    }
}

TEST(Foreign, XmlExcerptParses)
{
    SALVAGE_FOREIGN_OR_SKIP(path, "scatter_xml/motorola_fogorow__MT6768_Android_scatter__first20.xml");
    const auto table = table_of(path);
    EXPECT_EQ(table.dialect, "V1.1.8");
    EXPECT_EQ(table.platform, "MT6768");
    EXPECT_EQ(table.partitions.size(), 20U);
    EXPECT_EQ(find(table.partitions, "para")->start.value, 0x88000U);
}

TEST(Foreign, FstabFilesAreAsTheManifestSays)
{
    SALVAGE_FOREIGN_OR_SKIP(manifest, "MANIFEST.tsv");
    const auto files = foreign_files(manifest, "fstab");
    ASSERT_GE(files.size(), 20U);
    for (const auto& file : files) {
        const auto table = table_of(file.path);
        EXPECT_EQ(table.kind, "fstab") << file.name;
        const auto flag = first_match(file.what, R"(flags: (\w+)=)");
        const auto value = first_match(file.what, R"(flags: \w+=([^;]+))");
        EXPECT_EQ(table.data_encryption, flag) << file.name;
        EXPECT_EQ(table.footer_place, flag == "fileencryption" ? "" : value) << file.name;
    }
}

TEST(Foreign, MbrAndEbrSectorsParse)
{
    SALVAGE_FOREIGN_OR_SKIP(manifest, "MANIFEST.tsv");
    const auto files = foreign_files(manifest, "mbr");
    ASSERT_EQ(files.size(), 4U);
    for (const auto& file : files) {
        const auto table = table_of(file.path);
        const auto types = first_match(file.what, "types ([0-9a-f,]+)");
        const auto used = 4 - std::ranges::count_if(std::vector<std::size_t>{0, 3, 6, 9},
                                                    [&](std::size_t at) { return types.substr(at, 2) == "00"; });
        EXPECT_EQ(table.partitions.size(), static_cast<std::size_t>(used)) << file.name;
    }
}

TEST(Foreign, SparseImagesAreFilesystemsOrNoTables)
{
    SALVAGE_FOREIGN_OR_SKIP(manifest, "MANIFEST.tsv");
    const auto files = foreign_files(manifest, "sparse");
    ASSERT_EQ(files.size(), 7U);
    for (const auto& file : files) {
        const auto source = io::open_any(file.path);
        ASSERT_TRUE(is_ok(source)) << file.name;
        EXPECT_EQ((*source)->size().value, std::stoull(first_match(file.what, R"(= (\d+) bytes)"))) << file.name;
        const auto tables = read_tables(**source, file.name);
        const auto content = first_match(file.what, R"(content (\w+))");
        if (content.empty()) {
            ASSERT_TRUE(test::fails_with(tables, ErrorCode::not_found)) << file.name;
            EXPECT_NE(tables.error().why.find("GPT"), std::string::npos) << "it says what was looked for";
            continue;
        }
        ASSERT_TRUE(is_ok(tables)) << file.name;
        ASSERT_EQ(tables->front().partitions.size(), 1U) << file.name;
        EXPECT_TRUE(tables->front().partitions.front().filesystem.starts_with(content)) << file.name;
    }
}

TEST(Foreign, LogsAreNoTables)
{
    SALVAGE_FOREIGN_OR_SKIP(folder, "logs");
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator{folder}) {
        const auto tables = tables_of_file(entry.path());
        ASSERT_TRUE(test::fails_with(tables, ErrorCode::not_found)) << entry.path();
        EXPECT_FALSE(tables.error().hint.empty()) << entry.path();
        ++count;
    }
    EXPECT_EQ(count, 4U);
}

TEST(Foreign, MbrEraEntriesClaimTheRestOfTheFlash)
{
    SALVAGE_FOREIGN_OR_SKIP(manifest, "MANIFEST.tsv");
    const auto folder = manifest.parent_path() / "mbr";
    // EBR2 of an MT6577: the sum reaches 0xFFFFFFFF only from EBR1 on, so start + count alone falls short of it.
    const auto ebr2 = table_of(folder / "xjtuecho__mtk_tool__EBR2");
    ASSERT_EQ(ebr2.partitions.size(), 1U);
    EXPECT_FALSE(ebr2.partitions.front().is_size_known);
    EXPECT_EQ(0x19400U + std::stoull(attribute(ebr2.partitions.front(), "mbr_start_sector")) +
                  std::stoull(attribute(ebr2.partitions.front(), "mbr_sectors")),
              0xFFFFFFFFU); // 0x19400: where EBR1's fourth entry points
    const auto ebr1 = table_of(folder / "xjtuecho__mtk_tool__EBR1");
    ASSERT_EQ(ebr1.partitions.size(), 4U);
    EXPECT_EQ(attribute(ebr1.partitions[3], "rank"), "extended");
    EXPECT_EQ(ebr1.partitions[3].start.value, 0x19400U * 512);
    const auto mbr = table_of(with_prefix(folder, "WikoSunset2-LineageOS__wiko_s4050ap_part_layout__MBR"));
    EXPECT_EQ(attribute(mbr.partitions.front(), "rank"), "extended");
    EXPECT_EQ(attribute(mbr.partitions.front(), "mbr_sectors"), "4294967295");
}

/// What a scatter file and a GPT of one phone share, and in how many start and size are the same in both.
struct Agreement {
    std::size_t shared{0};
    std::size_t equal{0};
    std::set<std::string> placeless; ///< in both, and the scatter file alone does not place them
};

Agreement agreement_of(const Table& gpt, const Table& scatter)
{
    Agreement out;
    for (const auto& partition : gpt.partitions) {
        if (const auto* const other = find(scatter.partitions, partition.name)) {
            ++out.shared;
            out.equal += other->is_start_known && other->start == partition.start && other->size == partition.size;
            if (!other->is_start_known) {
                out.placeless.insert(partition.name);
            }
        }
    }
    return out;
}

TEST(ForeignPairs, ScatterAndGptOfAnMt6769Agree)
{
    SALVAGE_FOREIGN_OR_SKIP(gpt, "gpt/supremegamers__mt6769__pgpt");
    SALVAGE_FOREIGN_OR_SKIP(scatter, "scatter/supremegamers__mt6769__MT6769_Android_scatter.txt");
    const auto layout = reconcile({table_of(gpt), table_of(scatter)}, std::nullopt);
    EXPECT_TRUE(warnings_of(layout.findings).empty());
    const auto agreement = agreement_of(table_of(gpt), table_of(scatter));
    EXPECT_EQ(agreement.shared, 51U); // "all names"
    EXPECT_EQ(agreement.equal, 49U);
    EXPECT_EQ(agreement.placeless, (std::set<std::string>{"flashinfo", "otp"})); // 0xFFFFxxxx
    std::set<std::string> only;
    for (const auto& finding : layout.findings) {
        if (finding.code == "only-in-scatter") {
            only.insert(finding.where.partition);
        }
    }
    EXPECT_EQ(only, (std::set<std::string>{"preloader", "pgpt", "sgpt"}));
    EXPECT_EQ(count_code(layout.findings, "reserved-start-computed"), 3U); // otp and flashinfo as in the GPT, and sgpt
    EXPECT_EQ(layout.find("sgpt")->start.value + layout.find("sgpt")->size.value, layout.device_size->value);
}

TEST(ForeignPairs, TheGptOfAnMt6765HasOneSectorMore)
{
    SALVAGE_FOREIGN_OR_SKIP(manifest, "MANIFEST.tsv");
    const auto folder = manifest.parent_path();
    const auto gpt = table_of(with_prefix(folder / "gpt", "sadakpramodh"));
    const auto scatter = table_of(with_prefix(folder / "scatter", "sadakpramodh"));
    const auto agreement = agreement_of(gpt, scatter);
    EXPECT_EQ(agreement.shared, 48U);
    EXPECT_EQ(agreement.equal, 47U);
    const auto layout = reconcile({gpt, scatter}, std::nullopt);
    EXPECT_EQ(warnings_of(layout.findings), (std::set<std::string>{"scatter-gpt-size-differs"}));
    ASSERT_EQ(count_code(layout.findings, "scatter-gpt-size-differs"), 1U);
    const auto* const finding = find_code(layout.findings, "scatter-gpt-size-differs");
    EXPECT_EQ(finding->where.partition, "userdata");
    EXPECT_EQ(*number(finding, "gpt_size") - *number(finding, "scatter_size"), 512U);
    EXPECT_EQ(layout.find("userdata")->size.value, *number(finding, "gpt_size")) << "the GPT beats the scatter file";
    EXPECT_EQ(finding->words.front(), (std::pair<std::string, std::string>{"taken", "gpt"}));
}

TEST(ForeignPairs, ScatterMadeFromAGptAgreesWithIt)
{
    SALVAGE_FOREIGN_OR_SKIP(gpt, "gpt/fayharinn__pgpt2scatter__example_pgpt");
    SALVAGE_FOREIGN_OR_SKIP(scatter, "scatter/fayharinn__pgpt2scatter__example_pgpt_scatter.txt");
    const auto layout = reconcile({table_of(gpt), table_of(scatter)}, std::nullopt);
    EXPECT_TRUE(warnings_of(layout.findings).empty());
    EXPECT_EQ(count_code(layout.findings, "only-in-scatter"), 2U); // preloader and pgpt
    const auto agreement = agreement_of(table_of(gpt), table_of(scatter));
    EXPECT_EQ(agreement.shared, 35U);
    EXPECT_EQ(agreement.equal, 35U);
}

TEST(ForeignPairs, MbrEbr1AndScatterOfAWikoAgree)
{
    SALVAGE_FOREIGN_OR_SKIP(manifest, "MANIFEST.tsv");
    const auto folder = manifest.parent_path();
    const std::string prefix{"WikoSunset2-LineageOS__wiko_s4050ap_part_layout__"};
    auto ebr = table_of(folder / "mbr" / (prefix + "EBR1"));
    auto mbr = table_of(folder / "mbr" / (prefix + "MBR"));
    const auto layout =
        reconcile({ebr, mbr, table_of(folder / "scatter" / (prefix + "MT6572_Android_scatter.txt"))}, std::nullopt);
    EXPECT_TRUE(warnings_of(layout.findings).empty());
    EXPECT_EQ(find_code(layout.findings, "only-in-mbr"), nullptr);
    for (const auto* const name : {"PROTECT_F", "PROTECT_S", "ANDROID", "CACHE", "USRDATA"}) {
        EXPECT_FALSE(attribute(*layout.find(name), "mbr_type").empty()) << name;
    }
    const auto scatter = table_of(folder / "scatter" / (prefix + "MT6572_Android_scatter.txt"));
    for (const auto& partition : scatter.partitions) {
        EXPECT_EQ(attribute(partition, "physical_start_addr"), "0x0") << partition.name;
        if (partition.region == "user" && partition.is_start_known) {
            const auto linear = std::stoull(attribute(partition, "linear_start_addr"), nullptr, 16);
            EXPECT_EQ(layout.find(partition.name)->start.value, linear - 0xC00000U) << partition.name;
        }
    }
    EXPECT_EQ(layout.find("USRDATA")->start.value, 0x51940000U); // linear 0x52540000 minus linear of MBR 0xC00000
    // The MBR alone places its EBR too.
    const auto without_names = reconcile({ebr, mbr}, std::nullopt);
    EXPECT_NE(find_code(without_names.findings, "ebr-place"), nullptr);
    EXPECT_EQ(without_names.find("EBR1.1")->start.value, 0x43740000U);
}

} // namespace
} // namespace salvage::partition
