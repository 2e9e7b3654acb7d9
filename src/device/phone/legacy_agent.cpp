// The legacy agent of a simulated phone.  Source: see legacy_words.hpp.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "device/mediatek/legacy_storage.hpp"
#include "device/mediatek/legacy_words.hpp"
#include "device/phone/mediatek_line.hpp"

namespace salvage::device::phone {
namespace {

using legacy::Command;

constexpr std::uint32_t max_stage_bytes = 16U << 20U;
constexpr std::uint32_t max_packet_bytes = 16U << 20U;
constexpr std::uint32_t status_read_error = 0xBD0;
constexpr std::byte usb_high_speed{1};
constexpr std::size_t cid_bytes = 16;

class Agent {
public:
    explicit Agent(Phone& phone) : phone_{&phone}, line_{&phone.line} {}

    Result<> run()
    {
        SALVAGE_TRY(introduce());
        SALVAGE_TRY(configure());
        SALVAGE_TRY(load_second_stage());
        SALVAGE_TRY(tell_flash());
        while (!is_over_) {
            const auto command = SALVAGE_TRY(line_->read_byte());
            SALVAGE_TRY(answer(static_cast<Command>(command)));
        }
        return {};
    }

private:
    [[nodiscard]] const StorageInfo& info() const { return phone_->flash->info(); }
    [[nodiscard]] Bytes turned_cid() const
    {
        Bytes cid = info().cid;
        cid.resize(cid_bytes);
        return legacy::turn_cid(cid);
    }
    Result<> acknowledge() { return line_->write_byte(legacy::ack); }
    Result<> expect_ack(std::string_view step)
    {
        const auto got = SALVAGE_TRY(line_->read_byte());
        return got == legacy::ack ? Result<>{}
                                  : Result<>{broken(step, fmt::format("found {:#04x}, expected 0x5a",
                                                                      std::to_integer<unsigned>(got)))};
    }
    Result<> drop(std::size_t count)
    {
        Bytes bytes(count);
        return line_->read(bytes);
    }

    /// No NAND, and the eMMC's CID.
    Result<> introduce()
    {
        SALVAGE_TRY(line_->write_byte(legacy::first_byte));
        SALVAGE_TRY(line_->write_be<std::uint32_t>(legacy::device_not_found));
        SALVAGE_TRY(line_->write_be<std::uint16_t>(1));
        SALVAGE_TRY(line_->write_be<std::uint16_t>(0));
        SALVAGE_TRY(line_->write_be<std::uint32_t>(0));
        const auto cid = turned_cid();
        for (std::size_t at = 0; at < cid.size(); at += 4) {
            SALVAGE_TRY(line_->write(std::span{cid}.subspan(at, 4)));
        }
        SALVAGE_TRY(expect_ack("the host did not acknowledge the list of chips"));
        // Version 3.2, and the chip's own.
        for (const auto each : {std::byte{3}, std::byte{2}, std::byte{0}}) {
            SALVAGE_TRY(line_->write_byte(each));
        }
        return {};
    }

    Result<> configure()
    {
        const auto hw_code = phone_->options->hw_code;
        SALVAGE_TRY(drop(legacy::common_config_bytes + legacy::extra_config_bytes(hw_code)));
        // The DRAM of a phone whose preloader ran is up.
        const bool wants_dram = phone_->options->is_brom;
        SALVAGE_TRY(line_->write_be<std::uint32_t>(wants_dram ? legacy::wants_dram_settings : 0));
        if (wants_dram) {
            return broken("the simulated legacy agent does not take DRAM settings", "it was loaded in BROM mode");
        }
        for (std::size_t i = 0; i < legacy::words_behind_status(hw_code); ++i) {
            SALVAGE_TRY(line_->write_be<std::uint32_t>(0));
        }
        return {};
    }

    Result<> load_second_stage()
    {
        SALVAGE_TRY(line_->read_be<std::uint32_t>()); // address
        const auto length = SALVAGE_TRY(line_->read_be<std::uint32_t>());
        const auto packet = SALVAGE_TRY(line_->read_be<std::uint32_t>());
        if (length > max_stage_bytes || packet == 0 || packet > max_packet_bytes) {
            SALVAGE_TRY(line_->write_byte(legacy::nack));
            return broken("the host announces an impossible second stage", fmt::format("{} bytes", length));
        }
        SALVAGE_TRY(acknowledge());
        Bytes bytes;
        for (std::uint32_t done = 0; done < length; done += static_cast<std::uint32_t>(bytes.size())) {
            bytes.resize(std::min(packet, length - done));
            SALVAGE_TRY(line_->read(bytes));
            SALVAGE_TRY(acknowledge());
        }
        SALVAGE_TRY(expect_ack("the host did not start the second stage"));
        return acknowledge();
    }

    Result<> tell_flash()
    {
        SALVAGE_TRY(line_->write(Bytes(legacy::nor_info_bytes)));
        Bytes nand(legacy::nand_info_bytes);
        store_be<std::uint32_t>(nand, legacy::device_not_found);
        nand.back() = std::byte{1}; // one id, which is 0
        SALVAGE_TRY(line_->write(nand));
        SALVAGE_TRY(line_->write(Bytes(2)));
        SALVAGE_TRY(line_->write(Bytes(legacy::nand_tail_bytes)));
        SALVAGE_TRY(line_->write(emmc_info()));
        SALVAGE_TRY(line_->write(Bytes(legacy::sd_info_bytes)));
        SALVAGE_TRY(line_->write(ram_info()));
        if (const auto count = legacy::bytes_before_pass(phone_->options->hw_code); count > 0) {
            SALVAGE_TRY(line_->write(Bytes(count)));
        }
        Bytes pass(legacy::pass_info_bytes);
        pass.front() = legacy::ack;
        pass.back() = legacy::soc_okay;
        return line_->write(pass);
    }

    [[nodiscard]] Bytes emmc_info() const
    {
        Bytes out(legacy::emmc_info_bytes);
        const std::span all{out};
        std::size_t at = 4;
        for (const std::string_view name : {"boot1", "boot2", "rpmb", "gp1", "gp2", "gp3", "gp4", "user"}) {
            const auto* const region = info().find(name);
            store_be<std::uint64_t>(all.subspan(at), region == nullptr ? 0 : region->size.value);
            at += 8;
        }
        std::ranges::copy(turned_cid(), all.subspan(at).begin());
        store_be<std::uint64_t>(all.subspan(at + cid_bytes), info().firmware_version);
        return out;
    }

    [[nodiscard]] Bytes ram_info() const
    {
        Bytes out(legacy::ram_info_bytes);
        const std::span all{out};
        store_be<std::uint32_t>(all.subspan(4), static_cast<std::uint32_t>(info().sram.value));
        out[12] = std::byte{2}; // DRAM
        store_be<std::uint64_t>(all.subspan(14), info().dram.value);
        return out;
    }

    Result<> answer(Command command)
    {
        switch (command) {
        case Command::usb_status: SALVAGE_TRY(acknowledge()); return line_->write_byte(usb_high_speed);
        case Command::switch_part: return switch_part();
        case Command::read: return read();
        case Command::finish: return finish();
        }
        return line_->write_byte(legacy::nack);
    }

    Result<> switch_part()
    {
        SALVAGE_TRY(acknowledge());
        const auto part = std::to_integer<std::uint32_t>(SALVAGE_TRY(line_->read_byte()));
        const auto region = std::ranges::find(info().regions, part, &StorageRegion::id);
        if (region == info().regions.end()) {
            return line_->write_byte(legacy::nack);
        }
        region_ = region->name;
        return acknowledge();
    }

    /// An agent says at once whether it can read: a bad area shows before any data.
    Result<> read()
    {
        SALVAGE_TRY(drop(2)); // host, storage
        const auto at = SALVAGE_TRY(line_->read_be<std::uint64_t>());
        const auto length = SALVAGE_TRY(line_->read_be<std::uint64_t>());
        const auto packet = SALVAGE_TRY(line_->read_be<std::uint32_t>());
        const auto range = ByteRange::make(ByteOffset{at}, ByteCount{length});
        const bool is_possible = range && packet > 0 && packet <= max_packet_bytes;
        if (!is_possible || line_->cable().takes_error_status() || !phone_->flash->check(region_, *range).has_value()) {
            return refuse_read();
        }
        SALVAGE_TRY(acknowledge());
        Bytes data;
        for (std::uint64_t done = 0; done < length; done += data.size()) {
            data.resize(std::min<std::uint64_t>(packet, length - done));
            SALVAGE_TRY(phone_->flash->read(region_, ByteOffset{at + done}, data));
            SALVAGE_TRY(send_until_taken(data));
        }
        return {};
    }

    Result<> refuse_read()
    {
        SALVAGE_TRY(line_->write_byte(legacy::nack));
        SALVAGE_TRY(line_->read_byte()); // the host's NACK
        std::array<std::byte, 4> status{};
        store_le<std::uint32_t>(status, status_read_error);
        return line_->write(status);
    }

    Result<> send_until_taken(ByteView data)
    {
        std::uint32_t sum = 0;
        for (const auto each : data) {
            sum += std::to_integer<std::uint32_t>(each);
        }
        while (true) {
            SALVAGE_TRY(line_->write(data));
            SALVAGE_TRY(line_->write_be<std::uint16_t>(static_cast<std::uint16_t>(sum)));
            const auto answer = SALVAGE_TRY(line_->read_byte());
            if (answer == legacy::ack) {
                return {};
            }
            if (answer != legacy::nack) {
                return broken("the host answered a packet with neither ACK nor NACK",
                              fmt::format("found {:#04x}", std::to_integer<unsigned>(answer)));
            }
        }
    }

    Result<> finish()
    {
        SALVAGE_TRY(acknowledge());
        SALVAGE_TRY(line_->read_be<std::uint32_t>()); // where to go from here
        is_over_ = true;
        return acknowledge();
    }

    Phone* phone_;
    Line* line_;
    std::string region_{"user"};
    bool is_over_{false};
};

} // namespace

Result<> run_legacy_agent(Phone& phone)
{
    return Agent{phone}.run();
}

} // namespace salvage::device::phone
