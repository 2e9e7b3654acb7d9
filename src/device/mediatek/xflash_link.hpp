// Packets to and from an XFlash download agent.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "device/mediatek/wire.hpp"
#include "device/mediatek/xflash_words.hpp"

namespace salvage::device::xflash {

class Link {
public:
    explicit Link(Wire& wire) : wire_{&wire} {}

    /// Header and payload, each a transfer of its own.
    Result<> send(ByteView payload);
    Result<> send_word(std::uint32_t word);
    Result<> send(Command command) { return send_word(static_cast<std::uint32_t>(command)); }

    /// The length of the next packet's payload, which is then read by `payload`; logs are passed over.
    /// Errors: malformed (no packet, or longer than `max_bytes`), timed_out, disconnected.
    Result<std::uint32_t> next_length(std::uint32_t max_bytes);
    Result<> payload(std::span<std::byte> into) { return wire_->read(into); }
    Result<Bytes> receive(std::uint32_t max_bytes);

    /// 0 where all is well.
    Result<std::uint32_t> status();
    /// Errors: refused (with the status in words).
    Result<> expect_okay(std::string_view step);

    /// DEVICE_CTRL that asks.  Nothing where the agent does not know the question.
    Result<std::optional<Bytes>> get(Control code, std::string_view step);
    /// DEVICE_CTRL that sets; an agent that does not know the setting keeps its own.
    Result<> set(Control code, std::uint32_t value, std::string_view step);

private:
    enum class Known : bool { no, yes };
    Result<Known> control(Control code, std::string_view step);

    Wire* wire_;
};

[[nodiscard]] Error refusal(std::string_view step, std::uint32_t status);
/// "0xc0010010, reading failed".
[[nodiscard]] std::string status_words(std::uint32_t status);

} // namespace salvage::device::xflash
