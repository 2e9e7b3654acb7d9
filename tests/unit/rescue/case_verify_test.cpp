// Verifying a case: what was changed is named, what was interrupted is not blamed, and nothing outside is opened.
#include "salvage/rescue/case_verify.hpp"

#include <algorithm>

#include <sys/stat.h>

#include "unit/rescue/case_support.hpp"

namespace salvage::rescue {
namespace {

using namespace test_case; // NOLINT(google-build-using-namespace): helpers of these tests
using test::fails_with;
using test::is_ok;

const std::string zeros(64, '0');

std::vector<std::string> codes_of(const CaseVerifyReport& report)
{
    std::vector<std::string> out;
    for (const auto& problem : report.problems) {
        out.push_back(problem.code + " " + problem.path);
    }
    return out;
}

bool has(const std::vector<std::string>& names, std::string_view name)
{
    return std::ranges::find(names, name) != names.end();
}

/// Adds a record to a log as anybody can who knows the chain.
void forge(const SmallCase& small, const std::string& event, const std::string& data)
{
    auto lines = lines_of(get(small.log()));
    const auto previous = lines.empty() ? zeros : sum_of(lines.back());
    lines.push_back(R"({"time":1,"event":")" + event + R"(","text":"t","data":)" + data + R"(,"previous":")" +
                    previous + "\"}");
    put(small.log(), joined(lines));
}

TEST(CaseVerify, AcceptsACaseAsItWasWritten)
{
    const SmallCase small;
    const auto report = small.verify();
    EXPECT_TRUE(report.is_sound()) << report.text;
    EXPECT_EQ(report.files, 5U);
    EXPECT_EQ(report.exported, 3U);
    EXPECT_EQ(report.extra_count, 0U);
}

TEST(CaseVerify, NamesTheLineWhereTheChainBreaks)
{
    const SmallCase small;
    const auto lines = lines_of(get(small.log()));
    std::uint64_t offset = 0;
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
        auto changed = lines;
        changed[i].replace(changed[i].find("\"text\":\"") + 8, 1, "X");
        put(small.log(), joined(changed));
        offset += lines[i].size() + 1;
        const auto report = small.verify();
        ASSERT_TRUE(report.broken) << i;
        EXPECT_EQ(report.broken->line, i + 2) << "the next line names another hash";
        EXPECT_EQ(report.broken->offset.value, offset);
        EXPECT_FALSE(report.is_sound());
        changed = lines;
        changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
        put(small.log(), joined(changed));
        EXPECT_EQ(small.verify().broken.value_or(BrokenRecord{}).line, i + 1) << "one line is gone";
        changed = lines;
        std::swap(changed[i], changed[i + 1]);
        put(small.log(), joined(changed));
        EXPECT_TRUE(small.verify().broken) << i;
    }
}

TEST(CaseVerify, NoticesEveryByteThatIsFlipped)
{
    const SmallCase small;
    const auto whole = get(small.log());
    const auto head = small.verify().head;
    for (std::size_t i = 0; i < whole.size(); ++i) {
        const auto bit = i % 2 == 0 ? 1 : 32;
        auto changed = whole;
        changed[i] = static_cast<char>(changed[i] ^ bit);
        put(small.log(), changed);
        // The last record has no record behind it: whoever has kept its hash, or a signature, notices.
        EXPECT_FALSE(small.verify(head.sha256).is_sound()) << "byte " << i << " bit " << bit;
    }
}

TEST(CaseVerify, AcceptsOlderLogsWithTheirTornLines)
{
    const SmallCase small;
    std::vector<std::string> lines{old_record("rescue.start", zeros)};
    lines.emplace_back(R"({"time":15000)");
    lines.push_back(old_record("log.torn", sum_of(lines.front())));
    lines.push_back(old_record("rescue.done", sum_of(lines.back())));
    put(small.log(), joined(lines));
    EXPECT_TRUE(small.verify().is_sound()) << small.verify().text;
    EXPECT_EQ(small.verify().torn_lines, 1U);
    lines[2] = old_record("log.other", sum_of(lines.front()));
    lines[3] = old_record("rescue.done", sum_of(lines[2]));
    put(small.log(), joined(lines));
    EXPECT_EQ(small.verify().broken.value_or(BrokenRecord{}).line, 2U) << "no record owns up to the torn line";
}

TEST(CaseVerify, NamesFilesThatWereChangedOrAreMissing)
{
    for (const std::string name : {"parts/boot.img", "parts/manifest.json", "report.txt", "files/photo"}) {
        const SmallCase small;
        const auto content = get(small.path() / name);
        auto other = content;
        other.front() = static_cast<char>(other.front() ^ 1);
        put(small.path() / name, other);
        EXPECT_EQ(codes_of(small.verify()), std::vector<std::string>{"sha256 " + name});
        put(small.path() / name, content + "x");
        EXPECT_EQ(codes_of(small.verify()), std::vector<std::string>{"size " + name});
        std::filesystem::remove(small.path() / name);
        EXPECT_EQ(codes_of(small.verify()), std::vector<std::string>{"missing " + name});
        std::filesystem::create_directory(small.path() / name);
        EXPECT_EQ(codes_of(small.verify()), std::vector<std::string>{"kind " + name});
        EXPECT_FALSE(small.verify().is_sound());
    }
}

TEST(CaseVerify, FollowsTheManifestToLinksAndFolders)
{
    const SmallCase small;
    std::filesystem::remove(small.path() / "files/link");
    std::filesystem::create_symlink("/etc/shadow", small.path() / "files/link");
    std::filesystem::remove(small.path() / "files/folder");
    EXPECT_EQ(codes_of(small.verify()), (std::vector<std::string>{"missing files/folder", "target files/link"}));
}

TEST(CaseVerify, ListsWhatNobodyRecorded)
{
    const SmallCase small;
    put(small.path() / "files/new folder/stranger", "x");
    put(small.path() / "note", "x");
    std::filesystem::create_symlink("/", small.path() / "parts/root");
    const auto report = small.verify();
    EXPECT_TRUE(report.is_sound()) << "what was recorded is as it was";
    EXPECT_EQ(report.extra, (std::vector<std::string>{"files/new folder/stranger", "note", "parts/root"}));
}

TEST(CaseVerify, OpensNothingOutsideTheCase)
{
    for (const std::string path : {"../secret", "/etc/passwd", "files/../../secret", "files/./photo", "",
                                   "files//photo", R"(a\u0000b)", "out/secret", "link"}) {
        const SmallCase small;
        put(small.path().parent_path() / "secret", "secret");
        std::filesystem::create_directory_symlink(small.path().parent_path(), small.path() / "out");
        std::filesystem::create_symlink("../secret", small.path() / "link");
        forge(small, "file.written", R"({"path":")" + path + R"(","size":6,"sha256":")" + sum_of("secret") + "\"}");
        const auto report = small.verify();
        ASSERT_FALSE(report.broken);
        ASSERT_EQ(report.problem_count, 1U) << path;
        EXPECT_TRUE(report.problems.front().code == "outside" || report.problems.front().code == "missing")
            << path << ": " << report.problems.front().code;
        EXPECT_EQ(report.files, 5U) << path;
    }
}

TEST(CaseVerify, DoesNotHangOnAFifo)
{
    const SmallCase small;
    std::filesystem::remove(small.path() / "report.txt");
    ASSERT_EQ(::mkfifo((small.path() / "report.txt").c_str(), 0600), 0);
    EXPECT_EQ(codes_of(small.verify()), std::vector<std::string>{"kind report.txt"});
}

TEST(CaseVerify, DoesNotBlameAnInterruption)
{
    SmallCase small;
    const auto planned = [&](std::string_view content) {
        return R"({"path":"report.txt","size":)" + std::to_string(content.size()) + R"(,"sha256":")" + sum_of(content) +
               "\"}";
    };
    forge(small, "file.planned", planned("new"));
    EXPECT_TRUE(small.verify().is_sound()) << "killed before the file was replaced";
    put(small.path() / "report.txt", "new");
    EXPECT_TRUE(small.verify().is_sound()) << "killed after";
    put(small.path() / "report.txt", "bad");
    EXPECT_EQ(codes_of(small.verify()), std::vector<std::string>{"size report.txt"});
    put(small.path() / "report.txt", "new");

    forge(small, "folder.begin", R"({"path":"files"})");
    put(small.path() / "files/half", "x");
    put(small.path() / "files/manifest.jsonl", "");
    const auto report = small.verify();
    EXPECT_TRUE(report.is_sound()) << report.text;
    EXPECT_TRUE(has(report.unfinished, "files/half"));
    EXPECT_TRUE(has(report.unfinished, "files/manifest.jsonl"));
}

TEST(CaseVerify, FindsAHeadThatAReportPrinted)
{
    SmallCase small;
    const auto head = log_head(small.log()).unwrap().sha256;
    small.open()->write("test.after", "one more");
    EXPECT_TRUE(small.verify(head).is_sound());
    EXPECT_FALSE(small.verify(sum_of("another")).is_sound());
}

TEST(CaseVerify, IsNotFoundWhereThereIsNoLog)
{
    const test::TemporaryFolder empty;
    EXPECT_TRUE(
        fails_with(verify_case({.case_folder = empty.path(), .public_key = {}, .head = {}}, {}), ErrorCode::not_found));
}

} // namespace
} // namespace salvage::rescue
