// Faults on the way between a simulated phone and its host.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "salvage/core/bytes.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/device/phone_faults.hpp"
#include "salvage/device/transport.hpp"

namespace salvage::device {

/// Counts what crosses a link, and knows what becomes of it there.
class FaultCounter {
public:
    explicit FaultCounter(PhoneFaults faults) : faults_{std::move(faults)} {}

    enum class Cable : std::uint8_t { sound, pulled, silent };
    struct Passage {
        std::size_t left{}; ///< how many bytes arrive, at the front
        Cable cable{Cable::sound};
    };
    /// Whether a fault strikes within the next `count` bytes; where none does, skip() spares a copy.
    [[nodiscard]] bool is_struck(std::size_t count) const;
    void skip(std::size_t count) { position_ += count; }
    /// The next transfer crosses: spoiled in place where that is due.
    Passage pass(std::span<std::byte> transfer);

    /// Whether the status that is about to be sent is the one that shall be an error; true once.
    [[nodiscard]] bool takes_error_status();
    /// What a slow link takes for so many bytes.
    [[nodiscard]] std::chrono::nanoseconds time_of(std::size_t count) const;
    /// The pull is still to come.
    [[nodiscard]] bool has_pull() const noexcept { return faults_.disconnect_at.has_value(); }

private:
    using Position = std::optional<std::uint64_t>;
    /// Where in the next `count` bytes a fault strikes; it does so once.
    [[nodiscard]] std::optional<std::size_t> strike(Position& at, std::size_t count) const;
    [[nodiscard]] bool is_due(const Position& at, std::size_t count) const;

    PhoneFaults faults_;
    std::uint64_t position_{0};
};

/// Counts what the phone sends, and spoils it where it was told to.  A stall and a pulled cable are for good.
class FaultyCable final : public Transport {
public:
    /// All outlive the cable.
    FaultyCable(Transport& cable, PhoneFaults faults, Waiter& waiter, const RunContext& context)
        : cable_{&cable}, faults_{std::move(faults)}, waiter_{&waiter}, context_{&context}
    {
    }

    Result<> write(ByteView bytes, Timeout timeout) override;
    Result<std::size_t> read_some(std::span<std::byte> into, Timeout timeout) override;
    [[nodiscard]] std::size_t packet_bytes() const noexcept override { return cable_->packet_bytes(); }
    [[nodiscard]] std::string name() const override { return cable_->name(); }

    /// As FaultCounter's.
    [[nodiscard]] bool takes_error_status() { return faults_.takes_error_status(); }

private:
    Result<> send(ByteView bytes, Timeout timeout);
    Result<> trickle(ByteView bytes, Timeout timeout);
    /// Neither sends nor takes, until the host has gone or the phone is stopped.
    Result<> stall();
    static Error pulled();

    Transport* cable_;
    FaultCounter faults_;
    Waiter* waiter_;
    const RunContext* context_;
    FaultCounter::Cable state_{FaultCounter::Cable::sound};
};

} // namespace salvage::device
