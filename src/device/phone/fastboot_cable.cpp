// The simulated bootloader at the end of a cable that keeps transfers apart.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "device/fastboot/limits.hpp"
#include "fastboot_phone.hpp"

namespace salvage::device {
namespace {

/// Every size of a USB packet divides it.
constexpr std::size_t read_bytes_at_once = max_command_bytes;

class CableLink final : public FastbootPhoneLink {
public:
    explicit CableLink(Transport& cable) : cable_{&cable} {}

    Result<std::string> receive_command(Timeout timeout) override
    {
        std::array<std::byte, read_bytes_at_once> buffer{};
        const auto count = SALVAGE_TRY(cable_->read_some(buffer, timeout));
        return std::string{as_text(ByteView{buffer}.first(count))};
    }

    Result<std::size_t> receive_data(std::span<std::byte> into, Timeout timeout) override
    {
        const auto packet = std::max<std::size_t>(cable_->packet_bytes(), 1);
        if (const auto whole = into.size() / packet * packet; whole != 0) {
            return cable_->read_some(into.first(whole), timeout);
        }
        // Less than a packet is due: the host may not send more, but a packet must be asked for.
        Bytes buffer(packet);
        const auto count = SALVAGE_TRY(cable_->read_some(buffer, timeout));
        if (count > into.size()) {
            return malformed(ByteOffset{0}, "the host sends more than it announced",
                             fmt::format("found {} bytes, expected {} at most", count, into.size()));
        }
        std::ranges::copy_n(buffer.begin(), static_cast<std::ptrdiff_t>(count), into.begin());
        return count;
    }

    Result<> answer(std::string_view text, Timeout timeout) override { return cable_->write(as_bytes(text), timeout); }

    Result<> swallow(Timeout timeout) override
    {
        std::array<std::byte, read_bytes_at_once> buffer{};
        SALVAGE_TRY(cable_->read_some(buffer, timeout));
        return {};
    }

private:
    Transport* cable_;
};

} // namespace

std::unique_ptr<FastbootPhoneLink> make_fastboot_phone_cable(Transport& cable)
{
    return std::make_unique<CableLink>(cable);
}

Result<> run_fastboot_phone(Transport& cable, PhoneFlash& flash, const FastbootPhoneOptions& options, Waiter& waiter,
                            const RunContext& context)
{
    FastbootPhone phone{flash, options, waiter};
    const auto link = make_fastboot_phone_cable(cable);
    SALVAGE_TRY(phone.serve(*link, context));
    return {};
}

} // namespace salvage::device
