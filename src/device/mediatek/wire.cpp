// Exact reads that give up on silence and on a stop.
#include "device/mediatek/wire.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace salvage::device {
namespace {

// How long a stop may go unheard.
constexpr Timeout slice{50};

} // namespace

Result<> Wire::write(ByteView bytes)
{
    return transport_->write(bytes, silence_);
}

Result<> Wire::read(std::span<std::byte> into)
{
    return read_within(into, silence_);
}

Result<> Wire::read_within(std::span<std::byte> into, Timeout silence)
{
    Timeout waited{0};
    while (!into.empty()) {
        const auto wait = std::min(slice, silence - waited);
        auto got = reader_.read_some(into, wait);
        if (got.has_value()) {
            into = into.subspan(*got);
            waited = Timeout{0};
            continue;
        }
        if (got.error().code != ErrorCode::timed_out) {
            return std::move(got).error();
        }
        // A stop ends a wait, not a conversation: a phone that talks may come to the end of its sentence.
        if (is_stopped()) {
            return cancelled("waiting for the phone was stopped");
        }
        waited += wait;
        if (waited >= silence) {
            return Error{ErrorCode::timed_out,
                         "the phone is silent",
                         fmt::format("{} more bytes were due from {}; nothing came for {} ms", into.size(),
                                     transport_->name(), silence.count()),
                         std::nullopt,
                         "unplug the phone, switch it off, and plug it in again",
                         {}};
        }
    }
    return {};
}

Result<std::byte> Wire::read_byte()
{
    std::array<std::byte, 1> one{};
    SALVAGE_TRY(read(one));
    return one[0];
}

} // namespace salvage::device
