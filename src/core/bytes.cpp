// The checked cursor and hex.
#include "salvage/core/bytes.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace salvage {

Result<ByteView> ByteReader::take(std::size_t count)
{
    if (count > remaining()) {
        return truncated(position(), "the data ends too early",
                         fmt::format("{} more bytes were needed, {} are left", count, remaining()));
    }
    const auto view = bytes_.subspan(at_, count);
    at_ += count;
    return view;
}

Result<> ByteReader::skip(std::size_t count)
{
    static_cast<void>(SALVAGE_TRY(take(count)));
    return {};
}

Result<> ByteReader::seek(ByteOffset at)
{
    if (at.value > bytes_.size()) {
        return truncated(ByteOffset{bytes_.size()}, "the data ends too early",
                         fmt::format("byte {} was needed, there are {}", at.value, bytes_.size()));
    }
    at_ = static_cast<std::size_t>(at.value);
    return {};
}

Result<std::string> ByteReader::fixed_text(std::size_t field_bytes)
{
    const auto field = as_text(SALVAGE_TRY(take(field_bytes)));
    return std::string{field.substr(0, field.find('\0'))};
}

std::string to_hex(ByteView bytes)
{
    std::string out;
    out.reserve(bytes.size() * 2);
    constexpr std::string_view digits = "0123456789abcdef";
    for (const auto byte : bytes) {
        out += digits[std::to_integer<std::size_t>(byte >> 4U)];
        out += digits[std::to_integer<std::size_t>(byte & std::byte{0x0F})];
    }
    return out;
}

std::string to_spaced_hex(ByteView bytes, std::size_t max_bytes)
{
    std::string out;
    for (const auto byte : bytes.first(std::min(bytes.size(), max_bytes))) {
        fmt::format_to(std::back_inserter(out), "{}{:02X}", out.empty() ? "" : " ", std::to_integer<unsigned>(byte));
    }
    if (bytes.size() > max_bytes) {
        out += " …";
    }
    return out;
}

namespace {
std::optional<unsigned> hex_digit(char c) noexcept
{
    if (c >= '0' && c <= '9') {
        return static_cast<unsigned>(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return static_cast<unsigned>(c - 'a' + 10);
    }
    if (c >= 'A' && c <= 'F') {
        return static_cast<unsigned>(c - 'A' + 10);
    }
    return std::nullopt;
}

bool is_space(char c) noexcept
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
} // namespace

Result<Bytes> from_hex(std::string_view text)
{
    Bytes out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size();) {
        if (is_space(text[i])) {
            ++i;
            continue;
        }
        const auto high = hex_digit(text[i]);
        const auto low = i + 1 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
        if (!high || !low) {
            return malformed(ByteOffset{i}, "the text is not hex", "pairs of hex digits were expected");
        }
        out.push_back(static_cast<std::byte>(*high << 4U | *low));
        i += 2;
    }
    return out;
}

bool is_all_zero(ByteView bytes) noexcept
{
    if (bytes.empty()) {
        return true;
    }
    return bytes.front() == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

} // namespace salvage
