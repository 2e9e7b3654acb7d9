// Exact counts out of a transport that hands over what it likes.
#include "salvage/device/transport.hpp"

#include <algorithm>

namespace salvage::device {
namespace {

// Small reads from a stream take what is there at once, so that a status is not three system calls.
constexpr std::size_t buffer_bytes = 1U << 14U;
constexpr std::size_t max_drained_bytes = 1U << 20U;

std::size_t round_up(std::size_t count, std::size_t unit) noexcept
{
    return (count + unit - 1) / unit * unit;
}

} // namespace

TransportReader::TransportReader(Transport& transport) : transport_{&transport} {}

Result<std::size_t> TransportReader::refill(std::size_t wanted, Timeout timeout)
{
    // A stream gives what it has; packets must be asked for by the packet, or the read waits for more than is due.
    const auto packet = std::max<std::size_t>(transport_->packet_bytes(), 1);
    const auto ask = packet == 1 ? buffer_bytes : round_up(std::min(wanted, buffer_bytes), packet);
    if (buffer_.size() < ask) {
        buffer_.resize(ask);
    }
    begin_ = 0;
    end_ = 0;
    const auto got = SALVAGE_TRY(transport_->read_some(std::span{buffer_}.first(ask), timeout));
    end_ = std::min(got, ask);
    return end_;
}

Result<std::size_t> TransportReader::read_some(std::span<std::byte> into, Timeout timeout)
{
    if (into.empty()) {
        return std::size_t{0};
    }
    if (begin_ == end_) {
        const auto packet = std::max<std::size_t>(transport_->packet_bytes(), 1);
        if (into.size() >= buffer_bytes && into.size() % packet == 0) {
            return transport_->read_some(into, timeout);
        }
        SALVAGE_TRY(refill(into.size(), timeout));
    }
    const auto count = std::min(into.size(), end_ - begin_);
    std::ranges::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), static_cast<std::ptrdiff_t>(count),
                        into.begin());
    begin_ += count;
    return count;
}

Result<> TransportReader::read(std::span<std::byte> into, Timeout timeout)
{
    while (!into.empty()) {
        const auto got = SALVAGE_TRY(read_some(into, timeout));
        into = into.subspan(got);
    }
    return {};
}

Result<Bytes> TransportReader::read_available(Timeout timeout)
{
    if (begin_ == end_) {
        SALVAGE_TRY(refill(buffer_bytes, timeout));
    }
    Bytes out(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_));
    begin_ = end_;
    return out;
}

Result<> TransportReader::drain(Timeout quiet)
{
    std::size_t dropped = end_ - begin_;
    begin_ = end_;
    while (dropped < max_drained_bytes) {
        const auto got = refill(buffer_bytes, quiet);
        if (!got.has_value()) {
            return got.error().code == ErrorCode::timed_out ? Result<>{} : Result<>{got.error()};
        }
        dropped += *got;
        begin_ = end_;
    }
    return {};
}

} // namespace salvage::device
