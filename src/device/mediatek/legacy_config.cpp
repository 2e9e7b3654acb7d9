// The configuration of a legacy agent's second stage.  Source: mtkclient, dalegacy_lib.py (set_stage2_config) and
// mtk_config.py (bmtsettings).
#include "device/mediatek/legacy_config.hpp"

#include <algorithm>
#include <array>

#include "device/mediatek/legacy_words.hpp"

namespace salvage::device::legacy {
namespace {

enum class Extra : std::uint8_t {
    none,
    word_zero,          ///< MT6592: not a GPT solution; MT6583: DRAM is not forced
    word_one,           ///< MT6582: new combo; MT6589: DRAM is forced
    percentage,         ///< MT6580, MT8163: SLC percentage and twenty bytes
    word_and_percentage ///< MT8127: both
};

/// What differs from chip to chip.  The bad block pool is NAND's; on eMMC the values only have to be there.
struct Config {
    std::uint16_t hw_code;
    Extra extra;
    std::uint8_t pool_flag;
    std::uint32_t pool_bytes;
};
// Sorted by hardware code.
constexpr std::array configs{
    Config{0x6571, Extra::none, 1, 0x1500000},
    Config{0x6572, Extra::none, 0, 0xA8},
    Config{0x6575, Extra::none, 1, 0x1500000},
    Config{0x6580, Extra::percentage, 1, 0},
    Config{0x6582, Extra::word_one, 2, 0x1500000},
    Config{0x6583, Extra::word_zero, 1, 0},
    Config{0x6589, Extra::word_one, 1, 0},
    Config{0x6592, Extra::word_zero, 1, 0x1500000},
    Config{0x8127, Extra::word_and_percentage, 1, 0x1500000},
    Config{0x8163, Extra::percentage, 1, 0},
};
static_assert(std::ranges::is_sorted(configs, {}, &Config::hw_code));

constexpr std::array<std::uint8_t, 20> percentage_tail{0x46, 0x46, 0, 0, 0, 0, 0,    0, 0, 0,
                                                       0,    0,    0, 0, 0, 0, 0xFF, 0, 0, 0};
constexpr std::uint16_t chip_with_decoder = 8;
constexpr std::uint32_t nand_access = 0x7007FFFF;
constexpr std::uint8_t charging_on = 1;
constexpr std::uint8_t clock_26_mhz = 2;

Config config_of(std::uint16_t hw_code) noexcept
{
    const auto* const found = std::ranges::lower_bound(configs, hw_code, {}, &Config::hw_code);
    const bool is_known = found != configs.end() && found->hw_code == hw_code;
    return is_known ? *found : Config{hw_code, Extra::none, 1, 0};
}

template <std::unsigned_integral T>
Bytes be(T value)
{
    Bytes bytes(sizeof(T));
    store_be<T>(bytes, value);
    return bytes;
}

void add_extra(Extra extra, std::vector<Bytes>& fields)
{
    if (extra == Extra::word_zero || extra == Extra::word_one || extra == Extra::word_and_percentage) {
        fields.push_back(be<std::uint32_t>(extra == Extra::word_one ? 1U : 0U));
    }
    if (extra == Extra::percentage || extra == Extra::word_and_percentage) {
        fields.push_back(be<std::uint32_t>(1));
        const auto tail = std::as_bytes(std::span{percentage_tail});
        fields.emplace_back(tail.begin(), tail.end());
    }
}

} // namespace

std::size_t extra_config_bytes(std::uint16_t hw_code) noexcept
{
    switch (config_of(hw_code).extra) {
    case Extra::none: return 0;
    case Extra::word_zero:
    case Extra::word_one: return 4;
    case Extra::percentage: return 24;
    case Extra::word_and_percentage: return 28;
    }
    return 0;
}

std::size_t words_behind_status(std::uint16_t hw_code) noexcept
{
    return hw_code == 0x6592 ? 5 : 0;
}

std::size_t bytes_before_pass(std::uint16_t hw_code) noexcept
{
    return hw_code == 0x8127 || hw_code == 0x8163 ? 4 : 0;
}

std::vector<Bytes> stage_config(const MediatekIdentity& identity)
{
    const auto config = config_of(identity.hw_code);
    const auto reset_keys = static_cast<std::uint8_t>(identity.hw_code == 0x6583 ? 0 : 1);
    std::vector<Bytes> fields{
        be(identity.brom_version),
        be(identity.bootloader_version),
        be(chip_with_decoder),
        be(std::uint8_t{0}), // NOR chip select
        be(nand_access),
        be(config.pool_flag),
        be(config.pool_bytes),
        be(charging_on),
        be(reset_keys),
        be(clock_26_mhz),
        be(std::uint8_t{0}), // MSDC channel
    };
    add_extra(config.extra, fields);
    return fields;
}

} // namespace salvage::device::legacy
