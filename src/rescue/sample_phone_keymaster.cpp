// Keymaster blobs as they stand in a 1.3 footer.  Formats: AOSP system/keymaster (integrity-assured container, PK#8),
// laginimaineb/android_fde_bruteforce structures.py (Qualcomm).
#include "sample_phone_footer.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "sample_phone_crypto.hpp"

namespace salvage::rescue::sample {
namespace {

constexpr std::uint64_t rsa_exponent = 65537;

template <std::unsigned_integral T>
void append_le(Bytes& out, T value)
{
    std::array<std::byte, sizeof(T)> raw{};
    store_le<T>(raw, value);
    out.insert(out.end(), raw.begin(), raw.end());
}

void append_be32(Bytes& out, std::uint32_t value)
{
    std::array<std::byte, 4> raw{};
    store_be<std::uint32_t>(raw, value);
    out.insert(out.end(), raw.begin(), raw.end());
}

void append(Bytes& out, ByteView bytes)
{
    out.insert(out.end(), bytes.begin(), bytes.end());
}

/// Serialised authorization set: indirect data, element count, size of the elements, elements.
Bytes authorization_set(std::uint32_t count, ByteView elements, ByteView indirect = {})
{
    Bytes out;
    append_le(out, static_cast<std::uint32_t>(indirect.size()));
    append(out, indirect);
    append_le(out, count);
    append_le(out, static_cast<std::uint32_t>(elements.size()));
    append(out, elements);
    return out;
}

/// What Android asks of its disk encryption key: RSA-2048, sign, no padding, no digest, one use a second.
Bytes software_enforced()
{
    Bytes elements;
    const auto add = [&](std::uint32_t tag, std::uint32_t value) {
        append_le(elements, tag);
        append_le(elements, value);
    };
    add(0x20000001, 2);                             // purpose: sign
    add(0x10000002, 1);                             // algorithm: RSA
    add(0x30000003, 2048);                          // key size
    add(0x20000005, 0);                             // digest: none
    add(0x20000006, 1);                             // padding: none
    append_le(elements, std::uint32_t{0x500000C8}); // RSA public exponent
    append_le(elements, rsa_exponent);
    append_le(elements, std::uint32_t{0x700001F7}); // no authentication required
    elements.push_back(std::byte{1});
    add(0x30000193, 1); // minimum seconds between operations
    return authorization_set(8, elements);
}

/// The set that enters the MAC and is not stored: root of trust "SW".
Bytes hidden_set()
{
    constexpr std::string_view root_of_trust{"SW"};
    Bytes elements;
    append_le(elements, std::uint32_t{0x900002C0});
    append_le(elements, static_cast<std::uint32_t>(root_of_trust.size()));
    append_le(elements, std::uint32_t{0});
    return authorization_set(1, elements, as_bytes(root_of_trust));
}

Bytes integrity_assured(ByteView material)
{
    constexpr std::string_view key_with_nul{"IntegrityAssuredBlob0\0", 22};
    Bytes out{std::byte{0}};
    append_le(out, static_cast<std::uint32_t>(material.size()));
    append(out, material);
    append(out, authorization_set(0, {}));
    append(out, software_enforced());
    Bytes covered = out;
    append(covered, hidden_set());
    append(out, ByteView{hmac_sha256(as_bytes(key_with_nul), covered)}.first(8));
    return out;
}

Bytes pk8(ByteView private_key)
{
    Bytes out;
    append(out, as_bytes("PK#8"));
    append_be32(out, 6); // EVP_PKEY_RSA
    append_be32(out, 0); // no public part, as later versions write it
    append_be32(out, static_cast<std::uint32_t>(private_key.size()));
    append(out, private_key);
    return out;
}

/// A field of 512 bytes and how many of them count.
void append_number(Bytes& out, ByteView number)
{
    Bytes field(512);
    std::ranges::copy(number, field.begin());
    append(out, field);
    append_le(out, static_cast<std::uint32_t>(number.size()));
}

Result<KeymasterBlob> bkmk(const RsaKey& key, Random& random)
{
    constexpr std::size_t aes_key_bytes = 16;
    constexpr std::size_t hmac_key_bytes = 32;
    const auto encryption_key = random.bytes(aes_key_bytes);
    const auto hmac_key = random.bytes(hmac_key_bytes);
    const auto iv = random.bytes(16);
    std::array<std::byte, 8> exponent{};
    store_be<std::uint64_t>(exponent, rsa_exponent);
    KeymasterBlob out;
    append(out.bytes, as_bytes("BKMK"));
    append_le(out.bytes, std::uint32_t{2});
    append_number(out.bytes, key.modulus());
    append_number(out.bytes, exponent);
    append(out.bytes, iv);
    append_number(out.bytes, SALVAGE_TRY(encrypt_cbc(encryption_key, iv, key.private_exponent())));
    append(out.bytes, hmac_sha256(hmac_key, out.bytes));
    out.phone_keys = SamplePhoneKeys{.encryption_key = SecretBytes::copy_of(encryption_key),
                                     .hmac_key = SecretBytes::copy_of(hmac_key)};
    return out;
}

} // namespace

Result<KeymasterBlob> build_keymaster_blob(SampleFooter::Keymaster kind, const RsaKey& key, Random& random)
{
    using enum SampleFooter::Keymaster;
    switch (kind) {
    case software_pkcs8: return KeymasterBlob{integrity_assured(SALVAGE_TRY(key.to_pkcs8())), std::nullopt};
    case software_pkcs1: return KeymasterBlob{integrity_assured(SALVAGE_TRY(key.to_pkcs1())), std::nullopt};
    case software_pk8: return KeymasterBlob{pk8(SALVAGE_TRY(key.to_pkcs1())), std::nullopt};
    case bkmk: return sample::bkmk(key, random);
    case opaque: break;
    }
    constexpr std::size_t opaque_bytes = 0x4A8;
    return KeymasterBlob{random.bytes(opaque_bytes), std::nullopt};
}

} // namespace salvage::rescue::sample
