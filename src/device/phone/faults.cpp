// Faults on the way between a simulated phone and its host.
#include "device/phone/faults.hpp"

#include <algorithm>
#include <array>

namespace salvage::device {
namespace {

constexpr Timeout stall_slice{1000};

} // namespace

PhoneFaults PhoneFaults::lasting() const
{
    auto out = *this;
    out.disconnect_at.reset();
    out.stall_at.reset();
    out.lose_byte_at.reset();
    out.short_packet_at.reset();
    out.flip_bit_at.reset();
    out.error_status_at.reset();
    return out;
}

bool FaultCounter::is_due(const Position& at, std::size_t count) const
{
    return at && *at >= position_ && *at - position_ < count;
}

std::optional<std::size_t> FaultCounter::strike(Position& at, std::size_t count) const
{
    if (!is_due(at, count)) {
        return std::nullopt;
    }
    const auto where = static_cast<std::size_t>(*at - position_);
    at.reset();
    return where;
}

bool FaultCounter::is_struck(std::size_t count) const
{
    return is_due(faults_.disconnect_at, count) || is_due(faults_.stall_at, count) ||
           is_due(faults_.short_packet_at, count) || is_due(faults_.lose_byte_at, count) ||
           is_due(faults_.flip_bit_at, count);
}

FaultCounter::Passage FaultCounter::pass(std::span<std::byte> transfer)
{
    const auto count = transfer.size();
    Passage out{.left = count};
    if (const auto at = strike(faults_.stall_at, count)) {
        out = {.left = *at, .cable = Cable::silent};
    }
    if (const auto at = strike(faults_.disconnect_at, out.left)) {
        out = {.left = *at, .cable = Cable::pulled};
    }
    // Behind a cut the cable still meets its fate: its position is passed and does not come again.
    if (const auto at = strike(faults_.short_packet_at, out.left)) {
        out.left = *at;
    }
    if (const auto at = strike(faults_.flip_bit_at, out.left)) {
        transfer[*at] ^= std::byte{1};
    }
    if (const auto at = strike(faults_.lose_byte_at, out.left)) {
        std::ranges::copy(transfer.first(out.left).subspan(*at + 1), transfer.subspan(*at).begin());
        --out.left;
    }
    position_ += count;
    return out;
}

bool FaultCounter::takes_error_status()
{
    const bool is_due_now = faults_.error_status_at && position_ >= *faults_.error_status_at;
    if (is_due_now) {
        faults_.error_status_at.reset();
    }
    return is_due_now;
}

std::chrono::nanoseconds FaultCounter::time_of(std::size_t count) const
{
    const auto speed = faults_.bytes_a_second.value_or(0);
    if (speed == 0) {
        return {};
    }
    const std::chrono::duration<double> seconds{static_cast<double>(count) / static_cast<double>(speed)};
    return std::chrono::duration_cast<std::chrono::nanoseconds>(seconds);
}

Error FaultyCable::pulled()
{
    return Error{ErrorCode::disconnected, "the cable of the simulated phone is pulled", {}, std::nullopt, {}, {}};
}

Result<> FaultyCable::stall()
{
    std::array<std::byte, 1U << 14U> dropped{};
    while (!context_->is_stopped()) {
        const auto got = cable_->read_some(dropped, stall_slice);
        if (!got.has_value() && got.error().code != ErrorCode::timed_out) {
            return Error{got.error()};
        }
    }
    return cancelled("the simulated phone was stopped");
}

Result<> FaultyCable::send(ByteView bytes, Timeout timeout)
{
    return faults_.time_of(bytes.size()).count() > 0 ? trickle(bytes, timeout) : cable_->write(bytes, timeout);
}

/// Whole packets at a time, so that the transfer stays one.
Result<> FaultyCable::trickle(ByteView bytes, Timeout timeout)
{
    constexpr std::size_t piece_bytes = 4096;
    const auto packet = cable_->packet_bytes();
    const auto most = (piece_bytes + packet - 1) / packet * packet;
    while (!bytes.empty()) {
        const auto piece = bytes.first(std::min(bytes.size(), most));
        waiter_->wait(faults_.time_of(piece.size()));
        SALVAGE_TRY(cable_->write(piece, timeout));
        bytes = bytes.subspan(piece.size());
    }
    return {};
}

Result<> FaultyCable::write(ByteView bytes, Timeout timeout)
{
    using Cable = FaultCounter::Cable;
    if (state_ == Cable::sound && !faults_.is_struck(bytes.size())) {
        faults_.skip(bytes.size());
        return send(bytes, timeout);
    }
    if (state_ == Cable::sound) {
        Bytes transfer{bytes.begin(), bytes.end()};
        const auto passage = faults_.pass(transfer);
        // A transfer of which nothing is left must not become a zero-length packet.
        if (passage.left > 0) {
            SALVAGE_TRY(send(ByteView{transfer}.first(passage.left), timeout));
        }
        state_ = passage.cable;
    }
    switch (state_) {
    case Cable::sound: return {};
    case Cable::pulled: return pulled();
    case Cable::silent: return stall();
    }
    return {};
}

Result<std::size_t> FaultyCable::read_some(std::span<std::byte> into, Timeout timeout)
{
    if (state_ == FaultCounter::Cable::pulled) {
        return pulled();
    }
    if (state_ == FaultCounter::Cable::silent) {
        SALVAGE_TRY(stall());
    }
    return cable_->read_some(into, timeout);
}

} // namespace salvage::device
