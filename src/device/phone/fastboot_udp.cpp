// The simulated bootloader's end of fastboot over UDP: it only ever answers, each packet with its own number.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/socket.h>

#include "device/fastboot/limits.hpp"
#include "device/fastboot/udp_packet.hpp"
#include "fastboot_link.hpp"

namespace salvage::device {
namespace {

constexpr std::uint16_t phone_udp_packet = 4096;

/// Whom a datagram came from.
struct Sender {
    sockaddr_storage address{};
    socklen_t length{0};
    bool operator==(const Sender& other) const
    {
        return length == other.length && std::memcmp(&address, &other.address, length) == 0;
    }
};

Error host_starts_anew()
{
    return Error{ErrorCode::disconnected, "a host starts anew", {}, std::nullopt, {}, {}};
}

class UdpPhoneLink final : public FastbootPhoneUdp {
public:
    explicit UdpPhoneLink(const SocketHandle& socket) : socket_{&socket} {}

    Result<> open(Timeout timeout) override
    {
        part_.clear();
        data_.clear();
        if (!std::exchange(has_new_host_, false)) {
            const auto packet = next(timeout);
            if (packet.has_value()) {
                return open_error(); // a fastboot packet of a session that is over
            }
            if (packet.error().code != ErrorCode::disconnected) {
                return packet.error();
            }
            has_new_host_ = false;
        }
        return {};
    }

    Result<std::string> receive_command(Timeout timeout) override
    {
        const Deadline deadline{timeout};
        for (;;) {
            const auto packet = SALVAGE_TRY(next(deadline.left()));
            part_.append(as_text(packet.data));
            SALVAGE_TRY(respond({}));
            if (part_.size() > max_command_bytes) {
                return malformed(ByteOffset{0}, "the host's command is too long");
            }
            if (!packet.is_continued && !part_.empty()) {
                return std::exchange(part_, {});
            }
        }
    }

    Result<std::size_t> receive_data(std::span<std::byte> into, Timeout timeout) override
    {
        const Deadline deadline{timeout};
        while (data_.empty()) {
            const auto packet = SALVAGE_TRY(next(deadline.left()));
            data_.assign(packet.data.begin(), packet.data.end());
            SALVAGE_TRY(respond({}));
        }
        const auto count = std::min(into.size(), data_.size());
        std::copy_n(data_.begin(), count, into.begin());
        data_.erase(data_.begin(), data_.begin() + static_cast<std::ptrdiff_t>(count));
        return count;
    }

    Result<> answer(std::string_view text, Timeout timeout) override
    {
        const auto packet = SALVAGE_TRY(next(timeout));
        if (!packet.data.empty()) {
            return malformed(ByteOffset{0}, "the host sends data where it should take an answer");
        }
        return respond(as_bytes(text));
    }

    Result<> swallow(Timeout timeout) override
    {
        SALVAGE_TRY(next(timeout));
        return {};
    }

private:
    static Error open_error() { return Error{ErrorCode::timed_out, "no host begins", {}, std::nullopt, {}, {}}; }

    /// The host's next fastboot packet, not answered yet.  Queries, doubles and strangers are dealt with on the way;
    /// disconnected: a host has begun anew.
    Result<UdpPacket> next(Timeout timeout)
    {
        const Deadline deadline{timeout};
        for (;;) {
            Sender from;
            const auto packet = SALVAGE_TRY(receive(from, deadline));
            if (!packet) {
                continue;
            }
            if (packet->id == UdpId::query) {
                std::array<std::byte, 2> number{};
                store_be<std::uint16_t>(number, expected_);
                SALVAGE_TRY(send({.id = UdpId::query, .sequence = packet->sequence, .data = number}, from));
            } else if (packet->id == UdpId::init && packet->sequence == expected_ && accept(*packet, from)) {
                return host_starts_anew();
            } else if (from == host_ && packet->sequence == static_cast<std::uint16_t>(expected_ - 1)) {
                SALVAGE_TRY(send_bytes(last_, host_)); // our answer was lost
            } else if (packet->id == UdpId::fastboot && from == host_ && packet->sequence == expected_) {
                return *packet;
            }
        }
    }

    /// Takes an init's sender as the host from now on.
    bool accept(const UdpPacket& packet, const Sender& from)
    {
        const auto theirs = parse_udp_init(packet.data);
        if (!theirs || theirs->version < udp_version || theirs->packet_bytes < min_udp_packet) {
            return false;
        }
        host_ = from;
        has_new_host_ = true;
        const auto ours = encode(UdpInit{.version = udp_version, .packet_bytes = phone_udp_packet});
        last_ = encode({.id = UdpId::init, .sequence = expected_, .data = ours});
        ++expected_;
        ignore(send_bytes(last_, host_), "the host asks again");
        return true;
    }

    Result<> respond(ByteView data)
    {
        last_ = encode({.id = UdpId::fastboot, .sequence = expected_, .data = data});
        ++expected_;
        return send_bytes(last_, host_);
    }

    /// Nothing for a datagram that is no packet.
    Result<std::optional<UdpPacket>> receive(Sender& from, const Deadline& deadline)
    {
        for (;;) {
            from.length = sizeof from.address;
            // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how POSIX passes addresses.
            auto* const address = reinterpret_cast<sockaddr*>(&from.address);
            const auto got = ::recvfrom(socket_->get(), buffer_.data(), buffer_.size(), 0, address, &from.length);
            if (got >= 0) {
                return parse_udp_packet(ByteView{buffer_}.first(static_cast<std::size_t>(got)));
            }
            // ECONNREFUSED: an answer of ours found its host gone.
            if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR && errno != ECONNREFUSED) {
                return from_errno(errno, "receiving failed", "udp");
            }
            SALVAGE_TRY(wait_for_socket(*socket_, Readiness::to_read, deadline.left()));
        }
    }

    Result<> send(const UdpPacket& packet, const Sender& to) const { return send_bytes(encode(packet), to); }

    /// What is lost, the host asks for again.
    Result<> send_bytes(ByteView bytes, const Sender& to) const
    {
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how POSIX passes addresses.
        const auto* const address = reinterpret_cast<const sockaddr*>(&to.address);
        static_cast<void>(::sendto(socket_->get(), bytes.data(), bytes.size(), MSG_NOSIGNAL, address, to.length));
        return {};
    }

    const SocketHandle* socket_;
    Sender host_;
    bool has_new_host_{false};
    std::uint16_t expected_{1};
    Bytes last_;       ///< our last answer
    std::string part_; ///< of a command
    Bytes data_;       ///< that was acknowledged and not yet taken
    std::array<std::byte, phone_udp_packet> buffer_{};
};

} // namespace

std::unique_ptr<FastbootPhoneUdp> make_fastboot_phone_udp(const SocketHandle& socket)
{
    return std::make_unique<UdpPhoneLink>(socket);
}

} // namespace salvage::device
