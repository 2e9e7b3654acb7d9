// The simulated bootloader on a listening socket.
#include <cerrno>
#include <utility>

#include <sys/socket.h>

#include "fastboot_phone.hpp"

namespace salvage::device {
namespace {

constexpr Timeout slice{50};

Result<SocketHandle> next_connection(const SocketHandle& listener)
{
    SALVAGE_TRY(wait_for_socket(listener, Readiness::to_read, slice));
    SocketHandle connection{::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (connection.get() >= 0) {
        return connection;
    }
    // A host may be gone before it is taken.
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) {
        return Error{ErrorCode::timed_out, "no host came", {}, std::nullopt, {}, {}};
    }
    return from_errno(errno, "no connection can be taken", "accept");
}

void note(const Error& error, const RunContext& context)
{
    context.log->write("phone.fastboot", to_string(error));
}

Result<> serve_tcp(const SocketHandle& listener, FastbootPhone& phone, const RunContext& context)
{
    auto connection = SALVAGE_TRY(next_connection(listener));
    const auto link = make_fastboot_phone_tcp(std::move(connection));
    if (!link.has_value()) {
        note(link.error(), context);
        return {};
    }
    const auto end = phone.serve(**link, context);
    if (!end.has_value()) {
        note(end.error(), context);
    }
    return {};
}

} // namespace

struct FastbootServer::State {
    SocketHandle socket;
    SocketKind kind{SocketKind::stream};
};

FastbootServer::FastbootServer(std::unique_ptr<State> state) noexcept : state_{std::move(state)} {}
FastbootServer::FastbootServer(FastbootServer&&) noexcept = default;
FastbootServer& FastbootServer::operator=(FastbootServer&&) noexcept = default;
FastbootServer::~FastbootServer() = default;

Result<FastbootServer> FastbootServer::listen_tcp(const std::string& address, std::uint16_t port)
{
    auto socket = SALVAGE_TRY(bind_socket(address, port, SocketKind::stream));
    return FastbootServer{std::make_unique<State>(State{.socket = std::move(socket), .kind = SocketKind::stream})};
}

Result<FastbootServer> FastbootServer::listen_udp(const std::string& address, std::uint16_t port)
{
    auto socket = SALVAGE_TRY(bind_socket(address, port, SocketKind::datagram));
    return FastbootServer{std::make_unique<State>(State{.socket = std::move(socket), .kind = SocketKind::datagram})};
}

std::uint16_t FastbootServer::port() const noexcept
{
    return port_of(state_->socket);
}

Result<> FastbootServer::run(PhoneFlash& flash, const FastbootPhoneOptions& options, Waiter& waiter,
                             const RunContext& context)
{
    FastbootPhone phone{flash, options, waiter};
    const auto udp = make_fastboot_phone_udp(state_->socket);
    const auto serve_udp = [&]() -> Result<> {
        SALVAGE_TRY(udp->open(slice));
        const auto end = phone.serve(*udp, context);
        if (!end.has_value()) {
            note(end.error(), context);
        }
        return {};
    };
    while (!context.is_stopped()) {
        const auto served =
            state_->kind == SocketKind::stream ? serve_tcp(state_->socket, phone, context) : serve_udp();
        if (!served.has_value() && served.error().code != ErrorCode::timed_out) {
            return served.error();
        }
    }
    return {};
}

} // namespace salvage::device
