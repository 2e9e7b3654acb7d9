// Short names, and times as FAT and exFAT keep them.
#include "names.hpp"

#include <array>
#include <chrono>

#include "filesystem/utf16.hpp"

namespace salvage::filesystem::fat {
namespace {

// IBM code page 437, 0x80 to 0xFF.
constexpr std::array<char16_t, 128> upper_half{
    u'\u00C7', u'\u00FC', u'\u00E9', u'\u00E2', u'\u00E4', u'\u00E0', u'\u00E5', u'\u00E7', u'\u00EA', u'\u00EB',
    u'\u00E8', u'\u00EF', u'\u00EE', u'\u00EC', u'\u00C4', u'\u00C5', u'\u00C9', u'\u00E6', u'\u00C6', u'\u00F4',
    u'\u00F6', u'\u00F2', u'\u00FB', u'\u00F9', u'\u00FF', u'\u00D6', u'\u00DC', u'\u00A2', u'\u00A3', u'\u00A5',
    u'\u20A7', u'\u0192', u'\u00E1', u'\u00ED', u'\u00F3', u'\u00FA', u'\u00F1', u'\u00D1', u'\u00AA', u'\u00BA',
    u'\u00BF', u'\u2310', u'\u00AC', u'\u00BD', u'\u00BC', u'\u00A1', u'\u00AB', u'\u00BB', u'\u2591', u'\u2592',
    u'\u2593', u'\u2502', u'\u2524', u'\u2561', u'\u2562', u'\u2556', u'\u2555', u'\u2563', u'\u2551', u'\u2557',
    u'\u255D', u'\u255C', u'\u255B', u'\u2510', u'\u2514', u'\u2534', u'\u252C', u'\u251C', u'\u2500', u'\u253C',
    u'\u255E', u'\u255F', u'\u255A', u'\u2554', u'\u2569', u'\u2566', u'\u2560', u'\u2550', u'\u256C', u'\u2567',
    u'\u2568', u'\u2564', u'\u2565', u'\u2559', u'\u2558', u'\u2552', u'\u2553', u'\u256B', u'\u256A', u'\u2518',
    u'\u250C', u'\u2588', u'\u2584', u'\u258C', u'\u2590', u'\u2580', u'\u03B1', u'\u00DF', u'\u0393', u'\u03C0',
    u'\u03A3', u'\u03C3', u'\u00B5', u'\u03C4', u'\u03A6', u'\u0398', u'\u03A9', u'\u03B4', u'\u221E', u'\u03C6',
    u'\u03B5', u'\u2229', u'\u2261', u'\u00B1', u'\u2265', u'\u2264', u'\u2320', u'\u2321', u'\u00F7', u'\u2248',
    u'\u00B0', u'\u2219', u'\u00B7', u'\u221A', u'\u207F', u'\u00B2', u'\u25A0', u'\u00A0',
};

constexpr std::uint8_t lower_name = 0x08;
constexpr std::uint8_t lower_extension = 0x10;

std::string lowered(std::string text)
{
    for (auto& character : text) {
        if (character >= 'A' && character <= 'Z') {
            character = static_cast<char>(character - 'A' + 'a');
        }
    }
    return text;
}

} // namespace

std::string from_code_page(std::string_view text)
{
    Bytes units;
    for (const auto character : text) {
        const auto byte = static_cast<std::uint8_t>(character);
        const auto unit = byte < 0x80 ? static_cast<char16_t>(byte) : upper_half[byte - 0x80U];
        units.push_back(static_cast<std::byte>(unit & 0xFFU));
        units.push_back(static_cast<std::byte>(unit >> 8U));
    }
    return name_from_utf16(units);
}

std::string_view trimmed_field(ByteView field) noexcept
{
    const auto text = as_text(field);
    return text.substr(0, text.find_last_not_of(' ') + 1);
}

std::string short_name(ByteView eleven, std::uint8_t case_flags)
{
    std::string base{trimmed_field(eleven.first(8))};
    if (!base.empty() && base.front() == '\x05') {
        base.front() = '\xE5';
    }
    auto name = from_code_page(base);
    auto extension = from_code_page(trimmed_field(eleven.subspan(8, 3)));
    if ((case_flags & lower_name) != 0) {
        name = lowered(std::move(name));
    }
    if ((case_flags & lower_extension) != 0) {
        extension = lowered(std::move(extension));
    }
    return extension.empty() ? name : name + "." + extension;
}

std::uint8_t short_name_checksum(ByteView eleven) noexcept
{
    std::uint8_t sum = 0;
    for (const auto byte : eleven.first(11)) {
        sum = static_cast<std::uint8_t>(((sum & 1U) << 7U) + (sum >> 1U) + std::to_integer<std::uint8_t>(byte));
    }
    return sum;
}

std::optional<Timestamp> time_of(std::uint16_t date, std::uint16_t time, std::uint8_t tens) noexcept
{
    const std::chrono::year_month_day day{std::chrono::year{1980 + (date >> 9U)},
                                          std::chrono::month{(date >> 5U) & 0x0FU}, std::chrono::day{date & 0x1FU}};
    const unsigned hours = time >> 11U;
    const unsigned minutes = (time >> 5U) & 0x3FU;
    const unsigned seconds = (time & 0x1FU) * 2;
    if (!day.ok() || hours > 23 || minutes > 59 || seconds > 58) {
        return std::nullopt;
    }
    const auto days = std::chrono::sys_days{day}.time_since_epoch().count();
    const unsigned above = tens < 200 ? tens : 0;
    const unsigned of_day = hours * 3600 + minutes * 60 + seconds + above / 100;
    return Timestamp{.seconds = std::int64_t{days} * 86'400 + of_day, .nanoseconds = above % 100 * 10'000'000};
}

Timestamp to_utc(Timestamp local, std::uint8_t utc_offset) noexcept
{
    if ((utc_offset & 0x80U) == 0) {
        return local;
    }
    const int low = utc_offset & 0x7F;
    const int quarters = low >= 64 ? low - 128 : low;
    local.seconds -= std::int64_t{quarters} * 900;
    return local;
}

} // namespace salvage::filesystem::fat
