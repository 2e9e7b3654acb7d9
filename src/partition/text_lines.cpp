// Lines of hand-edited text files.
#include "text_lines.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace salvage::partition {
namespace {

constexpr std::string_view byte_order_mark{"\xEF\xBB\xBF"};
constexpr std::string_view blanks{" \t\r\v\f"};
constexpr std::size_t text_sample = 4096; // a binary table shows a NUL in its first sector

} // namespace

Lines::Lines(std::string_view text) noexcept
    : text_{text}, at_{text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0}
{
}

std::optional<Line> Lines::next() noexcept
{
    if (at_ >= text_.size()) {
        return std::nullopt;
    }
    const auto end = std::min(text_.find('\n', at_), text_.size());
    const Line line{.text = trimmed(text_.substr(at_, end - at_)), .number = ++number_, .at = ByteOffset{at_}};
    at_ = end + 1;
    return line;
}

std::string_view trimmed(std::string_view text) noexcept
{
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::pair<std::string_view, std::string_view> split_word(std::string_view text) noexcept
{
    text = trimmed(text);
    const auto end = std::min(text.find_first_of(blanks), text.size());
    return {text.substr(0, end), trimmed(text.substr(end))};
}

std::vector<std::string_view> words_of(std::string_view text, std::size_t limit)
{
    std::vector<std::string_view> out;
    for (auto [word, rest] = split_word(text); !word.empty() && out.size() < limit;
         std::tie(word, rest) = split_word(rest)) {
        out.push_back(word);
    }
    return out;
}

std::optional<std::uint64_t> parse_address(std::string_view text) noexcept
{
    const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
    const auto digits = is_hex ? text.substr(2) : text;
    std::uint64_t value = 0;
    const auto* const end = digits.data() + digits.size();
    const auto [stop, problem] = std::from_chars(digits.data(), end, value, is_hex ? 16 : 10);
    return problem == std::errc{} && stop == end && !digits.empty() ? std::optional{value} : std::nullopt;
}

void note_text_form(const Input& input, Tabs tabs, Notes& notes)
{
    const auto text = input.text();
    const auto count = [&](char c) { return static_cast<std::uint64_t>(std::ranges::count(text, c)); };
    const auto carriage_returns = count('\r');
    const auto tab_count = tabs == Tabs::unusual ? count('\t') : 0;
    std::vector<std::string_view> seen;
    if (input.is_utf16) {
        seen.emplace_back("UTF-16");
    } else if (text.starts_with(byte_order_mark)) {
        seen.emplace_back("a byte order mark");
    }
    if (carriage_returns > 0) {
        seen.emplace_back("CR LF line ends");
    }
    if (tab_count > 0) {
        seen.emplace_back("tabs");
    }
    if (!text.ends_with('\n')) {
        seen.emplace_back("no newline at its end");
    }
    if (seen.empty()) {
        return;
    }
    const auto form = fmt::format("{}", fmt::join(seen, ", "));
    notes.note("text-form", fmt::format("This text file has {}: it was read all the same.", form),
               {.numbers = {{"carriage_returns", carriage_returns}, {"tabs", tab_count}}, .words = {{"form", form}}});
}

bool looks_like_text(ByteView bytes) noexcept
{
    const auto sample = bytes.first(std::min(bytes.size(), text_sample));
    return !sample.empty() && std::ranges::none_of(sample, [](std::byte byte) {
        const auto value = std::to_integer<unsigned>(byte);
        return value < 0x20 && value != '\t' && value != '\n' && value != '\r' && value != '\v' && value != '\f' &&
               value != 0x1A;
    });
}

} // namespace salvage::partition
