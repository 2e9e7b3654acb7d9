// Numbers for people, and back.
#include "salvage/core/text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "salvage/core/utf8.hpp"

namespace salvage {

std::string format_offset(ByteOffset at)
{
    return fmt::format("{:#x} ({})", at.value, at.value);
}

std::string format_size(ByteCount size)
{
    if (size.value < 1024) {
        return fmt::format("{} byte{}", size.value, size.value == 1 ? "" : "s");
    }
    constexpr std::array units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    auto value = static_cast<double>(size.value) / 1024.0;
    std::size_t unit = 0;
    while (value >= 1024.0 && unit + 1 < units.size()) {
        value /= 1024.0;
        ++unit;
    }
    const bool is_whole = value == std::floor(value) && value < 1024.0;
    return is_whole ? fmt::format("{:.0f} {}", value, units.at(unit)) : fmt::format("{:.1f} {}", value, units.at(unit));
}

std::string format_size_exact(ByteCount size)
{
    return size.value < 1024 ? format_size(size) : fmt::format("{} ({} bytes)", format_size(size), size.value);
}

std::string format_duration(std::chrono::duration<double> time)
{
    const auto seconds = time.count();
    if (!(seconds < 1e15)) {
        return "longer than anyone can wait";
    }
    struct Unit {
        double seconds;
        std::string_view name;
    };
    constexpr std::array units{Unit{365.25 * 86400, "year"}, Unit{86400, "day"}, Unit{3600, "hour"}, Unit{60, "minute"},
                               Unit{1, "second"}};
    if (seconds < 1) {
        return "under a second";
    }
    for (const auto& unit : units) {
        // Two of a unit read better than one: "90 minutes" before "1.5 hours".
        const auto threshold = unit.seconds > 1 ? 2 * unit.seconds : 1.0;
        if (seconds >= threshold) {
            const auto count = std::llround(seconds / unit.seconds);
            return fmt::format("about {} {}{}", format_count(static_cast<std::uint64_t>(count)), unit.name,
                               count == 1 ? "" : "s");
        }
    }
    return "about a second";
}

std::string format_count(std::uint64_t count)
{
    auto digits = fmt::format("{}", count);
    for (auto at = digits.size(); at > 3;) {
        at -= 3;
        digits.insert(at, 1, ',');
    }
    return digits;
}

namespace {
struct Suffix {
    std::string_view text;
    std::uint64_t factor;
};
constexpr std::array suffixes{
    Suffix{"KiB", 1ULL << 10U}, Suffix{"MiB", 1ULL << 20U}, Suffix{"GiB", 1ULL << 30U},
    Suffix{"TiB", 1ULL << 40U}, Suffix{"K", 1ULL << 10U},   Suffix{"M", 1ULL << 20U},
    Suffix{"G", 1ULL << 30U},   Suffix{"T", 1ULL << 40U},   Suffix{"s", 512},
};
} // namespace

Result<std::uint64_t> parse_quantity(std::string_view text)
{
    constexpr std::string_view accepted = "accepted: 62685220, 0x3bc8024, 512s (sectors), 32KiB, 32MiB, 1GiB";
    const auto refuse = [&](std::string_view why) {
        return invalid_argument(fmt::format("'{}' is not an offset or size", printable(text)), why, accepted);
    };
    std::uint64_t factor = 1;
    auto digits = text;
    int base = 10;
    if (digits.starts_with("0x") || digits.starts_with("0X")) {
        digits.remove_prefix(2);
        base = 16;
    }
    for (const auto& suffix : suffixes) {
        if (digits.ends_with(suffix.text)) {
            factor = suffix.factor;
            digits.remove_suffix(suffix.text.size());
            break;
        }
    }
    std::uint64_t value = 0;
    const auto* const end = digits.data() + digits.size();
    const auto [stop, problem] = std::from_chars(digits.data(), end, value, base);
    if (problem == std::errc::result_out_of_range) {
        return refuse("it does not fit in 64 bits");
    }
    if (problem != std::errc{} || stop != end) {
        return refuse("digits were expected");
    }
    const auto product = checked_multiply(value, factor);
    if (!product) {
        return refuse("it does not fit in 64 bits");
    }
    return *product;
}

std::string printable(std::string_view text)
{
    std::string out;
    while (!text.empty()) {
        const auto [code, length] = first_character(text);
        const bool is_control = code < 0x20 || (code >= 0x7F && code < 0xA0);
        if (length == 0 || is_control) {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(text.front()));
            text.remove_prefix(1);
            continue;
        }
        out += text.substr(0, length);
        text.remove_prefix(length);
    }
    return out;
}

std::string_view trimmed(std::string_view text) noexcept
{
    constexpr std::string_view white_space{" \t\r\n"};
    const auto first = text.find_first_not_of(white_space);
    return first == std::string_view::npos ? std::string_view{}
                                           : text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

} // namespace salvage
