#include "artifact/deleted_cells.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include "artifact/forms.hpp"

#include "salvage/core/utf8.hpp"

namespace salvage::artifact {
namespace {

// SQLite's own bound of columns is 32767 at most; 2000 unless somebody built it otherwise.
constexpr std::size_t most_serials = 2000;
// Serial types: 0 to 9 have their own meaning, from 12 even ones are blobs, from 13 odd ones are texts.
constexpr std::uint64_t first_blob = 12;
constexpr std::uint64_t real_serial = 7;
constexpr std::uint64_t zero_serial = 8;
constexpr std::uint64_t one_serial = 9;

std::int64_t signed_number(ByteView bytes) noexcept
{
    std::uint64_t out = bytes.empty() || (std::to_integer<unsigned>(bytes[0]) & 0x80U) == 0 ? 0 : ~std::uint64_t{0};
    for (const auto byte : bytes) {
        out = (out << 8U) | std::to_integer<std::uint64_t>(byte);
    }
    return static_cast<std::int64_t>(out);
}

/// Nothing where a half of a character stands alone; one that the end cuts is left out.
std::optional<std::string> from_utf16(ByteView bytes, bool is_little)
{
    std::string out;
    out.reserve(bytes.size());
    const auto unit_at = [&](std::size_t at) -> std::uint32_t {
        return is_little ? load_le<std::uint16_t>(bytes.subspan(at)) : load_be<std::uint16_t>(bytes.subspan(at));
    };
    for (std::size_t at = 0; at + 2 <= bytes.size(); at += 2) {
        auto code = unit_at(at);
        if (code >= 0xDC00U && code < 0xE000U) {
            return std::nullopt;
        }
        if (code >= 0xD800U && code < 0xDC00U) {
            at += 2;
            if (at + 2 > bytes.size()) {
                break;
            }
            const auto low = unit_at(at);
            if (low < 0xDC00U || low >= 0xE000U) {
                return std::nullopt;
            }
            code = 0x10000U + ((code - 0xD800U) << 10U) + (low - 0xDC00U);
        }
        append_character(out, code);
    }
    return out;
}

} // namespace

std::optional<CellNumber> cell_number(ByteView bytes, std::size_t at) noexcept
{
    constexpr std::size_t most = 9;
    CellNumber out;
    while (at + out.length < bytes.size()) {
        const auto byte = std::to_integer<std::uint8_t>(bytes[at + out.length]);
        ++out.length;
        if (out.length == most) {
            out.value = (out.value << 8U) | byte;
            return out;
        }
        out.value = (out.value << 7U) | (byte & 0x7FU);
        if ((byte & 0x80U) == 0) {
            return out;
        }
    }
    return std::nullopt;
}

std::size_t cell_number_bytes(std::uint64_t value) noexcept
{
    constexpr std::size_t most = 9;
    const auto bits = static_cast<std::size_t>(std::bit_width(value));
    return std::clamp<std::size_t>((bits + 6) / 7, 1, most);
}

std::optional<std::uint64_t> serial_bytes(std::uint64_t serial) noexcept
{
    if (serial >= first_blob) {
        return (serial - first_blob) / 2;
    }
    switch (serial) {
    case 0:
    case zero_serial:
    case one_serial: return 0;
    case 5: return 6;
    case 6:
    case real_serial: return 8;
    case 10:
    case 11: return std::nullopt;
    default: return serial;
    }
}

LocalPart local_part(std::uint64_t payload, std::size_t usable_bytes, bool is_table) noexcept
{
    const std::uint64_t usable = usable_bytes;
    const auto most = is_table ? usable - 35 : (usable - 12) * 64 / 255 - 23;
    if (payload <= most) {
        return {.bytes = payload, .has_overflow = false};
    }
    const auto fewest = (usable - 12) * 32 / 255 - 23;
    const auto wanted = fewest + (payload - fewest) % (usable - 4);
    return {.bytes = wanted <= most ? wanted : fewest, .has_overflow = true};
}

std::optional<RecordHead> record_head(ByteView bytes, std::size_t at, std::size_t end,
                                      std::vector<std::uint64_t>& serials)
{
    constexpr std::uint64_t fewest_bytes = 2;
    constexpr std::uint64_t most_body = 1ULL << 31U; // SQLite's bound of a row
    const auto view = bytes.first(std::min(end, bytes.size()));
    const auto length = cell_number(view, at);
    if (!length || length->value < fewest_bytes || at > view.size() || length->value > view.size() - at) {
        return std::nullopt;
    }
    serials.clear();
    RecordHead out{.bytes = length->value, .body = 0};
    const auto stop = at + static_cast<std::size_t>(length->value);
    for (auto next = at + length->length; next < stop;) {
        const auto serial = cell_number(view, next);
        const auto size = serial ? serial_bytes(serial->value) : std::nullopt;
        if (!size || *size > most_body || serials.size() == most_serials) {
            return std::nullopt;
        }
        next += serial->length;
        out.body += *size;
        if (next > stop || out.body > most_body) {
            return std::nullopt;
        }
        serials.push_back(serial->value);
    }
    return serials.empty() ? std::nullopt : std::optional{out};
}

std::optional<Value> stored_value(std::uint64_t serial, ByteView bytes, TextEncoding encoding)
{
    if (serial >= first_blob && serial % 2 == 0) {
        return Value{Bytes(bytes.begin(), bytes.end())};
    }
    if (serial > first_blob) {
        if (encoding == TextEncoding::utf8) {
            return Value{std::string{as_text(bytes)}};
        }
        auto text = from_utf16(bytes, encoding == TextEncoding::utf16_little);
        return text ? std::optional{Value{*std::move(text)}} : std::nullopt;
    }
    switch (serial) {
    case 0: return Value{};
    case zero_serial: return Value{std::int64_t{0}};
    case one_serial: return Value{std::int64_t{1}};
    case real_serial: return Value{std::bit_cast<double>(signed_number(bytes))};
    default: return Value{signed_number(bytes)};
    }
}

bool is_written_text(std::string_view text) noexcept
{
    constexpr unsigned char first_printable = 0x20;
    const auto is_control = [](char letter) {
        return static_cast<unsigned char>(letter) < first_printable && letter != '\n' && letter != '\r' &&
               letter != '\t';
    };
    return std::ranges::none_of(text, is_control) && is_utf8(text);
}

} // namespace salvage::artifact
