// Lines of hashcat 8800 and 12900, which john reads as well, and our own.  docs/formats/hash-lines.md.
#include "salvage/fde/hash_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "salvage/core/text.hpp"

namespace salvage::fde {
namespace {

constexpr std::string_view fde_mark = "$fde$";
constexpr std::string_view salvage_mark = "$salvage$";
constexpr std::size_t salvage_version = 1;
/// The largest structure of AOSP is 0x930 bytes; parse_footer tells what is too short.
constexpr std::size_t most_footer_bytes = 0x1000;
constexpr std::string_view line_cipher = "aes-cbc-essiv:sha256";
constexpr std::size_t salt_bytes = 16;
constexpr std::size_t edk_bytes = 32;
constexpr std::size_t hmac_bytes = 32;
constexpr std::size_t samsung_bytes = edk_bytes + hmac_bytes + salt_bytes;
/// Salts of AOSP's lines are tried one by one by a cracker, so a line has one.
constexpr std::uint32_t first_struct_bytes = 0x68;

/// Fields between dollar signs.
class Fields {
public:
    Fields(std::string_view line, std::size_t at) : rest_{line}, at_{at} {}

    Result<std::string_view> next(std::string_view name)
    {
        if (is_over_) {
            // at_ lies behind a '$' that is not there.
            return malformed(ByteOffset{at_ - 1}, "hash line is too short", fmt::format("no {}", name));
        }
        const auto end = rest_.find('$');
        const auto field = rest_.substr(0, end);
        field_at_ = at_;
        is_over_ = end == std::string_view::npos;
        at_ += field.size() + 1;
        rest_ = is_over_ ? std::string_view{} : rest_.substr(end + 1);
        return field;
    }

    Result<std::size_t> number(std::string_view name)
    {
        const auto field = SALVAGE_TRY(next(name));
        std::size_t value = 0;
        const auto* const end = field.data() + field.size();
        const auto [stopped, error] = std::from_chars(field.data(), end, value);
        if (error != std::errc{} || stopped != end) {
            return malformed(ByteOffset{field_at_}, fmt::format("hash line has no {}", name),
                             fmt::format("found \"{}\", expected a number", printable(field.substr(0, 16))));
        }
        return value;
    }

    /// Errors name the position, never the digits: they may be a key.
    Result<Bytes> hex(std::string_view name, std::size_t size)
    {
        const auto field = SALVAGE_TRY(next(name));
        if (field.size() != size * 2) {
            return malformed(ByteOffset{field_at_}, fmt::format("hash line has a {} of another size", name),
                             fmt::format("{} digits, expected {}", field.size(), size * 2));
        }
        return bytes_of(field, name);
    }

    /// Of any size up to `most` bytes.
    Result<Bytes> hex_up_to(std::string_view name, std::size_t most)
    {
        const auto field = SALVAGE_TRY(next(name));
        if (field.size() > most * 2 || field.size() % 2 != 0) {
            return malformed(ByteOffset{field_at_}, fmt::format("hash line has a {} of no possible size", name),
                             fmt::format("{} digits, expected an even number up to {}", field.size(), most * 2));
        }
        return bytes_of(field, name);
    }

    [[nodiscard]] bool is_over() const noexcept { return is_over_; }
    [[nodiscard]] std::size_t position() const noexcept { return at_; }

private:
    Result<Bytes> bytes_of(std::string_view field, std::string_view name) const
    {
        const auto odd = field.find_first_not_of("0123456789abcdefABCDEF");
        if (odd != std::string_view::npos) {
            return malformed(ByteOffset{field_at_ + odd}, fmt::format("hash line's {} is not hex", name),
                             "expected 0 to 9 and a to f");
        }
        return from_hex(field);
    }

    std::string_view rest_;
    std::size_t at_;
    std::size_t field_at_{};
    bool is_over_{false};
};

Result<HashLine> parse_fde(std::string_view line, std::size_t at)
{
    Fields fields{line.substr(fde_mark.size()), at + fde_mark.size()};
    const auto salt_size = SALVAGE_TRY(fields.number("size of the salt"));
    if (salt_size != salt_bytes) {
        return malformed(ByteOffset{at + fde_mark.size()}, "hash line has a salt that no footer has",
                         fmt::format("{} bytes, expected 16", salt_size));
    }
    HashLine out;
    auto& footer = out.footer;
    footer.salts.push_back(SALVAGE_TRY(fields.hex("salt", salt_bytes)));
    const auto key_at = fields.position();
    const auto key_size = SALVAGE_TRY(fields.number("size of the key"));
    if (key_size != 16 && key_size != 32) {
        return malformed(ByteOffset{key_at}, "hash line has a key of no known size",
                         fmt::format("{} bytes, expected 16 or 32", key_size));
    }
    footer.wrapped_key = SALVAGE_TRY(fields.hex("wrapped key", key_size));
    out.sectors = SALVAGE_TRY(fields.hex("data", hash_line_sector_bytes));
    if (!fields.is_over()) {
        return malformed(ByteOffset{fields.position()}, "hash line is too long", "nothing is expected after the data");
    }
    footer.key_bytes = static_cast<std::uint32_t>(key_size);
    footer.ftr_size = first_struct_bytes;
    footer.cipher = line_cipher;
    footer.kdf = Kdf::pbkdf2;
    return out;
}

Result<HashLine> parse_samsung(std::string_view line, std::size_t at)
{
    Fields fields{line, at};
    const auto bytes = SALVAGE_TRY(fields.hex("EDK, HMAC and salt", samsung_bytes));
    const auto part = [&](std::size_t start, std::size_t count) {
        const auto view = ByteView{bytes}.subspan(start, count);
        return Bytes{view.begin(), view.end()};
    };
    HashLine out;
    out.footer.kind = FooterKind::samsung_edk;
    out.footer.key_bytes = edk_bytes;
    out.footer.cipher = line_cipher;
    out.footer.kdf = Kdf::samsung_pbkdf2_sha256;
    out.footer.wrapped_key = part(0, edk_bytes);
    out.footer.samsung_hmac = part(edk_bytes, hmac_bytes);
    out.footer.salts.push_back(part(edk_bytes + hmac_bytes, salt_bytes));
    return out;
}

Result<HashLine> parse_salvage(std::string_view line, std::size_t at)
{
    Fields fields{line.substr(salvage_mark.size()), at + salvage_mark.size()};
    const auto version = SALVAGE_TRY(fields.number("version"));
    if (version != salvage_version) {
        return malformed(ByteOffset{at + salvage_mark.size()},
                         "the hash line was written by another version of this program",
                         fmt::format("version {}, expected {}", version, salvage_version));
    }
    const auto footer_at = fields.position();
    auto footer = SALVAGE_TRY(fields.hex_up_to("footer", most_footer_bytes));
    footer.resize(most_footer_bytes); // the zeros that the line leaves out
    HashLine out;
    out.disk_lba = SectorIndex{SALVAGE_TRY(fields.number("disk sector"))};
    out.sectors = SALVAGE_TRY(fields.hex_up_to("start of userdata", salvage_line_userdata_bytes));
    if (!fields.is_over()) {
        return malformed(ByteOffset{fields.position()}, "hash line is too long", "nothing is expected after userdata");
    }
    auto parsed = parse_footer(footer);
    if (!parsed.has_value()) {
        return malformed(ByteOffset{footer_at}, "hash line holds no footer", parsed.error().what);
    }
    out.footer = std::move(*parsed);
    return out;
}

Error no_line(std::string_view why)
{
    return unsupported("this footer has no line that crackers know", why,
                       "salvage crack takes the footer itself, whatever its kdf");
}

Result<> check_aosp(const CryptoFooter& footer)
{
    if (footer.kind != FooterKind::aosp || footer.kdf != Kdf::pbkdf2) {
        return no_line(fmt::format("the lines are for PBKDF2 and Samsung's EDK, this is {} with {}",
                                   to_string(footer.kind), to_string(footer.kdf)));
    }
    if ((footer.flags & footer_flag::key_unencrypted) != 0) {
        return no_line("its key stands in the clear");
    }
    if (footer.cipher != line_cipher) {
        return no_line(fmt::format("the lines are for {}, this is {}", line_cipher, printable(footer.cipher)));
    }
    const bool is_known_size = footer.wrapped_key.size() == 16 || footer.wrapped_key.size() == 32;
    if (!is_known_size || footer.salts.empty()) {
        return no_line("its key is of another size than 16 or 32 bytes");
    }
    return {};
}

} // namespace

Result<HashLine> parse_hash_line(std::string_view text)
{
    const auto line = trimmed(text);
    const auto at = line.empty() ? 0 : static_cast<std::size_t>(line.data() - text.data());
    if (line.starts_with(fde_mark)) {
        return parse_fde(line, at);
    }
    if (line.starts_with(salvage_mark)) {
        return parse_salvage(line, at);
    }
    if (line.size() == samsung_bytes * 2) {
        return parse_samsung(line, at);
    }
    return malformed(
        ByteOffset{at}, "this is no hash line of an Android footer",
        fmt::format("expected a line that begins with {} or {}, or 160 hex digits", fde_mark, salvage_mark));
}

Result<std::string> format_hash_line(const CryptoFooter& footer, ByteView sectors)
{
    if (footer.kind == FooterKind::samsung_edk) {
        if (footer.wrapped_key.size() != edk_bytes || footer.samsung_hmac.size() != hmac_bytes ||
            footer.salts.empty()) {
            return no_line("its EDK is not whole");
        }
        return to_hex(footer.wrapped_key) + to_hex(footer.samsung_hmac) + to_hex(footer.salts.front());
    }
    SALVAGE_TRY(check_aosp(footer));
    if (sectors.size() != hash_line_sector_bytes) {
        return invalid_argument("a hash line carries the first three sectors of userdata",
                                fmt::format("{} bytes were given, expected {}", sectors.size(), hash_line_sector_bytes),
                                "");
    }
    return fmt::format("{}{}${}${}${}${}", fde_mark, salt_bytes, to_hex(footer.salts.front()),
                       footer.wrapped_key.size(), to_hex(footer.wrapped_key), to_hex(sectors));
}

Result<std::string> format_salvage_line(ByteView footer, SectorIndex disk_lba, ByteView userdata)
{
    static_cast<void>(SALVAGE_TRY(parse_footer(footer)));
    if (userdata.size() > salvage_line_userdata_bytes) {
        return invalid_argument(
            "a hash line carries the start of userdata only",
            fmt::format("{} bytes were given, at most {} are taken", userdata.size(), salvage_line_userdata_bytes));
    }
    auto bytes = footer.first(std::min(footer.size(), most_footer_bytes));
    while (!bytes.empty() && bytes.back() == std::byte{0}) {
        bytes = bytes.first(bytes.size() - 1);
    }
    return fmt::format("{}{}${}${}${}", salvage_mark, salvage_version, to_hex(bytes), disk_lba.value, to_hex(userdata));
}

} // namespace salvage::fde
