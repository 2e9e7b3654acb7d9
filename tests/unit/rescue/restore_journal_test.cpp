// Applying a plan: every piece journaled, every interruption resumed.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "rescue/restore_journal.hpp"
#include "restore_apply_support.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;
using test::fails_with;
using test::is_ok;

/// A file that flushing costs nothing, where the system has such a place; gone with the object.
class InMemory {
public:
    InMemory() = default;
    InMemory(const InMemory&) = delete;
    InMemory& operator=(const InMemory&) = delete;
    ~InMemory() { fs::remove(path()); }
    [[nodiscard]] fs::path path() const { return folder_ / fmt::format("salvage-restore-{}.journal", ::getpid()); }

private:
    fs::path folder_{fs::is_directory("/dev/shm") ? fs::path{"/dev/shm"} : fs::temp_directory_path()};
};

TEST_F(RestoreApplyTest, GoesOnWhereItWasStoppedAtEveryPiece)
{
    for (const auto fails : {FakeTarget::Fails::before, FakeTarget::Fails::after}) {
        for (std::size_t n = 1; n <= 8; ++n) {
            fs::remove(journal_);
            const auto target = phone();
            target->failing_write = n;
            target->fails = fails;
            EXPECT_TRUE(fails_with(apply_restore(plan_, *target, request(), {}), ErrorCode::disconnected)) << n;
            const auto done = target->writes.size();
            target->failing_write.reset();
            target->writes.clear();
            const auto report = apply_restore(plan_, *target, request(), {});
            ASSERT_TRUE(is_ok(report)) << n;
            EXPECT_TRUE(report->is_resumed);
            expect_restored(*target);
            // What was accepted is not sent again; what had landed unseen is.
            const auto unseen = fails == FakeTarget::Fails::after ? 1U : 0U;
            EXPECT_EQ(done + target->writes.size(), 8U + unseen) << n;
            target->writes.clear();
            const auto again = apply_restore(plan_, *target, request(), {});
            ASSERT_TRUE(is_ok(again));
            EXPECT_TRUE(target->writes.empty()) << "all was done";
            EXPECT_EQ(again->steps[2].state, State::written_before);
        }
    }
}

TEST_F(RestoreApplyTest, SaysInTheJournalWhereItFailed)
{
    const auto target = phone();
    target->failing_write = 6;
    EXPECT_TRUE(fails_with(apply_restore(plan_, *target, request(), {}), ErrorCode::disconnected));
    const auto bytes = test::read_file(journal_);
    const std::string text{as_text(bytes)};
    EXPECT_NE(text.find(R"("event":"failed")"), std::string::npos);
    EXPECT_NE(text.find(R"("step":1,"piece":2,"error":"disconnected: the cable was pulled")"), std::string::npos)
        << text;
}

TEST_F(RestoreApplyTest, ResumesFromAJournalThatIsTornAtAnyLength)
{
    prepare(8U << 10U);
    const InMemory memory;
    journal_ = memory.path();
    const auto first = phone();
    ASSERT_TRUE(is_ok(apply_restore(plan_, *first, request(), {})));
    const auto whole = test::read_file(journal_);
    ASSERT_GT(whole.size(), 500U);
    for (std::size_t length = 0; length < whole.size(); ++length) {
        std::ofstream{journal_, std::ios::binary | std::ios::trunc}.write(as_text(whole).data(),
                                                                          static_cast<std::streamsize>(length));
        // The phone holds what the journal proves, and garbage elsewhere: what was done is not redone, what was not is.
        const auto state = parse_journal(as_text(ByteView{whole}.first(length)), plan_.steps.size());
        const auto target = phone();
        std::size_t proven = 0;
        for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
            const auto known =
                std::min<std::size_t>(state.steps[i].next * unit_, plan_.steps[i].image.range.size().value);
            const auto source = first->partitions.at(plan_.steps[i].partition);
            std::ranges::copy(ByteView{source}.first(known), target->partitions[plan_.steps[i].partition].begin());
            proven += state.steps[i].next;
        }
        ASSERT_TRUE(is_ok(apply_restore(plan_, *target, request(), {}))) << length;
        EXPECT_EQ(target->writes.size(), 8 - proven) << length;
        expect_restored(*target);
    }
}

TEST_F(RestoreApplyTest, StartsAStepAnewWhereThePiecesAreOthers)
{
    plan_.phone.max_download.reset();
    const auto target = phone();
    target->failing_write = 6;
    EXPECT_TRUE(fails_with(apply_restore(plan_, *target, request(), {}), ErrorCode::disconnected));
    target->failing_write.reset();
    target->piece = 3 * unit_;
    ASSERT_TRUE(is_ok(apply_restore(plan_, *target, request(), {})));
    expect_restored(*target);
}

TEST_F(RestoreApplyTest, DoesNotGoOnOnAnotherPhoneOrWithAnotherPlan)
{
    plan_.phone = {};
    const auto target = phone();
    target->says.serial = "one";
    target->failing_write = 3;
    EXPECT_TRUE(fails_with(apply_restore(plan_, *target, request(), {}), ErrorCode::disconnected));
    const auto other = phone();
    other->says.serial = "two";
    EXPECT_TRUE(fails_with(apply_restore(plan_, *other, request(), {}), ErrorCode::mismatch));
    EXPECT_TRUE(other->writes.empty());
    plan_.notes.emplace_back("another plan");
    target->writes.clear();
    target->failing_write.reset();
    EXPECT_TRUE(fails_with(apply_restore(plan_, *target, request(), {}), ErrorCode::mismatch));
    EXPECT_TRUE(target->writes.empty());
}

TEST_F(RestoreApplyTest, TakesNoJournalForMoreThanItProves)
{
    const auto begin = std::string{R"({"schema":"salvage.restore-journal/1","event":"begin","plan":"p","phone":"x"})"};
    const auto parse = [&](const std::string& rest) { return parse_journal(begin + "\n" + rest, 2); };
    EXPECT_FALSE(parse(R"({"event":"done","step":0})"
                       "\n")
                     .steps[0]
                     .is_done)
        << "done without a begin";
    const auto gap = parse(R"({"event":"step","step":0,"pieces":3,"most":1})"
                           "\n"
                           R"({"event":"piece","step":0,"piece":1})"
                           "\n"
                           R"({"event":"done","step":0})"
                           "\n");
    EXPECT_EQ(gap.steps[0].next, 0U) << "piece 0 is not there";
    EXPECT_FALSE(gap.steps[0].is_done);
    const auto vast = parse(R"({"event":"step","step":18446744073709551615,"pieces":18446744073709551615,"most":1})"
                            "\n"
                            R"([1,2,3])"
                            "\nnot json\n");
    EXPECT_EQ(vast.steps.size(), 2U);
    EXPECT_TRUE(parse_journal("half a li", 2).is_torn);
    EXPECT_FALSE(parse_journal(R"({"event":"begin","plan":"p"})"
                               "\n",
                               2)
                     .has_begun)
        << "no journal of ours";
}

} // namespace
} // namespace salvage::rescue
