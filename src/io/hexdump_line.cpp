// One line of a hex dump's text.  docs/formats/hexdump.md shows each form.
#include "hexdump_line.hpp"

#include <algorithm>
#include <charconv>

namespace salvage::io {
namespace {

// Addresses of `od -A x` have 6 digits, of hexdump 7 or 8, of xxd 8 or more; shorter ones need a colon to be believed.
constexpr std::size_t min_offset_digits = 6;
constexpr std::size_t min_offset_digits_with_colon = 4;
constexpr std::size_t max_offset_digits = 16;
// Bytes in a row of every tool, unless it was told otherwise.
constexpr std::size_t usual_row = 16;

bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

std::string_view trimmed(std::string_view text)
{
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

/// Walks over the words of a line and the gaps before them.
class Words {
public:
    explicit Words(std::string_view text) : text_{text} { advance(); }

    [[nodiscard]] std::string_view word() const { return text_.substr(0, length_); }
    [[nodiscard]] std::size_t gap() const { return gap_; }
    /// From this word to the end of the line.
    [[nodiscard]] std::string_view rest() const { return text_; }
    /// The same with the gap before it.
    [[nodiscard]] std::string_view tail() const { return tail_; }
    [[nodiscard]] bool is_at_end() const { return text_.empty(); }
    void next()
    {
        text_.remove_prefix(length_);
        advance();
    }

private:
    void advance()
    {
        tail_ = text_;
        const auto* const start = std::ranges::find_if_not(text_, is_blank);
        gap_ = static_cast<std::size_t>(start - text_.begin());
        text_.remove_prefix(gap_);
        length_ = static_cast<std::size_t>(std::ranges::find_if(text_, is_blank) - text_.begin());
    }

    std::string_view text_;
    std::string_view tail_;
    std::size_t gap_{0};
    std::size_t length_{0};
};

struct Offset {
    std::uint64_t value{};
    bool has_colon{false};
};

std::optional<Offset> read_offset(std::string_view word)
{
    Offset offset;
    if (word.ends_with(':')) {
        offset.has_colon = true;
        word.remove_suffix(1);
    }
    if (word.starts_with("0x") || word.starts_with("0X")) {
        word.remove_prefix(2);
    }
    const auto fewest = offset.has_colon ? min_offset_digits_with_colon : min_offset_digits;
    if (word.size() < fewest || word.size() > max_offset_digits || !std::ranges::all_of(word, is_hex)) {
        return std::nullopt;
    }
    const auto* const first = word.data();
    std::from_chars(first, first + word.size(), offset.value, 16);
    return offset;
}

/// The bytes of `word` in the order they are printed.  Requires: an even number of hex digits.
Bytes digits_to_bytes(std::string_view word)
{
    Bytes out;
    for (; word.size() >= 2; word.remove_prefix(2)) {
        const auto* const first = word.data();
        unsigned value = 0;
        std::from_chars(first, first + 2, value, 16);
        out.push_back(static_cast<std::byte>(value));
    }
    return out;
}

bool is_hex_word(std::string_view word)
{
    return !word.empty() && word.size() % 2 == 0 && std::ranges::all_of(word, is_hex);
}

/// Whether `text` can be the text column of `bytes`: '.' for what does not print, blanks at its end perhaps lost.
bool shows(std::string_view text, ByteView bytes)
{
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto value = std::to_integer<unsigned char>(bytes[i]);
        const auto expected = value >= 0x20 && value < 0x7F ? static_cast<char>(value) : '.';
        if ((i < text.size() ? text[i] : ' ') != expected) {
            return false;
        }
    }
    return text.size() <= bytes.size();
}

/// Whether the end of `tail` shows `bytes`: a text column may itself begin with blanks.
bool is_column_of(std::string_view tail, ByteView bytes)
{
    const auto from_right = tail.substr(tail.size() - std::min(tail.size(), bytes.size()));
    return shows(from_right, bytes) || shows(trimmed(tail), bytes);
}

bool is_bits(std::string_view word)
{
    return word.size() == 8 && std::ranges::all_of(word, [](char c) { return c == '0' || c == '1'; });
}

void append(Bytes& out, const Bytes& more)
{
    out.insert(out.end(), more.begin(), more.end());
}

/// Rows with a colon: xxd, toybox, U-Boot's md.  Groups of any size up to the first wide gap, then the text column.
HexdumpLine read_colon_row(Words words)
{
    HexdumpLine line{.kind = HexdumpLineKind::row};
    Bytes reversed; // as `xxd -e` and U-Boot's md.w and md.l print numbers
    std::size_t groups = 0;
    bool are_all_bits = true;
    for (; is_hex_word(words.word()) && (groups == 0 || words.gap() < 2); words.next()) {
        auto group = digits_to_bytes(words.word());
        append(line.bytes, group);
        std::ranges::reverse(group);
        append(reversed, group);
        line.cuts.push_back(line.bytes.size());
        are_all_bits = are_all_bits && is_bits(words.word());
        ++groups;
    }
    const bool is_apart = words.is_at_end() || words.gap() >= 2;
    if (groups == 0 || (!is_apart && line.bytes.size() < usual_row && !shows(words.rest(), line.bytes))) {
        line.kind = HexdumpLineKind::broken;
        return line;
    }
    const auto text = is_apart ? words.tail() : std::string_view{};
    if (are_all_bits && trimmed(text).size() == groups) {
        line.kind = HexdumpLineKind::binary;
    } else if (trimmed(text).size() > line.bytes.size()) {
        line.kind = HexdumpLineKind::broken; // more characters than bytes: digits are missing
    } else if (!is_column_of(text, line.bytes) && is_column_of(text, reversed)) {
        line.bytes = std::move(reversed);
    }
    return line;
}

/// Rows without a colon: hexdump and od.  All numbers have 2 digits (bytes) or 4 (little-endian words).
HexdumpLine read_row(Words words)
{
    HexdumpLine line{.kind = HexdumpLineKind::row};
    const auto digits = words.word().size();
    if (digits != 2 && digits != 4) {
        line.kind = HexdumpLineKind::broken;
        return line;
    }
    line.unit = digits / 2;
    for (; is_hex_word(words.word()) && words.word().size() == digits; words.next()) {
        if (words.gap() >= 2) {
            line.cuts.push_back(line.bytes.size());
        }
        auto number = digits_to_bytes(words.word());
        std::ranges::reverse(number);
        append(line.bytes, number);
    }
    const auto rest = words.rest();
    const bool is_delimited = rest.starts_with('|') || rest.starts_with('>');
    const bool is_apart = rest.empty() || is_delimited || words.gap() >= 2;
    if (!is_apart && !line.cuts.empty() && line.cuts.back() >= usual_row) {
        line.bytes.resize(line.cuts.back()); // a text column without a delimiter, whose first words look like bytes
    } else if (line.bytes.empty() || !is_apart) {
        line.kind = HexdumpLineKind::broken;
    }
    if (is_delimited) {
        line.cuts.clear();
    }
    return line;
}

/// Digits without an offset: one long word (`xxd -p`), or bytes apart (`od -An -t x1`, hex editors).
std::optional<HexdumpLine> read_plain(std::string_view text)
{
    HexdumpLine line{.kind = HexdumpLineKind::plain};
    const bool is_one_word = std::ranges::none_of(text, is_blank);
    for (Words words{text}; !words.is_at_end(); words.next()) {
        if (!is_hex_word(words.word()) || (!is_one_word && words.word().size() != 2)) {
            return std::nullopt;
        }
        append(line.bytes, digits_to_bytes(words.word()));
    }
    return line;
}

} // namespace

HexdumpLine read_hexdump_line(std::string_view text)
{
    const auto content = trimmed(text);
    if (content.empty()) {
        return {.kind = HexdumpLineKind::blank};
    }
    if (content == "*") {
        return {.kind = HexdumpLineKind::repeat};
    }
    // The right end stays: the text column of xxd may end in blanks.
    Words words{text};
    if (const auto offset = read_offset(words.word())) {
        words.next();
        HexdumpLine line{.kind = HexdumpLineKind::end};
        if (!words.is_at_end()) {
            line = offset->has_colon ? read_colon_row(words) : read_row(words);
        }
        line.offset = offset->value;
        if (line.kind == HexdumpLineKind::end && content.size() % 2 == 0 && !offset->has_colon) {
            line.bytes = digits_to_bytes(content); // in plain text the same digits are bytes
        }
        return line;
    }
    auto plain = read_plain(content);
    return plain ? std::move(*plain) : HexdumpLine{.kind = HexdumpLineKind::foreign};
}

} // namespace salvage::io
