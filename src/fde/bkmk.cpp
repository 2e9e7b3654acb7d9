// Qualcomm's keymaster 0 blob.  hardware/qcom/keymaster keymaster_qcom.h, struct qcom_km_key_blob; that HMAC and CBC
// are used as below was published with laginimaineb/android_fde_bruteforce.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "fde/blob_containers.hpp"
#include "salvage/crypto/cipher.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/fde/keymaster_blob.hpp"

namespace salvage::fde {
namespace {

constexpr std::size_t number_field = 512;
constexpr std::size_t mac_bytes = 32;
constexpr std::size_t covered_bytes = 1572;

struct Bkmk {
    ByteView modulus;
    ByteView public_exponent;
    crypto::AesBlock iv{};
    ByteView encrypted_exponent;
    ByteView covered;
    ByteView mac;
};

/// A field of 512 bytes, and behind it how many of them count.
Result<ByteView> take_number(ByteReader& reader, std::string_view name)
{
    const auto field = SALVAGE_TRY(reader.take(number_field).in(fmt::format("reading the blob's {}", name)));
    const auto at = reader.position();
    const auto size = SALVAGE_TRY(reader.le<std::uint32_t>());
    if (size == 0 || size > number_field) {
        return malformed(at, fmt::format("BKMK blob has an impossible size of its {}", name),
                         fmt::format("{} bytes, expected 1 to {}", size, number_field));
    }
    return field.first(size);
}

Result<Bkmk> parse_bkmk(ByteView whole)
{
    // Some phones put it into the container of newer blobs.
    const auto blob = whole.subspan(find_bkmk(whole).value_or(0));
    ByteReader reader{blob};
    const auto magic = SALVAGE_TRY(reader.take(4));
    if (as_text(magic) != bkmk_magic) {
        return malformed(ByteOffset{0}, "blob is no Qualcomm keymaster blob",
                         fmt::format("found {}, expected \"BKMK\"", to_spaced_hex(magic)));
    }
    SALVAGE_TRY(reader.skip(4)); // version
    Bkmk out;
    out.modulus = SALVAGE_TRY(take_number(reader, "modulus"));
    out.public_exponent = SALVAGE_TRY(take_number(reader, "public exponent"));
    out.iv = SALVAGE_TRY(reader.array<16>());
    out.encrypted_exponent = SALVAGE_TRY(take_number(reader, "private exponent"));
    out.covered = blob.first(covered_bytes);
    out.mac = SALVAGE_TRY(reader.take(mac_bytes).in("reading the blob's HMAC"));
    if (out.encrypted_exponent.size() % sizeof(crypto::AesBlock) != 0) {
        return malformed(ByteOffset{covered_bytes - 4}, "BKMK blob's private exponent is not whole AES blocks",
                         fmt::format("{} bytes", out.encrypted_exponent.size()));
    }
    return out;
}

} // namespace

Result<crypto::RsaPrivateKey> open_bkmk(ByteView blob, ByteView encryption_key, ByteView hmac_key)
{
    const auto parsed = SALVAGE_TRY(parse_bkmk(blob));
    if (encryption_key.size() != 16 && encryption_key.size() != 32) {
        return invalid_argument("the phone's encryption key has no size of AES", "16 or 32 bytes were expected",
                                "give ENC_KEY as 32 or 64 hex digits");
    }
    if (!equal_constant_time(crypto::hmac_sha256(hmac_key, parsed.covered), parsed.mac)) {
        return Error{.code = ErrorCode::mismatch,
                     .what = "the phone's HMAC key does not fit this keymaster blob",
                     .why = "HMAC-SHA256 over the blob's first 1572 bytes differs from the one stored behind them",
                     .where = Location{{Place{.source = "", .at = ByteOffset{covered_bytes}}}},
                     .hint = "the keys are another phone's, or the blob is damaged",
                     .trail = {}};
    }
    SecretBytes exponent{parsed.encrypted_exponent.size()};
    crypto::aes_cbc_decrypt(encryption_key, parsed.iv, parsed.encrypted_exponent, exponent.expose_for_writing());
    auto key = crypto::RsaPrivateKey::from_numbers(parsed.modulus, parsed.public_exponent, exponent.expose());
    if (!key.has_value()) {
        // The blob is whole, as its HMAC says, so what does not fit is the key that deciphered the exponent.
        auto error = std::move(key).error();
        error.code = ErrorCode::mismatch;
        error.where = std::nullopt;
        error.hint = "ENC_KEY is another phone's";
        return std::move(error).in("deciphering the keymaster blob's private exponent with the phone's encryption key");
    }
    return key;
}

} // namespace salvage::fde
