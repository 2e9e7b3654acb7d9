// READ and FINISH of legacy agents.  Source: see legacy_words.hpp.
//
// A packet whose checksum is wrong is acknowledged all the same, for what an agent does with a NACK differs; the rest
// of the transfer is dropped, and the read begins anew at that packet.
#include "device/mediatek/legacy_transfer.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "device/mediatek/legacy_words.hpp"
#include "salvage/core/text.hpp"

namespace salvage::device::legacy {
namespace {

constexpr unsigned max_attempts = 3;

Result<> command(Wire& wire, Command code)
{
    return wire.write_byte(static_cast<std::byte>(code));
}

std::uint16_t byte_sum(ByteView bytes) noexcept
{
    std::uint32_t sum = 0;
    for (const auto each : bytes) {
        sum += std::to_integer<std::uint32_t>(each);
    }
    return static_cast<std::uint16_t>(sum);
}

Error cannot_read(const StorageRegion& region, std::uint64_t at, const std::string& why)
{
    return Error{ErrorCode::unreadable,
                 "the phone cannot read its flash there",
                 why,
                 Location{{Place{.source = region.name, .at = ByteOffset{at}}}},
                 {},
                 {}};
}

class Session final : public AgentSession {
public:
    Session(Wire& wire, StorageInfo info) : wire_{&wire}, info_{std::move(info)} {}

    [[nodiscard]] const StorageInfo& storage() const noexcept override { return info_; }

    Result<> read(const StorageRegion& region, ByteRange range, const Take& take) override
    {
        auto rest = range;
        unsigned attempts = 0;
        while (!rest.is_empty()) {
            const auto good = SALVAGE_TRY(read_once(region, rest, take));
            attempts = good.value == 0 ? attempts + 1 : 1;
            rest = ByteRange::between(rest.start() + good, rest.end());
            if (!rest.is_empty() && attempts >= max_attempts) {
                return cannot_read(region, rest.start().value,
                                   fmt::format("the bytes arrived with a wrong checksum {} times", attempts));
            }
        }
        return {};
    }

    Result<> write(const StorageRegion& /*region*/, ByteOffset /*at*/, ByteView /*bytes*/) override
    {
        return unsupported("writing through an agent of this age is not supported",
                           "how it confirms a write is known from one source, and was never tried on a phone",
                           "restore with fastboot or the phone maker's flash tool");
    }

    Result<> finish(FlashWriter::Goodbye goodbye) override
    {
        SALVAGE_TRY(command(*wire_, Command::finish));
        SALVAGE_TRY(expect_ack(*wire_, "to finish"));
        const std::uint32_t boot_mode = goodbye == FlashWriter::Goodbye::power_off ? 0U
                                        : goodbye == FlashWriter::Goodbye::boot    ? 1U
                                                                                   : 2U;
        SALVAGE_TRY(wire_->write_be<std::uint32_t>(boot_mode));
        return expect_ack(*wire_, "to finish");
    }

private:
    /// Hands out what comes up to the first packet with a wrong checksum, and tells how much that was.
    Result<ByteCount> read_once(const StorageRegion& region, ByteRange range, const Take& take)
    {
        SALVAGE_TRY(select(region));
        SALVAGE_TRY(ask(region, range));
        ByteCount good;
        bool is_good = true;
        buffer_.resize(read_packet_bytes);
        for (std::uint64_t done = 0; done < range.size().value;) {
            const auto count = std::min<std::uint64_t>(read_packet_bytes, range.size().value - done);
            const auto packet = std::span{buffer_}.first(count);
            SALVAGE_TRY(wire_->read(packet));
            const auto sum = SALVAGE_TRY(wire_->read_be<std::uint16_t>());
            SALVAGE_TRY(wire_->write_byte(ack));
            is_good = is_good && sum == byte_sum(packet);
            if (is_good) {
                SALVAGE_TRY(take(packet));
                good = good + ByteCount{count};
            }
            done += count;
        }
        return good;
    }

    Result<> select(const StorageRegion& region)
    {
        SALVAGE_TRY(command(*wire_, Command::usb_status));
        SALVAGE_TRY(expect_ack(*wire_, "the question for its speed"));
        SALVAGE_TRY(wire_->read_byte()); // 0 full speed: slow, and works
        SALVAGE_TRY(command(*wire_, Command::switch_part));
        SALVAGE_TRY(expect_ack(*wire_, "to switch to another region"));
        SALVAGE_TRY(wire_->write_byte(static_cast<std::byte>(region.id)));
        return expect_ack(*wire_, fmt::format("to switch to {}", region.name));
    }

    Result<> ask(const StorageRegion& region, ByteRange range)
    {
        SALVAGE_TRY(command(*wire_, Command::read));
        SALVAGE_TRY(wire_->write_byte(host_is_linux));
        SALVAGE_TRY(wire_->write_byte(storage_emmc));
        SALVAGE_TRY(wire_->write_be<std::uint64_t>(range.start().value));
        SALVAGE_TRY(wire_->write_be<std::uint64_t>(range.size().value));
        SALVAGE_TRY(wire_->write_be<std::uint32_t>(read_packet_bytes));
        const auto answer = SALVAGE_TRY(wire_->read_byte());
        if (answer == ack) {
            return {};
        }
        SALVAGE_TRY(wire_->write_byte(nack));
        // Little-endian, unlike all else.
        std::array<std::byte, 4> status{};
        SALVAGE_TRY(wire_->read(status));
        return cannot_read(region, range.start().value, fmt::format("status {:#x}", load_le<std::uint32_t>(status)));
    }

    Wire* wire_;
    StorageInfo info_;
    Bytes buffer_;
};

} // namespace

std::unique_ptr<AgentSession> make_session(Wire& wire, StorageInfo info)
{
    return std::make_unique<Session>(wire, std::move(info));
}

Result<> expect_ack(Wire& wire, std::string_view step)
{
    const auto answer = SALVAGE_TRY(wire.read_byte());
    if (answer == ack) {
        return {};
    }
    return Error{ErrorCode::refused,
                 fmt::format("the phone refuses {}", step),
                 fmt::format("found {:#04x}, expected 0x5a", std::to_integer<unsigned>(answer)),
                 std::nullopt,
                 {},
                 {}};
}

} // namespace salvage::device::legacy
