// A flash behind a download agent.
//
// A read is asked for in stretches, so that it can be stopped between two of them with the agent ready for the next
// command.  Whoever stops a read, or fails to store what was read, lets the stretch under way come to its end; only if
// that takes too long is the agent left in the middle of it, and then the phone must be connected anew.
#include "device/mediatek/agent_flash.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::device {
namespace {

// 8 MiB is a quarter of a second over USB 2, and the question for it under a thousandth of that.
constexpr std::uint64_t read_stretch_bytes = 8U << 20U;
// Fetched before it is asked for, so that a failing origin does not leave a write half done.
constexpr std::uint64_t write_stretch_bytes = 1U << 20U;
constexpr std::uint64_t sector_bytes = 512;
constexpr std::chrono::seconds longest_farewell{1};

Error out_of_step()
{
    return Error{ErrorCode::disconnected,
                 "the phone's download agent was left in the middle of a transfer",
                 {},
                 std::nullopt,
                 "unplug the phone, switch it off, and plug it in again",
                 {}};
}

/// Hands what was asked for to the sink, and remembers the first reason not to go on.
class Delivery {
public:
    Delivery(ByteRange wanted, ByteOffset at, const FlashReader::Sink& sink, const RunContext& context)
        : wanted_{wanted}, at_{at}, sink_{&sink}, context_{&context}
    {
    }

    Result<> take(ByteView bytes)
    {
        if (failure_) {
            return context_->clock->now() - failed_at_ > longest_farewell ? Result<>{*failure_} : Result<>{};
        }
        const auto got = ByteRange::between(at_, at_ + ByteCount{bytes.size()});
        const auto part = got.intersection(wanted_);
        if (!part.is_empty()) {
            const auto skipped = (part.start() - at_).value;
            auto stored = (*sink_)(part.start(), bytes.subspan(skipped, part.size().value));
            if (!stored.has_value()) {
                fail(std::move(stored).error());
            }
        }
        at_ = got.end();
        if (!failure_ && context_->is_stopped()) {
            fail(cancelled("the read was stopped"));
        }
        return {};
    }
    [[nodiscard]] const std::optional<Error>& failure() const noexcept { return failure_; }

private:
    void fail(Error error)
    {
        failure_ = std::move(error);
        failed_at_ = context_->clock->now();
    }

    ByteRange wanted_;
    ByteOffset at_;
    const FlashReader::Sink* sink_;
    const RunContext* context_;
    std::optional<Error> failure_;
    std::chrono::nanoseconds failed_at_{};
};

class AgentFlash final : public FlashWriter {
public:
    AgentFlash(std::unique_ptr<Transport> transport, std::unique_ptr<Wire> wire, std::unique_ptr<AgentSession> session)
        : transport_{std::move(transport)}, wire_{std::move(wire)}, session_{std::move(session)}
    {
    }

    [[nodiscard]] const StorageInfo& storage() const noexcept override { return session_->storage(); }

    [[nodiscard]] std::string identity() const override
    {
        const auto& info = storage();
        if (!is_all_zero(info.cid)) {
            return fmt::format("{} {}", info.kind == StorageKind::ufs ? "ufs" : "emmc", to_hex(info.cid));
        }
        std::uint64_t bytes = 0;
        for (const auto& region : info.regions) {
            bytes += region.size.value;
        }
        return fmt::format("{} of {} bytes", to_string(info.kind), bytes);
    }

    Result<> read(const StorageRegion& region, ByteRange range, const Sink& sink, const RunContext& context) override
    {
        SALVAGE_TRY(begin(region, range, context));
        const auto end = round_up(range.end().value, region);
        for (auto at = range.start().value / sector_bytes * sector_bytes; at < end && !range.is_empty();) {
            if (context.is_stopped()) {
                return cancelled("the read was stopped");
            }
            const auto stretch = ByteRange::between(ByteOffset{at}, ByteOffset{std::min(end, at + read_stretch_bytes)});
            Delivery delivery{range, stretch.start(), sink, context};
            const auto done =
                session_->read(region, stretch, [&delivery](ByteView bytes) { return delivery.take(bytes); });
            if (!done.has_value()) {
                note(done.error());
            }
            if (delivery.failure()) {
                return *delivery.failure();
            }
            SALVAGE_TRY(done);
            at = stretch.end().value;
        }
        return {};
    }

    Result<> write(const StorageRegion& region, ByteRange range, const Origin& origin,
                   const RunContext& context) override
    {
        SALVAGE_TRY(begin(region, range, context));
        if (range.start().value % sector_bytes != 0 || range.size().value % sector_bytes != 0) {
            return invalid_argument("a flash is written in whole sectors",
                                    fmt::format("{} bytes at {}", range.size().value, format_offset(range.start())));
        }
        Bytes stretch;
        for (auto at = range.start(); at < range.end();) {
            if (context.is_stopped()) {
                return cancelled("the write was stopped");
            }
            stretch.resize(std::min(write_stretch_bytes, (range.end() - at).value));
            SALVAGE_TRY(origin(at, stretch));
            const auto done = session_->write(region, at, stretch);
            if (!done.has_value()) {
                note(done.error());
                return done;
            }
            at = at + ByteCount{stretch.size()};
        }
        return {};
    }

    Result<> finish(Goodbye goodbye) override
    {
        if (is_out_of_step_) {
            return out_of_step();
        }
        is_out_of_step_ = true;
        wire_->heed({});
        return session_->finish(goodbye);
    }

private:
    Result<> begin(const StorageRegion& region, ByteRange range, const RunContext& context)
    {
        if (range.end().value > region.size.value) {
            return invalid_argument("the range ends beyond the region",
                                    fmt::format("it ends at {}, {} has {} bytes", format_offset(range.end()),
                                                region.name, region.size.value));
        }
        if (is_out_of_step_) {
            return out_of_step();
        }
        wire_->heed(context.stop);
        return {};
    }

    [[nodiscard]] static std::uint64_t round_up(std::uint64_t end, const StorageRegion& region)
    {
        const auto rounded = end % sector_bytes == 0 ? end : end + (sector_bytes - end % sector_bytes);
        return std::min(rounded, region.size.value);
    }

    void note(const Error& error)
    {
        switch (error.code) {
        case ErrorCode::unreadable:
        case ErrorCode::refused:
        case ErrorCode::unsupported: return;
        default: is_out_of_step_ = true;
        }
    }

    std::unique_ptr<Transport> transport_;
    std::unique_ptr<Wire> wire_;
    std::unique_ptr<AgentSession> session_;
    bool is_out_of_step_{false};
};

} // namespace

std::unique_ptr<FlashWriter> make_agent_flash(std::unique_ptr<Transport> transport, std::unique_ptr<Wire> wire,
                                              std::unique_ptr<AgentSession> session)
{
    return std::make_unique<AgentFlash>(std::move(transport), std::move(wire), std::move(session));
}

} // namespace salvage::device
