// The host's end of fastboot over datagrams that may get lost.
//
// Every packet of ours has a sequence number and is sent again until the phone answers with the same number; so at most
// one is under way.  To hear an answer we send an empty packet and find it in the phone's.
#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include <fmt/format.h>

#include "limits.hpp"
#include "salvage/core/text.hpp"
#include "salvage/device/fastboot.hpp"
#include "udp_packet.hpp"

namespace salvage::device {
namespace {

using std::chrono::nanoseconds;

constexpr Timeout send_again_after{500};
/// How long a phone that has nothing to say yet is left alone.
constexpr Timeout ask_again_after{20};
/// Answers that come unasked, while data goes over: one is ordinary.
constexpr std::size_t max_waiting_answers = 16;

class UdpLink final : public FastbootLink {
public:
    UdpLink(std::unique_ptr<DatagramPort> port, const Clock& clock) : port_{std::move(port)}, clock_{&clock} {}

    /// Query and init.
    Result<> open()
    {
        begin({.id = UdpId::query, .sequence = 0, .data = {}});
        const auto query = SALVAGE_TRY(exchange(after(connect_patience)).in("asking for the sequence"));
        if (query.size() < 2) {
            return not_fastboot(query);
        }
        sequence_ = load_be<std::uint16_t>(query);
        const auto ours = encode(UdpInit{.version = udp_version, .packet_bytes = host_udp_packet});
        begin({.id = UdpId::init, .sequence = sequence_, .data = ours});
        const auto answer = SALVAGE_TRY(exchange(after(connect_patience)).in("agreeing on the packets"));
        const auto theirs = parse_udp_init(answer);
        if (!theirs || theirs->version < udp_version || theirs->packet_bytes < min_udp_packet) {
            return not_fastboot(answer);
        }
        packet_bytes_ = std::min(theirs->packet_bytes, host_udp_packet);
        ++sequence_;
        return {};
    }

    Result<> send(ByteView bytes, Timeout timeout) override
    {
        SALVAGE_TRY(finish_poll(timeout));
        while (!bytes.empty()) {
            const auto count = std::min(bytes.size(), packet_bytes_ - udp_header_bytes);
            begin({.id = UdpId::fastboot,
                   .is_continued = count < bytes.size(),
                   .sequence = sequence_,
                   .data = bytes.first(count)});
            SALVAGE_TRY(finish(after(timeout)));
            bytes = bytes.subspan(count);
        }
        return {};
    }

    Result<std::string> receive(Timeout timeout) override
    {
        const auto deadline = after(timeout);
        while (answers_.empty()) {
            if (under_way_.empty()) {
                begin({.id = UdpId::fastboot, .sequence = sequence_, .data = {}});
            }
            const auto said = SALVAGE_TRY(finish(deadline));
            if (said == Said::nothing) {
                SALVAGE_TRY(pause(deadline));
            }
        }
        auto answer = std::move(answers_.front());
        answers_.pop_front();
        return answer;
    }

    [[nodiscard]] std::string name() const override { return port_->name(); }

private:
    enum class Said : std::uint8_t { nothing, something };

    [[nodiscard]] nanoseconds after(Timeout time) const { return clock_->now() + time; }
    [[nodiscard]] Timeout until(nanoseconds moment) const
    {
        return std::max(Timeout{0}, std::chrono::ceil<Timeout>(moment - clock_->now()));
    }

    static Error not_fastboot(ByteView data)
    {
        return malformed(ByteOffset{0}, "the other end does not speak fastboot over UDP",
                         fmt::format("its answer is {}", to_spaced_hex(data)));
    }

    void begin(const UdpPacket& packet)
    {
        under_way_ = encode(packet);
        send_at_ = clock_->now();
    }

    /// Sends the packet under way until its answer comes; the answer's data.  After a time-out it stays under way.
    Result<Bytes> exchange(nanoseconds deadline)
    {
        const auto ours = *parse_udp_packet(under_way_);
        for (;;) {
            if (clock_->now() >= send_at_) {
                SALVAGE_TRY(port_->send(under_way_));
                send_at_ = after(send_again_after);
            }
            Bytes datagram(host_udp_packet);
            const auto got = port_->receive(datagram, until(std::min(deadline, send_at_)));
            if (got.has_value()) {
                datagram.resize(std::min(*got, datagram.size()));
                const auto packet = parse_udp_packet(datagram);
                if (packet && packet->sequence == ours.sequence) {
                    SALVAGE_TRY(check_error(*packet));
                    if (packet->id == ours.id) {
                        under_way_.clear();
                        is_continued_ = packet->is_continued;
                        return Bytes{packet->data.begin(), packet->data.end()};
                    }
                }
            } else if (got.error().code != ErrorCode::timed_out) {
                return got.error();
            }
            if (clock_->now() >= deadline) {
                return Error{ErrorCode::timed_out, "the phone does not answer", name(), std::nullopt, {}, {}};
            }
        }
    }

    /// A phone that does not understand the host says so with the number of the host's packet.
    static Result<> check_error(const UdpPacket& packet)
    {
        if (packet.id != UdpId::error) {
            return {};
        }
        const auto text = as_text(packet.data.first(std::min(packet.data.size(), max_answer_bytes)));
        return malformed(ByteOffset{0}, "the phone says that the exchange went wrong", printable(text));
    }

    /// As exchange, for fastboot packets: what the phone says is put aside.
    Result<Said> finish(nanoseconds deadline)
    {
        const auto data = SALVAGE_TRY(exchange(deadline));
        ++sequence_;
        part_.append(as_text(data));
        if (part_.size() > max_answer_bytes || answers_.size() >= max_waiting_answers) {
            return malformed(ByteOffset{0}, "the phone says too much",
                             fmt::format("an answer of {} bytes, {} answers waiting", part_.size(), answers_.size()));
        }
        if (is_continued_) {
            return data.empty() ? Said::nothing : Said::something;
        }
        if (!part_.empty()) {
            answers_.push_back(std::exchange(part_, {}));
            return Said::something;
        }
        return Said::nothing;
    }

    /// An answer nobody waits for any more comes first: its number must be used up.
    Result<> finish_poll(Timeout timeout)
    {
        if (!under_way_.empty()) {
            SALVAGE_TRY(finish(after(timeout)));
        }
        return {};
    }

    Result<> pause(nanoseconds deadline)
    {
        if (clock_->now() >= deadline) {
            return Error{ErrorCode::timed_out, "the phone has nothing to say", name(), std::nullopt, {}, {}};
        }
        // Whatever comes now is a double of an old answer.
        std::array<std::byte, 1> nothing{};
        ignore(port_->receive(nothing, std::min(ask_again_after, until(deadline))), "it is a wait");
        return {};
    }

    std::unique_ptr<DatagramPort> port_;
    const Clock* clock_;
    std::uint16_t sequence_{0};
    std::size_t packet_bytes_{min_udp_packet};
    Bytes under_way_; ///< our packet that is not answered yet; empty: none
    nanoseconds send_at_{};
    bool is_continued_{false};
    std::string part_;
    std::deque<std::string> answers_;
};

} // namespace

Result<std::unique_ptr<FastbootLink>> connect_fastboot_datagrams(std::unique_ptr<DatagramPort> port, const Clock& clock)
{
    auto link = std::make_unique<UdpLink>(std::move(port), clock);
    SALVAGE_TRY(link->open().in("connecting to " + link->name()));
    return link;
}

} // namespace salvage::device
