// What a MediaTek phone's target config says, in words.
#include <array>
#include <string_view>

#include "device/mediatek/brom_words.hpp"
#include "salvage/device/mediatek.hpp"

namespace salvage::device {
namespace {

struct Flag {
    std::uint32_t bit;
    std::string_view words;
};

// Source: mtkclient, Library/mtk_preloader.py, get_target_config.
constexpr std::array flags{
    Flag{brom::secure_boot, "secure boot is on: only images signed by the maker start"},
    Flag{brom::serial_link_authorization, "authentication of the host (SLA) is demanded"},
    Flag{brom::download_agent_authorization, "the download agent must be signed by the maker (DAA)"},
    Flag{brom::epp, "boot parameters (EPP) are read from the flash"},
    Flag{brom::root_certificate, "a root certificate is demanded"},
    Flag{brom::memory_read_authorization, "reading memory is refused without authentication"},
    Flag{brom::memory_write_authorization, "writing memory is refused without authentication"},
    Flag{brom::command_c8_blocked, "command C8 is blocked"},
};

} // namespace

std::vector<std::string> target_config_words(std::uint32_t target_config)
{
    std::vector<std::string> words;
    for (const auto& flag : flags) {
        if ((target_config & flag.bit) != 0) {
            words.emplace_back(flag.words);
        }
    }
    return words;
}

bool demands_authentication(std::uint32_t target_config) noexcept
{
    constexpr std::uint32_t demands =
        brom::serial_link_authorization | brom::download_agent_authorization | brom::root_certificate;
    return (target_config & demands) != 0;
}

} // namespace salvage::device
