// The phone's end of fastboot: what each medium makes of commands, data and answers.  Private to the box.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "device/fastboot/socket.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/device/transport.hpp"

namespace salvage::device {

/// Errors of all: timed_out (nothing is lost: ask again), disconnected (the host is gone, or starts anew), malformed
/// (it breaks the protocol), io.
class FastbootPhoneLink {
public:
    FastbootPhoneLink() = default;
    FastbootPhoneLink(const FastbootPhoneLink&) = delete;
    FastbootPhoneLink& operator=(const FastbootPhoneLink&) = delete;
    virtual ~FastbootPhoneLink() = default;

    virtual Result<std::string> receive_command(Timeout timeout) = 0;
    /// Data of a download; at least one byte.
    virtual Result<std::size_t> receive_data(std::span<std::byte> into, Timeout timeout) = 0;
    virtual Result<> answer(std::string_view text, Timeout timeout) = 0;
    /// Takes what comes and lets it fall, as a phone that hangs.
    virtual Result<> swallow(Timeout timeout) = 0;
};

/// Greets the host.
[[nodiscard]] Result<std::unique_ptr<FastbootPhoneLink>> make_fastboot_phone_tcp(SocketHandle connection);
/// `cable` outlives it.
[[nodiscard]] std::unique_ptr<FastbootPhoneLink> make_fastboot_phone_cable(Transport& cable);

/// One for all hosts of a socket: each begins with open.
class FastbootPhoneUdp : public FastbootPhoneLink {
public:
    /// Waits for a host.
    virtual Result<> open(Timeout timeout) = 0;
};
/// `socket` outlives it.
[[nodiscard]] std::unique_ptr<FastbootPhoneUdp> make_fastboot_phone_udp(const SocketHandle& socket);

} // namespace salvage::device
