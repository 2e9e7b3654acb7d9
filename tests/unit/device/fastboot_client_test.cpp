// The host's end of fastboot against a bootloader that says whatever the test wants.
#include <deque>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "salvage/device/fastboot.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"

namespace salvage::device {
namespace {

using namespace literals;
using test::fails_with;
using test::is_ok;

Error of(ErrorCode code)
{
    return Error{code, "as the test wants", {}, std::nullopt, {}, {}};
}

/// What went over the link, and what it says next.
struct Script {
    std::deque<Result<std::string>> answers;
    std::vector<Bytes> sent;
    std::size_t time_outs{0}; ///< before the next answer
    std::vector<Timeout> waits;

    [[nodiscard]] std::string command(std::size_t number) const { return std::string{as_text(sent.at(number))}; }
};

class ScriptedLink final : public FastbootLink {
public:
    explicit ScriptedLink(std::shared_ptr<Script> script) : script_{std::move(script)} {}
    Result<> send(ByteView bytes, Timeout /*timeout*/) override
    {
        script_->sent.emplace_back(bytes.begin(), bytes.end());
        return {};
    }
    Result<std::string> receive(Timeout timeout) override
    {
        script_->waits.push_back(timeout);
        if (script_->time_outs > 0) {
            --script_->time_outs;
            return of(ErrorCode::timed_out);
        }
        if (script_->answers.empty()) {
            return of(ErrorCode::timed_out);
        }
        auto answer = std::move(script_->answers.front());
        script_->answers.pop_front();
        return answer;
    }
    [[nodiscard]] std::string name() const override { return "script"; }

private:
    std::shared_ptr<Script> script_;
};

class FastbootClient : public ::testing::Test {
protected:
    void say(std::initializer_list<std::string_view> answers)
    {
        for (const auto answer : answers) {
            script_->answers.emplace_back(std::string{answer});
        }
    }
    std::shared_ptr<Script> script_ = std::make_shared<Script>();
    std::vector<std::string> lines_;
    Fastboot fastboot_{std::make_unique<ScriptedLink>(script_),
                       [this](std::string_view line) { lines_.emplace_back(line); }};
    RunContext context_;
};

TEST_F(FastbootClient, TrimsTheValueOfAVariable)
{
    using namespace std::string_view_literals;
    say({"OKAY  0.5 \r\n\0"sv});
    const auto value = fastboot_.variable("version");
    ASSERT_TRUE(is_ok(value));
    EXPECT_EQ(*value, "0.5");
    EXPECT_EQ(script_->command(0), "getvar:version");
}

TEST_F(FastbootClient, TakesAnEmptyOkayAndAFailForAVariableThatIsNotKnown)
{
    say({"OKAY", "OKAY \t", "FAILGetVar Variable Not found"});
    for (int i = 0; i < 3; ++i) {
        const auto value = fastboot_.variable("has-slot:userdata");
        ASSERT_TRUE(is_ok(value));
        EXPECT_FALSE(value->has_value()) << i;
    }
}

TEST_F(FastbootClient, ReadsAllVariablesFromItsLines)
{
    say({"INFO\tmax-download-size: 0x8000000", "INFO\tpartition-size:userdata: 31fdfc000", "INFOversion:0.4",
         "INFOpartition-type:boot:raw", "INFOhw-revision: a: b", "INFOkernel:", "INFOno colon here", "OKAYDone!!"});
    const auto all = fastboot_.all_variables();
    ASSERT_TRUE(is_ok(all));
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    EXPECT_EQ(*all, (Pairs{{"max-download-size", "0x8000000"},
                           {"partition-size:userdata", "31fdfc000"},
                           {"version", "0.4"},
                           {"partition-type:boot", "raw"},
                           {"hw-revision", "a: b"},
                           {"kernel", ""}}));
    EXPECT_TRUE(lines_.empty()) << "they are no talk";
}

TEST_F(FastbootClient, HasNoVariablesWhereTheBootloaderListsNone)
{
    say({"FAILunknown variable"});
    const auto all = fastboot_.all_variables();
    ASSERT_TRUE(is_ok(all));
    EXPECT_TRUE(all->empty());
}

TEST_F(FastbootClient, ReadsTheLargestDownloadInEveryWriting)
{
    const std::vector<std::pair<std::string_view, std::uint64_t>> cases{
        {"OKAY0x8000000", 0x8000000},     {"OKAY0X08000000 ", 0x8000000}, {"OKAY134217728", 134217728},
        {"OKAY1c000000", 0x1c000000},     {"OKAY", 512U << 20U},          {"FAILunknown", 512U << 20U},
        {"OKAY0xffffffffff", 0xFFFFFFFF}, {"OKAY 268435456\n", 268435456}};
    for (const auto& [answer, size] : cases) {
        say({answer});
        const auto most = fastboot_.max_download();
        ASSERT_TRUE(is_ok(most)) << answer;
        EXPECT_EQ(most->value, size) << answer;
    }
    for (const std::string_view nonsense :
         {"OKAY0", "OKAY0x", "OKAYmuch", "OKAY-1", "OKAY0x-1", "OKAY12 34", "OKAY99999999999999999999"}) {
        say({nonsense});
        EXPECT_TRUE(fails_with(fastboot_.max_download(), ErrorCode::malformed)) << nonsense;
    }
}

TEST_F(FastbootClient, PassesLinesOnAndReturnsTheWordsOfTheOkay)
{
    say({"INFOerasing userdata", "TEXThalf a line", "OKAYdone"});
    const auto text = fastboot_.command("oem unlock", Fastboot::Patience::usual, context_);
    ASSERT_TRUE(is_ok(text));
    EXPECT_EQ(*text, "done");
    EXPECT_EQ(lines_, (std::vector<std::string>{"erasing userdata", "half a line"}));
    EXPECT_EQ(script_->command(0), "oem unlock");
}

TEST_F(FastbootClient, RefusedBringsTheBootloadersWordsAndLeavesItUsable)
{
    say({"FAILnot allowed in locked state", "OKAY0.5"});
    const auto erased = fastboot_.erase("userdata", context_);
    ASSERT_TRUE(fails_with(erased, ErrorCode::refused));
    EXPECT_NE(erased.error().why.find("not allowed in locked state"), std::string::npos);
    EXPECT_TRUE(is_ok(fastboot_.variable("version")));
}

TEST_F(FastbootClient, ShowsAnAnswerItDoesNotUnderstand)
{
    const std::string long_answer = "OKAY" + std::string(300, 'x');
    for (const std::string_view nonsense : {std::string_view{"HELLO"}, std::string_view{""}, std::string_view{"OK"},
                                            std::string_view{"DATAxyz"}, std::string_view{long_answer}}) {
        Fastboot fastboot{std::make_unique<ScriptedLink>(script_)};
        say({nonsense});
        const auto value = fastboot.variable("version");
        ASSERT_TRUE(fails_with(value, ErrorCode::malformed)) << nonsense;
        EXPECT_NE(value.error().why.find(nonsense.substr(0, 5)), std::string::npos) << value.error().why;
    }
}

TEST_F(FastbootClient, IsNotKeptForEverByLines)
{
    for (int i = 0; i < 10000; ++i) {
        say({"INFOstill there"});
    }
    EXPECT_TRUE(fails_with(fastboot_.variable("version"), ErrorCode::malformed));
    EXPECT_GT(script_->answers.size(), 5000U);
}

TEST_F(FastbootClient, IsOfNoUseOnceItIsOutOfStep)
{
    say({});
    EXPECT_TRUE(fails_with(fastboot_.variable("version"), ErrorCode::timed_out));
    say({"OKAYthe late answer"});
    EXPECT_TRUE(fails_with(fastboot_.variable("product"), ErrorCode::disconnected));
    EXPECT_EQ(script_->sent.size(), 1U) << "nothing more was said";
}

TEST_F(FastbootClient, RefusesWhatABootloaderWouldCutOrMisread)
{
    EXPECT_TRUE(fails_with(fastboot_.erase(std::string(59, 'a'), context_), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(fastboot_.erase("", context_), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(fastboot_.variable("a\nb"), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(fastboot_.command("", Fastboot::Patience::usual, context_), ErrorCode::invalid_argument));
    EXPECT_TRUE(script_->sent.empty());
    say({"OKAY"});
    EXPECT_TRUE(is_ok(fastboot_.erase(std::string(58, 'a'), context_))) << "64 bytes are taken";
}

TEST_F(FastbootClient, WaitsForAPersonWithoutALimit)
{
    script_->time_outs = 100000; // of 50 ms
    say({"OKAY"});
    EXPECT_TRUE(is_ok(fastboot_.command("oem unlock", Fastboot::Patience::waits_for_person, context_)));
}

TEST_F(FastbootClient, GivesUpOnASilentBootloaderAfterFiveMinutes)
{
    EXPECT_TRUE(fails_with(fastboot_.command("oem lock", Fastboot::Patience::usual, context_), ErrorCode::timed_out));
    Timeout waited{0};
    for (const auto wait : script_->waits) {
        EXPECT_LE(wait, Timeout{50}) << "a stop is heard within 50 ms";
        waited += wait;
    }
    EXPECT_EQ(waited, Timeout{300000});
}

TEST_F(FastbootClient, StopsWaitingForAPersonWhenAsked)
{
    std::stop_source stop;
    stop.request_stop();
    context_.stop = stop.get_token();
    EXPECT_TRUE(fails_with(fastboot_.command("oem unlock", Fastboot::Patience::waits_for_person, context_),
                           ErrorCode::cancelled));
}

TEST_F(FastbootClient, CountsAPhoneThatGoesAsRebooted)
{
    script_->answers.emplace_back(of(ErrorCode::disconnected));
    EXPECT_TRUE(is_ok(fastboot_.reboot("bootloader")));
    EXPECT_EQ(script_->command(0), "reboot-bootloader");

    Fastboot other{std::make_unique<ScriptedLink>(script_)};
    say({"OKAY"});
    EXPECT_TRUE(is_ok(other.reboot("")));
    EXPECT_EQ(script_->command(1), "reboot");

    Fastboot silent{std::make_unique<ScriptedLink>(script_)};
    EXPECT_TRUE(fails_with(silent.reboot(""), ErrorCode::timed_out));
}

Bytes numbered(std::size_t size)
{
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<std::byte>((i * 2654435761U) >> 13U);
    }
    return bytes;
}

TEST_F(FastbootClient, SendsARawImageInStepsOfAMebibyte)
{
    const auto image = io::make_memory(numbered((2U << 20U) + 100), "image");
    const auto plan = Fastboot::plan_flash(image, 4_MiB);
    ASSERT_TRUE(is_ok(plan));
    EXPECT_FALSE(plan->is_sparse);
    say({"DATA00200064", "OKAY", "INFOwriting", "OKAY"});
    std::vector<std::size_t> accepted;
    const auto done = [&](std::size_t piece) -> Result<> {
        accepted.push_back(piece);
        return {};
    };
    ASSERT_TRUE(is_ok(fastboot_.flash("userdata", *plan, 0, done, context_)));
    ASSERT_EQ(script_->sent.size(), 5U);
    EXPECT_EQ(script_->command(0), "download:00200064");
    EXPECT_EQ(script_->sent[1].size(), 1U << 20U);
    EXPECT_EQ(script_->sent[2].size(), 1U << 20U);
    EXPECT_EQ(script_->sent[3].size(), 100U);
    EXPECT_EQ(script_->command(4), "flash:userdata");
    EXPECT_EQ(accepted, std::vector<std::size_t>{0});
}

TEST_F(FastbootClient, GoesOnAtTheGivenPiece)
{
    const auto image = io::make_memory(numbered(40960), "image");
    const auto plan = Fastboot::plan_flash(image, 16_KiB);
    ASSERT_TRUE(is_ok(plan));
    ASSERT_TRUE(plan->is_sparse);
    ASSERT_EQ(plan->downloads.size(), 4U);
    const auto data = [&](std::size_t piece) {
        return fmt::format("DATA{:08x}", plan->downloads[piece]->size().value);
    };
    say({data(2), "OKAY", "OKAY", data(3), "OKAY", "OKAY"});
    std::vector<std::size_t> accepted;
    const auto done = [&](std::size_t piece) -> Result<> {
        accepted.push_back(piece);
        return {};
    };
    ASSERT_TRUE(is_ok(fastboot_.flash("userdata", *plan, 2, done, context_)));
    EXPECT_EQ(accepted, (std::vector<std::size_t>{2, 3}));
    EXPECT_EQ(script_->sent[1], io::read_all(*plan->downloads[2], 1_MiB).value());
}

TEST_F(FastbootClient, StopsBetweenPiecesAndWhenTheCallerSaysSo)
{
    const auto image = io::make_memory(numbered(40960), "image");
    const auto plan = Fastboot::plan_flash(image, 16_KiB);
    ASSERT_TRUE(is_ok(plan));
    const auto data = fmt::format("DATA{:08x}", plan->downloads[0]->size().value);
    std::stop_source stop;
    context_.stop = stop.get_token();
    say({data, "OKAY", "OKAY"});
    const auto stopping = [&](std::size_t /*piece*/) -> Result<> {
        stop.request_stop();
        return {};
    };
    EXPECT_TRUE(fails_with(fastboot_.flash("userdata", *plan, 0, stopping, context_), ErrorCode::cancelled));
    EXPECT_EQ(script_->sent.size(), 3U) << "the first piece went over whole";

    say({data, "OKAY", "OKAY"});
    const auto failing = [](std::size_t /*piece*/) -> Result<> { return of(ErrorCode::no_space); };
    EXPECT_TRUE(fails_with(fastboot_.flash("userdata", *plan, 0, failing, RunContext{}), ErrorCode::no_space));
}

TEST_F(FastbootClient, RefusesADownloadThatIsTakenDifferently)
{
    const auto image = io::make_memory(numbered(4096), "image");
    const auto plan = Fastboot::plan_flash(image, 1_MiB);
    ASSERT_TRUE(is_ok(plan));
    for (const std::string_view answer : {"DATA00000fff", "DATAffffffff", "OKAY"}) {
        Fastboot fastboot{std::make_unique<ScriptedLink>(script_)};
        script_->sent.clear();
        say({answer});
        EXPECT_TRUE(fails_with(fastboot.flash("boot", *plan, 0, {}, context_), ErrorCode::malformed)) << answer;
        EXPECT_EQ(script_->sent.size(), 1U) << "no data was sent";
    }
    Fastboot fastboot{std::make_unique<ScriptedLink>(script_)};
    say({"DATA00001000"});
    EXPECT_TRUE(fails_with(fastboot.flash("boot", *plan, 0, {}, context_), ErrorCode::timed_out));
}

TEST_F(FastbootClient, IsOutOfStepAfterAnImageThatCouldNotBeReadToItsEnd)
{
    const auto image = io::make_faulty(io::make_memory(numbered(3U << 20U), "image"), 2);
    Fastboot::FlashPlan plan{.downloads = {image}, .is_sparse = false};
    say({"DATA00300000"});
    EXPECT_TRUE(fails_with(fastboot_.flash("userdata", plan, 0, {}, context_), ErrorCode::io));
    EXPECT_TRUE(fails_with(fastboot_.variable("version"), ErrorCode::disconnected));
}

TEST_F(FastbootClient, DoesNotTakeDataForTheAnswerToAQuestion)
{
    say({"DATA00001000"});
    EXPECT_TRUE(fails_with(fastboot_.variable("version"), ErrorCode::malformed));
}

TEST(FastbootPlan, SendsWhatFitsRawAndTheRestInPieces)
{
    const auto image = io::make_memory(numbered(64U << 10U), "image");
    const auto raw = Fastboot::plan_flash(image, 64_KiB);
    ASSERT_TRUE(is_ok(raw));
    EXPECT_FALSE(raw->is_sparse);
    const auto pieces = Fastboot::plan_flash(image, ByteCount{(64U << 10U) - 1});
    ASSERT_TRUE(is_ok(pieces));
    EXPECT_TRUE(pieces->is_sparse);
    EXPECT_EQ(pieces->downloads.size(), 2U);
}

TEST(FastbootPlan, DoesNotLetABootloaderUnpackAnImageThatLooksSparse)
{
    auto bytes = numbered(8192);
    store_le<std::uint32_t>(bytes, 0xED26FF3A);
    const auto plan = Fastboot::plan_flash(io::make_memory(bytes, "image"), 1_MiB);
    ASSERT_TRUE(is_ok(plan));
    ASSERT_TRUE(plan->is_sparse);
    const auto unpacked = io::make_sparse(plan->downloads.front());
    ASSERT_TRUE(is_ok(unpacked));
    EXPECT_EQ(io::read_all(**unpacked, 1_MiB).value(), bytes);
}

TEST(FastbootPlan, RefusesAnEmptyImage)
{
    EXPECT_TRUE(fails_with(Fastboot::plan_flash(io::make_memory({}, "image"), 1_MiB), ErrorCode::invalid_argument));
}

} // namespace
} // namespace salvage::device
