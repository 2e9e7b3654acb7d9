// Keymaster blobs: which ones hold their RSA key in clear.
//
// The order of the questions is that of AOSP's soft_keymaster_context.cpp (ParseKeyBlob), with one more at the end: a
// DER key at any place, because vendors wrap these containers in headers of their own.
#include "salvage/fde/keymaster_blob.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "fde/blob_containers.hpp"
#include "salvage/crypto/hash.hpp"

namespace salvage::fde {
namespace {

constexpr std::string_view keystore_prefix{"pKMblob\0", 8}; ///< keystore2 of Android 12 puts it before the blob
constexpr std::string_view pk8_magic{"PK#8"};
constexpr std::string_view mac_key{"IntegrityAssuredBlob0\0", 22}; ///< with its NUL
constexpr std::size_t mac_bytes = 8;
/// A set of authorizations is written as three sizes with their contents; vold's keys have about ten entries.
constexpr std::uint32_t max_set_entries = 1024;
/// A key's self-check is a private operation of up to milliseconds, so hostile bytes may ask for few of them.
constexpr int max_key_attempts = 16;
/// 512 bits is the smallest key that is accepted at all; its PKCS#1 form has over 300 bytes.
constexpr std::size_t smallest_key_der = 256;

/// Length of the DER SEQUENCE at the front, header included; nothing where there is none or it does not fit.
std::optional<std::size_t> sequence_length(ByteView bytes)
{
    if (bytes.size() < 4 || bytes[0] != std::byte{0x30} || bytes[1] != std::byte{0x82}) {
        return std::nullopt; // 0x82: a length of two bytes, as every RSA key of 1024 to 4096 bits has
    }
    const auto length = std::size_t{4} + load_be<std::uint16_t>(bytes.subspan(2));
    return length <= bytes.size() && length >= smallest_key_der ? std::optional{length} : std::nullopt;
}

struct FoundKey {
    ByteRange range;
    crypto::RsaPrivateKey key;
};

std::optional<FoundKey> find_key(ByteView blob)
{
    int attempts = 0;
    for (std::size_t at = 0; at < blob.size() && attempts < max_key_attempts; ++at) {
        const auto length = sequence_length(blob.subspan(at));
        if (!length) {
            continue;
        }
        ++attempts;
        auto key = crypto::RsaPrivateKey::from_der(blob.subspan(at, *length));
        if (key.has_value()) {
            return FoundKey{.range = ByteRange::between(ByteOffset{at}, ByteOffset{at + *length}),
                            .key = std::move(*key)};
        }
    }
    return std::nullopt;
}

/// Bytes with their length as 32 bits before them.
Result<ByteView> take_sized(ByteReader& reader)
{
    const auto size = SALVAGE_TRY(reader.le<std::uint32_t>());
    return reader.take(size);
}

/// Passes over a serialised authorization set: indirect data, number of entries, entries.
Result<> skip_set(ByteReader& reader)
{
    static_cast<void>(SALVAGE_TRY(take_sized(reader)));
    const auto entries = SALVAGE_TRY(reader.le<std::uint32_t>());
    if (entries > max_set_entries) {
        return malformed(reader.position(), "authorization set has too many entries", fmt::format("{}", entries));
    }
    static_cast<void>(SALVAGE_TRY(take_sized(reader)));
    return {};
}

struct IntegrityAssured {
    ByteView material;
    ByteView covered; ///< what the MAC is over, apart from the hidden set
    ByteView mac;
};

Result<IntegrityAssured> parse_integrity_assured(ByteView blob)
{
    ByteReader reader{blob};
    const auto version = SALVAGE_TRY(reader.le<std::uint8_t>());
    if (version != 0) {
        return malformed(ByteOffset{0}, "blob has no integrity-assured container");
    }
    IntegrityAssured out;
    out.material = SALVAGE_TRY(take_sized(reader));
    SALVAGE_TRY(skip_set(reader)); // hardware-enforced
    SALVAGE_TRY(skip_set(reader)); // software-enforced
    out.covered = blob.first(reader.position().value);
    out.mac = SALVAGE_TRY(reader.take(mac_bytes));
    return out;
}

/// The container without the prefix that newer keystores put before it.
ByteView without_prefix(ByteView blob)
{
    return as_text(blob).starts_with(keystore_prefix) ? blob.subspan(keystore_prefix.size()) : blob;
}

/// The sets that AOSP hides: the root of trust "SW" of the software context, or none at all.  Others (an application's
/// id) may enter as well, so that no agreement proves nothing.
bool is_mac_right(const IntegrityAssured& container)
{
    constexpr std::string_view software_root{"\x02\0\0\0SW\x01\0\0\0\x0c\0\0\0\xc0\x02\0\x90\x02\0\0\0\0\0\0\0", 26};
    constexpr std::string_view empty_set{"\0\0\0\0\0\0\0\0\0\0\0\0", 12};
    return std::ranges::any_of(std::array{software_root, empty_set}, [&](std::string_view hidden) {
        Bytes data{container.covered.begin(), container.covered.end()};
        std::ranges::copy(as_bytes(hidden), std::back_inserter(data));
        const auto mac = crypto::hmac_sha256(as_bytes(mac_key), data);
        return std::ranges::equal(ByteView{mac}.first(mac_bytes), container.mac);
    });
}

/// Early keymaster 1: 0x00, nonce of 12 with its length, ciphertext with its length, tag of 16 with its length, two
/// sets.
Result<> parse_ocb(ByteView blob)
{
    constexpr std::size_t nonce_bytes = 12;
    constexpr std::size_t tag_bytes = 16;
    ByteReader reader{blob};
    const auto version = SALVAGE_TRY(reader.le<std::uint8_t>());
    const auto nonce = SALVAGE_TRY(take_sized(reader));
    static_cast<void>(SALVAGE_TRY(take_sized(reader))); // the key, enciphered
    const auto tag = SALVAGE_TRY(take_sized(reader));
    if (version != 0 || nonce.size() != nonce_bytes || tag.size() != tag_bytes) {
        return malformed(ByteOffset{0}, "blob has no OCB container");
    }
    SALVAGE_TRY(skip_set(reader));
    return skip_set(reader);
}

KeymasterBlobFacts software(ByteView blob, const FoundKey& found)
{
    KeymasterBlobFacts facts{.kind = KeymasterBlob::software,
                             .container = "DER",
                             .text = {},
                             .key = found.range,
                             .is_mac_valid = {},
                             .findings = {}};
    if (const auto container = parse_integrity_assured(without_prefix(blob)); container.has_value()) {
        facts.container = "integrity-assured";
        if (is_mac_right(*container)) {
            facts.is_mac_valid = true;
        }
        facts.findings.push_back(
            facts.is_mac_valid
                ? make_finding("keymaster-mac-valid", Severity::note,
                               "the keymaster blob's own MAC agrees: it is AOSP's software keymaster's, and whole")
                : make_finding(
                      "keymaster-mac-unverified", Severity::note,
                      "the keymaster blob's own MAC could not be verified: what enters it is not all stored in the "
                      "blob"));
    } else if (as_text(blob).starts_with(pk8_magic)) {
        facts.container = "PK#8";
    }
    facts.text = fmt::format("software keymaster: an RSA-{} private key stands in clear at byte {:#x} of the blob ({})",
                             found.key.modulus_bytes() * 8, found.range.start().value,
                             facts.container == "DER" ? std::string{"bare DER"} : facts.container + " container");
    return facts;
}

KeymasterBlobFacts without_key(ByteView blob)
{
    KeymasterBlobFacts facts{
        .kind = KeymasterBlob::opaque, .container = {}, .text = {}, .key = {}, .is_mac_valid = {}, .findings = {}};
    if (const auto at = find_bkmk(blob)) {
        facts.kind = KeymasterBlob::bkmk;
        facts.container = "BKMK";
        facts.text = fmt::format("Qualcomm keymaster: \"BKMK\" stands at byte {:#x} of the blob, and its RSA key is "
                                 "encrypted with a key of the chip",
                                 *at);
    } else if (parse_ocb(blob).has_value()) {
        facts.container = "OCB";
        facts.text = "early keymaster 1 blob, AES-OCB";
        facts.findings.push_back(make_finding(
            "keymaster-ocb", Severity::warning,
            "the keymaster blob has the form of early software keymasters (AES-OCB under a key that is no secret); "
            "opening those "
            "is not done here, because no sample was at hand to prove it right: keep this footer, it may open later"));
    } else if (parse_integrity_assured(without_prefix(blob)).has_value()) {
        facts.container = "integrity-assured";
        facts.text = "the blob is an integrity-assured container whose key material is not a readable key: a hardware "
                     "blob inside";
    } else {
        facts.text =
            fmt::format("the blob ({} bytes, beginning {}) holds no readable RSA key: only the phone's chip can use it",
                        blob.size(), to_spaced_hex(blob, 8));
    }
    return facts;
}

} // namespace

std::optional<std::size_t> find_bkmk(ByteView blob)
{
    if (as_text(blob).starts_with(bkmk_magic)) {
        return 0;
    }
    const auto container = parse_integrity_assured(without_prefix(blob));
    if (container.has_value() && as_text(container->material).starts_with(bkmk_magic)) {
        return static_cast<std::size_t>(container->material.data() - blob.data());
    }
    return std::nullopt;
}

KeymasterBlobFacts classify_keymaster_blob(ByteView blob)
{
    if (is_all_zero(blob)) {
        KeymasterBlobFacts none;
        none.text = blob.empty() ? "the footer has no keymaster blob" : "the keymaster blob is all zeros";
        return none;
    }
    const auto found = find_key(blob);
    return found ? software(blob, *found) : without_key(blob);
}

Result<crypto::RsaPrivateKey> software_key(ByteView blob)
{
    auto found = find_key(blob);
    if (!found) {
        return not_found("no RSA key in the keymaster blob",
                         "neither PKCS#1 nor PKCS#8 in DER form stands anywhere in it");
    }
    return std::move(found->key);
}

} // namespace salvage::fde
