// Restore plans: from the folder of a split, for the flash tool, and as a document.
#include <algorithm>
#include <fstream>
#include <functional>
#include <sstream>

#include <gtest/gtest.h>

#include "restore_plan_support.hpp"
#include "salvage/rescue/split.hpp"

namespace salvage::rescue {
namespace {

using test::fails_with;
using test::is_ok;

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
