// Crypto footers: the head that all kinds share, and which kind it is.
#include "salvage/fde/footer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "fde/footer_layout.hpp"
#include "fde/footer_parts.hpp"
#include "salvage/core/text.hpp"

namespace salvage::fde {
namespace {

template <std::unsigned_integral T>
T field(ByteView bytes, std::size_t at)
{
    return load_le<T>(bytes.subspan(at, sizeof(T)));
}

template <std::size_t N>
bool is_one_of(std::uint32_t value, const std::array<std::uint32_t, N>& known)
{
    return std::ranges::find(known, value) != known.end();
}

/// malformed, with the place in the sentence as well: a list of decoys shows the sentence alone.
Error refused(std::size_t at, std::string_view what, std::string_view why)
{
    return malformed(ByteOffset{at}, what, fmt::format("{}, at byte {:#x} of the footer", why, at));
}

Result<> check_magic(ByteView bytes)
{
    SALVAGE_TRY(require_bytes(bytes, layout::magic + 4, "magic"));
    if (!has_footer_magic(bytes.first(4))) {
        return refused(
            layout::magic, "crypto footer has no valid magic",
            fmt::format("found {}, expected C4 B1 B5 D0 or Samsung's C5 B1 B5 D0", to_spaced_hex(bytes.first(4))));
    }
    return {};
}

Error unknown_version(std::size_t at, std::string why)
{
    auto error = unsupported("crypto footer has a version that no Android wrote",
                             fmt::format("{}, at byte {:#x} of the footer", why, at),
                             "known are 1.0 to 1.3; a magic with other bytes behind it is often a mere coincidence");
    error.where = Location{{Place{.source = "", .at = ByteOffset{at}}}};
    return error;
}

Result<> check_version(const CryptoFooter& footer)
{
    if (footer.major != layout::only_major) {
        return unknown_version(layout::major_version, fmt::format("major version {}, expected 1", footer.major));
    }
    if (footer.minor > layout::newest_minor) {
        return unknown_version(layout::minor_version, fmt::format("minor version {}, expected 0 to 3", footer.minor));
    }
    return {};
}

Result<> check_sizes(const CryptoFooter& footer)
{
    if (footer.ftr_size < layout::smallest_ftr_size || footer.ftr_size > layout::largest_ftr_size) {
        return refused(layout::ftr_size, "crypto footer states an impossible size of itself",
                       fmt::format("ftr_size is {:#x}, expected {:#x} to {:#x}", footer.ftr_size,
                                   layout::smallest_ftr_size, layout::largest_ftr_size));
    }
    // Key and salt of 1.0 lie behind the struct, where a 64-byte key (XTS with AES-256) finds room.
    const bool is_known_size =
        is_one_of(footer.key_bytes, std::array{16U, 32U, 48U}) || (footer.key_bytes == 64 && footer.minor == 0);
    if (!is_known_size) {
        return refused(layout::keysize, "crypto footer states an impossible key size",
                       fmt::format("keysize is {}, expected 16, 32 or 48{}", footer.key_bytes,
                                   footer.minor == 0 ? ", or 64" : ""));
    }
    if (footer.fs_size.value == 0 || footer.fs_size.value >= layout::fs_size_limit) {
        return refused(layout::fs_size, "crypto footer states an impossible volume size",
                       fmt::format("fs_size is {} sectors, expected 1 to 2^41 - 1", footer.fs_size.value));
    }
    return {};
}

Result<std::string> cipher_name(ByteView bytes)
{
    const auto text = as_text(bytes.subspan(layout::crypto_type_name, layout::crypto_type_name_bytes));
    const auto length = text.find('\0');
    if (length == std::string_view::npos) {
        return refused(layout::crypto_type_name, "crypto footer has no cipher name",
                       "crypto_type_name does not end within its 64 bytes");
    }
    const auto name = text.substr(0, length);
    const auto* const odd = std::ranges::find_if(name, [](char c) { return c <= ' ' || c > '~'; });
    if (name.empty() || odd != name.end()) {
        const auto at = layout::crypto_type_name + static_cast<std::size_t>(odd - name.begin());
        return refused(at, "crypto footer has no cipher name",
                       fmt::format(R"(crypto_type_name is "{}", expected printable text as "aes-cbc-essiv:sha256")",
                                   printable(name)));
    }
    return std::string{name};
}

} // namespace

Result<> require_bytes(ByteView bytes, std::size_t end, std::string_view field)
{
    if (bytes.size() < end) {
        return truncated(ByteOffset{bytes.size()}, "crypto footer is cut short",
                         fmt::format("{} ends at byte {:#x}, and there are {} bytes", field, end, bytes.size()));
    }
    return {};
}

Finding footer_finding(std::string_view code, Severity severity, std::string text, std::size_t at)
{
    auto out = make_finding(code, severity, std::move(text));
    out.numbers = {{"offset_in_footer", at}};
    return out;
}

bool has_footer_magic(ByteView first_four_bytes) noexcept
{
    if (first_four_bytes.size() < 4) {
        return false;
    }
    const auto magic = load_le<std::uint32_t>(first_four_bytes);
    return magic == layout::aosp_magic || magic == layout::samsung_magic;
}

Result<FooterHead> parse_footer_head(ByteView bytes)
{
    SALVAGE_TRY(check_magic(bytes));
    SALVAGE_TRY(require_bytes(bytes, layout::head_bytes, "crypto_type_name"));
    FooterHead head;
    head.has_samsung_magic = field<std::uint32_t>(bytes, layout::magic) == layout::samsung_magic;
    auto& footer = head.footer;
    footer.major = field<std::uint16_t>(bytes, layout::major_version);
    footer.minor = field<std::uint16_t>(bytes, layout::minor_version);
    footer.ftr_size = field<std::uint32_t>(bytes, layout::ftr_size);
    footer.flags = field<std::uint32_t>(bytes, layout::flags);
    footer.key_bytes = field<std::uint32_t>(bytes, layout::keysize);
    footer.fs_size = SectorCount{field<std::uint64_t>(bytes, layout::fs_size)};
    footer.failed_decrypt_count = field<std::uint32_t>(bytes, layout::failed_decrypt_count);
    SALVAGE_TRY(check_version(footer));
    SALVAGE_TRY(check_sizes(footer));
    footer.cipher = SALVAGE_TRY(cipher_name(bytes));
    return head;
}

Result<CryptoFooter> parse_footer(ByteView bytes)
{
    const auto whole = bytes.first(std::min<std::size_t>(bytes.size(), footer_area.value));
    auto head = SALVAGE_TRY(parse_footer_head(whole));
    return head.has_samsung_magic ? parse_samsung(std::move(head), whole) : parse_aosp(std::move(head), whole);
}

} // namespace salvage::fde
