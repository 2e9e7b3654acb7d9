// Faults of a simulated phone.
#include "device/phone/faults.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace salvage::device {
namespace {

constexpr Timeout stall_slice{1000};

} // namespace

bool FaultyCable::is_due(const std::optional<std::uint64_t>& at, std::size_t count) const
{
    return at && *at >= sent_ && *at < sent_ + count;
}

Error FaultyCable::pulled()
{
    is_pulled_ = true;
    return Error{ErrorCode::disconnected, "the cable of the simulated phone is pulled", {}, std::nullopt, {}, {}};
}

Result<> FaultyCable::stall()
{
    is_stalled_ = true;
    std::array<std::byte, 1U << 14U> dropped{};
    while (!context_->is_stopped()) {
        const auto got = cable_->read_some(dropped, stall_slice);
        if (!got.has_value() && got.error().code != ErrorCode::timed_out) {
            return Error{got.error()};
        }
    }
    return cancelled("the simulated phone was stopped");
}

Bytes FaultyCable::spoiled(ByteView bytes)
{
    Bytes out{bytes.begin(), bytes.end()};
    if (is_due(faults_.flip_bit_at, bytes.size())) {
        out[*faults_.flip_bit_at - sent_] ^= std::byte{1};
        faults_.flip_bit_at.reset();
    }
    if (is_due(faults_.lose_byte_at, bytes.size())) {
        out.erase(out.begin() + static_cast<std::ptrdiff_t>(*faults_.lose_byte_at - sent_));
        faults_.lose_byte_at.reset();
    }
    return out;
}

Result<> FaultyCable::pass(ByteView bytes, Timeout timeout)
{
    const bool is_spoiled = is_due(faults_.flip_bit_at, bytes.size()) || is_due(faults_.lose_byte_at, bytes.size());
    const auto copy = is_spoiled ? spoiled(bytes) : Bytes{};
    const auto out = is_spoiled ? ByteView{copy} : bytes;
    sent_ += bytes.size();
    // A transfer of which nothing is left must not become a zero-length packet.
    if (out.empty() && !bytes.empty()) {
        return {};
    }
    return faults_.bytes_a_second.value_or(0) > 0 ? trickle(out, timeout) : cable_->write(out, timeout);
}

/// Whole packets at a time, so that the transfer stays one.
Result<> FaultyCable::trickle(ByteView bytes, Timeout timeout)
{
    constexpr std::size_t piece_bytes = 4096;
    const auto packet = cable_->packet_bytes();
    const auto most = (piece_bytes + packet - 1) / packet * packet;
    do {
        const auto piece = bytes.first(std::min(bytes.size(), most));
        const auto seconds = static_cast<double>(piece.size()) / static_cast<double>(*faults_.bytes_a_second);
        waiter_->wait(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>{seconds}));
        SALVAGE_TRY(cable_->write(piece, timeout));
        bytes = bytes.subspan(piece.size());
    } while (!bytes.empty());
    return {};
}

Result<> FaultyCable::write(ByteView bytes, Timeout timeout)
{
    if (is_pulled_) {
        return pulled();
    }
    if (is_stalled_) {
        return stall();
    }
    if (is_due(faults_.disconnect_at, bytes.size())) {
        const auto count = *faults_.disconnect_at - sent_;
        if (count > 0) {
            SALVAGE_TRY(pass(bytes.first(count), timeout));
        }
        return pulled();
    }
    if (is_due(faults_.stall_at, bytes.size())) {
        const auto count = *faults_.stall_at - sent_;
        if (count > 0) {
            SALVAGE_TRY(pass(bytes.first(count), timeout));
        }
        return stall();
    }
    if (is_due(faults_.short_packet_at, bytes.size())) {
        const auto count = *faults_.short_packet_at - sent_;
        faults_.short_packet_at.reset();
        const auto cut = bytes.first(count);
        sent_ += bytes.size() - count;
        return count > 0 ? pass(cut, timeout) : Result<>{};
    }
    return pass(bytes, timeout);
}

Result<std::size_t> FaultyCable::read_some(std::span<std::byte> into, Timeout timeout)
{
    if (is_pulled_) {
        return pulled();
    }
    if (is_stalled_) {
        SALVAGE_TRY(stall());
    }
    return cable_->read_some(into, timeout);
}

bool FaultyCable::takes_error_status()
{
    if (faults_.error_status_at && sent_ >= *faults_.error_status_at) {
        faults_.error_status_at.reset();
        return true;
    }
    return false;
}

} // namespace salvage::device
