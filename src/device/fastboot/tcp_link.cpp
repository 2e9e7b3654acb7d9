// The host's end of fastboot over TCP.
#include <utility>

#include <fmt/format.h>

#include "limits.hpp"
#include "salvage/device/fastboot.hpp"
#include "tcp_messages.hpp"

namespace salvage::device {
namespace {

class TcpLink final : public FastbootLink {
public:
    TcpLink(TcpMessages messages, std::string name) : messages_{std::move(messages)}, name_{std::move(name)} {}

    Result<> send(ByteView bytes, Timeout timeout) override { return messages_.send(bytes, timeout); }
    Result<std::string> receive(Timeout timeout) override
    {
        const auto message = SALVAGE_TRY(messages_.receive(max_answer_bytes, timeout));
        return std::string{as_text(message)};
    }
    [[nodiscard]] std::string name() const override { return name_; }

private:
    TcpMessages messages_;
    std::string name_;
};

} // namespace

Result<std::unique_ptr<FastbootLink>> connect_fastboot_tcp(const std::string& host, std::uint16_t port)
{
    TcpMessages messages{SALVAGE_TRY(connect_socket(host, port, SocketKind::stream, connect_patience))};
    auto name = fmt::format("tcp:{}:{}", host, port);
    SALVAGE_TRY(messages.greet(connect_patience).in("connecting to " + name));
    return std::make_unique<TcpLink>(std::move(messages), std::move(name));
}

} // namespace salvage::device
