// `key=value` lines, written and read.
#include "salvage/core/line_record.hpp"

#include <charconv>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace salvage {
namespace {

bool needs_escape(char c, LineValue kind) noexcept
{
    return c == '%' || c == '\x7F' || (c >= '\0' && c < ' ') || (c == ' ' && kind == LineValue::word);
}

/// All of `digits` as a number.
template <typename Number>
std::optional<Number> number_of(std::string_view digits, int base) noexcept
{
    Number out{};
    const auto* const end = digits.data() + digits.size();
    const auto [stop, problem] = std::from_chars(digits.data(), end, out, base);
    return problem == std::errc{} && stop == end ? std::optional{out} : std::nullopt;
}

/// Where `line` is `key=…`.
bool is_line_of(std::string_view line, std::string_view key) noexcept
{
    return line.starts_with(key) && line.substr(key.size()).starts_with('=');
}

} // namespace

std::string escape_line_value(std::string_view value, LineValue kind)
{
    std::string out;
    for (const char c : value) {
        if (needs_escape(c, kind)) {
            out += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        } else {
            out.push_back(c);
        }
    }
    return out;
}

std::optional<std::string> unescape_line_value(std::string_view value, LineValue kind)
{
    std::string out;
    while (!value.empty()) {
        if (value.front() != '%') {
            if (needs_escape(value.front(), kind)) {
                return std::nullopt;
            }
            out.push_back(value.front());
            value.remove_prefix(1);
            continue;
        }
        const auto digits = value.substr(1, 2);
        const auto code = digits.size() == 2 ? number_of<unsigned char>(digits, 16) : std::nullopt;
        if (!code) {
            return std::nullopt;
        }
        out.push_back(static_cast<char>(*code));
        value.remove_prefix(3);
    }
    return out;
}

std::optional<std::uint64_t> whole_number(std::string_view digits) noexcept
{
    return number_of<std::uint64_t>(digits, 10);
}

Result<std::string_view> LineRecordReader::value(std::string_view key)
{
    line_start_ = at_;
    const auto end = text_.find('\n', at_);
    if (end == std::string_view::npos) {
        return malformed(ByteOffset{line_start_}, fmt::format("{} ends too early", form_.record),
                         fmt::format("the line \"{}=\" is missing or has no end", key));
    }
    const auto line = text_.substr(at_, end - at_);
    at_ = end + 1;
    if (!is_line_of(line, key)) {
        return malformed(ByteOffset{line_start_}, fmt::format("{} has another line than expected", form_.record),
                         fmt::format("expected \"{}=\"", key));
    }
    return line.substr(key.size() + 1);
}

Result<std::string> LineRecordReader::text(std::string_view key)
{
    auto out = unescape_line_value(SALVAGE_TRY(value(key)), form_.values);
    return out ? Result<std::string>{std::move(*out)} : damaged(key);
}

Result<std::uint64_t> LineRecordReader::number(std::string_view key)
{
    if (const auto out = whole_number(SALVAGE_TRY(value(key)))) {
        return *out;
    }
    return malformed(ByteOffset{line_start_}, fmt::format("{} has {}", form_.record, form_.damaged_number),
                     fmt::format("in \"{}=\"", key));
}

bool LineRecordReader::is_next(std::string_view key) const noexcept
{
    return is_line_of(text_.substr(at_), key);
}

Error LineRecordReader::damaged(std::string_view key) const
{
    return malformed(ByteOffset{line_start_}, fmt::format("{} has {}", form_.record, form_.damaged_value),
                     fmt::format("in \"{}=\"", key));
}

Result<> LineRecordReader::end(std::string_view key, std::string_view checksum)
{
    if (SALVAGE_TRY(value(key)) != checksum) {
        return malformed(ByteOffset{line_start_}, fmt::format("{} is damaged", form_.record),
                         "its checksum does not agree");
    }
    if (at_ != text_.size()) {
        return malformed(ByteOffset{at_}, fmt::format("{} goes on after its end", form_.record));
    }
    return {};
}

} // namespace salvage
