// A hostile phone: whatever it says, the host comes to an end, and a sink is given no byte that was not asked for.
// The input is what the phone says, after one byte that chooses how it says it.
#include <algorithm>
#include <cstdint>
#include <memory>

#include "require.hpp"
#include "salvage/device/mediatek.hpp"
#include "salvage/device/phone.hpp"

namespace {

using namespace salvage;
using fuzz::require;

/// Says what it was given, in portions, then falls silent, then is gone.  Takes everything.
class Parrot final : public device::Transport {
public:
    Parrot(ByteView words, std::size_t packet) : words_{words}, packet_{packet} {}

    Result<> write(ByteView /*bytes*/, device::Timeout /*timeout*/) override
    {
        is_spoken_to_ = true;
        return {};
    }
    Result<std::size_t> read_some(std::span<std::byte> into, device::Timeout /*timeout*/) override
    {
        require(!into.empty() && into.size() % packet_ == 0 && into.size() <= (8U << 20U));
        // Who talks before it is spoken to is not heard: it would say everything then.
        if (words_.empty() || !is_spoken_to_) {
            const bool is_patient = ++silences_ < 200;
            return Error{
                is_patient ? ErrorCode::timed_out : ErrorCode::disconnected, "silence", {}, std::nullopt, {}, {}};
        }
        const auto count = std::min(into.size(), words_.size());
        std::ranges::copy(words_.first(count), into.begin());
        words_ = words_.subspan(count);
        return count;
    }
    [[nodiscard]] std::size_t packet_bytes() const noexcept override { return packet_; }
    [[nodiscard]] std::string name() const override { return "parrot"; }

private:
    ByteView words_;
    std::size_t packet_;
    unsigned silences_{0};
    bool is_spoken_to_{false};
};

class Zeros final : public Entropy {
public:
    Result<> fill(std::span<std::byte> into) override
    {
        std::ranges::fill(into, std::byte{0});
        return {};
    }
};

void read_all(device::FlashWriter& phone)
{
    std::size_t regions = 0;
    for (const auto& region : phone.storage().regions) {
        require(region.size.value > 0 && ++regions <= 8);
        const auto range = ByteRange::first(ByteCount{std::min<std::uint64_t>(region.size.value, 4096)});
        std::uint64_t given = 0;
        const auto sink = [&given](ByteOffset at, ByteView bytes) -> Result<> {
            require(at.value == given);
            given += bytes.size();
            return {};
        };
        const auto read = phone.read(region, range, sink, {});
        require(given <= range.size().value);
        require(read.has_value() ? given == range.size().value : !to_string(read.error()).empty());
    }
    require(!phone.identity().empty());
    ignore(phone.finish(device::FlashWriter::Goodbye::power_off), "a hostile phone does not say goodbye");
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) {
        return 0;
    }
    static Zeros zeros;
    static const auto xflash_agents = device::make_synthetic_agents(0x6755, zeros);
    static const auto legacy_agents = device::make_synthetic_agents(0x6735, zeros);
    const bool is_legacy = (data[0] & 1U) != 0;
    const std::size_t packet = (data[0] & 2U) != 0 ? 512 : 1;
    const auto words = std::as_bytes(std::span{data, size}.subspan(1));
    const device::MediatekOptions options{.agents = is_legacy ? legacy_agents : xflash_agents};
    const auto phone = device::open_mediatek(std::make_unique<Parrot>(words, packet), options, {});
    if (phone.has_value()) {
        read_all(**phone);
    } else {
        require(phone.error().code != ErrorCode::internal && !to_string(phone.error()).empty());
    }
    return 0;
}
