// Writing crypto footers.  Structs and key derivation: AOSP system/vold cryptfs (Android 4.0 to 8.1); Samsung: the
// published analysis of libsec_km (docs/formats/crypto-footer.md).
#include "sample_phone_footer.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sample_phone_crypto.hpp"

namespace salvage::rescue::sample {
namespace {

using Layout = SampleFooter::Layout;

constexpr std::uint32_t aosp_magic = 0xD0B5B1C4;
constexpr std::uint32_t samsung_magic = 0xD0B5B1C5;
constexpr std::uint32_t persist_magic = 0xE950CD44;
constexpr std::size_t key_at = 0x68;
constexpr std::size_t salt_bytes = 16;
constexpr std::size_t persist_at = 0x1000;
constexpr std::size_t persist_bytes = 0x1000;
constexpr std::uint32_t flag_key_in_clear = 0x1;
constexpr std::uint32_t flags_wrapped_by_default = 0x10 | 0x20;

template <std::unsigned_integral T>
void put(Bytes& area, std::size_t at, T value)
{
    store_le<T>(std::span{area}.subspan(at, sizeof(T)), value);
}

void put(Bytes& area, std::size_t at, ByteView bytes)
{
    std::ranges::copy(bytes, area.begin() + static_cast<std::ptrdiff_t>(at));
}

/// The password, the salt and, with kdf 3 to 5, the keymaster's key: all that a derivation needs.
struct Derivation {
    const SampleFooter* footer;
    Bytes salt;
    std::optional<RsaKey> rsa;

    /// The 256 bytes that the keymaster signs.
    [[nodiscard]] Bytes message(ByteView intermediate) const
    {
        // kdf 3 signs the 32 bytes alone: as a number they are padded on the left.
        const std::size_t at = footer->kdf == 3 ? 256 - intermediate.size() : footer->kdf == 4 ? 0 : 1;
        Bytes out(256);
        put(out, at, intermediate);
        return out;
    }

    [[nodiscard]] Result<Bytes> key_and_iv(ByteView password) const
    {
        const std::size_t size = footer->unwrap == SampleFooter::Unwrap::aes_256 ? 48 : 32;
        if (footer->layout == Layout::aosp_1_0 || footer->kdf == 1) {
            return pbkdf2(Digest::sha1, password, salt, 2000, size);
        }
        if (!rsa) {
            return scrypt(password, salt, *footer, size);
        }
        const auto intermediate = SALVAGE_TRY(scrypt(password, salt, *footer, 32));
        const auto signature = SALVAGE_TRY(rsa->sign_raw(message(intermediate)));
        return scrypt(signature, salt, *footer, size);
    }

    /// kdf 4 puts no zero in front, so one password in four cannot be signed: vold would have failed, we take another
    /// salt.
    [[nodiscard]] Result<bool> works_for(ByteView password) const
    {
        if (!rsa || footer->kdf != 4) {
            return true;
        }
        return rsa->can_sign(message(SALVAGE_TRY(scrypt(password, salt, *footer, 32))));
    }
};

Result<> check(const FooterFacts& facts)
{
    const auto& footer = facts.footer;
    const auto key_bytes = facts.master_key.size();
    const bool has_room = footer.layout == Layout::aosp_1_0 || key_bytes <= 48;
    if (!has_room) {
        return invalid_argument("the master key does not fit this footer",
                                fmt::format("{} bytes, and versions from 1.1 on have room for 48", key_bytes));
    }
    if (footer.layout == Layout::samsung_edk && key_bytes != 32) {
        return invalid_argument("a Samsung EDK footer wraps 32 bytes", fmt::format("not {}", key_bytes));
    }
    const unsigned most_kdf = footer.layout == Layout::aosp_1_3 ? 5 : 2;
    if (footer.kdf < 1 || footer.kdf > most_kdf) {
        return invalid_argument("this footer version has no such kdf", fmt::format("kdf {}", footer.kdf));
    }
    return {};
}

void put_head(Bytes& area, const FooterFacts& facts, std::uint32_t magic, std::uint16_t minor,
              std::uint32_t struct_bytes)
{
    put<std::uint32_t>(area, 0x00, magic);
    put<std::uint16_t>(area, 0x04, 1);
    put<std::uint16_t>(area, 0x06, minor);
    put<std::uint32_t>(area, 0x08, struct_bytes);
    put<std::uint32_t>(area, 0x0C, facts.footer.flags);
    put<std::uint32_t>(area, 0x10, static_cast<std::uint32_t>(facts.master_key.size()));
    put<std::uint64_t>(area, 0x18, facts.volume_sectors);
    put<std::uint32_t>(area, 0x20, facts.footer.failed_decrypt_count);
    put(area, 0x24, as_bytes(facts.cipher_name));
}

void put_persist_entry(Bytes& area, std::size_t index, std::string_view key, std::string_view value)
{
    const auto at = persist_at + 128 + (index * 124);
    put(area, at, as_bytes(key.substr(0, 31)));
    put(area, at + 32, as_bytes(value.substr(0, 91)));
}

void put_persist_data(Bytes& area, std::string_view owner_info)
{
    put<std::uint32_t>(area, persist_at, persist_magic);
    put<std::uint32_t>(area, persist_at + 4, 3);
    put_persist_entry(area, 0, "persist.sys.timezone", "Europe/Lisbon");
    put_persist_entry(area, 1, "SystemLocale", "en-GB");
    put_persist_entry(area, 2, "OwnerInfo", owner_info);
}

std::uint32_t crypt_type_of(SampleSecret::Kind kind)
{
    using enum SampleSecret::Kind;
    switch (kind) {
    case default_password: return 1;
    case pattern_digits:
    case pattern_raw: return 2;
    case pin: return 3;
    case password: break;
    }
    return 0;
}

/// The fields that 1.3 adds.  Requires: everything else of the struct is in place.
Result<> put_version_3(Bytes& area, const FooterFacts& facts, const Derivation& derivation, ByteView blob)
{
    const auto& footer = facts.footer;
    put<std::uint32_t>(area, 0x14, footer.crypt_type.value_or(crypt_type_of(facts.secret.kind)));
    put<std::uint64_t>(area, 0xC0, facts.encrypted_upto.value_or(facts.volume_sectors));
    put(area, 0xC8, facts.first_block_hash);
    put(area, 0xE8, blob);
    put<std::uint32_t>(area, 0x8E8, static_cast<std::uint32_t>(blob.size()));
    const bool has_check = footer.has_check_value && footer.kdf != 1 && footer.unwrap == SampleFooter::Unwrap::aes_128;
    if (has_check) {
        // Always of the owner's secret, also where the key itself is wrapped with the default password.
        const auto secret = sample_secret_bytes(facts.secret);
        const auto key_and_iv = SALVAGE_TRY(derivation.key_and_iv(secret.expose()));
        put(area, 0x8EC, SALVAGE_TRY(scrypt(ByteView{key_and_iv}.first(16), derivation.salt, footer, 32)));
    }
    if (footer.has_own_hash) {
        put(area, 0x90C, sha256(ByteView{area}.first(0x930)));
    }
    return {};
}

Result<Bytes> wrap(const FooterFacts& facts, const Derivation& derivation)
{
    if ((facts.footer.flags & flag_key_in_clear) != 0) {
        return facts.master_key;
    }
    const bool is_default = (facts.footer.flags & flags_wrapped_by_default) != 0;
    const auto secret =
        sample_secret_bytes(is_default ? SampleSecret{SampleSecret::Kind::default_password, {}} : facts.secret);
    const auto key_and_iv = SALVAGE_TRY(derivation.key_and_iv(secret.expose()));
    const auto key = ByteView{key_and_iv}.first(key_and_iv.size() - 16);
    return encrypt_cbc(key, ByteView{key_and_iv}.last(16), facts.master_key);
}

/// A salt with which the owner's secret works.
Result<> choose_salt(Derivation& derivation, const FooterFacts& facts, Random& random)
{
    const auto secret = sample_secret_bytes(facts.secret);
    for (int attempt = 0; attempt < 64; ++attempt) {
        derivation.salt = random.bytes(salt_bytes);
        if (SALVAGE_TRY(derivation.works_for(secret.expose()))) {
            return {};
        }
    }
    return Error{ErrorCode::internal, "no salt makes a signable message", "64 tries", {}, {}, {}};
}

Result<BuiltFooter> build_aosp(const FooterFacts& facts, Random& random)
{
    const auto& footer = facts.footer;
    const bool is_first = footer.layout == Layout::aosp_1_0;
    Derivation derivation{.footer = &footer, .salt = {}, .rsa = std::nullopt};
    KeymasterBlob blob;
    if (footer.layout == Layout::aosp_1_3 && footer.kdf >= 3) {
        derivation.rsa = SALVAGE_TRY(RsaKey::generate(random));
        blob = SALVAGE_TRY(build_keymaster_blob(footer.keymaster, *derivation.rsa, random));
    }
    SALVAGE_TRY(choose_salt(derivation, facts, random));

    BuiltFooter out{.area = Bytes(footer_area_bytes), .phone_keys = std::move(blob.phone_keys)};
    auto& area = out.area;
    const auto [minor, struct_bytes] = is_first                            ? std::pair{0U, 0x68U}
                                       : footer.layout == Layout::aosp_1_2 ? std::pair{2U, 0xC0U}
                                       : footer.has_own_hash               ? std::pair{3U, 0x930U}
                                                                           : std::pair{3U, 0x910U};
    put_head(area, facts, aosp_magic, static_cast<std::uint16_t>(minor), struct_bytes);
    if (!is_first) {
        put<std::uint64_t>(area, 0xA8, facts.footer_at + persist_at);
        put<std::uint64_t>(area, 0xB0, facts.footer_at + persist_at + persist_bytes);
        put<std::uint32_t>(area, 0xB8, persist_bytes);
        const std::array kdf_fields{std::byte{footer.kdf}, std::byte{footer.n_log2}, std::byte{footer.r_log2},
                                    std::byte{footer.p_log2}};
        put(area, 0xBC, kdf_fields);
    }
    put(area, key_at, SALVAGE_TRY(wrap(facts, derivation)));
    const auto padded_salt_at = key_at + facts.master_key.size() + 32;
    put(area, is_first || footer.has_salt_after_padding ? padded_salt_at : 0x98, derivation.salt);
    if (footer.layout == Layout::aosp_1_3) {
        SALVAGE_TRY(put_version_3(area, facts, derivation, blob.bytes));
    }
    if (!is_first && footer.owner_info) {
        put_persist_data(area, *footer.owner_info);
    }
    return out;
}

/// Samsung's container: an AOSP-like head, and at 0x64 the wrapped key with its HMAC and salt.
Result<BuiltFooter> build_samsung(const FooterFacts& facts, Random& random)
{
    const auto salt = random.bytes(salt_bytes);
    const auto secret = sample_secret_bytes(facts.secret);
    const auto key = SALVAGE_TRY(pbkdf2(Digest::sha256, secret.expose(), salt, 4096, 32));
    Bytes wrapped = facts.master_key;
    for (std::size_t half = 0; half < 2; ++half) {
        std::array<std::byte, 16> counter{};
        for (std::size_t i = 0; i < counter.size(); ++i) {
            counter.at(i) = static_cast<std::byte>(i);
        }
        counter.front() = static_cast<std::byte>(half);
        const auto stream = SALVAGE_TRY(encrypt_block(key, counter));
        for (std::size_t i = 0; i < stream.size(); ++i) {
            wrapped.at((half * 16) + i) ^= stream.at(i);
        }
    }
    BuiltFooter out{.area = Bytes(footer_area_bytes), .phone_keys = std::nullopt};
    put_head(out.area, facts, samsung_magic, 0, 0xD8);
    put<std::uint32_t>(out.area, 0x64, 0x1001E4B1);
    put<std::uint32_t>(out.area, 0x68, 2);
    put(out.area, 0x84, wrapped);
    put(out.area, 0xA4, hmac_sha256(key, wrapped));
    put(out.area, 0xC4, salt);
    put(out.area, 0x1000, as_bytes("KDO"));
    return out;
}

} // namespace

Result<BuiltFooter> build_footer(const FooterFacts& facts)
{
    SALVAGE_TRY(check(facts));
    auto random = SALVAGE_TRY(Random::make(facts.seed, "footer"));
    return facts.footer.layout == Layout::samsung_edk ? build_samsung(facts, random) : build_aosp(facts, random);
}

} // namespace salvage::rescue::sample

namespace salvage::rescue {

SecretBytes sample_secret_bytes(const SampleSecret& secret)
{
    using enum SampleSecret::Kind;
    if (secret.kind == default_password) {
        return SecretBytes::copy_of(as_bytes("default_password"));
    }
    auto out = SecretBytes::copy_of(as_bytes(secret.text));
    if (secret.kind == pattern_raw) {
        for (auto& node : out.expose_for_writing()) {
            node = static_cast<std::byte>(std::to_integer<unsigned>(node) - '1');
        }
    }
    return out;
}

} // namespace salvage::rescue
