// A simulated phone on a thread of its own, for tests of whoever talks to phones.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "salvage/device/flash.hpp"
#include "salvage/device/mediatek.hpp"
#include "salvage/device/phone.hpp"
#include "salvage/device/phone_flash.hpp"
#include "salvage/device/transport.hpp"

namespace salvage::test {

/// The same bytes for the same seed, unlike each other and nowhere zero for long.
[[nodiscard]] inline Bytes pattern_bytes(std::size_t count, std::uint64_t seed = 1)
{
    Bytes bytes(count);
    std::uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 1;
    for (auto& each : bytes) {
        state ^= state << 13U;
        state ^= state >> 7U;
        state ^= state << 17U;
        each = static_cast<std::byte>(state >> 32U);
    }
    return bytes;
}

/// An eMMC in memory: boot1 and boot2 of 256 KiB, rpmb of 128 KiB, and a user region of so many bytes.
[[nodiscard]] inline std::shared_ptr<device::PhoneFlash> small_flash(std::size_t user_bytes = 1U << 20U)
{
    std::vector<device::PhoneFlash::RegionSource> regions;
    regions.push_back({.name = "boot1", .path = {}, .bytes = pattern_bytes(256U << 10U, 11)});
    regions.push_back({.name = "boot2", .path = {}, .bytes = pattern_bytes(256U << 10U, 12)});
    regions.push_back({.name = "rpmb", .path = {}, .bytes = pattern_bytes(128U << 10U, 13)});
    regions.push_back({.name = "user", .path = {}, .bytes = pattern_bytes(user_bytes, 14)});
    return device::PhoneFlash::open(std::move(regions), device::StorageKind::emmc).unwrap();
}

/// Random bytes that are the same each time.
class SeededEntropy final : public Entropy {
public:
    Result<> fill(std::span<std::byte> into) override
    {
        const auto bytes = pattern_bytes(into.size(), ++seed_);
        std::copy(bytes.begin(), bytes.end(), into.begin());
        return {};
    }

private:
    std::uint64_t seed_{0};
};

/// A phone that can be plugged in again and again.  `faults` strike at the first plug only, unless `next_faults` says
/// what to do at the ones after it.
///
///     SimulatedPhone phone{{.flash = small_flash()}};
///     const auto context = phone.context();
///     auto reader = phone.connect()(context).unwrap();
///     reader->read(*reader->storage().find("user"), range, sink, context);
class SimulatedPhone {
public:
    struct Setup {
        std::shared_ptr<device::PhoneFlash> flash;
        device::MediatekPhoneOptions options{};
        std::size_t packet_bytes{512}; ///< 1: a stream, as a tty is
        /// Faults of the second plug, the third, …
        std::vector<device::PhoneFaults> next_faults{};
        std::optional<Bytes> preloader{}; ///< for the client, in BROM mode
        device::Timeout silence{5000};
    };

    explicit SimulatedPhone(Setup setup) : setup_{std::move(setup)}
    {
        SeededEntropy entropy;
        agents_ = device::make_synthetic_agents(da_code(), entropy);
    }
    SimulatedPhone(const SimulatedPhone&) = delete;
    SimulatedPhone& operator=(const SimulatedPhone&) = delete;
    /// The client must have let its end go, or the cable is pulled.
    ~SimulatedPhone() { unplug(); }

    /// The client's end of a phone that was just plugged in; an earlier one is pulled.
    [[nodiscard]] std::unique_ptr<device::Transport> plug()
    {
        unplug();
        auto pipe = device::make_pipe(setup_.packet_bytes);
        {
            const std::scoped_lock lock{clock_->mutex};
            clock_->before = clock_->total();
            clock_->current = pipe.clock;
        }
        pull_ = pipe.pull;
        auto options = setup_.options;
        if (plugs_ > 0) {
            options.faults =
                plugs_ <= setup_.next_faults.size() ? setup_.next_faults[plugs_ - 1] : options.faults.lasting();
        }
        ++plugs_;
        thread_ = std::jthread{[flash = setup_.flash, options, waiter = pipe.waiter, result = result_,
                                end = std::move(pipe.phone)](const std::stop_token& stop) mutable {
            RunContext context;
            context.stop = stop;
            auto outcome = device::run_mediatek_phone(*end, *flash, options, *waiter, context);
            const std::scoped_lock lock{result->mutex};
            result->outcome = std::move(outcome);
            // Whoever waits for this phone is now told that it is gone.
            end.reset();
        }};
        return std::move(pipe.host);
    }

    /// Connects anew at each call, as a person who plugs the cable in again.
    [[nodiscard]] device::Connect connect()
    {
        return [this](const RunContext& context) -> Result<std::unique_ptr<device::FlashReader>> {
            auto writer = SALVAGE_TRY(device::open_mediatek(plug(), client_options(), context));
            return std::unique_ptr<device::FlashReader>{std::move(writer)};
        };
    }
    [[nodiscard]] Result<std::unique_ptr<device::FlashWriter>> open_writer()
    {
        return device::open_mediatek(plug(), client_options(), context());
    }

    [[nodiscard]] device::MediatekOptions client_options() const
    {
        return {.agents = agents_, .preloader = setup_.preloader, .silence = setup_.silence};
    }
    /// With the virtual time of all plugs together.
    [[nodiscard]] RunContext context() const
    {
        RunContext context;
        context.clock = clock_.get();
        return context;
    }
    [[nodiscard]] std::size_t plugs() const noexcept { return plugs_; }
    /// Pulls the cable and waits until the phone is off.
    void unplug()
    {
        if (pull_) {
            thread_.request_stop();
            pull_();
            thread_.join();
            pull_ = {};
        }
    }
    /// How the phone of the last plug ended; nothing while it runs.
    [[nodiscard]] std::optional<Result<>> outcome() const
    {
        const std::scoped_lock lock{result_->mutex};
        return result_->outcome;
    }

private:
    struct PlugClock final : Clock {
        [[nodiscard]] std::chrono::nanoseconds now() const override
        {
            const std::scoped_lock lock{mutex};
            return total();
        }
        [[nodiscard]] std::chrono::seconds wall_time() const override
        {
            return std::chrono::seconds{1767225600} + std::chrono::duration_cast<std::chrono::seconds>(now());
        }
        [[nodiscard]] std::chrono::nanoseconds total() const
        {
            return before + (current ? current->now() : std::chrono::nanoseconds{0});
        }

        mutable std::mutex mutex;
        std::chrono::nanoseconds before{};
        std::shared_ptr<Clock> current;
    };
    struct Outcome {
        std::mutex mutex;
        std::optional<Result<>> outcome;
    };

    [[nodiscard]] std::uint16_t da_code() const
    {
        // 0x326 is an MT6755 to DA files, 0x335 an MT6735; the codes of older chips are their own.
        switch (setup_.options.hw_code) {
        case 0x326: return 0x6755;
        case 0x335: return 0x6735;
        default: return setup_.options.hw_code;
        }
    }

    Setup setup_;
    Bytes agents_;
    std::shared_ptr<PlugClock> clock_{std::make_shared<PlugClock>()};
    std::shared_ptr<Outcome> result_{std::make_shared<Outcome>()};
    std::function<void()> pull_;
    std::size_t plugs_{0};
    std::jthread thread_;
};

/// A range of a region as one piece.  Errors: as FlashReader::read; invalid_argument where bytes come out of order.
[[nodiscard]] inline Result<Bytes> read_back(device::FlashReader& reader, std::string_view name, ByteRange range,
                                             const RunContext& context)
{
    Bytes out;
    const auto* const region = reader.storage().find(name);
    if (region == nullptr) {
        return not_found("no such region", name);
    }
    const auto sink = [&](ByteOffset at, ByteView bytes) -> Result<> {
        if (at.value != range.start().value + out.size()) {
            return invalid_argument("the bytes come out of order");
        }
        out.insert(out.end(), bytes.begin(), bytes.end());
        return {};
    };
    SALVAGE_TRY(reader.read(*region, range, sink, context));
    return out;
}

} // namespace salvage::test
