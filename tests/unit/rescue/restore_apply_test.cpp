// Applying a plan: its order, and every check before the first write.
#include <filesystem>
#include <fstream>
#include <functional>

#include <gtest/gtest.h>

#include "restore_apply_support.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;
using test::fails_with;
using test::FakeTarget;
using test::is_ok;

TEST_F(RestoreApplyTest, WritesThePlanInItsOrder)
{
    const auto target = phone();
    const auto report = apply_restore(plan_, *target, request(), {});
    ASSERT_TRUE(is_ok(report));
    expect_restored(*target);
    const std::vector<std::pair<std::string, std::size_t>> expected{{"secro", 0},    {"secro", 1},    {"secro", 2},
                                                                    {"userdata", 0}, {"userdata", 1}, {"userdata", 2},
                                                                    {"userdata", 3}, {"metadata", 0}};
    EXPECT_EQ(target->writes, expected);
    EXPECT_TRUE(target->is_finished);
    EXPECT_EQ(asked_, 1);
    EXPECT_FALSE(report->is_dry_run);
    for (const auto& step : report->steps) {
        EXPECT_EQ(step.state, State::written);
    }
}

TEST_F(RestoreApplyTest, WritesNothingWithoutBeingTold)
{
    const auto target = phone();
    const auto report = apply_restore(plan_, *target, request(ApplyRequest::Mode::dry_run), {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_TRUE(report->is_dry_run);
    EXPECT_TRUE(target->writes.empty());
    EXPECT_EQ(asked_, 0);
    EXPECT_FALSE(fs::exists(journal_));
    EXPECT_EQ(report->steps[1].pieces, 4U);
    EXPECT_EQ(report->steps[1].state, State::would_write);
}

TEST_F(RestoreApplyTest, WritesNothingWhereThePersonSaysNo)
{
    const auto target = phone();
    is_confirmed_ = false;
    EXPECT_TRUE(fails_with(apply_restore(plan_, *target, request(), {}), ErrorCode::cancelled));
    EXPECT_TRUE(target->writes.empty());
    auto silent = request();
    silent.confirm = nullptr;
    EXPECT_TRUE(fails_with(apply_restore(plan_, *target, silent, {}), ErrorCode::cancelled));
    EXPECT_TRUE(target->writes.empty());
}

struct Difference {
    std::string name;
    std::function<void(FakeTarget&, const fs::path& dump)> change;
    ErrorCode code{ErrorCode::mismatch};
};

TEST_F(RestoreApplyTest, StopsBeforeTheFirstWriteOnEachDifference)
{
    const std::vector<Difference> differences{
        {"product", [](FakeTarget& t, const fs::path&) { t.says.product = "K11"; }},
        {"no product", [](FakeTarget& t, const fs::path&) { t.says.product.reset(); }},
        {"serial", [](FakeTarget& t, const fs::path&) { t.says.serial = "0124"; }},
        {"lock state not told", [](FakeTarget& t, const fs::path&) { t.says.is_unlocked.reset(); }},
        {"locked", [](FakeTarget& t, const fs::path&) { t.says.is_unlocked = false; }, ErrorCode::refused},
        {"max download", [](FakeTarget& t, const fs::path&) { t.says.max_download = ByteCount{65536}; }},
        {"size of the last", [](FakeTarget& t, const fs::path&) { t.partitions["metadata"].resize(0x8200); }},
        {"too small", [](FakeTarget& t, const fs::path&) { t.partitions["userdata"].resize(65536); }},
        {"image",
         [](FakeTarget&, const fs::path& dump) {
             std::fstream file{dump, std::ios::in | std::ios::out | std::ios::binary};
             file.seekp(static_cast<std::streamoff>((7 * 65536) + 0x7FFF)); // the last byte of the last image
             file.put('\x11');
         }},
        {"image cut", [](FakeTarget&, const fs::path& dump) { fs::resize_file(dump, 7ULL * 65536); },
         ErrorCode::truncated},
        {"image gone", [](FakeTarget&, const fs::path& dump) { fs::remove(dump); }, ErrorCode::io},
    };
    const auto original = test::read_file(dump_);
    for (const auto& difference : differences) {
        dump_ = folder_.write("dump.img", original);
        const auto target = phone();
        difference.change(*target, dump_);
        EXPECT_TRUE(fails_with(apply_restore(plan_, *target, request(), {}), difference.code)) << difference.name;
        EXPECT_TRUE(target->writes.empty()) << difference.name;
        EXPECT_FALSE(fs::exists(journal_)) << difference.name;
        EXPECT_EQ(asked_, 0) << difference.name;
    }
}

TEST_F(RestoreApplyTest, ComparesOnlyWhatWasKnownWhenThePlanWasMade)
{
    plan_.phone = {};
    const auto target = phone();
    target->says = {.product = "anything", .serial = "at all", .is_unlocked = true, .max_download = ByteCount{65536}};
    EXPECT_TRUE(is_ok(apply_restore(plan_, *target, request(), {})));
    expect_restored(*target);
}

TEST_F(RestoreApplyTest, WantsTheHashOfThisPlan)
{
    const auto target = phone();
    auto wrong = request();
    for (const auto& hash : {std::string{}, std::string(64, '0'), hash_of(plan_).substr(0, 11)}) {
        wrong.hash = hash;
        EXPECT_TRUE(fails_with(apply_restore(plan_, *target, wrong, {}), ErrorCode::mismatch)) << hash;
    }
    EXPECT_TRUE(target->writes.empty());
    auto changed = plan_;
    changed.steps[0].why = "another";
    EXPECT_TRUE(fails_with(apply_restore(changed, *target, request(), {}), ErrorCode::mismatch));
    wrong.hash = hash_of(plan_).substr(0, 12);
    EXPECT_TRUE(is_ok(apply_restore(plan_, *target, wrong, {})));
}

TEST_F(RestoreApplyTest, DoesNotApplyAPlanWithAConflict)
{
    plan_.conflicts.push_back({.code = "partition-absent",
                               .severity = Severity::error,
                               .text = "not there",
                               .where = {},
                               .numbers = {},
                               .words = {}});
    const auto target = phone();
    EXPECT_TRUE(fails_with(apply_restore(plan_, *target, request(), {}), ErrorCode::refused));
    EXPECT_TRUE(target->writes.empty());
}

TEST_F(RestoreApplyTest, ChecksThePlaceThatTheAgentWouldWriteTo)
{
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
        plan_.steps[i].tool = RestoreTool::da_write;
        plan_.steps[i].start = ByteOffset{i * 16 * unit_};
    }
    const auto place = [&](FakeTarget& target) {
        for (const auto& step : plan_.steps) {
            target.starts[step.partition] = step.start->value;
        }
    };
    const auto moved = phone(RestoreTool::da_write);
    place(*moved);
    moved->starts["metadata"] += 512;
    EXPECT_TRUE(fails_with(apply_restore(plan_, *moved, request(), {}), ErrorCode::mismatch));
    const auto absent = phone(RestoreTool::da_write);
    place(*absent);
    absent->partitions.erase("metadata");
    EXPECT_TRUE(fails_with(apply_restore(plan_, *absent, request(), {}), ErrorCode::mismatch));
    EXPECT_TRUE(moved->writes.empty() && absent->writes.empty());
    const auto right = phone(RestoreTool::da_write);
    place(*right);
    EXPECT_TRUE(is_ok(apply_restore(plan_, *right, request(), {})));
    expect_restored(*right);
}

TEST_F(RestoreApplyTest, LeavesTheStepsOfOtherToolsAlone)
{
    plan_.steps[1].tool = RestoreTool::flash_tool;
    const auto target = phone();
    const auto before = target->partitions.at("userdata");
    const auto report = apply_restore(plan_, *target, request(), {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(target->partitions.at("userdata"), before);
    EXPECT_EQ(report->steps[1].state, State::other_tool);
    for (auto& step : plan_.steps) {
        step.tool = RestoreTool::flash_tool;
    }
    EXPECT_TRUE(fails_with(apply_restore(plan_, *target, request(), {}), ErrorCode::invalid_argument));
}

} // namespace
} // namespace salvage::rescue
