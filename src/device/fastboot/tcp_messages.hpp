// Fastboot over TCP: a greeting, then messages of a 64-bit big-endian length and their bytes.  Both ends use it.
// Spec: AOSP system/core, fastboot/README.md, "TCP Protocol v1".
#pragma once

#include <array>
#include <cstdint>

#include "salvage/device/transport.hpp"
#include "socket.hpp"

namespace salvage::device {

class TcpMessages {
public:
    explicit TcpMessages(SocketHandle socket);

    /// Says "FB01" and hears the other end's.  Errors: timed_out, disconnected, io, malformed.
    Result<> greet(Timeout timeout);
    Result<> send(ByteView bytes, Timeout timeout);
    /// The next message whole.  A part that came before a time-out is kept for the next call.
    /// Errors: timed_out, disconnected, io, malformed (longer than `most`).
    [[nodiscard]] Result<Bytes> receive(std::size_t most, Timeout timeout);
    /// Bytes of the next message or messages, as they come; at least one.
    /// Errors: timed_out, disconnected, io, malformed (an empty message).
    [[nodiscard]] Result<std::size_t> receive_some(std::span<std::byte> into, Timeout timeout);
    [[nodiscard]] const SocketHandle& socket() const noexcept { return socket_; }

private:
    static constexpr std::size_t length_bytes = 8;
    /// Waits for the length of the next message, unless one is under way.
    Result<> begin(const Deadline& deadline);
    [[nodiscard]] bool is_under_way() const noexcept { return length_have_ == length_bytes; }

    SocketHandle socket_;
    std::array<std::byte, length_bytes> length_{};
    std::size_t length_have_{0};
    std::uint64_t left_{0}; ///< of the message under way
    Bytes part_;            ///< of it, that came before a time-out
};

} // namespace salvage::device
