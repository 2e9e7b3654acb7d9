// Percent-encoding and names.
#include "keys.hpp"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/core/utf8.hpp"

namespace salvage::web {
namespace {

constexpr std::size_t max_pairs = 100;
// As long as the longest path a walk comes to.
constexpr std::size_t max_path_bytes = 32768;
constexpr std::string_view replacement = "\xEF\xBF\xBD"; // U+FFFD

constexpr bool is_unreserved(unsigned char c) noexcept
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

std::string encoded(std::string_view text, std::string_view also)
{
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (is_unreserved(byte) || also.find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", byte);
        }
    }
    return out;
}

int digit_of(char c) noexcept
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool has_part(std::string_view path, std::string_view part)
{
    for (std::size_t at = 0; at <= path.size();) {
        const auto end = std::min(path.find('/', at), path.size());
        if (path.substr(at, end - at) == part) {
            return true;
        }
        at = end + 1;
    }
    return false;
}

/// Marks that turn the text behind them around, or are not seen at all: "photo\u202Egpj.exe".
constexpr bool is_misleading(std::uint32_t code) noexcept
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C || (code >= 0x200B && code <= 0x200F) ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF;
}

} // namespace

std::string key_of(std::string_view path)
{
    return encoded(path, "/");
}

std::optional<std::string> percent_decoded(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const auto high = i + 2 < text.size() ? digit_of(text[i + 1]) : -1;
        const auto low = i + 2 < text.size() ? digit_of(text[i + 2]) : -1;
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        out += static_cast<char>((high * 16) + low);
        i += 2;
    }
    return out;
}

Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query)
{
    std::vector<std::pair<std::string, std::string>> out;
    for (std::size_t at = 0; at < query.size();) {
        const auto end = std::min(query.find('&', at), query.size());
        const auto pair = query.substr(at, end - at);
        at = end + 1;
        if (pair.empty()) {
            continue;
        }
        const auto equals = pair.find('=');
        auto name = percent_decoded(pair.substr(0, equals));
        auto value = percent_decoded(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1));
        if (!name || !value || out.size() == max_pairs) {
            return invalid_argument("the address is not one of this page",
                                    "its query has a '%' without two hex digits, or too many parts");
        }
        out.emplace_back(*std::move(name), *std::move(value));
    }
    return out;
}

Result<std::string> phone_path(std::string_view decoded)
{
    if (decoded.empty() || decoded.front() != '/' || decoded.size() > max_path_bytes ||
        decoded.find('\0') != std::string_view::npos || has_part(decoded, "..") || has_part(decoded, ".")) {
        return invalid_argument("this is no path on the phone",
                                R"(it has to begin with '/' and to name folders and files alone: no ".", no "..")");
    }
    while (decoded.size() > 1 && decoded.back() == '/') {
        decoded.remove_suffix(1);
    }
    return std::string{decoded};
}

Result<std::string> phone_path_of_key(std::string_view key)
{
    const auto decoded = percent_decoded(key);
    if (!decoded) {
        return invalid_argument("this is no key of a path", "it has a '%' without two hex digits behind it");
    }
    return phone_path(*decoded);
}

Result<std::string> local_path(std::string_view path)
{
    if (path.empty() || path.front() != '/' || path.size() > 4096 || path.find('\0') != std::string_view::npos ||
        has_part(path, "..")) {
        return invalid_argument("this is no path on this computer",
                                "an absolute path without \"..\" was expected: /home/me/phone.img");
    }
    return std::string{path};
}

std::string shown_name(std::string_view name)
{
    std::string out;
    out.reserve(name.size());
    while (!name.empty()) {
        const auto [code, length] = first_character(name);
        if (length == 0 || is_misleading(code)) {
            out += replacement;
        } else {
            out += name.substr(0, length);
        }
        name.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out;
}

std::string attachment(std::string_view name)
{
    auto shown = shown_name(name);
    for (auto& c : shown) {
        if (std::string_view{"/\\:*?\"<>|"}.find(c) != std::string_view::npos) {
            c = '_'; // a separator or a wildcard on some computer
        }
    }
    if (shown.empty() || shown == "." || shown == "..") {
        shown = "file";
    }
    std::string ascii;
    for (const char c : shown) {
        const bool is_harmless = static_cast<unsigned char>(c) < 0x80 && c != '%';
        ascii += is_harmless ? c : '_';
    }
    return fmt::format("attachment; filename=\"{}\"; filename*=UTF-8''{}", ascii, encoded(shown, ""));
}

} // namespace salvage::web
