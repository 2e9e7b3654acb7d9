// That a search finds, resumes, and tells nobody the secret.
#include <stop_token>

#include <gtest/gtest.h>

#include "support/assert_result.hpp"
#include "unit/rescue/search_support.hpp"

namespace salvage::rescue {
namespace {

using namespace fake;
using salvage::test::fails_with;
using salvage::test::is_ok;
using salvage::test::TemporaryFolder;

/// One subject, a plan of these steps.
Result<SearchReport> search_for(const SearchSubject& subject, std::vector<SearchStep> steps, const SearchRun& run = {},
                                const RunContext& context = {})
{
    CrackPlan plan;
    plan.steps = std::move(steps);
    SearchRequest request;
    request.devices.threads = 2;
    return run_search(std::span{&subject, 1}, plan, request, run, context);
}

Result<std::string> name_for(const SearchSubject& subject, const std::vector<SearchStep>& steps,
                             const SearchRun& run = {})
{
    CrackPlan plan;
    plan.target_identity = make_footer_target(subject).unwrap()->identity();
    plan.steps = steps;
    return session_name(plan, run);
}

class Run : public ::testing::Test {
protected:
    /// A plan without its measured rate.
    static std::vector<SearchStep> four_digits()
    {
        std::vector<SearchStep> out;
        out.push_back({.name = "default password",
                       .keyspace = password::make_list({"default_password"}, "the default password"),
                       .seconds = 0});
        out.push_back({.name = "4-digit PIN", .keyspace = password::make_pins(4, 4).unwrap(), .seconds = 0});
        out.push_back({.name = "given at last", .keyspace = password::make_list({"end"}, "end"), .seconds = 0});
        return out;
    }
    [[nodiscard]] std::filesystem::path session() const { return folder_.path() / "a.session"; }
    [[nodiscard]] SearchRun with_session() const
    {
        SearchRun run;
        run.session_file = session();
        return run;
    }
    TemporaryFolder folder_;
};

TEST_F(Run, FindsTheSecretWithItsKeyAndProof)
{
    const auto phone = phone_with_pin("9173");
    const auto report = search_for(phone.subject, four_digits(), {}, {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->end, password::SearchEnd::found);
    ASSERT_EQ(report->found.size(), 1U);
    EXPECT_EQ(as_text(report->found.front().found.secret.expose()), "9173");
    EXPECT_EQ(report->found.front().found.encoding, "text");
    EXPECT_EQ(report->found.front().step, "4-digit PIN");
    EXPECT_EQ(to_hex(report->found.front().master_key.expose()), to_hex(key_of("9173")));
    EXPECT_TRUE(report->found.front().key_proof);
    EXPECT_FALSE(report->found.front().found.proof.empty());
    EXPECT_FALSE(report->found.front().is_for_footer_only);
    EXPECT_FALSE(report->was_resumed);
    EXPECT_EQ(report->searched, (std::vector<std::string>{"default password: tried.", "4-digit PIN: found.",
                                                          "given at last: not tried."}));
}

TEST_F(Run, SaysWhatWasSearchedWhenNothingIsFound)
{
    const auto phone = phone_with_pin("not a pin");
    const auto report = search_for(phone.subject, four_digits(), {}, {}).unwrap();
    EXPECT_EQ(report.end, password::SearchEnd::exhausted);
    EXPECT_TRUE(report.found.empty());
    EXPECT_EQ(report.tried, 10'002U);
    EXPECT_EQ(report.searched,
              (std::vector<std::string>{"default password: tried.", "4-digit PIN: all 10,000 candidates were tried.",
                                        "given at last: tried."}));
}

TEST_F(Run, CountsSkipAndLimitOverTheWholePlan)
{
    const auto phone = phone_with_pin("not a pin");
    SearchRun run;
    run.skip = 1;
    run.limit = 500;
    const auto report = search_for(phone.subject, four_digits(), run, {}).unwrap();
    EXPECT_EQ(report.tried, 500U);
    EXPECT_EQ(report.searched, (std::vector<std::string>{"default password: not tried.",
                                                         "4-digit PIN: 500 of 10,000 candidates were tried.",
                                                         "given at last: not tried."}));
}

TEST_F(Run, SaysThatTheDefaultPasswordIsTheFootersThoughUserdataIsOfAnotherInstallation)
{
    // What flashing a fresh system and then only the old userdata leaves: a new footer beside old data.
    const Phone phone{with_check_value(),
                      {.password = "default_password", .wrapped_with = "the old key", .has_check_value = true}};
    const auto report = search_for(phone.subject, four_digits(), {}, {}).unwrap();
    ASSERT_EQ(report.found.size(), 1U);
    EXPECT_TRUE(report.found.front().is_for_footer_only);
    EXPECT_TRUE(report.found.front().master_key.is_empty());
    EXPECT_EQ(report.found.front().step, "default password");
}

/// Asks for a stop after so many candidates.
class StopAfter final : public Progress {
public:
    StopAfter(std::uint64_t candidates, std::stop_source& stop) : candidates_{candidates}, stop_{&stop} {}
    void update(const ProgressUpdate& update) override
    {
        if (update.done >= candidates_) {
            stop_->request_stop();
        }
    }

private:
    std::uint64_t candidates_;
    std::stop_source* stop_;
};

TEST_F(Run, StoppedGoesOnWithItsSessionAndFindsTheSame)
{
    const auto phone = phone_with_pin("9173");
    std::stop_source stop;
    StopAfter progress{1, stop};
    RunContext context;
    context.stop = stop.get_token();
    context.progress = &progress;
    const auto first = search_for(phone.subject, four_digits(), with_session(), context).unwrap();
    if (first.end == password::SearchEnd::stopped) { // a machine may be quick enough to be through before
        EXPECT_TRUE(first.found.empty());
        EXPECT_GT(first.state.next, 0U);
    }
    const auto second = search_for(phone.subject, four_digits(), with_session(), {}).unwrap();
    EXPECT_TRUE(second.was_resumed);
    ASSERT_EQ(second.found.size(), 1U);
    EXPECT_EQ(as_text(second.found.front().found.secret.expose()), "9173");

    const auto third = search_for(phone.subject, four_digits(), with_session(), {}).unwrap();
    ASSERT_EQ(third.found.size(), 1U) << "a finished search tells its hit again";
    EXPECT_EQ(third.tried, 0U);
}

TEST_F(Run, StoppedBeforeItBeginsHasDoneNothingAndKeepsItsSession)
{
    const auto phone = phone_with_pin("9173");
    std::stop_source stop;
    stop.request_stop();
    RunContext context;
    context.stop = stop.get_token();
    const auto report = search_for(phone.subject, four_digits(), with_session(), context).unwrap();
    EXPECT_EQ(report.end, password::SearchEnd::stopped);
    EXPECT_EQ(report.tried, 0U);
    EXPECT_TRUE(std::filesystem::exists(session()));
}

TEST_F(Run, RefusesTheSessionOfAnotherFooterPlanOrRange)
{
    const auto phone = phone_with_pin("not a pin");
    ASSERT_TRUE(is_ok(search_for(phone.subject, four_digits(), with_session(), {})));

    auto other_plan = four_digits();
    other_plan.pop_back();
    EXPECT_TRUE(fails_with(search_for(phone.subject, other_plan, with_session(), {}), ErrorCode::mismatch));
    const auto other_phone = phone_with_pin("another");
    EXPECT_TRUE(fails_with(search_for(other_phone.subject, four_digits(), with_session(), {}), ErrorCode::mismatch));
    auto other_range = with_session();
    other_range.skip = 5;
    EXPECT_TRUE(fails_with(search_for(phone.subject, four_digits(), other_range, {}), ErrorCode::mismatch));
    other_range.skip = 0;
    other_range.limit = 5;
    EXPECT_TRUE(fails_with(search_for(phone.subject, four_digits(), other_range, {}), ErrorCode::mismatch));
    EXPECT_TRUE(is_ok(search_for(phone.subject, four_digits(), with_session(), {})));
}

TEST_F(Run, TellsASessionThatCannotBeWrittenBeforeItSearches)
{
    const auto phone = phone_with_pin("9173");
    SearchRun run;
    run.session_file = folder_.path() / "no" / "folder" / "a.session";
    const auto before = phone.unlocker->derivations.load();
    EXPECT_FALSE(search_for(phone.subject, four_digits(), run, {}).has_value());
    EXPECT_EQ(phone.unlocker->derivations.load(), before);
}

TEST_F(Run, OfADamagedSessionIsAnErrorAndNotANewStart)
{
    const auto phone = phone_with_pin("9173");
    static_cast<void>(folder_.write("a.session", as_bytes("salvage-session=2\nrubbish")));
    EXPECT_TRUE(fails_with(search_for(phone.subject, four_digits(), with_session(), {}), ErrorCode::malformed));
}

TEST_F(Run, OfNoStepsMeansNothing)
{
    const auto phone = phone_with_pin("9173");
    EXPECT_TRUE(fails_with(search_for(phone.subject, {}, {}, {}), ErrorCode::invalid_argument));
}

/// Keeps what is logged.
class Memo final : public Log {
public:
    void write(std::string_view event, std::string_view text) override { all += fmt::format("{}: {}\n", event, text); }
    std::string all;
};

TEST_F(Run, KeepsTheSecretOutOfLogsSentencesAndErrors)
{
    Phone phone = phone_with_pin("9173");
    Memo log;
    RunContext context;
    context.log = &log;
    const auto report = search_for(phone.subject, four_digits(), with_session(), context).unwrap();
    ASSERT_EQ(report.found.size(), 1U);
    auto all = log.all + report.found.front().step + report.found.front().how;
    for (const auto& line : report.searched) {
        all += line;
    }
    for (const auto& line : report.found.front().found.proof) {
        all += line;
    }
    EXPECT_EQ(all.find("9173"), std::string::npos) << all;
    EXPECT_EQ(all.find(fmt::format("{}", report.found.front().found.index)), std::string::npos)
        << "the number of a PIN is the PIN";
    phone.unlocker->failing_secret = "9173";
    const auto failed = search_for(phone.subject, four_digits(), {}, {});
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(to_string(failed.error()).find("9173"), std::string::npos);
}

TEST_F(Run, HasASessionNameOfItsOwn)
{
    const auto phone = phone_with_pin("9173");
    const auto name = name_for(phone.subject, four_digits(), {}).unwrap();
    EXPECT_EQ(name, name_for(phone.subject, four_digits(), {}).unwrap());
    EXPECT_TRUE(name.starts_with("salvage-") && name.ends_with(".session")) << name;
    SearchRun part;
    part.skip = 100;
    EXPECT_NE(name, name_for(phone.subject, four_digits(), part).unwrap());
    EXPECT_NE(name, name_for(phone_with_pin("1").subject, four_digits(), {}).unwrap());
}

} // namespace
} // namespace salvage::rescue
