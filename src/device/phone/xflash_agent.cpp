// The XFlash agent of a simulated phone: which statuses come, and when.  Sources: see xflash_words.hpp.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "device/mediatek/xflash_words.hpp"
#include "device/phone/mediatek_line.hpp"
#include "device/phone/xflash_answers.hpp"

namespace salvage::device::phone {
namespace {

using xflash::Command;
using xflash::Control;

constexpr std::uint32_t max_packet_bytes = 16U << 20U;

class Agent {
public:
    explicit Agent(Phone& phone) : phone_{&phone}, line_{&phone.line} {}

    Result<> run()
    {
        SALVAGE_TRY(line_->write_byte(xflash::first_byte));
        SALVAGE_TRY(expect_word(xflash::sync));
        while (!is_over_) {
            const auto command = SALVAGE_TRY(receive_word());
            SALVAGE_TRY(answer(static_cast<Command>(command)).in(fmt::format("answering command {:#x}", command)));
        }
        return {};
    }

private:
    Result<> send(ByteView payload)
    {
        std::array<std::byte, xflash::header_bytes> header{};
        const std::span all{header};
        store_le<std::uint32_t>(all, xflash::packet_magic);
        store_le<std::uint32_t>(all.subspan(4), xflash::kind_protocol);
        store_le<std::uint32_t>(all.subspan(8), static_cast<std::uint32_t>(payload.size()));
        SALVAGE_TRY(line_->write(header));
        return line_->write(payload);
    }
    Result<> send_word(std::uint32_t word)
    {
        std::array<std::byte, 4> bytes{};
        store_le<std::uint32_t>(bytes, word);
        return send(bytes);
    }
    Result<> status(std::uint32_t value = 0)
    {
        return send_word(line_->cable().takes_error_status() ? xflash::status_read_error : value);
    }

    /// The payload of the host's next packet.
    Result<ByteView> receive()
    {
        std::array<std::byte, xflash::header_bytes> bytes{};
        SALVAGE_TRY(line_->read(bytes));
        const ByteView header{bytes};
        const auto length = load_le<std::uint32_t>(header.subspan(8));
        if (load_le<std::uint32_t>(header) != xflash::packet_magic || length > max_packet_bytes) {
            return broken("the host sent no packet where one is due", to_hex(header));
        }
        if (buffer_.size() < length) {
            buffer_.resize(length);
        }
        SALVAGE_TRY(line_->read(std::span{buffer_}.first(length)));
        return ByteView{buffer_}.first(length);
    }
    Result<ByteView> receive_exactly(std::size_t bytes)
    {
        const auto got = SALVAGE_TRY(receive());
        if (got.size() != bytes) {
            return broken("the host's packet has the wrong length",
                          fmt::format("found {} bytes, expected {}", got.size(), bytes));
        }
        return got;
    }
    Result<std::uint32_t> receive_word() { return load_le<std::uint32_t>(SALVAGE_TRY(receive_exactly(4))); }
    Result<> expect_word(std::uint32_t expected)
    {
        const auto got = SALVAGE_TRY(receive_word());
        return got == expected ? Result<>{}
                               : Result<>{broken("the host said something else than was due",
                                                 fmt::format("found {:#x}, expected {:#x}", got, expected))};
    }

    Result<> answer(Command command)
    {
        switch (command) {
        case Command::setup_environment: SALVAGE_TRY(receive_exactly(20)); return status();
        case Command::setup_hardware:
            SALVAGE_TRY(receive_exactly(4));
            SALVAGE_TRY(status());
            return send_word(xflash::sync);
        case Command::device_control: return control();
        case Command::init_external_ram: return set_up_dram();
        case Command::boot_to: return load_second_stage();
        case Command::read_data: return read();
        case Command::write_data: return write();
        case Command::shutdown: return shut_down();
        default: return status(xflash::status_unsupported_command);
        }
    }

    Result<> control()
    {
        SALVAGE_TRY(status());
        const auto code = static_cast<Control>(SALVAGE_TRY(receive_word()));
        switch (code) {
        case Control::set_battery:
        case Control::set_checksum_level:
        case Control::set_reset_key:
            SALVAGE_TRY(status());
            SALVAGE_TRY(receive());
            return status();
        case Control::optional_download_done: SALVAGE_TRY(status()); return status();
        default: break;
        }
        const auto answer = xflash_answer(static_cast<std::uint32_t>(code), *phone_->options, phone_->flash->info());
        if (!answer) {
            return status(xflash::status_unsupported_control);
        }
        SALVAGE_TRY(status());
        SALVAGE_TRY(send(*answer));
        return status();
    }

    /// What the settings are is not looked at; that they came is.
    Result<> set_up_dram()
    {
        SALVAGE_TRY(status());
        const auto length = SALVAGE_TRY(receive_word());
        const auto settings = SALVAGE_TRY(receive());
        has_dram_ = settings.size() == length;
        return status(has_dram_ ? 0 : xflash::status_protocol_error);
    }

    Result<> load_second_stage()
    {
        SALVAGE_TRY(status());
        const auto parameter = SALVAGE_TRY(receive_exactly(16));
        const auto length = load_le<std::uint64_t>(parameter.subspan(8));
        const auto image = SALVAGE_TRY(receive());
        if (image.size() != length || (phone_->options->is_brom && !has_dram_)) {
            return status(xflash::status_protocol_error);
        }
        SALVAGE_TRY(status());
        is_second_stage_ = true;
        return send_word(xflash::sync);
    }

    struct Transfer {
        std::string region;
        ByteOffset at;
        std::uint64_t length{};
    };
    /// Nothing where the flash has no such part, or not so much of it.
    Result<std::optional<Transfer>> receive_transfer()
    {
        const auto parameter = SALVAGE_TRY(receive_exactly(xflash::transfer_parameter_bytes));
        const auto storage = load_le<std::uint32_t>(parameter);
        const auto part = load_le<std::uint32_t>(parameter.subspan(4));
        const auto at = load_le<std::uint64_t>(parameter.subspan(8));
        const auto length = load_le<std::uint64_t>(parameter.subspan(16));
        const auto& info = phone_->flash->info();
        const auto own = info.kind == StorageKind::ufs ? xflash::storage_ufs : xflash::storage_emmc;
        const auto region = std::ranges::find(info.regions, part, &StorageRegion::id);
        const auto range = ByteRange::make(ByteOffset{at}, ByteCount{length});
        if (!is_second_stage_ || storage != own || region == info.regions.end() || !range ||
            range->end().value > region->size.value) {
            return std::optional<Transfer>{};
        }
        return std::optional{Transfer{.region = region->name, .at = ByteOffset{at}, .length = length}};
    }

    /// Status to the parameter, another at the start; then packet by packet: data, the host's word, status.
    Result<> read()
    {
        SALVAGE_TRY(status());
        const auto transfer = SALVAGE_TRY(receive_transfer());
        if (!transfer) {
            return status(xflash::status_read_error);
        }
        SALVAGE_TRY(status());
        SALVAGE_TRY(status());
        Bytes packet;
        for (std::uint64_t done = 0; done < transfer->length;) {
            packet.resize(std::min<std::uint64_t>(phone_->options->read_packet_bytes, transfer->length - done));
            const auto got = phone_->flash->read(transfer->region, transfer->at + ByteCount{done}, packet);
            if (!got.has_value()) {
                // A status in the place of data: nothing more comes, and the next command may.
                return send_word(xflash::status_read_error);
            }
            SALVAGE_TRY(send(packet));
            SALVAGE_TRY(expect_word(0));
            if (line_->cable().takes_error_status()) {
                return send_word(xflash::status_read_error);
            }
            SALVAGE_TRY(send_word(0));
            done += packet.size();
        }
        return {};
    }

    Result<> write()
    {
        SALVAGE_TRY(status());
        const auto transfer = SALVAGE_TRY(receive_transfer());
        if (!transfer) {
            return status(xflash::status_write_error);
        }
        SALVAGE_TRY(status());
        for (std::uint64_t done = 0; done < transfer->length;) {
            SALVAGE_TRY(expect_word(0));
            const auto checksum = SALVAGE_TRY(receive_word());
            const auto data = SALVAGE_TRY(receive());
            std::uint32_t sum = 0;
            for (const auto each : data) {
                sum += std::to_integer<std::uint32_t>(each);
            }
            if (data.empty() || data.size() > transfer->length - done || (sum & 0xFFFFU) != checksum) {
                return status(xflash::status_protocol_error);
            }
            if (line_->cable().takes_error_status() ||
                !phone_->flash->write(transfer->region, transfer->at + ByteCount{done}, data).has_value()) {
                return send_word(xflash::status_write_error);
            }
            SALVAGE_TRY(send_word(0));
            done += data.size();
        }
        return status();
    }

    Result<> shut_down()
    {
        SALVAGE_TRY(status());
        SALVAGE_TRY(receive_exactly(32));
        is_over_ = true;
        return status();
    }

    Phone* phone_;
    Line* line_;
    Bytes buffer_;
    bool has_dram_{false};
    bool is_second_stage_{false};
    bool is_over_{false};
};

} // namespace

Result<> run_xflash_agent(Phone& phone)
{
    return Agent{phone}.run();
}

} // namespace salvage::device::phone
