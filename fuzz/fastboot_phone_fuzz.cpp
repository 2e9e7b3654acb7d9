// What a host may say to the simulated bootloader: it never writes outside its partitions, and it ends with its host.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "require.hpp"
#include "salvage/device/phone.hpp"

namespace {

using namespace salvage;
using fuzz::require;

/// Transfers cut out of the input: a length of 16 bits, and so many bytes.  Then the host is gone.
class InputCable final : public device::Transport {
public:
    explicit InputCable(ByteView input) : input_{input} {}
    Result<> write(ByteView bytes, device::Timeout /*timeout*/) override
    {
        require(bytes.size() >= 4 && bytes.size() <= 256);
        return {};
    }
    Result<std::size_t> read_some(std::span<std::byte> into, device::Timeout /*timeout*/) override
    {
        require(!into.empty());
        if (input_.size() < 3) {
            return Error{ErrorCode::disconnected, "the input ends", {}, std::nullopt, {}, {}};
        }
        const std::size_t length = load_le<std::uint16_t>(input_) % 4096;
        const auto count = std::min({std::max<std::size_t>(length, 1), input_.size() - 2, into.size()});
        std::ranges::copy(input_.subspan(2, count), into.begin());
        input_ = input_.subspan(2 + count);
        return count;
    }
    [[nodiscard]] std::size_t packet_bytes() const noexcept override { return 512; }
    [[nodiscard]] std::string name() const override { return "input"; }

private:
    ByteView input_;
};

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    constexpr std::uint64_t partition_bytes = 16U << 10U;
    const auto range = [](std::uint64_t start) {
        return ByteRange::between(ByteOffset{start}, ByteOffset{start + partition_bytes});
    };
    device::FastbootPhoneOptions options;
    options.max_download = ByteCount{64U << 10U};
    options.does_owner_press_yes = true;
    options.partitions = {{.name = "boot", .range = range(4096)}, {.name = "userdata", .range = range(24U << 10U)}};
    std::vector<device::PhoneFlash::RegionSource> regions;
    regions.push_back({.name = "user", .path = {}, .bytes = Bytes(48U << 10U)});
    const auto flash = device::PhoneFlash::open(std::move(regions), device::StorageKind::emmc);
    require(flash.has_value());
    InputCable cable{std::as_bytes(std::span{data, size})};
    const auto ended = device::run_fastboot_phone(cable, **flash, options, device::real_waiter(), RunContext{});
    require(ended.has_value() || !ended.error().what.empty());
    for (const auto& [region, written] : (*flash)->writes()) {
        require(std::ranges::any_of(options.partitions,
                                    [&](const device::PhonePartition& each) { return each.range.contains(written); }));
    }
    return 0;
}
