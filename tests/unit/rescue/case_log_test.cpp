// The case log: a chain that tells of every change, and goes on after every interruption.
#include "salvage/rescue/case_log.hpp"

#include <algorithm>

#include "rescue/log_reader.hpp"
#include "unit/rescue/case_support.hpp"

namespace salvage::rescue {
namespace {

using namespace test_case; // NOLINT(google-build-using-namespace): helpers of these tests
using test::fails_with;
using test::is_ok;

const std::string zeros(64, '0');

TEST(CaseLog, ChainsItsRecordsAndNamesItsHead)
{
    SmallCase small;
    const auto lines = lines_of(get(small.log()));
    auto previous = zeros;
    for (const auto& line : lines) {
        EXPECT_TRUE(line.ends_with(",\"previous\":\"" + previous + "\"}")) << line;
        previous = sum_of(line);
    }
    EXPECT_EQ(log_head(small.log()).unwrap(), (LogHead{.records = lines.size(), .sha256 = previous}));
    EXPECT_EQ(small.open()->head(), (LogHead{.records = lines.size(), .sha256 = previous}));
    EXPECT_TRUE(fails_with(log_head(small.path() / "none"), ErrorCode::not_found));
}

TEST(CaseLog, GoesOnAfterBeingCutAtEveryByte)
{
    SmallCase small;
    const auto whole = get(small.log());
    const auto last = whole.rfind('\n', whole.size() - 2) + 1;
    const auto before = static_cast<std::uint64_t>(std::ranges::count(whole.substr(0, last), '\n'));
    for (auto size = last; size <= whole.size(); ++size) {
        put(small.log(), whole.substr(0, size));
        const bool is_record_whole = size + 1 >= whole.size();
        EXPECT_TRUE(small.verify().is_sound()) << size << ": " << small.verify().text;
        EXPECT_EQ(small.verify().head.records, before + (is_record_whole ? 1 : 0)) << size;
        small.open()->write("test.after", "one more");
        const auto report = small.verify();
        EXPECT_TRUE(report.is_sound()) << size << ": " << report.text;
        const bool is_torn = size > last && !is_record_whole;
        EXPECT_EQ(report.torn_lines, is_torn ? 1 : 0) << size;
        EXPECT_EQ(report.head.records, before + (is_record_whole || is_torn ? 2 : 1)) << size;
        EXPECT_EQ(report.head, log_head(small.log()).unwrap()) << size;
    }
}

TEST(CaseLog, GoesOnAfterBeingCutWhileItNamesWhatWasTorn)
{
    SmallCase small;
    const auto whole = get(small.log());
    const auto torn = whole.substr(0, whole.size() - 10);
    put(small.log(), torn);
    static_cast<void>(small.open());
    const auto named = get(small.log());
    ASSERT_TRUE(named.starts_with(torn + "\n{"));
    for (auto size = torn.size() + 2; size < named.size() - 1; ++size) {
        put(small.log(), named.substr(0, size));
        EXPECT_TRUE(small.verify().is_sound() && small.verify().is_tail_torn) << size << ": " << small.verify().text;
        small.open()->write("test.after", "one more");
        const auto report = small.verify();
        EXPECT_TRUE(report.is_sound()) << size << ": " << report.text;
        EXPECT_EQ(report.torn_lines, 2U) << size;
    }
}

TEST(CaseLog, NamesWhatWasTornSoThatNobodyCanChangeItLater)
{
    SmallCase small;
    auto whole = get(small.log());
    put(small.log(), whole.substr(0, whole.size() - 10));
    static_cast<void>(small.open());
    ASSERT_TRUE(small.verify().is_sound());
    auto lines = lines_of(get(small.log()));
    ASSERT_TRUE(lines.back().contains(R"("event":"log.torn")"));
    lines[lines.size() - 2].front() = ' ';
    put(small.log(), joined(lines));
    const auto report = small.verify();
    ASSERT_TRUE(report.broken);
    EXPECT_EQ(report.broken->line, lines.size() - 1);
}

TEST(CaseLog, LetsOneRunWriteAtATime)
{
    SmallCase small;
    const auto first = small.open();
    FixedClock clock;
    EXPECT_TRUE(fails_with(CaseLog::open(small.log(), clock), ErrorCode::already_exists));
}

TEST(CaseLog, RefusesALinkInItsPlace)
{
    SmallCase small;
    std::filesystem::rename(small.log(), small.path() / "elsewhere");
    std::filesystem::create_symlink("elsewhere", small.log());
    FixedClock clock;
    EXPECT_FALSE(CaseLog::open(small.log(), clock).has_value());
    EXPECT_FALSE(verify_case({.case_folder = small.path(), .public_key = {}, .head = {}}, {}).has_value());
}

TEST(CaseLog, RemembersARunWithoutAnEnd)
{
    SmallCase small;
    EXPECT_FALSE(small.open()->memory().interrupted);
    small.open()->write("rescue.start", "a run");
    const auto number = log_head(small.log()).unwrap().records;
    small.open()->write("finding", "something");
    EXPECT_EQ(small.open()->memory().interrupted, (InterruptedRun{.run = "rescue", .record = number}));
    small.open()->write("rescue.ended", "stopped");
    EXPECT_FALSE(small.open()->memory().interrupted);
}

TEST(CaseLog, RemembersWhichFoldersAreFinished)
{
    SmallCase small;
    EXPECT_EQ(small.open()->memory().finished_folders, std::vector<std::string>{"parts"});
    begin_folder(*small.open(), "parts");
    EXPECT_TRUE(small.open()->memory().finished_folders.empty());
}

TEST(CaseLog, KeepsFactsOfEveryKind)
{
    SmallCase small;
    const std::array<LogField, 4> data{LogField{.key = "none", .value = {}},
                                       LogField{.key = "number", .value = std::uint64_t{7}},
                                       LogField{.key = "text", .value = std::string{"a \"b\" \xFF"}},
                                       LogField{.key = "list", .value = std::vector<std::string>{"--out", "x"}}};
    small.open()->write("test.facts", "facts", data);
    const auto line = lines_of(get(small.log())).back();
    EXPECT_TRUE(line.contains(R"("data":{"none":null,"number":7,"text":"a \"b\" )"
                              "\xEF\xBF\xBD"
                              R"(","list":["--out","x"]},"previous":)"))
        << line;
}

TEST(CaseLog, ClipsARecordThatNobodyWouldRead)
{
    SmallCase small;
    small.open()->write("test.long", std::string(2U << 20U, 'x'));
    small.open()->write("test.after", "one more");
    const auto report = small.verify();
    EXPECT_TRUE(report.is_sound()) << report.text;
}

TEST(CaseLog, ReadsHostileLinesInBoundedMemory)
{
    const std::string deep = std::string(100'000, '[') + ",\"previous\":\"" + zeros + "\"}";
    const std::string inputs[] = {deep,
                                  "{" + deep,
                                  std::string(3U << 20U, 'a'),
                                  std::string(1000, '\0'),
                                  "\xFF\xFE\n{}\n",
                                  "{\"a\":\"\\",
                                  old_record("x", std::string(64, 'g')),
                                  "{\"event\":1,\"text\":2,\"previous\":\"" + zeros + "\"}"};
    for (const auto& input : inputs) {
        auto reader = read_log_from(as_bytes(input));
        while (const auto line = reader.next().unwrap()) {
            EXPECT_FALSE(parse_record(*line)) << input.substr(0, 80);
            EXPECT_LE(line->text.size(), max_record_bytes);
        }
    }
}

} // namespace
} // namespace salvage::rescue
