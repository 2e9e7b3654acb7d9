// What a client of a phone reads and writes with: exact counts, the silence it bears, and the stop of who waits.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string_view>
#include <utility>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/device/transport.hpp"

namespace salvage::device {

class Wire {
public:
    /// `transport` outlives the wire.  `silence`: longer than this without a byte is a stall.
    Wire(Transport& transport, Timeout silence) : transport_{&transport}, reader_{transport}, silence_{silence} {}

    /// Whose stop ends the waits from now on: a read that waits in vain for 50 ms then returns.
    void heed(std::stop_token stop) { stop_ = std::move(stop); }
    [[nodiscard]] bool is_stopped() const noexcept { return stop_.stop_requested(); }
    [[nodiscard]] Timeout silence() const noexcept { return silence_; }
    [[nodiscard]] Transport& transport() const noexcept { return *transport_; }

    /// Errors: timed_out, disconnected, io.
    Result<> write(ByteView bytes);
    Result<> write_byte(std::byte value) { return write(std::array{value}); }
    /// Errors: timed_out (silent for too long), disconnected, io, cancelled.
    Result<> read(std::span<std::byte> into);
    Result<> read_within(std::span<std::byte> into, Timeout silence);
    Result<std::byte> read_byte();
    template <std::unsigned_integral T>
    Result<T> read_be()
    {
        std::array<std::byte, sizeof(T)> bytes{};
        SALVAGE_TRY(read(bytes));
        return load_be<T>(bytes);
    }
    template <std::unsigned_integral T>
    Result<> write_be(T value)
    {
        std::array<std::byte, sizeof(T)> bytes{};
        store_be<T>(bytes, value);
        return write(bytes);
    }
    /// Drops what comes until nothing has come for `quiet`.
    Result<> drain(Timeout quiet) { return reader_.drain(quiet); }

private:
    Transport* transport_;
    TransportReader reader_;
    Timeout silence_;
    std::stop_token stop_;
};

} // namespace salvage::device
