// What is known of MediaTek's chips by the hardware code they report.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "salvage/device/mediatek.hpp"

namespace salvage::device {

enum class ChipProtocol : std::uint8_t { legacy, xflash, xml };

/// The register that keeps the phone from restarting while it is talked to, and what to write there.
struct Watchdog {
    std::uint32_t address{}; ///< 0: not known
    std::uint32_t value{};
    std::uint8_t bytes{4}; ///< 2: of a 16-bit bus
};

struct Chip {
    std::uint16_t hw_code{};
    std::uint16_t da_code{}; ///< the key of its entries in DA files
    ChipProtocol protocol{ChipProtocol::xflash};
    Watchdog watchdog{};
    std::string_view name;
};

/// Nothing where the code is not in our table.
[[nodiscard]] const Chip* find_chip(std::uint16_t hw_code) noexcept;

} // namespace salvage::device
