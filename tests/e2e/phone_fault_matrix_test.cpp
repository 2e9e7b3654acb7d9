// Every fault of a simulated phone against reading, resuming and restoring: the bytes are right in the end, or the
// report says exactly which are not; nothing hangs, and nothing is written outside of the plan.
#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "phone_faults_bench.hpp"
#include "salvage/rescue/read_flash.hpp"
#include "support/assert_result.hpp"

namespace salvage::test {
namespace {

namespace fs = std::filesystem;
using device::AgentProtocol;
using device::PhoneFaults;

constexpr std::size_t user_bytes = 1U << 20U;

// In the handshake, in the agent's start, in the first packets, in the middle, near the end.
constexpr std::array<std::uint64_t, 8> places{2, 40, 700, 3'000, 70'001, 500'000, 1'000'003, 1'500'000};

// A stall costs the stated five seconds, a slow link its minutes; all of it is the phone's own, virtual time.
constexpr std::chrono::minutes patience{15};

struct Case {
    Fault fault;
    AgentProtocol protocol;
    std::size_t packet_bytes;
    std::uint64_t at;

    [[nodiscard]] SimulatedPhone::Setup setup(std::shared_ptr<device::PhoneFlash> flash) const
    {
        SimulatedPhone::Setup out{.flash = std::move(flash), .packet_bytes = packet_bytes};
        out.options.protocol = protocol;
        out.options.hw_code = protocol == AgentProtocol::legacy ? 0x335 : 0x326;
        fault.set(out.options.faults, at);
        return out;
    }
    [[nodiscard]] std::string name() const
    {
        return fmt::format("{} at {}, {}, packets of {}", fault.name, at,
                           protocol == AgentProtocol::legacy ? "legacy" : "xflash", packet_bytes);
    }
};

std::vector<Case> all_cases(std::initializer_list<AgentProtocol> protocols, std::initializer_list<std::size_t> packets)
{
    std::vector<Case> out;
    for (const auto& fault : phone_faults) {
        for (const auto protocol : protocols) {
            for (const auto packet : packets) {
                for (const auto at : places) {
                    out.push_back({.fault = fault, .protocol = protocol, .packet_bytes = packet, .at = at});
                }
            }
        }
    }
    return out;
}

/// What a readback of small_flash() has to be; the number of bytes that are not.
std::size_t wrong_bytes(const fs::path& out)
{
    const auto compare = [](const Bytes& found, const Bytes& expected) {
        if (found.size() != expected.size()) {
            return std::max(found.size(), expected.size());
        }
        std::size_t count = 0;
        for (std::size_t i = 0; i < found.size(); ++i) {
            count += found[i] != expected[i] ? 1U : 0U;
        }
        return count;
    };
    const auto beside = [&](std::string_view ending) { return fs::path{out.string() + std::string{ending}}; };
    return compare(read_file(out), pattern_bytes(user_bytes, 14)) +
           compare(read_file(beside(".boot1")), pattern_bytes(256U << 10U, 11)) +
           compare(read_file(beside(".boot2")), pattern_bytes(256U << 10U, 12));
}

/// XFlash has no checksum over what the agent says: there a flipped bit of the data, or of the size that it gives of
/// its flash, goes unseen.  (On a real cable USB has one of its own.)
bool may_go_unseen(const Case& one)
{
    return one.fault.name == "flipped bit" && one.protocol == AgentProtocol::xflash;
}

TEST(PhoneFaultMatrix, EveryReadEndsInTheRightBytes)
{
    std::size_t reads = 0;
    std::size_t unseen = 0;
    std::size_t refused = 0;
    for (const auto& one : all_cases({AgentProtocol::xflash, AgentProtocol::legacy}, {1, 512})) {
        const TemporaryFolder folder;
        const auto out = folder.path() / "dump.bin";
        SimulatedPhone phone{one.setup(small_flash(user_bytes))};
        const auto context = phone.context();
        auto report = rescue::read_flash(phone.connect(), out, {}, context);
        if (!report.has_value() && report.error().code == ErrorCode::refused) {
            // An error status to a question is an answer: the run ends with it, and a person tries again.
            ++refused;
            EXPECT_EQ(one.fault.name, "error status") << one.name();
            report = rescue::read_flash(phone.connect(), out, {}, context);
        }
        ASSERT_TRUE(is_ok(report)) << one.name();
        EXPECT_LT(context.clock->now(), patience) << one.name();
        ++reads;
        const auto wrong = wrong_bytes(out);
        if (wrong == 0 || !may_go_unseen(one)) {
            EXPECT_EQ(report->lost(), ByteCount{0}) << one.name();
            EXPECT_EQ(wrong, 0U) << one.name();
            continue;
        }
        ++unseen;
        if (report->lost() == ByteCount{0}) { // the size is right, the data is not
            SimulatedPhone again{{.flash = small_flash(user_bytes), .packet_bytes = one.packet_bytes}};
            rescue::ReadOptions verify;
            verify.verify = rescue::Verify::yes;
            EXPECT_EQ(wrong, 1U) << one.name();
            EXPECT_TRUE(
                fails_with(rescue::read_flash(again.connect(), out, verify, again.context()), ErrorCode::mismatch))
                << one.name();
        }
    }
    EXPECT_EQ(reads, phone_faults.size() * places.size() * 4);
    EXPECT_LE(unseen, 2 * places.size());
    fmt::print(
        "{} reads: {} identical, {} of them at the second try after a refusal; {} with a flipped bit that XFlash "
        "cannot see\n",
        reads, reads - unseen, refused, unseen);
}

TEST(PhoneFaultMatrix, EveryReadThatGaveUpGoesOnLater)
{
    std::size_t given_up = 0;
    std::size_t reads = 0;
    for (const auto& one : all_cases({AgentProtocol::xflash, AgentProtocol::legacy}, {512})) {
        if (one.fault.name == "flipped bit") {
            continue; // seen above; here it ends no read
        }
        const TemporaryFolder folder;
        const auto out = folder.path() / "dump.bin";
        SimulatedPhone phone{one.setup(small_flash(user_bytes))};
        rescue::ReadOptions impatient;
        impatient.max_reconnects = 0;
        const auto first = rescue::read_flash(phone.connect(), out, impatient, phone.context());
        ++reads;
        if (!first.has_value()) {
            ++given_up;
            EXPECT_TRUE(!fs::exists(out) || read_file(out) == pattern_bytes(user_bytes, 14))
                << "half a file looks whole: " << one.name();
            ASSERT_TRUE(is_ok(rescue::read_flash(phone.connect(), out, impatient, phone.context()))) << one.name();
        }
        EXPECT_EQ(wrong_bytes(out), 0U) << one.name();
    }
    EXPECT_GT(given_up, reads / 3);
    fmt::print("{} reads without patience: {} gave up and were gone on with, all identical in the end\n", reads,
               given_up);
}

TEST(PhoneFaultMatrix, BadSectorsAreLostExactlyAndNamed)
{
    for (const auto protocol : {AgentProtocol::xflash, AgentProtocol::legacy}) {
        const TemporaryFolder folder;
        const auto out = folder.path() / "dump.bin";
        const auto flash = small_flash(user_bytes);
        const std::array bad{*ByteRange::make(ByteOffset{512}, ByteCount{512}),
                             *ByteRange::make(ByteOffset{0x40000}, ByteCount{0x1200}),
                             *ByteRange::make(ByteOffset{user_bytes - 512}, ByteCount{512})};
        for (const auto& area : bad) {
            flash->add_bad_area("user", area);
        }
        Case healthy{
            .fault = {"none", [](PhoneFaults&, std::uint64_t) {}}, .protocol = protocol, .packet_bytes = 512, .at = 0};
        SimulatedPhone phone{healthy.setup(flash)};
        const auto report = rescue::read_flash(phone.connect(), out, {}, phone.context());
        ASSERT_TRUE(is_ok(report));
        EXPECT_TRUE(std::ranges::equal(report->regions.front().lost, bad)) << healthy.name();
        auto expected = pattern_bytes(user_bytes, 14);
        for (const auto& area : bad) {
            std::ranges::fill(std::span{expected}.subspan(area.start().value, area.size().value), std::byte{0});
        }
        EXPECT_TRUE(read_file(out) == expected) << healthy.name();
    }
}

TEST(PhoneGoodbye, EndsTheAgentOfAPhoneThatWasReadAndOfNoOther)
{
    for (const auto protocol : {AgentProtocol::xflash, AgentProtocol::legacy}) {
        for (const auto goodbye :
             {std::optional{device::FlashReader::Goodbye::power_off},
              std::optional{device::FlashReader::Goodbye::fastboot}, std::optional<device::FlashReader::Goodbye>{}}) {
            const TemporaryFolder folder;
            const Case healthy{.fault = {"none", [](PhoneFaults&, std::uint64_t) {}},
                               .protocol = protocol,
                               .packet_bytes = 512,
                               .at = 0};
            SimulatedPhone phone{healthy.setup(small_flash(user_bytes))};
            rescue::ReadOptions options;
            options.goodbye = goodbye;
            const auto report =
                rescue::read_flash(phone.connect(), folder.path() / "dump.bin", options, phone.context());
            ASSERT_TRUE(is_ok(report));
            EXPECT_FALSE(report->goodbye.has_value());
            phone.unplug();
            ASSERT_TRUE(phone.outcome().has_value());
            if (goodbye) {
                EXPECT_TRUE(is_ok(*phone.outcome())) << healthy.name();
            } else {
                EXPECT_TRUE(fails_with(*phone.outcome(), ErrorCode::disconnected)) << "its agent still ran";
            }
        }
    }
}

/// Restoring by the download agent.
class PhoneFaultMatrixRestore : public SmallRestore {
protected:
    void SetUp() override
    {
        SmallRestore::SetUp();
        make_plan(rescue::RestoreTool::da_write);
    }

    Result<rescue::ApplyReport> apply(SimulatedPhone& phone, const fs::path& journal)
    {
        auto writer = SALVAGE_TRY(phone.open_writer());
        const auto target = rescue::make_agent_target(std::move(writer));
        return rescue::apply_restore(plan_, *target, request(journal, rescue::ApplyRequest::Mode::write),
                                     phone.context());
    }
};

TEST_F(PhoneFaultMatrixRestore, EveryRestoreEndsInTheRightBytesAndWritesNothingElse)
{
    std::size_t restores = 0;
    std::size_t resumed = 0;
    for (const auto& one : all_cases({AgentProtocol::xflash}, {1, 512})) {
        const TemporaryFolder folder;
        const auto flash = other_rom();
        SimulatedPhone phone{one.setup(flash)};
        auto applied = apply(phone, folder.path() / "journal");
        if (!applied.has_value()) {
            ++resumed;
            applied = apply(phone, folder.path() / "journal");
        }
        ASSERT_TRUE(is_ok(applied)) << one.name();
        phone.unplug();
        ++restores;
        EXPECT_TRUE(content(*flash) == wanted_) << one.name();
        EXPECT_TRUE(has_only_planned_writes(*flash)) << one.name();
    }
    EXPECT_GT(resumed, 10U);
    fmt::print(
        "{} restores by the download agent: {} were broken off and gone on with, all identical, no write outside\n",
        restores, resumed);
}

} // namespace
} // namespace salvage::test
