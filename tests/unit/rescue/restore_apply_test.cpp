// Applying a plan: every check before the first write, every piece journaled, every interruption resumed; and
// verifying.
#include <algorithm>
#include <fstream>
#include <functional>
#include <limits>
#include <set>

#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "rescue/restore_journal.hpp"
#include "restore_phone.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/rescue/restore.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;
using test::fails_with;
using test::FakeTarget;
using test::is_ok;

constexpr std::uint64_t mib = 1U << 20U;

Bytes noise(std::size_t size, std::uint32_t seed)
{
    Bytes out(size);
    for (auto& byte : out) {
        seed = (seed * 1664525U) + 1013904223U;
        byte = static_cast<std::byte>(seed >> 24U);
    }
    return out;
}

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

/// A backup of three partitions in one file, a plan for it, and phones to write to.
class RestoreApplyTest : public ::testing::Test {
protected:
    void SetUp() override { prepare(64U << 10U); }

    /// Pieces are of `unit` bytes: three for secro, four for userdata, one for metadata.
    void prepare(std::uint64_t unit)
    {
        unit_ = unit;
        plan_ = {};
        const auto bytes = noise(8 * unit, 7);
        dump_ = folder_.write("dump.img", bytes);
        add_step("secro", 0, (2 * unit) + 512);
        add_step("userdata", 3 * unit, (4 * unit) - 3584);
        add_step("metadata", 7 * unit, unit / 2);
        plan_.source = dump_.string();
        plan_.verdict = "needs-phone-key";
        plan_.phone = {.product = "K10", .serial = "0123", .is_unlocked = true, .max_download = ByteCount{8 * unit}};
        journal_ = folder_.path() / "PLAN.json.journal";
    }

    void add_step(const std::string& partition, std::uint64_t at, std::uint64_t size)
    {
        const auto bytes = test::read_file(dump_);
        RestoreStep step;
        step.partition = partition;
        step.image.path = dump_.string();
        step.image.range = *ByteRange::make(ByteOffset{at}, ByteCount{size});
        step.image.sha256 = to_hex(crypto::sha256(ByteView{bytes}.subspan(at, size)));
        step.phone_size = ByteCount{size};
        step.why = "a test needs it";
        step.bytes_a_second = ByteCount{mib};
        plan_.steps.push_back(step);
    }

    [[nodiscard]] std::unique_ptr<FakeTarget> phone(RestoreTool tool = RestoreTool::fastboot) const
    {
        auto out = std::make_unique<FakeTarget>(tool);
        out->says = plan_.phone;
        out->piece = unit_;
        std::uint32_t seed = 99;
        for (const auto& step : plan_.steps) {
            out->partitions[step.partition] = noise(step.image.range.size().value, ++seed);
        }
        out->partitions["nvram"] = noise(4096, 5);
        return out;
    }

    [[nodiscard]] ApplyRequest request(ApplyRequest::Mode mode = ApplyRequest::Mode::write)
    {
        return {.hash = hash_of(plan_),
                .journal = journal_,
                .mode = mode,
                .confirm = [this](const RestorePlan& /*plan*/, const PhoneFacts& /*phone*/) {
                    ++asked_;
                    return is_confirmed_;
                }};
    }

    void expect_restored(const FakeTarget& target) const
    {
        const auto bytes = test::read_file(dump_);
        for (const auto& step : plan_.steps) {
            const auto& range = step.image.range;
            const auto wanted = ByteView{bytes}.subspan(range.start().value, range.size().value);
            EXPECT_TRUE(std::ranges::equal(target.partitions.at(step.partition), wanted)) << step.partition;
        }
        EXPECT_EQ(target.partitions.at("nvram"), noise(4096, 5));
        EXPECT_EQ(target.partitions.size(), plan_.steps.size() + 1) << "something outside of the plan was written";
    }

    test::TemporaryFolder folder_;
    fs::path dump_;
    fs::path journal_;
    RestorePlan plan_;
    std::uint64_t unit_{};
    int asked_{0};
    bool is_confirmed_{true};
};

using State = AppliedStep::State;

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

// ---- verify
// ----------------------------------------------------------------------------------------------------------

/// What the fake phone holds, read back in uneven pieces.
class FakeReadBack final : public ReadBack {
public:
    explicit FakeReadBack(const FakeTarget& target) : target_{&target} {}
    std::uint64_t chunk{700'001};
    std::uint64_t missing{0}; ///< so many bytes are not handed over

    [[nodiscard]] Result<PhonePartitionFacts> find(const RestoreStep& step) override
    {
        return PhonePartitionFacts{.name = step.partition, .start = ByteOffset{0x1000}, .size = {}};
    }
    Result<> read(const PhonePartitionFacts& partition, ByteCount size, const Sink& sink,
                  const RunContext& /*context*/) override
    {
        const auto& bytes = target_->partitions.at(partition.name);
        const auto end = size.value - std::min(missing, size.value);
        for (std::uint64_t at = 0; at < end; at += chunk) {
            SALVAGE_TRY(sink(ByteOffset{at}, ByteView{bytes}.subspan(at, std::min(chunk, end - at))));
        }
        return {};
    }

private:
    const FakeTarget* target_;
};

TEST_F(RestoreApplyTest, VerifiesWhatWasWritten)
{
    prepare(mib);
    const auto target = phone();
    ASSERT_TRUE(is_ok(apply_restore(plan_, *target, request(), {})));
    FakeReadBack read_back{*target};
    const auto report = verify_restore(plan_, read_back, {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_FALSE(report->first_mismatch());
    ASSERT_EQ(report->steps.size(), 3U);
    EXPECT_EQ(report->steps[1].sha256, plan_.steps[1].image.sha256);
    EXPECT_EQ(report->steps[1].mib, 4U);
}

TEST_F(RestoreApplyTest, FindsTheFirstByteThatDiffers)
{
    prepare(mib);
    const auto target = phone();
    ASSERT_TRUE(is_ok(apply_restore(plan_, *target, request(), {})));
    const auto last = plan_.steps[1].image.range.size().value - 1;
    for (const auto at :
         std::initializer_list<std::uint64_t>{0, 1, mib - 1, mib, 700'000, 700'001, (2 * mib) + 5, last}) {
        auto& byte = target->partitions["userdata"][at];
        byte = ~byte;
        auto& later = target->partitions["userdata"][last];
        later = at == last ? later : ~later;
        FakeReadBack read_back{*target};
        const auto report = verify_restore(plan_, read_back, {});
        ASSERT_TRUE(is_ok(report));
        EXPECT_TRUE(report->steps[0].is_same);
        EXPECT_FALSE(report->steps[1].is_same);
        EXPECT_EQ(report->steps[1].first_difference, ByteOffset{at});
        EXPECT_EQ(report->steps[1].on_phone, ByteOffset{0x1000 + at});
        EXPECT_EQ(report->steps[1].found, std::to_integer<std::uint8_t>(byte));
        EXPECT_EQ(report->steps[1].expected, std::to_integer<std::uint8_t>(~byte));
        EXPECT_EQ(report->steps[1].differing_mib, at / mib == last / mib ? 1U : 2U);
        ASSERT_TRUE(report->first_mismatch());
        EXPECT_EQ(report->first_mismatch()->code, ErrorCode::mismatch);
        EXPECT_NE(report->first_mismatch()->what.find("userdata"), std::string::npos);
        byte = ~byte;
        later = at == last ? later : ~later;
    }
}

TEST_F(RestoreApplyTest, NeverCallsAShortReadBackVerified)
{
    prepare(mib);
    const auto target = phone();
    ASSERT_TRUE(is_ok(apply_restore(plan_, *target, request(), {})));
    FakeReadBack read_back{*target};
    read_back.missing = 1;
    EXPECT_TRUE(fails_with(verify_restore(plan_, read_back, {}), ErrorCode::truncated));
}

TEST_F(RestoreApplyTest, ProvesNothingByAnImageThatChanged)
{
    prepare(mib);
    const auto target = phone();
    ASSERT_TRUE(is_ok(apply_restore(plan_, *target, request(), {})));
    std::fstream file{dump_, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(0);
    file.put('\x7E');
    file.close();
    target->partitions["secro"][0] = std::byte{0x7E};
    FakeReadBack read_back{*target};
    EXPECT_TRUE(fails_with(verify_restore(plan_, read_back, {}), ErrorCode::mismatch));
}

} // namespace
} // namespace salvage::rescue
