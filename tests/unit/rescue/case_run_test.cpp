// What the log of a case says of a run that takes something out.
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "case_support.hpp"
#include "salvage/rescue/case_run.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;
using test_case::get;
using test_case::put;
using test_case::SmallCase;
using test_case::sum_of;

class CaseRuns : public ::testing::Test {
protected:
    CaseRuns()
    {
        put(small_.path() / "case.json",
            R"({"schema":"salvage.case/1","source":{"path":"/dumps/phone.img","size":77,"sha256":")" +
                std::string(64, 'e') + R"("},"statement":"my own phone"})");
    }

    [[nodiscard]] CaseRunRequest request(const fs::path& source, std::vector<RunOutput> outputs) const
    {
        return {.name = "export",
                .source = source,
                .outputs = std::move(outputs),
                .invocation = {.version = "1.2", .verb = "export", .options = {"case", "-o", "out"}}};
    }
    [[nodiscard]] static CaseRun begin(CaseRunRequest request)
    {
        auto run = CaseRun::begin(std::move(request), {});
        EXPECT_TRUE(test::is_ok(run));
        return *std::move(run);
    }
    /// Records from number `first` on.
    [[nodiscard]] std::vector<nlohmann::json> records(std::size_t first) const
    {
        std::vector<nlohmann::json> out;
        const auto lines = test_case::lines_of(get(small_.log()));
        for (auto at = first; at < lines.size(); ++at) {
            out.push_back(nlohmann::json::parse(lines[at]));
        }
        return out;
    }
    [[nodiscard]] static std::vector<std::string> events(const std::vector<nlohmann::json>& records)
    {
        std::vector<std::string> out;
        out.reserve(records.size());
        for (const auto& record : records) {
            out.push_back(record["event"]);
        }
        return out;
    }
    [[nodiscard]] std::size_t count() const { return log_head(small_.log()).unwrap().records; }

    // NOLINTBEGIN(*-non-private-member-variables-in-classes): a fixture's
    SmallCase small_;
    test::TemporaryFolder outside_;
    // NOLINTEND(*-non-private-member-variables-in-classes)
};

TEST_F(CaseRuns, SaysWhatWasDoneToWhatAndWhatWasWrittenWhere)
{
    const auto before = count();
    const auto archive = outside_.path() / "out.tar";
    auto run = begin(request(small_.path(), {{.path = archive}}));
    put(archive, "an archive");
    RunOutcome outcome;
    outcome.text = "one file";
    outcome.data = {{.key = "files", .value = std::uint64_t{1}}};
    outcome.findings = {
        {.code = "odd", .severity = Severity::warning, .text = "Odd.", .where = {}, .numbers = {}, .words = {}}};
    ASSERT_TRUE(test::is_ok(run.end({}, outcome, {})));
    const auto told = records(before);
    ASSERT_EQ(events(told), (std::vector<std::string>{"export.start", "finding", "export.wrote", "export.done"}));
    const auto& start = told[0]["data"];
    EXPECT_EQ(start["version"], "1.2");
    EXPECT_EQ(start["options"], (std::vector<std::string>{"case", "-o", "out"}));
    EXPECT_EQ(start["source"], "/dumps/phone.img");
    EXPECT_EQ(start["source_size"], 77);
    EXPECT_EQ(start["source_sha256"], std::string(64, 'e'));
    EXPECT_EQ(start["statement"], "my own phone");
    EXPECT_EQ(told[2]["data"]["path"], fs::weakly_canonical(archive).string());
    EXPECT_EQ(told[2]["data"]["size"], 10);
    EXPECT_EQ(told[2]["data"]["sha256"], sum_of("an archive"));
    EXPECT_EQ(told[3]["data"]["files"], 1);
    EXPECT_TRUE(small_.verify().is_sound());
}

TEST_F(CaseRuns, RecordsAFolderByItsLists)
{
    const auto before = count();
    const auto out = outside_.path() / "out";
    auto run = begin(request(small_.path(), {{.path = out}}));
    put(out / "manifest.jsonl", "a list");
    put(out / "SHA256SUMS", "sums");
    put(out / "photo", "a photo");
    ASSERT_TRUE(test::is_ok(run.end({}, {}, {})));
    const auto wrote = records(before)[1];
    EXPECT_EQ(wrote["event"], "export.wrote");
    EXPECT_EQ(wrote["data"]["manifest_sha256"], sum_of("a list"));
    EXPECT_EQ(wrote["data"]["sums_sha256"], sum_of("sums"));
}

TEST_F(CaseRuns, HasWhatLiesInTheCaseVerified)
{
    const auto image = small_.path() / "userdata.img";
    auto run = begin(request(outside_.path() / "another.img", {{.path = image}}));
    put(image, "plain");
    ASSERT_TRUE(test::is_ok(run.end({}, {}, {})));
    EXPECT_TRUE(small_.verify().is_sound());
    put(image, "PLAIN");
    EXPECT_FALSE(small_.verify().is_sound()) << "a file that a run wrote into the case";
}

TEST_F(CaseRuns, KeepsSecretsOut)
{
    const auto before = count();
    const auto key = outside_.path() / "key";
    auto run = begin(request(small_.path(), {{.path = key, .is_secret = true}}));
    put(key, "the key");
    ASSERT_TRUE(test::is_ok(run.end({}, {}, {})));
    const auto wrote = records(before)[1];
    EXPECT_EQ(wrote["event"], "export.wrote");
    EXPECT_EQ(wrote["data"].size(), 1U) << "the path, and neither size nor hash";
    EXPECT_EQ(get(small_.log()).find(sum_of("the key")), std::string::npos);
}

TEST_F(CaseRuns, SaysThatItWasRefusedOrStopped)
{
    const auto before = count();
    auto refused = begin(request(small_.path(), {{.path = outside_.path() / "out"}}));
    ASSERT_TRUE(test::is_ok(refused.end(Error{ErrorCode::already_exists, "it is there", {}, {}, {}, {}}, {}, {})));
    const auto told = records(before);
    ASSERT_EQ(events(told), (std::vector<std::string>{"export.start", "export.refused", "export.ended"}));
    EXPECT_EQ(told[1]["data"]["code"], "already-exists");
    const auto middle = count();
    auto stopped = begin(request(small_.path(), {}));
    ASSERT_TRUE(test::is_ok(stopped.end(cancelled("exporting"), {}, {})));
    EXPECT_EQ(events(records(middle)), (std::vector<std::string>{"export.start", "export.ended"}))
        << "the first one has an end, and is not called interrupted";
}

TEST_F(CaseRuns, NamesARunThatWasKilled)
{
    const auto before = count();
    {
        auto killed = begin(request(small_.path(), {{.path = small_.path() / "out"}}));
    }
    EXPECT_TRUE(small_.verify().is_sound());
    auto next = begin(request(small_.path(), {}));
    const auto told = records(before);
    ASSERT_EQ(events(told),
              (std::vector<std::string>{"export.start", "folder.begin", "export.interrupted", "export.start"}));
    EXPECT_EQ(told[2]["data"]["record"], before + 1);
    ASSERT_TRUE(test::is_ok(next.end({}, {}, {})));
    EXPECT_FALSE(small_.open()->memory().interrupted) << "it is named once";
}

TEST_F(CaseRuns, LetsNoOtherRunWriteMeanwhile)
{
    const auto run = begin(request(small_.path(), {}));
    EXPECT_TRUE(test::fails_with(CaseRun::begin(request(small_.path(), {}), {}), ErrorCode::already_exists));
}

TEST_F(CaseRuns, TellsEachCaseThatItReadsFromAndWritesInto)
{
    const auto other = outside_.path() / "other";
    put(other / "case.json", "{}");
    auto run = begin(request(small_.path(), {{.path = other / "photos" / "out.zip"}}));
    put(other / "photos" / "out.zip", "zip");
    ASSERT_TRUE(test::is_ok(run.end({}, {}, {})));
    EXPECT_NE(get(small_.log()).find("export.done"), std::string::npos);
    EXPECT_NE(get(other / "log.jsonl").find(R"("path":"photos/out.zip")"), std::string::npos);
}

} // namespace
} // namespace salvage::rescue
