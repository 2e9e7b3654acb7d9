// Sockets with a limit on every wait; private to the box.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "salvage/core/owned_descriptor.hpp"
#include "salvage/device/transport.hpp"

namespace salvage::device {

/// A moment that several waits share.
class Deadline {
public:
    explicit Deadline(Timeout time) : end_{std::chrono::steady_clock::now() + time} {}
    /// Zero once it has passed.
    [[nodiscard]] Timeout left() const
    {
        const auto left = std::chrono::ceil<Timeout>(end_ - std::chrono::steady_clock::now());
        return std::max(left, Timeout{0});
    }

private:
    std::chrono::steady_clock::time_point end_;
};

/// A socket that closes itself.
using SocketHandle = OwnedDescriptor;

enum class SocketKind : std::uint8_t { stream, datagram };

/// Connects to the first address of `host` that takes it.  Non-blocking from then on.
/// Errors: io (no such host, nobody listens), timed_out.
[[nodiscard]] Result<SocketHandle> connect_socket(const std::string& host, std::uint16_t port, SocketKind kind,
                                                  Timeout timeout);
/// A socket bound to `address`, a number ("127.0.0.1", "::1"); a stream listens.  `port` 0 takes any.
/// Errors: io, invalid_argument (no such address).
[[nodiscard]] Result<SocketHandle> bind_socket(const std::string& address, std::uint16_t port, SocketKind kind);
/// The port a bound socket has.
[[nodiscard]] std::uint16_t port_of(const SocketHandle& socket) noexcept;

/// Waits until a socket can be read or written.  Errors: timed_out, io.
enum class Readiness : std::uint8_t { to_read, to_write };
Result<> wait_for_socket(const SocketHandle& socket, Readiness readiness, Timeout timeout);

/// Answers are small and waited for: from now on a stream does not hold them back until more is there.
void send_at_once(const SocketHandle& socket) noexcept;
/// All of `bytes` into a stream; each wait lasts `timeout` at most.  Errors: timed_out, disconnected, io.
Result<> send_stream(const SocketHandle& socket, ByteView bytes, Timeout timeout);
/// What is there, at least one byte.  Errors: timed_out, disconnected, io.
[[nodiscard]] Result<std::size_t> receive_stream(const SocketHandle& socket, std::span<std::byte> into,
                                                 Timeout timeout);

} // namespace salvage::device
