// Bytes from the text of a hex dump, as people paste it.  The forms and their rules: docs/formats/hexdump.md.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "hexdump_assembler.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::io {
namespace {

// A screenful of prompts and messages above a dump.
constexpr std::size_t max_noise_lines = 40;

/// Text from a browser or a Windows shell as plain 8-bit text: no byte order mark, UTF-16 narrowed, hard blanks
/// softened.
std::string cleaned(std::string_view text)
{
    std::string out;
    if (text.starts_with("\xFF\xFE")) {
        for (std::size_t i = 2; i + 1 < text.size(); i += 2) {
            out += text[i + 1] == '\0' ? text[i] : '?';
        }
        return out;
    }
    if (text.starts_with("\xEF\xBB\xBF")) {
        text.remove_prefix(3);
    }
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.substr(i).starts_with("\xC2\xA0")) {
            out += ' ';
            ++i;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// Calls `visit(line, position, number)` for each line until it returns false.
template <typename Visitor>
void for_each_line(std::string_view text, Visitor visit)
{
    std::size_t number = 0;
    for (std::size_t at = 0; at < text.size();) {
        // A lone carriage return ends a line too: very old Macs, and terminals that paste so.
        const auto end = std::min(text.find_first_of("\r\n", at), text.size());
        ++number;
        if (!visit(text.substr(at, end - at), at, number)) {
            return;
        }
        at = end + (text.substr(end).starts_with("\r\n") ? 2 : 1);
    }
}

bool is_only_digits(std::string_view line)
{
    return std::ranges::all_of(line, [](char c) { return std::string_view{"0123456789abcdefABCDEF \t"}.contains(c); });
}

/// Puts lines of digits without offsets together.
class PlainAssembler {
public:
    Result<> add(std::string_view content, std::size_t at, std::size_t number)
    {
        const auto line = read_hexdump_line(content);
        if (line.kind == HexdumpLineKind::blank) {
            return {};
        }
        // A short line of digits looks like an offset alone.
        const bool is_digits =
            line.kind == HexdumpLineKind::plain || (line.kind == HexdumpLineKind::end && !line.bytes.empty());
        if (is_digits) {
            return add_digits(line.bytes);
        }
        if (!bytes.empty() && is_only_digits(content)) {
            return malformed(ByteOffset{at}, "a line of hex digits is damaged",
                             fmt::format("line {} has an odd number of digits", number));
        }
        if (!bytes.empty() && !foreign_at_) {
            foreign_at_ = at;
        }
        return {};
    }

    Bytes bytes;

private:
    Result<> add_digits(const Bytes& more)
    {
        if (foreign_at_) {
            return malformed(ByteOffset{*foreign_at_}, "something else stands between the lines of hex digits");
        }
        if (more.size() > max_hexdump_bytes - bytes.size()) {
            return unsupported("this hex dump stands for more bytes than may be pasted");
        }
        bytes.insert(bytes.end(), more.begin(), more.end());
        return {};
    }

    std::optional<std::size_t> foreign_at_;
};

Result<Bytes> parse_plain(std::string_view text)
{
    PlainAssembler assembler;
    Result<> step;
    for_each_line(text, [&](std::string_view content, std::size_t at, std::size_t number) {
        step = assembler.add(content, at, number);
        return step.has_value();
    });
    SALVAGE_TRY(step);
    if (assembler.bytes.empty()) {
        return malformed(ByteOffset{0}, "this text is no hex dump",
                         "no line begins with an offset and bytes, or is made of hex digits")
            .with_hint("paste the output of `hexdump -C` or `xxd`");
    }
    return std::move(assembler.bytes);
}

} // namespace

Result<Bytes> parse_hexdump(std::string_view text)
{
    const auto clean = cleaned(text);
    HexdumpAssembler assembler;
    Result<> step;
    for_each_line(clean, [&](std::string_view content, std::size_t at, std::size_t number) {
        step = assembler.add(read_hexdump_line(content), at, number);
        return step.has_value();
    });
    SALVAGE_TRY(step);
    if (assembler.has_rows()) {
        return assembler.finish();
    }
    auto plain = parse_plain(clean);
    const auto problem = assembler.problem_without_rows();
    return !plain.has_value() && problem ? Result<Bytes>{*problem} : std::move(plain);
}

bool looks_like_hexdump(std::string_view text) noexcept
{
    const auto clean = cleaned(text);
    const bool is_text = std::ranges::all_of(clean, [](char c) {
        const auto value = static_cast<unsigned char>(c);
        return (value >= 0x20 && value != 0x7F) || c == '\t' || c == '\r' || c == '\n';
    });
    if (!is_text) {
        return false;
    }
    // Two rows that fit together, or one alone.
    HexdumpAssembler assembler;
    bool fits = true;
    std::size_t noise = 0;
    std::size_t plain_bytes = 0;
    bool is_plain = true;
    for_each_line(clean, [&](std::string_view content, std::size_t at, std::size_t number) {
        const auto line = read_hexdump_line(content);
        const bool is_cut_off = at + content.size() == clean.size() && number > 1;
        if (is_cut_off) {
            return false; // the last line of a beginning need not be whole
        }
        const bool is_digits = line.kind == HexdumpLineKind::plain || line.kind == HexdumpLineKind::end;
        plain_bytes += line.bytes.size();
        is_plain = is_plain && (is_digits || line.kind == HexdumpLineKind::blank);
        noise += line.kind == HexdumpLineKind::foreign ? 1 : 0;
        fits = assembler.add(line, at, number).has_value();
        return fits && assembler.rows() < 2 && (assembler.has_rows() || noise <= max_noise_lines);
    });
    return (fits && assembler.has_rows()) || (is_plain && plain_bytes >= 16);
}

} // namespace salvage::io
