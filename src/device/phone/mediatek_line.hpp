// What the parts of a simulated MediaTek phone talk through, and what they know of the phone.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "device/phone/faults.hpp"
#include "salvage/device/phone.hpp"

namespace salvage::device::phone {

class Line {
public:
    Line(FaultyCable& cable, const RunContext& context) : cable_{&cable}, reader_{cable}, context_{&context} {}

    Result<> write(ByteView bytes);
    Result<> write_byte(std::byte value) { return write(std::array{value}); }
    template <std::unsigned_integral T>
    Result<> write_be(T value)
    {
        std::array<std::byte, sizeof(T)> bytes{};
        store_be<T>(bytes, value);
        return write(bytes);
    }
    /// Waits as long as it takes.  Errors: disconnected, cancelled, io.
    Result<> read(std::span<std::byte> into);
    Result<std::byte> read_byte();
    /// Nothing where none came in time.  Errors: disconnected, cancelled, io.
    Result<std::optional<std::byte>> read_byte_within(Timeout timeout);
    template <std::unsigned_integral T>
    Result<T> read_be()
    {
        std::array<std::byte, sizeof(T)> bytes{};
        SALVAGE_TRY(read(bytes));
        return load_be<T>(bytes);
    }
    /// Reads a number and says it back.
    template <std::unsigned_integral T>
    Result<T> echo_be()
    {
        const auto value = SALVAGE_TRY(read_be<T>());
        SALVAGE_TRY(write_be<T>(value));
        return value;
    }
    [[nodiscard]] FaultyCable& cable() const noexcept { return *cable_; }

private:
    FaultyCable* cable_;
    TransportReader reader_;
    const RunContext* context_;
};

/// A phone and its flash.
struct Phone {
    Line line;
    PhoneFlash* flash{};
    const MediatekPhoneOptions* options{};
    Waiter* waiter{};
    Log* log{};
};

/// What the preloader was given.
struct LoadedAgent {
    std::uint32_t address{};
    std::uint32_t length{};
};

/// A preloader's "READY", to a terminal that somebody holds.  A real one says it every 20 ms until the first knock;
/// once shows whether a host bears it.  It is not counted for faults.
Result<> greet(Transport& cable, const RunContext& context);
/// From the plug until the host has knocked rightly.
Result<> answer_knock(Phone& phone);
/// From the handshake until an agent is started.
Result<LoadedAgent> run_preloader(Phone& phone);
/// From the agent's first byte until the host lets the phone go.
Result<> run_xflash_agent(Phone& phone);
Result<> run_legacy_agent(Phone& phone);

/// The host broke the protocol.
[[nodiscard]] Error broken(std::string_view step, std::string_view why);

} // namespace salvage::device::phone
