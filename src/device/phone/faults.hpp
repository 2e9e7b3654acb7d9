// The cable of a simulated phone, with faults on demand.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "salvage/core/run_context.hpp"
#include "salvage/device/phone_faults.hpp"
#include "salvage/device/transport.hpp"

namespace salvage::device {

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

    /// Whether the status that is about to be sent is the one that shall be an error; true once.
    [[nodiscard]] bool takes_error_status();

private:
    [[nodiscard]] bool is_due(const std::optional<std::uint64_t>& at, std::size_t count) const;
    /// The first `count` bytes go out, as spoiled as is due.
    Result<> pass(ByteView bytes, Timeout timeout);
    Result<> trickle(ByteView bytes, Timeout timeout);
    [[nodiscard]] Bytes spoiled(ByteView bytes);
    /// Neither sends nor takes, until the host has gone or the phone is stopped.
    Result<> stall();
    [[nodiscard]] Error pulled();

    Transport* cable_;
    PhoneFaults faults_;
    Waiter* waiter_;
    const RunContext* context_;
    std::uint64_t sent_{0};
    bool is_pulled_{false};
    bool is_stalled_{false};
};

} // namespace salvage::device
