// Sockets with a limit on every wait.
#include "socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <utility>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

namespace salvage::device {
namespace {

constexpr int waiting_hosts = 4; // one is served at a time

struct AddressListDeleter {
    void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, AddressListDeleter>;

std::string place(const std::string& host, std::uint16_t port)
{
    return fmt::format("{}:{}", host, port);
}

Result<AddressList> addresses_of(const std::string& host, std::uint16_t port, SocketKind kind, int flags)
{
    addrinfo wanted{};
    wanted.ai_family = AF_UNSPEC;
    wanted.ai_socktype = kind == SocketKind::stream ? SOCK_STREAM : SOCK_DGRAM;
    wanted.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const auto number = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &list);
    AddressList out{list};
    if (number != 0 || list == nullptr) {
        return Error{ErrorCode::io,
                     "the host's address is not known",
                     fmt::format("{}: {}", host, ::gai_strerror(number)),
                     std::nullopt,
                     "give the address as numbers: tcp:192.168.0.7",
                     {}};
    }
    return out;
}

Result<SocketHandle> open_socket(const addrinfo& address)
{
    SocketHandle socket{
        ::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol)};
    if (socket.get() < 0) {
        return from_errno(errno, "no socket can be opened", "socket");
    }
    return socket;
}

Result<SocketHandle> connect_to(const addrinfo& address, const std::string& name, Timeout timeout)
{
    auto socket = SALVAGE_TRY(open_socket(address));
    if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) {
        return socket;
    }
    if (errno != EINPROGRESS) {
        return from_errno(errno, "no connection could be made", name);
    }
    SALVAGE_TRY(wait_for_socket(socket, Readiness::to_write, timeout).in("connecting to " + name));
    int number = 0;
    socklen_t length = sizeof number;
    static_cast<void>(::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &number, &length));
    if (number != 0) {
        return from_errno(number, "no connection could be made", name)
            .with_hint("is the phone in fastboot, and reached at this address?");
    }
    return socket;
}

Error gone(std::string_view why)
{
    return Error{
        ErrorCode::disconnected, "the other end closed the connection", std::string{why}, std::nullopt, {}, {}};
}

/// Whether a failed call only wants to be tried again.
bool is_passing(int number) noexcept
{
    return number == EINTR || number == EAGAIN || number == EWOULDBLOCK;
}

Error stream_error(int number, std::string_view what)
{
    if (number == EPIPE || number == ECONNRESET || number == ECONNABORTED) {
        return gone({});
    }
    return from_errno(number, what, "socket");
}

} // namespace

Result<SocketHandle> connect_socket(const std::string& host, std::uint16_t port, SocketKind kind, Timeout timeout)
{
    const auto list = SALVAGE_TRY(addresses_of(host, port, kind, 0));
    std::optional<Error> last;
    for (const auto* address = list.get(); address != nullptr; address = address->ai_next) {
        auto socket = connect_to(*address, place(host, port), timeout);
        if (socket.has_value()) {
            return socket;
        }
        last = std::move(socket).error();
    }
    return *last; // a list is never empty
}

Result<SocketHandle> bind_socket(const std::string& address, std::uint16_t port, SocketKind kind)
{
    const auto list = addresses_of(address, port, kind, AI_PASSIVE | AI_NUMERICHOST);
    if (!list.has_value()) {
        return invalid_argument("this is no address to listen on", fmt::format("found \"{}\"", address),
                                "give an address of this machine as numbers: 127.0.0.1");
    }
    const auto& found = **list;
    auto socket = SALVAGE_TRY(open_socket(found));
    const int on = 1;
    if (kind == SocketKind::stream) {
        static_cast<void>(::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    }
    if (::bind(socket.get(), found.ai_addr, found.ai_addrlen) != 0) {
        return from_errno(errno, "this address cannot be listened on", place(address, port));
    }
    if (kind == SocketKind::stream && ::listen(socket.get(), waiting_hosts) != 0) {
        return from_errno(errno, "this address cannot be listened on", place(address, port));
    }
    return socket;
}

std::uint16_t port_of(const SocketHandle& socket) noexcept
{
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how POSIX passes addresses.
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
        return 0;
    }
    // sin_port and sin6_port lie at the same place.
    sockaddr_in6 as_v6{};
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    std::memcpy(&as_v6, &address, sizeof as_v6);
    return ntohs(as_v6.sin6_port);
}

Result<> wait_for_socket(const SocketHandle& socket, Readiness readiness, Timeout timeout)
{
    constexpr Timeout longest_poll{1'000'000};
    const Deadline deadline{timeout};
    for (;;) {
        const auto left = deadline.left();
        const auto wait_ms = static_cast<int>(std::min(left, longest_poll).count());
        const auto wanted = static_cast<short>(readiness == Readiness::to_read ? POLLIN : POLLOUT);
        pollfd entry{.fd = socket.get(), .events = wanted, .revents = 0};
        const auto ready = ::poll(&entry, 1, wait_ms);
        if (ready > 0) {
            return {}; // or an error, which the next call on the socket tells
        }
        if (ready < 0 && errno != EINTR) {
            return from_errno(errno, "waiting failed", "poll");
        }
        if (left.count() <= 0) {
            return Error{ErrorCode::timed_out,
                         readiness == Readiness::to_read ? "nothing came" : "nothing was taken",
                         fmt::format("waited {} ms", timeout.count()),
                         std::nullopt,
                         {},
                         {}};
        }
    }
}

void send_at_once(const SocketHandle& socket) noexcept
{
    const int on = 1;
    static_cast<void>(::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
}

Result<> send_stream(const SocketHandle& socket, ByteView bytes, Timeout timeout)
{
    while (!bytes.empty()) {
        const auto sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(sent));
            continue;
        }
        if (!is_passing(errno)) {
            return stream_error(errno, "sending failed");
        }
        SALVAGE_TRY(wait_for_socket(socket, Readiness::to_write, timeout));
    }
    return {};
}

Result<std::size_t> receive_stream(const SocketHandle& socket, std::span<std::byte> into, Timeout timeout)
{
    for (;;) {
        const auto got = ::recv(socket.get(), into.data(), into.size(), 0);
        if (got > 0) {
            return static_cast<std::size_t>(got);
        }
        if (got == 0) {
            return gone("it sent all it wanted");
        }
        if (!is_passing(errno)) {
            return stream_error(errno, "receiving failed");
        }
        SALVAGE_TRY(wait_for_socket(socket, Readiness::to_read, timeout));
    }
}

} // namespace salvage::device
