// Reading and writing at a simulated phone's end.
#include "device/phone/mediatek_line.hpp"

#include <algorithm>

namespace salvage::device::phone {
namespace {

// How long a stop may go unheard, and how long a host may let the phone's words lie.
constexpr Timeout slice{50};
constexpr Timeout write_patience{std::chrono::minutes{10}};

} // namespace

Result<> Line::write(ByteView bytes)
{
    return cable_->write(bytes, write_patience);
}

Result<> Line::read(std::span<std::byte> into)
{
    while (!into.empty()) {
        if (context_->is_stopped()) {
            return cancelled("the simulated phone was stopped");
        }
        const auto got = reader_.read_some(into, slice);
        if (got.has_value()) {
            into = into.subspan(*got);
        } else if (got.error().code != ErrorCode::timed_out) {
            return Error{got.error()};
        }
    }
    return {};
}

Result<std::byte> Line::read_byte()
{
    std::array<std::byte, 1> one{};
    SALVAGE_TRY(read(one));
    return one[0];
}

Result<std::optional<std::byte>> Line::read_byte_within(Timeout timeout)
{
    std::array<std::byte, 1> one{};
    for (Timeout waited{0}; waited < timeout; waited += slice) {
        if (context_->is_stopped()) {
            return cancelled("the simulated phone was stopped");
        }
        const auto got = reader_.read_some(one, std::min(slice, timeout - waited));
        if (got.has_value()) {
            return std::optional{one[0]};
        }
        if (got.error().code != ErrorCode::timed_out) {
            return Error{got.error()};
        }
    }
    return std::optional<std::byte>{};
}

Error broken(std::string_view step, std::string_view why)
{
    return Error{ErrorCode::malformed, std::string{step}, std::string{why}, std::nullopt, {}, {}};
}

} // namespace salvage::device::phone
