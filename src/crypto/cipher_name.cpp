// dm-crypt cipher names as Android's footers carry them: those we have, and those whose hardware we name.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "salvage/core/text.hpp"
#include "salvage/crypto/cipher.hpp"

namespace salvage::crypto {
namespace {

struct KnownName {
    std::string_view name;
    CipherMode mode;
    IvRule iv;
    std::string_view source;
};
/// The first name of a mode and rule is the one shown.
constexpr auto known_names = std::to_array<KnownName>({
    {.name = "aes-cbc-essiv:sha256",
     .mode = CipherMode::cbc,
     .iv = IvRule::essiv_sha256,
     .source = "AOSP vold, every version"},
    {.name = "aes-cbc-plain", .mode = CipherMode::cbc, .iv = IvRule::plain, .source = "Linux dm-crypt"},
    // The hash after "plain:" is read by nobody: the rule takes no parameter.
    {.name = "aes-cbc-plain:sha1", .mode = CipherMode::cbc, .iv = IvRule::plain, .source = "Samsung vold, Android 4"},
    {.name = "aes-cbc-plain64", .mode = CipherMode::cbc, .iv = IvRule::plain64, .source = "Linux dm-crypt"},
    {.name = "aes-xts-plain", .mode = CipherMode::xts, .iv = IvRule::plain, .source = "Linux dm-crypt"},
    {.name = "aes-xts-plain64", .mode = CipherMode::xts, .iv = IvRule::plain64, .source = "Linux dm-crypt, vendors"},
    {.name = "xchacha12,aes-adiantum-plain64",
     .mode = CipherMode::adiantum_xchacha12,
     .iv = IvRule::plain64,
     .source = "AOSP vold of Android 9, ro.crypto.fde_algorithm=adiantum"},
    {.name = "xchacha12,aes-adiantum-plain",
     .mode = CipherMode::adiantum_xchacha12,
     .iv = IvRule::plain,
     .source = "Linux dm-crypt"},
    {.name = "xchacha20,aes-adiantum-plain64",
     .mode = CipherMode::adiantum_xchacha20,
     .iv = IvRule::plain64,
     .source = "Linux dm-crypt"},
    {.name = "xchacha20,aes-adiantum-plain",
     .mode = CipherMode::adiantum_xchacha20,
     .iv = IvRule::plain,
     .source = "Linux dm-crypt"},
});

struct RefusedName {
    std::string_view name;
    bool is_prefix;
    std::string_view why;
    std::string_view hint;
};
constexpr auto refused_names = std::to_array<RefusedName>({
    {.name = "aes-xts",
     .is_prefix = false,
     .why = "this is Qualcomm's hardware encryption: the data key is made and kept in the chip, and the key in the "
            "footer is "
            "not the one that ciphers the data",
     .hint = "only this very phone can decipher it; put the old partitions back and let it boot"},
    {.name = "aes-xts-fmp",
     .is_prefix = false,
     .why = "this is Samsung's hardware encryption (FMP): the storage controller ciphers, with a key that only the "
            "phone's "
            "secure world can unwrap",
     .hint = "only this very phone can decipher it; put the old partitions back and let it boot"},
    {.name = "aes-xts-disk",
     .is_prefix = false,
     .why = "this is Samsung's on-device encryption (ODE): its key can be unwrapped by the phone's secure world only",
     .hint = "only this very phone can decipher it; put the old partitions back and let it boot"},
    {.name = "speck",
     .is_prefix = true,
     .why = "Speck was in pre-release builds of Android 9 only and was withdrawn; Salvage cannot decipher it",
     .hint = "Linux 4.18 and 4.19 are the kernels that can"},
});

/// A footer's field is 64 bytes; a longer text is no cipher name.
constexpr std::size_t longest_shown_name = 64;

} // namespace

std::string_view dm_crypt_name(const SectorCipherSpec& spec) noexcept
{
    const auto* const found = std::ranges::find_if(
        known_names, [&](const KnownName& known) { return known.mode == spec.mode && known.iv == spec.iv; });
    return found == known_names.end() ? "a mode with an IV rule of another" : found->name;
}

Result<SectorCipherSpec> parse_cipher_name(std::string_view name)
{
    const auto* const known = std::ranges::find(known_names, name, &KnownName::name);
    if (known != known_names.end()) {
        return SectorCipherSpec{.mode = known->mode, .iv = known->iv};
    }
    const auto shown = printable(name.substr(0, longest_shown_name));
    for (const auto& refused : refused_names) {
        if (refused.is_prefix ? name.starts_with(refused.name) : name == refused.name) {
            return unsupported(fmt::format("cipher \"{}\" cannot be deciphered here", shown), refused.why,
                               refused.hint);
        }
    }
    return unsupported(
        fmt::format("cipher \"{}\" is not known", shown),
        "known are aes-cbc with essiv:sha256, plain and plain64, and aes-xts and xchacha12,aes-adiantum with plain "
        "and plain64",
        "if the footer is damaged, give the cipher by --cipher");
}

std::string to_string(const SectorCipherSpec& spec)
{
    std::string text{dm_crypt_name(spec)};
    if (spec.sector != sector_512()) {
        text += fmt::format(", {}-byte sectors", spec.sector.bytes());
        if (spec.iv_counts_large_sectors) {
            text += " counted as such in the IV";
        }
    }
    if (spec.iv_base.value != 0) {
        text += fmt::format(", IV counted from sector {}", spec.iv_base.value);
    }
    return text;
}

} // namespace salvage::crypto
