// The simulated bootloader's end of a TCP connection.
#include <array>
#include <utility>

#include "device/fastboot/limits.hpp"
#include "device/fastboot/tcp_messages.hpp"
#include "fastboot_link.hpp"

namespace salvage::device {
namespace {

/// A host that takes nothing for so long is gone.
constexpr Timeout send_patience{30000};

class TcpPhoneLink final : public FastbootPhoneLink {
public:
    explicit TcpPhoneLink(TcpMessages messages) : messages_{std::move(messages)} {}

    Result<std::string> receive_command(Timeout timeout) override
    {
        const auto message = SALVAGE_TRY(messages_.receive(max_command_bytes, timeout));
        return std::string{as_text(message)};
    }
    Result<std::size_t> receive_data(std::span<std::byte> into, Timeout timeout) override
    {
        return messages_.receive_some(into, timeout);
    }
    Result<> answer(std::string_view text, Timeout /*a part of it cannot be taken back*/) override
    {
        auto sent = messages_.send(as_bytes(text), send_patience);
        if (!sent.has_value() && sent.error().code == ErrorCode::timed_out) {
            return Error{ErrorCode::disconnected, "the host takes nothing", {}, std::nullopt, {}, {}};
        }
        return sent;
    }
    Result<> swallow(Timeout timeout) override
    {
        std::array<std::byte, 4096> buffer{};
        SALVAGE_TRY(receive_stream(messages_.socket(), buffer, timeout));
        return {};
    }

private:
    TcpMessages messages_;
};

} // namespace

Result<std::unique_ptr<FastbootPhoneLink>> make_fastboot_phone_tcp(SocketHandle connection)
{
    TcpMessages messages{std::move(connection)};
    SALVAGE_TRY(messages.greet(connect_patience));
    return std::make_unique<TcpPhoneLink>(std::move(messages));
}

} // namespace salvage::device
