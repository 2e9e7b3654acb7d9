// MediaTek's chips.
#include "device/mediatek/chips.hpp"

#include <algorithm>
#include <array>

namespace salvage::device {
namespace {

// The value stops the watchdog; most chips have it where the phones of 2013 had it.
constexpr Watchdog usual{.address = 0x10007000, .value = 0x22000064};
constexpr Watchdog mt6735{.address = 0x10212000, .value = 0x22000000};
constexpr Watchdog mt6758{.address = 0x10211000, .value = 0x22000064};
constexpr Watchdog mt6571{.address = 0x10007400, .value = 0x22000000};
constexpr Watchdog mt6577{.address = 0xC0000000, .value = 0x2264, .bytes = 2};
constexpr Watchdog of_2021{.address = 0x1C007000, .value = 0x22000064};

constexpr auto legacy = ChipProtocol::legacy;
constexpr auto xflash = ChipProtocol::xflash;
constexpr auto xml = ChipProtocol::xml;

// Sorted by hardware code.  Source: mtkclient, config/brom_config.py (hwconfig) and mtk_config.py (get_watchdog_addr);
// 0x326 was seen in a conversation.
constexpr std::array chips{
    Chip{0x0279, 0x6797, xflash, usual, "MT6797"},        Chip{0x0321, 0x6735, legacy, mt6735, "MT6735"},
    Chip{0x0326, 0x6755, xflash, usual, "MT6750/MT6755"}, Chip{0x0335, 0x6735, legacy, mt6735, "MT6737"},
    Chip{0x0337, 0x6735, legacy, mt6735, "MT6753"},       Chip{0x0551, 0x6757, xflash, usual, "MT6757"},
    Chip{0x0562, 0x6799, xflash, mt6758, "MT6799"},       Chip{0x0601, 0x6755, xflash, usual, "MT6750"},
    Chip{0x0633, 0x6570, xflash, usual, "MT6570/MT8321"}, Chip{0x0688, 0x6758, xflash, mt6758, "MT6758"},
    Chip{0x0690, 0x6763, xflash, usual, "MT6763"},        Chip{0x0699, 0x6739, xflash, usual, "MT6739"},
    Chip{0x0707, 0x6768, xflash, usual, "MT6768/MT6769"}, Chip{0x0717, 0x6761, xflash, usual, "MT6761/MT6762"},
    Chip{0x0725, 0x6779, xflash, usual, "MT6779"},        Chip{0x0766, 0x6765, xflash, usual, "MT6765"},
    Chip{0x0788, 0x6771, xflash, usual, "MT6771"},        Chip{0x0813, 0x6785, xflash, usual, "MT6785"},
    Chip{0x0816, 0x6885, xflash, usual, "MT6885"},        Chip{0x0886, 0x6873, xflash, usual, "MT6873"},
    Chip{0x0907, 0x0907, xml, of_2021, "MT6983"},         Chip{0x0950, 0x6893, xflash, usual, "MT6893"},
    Chip{0x0959, 0x6877, xflash, usual, "MT6877"},        Chip{0x0989, 0x6833, xflash, usual, "MT6833"},
    Chip{0x0996, 0x6853, xflash, usual, "MT6853"},        Chip{0x1066, 0x6781, xflash, usual, "MT6781"},
    Chip{0x1129, 0x1129, xml, of_2021, "MT6855"},         Chip{0x1172, 0x1172, xml, of_2021, "MT6895"},
    Chip{0x1203, 0x1203, xml, of_2021, "MT6897"},         Chip{0x1208, 0x1208, xml, usual, "MT6789"},
    Chip{0x1209, 0x1209, xml, of_2021, "MT6835"},         Chip{0x1229, 0x1229, xml, of_2021, "MT6886"},
    Chip{0x1296, 0x1296, xml, of_2021, "MT6985"},         Chip{0x6571, 0x6571, legacy, mt6571, "MT6571"},
    Chip{0x6572, 0x6572, legacy, usual, "MT6572"},        Chip{0x6575, 0x6575, legacy, mt6577, "MT6575"},
    Chip{0x6577, 0x6577, legacy, mt6577, "MT6577"},       Chip{0x6580, 0x6580, legacy, usual, "MT6580"},
    Chip{0x6582, 0x6582, legacy, usual, "MT6582"},        Chip{0x6592, 0x6592, legacy, usual, "MT6592"},
    Chip{0x6595, 0x6595, legacy, usual, "MT6595"},        Chip{0x6752, 0x6752, legacy, usual, "MT6752"},
    Chip{0x6795, 0x6795, legacy, usual, "MT6795"},        Chip{0x8127, 0x8127, legacy, usual, "MT8127"},
    Chip{0x8163, 0x8163, legacy, usual, "MT8163"},        Chip{0x8167, 0x8167, xflash, usual, "MT8167"},
    Chip{0x8168, 0x8168, xflash, usual, "MT8168"},        Chip{0x8172, 0x8173, legacy, usual, "MT8173"},
};
static_assert(std::ranges::is_sorted(chips, {}, &Chip::hw_code));

} // namespace

const Chip* find_chip(std::uint16_t hw_code) noexcept
{
    const auto* const found = std::ranges::lower_bound(chips, hw_code, {}, &Chip::hw_code);
    return found != chips.end() && found->hw_code == hw_code ? found : nullptr;
}

std::uint16_t da_code_of(std::uint16_t hw_code) noexcept
{
    const auto* const chip = find_chip(hw_code);
    return chip == nullptr ? hw_code : chip->da_code;
}

} // namespace salvage::device
