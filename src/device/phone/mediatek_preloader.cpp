// The preloader or boot ROM of a simulated phone.  Sources: see brom_words.hpp.
#include <algorithm>
#include <array>

#include <fmt/format.h>

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

constexpr std::uint32_t all_authentication = brom::secure_boot | brom::serial_link_authorization |
                                             brom::download_agent_authorization | brom::memory_read_authorization |
                                             brom::memory_write_authorization;

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
        SALVAGE_TRY(shake_hands());
        while (true) {
            const auto command = SALVAGE_TRY(line_->read_byte());
            if (command == brom::handshake.front()) {
                // A host that knocks again, or once too often.
                SALVAGE_TRY(line_->write_byte(~command));
                SALVAGE_TRY(shake_hands_from(1));
                continue;
            }
            SALVAGE_TRY(answer(static_cast<Command>(command)));
            if (is_started_) {
                return agent_;
            }
        }
    }

private:
    Result<> shake_hands() { return shake_hands_from(0); }

    /// Each byte of the knock is answered with its complement; a wrong one begins anew, and the first may be repeated.
    Result<> shake_hands_from(std::size_t next)
    {
        while (next < brom::handshake.size()) {
            const auto got = SALVAGE_TRY(line_->read_byte());
            const bool is_first = got == brom::handshake.front();
            if (!is_first && got != brom::handshake[next]) {
                next = 0;
                continue;
            }
            SALVAGE_TRY(line_->write_byte(~got));
            next = is_first ? 1 : next + 1;
        }
        return {};
    }

    [[nodiscard]] std::uint32_t target_config() const
    {
        return phone_->options->target_config |
               (phone_->options->faults.demand_authentication ? all_authentication : 0U);
    }

    Result<> status(std::uint16_t value)
    {
        return line_->write_be<std::uint16_t>(line_->cable().takes_error_status() ? status_bad : value);
    }

    Result<> answer(Command command)
    {
        const auto echo = static_cast<std::byte>(command);
        switch (command) {
        // These two are answered without an echo, except by a boot ROM that is asked for its boot loader's version.
        case Command::get_boot_loader_version:
            return line_->write_byte(phone_->options->is_brom ? echo : preloader_version);
        case Command::get_version: return line_->write_byte(brom_version);
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
            SALVAGE_TRY(line_->write_be<std::uint32_t>(1)); // XFlash
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
            return broken("the host sent a command that the simulated preloader does not know",
                          fmt::format("found {:#04x}", static_cast<unsigned>(command)));
        }
    }

    Result<> tell_id(ByteView id)
    {
        SALVAGE_TRY(line_->write_be<std::uint32_t>(static_cast<std::uint32_t>(id.size())));
        SALVAGE_TRY(line_->write(id));
        return line_->write_be<std::uint16_t>(status_good);
    }

    Result<std::uint32_t> words_asked_for()
    {
        SALVAGE_TRY(line_->echo_be<std::uint32_t>()); // address
        const auto count = SALVAGE_TRY(line_->echo_be<std::uint32_t>());
        if (count > max_words) {
            return broken("the host asks for too many words", fmt::format("found {}", count));
        }
        SALVAGE_TRY(status(status_good));
        return count;
    }

    /// All registers are 0.
    template <std::unsigned_integral T>
    Result<> read_registers()
    {
        const auto count = SALVAGE_TRY(words_asked_for());
        for (std::uint32_t i = 0; i < count; ++i) {
            SALVAGE_TRY(line_->write_be<T>(0));
        }
        return status(status_good);
    }

    template <std::unsigned_integral T>
    Result<> write_registers()
    {
        const auto count = SALVAGE_TRY(words_asked_for());
        for (std::uint32_t i = 0; i < count; ++i) {
            SALVAGE_TRY(line_->echo_be<T>());
        }
        return status(status_good);
    }

    Result<> take_agent()
    {
        agent_.address = SALVAGE_TRY(line_->echo_be<std::uint32_t>());
        agent_.length = SALVAGE_TRY(line_->echo_be<std::uint32_t>());
        SALVAGE_TRY(line_->echo_be<std::uint32_t>()); // signature
        if (agent_.length == 0 || agent_.length > max_agent_bytes) {
            return broken("the host announces an impossible agent", fmt::format("{} bytes", agent_.length));
        }
        if (phone_->options->faults.demand_authentication) {
            return status(brom::status_sla_required);
        }
        SALVAGE_TRY(status(status_good));
        Bytes bytes(agent_.length);
        SALVAGE_TRY(line_->read(bytes));
        std::uint16_t checksum = 0;
        for (std::size_t at = 0; at + 2 <= bytes.size(); at += 2) {
            checksum ^= load_le<std::uint16_t>(std::span{bytes}.subspan(at));
        }
        SALVAGE_TRY(line_->write_be<std::uint16_t>(checksum));
        return status(status_good);
    }

    Result<> start_agent()
    {
        const auto address = SALVAGE_TRY(line_->read_be<std::uint32_t>());
        SALVAGE_TRY(line_->write_be<std::uint32_t>(address));
        if (agent_.length == 0 || address != agent_.address) {
            return status(status_bad);
        }
        is_started_ = true;
        return status(status_good);
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
