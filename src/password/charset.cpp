// Charsets of masks; the language stands in docs/formats/masks.md.
#include "password/charset.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "password/ascii.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::password {
namespace {

constexpr ByteCount max_charset_file{64U << 10U}; // a charset has 256 bytes at most; hex and line ends are longer

constexpr auto every_byte = [] {
    std::array<char, 256> out{};
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = static_cast<char>(i);
    }
    return out;
}();

constexpr std::string_view lower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view digits = "0123456789";
/// Space and every printable ASCII character that is neither letter nor digit: 33.
constexpr std::string_view special = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
/// ?l ?u ?d ?s, in hashcat's order of naming them.
constexpr std::string_view printable_ascii = "abcdefghijklmnopqrstuvwxyz"
                                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789"
                                             " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
static_assert(special.size() == 33 && printable_ascii.size() == 95);

struct BuiltIn {
    char name;
    std::string_view bytes;
};
constexpr auto built_in = std::to_array<BuiltIn>({
    {'?', "?"},
    {'l', lower},
    {'u', upper},
    {'d', digits},
    {'h', "0123456789abcdef"},
    {'H', "0123456789ABCDEF"},
    {'s', special},
    {'a', printable_ascii},
    {'b', {every_byte.data(), every_byte.size()}},
});

constexpr std::string_view names = "l u d h H s a b 1 2 3 4 or ?";

Error at_column(std::size_t column, std::string_view what, std::string_view why, std::string_view hint)
{
    return invalid_argument(what, fmt::format("column {}: {}", column, why), hint);
}

/// A charset file holds the bytes themselves; line ends at its end are an editor's.
Result<std::string> read_charset_file(const std::string& path)
{
    const auto name = fmt::format("reading the charset file '{}'", printable(path));
    const auto file = SALVAGE_TRY(io::open_file(path).in(name));
    const auto bytes = SALVAGE_TRY(io::read_all(*file, max_charset_file).in(name));
    const auto text = as_text(bytes);
    const auto last = text.find_last_not_of("\r\n");
    if (last == std::string_view::npos) {
        return invalid_argument(fmt::format("the charset file '{}' is empty", printable(path)));
    }
    return std::string{text.substr(0, last + 1)};
}

Result<std::string> parse_charset(std::string_view text, MaskNotation notation, const CharsetBytes& custom)
{
    Charset out;
    ElementReader reader{text, notation, custom};
    while (!reader.is_at_end()) {
        out.add(SALVAGE_TRY(reader.next()));
    }
    return out.bytes();
}

/// In a file a `?` is a question mark and nothing else, as hashcat has it.
Result<std::string> parse_charset_file(const std::string& path, MaskNotation notation, const CharsetBytes& custom)
{
    const auto content = SALVAGE_TRY(read_charset_file(path));
    if (notation == MaskNotation::hex) {
        return parse_charset(content, notation, custom);
    }
    Charset out;
    out.add(content);
    return out.bytes();
}

} // namespace

void Charset::add(std::string_view bytes)
{
    for (const char byte : bytes) {
        auto known = known_[static_cast<unsigned char>(byte)];
        if (!known) {
            known = true;
            bytes_.push_back(byte);
        }
    }
}

std::string_view charset_of_byte(unsigned char byte) noexcept
{
    return {&every_byte[byte], 1};
}

Result<std::string_view> charset_named(char name, std::size_t column, const CharsetBytes& custom)
{
    if (name >= '1' && name < static_cast<char>('1' + custom_charsets)) {
        const std::string_view bytes = custom[static_cast<std::size_t>(name - '1')];
        if (bytes.empty()) {
            return at_column(
                column, fmt::format("custom charset {} is not defined", name), fmt::format("found ?{}", name),
                fmt::format("give its characters with -{0}; charsets can use those of lower numbers", name));
        }
        return bytes;
    }
    const auto* const found = std::ranges::find(built_in, name, &BuiltIn::name);
    if (found == built_in.end()) {
        return at_column(column, "there is no such charset",
                         fmt::format("after ? found '{}', expected {}", printable({&name, 1}), names),
                         "a question mark itself is written ??");
    }
    return found->bytes;
}

Result<std::string_view> ElementReader::next()
{
    if (text_[at_] == '?') {
        ++at_;
        if (is_at_end()) {
            return at_column(at_, "a ? stands at the end", fmt::format("found nothing after it, expected {}", names),
                             "a question mark itself is written ??");
        }
        const char name = text_[at_++];
        return charset_named(name, at_, *custom_);
    }
    if (notation_ == MaskNotation::hex) {
        return next_hex_byte();
    }
    return charset_of_byte(static_cast<unsigned char>(text_[at_++]));
}

Result<std::string_view> ElementReader::next_hex_byte()
{
    const auto digits_here = text_.substr(at_, 2);
    const auto byte = hex_byte(digits_here);
    if (!byte) {
        return at_column(at_ + 1, "hex notation has two digits a byte",
                         fmt::format("found '{}'", printable(digits_here)), "with --hex-charset, a is written 61");
    }
    at_ += 2;
    return charset_of_byte(*byte);
}

Result<CharsetBytes> parse_charsets(const CustomCharsets& typed, MaskNotation notation)
{
    CharsetBytes out;
    for (std::size_t i = 0; i < typed.size(); ++i) {
        const bool is_file = typed[i].ends_with(".hcchr");
        auto parsed = is_file ? parse_charset_file(typed[i], notation, out) : parse_charset(typed[i], notation, out);
        out[i] = SALVAGE_TRY(std::move(parsed).in(fmt::format("reading custom charset -{}", i + 1)));
    }
    return out;
}

} // namespace salvage::password
