// READ_DATA, WRITE_DATA and SHUTDOWN of XFlash agents.  Sources: see xflash_words.hpp.
#include "device/mediatek/xflash_transfer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::device::xflash {
namespace {

constexpr std::size_t status_bytes = 4;

std::uint16_t byte_sum(ByteView bytes) noexcept
{
    std::uint32_t sum = 0;
    for (const auto each : bytes) {
        sum += std::to_integer<std::uint32_t>(each);
    }
    return static_cast<std::uint16_t>(sum);
}

Error cannot_read(const StorageRegion& region, std::uint64_t at, std::uint32_t status)
{
    return Error{ErrorCode::unreadable,
                 "the phone cannot read its flash there",
                 status_words(status),
                 Location{{Place{.source = region.name, .at = ByteOffset{at}}}},
                 {},
                 {}};
}

class Session final : public AgentSession {
public:
    Session(Link link, StorageInfo info, PacketLengths lengths) : link_{link}, info_{std::move(info)}, lengths_{lengths}
    {
    }

    [[nodiscard]] const StorageInfo& storage() const noexcept override { return info_; }

    Result<> read(const StorageRegion& region, ByteRange range, const Take& take) override
    {
        SALVAGE_TRY(link_.send(Command::read_data));
        SALVAGE_TRY(link_.expect_okay("to read"));
        SALVAGE_TRY(link_.send(parameter(region, range)));
        // One for the parameter, one for the start of the transfer.
        for (int i = 0; i < 2; ++i) {
            const auto status = SALVAGE_TRY(link_.status());
            if (status != 0) {
                return cannot_read(region, range.start().value, status);
            }
        }
        for (std::uint64_t done = 0; done < range.size().value;) {
            const auto left = range.size().value - done;
            const auto got = SALVAGE_TRY(packet(region, range.start().value + done, left));
            SALVAGE_TRY(link_.send_word(0));
            SALVAGE_TRY(take(std::span{buffer_}.first(got)));
            const auto status = SALVAGE_TRY(link_.status());
            if (status != 0) {
                return cannot_read(region, range.start().value + done + got, status);
            }
            done += got;
        }
        return {};
    }

    Result<> write(const StorageRegion& region, ByteOffset at, ByteView bytes) override
    {
        const auto range = ByteRange::between(at, at + ByteCount{bytes.size()});
        SALVAGE_TRY(link_.send(Command::write_data));
        SALVAGE_TRY(link_.expect_okay("to write"));
        SALVAGE_TRY(link_.send(parameter(region, range)));
        SALVAGE_TRY(link_.expect_okay("to write there"));
        for (std::size_t done = 0; done < bytes.size();) {
            const auto piece = bytes.subspan(done, std::min<std::size_t>(lengths_.write, bytes.size() - done));
            SALVAGE_TRY(link_.send_word(0));
            SALVAGE_TRY(link_.send_word(byte_sum(piece)));
            SALVAGE_TRY(link_.send(piece));
            SALVAGE_TRY(written(region, at + ByteCount{done}));
            done += piece.size();
        }
        SALVAGE_TRY(written(region, at + ByteCount{bytes.size()}));
        return end_download();
    }

    Result<> finish(FlashWriter::Goodbye goodbye) override
    {
        SALVAGE_TRY(link_.send(Command::shutdown));
        SALVAGE_TRY(link_.expect_okay("to shut down"));
        const std::uint32_t boot_mode = goodbye == FlashWriter::Goodbye::power_off ? 0U
                                        : goodbye == FlashWriter::Goodbye::boot    ? 1U
                                                                                   : 2U;
        // has flags, watchdog, asynchronous, boot mode, download bit, keep the clock, keep USB, 0
        std::array<std::byte, 32> flags{};
        store_le<std::uint32_t>(flags, boot_mode == 0 ? 0U : 1U);
        store_le<std::uint32_t>(std::span{flags}.subspan(12), boot_mode);
        SALVAGE_TRY(link_.send(flags));
        return link_.expect_okay("to shut down");
    }

private:
    [[nodiscard]] Bytes parameter(const StorageRegion& region, ByteRange range) const
    {
        Bytes bytes(transfer_parameter_bytes);
        const std::span all{bytes};
        store_le<std::uint32_t>(all, info_.kind == StorageKind::ufs ? storage_ufs : storage_emmc);
        store_le<std::uint32_t>(all.subspan(4), region.id);
        store_le<std::uint64_t>(all.subspan(8), range.start().value);
        store_le<std::uint64_t>(all.subspan(16), range.size().value);
        return bytes;
    }

    /// One data packet into the buffer.  Four bytes are a status: ranges are whole sectors.
    Result<std::size_t> packet(const StorageRegion& region, std::uint64_t at, std::uint64_t left)
    {
        const auto most = std::max<std::uint64_t>(std::min<std::uint64_t>(left, max_packet_bytes), status_bytes);
        const auto length = SALVAGE_TRY(link_.next_length(static_cast<std::uint32_t>(most)));
        if (buffer_.size() < length) {
            buffer_.resize(length);
        }
        SALVAGE_TRY(link_.payload(std::span{buffer_}.first(length)));
        if (length == status_bytes) {
            const auto status = load_le<std::uint32_t>(buffer_);
            return cannot_read(region, at, status);
        }
        if (length == 0) {
            return Error{ErrorCode::malformed, "the phone sent a data packet without data", {}, std::nullopt, {}, {}};
        }
        return std::size_t{length};
    }

    Result<> written(const StorageRegion& region, ByteOffset at)
    {
        const auto status = SALVAGE_TRY(link_.status());
        if (status == 0) {
            return {};
        }
        auto error = refusal("to write", status);
        error.where = Location{{Place{.source = region.name, .at = at}}};
        return error;
    }

    /// Tells the agent that a download is complete; what it answers beyond its status means nothing to us.
    Result<> end_download()
    {
        SALVAGE_TRY(link_.send(Command::device_control));
        SALVAGE_TRY(link_.expect_okay("to end the download"));
        SALVAGE_TRY(link_.send_word(static_cast<std::uint32_t>(Control::optional_download_done)));
        const auto status = SALVAGE_TRY(link_.status());
        if (status == status_unsupported_control) {
            return {};
        }
        if (status != 0) {
            return refusal("to end the download", status);
        }
        SALVAGE_TRY(link_.receive(max_packet_bytes));
        return {};
    }

    Link link_;
    StorageInfo info_;
    PacketLengths lengths_;
    Bytes buffer_;
};

} // namespace

std::unique_ptr<AgentSession> make_session(Link link, StorageInfo info, PacketLengths lengths)
{
    return std::make_unique<Session>(link, std::move(info), lengths);
}

} // namespace salvage::device::xflash
