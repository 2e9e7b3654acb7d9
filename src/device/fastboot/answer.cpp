// A bootloader's answers.  Spec: AOSP system/core, fastboot/README.md.
#include "answer.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "limits.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/core/text.hpp"

namespace salvage::device {
namespace {

constexpr std::size_t code_bytes = 4;

template <typename Number>
std::optional<Number> parse_number(std::string_view text, int base) noexcept
{
    Number value{};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (problem != std::errc{} || end != text.data() + text.size() || text.empty()) {
        return std::nullopt;
    }
    return value;
}

Error not_understood(std::string_view bytes)
{
    return malformed(ByteOffset{0}, "the bootloader's answer is not understood",
                     fmt::format("found \"{}\" ({}), expected OKAY, FAIL, INFO, TEXT or DATA",
                                 printable(bytes.substr(0, 32)), to_spaced_hex(as_bytes(bytes))));
}

/// Where the name ends in a line without ": ": some names hold a colon themselves.
std::size_t end_of_name(std::string_view line) noexcept
{
    constexpr std::array<std::string_view, 7> names_of_two = {
        "partition-size:",  "partition-type:",  "has-slot:",        "is-logical:",
        "slot-successful:", "slot-unbootable:", "slot-retry-count:"};
    const auto* const found =
        std::ranges::find_if(names_of_two, [&](std::string_view name) { return line.starts_with(name); });
    return line.find(':', found == names_of_two.end() ? 0 : found->size());
}

} // namespace

std::string_view trimmed(std::string_view text) noexcept
{
    constexpr std::string_view blank{" \t\r\n\v\f\0", 7};
    const auto first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

Result<Answer> parse_answer(std::string_view bytes)
{
    const auto code = bytes.substr(0, code_bytes);
    const auto text = trimmed(bytes.substr(code.size()));
    if (bytes.size() > max_answer_bytes) {
        return not_understood(bytes);
    }
    if (code == "OKAY") {
        return Answer{.kind = Answer::Kind::okay, .text = std::string{text}};
    }
    if (code == "FAIL") {
        return Answer{.kind = Answer::Kind::fail, .text = std::string{text}};
    }
    if (code == "INFO" || code == "TEXT") {
        return Answer{.kind = Answer::Kind::line, .text = std::string{text}};
    }
    const auto size = parse_number<std::uint32_t>(text, 16);
    if (code == "DATA" && size) {
        return Answer{.kind = Answer::Kind::data, .text = {}, .size = *size};
    }
    return not_understood(bytes);
}

std::optional<ByteCount> parse_bootloader_size(std::string_view text) noexcept
{
    auto digits = trimmed(text);
    const bool has_prefix = digits.starts_with("0x") || digits.starts_with("0X");
    if (has_prefix) {
        digits.remove_prefix(2);
    }
    const bool is_decimal = !has_prefix && digits.find_first_not_of("0123456789") == std::string_view::npos;
    const auto value = parse_number<std::uint64_t>(digits, is_decimal ? 10 : 16);
    return value ? std::optional{ByteCount{*value}} : std::nullopt;
}

std::optional<std::pair<std::string, std::string>> split_variable(std::string_view line)
{
    const auto text = trimmed(line);
    auto colon = text.find(": ");
    if (colon == std::string_view::npos) {
        colon = text.ends_with(':') ? text.size() - 1 : end_of_name(text);
    }
    if (colon == std::string_view::npos || colon == 0) {
        return std::nullopt;
    }
    return std::pair{std::string{trimmed(text.substr(0, colon))}, std::string{trimmed(text.substr(colon + 1))}};
}

} // namespace salvage::device
