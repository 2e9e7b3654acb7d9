// A device in memory with faults, for tests of reading it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "salvage/device/flash.hpp"

namespace salvage::test {

/// A clock that advances by itself, so that checkpoints fall due.
class TickingClock final : public Clock {
public:
    explicit TickingClock(std::chrono::nanoseconds step) : step_{step} {}
    [[nodiscard]] std::chrono::nanoseconds now() const override { return now_ += step_; }
    [[nodiscard]] std::chrono::seconds wall_time() const override { return std::chrono::seconds{1'500'000'000}; }

private:
    std::chrono::nanoseconds step_;
    mutable std::chrono::nanoseconds now_{0};
};

/// Stands for kill -9: whoever throws it ends the run where it is, and nothing is tidied up.
struct Killed {};

/// What the flash is and does; outlives the readers.
struct FakeFlash {
    struct Region {
        std::string name;
        Bytes bytes;
        std::vector<ByteRange> bad{};    ///< reading fails there, at the sector's start
        std::vector<ByteRange> stalls{}; ///< the device falls silent there, and must be connected anew
    };
    std::vector<Region> regions;
    Bytes cid{16, std::byte{1}};
    std::string identity{"emmc 90014a484247346132a449d6f1a7b143"};
    std::size_t packet{4096};
    std::uint64_t block{512};
    bool is_packet_lost_with_bad_sector{false}; ///< a bad sector takes its whole packet with it
    std::optional<std::uint64_t> cut_after;     ///< bytes from now on; then the cable is pulled, once
    std::optional<std::uint64_t> kill_after;    ///< bytes from now on; then Killed is thrown
    unsigned refuse_connections{0};             ///< so many connections fail as out of step
    bool is_deaf_at_last{false};                ///< it does not answer the goodbye

    std::vector<device::FlashReader::Goodbye> goodbyes;
    unsigned connections{0};
    std::uint64_t given{0};
    std::vector<std::pair<std::string, ByteRange>> asked;

    [[nodiscard]] device::StorageInfo info() const
    {
        device::StorageInfo out;
        out.kind = device::StorageKind::emmc;
        out.block = ByteCount{block};
        out.cid = cid;
        std::uint32_t id = 0;
        for (const auto& region : regions) {
            out.regions.push_back({.name = region.name, .id = ++id, .size = ByteCount{region.bytes.size()}});
        }
        return out;
    }
    [[nodiscard]] device::Connect connector();
};

class FakeReader final : public device::FlashReader {
public:
    explicit FakeReader(FakeFlash& flash) : flash_{&flash}, info_{flash.info()}, identity_{flash.identity} {}

    [[nodiscard]] const device::StorageInfo& storage() const noexcept override { return info_; }
    [[nodiscard]] std::string identity() const override { return identity_; }

    Result<> read(const device::StorageRegion& region, ByteRange range, const Sink& sink,
                  const RunContext& context) override
    {
        if (is_gone_) {
            return fault(ErrorCode::disconnected);
        }
        flash_->asked.emplace_back(region.name, range);
        const auto& from = *std::ranges::find(flash_->regions, region.name, &FakeFlash::Region::name);
        if (range.end().value > from.bytes.size()) {
            return invalid_argument("the range ends beyond the region");
        }
        for (auto at = range.start(); at < range.end();) {
            if (context.is_stopped()) {
                return cancelled("the fake read");
            }
            const auto packet = ByteRange::between(at, std::min(range.end(), at + ByteCount{flash_->packet}));
            SALVAGE_TRY(send(from, packet, sink));
            at = packet.end();
        }
        return {};
    }

    Result<> finish(Goodbye goodbye) override
    {
        if (flash_->is_deaf_at_last) {
            return fault(ErrorCode::timed_out);
        }
        flash_->goodbyes.push_back(goodbye);
        return {};
    }

private:
    static Error fault(ErrorCode code) { return Error{code, "a fault of the fake device", {}, std::nullopt, {}, {}}; }

    static std::optional<ByteOffset> first_in(const std::vector<ByteRange>& areas, ByteRange packet)
    {
        std::optional<ByteOffset> out;
        for (const auto& area : areas) {
            if (const auto hit = area.intersection(packet); !hit.is_empty()) {
                out = std::min(out.value_or(hit.start()), hit.start());
            }
        }
        return out;
    }

    Result<> send(const FakeFlash::Region& from, ByteRange packet, const Sink& sink)
    {
        const auto bad = first_in(from.bad, packet);
        const auto stall = first_in(from.stalls, packet);
        auto good = packet;
        if (bad || stall) {
            good =
                ByteRange::between(packet.start(), std::min(bad.value_or(packet.end()), stall.value_or(packet.end())));
            good = flash_->is_packet_lost_with_bad_sector ? ByteRange::between(packet.start(), packet.start()) : good;
        }
        SALVAGE_TRY(hand_over(from, good, sink));
        if (stall && (!bad || *stall < *bad)) {
            is_gone_ = true;
            return fault(ErrorCode::timed_out);
        }
        return bad ? Result<>{fault(ErrorCode::unreadable)} : Result<>{};
    }

    Result<> hand_over(const FakeFlash::Region& from, ByteRange good, const Sink& sink)
    {
        auto count = static_cast<std::size_t>(good.size().value);
        const auto is_cut = flash_->cut_after && *flash_->cut_after <= count;
        if (is_cut) {
            count = static_cast<std::size_t>(*flash_->cut_after);
        }
        if (flash_->cut_after) {
            *flash_->cut_after -= count;
        }
        flash_->given += count;
        const auto is_killed = flash_->kill_after && *flash_->kill_after <= count;
        if (is_killed) {
            count = static_cast<std::size_t>(*flash_->kill_after);
        } else if (flash_->kill_after) {
            *flash_->kill_after -= count;
        }
        if (count > 0) {
            SALVAGE_TRY(
                sink(good.start(), ByteView{from.bytes}.subspan(static_cast<std::size_t>(good.start().value), count)));
        }
        if (is_killed) {
            flash_->kill_after.reset();
            throw Killed{};
        }
        if (is_cut) {
            flash_->cut_after.reset();
            is_gone_ = true;
            return fault(ErrorCode::disconnected);
        }
        return {};
    }

    FakeFlash* flash_;
    device::StorageInfo info_;
    std::string identity_;
    bool is_gone_{false};
};

inline device::Connect FakeFlash::connector()
{
    return [this](const RunContext& context) -> Result<std::unique_ptr<device::FlashReader>> {
        if (context.is_stopped()) {
            return cancelled("waiting for the fake device");
        }
        if (refuse_connections > 0) {
            --refuse_connections;
            return Error{ErrorCode::malformed, "the fake device is out of step", {}, std::nullopt, {}, {}};
        }
        ++connections;
        return std::make_unique<FakeReader>(*this);
    };
}

/// Bytes that repeat nowhere, but for a stretch of zeros: holes must stay holes.
inline Bytes make_content(std::size_t size, std::uint32_t seed)
{
    Bytes out(size);
    std::mt19937 random{seed};
    for (std::size_t at = 0; at < size; at += 4) {
        const auto word = random();
        for (std::size_t i = 0; i < std::min<std::size_t>(4, size - at); ++i) {
            out[at + i] = static_cast<std::byte>((word >> (8 * i)) & 0xFFU);
        }
    }
    if (size >= 65536) {
        std::fill(out.begin() + 16384, out.begin() + 40000, std::byte{0});
    }
    return out;
}

inline ByteRange area(std::uint64_t start, std::uint64_t end)
{
    return ByteRange::between(ByteOffset{start}, ByteOffset{end});
}

} // namespace salvage::test
