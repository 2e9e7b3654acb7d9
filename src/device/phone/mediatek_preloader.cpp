// The preloader or boot ROM of a simulated phone.  Sources: the preloader of the Aquaris E4.5, core/download.c
// (usbdl_handler), as bq published it; brom_words.hpp.
#include <array>
#include <optional>

#include <fmt/format.h>

#include "device/mediatek/brom.hpp"
#include "device/mediatek/brom_words.hpp"
#include "device/phone/mediatek_line.hpp"

namespace salvage::device::phone {
namespace {

using brom::Command;

// What a K10000 Pro could say.
constexpr std::uint16_t hw_sub_code = 0x8A00;
constexpr std::uint16_t hw_version = 0xCA01;
constexpr std::uint16_t sw_version = 0x0000;
constexpr std::byte preloader_version{3};
constexpr std::byte brom_version{5};
// Of a 64-bit chip's SRAM and more: an agent of a real phone has below 1 MiB.
constexpr std::uint32_t max_agent_bytes = 16U << 20U;
constexpr std::uint32_t max_words = 1024;
constexpr std::uint16_t status_good = 0;
constexpr std::uint16_t status_bad = 0x1D01;
constexpr std::uint16_t status_bad_jump = 0x1D0F;
constexpr std::uint16_t status_not_aligned = 0xFFFF;
constexpr std::uint16_t status_no_words = 0xFFFE;

// A preloader has no more flags than these.
constexpr std::uint32_t preloader_authentication =
    brom::secure_boot | brom::serial_link_authorization | brom::download_agent_authorization;
constexpr std::uint32_t brom_authentication =
    preloader_authentication | brom::memory_read_authorization | brom::memory_write_authorization;
// XFlash, ME_ID, SOC_ID
constexpr std::uint32_t capabilities = 7;

/// A1 for each byte of the id: recognisable, and no one's.
template <std::size_t N>
constexpr std::array<std::byte, N> made_up_id()
{
    std::array<std::byte, N> id{};
    for (std::size_t i = 0; i < N; ++i) {
        id[i] = static_cast<std::byte>(0xA0 + i);
    }
    return id;
}

class Preloader {
public:
    explicit Preloader(Phone& phone) : phone_{&phone}, line_{&phone.line} {}

    Result<LoadedAgent> run()
    {
        SALVAGE_TRY(answer_knock(*phone_));
        while (!is_started_) {
            const auto command = SALVAGE_TRY(line_->read_byte());
            SALVAGE_TRY(answer(static_cast<Command>(command)));
        }
        return agent_;
    }

private:
    [[nodiscard]] bool is_brom() const { return phone_->options->is_brom; }
    [[nodiscard]] bool demands_authentication() const { return phone_->options->faults.demand_authentication; }
    [[nodiscard]] std::uint32_t target_config() const
    {
        const auto all = is_brom() ? brom_authentication : preloader_authentication;
        return phone_->options->target_config | (demands_authentication() ? all : 0U);
    }

    Result<> status(std::uint16_t value)
    {
        return line_->write_be<std::uint16_t>(line_->cable().takes_error_status() ? status_bad : value);
    }

    Result<> answer(Command command)
    {
        const auto echo = static_cast<std::byte>(command);
        switch (command) {
        // A boot ROM has no boot loader's version to tell, a preloader none of the boot ROM: each says the question
        // back.
        case Command::get_boot_loader_version: return line_->write_byte(is_brom() ? echo : preloader_version);
        case Command::get_version: return line_->write_byte(is_brom() ? brom_version : echo);
        default: break;
        }
        SALVAGE_TRY(line_->write_byte(echo));
        return answer_echoed(command);
    }

    Result<> answer_echoed(Command command)
    {
        switch (command) {
        case Command::get_hw_code:
            SALVAGE_TRY(line_->write_be<std::uint16_t>(phone_->options->hw_code));
            return line_->write_be<std::uint16_t>(0);
        case Command::get_target_config:
            SALVAGE_TRY(line_->write_be<std::uint32_t>(target_config()));
            return status(status_good);
        case Command::get_hw_sw_version:
            SALVAGE_TRY(line_->write_be<std::uint16_t>(hw_sub_code));
            SALVAGE_TRY(line_->write_be<std::uint16_t>(hw_version));
            SALVAGE_TRY(line_->write_be<std::uint16_t>(sw_version));
            return status(status_good);
        case Command::get_preloader_capabilities:
            SALVAGE_TRY(line_->write_be<std::uint32_t>(capabilities));
            return line_->write_be<std::uint32_t>(0);
        case Command::get_me_id: return tell_id(made_up_id<16>());
        case Command::get_soc_id: return tell_id(made_up_id<32>());
        case Command::read16: return read_registers<std::uint16_t>();
        case Command::read32: return read_registers<std::uint32_t>();
        case Command::write16: return write_registers<std::uint16_t>();
        case Command::write32: return write_registers<std::uint32_t>();
        case Command::send_da: return take_agent();
        case Command::jump_da: return start_agent();
        default:
            // As a real one does: the echo, and the next command.
            phone_->log->write(
                "phone.unknown-command",
                fmt::format("the host sent a command that the simulated preloader does not know: {:#04x}",
                            static_cast<unsigned>(command)));
            return {};
        }
    }

    Result<> tell_id(ByteView id)
    {
        SALVAGE_TRY(line_->write_be<std::uint32_t>(static_cast<std::uint32_t>(id.size())));
        SALVAGE_TRY(line_->write(id));
        return line_->write_be<std::uint16_t>(status_good);
    }

    /// Nothing where the status was bad: then that was all.
    Result<std::optional<std::uint32_t>> words_asked_for(std::size_t word_bytes)
    {
        const auto address = SALVAGE_TRY(line_->echo_be<std::uint32_t>());
        const auto count = SALVAGE_TRY(line_->echo_be<std::uint32_t>());
        const bool is_aligned = address % word_bytes == 0;
        if (!is_aligned || count == 0) {
            SALVAGE_TRY(status(is_aligned ? status_no_words : status_not_aligned));
            return std::optional<std::uint32_t>{};
        }
        if (count > max_words) {
            return broken("the host asks for too many words", fmt::format("found {}", count));
        }
        SALVAGE_TRY(status(status_good));
        return std::optional{count};
    }

    /// All registers are 0.
    template <std::unsigned_integral T>
    Result<> read_registers()
    {
        const auto count = SALVAGE_TRY(words_asked_for(sizeof(T)));
        if (!count) {
            return {};
        }
        for (std::uint32_t i = 0; i < *count; ++i) {
            SALVAGE_TRY(line_->write_be<T>(0));
        }
        return status(status_good);
    }

    template <std::unsigned_integral T>
    Result<> write_registers()
    {
        const auto count = SALVAGE_TRY(words_asked_for(sizeof(T)));
        if (!count) {
            return {};
        }
        for (std::uint32_t i = 0; i < *count; ++i) {
            SALVAGE_TRY(line_->echo_be<T>());
        }
        return status(status_good);
    }

    /// A boot ROM that demands authentication takes no agent before it; a preloader takes one, looks at its signature,
    /// and restarts if that is not its maker's.
    Result<> take_agent()
    {
        agent_.address = SALVAGE_TRY(line_->echo_be<std::uint32_t>());
        agent_.length = SALVAGE_TRY(line_->echo_be<std::uint32_t>());
        SALVAGE_TRY(line_->echo_be<std::uint32_t>()); // signature
        if (agent_.length == 0 || agent_.length > max_agent_bytes) {
            return broken("the host announces an impossible agent", fmt::format("{} bytes", agent_.length));
        }
        if (demands_authentication() && is_brom()) {
            return status(brom::status_sla_required);
        }
        SALVAGE_TRY(status(status_good));
        Bytes bytes(agent_.length);
        SALVAGE_TRY(line_->read(bytes));
        SALVAGE_TRY(line_->write_be<std::uint16_t>(brom::upload_checksum(bytes)));
        if (demands_authentication()) {
            SALVAGE_TRY(status(brom::status_bad_signature));
            return restarted();
        }
        return status(status_good);
    }

    /// A preloader starts what it was given and does not look at the address.
    Result<> start_agent()
    {
        const auto address = SALVAGE_TRY(line_->read_be<std::uint32_t>());
        SALVAGE_TRY(line_->write_be<std::uint32_t>(address));
        if (is_brom() && (agent_.length == 0 || address != agent_.address)) {
            return status(status_bad_jump);
        }
        if (agent_.length == 0) {
            SALVAGE_TRY(status(brom::status_bad_signature));
            return restarted();
        }
        is_started_ = true;
        return status(status_good);
    }

    [[nodiscard]] static Error restarted()
    {
        return Error{
            ErrorCode::disconnected, "the simulated phone refused the agent and restarted", {}, std::nullopt, {}, {}};
    }

    Phone* phone_;
    Line* line_;
    LoadedAgent agent_;
    bool is_started_{false};
};

} // namespace

Result<LoadedAgent> run_preloader(Phone& phone)
{
    return Preloader{phone}.run();
}

} // namespace salvage::device::phone
