// What a bootloader answers, taken apart; private to the box.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"

namespace salvage::device {

struct Answer {
    enum class Kind : std::uint8_t { okay, fail, line, data };
    Kind kind{Kind::okay};
    std::string text;     ///< trimmed: bootloaders add spaces, tabs, line ends and NULs
    std::uint32_t size{}; ///< of data
};

/// Errors: malformed (shows the bytes).
[[nodiscard]] Result<Answer> parse_answer(std::string_view bytes);

/// Without white space and NULs around it.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

/// A size as bootloaders write it: "0x8000000", "134217728", "dc57fbe00".  Digits alone are decimal: read so, a hex
/// number is too small, which makes more pieces and does no harm.
[[nodiscard]] std::optional<ByteCount> parse_bootloader_size(std::string_view text) noexcept;

/// A line of `getvar all`: "version: 0.5", "\tpartition-size:userdata: 31fdfc000", "partition-type:boot:raw".
[[nodiscard]] std::optional<std::pair<std::string, std::string>> split_variable(std::string_view line);

} // namespace salvage::device
