#include "artifact/forms.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>

#include "salvage/core/utf8.hpp"

namespace salvage::artifact {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr std::int64_t first_ms = -62'135'596'800'000; // year 1
constexpr std::int64_t last_ms = 253'402'300'799'999;  // the end of year 9999

struct Moment {
    int year;
    unsigned month;
    unsigned day;
    std::int64_t hour;
    std::int64_t minute;
    std::int64_t second;
    std::int64_t millisecond;
};

std::optional<Moment> moment_of(std::optional<std::int64_t> milliseconds)
{
    if (!milliseconds || *milliseconds < first_ms || *milliseconds > last_ms) {
        return std::nullopt;
    }
    const std::chrono::milliseconds time{*milliseconds};
    const auto days = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{std::chrono::sys_days{days}};
    const auto rest = (time - days).count();
    return Moment{.year = static_cast<int>(date.year()),
                  .month = static_cast<unsigned>(date.month()),
                  .day = static_cast<unsigned>(date.day()),
                  .hour = rest / 3'600'000,
                  .minute = rest / 60'000 % 60,
                  .second = rest / 1000 % 60,
                  .millisecond = rest % 1000};
}

/// Walks the characters of a text that may be none: calls `character` with each, or with nothing for a byte that is
/// none.
template <typename Function>
void each_character(std::string_view text, const Function& function)
{
    while (!text.empty()) {
        const auto length = first_character(text).length;
        function(text.substr(0, length));
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
}

/// What neither vCard nor iCalendar has a place for.
bool is_control(std::string_view character) noexcept
{
    const auto first = static_cast<unsigned char>(character.front());
    return first < 0x20U || first == 0x7FU;
}

/// Code points below 256 as bytes; nothing where there is another.
std::optional<std::string> latin1_bytes(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto first = static_cast<unsigned char>(text[i]);
        if (first < 0x80U) {
            out += text[i];
            continue;
        }
        if ((first != 0xC2U && first != 0xC3U) || i + 1 == text.size()) {
            return std::nullopt;
        }
        const auto second = static_cast<unsigned char>(text[++i]);
        out += static_cast<char>(((first & 0x03U) << 6U) | (second & 0x3FU));
    }
    return out;
}

} // namespace

std::string as_utf8(std::string_view text)
{
    if (is_utf8(text)) {
        return std::string{text};
    }
    std::string out;
    each_character(text, [&](std::string_view character) { out += character.empty() ? replacement : character; });
    return out;
}

std::string undo_latin1(const std::string& text)
{
    const bool is_ascii =
        std::ranges::all_of(text, [](char letter) { return static_cast<unsigned char>(letter) < 0x80U; });
    auto bytes = is_ascii ? std::nullopt : latin1_bytes(text);
    return bytes && is_utf8(*bytes) ? *std::move(bytes) : text;
}

std::string_view cut_text(std::string_view text, std::size_t most) noexcept
{
    if (text.size() <= most) {
        return text;
    }
    const auto is_within = [&](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U; };
    constexpr std::size_t longest_character = 4;
    auto end = most;
    for (std::size_t i = 1; i < longest_character && end > 0 && is_within(end); ++i) {
        --end;
    }
    return text.substr(0, end);
}

std::string shown_time(std::optional<std::int64_t> milliseconds)
{
    const auto time = moment_of(milliseconds);
    return time ? fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", time->year, time->month, time->day, time->hour,
                              time->minute, time->second)
                : std::string{};
}

std::string iso_time(std::optional<std::int64_t> milliseconds)
{
    const auto time = moment_of(milliseconds);
    if (!time) {
        return {};
    }
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", time->year, time->month, time->day, time->hour,
                       time->minute, time->second,
                       time->millisecond == 0 ? std::string{} : fmt::format(".{:03}", time->millisecond));
}

std::string basic_time(std::optional<std::int64_t> milliseconds)
{
    const auto time = moment_of(milliseconds);
    return time ? fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", time->year, time->month, time->day, time->hour,
                              time->minute, time->second)
                : std::string{};
}

std::string basic_day(std::optional<std::int64_t> milliseconds)
{
    const auto time = moment_of(milliseconds);
    return time ? fmt::format("{:04}{:02}{:02}", time->year, time->month, time->day) : std::string{};
}

Json time_json(std::optional<std::int64_t> milliseconds)
{
    auto text = iso_time(milliseconds);
    Json out;
    if (!text.empty()) {
        out = std::move(text);
    }
    return out;
}

Json text_json(const std::optional<std::string>& text)
{
    return text ? text_json(std::string_view{*text}) : Json{};
}

Json text_json(std::string_view text)
{
    Json out = as_utf8(cut_text(text, max_text_bytes));
    return out;
}

Json origin_json(const Origin& origin)
{
    Json out = Json::object();
    out["file"] = text_json(std::string_view{origin.file});
    if (!origin.table.empty()) {
        out["table"] = text_json(std::string_view{origin.table});
        out["row"] = origin.row ? Json(*origin.row) : Json{};
        out["byte"] = origin.byte ? Json(*origin.byte) : Json{};
    }
    return out;
}

std::string dumped(const Json& json)
{
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

namespace {

/// "+49 (30) 90-18.20", "-5": digits, and what is written between them.  A sum at worst: nothing that could call a
/// function or another program.
bool is_number(std::string_view cell)
{
    return cell.size() > 1 && cell.find_first_of("0123456789") != std::string_view::npos &&
           cell.find_first_not_of("0123456789 ().-/", 1) == std::string_view::npos;
}

bool is_formula(std::string_view cell)
{
    // The last four are the wide forms of the first, which East Asian versions take for the same.
    constexpr std::array<std::string_view, 11> beginnings{
        "=", "+", "-", "@", "\t", "\r", "\n", "\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0"};
    const bool begins = std::ranges::any_of(beginnings, [&](auto one) { return cell.starts_with(one); });
    const bool may_be_number = cell.starts_with('+') || cell.starts_with('-');
    return begins && !(may_be_number && is_number(cell));
}

} // namespace

std::string csv_line(std::span<const std::string> cells)
{
    std::string out;
    for (const auto& raw : cells) {
        auto cell = as_utf8(raw);
        if (is_formula(cell)) {
            cell.insert(cell.begin(), '\'');
        }
        if (cell.find_first_of(",\"\r\n") != std::string::npos) {
            std::string quoted{'"'};
            for (const auto letter : cell) {
                quoted += letter;
                if (letter == '"') {
                    quoted += '"';
                }
            }
            cell = quoted + '"';
        }
        out += (out.empty() && &raw == cells.data() ? "" : ",") + cell;
    }
    return out + "\r\n";
}

std::string xml_text(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    each_character(text, [&](std::string_view character) {
        if (character.size() != 1) {
            // U+FFFE and U+FFFF are no characters of XML.
            const bool is_none = character.empty() || character == "\xEF\xBF\xBE" || character == "\xEF\xBF\xBF";
            out += is_none ? replacement : character;
            return;
        }
        switch (character.front()) {
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '"': out += "&quot;"; break;
        case '\'': out += "&#39;"; break;
        case '\n': out += "&#10;"; break;
        case '\r': out += "&#13;"; break;
        case '\t': out += "&#9;"; break;
        default: out += static_cast<unsigned char>(character.front()) < 0x20U ? replacement : character;
        }
    });
    return out;
}

std::string card_value(std::string_view text)
{
    std::string out;
    each_character(text, [&](std::string_view character) {
        if (character.empty()) {
            out += replacement;
        } else if (character == "\\" || character == "," || character == ";") {
            out += '\\';
            out += character;
        } else if (character == "\n") {
            out += "\\n";
        } else if (!is_control(character) || character == "\t") {
            out += character;
        }
    });
    return out;
}

std::string card_line(std::string_view line)
{
    constexpr std::size_t most = 75;
    std::string out;
    std::size_t width = 0;
    each_character(line, [&](std::string_view character) {
        if (width + character.size() > most) {
            out += "\r\n ";
            width = 1;
        }
        out += character;
        width += character.size();
    });
    return out + "\r\n";
}

} // namespace salvage::artifact
