// Fastboot over datagrams that get lost, double, and come late, from phones that mean no good.  Time is the test's.
#include <array>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "device/fastboot/udp_packet.hpp"
#include "salvage/device/fastboot.hpp"
#include "support/assert_result.hpp"

namespace salvage::device {
namespace {

using test::fails_with;
using test::is_ok;

class TestClock final : public Clock {
public:
    [[nodiscard]] std::chrono::nanoseconds now() const override { return now_; }
    [[nodiscard]] std::chrono::seconds wall_time() const override { return {}; }
    void pass(std::chrono::nanoseconds time) { now_ += time; }

private:
    std::chrono::nanoseconds now_{};
};

/// What arrives at the host in answer to each datagram of its.
using Behaviour = std::function<std::vector<Bytes>(ByteView datagram)>;

class TestPort final : public DatagramPort {
public:
    TestPort(TestClock& clock, Behaviour behaviour) : clock_{&clock}, behaviour_{std::move(behaviour)} {}
    Result<> send(ByteView datagram) override
    {
        for (auto& answer : behaviour_(datagram)) {
            inbox_.push_back(std::move(answer));
        }
        return {};
    }
    Result<std::size_t> receive(std::span<std::byte> into, Timeout timeout) override
    {
        if (inbox_.empty()) {
            clock_->pass(timeout);
            return Error{ErrorCode::timed_out, "nothing came", {}, std::nullopt, {}, {}};
        }
        const auto datagram = std::move(inbox_.front());
        inbox_.pop_front();
        const auto count = std::min(into.size(), datagram.size());
        std::copy_n(datagram.begin(), count, into.begin());
        return count;
    }
    [[nodiscard]] std::string name() const override { return "udp:test"; }

private:
    TestClock* clock_;
    Behaviour behaviour_;
    std::deque<Bytes> inbox_;
};

Bytes packet(UdpId id, std::uint16_t sequence, std::string_view data, bool is_continued = false)
{
    return encode({.id = id, .is_continued = is_continued, .sequence = sequence, .data = as_bytes(data)});
}

/// A well-behaved phone that answers each command with `reply`, in packets of 512 bytes.
struct Phone {
    std::uint16_t expected{0xFFFE}; // the sequence wraps early on
    std::deque<std::string> replies;
    std::string heard;
    std::vector<std::string> messages;
    Bytes last;

    std::vector<Bytes> answer(ByteView datagram)
    {
        const auto host = parse_udp_packet(datagram);
        EXPECT_TRUE(host.has_value());
        EXPECT_LE(datagram.size(), 512U);
        if (host->id == UdpId::query) {
            std::array<std::byte, 2> number{};
            store_be<std::uint16_t>(number, expected);
            return {encode({.id = UdpId::query, .sequence = host->sequence, .data = number})};
        }
        if (host->sequence == static_cast<std::uint16_t>(expected - 1) && !last.empty()) {
            return {last};
        }
        EXPECT_EQ(host->sequence, expected);
        ++expected;
        last = respond(*host);
        return {last};
    }

    Bytes respond(const UdpPacket& host)
    {
        if (host.id == UdpId::init) {
            const auto init = encode(UdpInit{.version = 1, .packet_bytes = 512});
            return encode({.id = UdpId::init, .sequence = host.sequence, .data = init});
        }
        heard += as_text(host.data);
        if (!host.data.empty()) {
            if (!host.is_continued) {
                messages.push_back(std::exchange(heard, {}));
            }
            return packet(UdpId::fastboot, host.sequence, "");
        }
        std::string reply;
        if (!replies.empty()) {
            reply = std::move(replies.front());
            replies.pop_front();
        }
        return packet(UdpId::fastboot, host.sequence, reply);
    }
};

class FastbootUdp : public ::testing::Test {
protected:
    Result<std::unique_ptr<FastbootLink>> connect(Behaviour behaviour)
    {
        return connect_fastboot_datagrams(std::make_unique<TestPort>(clock_, std::move(behaviour)), clock_);
    }
    Behaviour phone()
    {
        return [this](ByteView datagram) { return phone_.answer(datagram); };
    }
    TestClock clock_;
    Phone phone_;
};

TEST_F(FastbootUdp, SaysAndHearsMessages)
{
    const auto link = connect(phone());
    ASSERT_TRUE(is_ok(link));
    phone_.replies = {"OKAY0.5"};
    ASSERT_TRUE(is_ok((*link)->send(as_bytes("getvar:version"), Timeout{1000})));
    const auto answer = (*link)->receive(Timeout{1000});
    ASSERT_TRUE(is_ok(answer));
    EXPECT_EQ(*answer, "OKAY0.5");
    EXPECT_EQ(phone_.messages, std::vector<std::string>{"getvar:version"});
}

TEST_F(FastbootUdp, CutsDataToThePhonesPackets)
{
    const auto link = connect(phone());
    ASSERT_TRUE(is_ok(link));
    const std::string data(5000, 'd');
    ASSERT_TRUE(is_ok((*link)->send(as_bytes(data), Timeout{1000})));
    EXPECT_EQ(phone_.messages, std::vector<std::string>{data}) << "all but the last are marked as continued";
}

TEST_F(FastbootUdp, SendsAgainUntilItIsAnswered)
{
    // Each second datagram of the host's is lost, and each third of the phone's.
    int to_phone = 0;
    int to_host = 0;
    const auto link = connect([&](ByteView datagram) -> std::vector<Bytes> {
        if (++to_phone % 2 == 0) {
            return {};
        }
        auto answers = phone_.answer(datagram);
        return ++to_host % 3 == 0 ? std::vector<Bytes>{} : answers;
    });
    ASSERT_TRUE(is_ok(link));
    for (int i = 0; i < 50; ++i) {
        phone_.replies = {"OKAY" + std::to_string(i)};
        ASSERT_TRUE(is_ok((*link)->send(as_bytes("command"), Timeout{5000})));
        const auto answer = (*link)->receive(Timeout{5000});
        ASSERT_TRUE(is_ok(answer));
        EXPECT_EQ(*answer, "OKAY" + std::to_string(i));
    }
    EXPECT_EQ(phone_.messages.size(), 50U) << "none twice, none lost";
}

TEST_F(FastbootUdp, IgnoresWhatIsOldOrDoubleOrNoPacket)
{
    Bytes before;
    const auto link = connect([&](ByteView datagram) {
        auto answers = phone_.answer(datagram);
        std::vector<Bytes> out{Bytes{std::byte{3}}, Bytes{}, before, packet(UdpId::fastboot, 0x4321, "OKAYlie")};
        const auto first = answers.front();
        out.insert(out.end(), answers.begin(), answers.end());
        out.push_back(first);
        before = first;
        return out;
    });
    ASSERT_TRUE(is_ok(link));
    for (int i = 0; i < 10; ++i) {
        phone_.replies = {"OKAYtrue"};
        ASSERT_TRUE(is_ok((*link)->send(as_bytes("command"), Timeout{1000})));
        const auto answer = (*link)->receive(Timeout{1000});
        ASSERT_TRUE(is_ok(answer));
        EXPECT_EQ(*answer, "OKAYtrue");
    }
}

TEST_F(FastbootUdp, JoinsAnAnswerThatIsContinued)
{
    std::deque<Bytes> parts;
    const auto link = connect([&](ByteView datagram) -> std::vector<Bytes> {
        const auto host = *parse_udp_packet(datagram);
        if (host.id != UdpId::fastboot || parts.empty()) {
            return phone_.answer(datagram);
        }
        auto part = std::move(parts.front());
        parts.pop_front();
        store_be<std::uint16_t>(std::span{part}.subspan(2), host.sequence);
        ++phone_.expected;
        return {part};
    });
    ASSERT_TRUE(is_ok(link));
    parts = {packet(UdpId::fastboot, 0, "INFO", true), packet(UdpId::fastboot, 0, "", true),
             packet(UdpId::fastboot, 0, "line")};
    const auto answer = (*link)->receive(Timeout{1000});
    ASSERT_TRUE(is_ok(answer));
    EXPECT_EQ(*answer, "INFOline");
}

TEST_F(FastbootUdp, KeepsItsQuestionOverATimeOut)
{
    bool is_busy = false;
    const auto link =
        connect([&](ByteView datagram) { return is_busy ? std::vector<Bytes>{} : phone_.answer(datagram); });
    ASSERT_TRUE(is_ok(link));
    ASSERT_TRUE(is_ok((*link)->send(as_bytes("erase:userdata"), Timeout{1000})));
    is_busy = true;
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(fails_with((*link)->receive(Timeout{50}), ErrorCode::timed_out));
    }
    is_busy = false;
    phone_.replies = {"OKAY"};
    EXPECT_TRUE(is_ok((*link)->receive(Timeout{1000})));
}

TEST_F(FastbootUdp, AsksAgainWhileThePhoneHasNothingToSay)
{
    const auto link = connect(phone());
    ASSERT_TRUE(is_ok(link));
    phone_.replies = {"", "", "", "OKAY"};
    EXPECT_TRUE(is_ok((*link)->receive(Timeout{1000})));
    const auto before = clock_.now();
    EXPECT_TRUE(fails_with((*link)->receive(Timeout{1000}), ErrorCode::timed_out));
    EXPECT_LE(clock_.now() - before, std::chrono::milliseconds{1100});
}

TEST_F(FastbootUdp, GivesUpOnAPortWhereNobodyAnswers)
{
    int datagrams = 0;
    const auto link = connect([&](ByteView /*datagram*/) -> std::vector<Bytes> {
        ++datagrams;
        return {};
    });
    EXPECT_TRUE(fails_with(link, ErrorCode::timed_out));
    EXPECT_EQ(clock_.now(), std::chrono::seconds{5});
    EXPECT_EQ(datagrams, 10) << "every 500 ms";
}

TEST_F(FastbootUdp, RefusesAPhoneThatAgreesToNothingPossible)
{
    for (const auto& [version, bytes] : std::vector<std::pair<std::uint16_t, std::uint16_t>>{{0, 512}, {1, 511}}) {
        const auto link = connect([&](ByteView datagram) -> std::vector<Bytes> {
            const auto host = *parse_udp_packet(datagram);
            const auto data = host.id == UdpId::query ? Bytes{std::byte{0}, std::byte{7}}
                                                      : encode(UdpInit{.version = version, .packet_bytes = bytes});
            return {encode({.id = host.id, .sequence = host.sequence, .data = data})};
        });
        EXPECT_TRUE(fails_with(link, ErrorCode::malformed)) << version << ", " << bytes;
    }
    const auto short_answer = connect([](ByteView datagram) -> std::vector<Bytes> {
        const auto host = *parse_udp_packet(datagram);
        return {encode({.id = host.id, .sequence = host.sequence, .data = {}})};
    });
    EXPECT_TRUE(fails_with(short_answer, ErrorCode::malformed));
}

TEST_F(FastbootUdp, TellsWhatThePhoneReportsAsAnError)
{
    const auto link = connect([](ByteView datagram) -> std::vector<Bytes> {
        return {packet(UdpId::error, parse_udp_packet(datagram)->sequence, "bad\nversion")};
    });
    ASSERT_TRUE(fails_with(link, ErrorCode::malformed));
    EXPECT_NE(link.error().why.find("version"), std::string::npos);
    EXPECT_EQ(link.error().why.find('\n'), std::string::npos);
}

TEST_F(FastbootUdp, IsNotOverfilledByAPhoneThatTalksWithoutEnd)
{
    for (const bool is_continued : {true, false}) {
        phone_ = {};
        bool is_talking = false;
        const auto link = connect([&](ByteView datagram) -> std::vector<Bytes> {
            const auto host = *parse_udp_packet(datagram);
            return is_talking
                       ? std::vector<Bytes>{packet(UdpId::fastboot, host.sequence, std::string(100, 'x'), is_continued)}
                       : phone_.answer(datagram);
        });
        ASSERT_TRUE(is_ok(link));
        is_talking = true;
        const std::string data(100000, 'd');
        EXPECT_TRUE(fails_with((*link)->send(as_bytes(data), Timeout{1000}), ErrorCode::malformed));
    }
}

} // namespace
} // namespace salvage::device
