// The case an E01 belongs to: its header sections as values.
#include <array>
#include <limits>

#include <zlib.h>

#include "io/e01_sections.hpp"

#include "salvage/core/utf8.hpp"

namespace salvage::io {
namespace {

std::vector<std::string_view> split_at(std::string_view text, char separator)
{
    std::vector<std::string_view> out;
    while (true) {
        const auto at = text.find(separator);
        auto part = text.substr(0, at);
        if (!part.empty() && part.back() == '\r') {
            part.remove_suffix(1);
        }
        out.push_back(part);
        if (at == std::string_view::npos) {
            return out;
        }
        text.remove_prefix(at + 1);
    }
}

std::string* field_of(E01CaseData& data, std::string_view key)
{
    // Keys of the category "main"; libyal's document, section "header".
    struct Field {
        std::string_view key;
        std::string E01CaseData::* value;
    };
    static constexpr std::array fields{
        Field{.key = "c", .value = &E01CaseData::case_number},
        Field{.key = "n", .value = &E01CaseData::evidence_number},
        Field{.key = "a", .value = &E01CaseData::description},
        Field{.key = "e", .value = &E01CaseData::examiner},
        Field{.key = "t", .value = &E01CaseData::notes},
        Field{.key = "m", .value = &E01CaseData::acquired},
        Field{.key = "av", .value = &E01CaseData::software},
    };
    for (const auto& field : fields) {
        if (field.key == key) {
            return &(data.*field.value);
        }
    }
    return nullptr;
}

} // namespace

std::string utf8_from_utf16(ByteView bytes)
{
    constexpr std::uint32_t replacement = 0xFFFD;
    const bool is_big = bytes.size() >= 2 && load_be<std::uint16_t>(bytes) == 0xFEFF;
    const bool has_mark = is_big || (bytes.size() >= 2 && load_le<std::uint16_t>(bytes) == 0xFEFF);
    const auto unit = [&](std::size_t at) -> std::uint32_t {
        return is_big ? load_be<std::uint16_t>(bytes.subspan(at)) : load_le<std::uint16_t>(bytes.subspan(at));
    };
    std::string out;
    for (std::size_t at = has_mark ? 2 : 0; at + 2 <= bytes.size(); at += 2) {
        const auto high = unit(at);
        if (high < 0xD800 || high > 0xDFFF) {
            append_character(out, high);
            continue;
        }
        const auto low = high < 0xDC00 && at + 4 <= bytes.size() ? unit(at + 2) : 0;
        if (low < 0xDC00 || low > 0xDFFF) {
            append_character(out, replacement);
            continue;
        }
        append_character(out, 0x10000 + ((high - 0xD800) << 10U) + (low - 0xDC00));
        at += 2;
    }
    return out;
}

E01CaseData parse_e01_case_data(std::string_view utf8)
{
    // "1", "main", a line of keys, a line of values; later categories say nothing that is shown.
    E01CaseData out;
    const auto lines = split_at(utf8, '\n');
    for (std::size_t i = 0; i + 2 < lines.size(); ++i) {
        if (lines[i] != "main") {
            continue;
        }
        const auto keys = split_at(lines[i + 1], '\t');
        const auto values = split_at(lines[i + 2], '\t');
        for (std::size_t k = 0; k < keys.size() && k < values.size(); ++k) {
            if (auto* const field = field_of(out, keys[k])) {
                *field = std::string{values[k]};
            }
        }
        break;
    }
    return out;
}

std::optional<std::size_t> inflate_zlib(ByteView packed, std::span<std::byte> into)
{
    // zlib wants a target, even for nothing.
    if (packed.empty() || into.empty()) {
        return std::nullopt;
    }
    auto size = static_cast<uLongf>(into.size());
    const auto status = ::uncompress(as_uchar(into), &size, as_uchar(packed), static_cast<uLong>(packed.size()));
    return status == Z_OK ? std::optional{static_cast<std::size_t>(size)} : std::nullopt;
}

} // namespace salvage::io
