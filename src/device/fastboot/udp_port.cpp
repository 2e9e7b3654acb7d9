// Datagrams over UDP.
#include <cerrno>
#include <utility>

#include <sys/socket.h>

#include <fmt/format.h>

#include "limits.hpp"
#include "salvage/device/fastboot.hpp"
#include "socket.hpp"

namespace salvage::device {
namespace {

/// A packet sent to a port where nobody listens comes back as ECONNREFUSED.  Some phones' answers come beside it
/// (U-Boot takes packets past its system), so a few in a row are borne.
constexpr int borne_refusals = 4;

class UdpPort final : public DatagramPort {
public:
    UdpPort(SocketHandle socket, std::string name) : socket_{std::move(socket)}, name_{std::move(name)} {}

    Result<> send(ByteView datagram) override
    {
        const auto sent = ::send(socket_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL);
        return sent < 0 ? judge(errno, "sending failed") : Result<>{};
    }

    Result<std::size_t> receive(std::span<std::byte> into, Timeout timeout) override
    {
        const Deadline deadline{timeout};
        for (;;) {
            const auto got = ::recv(socket_.get(), into.data(), into.size(), 0);
            if (got >= 0) {
                refusals_ = 0;
                return static_cast<std::size_t>(got);
            }
            SALVAGE_TRY(judge(errno, "receiving failed"));
            SALVAGE_TRY(wait_for_socket(socket_, Readiness::to_read, deadline.left()));
        }
    }

    [[nodiscard]] std::string name() const override { return name_; }

private:
    /// What only loses a packet is no error: it is sent again.
    Result<> judge(int number, std::string_view what)
    {
        if (number == EAGAIN || number == EWOULDBLOCK || number == EINTR || number == ENOBUFS) {
            return {};
        }
        if (number != ECONNREFUSED) {
            return from_errno(number, what, name_);
        }
        ++refusals_;
        if (refusals_ <= borne_refusals) {
            return {};
        }
        return Error{ErrorCode::disconnected,
                     "nobody listens at the other end",
                     fmt::format("{} answers that this port is not open", name_),
                     std::nullopt,
                     "is the phone in fastboot, and reached at this address?",
                     {}};
    }

    SocketHandle socket_;
    std::string name_;
    int refusals_{0};
};

} // namespace

Result<std::unique_ptr<FastbootLink>> connect_fastboot_udp(const std::string& host, std::uint16_t port)
{
    // Connected: the system passes on nothing that others send.
    auto socket = SALVAGE_TRY(connect_socket(host, port, SocketKind::datagram, connect_patience));
    auto name = fmt::format("udp:{}:{}", host, port);
    return connect_fastboot_datagrams(std::make_unique<UdpPort>(std::move(socket), std::move(name)), system_clock());
}

} // namespace salvage::device
