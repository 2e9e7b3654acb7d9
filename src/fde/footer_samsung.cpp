// Footers with Samsung's magic: the EDK payload of Android 3 to 4.4, the ODE of Android 5 to 10.
// Sources: donctl/sandy sandutils.py and TWRP libcrypt_samsung (EDK); the 0xf8.org analysis of a Galaxy S7 (ODE).
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "fde/footer_layout.hpp"
#include "fde/footer_parts.hpp"

namespace salvage::fde {
namespace {

/// Beyond the struct of 1.0 nobody has seen a payload; the search ends with the first of the persist copies.
constexpr std::size_t edk_search_end = 0x1000;

bool is_edk_payload(ByteView bytes, std::size_t at)
{
    return bytes.size() >= at + 8 && load_le<std::uint32_t>(bytes.subspan(at)) == layout::edk_magic;
}

Bytes copy(ByteView bytes, std::size_t at, std::size_t count)
{
    const auto part = bytes.subspan(at, count);
    return {part.begin(), part.end()};
}

Result<CryptoFooter> parse_edk(CryptoFooter footer, ByteView bytes, std::size_t payload)
{
    SALVAGE_TRY(require_bytes(bytes, payload + layout::edk_payload_bytes, "the EDK payload's salt"));
    if (footer.key_bytes != layout::edk_key_bytes) {
        return malformed(ByteOffset{layout::keysize}, "Samsung footer states an impossible key size",
                         fmt::format("keysize is {}, and the EDK wraps 32 bytes, at byte {:#x} of the footer",
                                     footer.key_bytes, layout::keysize));
    }
    footer.kind = FooterKind::samsung_edk;
    footer.kdf = Kdf::samsung_pbkdf2_sha256;
    const auto version = load_le<std::uint32_t>(bytes.subspan(payload + 4));
    if (version != layout::edk_version) {
        footer.findings.push_back(
            footer_finding("footer-edk-version", Severity::warning,
                           fmt::format("the EDK payload has version {}, only 2 is known", version), payload + 4));
    }
    if (payload != layout::edk_payload) {
        footer.findings.push_back(footer_finding(
            "footer-edk-place", Severity::note,
            fmt::format("the EDK payload is at {:#x}, usually it is at {:#x}", payload, layout::edk_payload), payload));
    }
    footer.wrapped_key = copy(bytes, payload + layout::edk_key, layout::edk_key_bytes);
    footer.samsung_hmac = copy(bytes, payload + layout::edk_hmac, layout::edk_hmac_bytes);
    footer.salts = {copy(bytes, payload + layout::edk_salt, layout::salt_bytes)};
    return footer;
}

CryptoFooter parse_ode(CryptoFooter footer, ByteView bytes)
{
    footer.kind = FooterKind::samsung_ode;
    footer.kdf = Kdf::unknown;
    footer.crypt_type_raw = load_le<std::uint32_t>(bytes.subspan(layout::crypt_type));
    if (footer.crypt_type_raw <= static_cast<std::uint32_t>(CryptType::pin)) {
        footer.crypt_type = static_cast<CryptType>(footer.crypt_type_raw);
    }
    footer.findings.push_back(
        footer_finding("footer-samsung-ode", Severity::note,
                       "Samsung's on-device encryption: the fields behind the cipher name are not publicly known, and "
                       "the key in them can be unwrapped by the phone's secure world only",
                       layout::head_bytes));
    return footer;
}

} // namespace

std::optional<std::size_t> find_edk_payload(ByteView bytes)
{
    if (is_edk_payload(bytes, layout::edk_payload)) {
        return layout::edk_payload;
    }
    const auto end = std::min(bytes.size(), edk_search_end);
    for (auto at = layout::edk_payload; at + 8 <= end; at += 4) {
        if (is_edk_payload(bytes, at) && load_le<std::uint32_t>(bytes.subspan(at + 4)) == layout::edk_version) {
            return at;
        }
    }
    return std::nullopt;
}

Result<CryptoFooter> parse_samsung(FooterHead head, ByteView bytes)
{
    if (const auto payload = find_edk_payload(bytes)) {
        return parse_edk(std::move(head.footer), bytes, *payload);
    }
    const auto& cipher = head.footer.cipher;
    if (cipher == layout::samsung_fmp_cipher || cipher == layout::samsung_disk_cipher) {
        return parse_ode(std::move(head.footer), bytes);
    }
    if (head.footer.minor == 0) {
        SALVAGE_TRY(require_bytes(bytes, layout::edk_payload + 4, "the EDK payload's magic"));
        return malformed(ByteOffset{layout::edk_payload}, "Samsung footer holds no wrapped key",
                         fmt::format("found {}, expected B1 E4 01 10, at byte {:#x} of the footer",
                                     to_spaced_hex(bytes.subspan(layout::edk_payload, 4)), layout::edk_payload));
    }
    auto footer = SALVAGE_TRY(parse_aosp(std::move(head), bytes));
    footer.findings.push_back(footer_finding(
        "footer-samsung-magic", Severity::warning,
        "the magic is Samsung's, the rest is taken as AOSP has it; Samsung may wrap the key in a way of its own",
        layout::magic));
    return footer;
}

} // namespace salvage::fde
