// Unlockers: AOSP's chain, Samsung's EDK, and a key that stands in the clear.
//
// Cost counts here, because a search calls from every core.  With scrypt, one derivation is 0.4 s:
//   - key and IV for both widths of AES come from one derivation a salt;
//   - the SIK is computed on request only, and for a wider key only where the usual one disagrees;
//   - what depends on no secret (the default password's key, flags 0x10 and 0x20) is derived once.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "fde/batch_unlocker.hpp"
#include "fde/derivation.hpp"
#include "fde/unwrap.hpp"
#include "salvage/crypto/cipher.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/fde/keymaster_blob.hpp"
#include "salvage/fde/unlock.hpp"

namespace salvage::fde {
namespace {

/// DEFAULT_PASSWORD of cryptfs.c, as text.
constexpr std::string_view default_password = "default_password";
constexpr std::uint32_t wrapped_by_default_flags = footer_flag::force_encryption | footer_flag::force_complete;
constexpr std::size_t aes_block = 16;
/// RSA_KEY_SIZE of cryptfs.c.
constexpr std::size_t rsa_bytes = 256;

class ClearKeyUnlocker final : public Unlocker {
public:
    explicit ClearKeyUnlocker(CryptoFooter footer) : footer_{std::move(footer)} {}

    Result<std::vector<MasterKey>> master_keys(ByteView /*secret*/, bool /*check_sik*/) const override
    {
        std::vector<MasterKey> out;
        out.push_back({.key = SecretBytes::copy_of(footer_.wrapped_key),
                       .how = "key stored in the clear (flag 0x1)",
                       .sik_matches = {}});
        return out;
    }
    Result<std::optional<bool>> is_password(ByteView /*secret*/) const override { return std::optional<bool>{}; }
    [[nodiscard]] const CryptoFooter& footer() const noexcept override { return footer_; }
    [[nodiscard]] std::optional<crypto::ScryptFactors> scrypt() const noexcept override { return std::nullopt; }
    [[nodiscard]] std::unique_ptr<BatchUnlocker> make_batch(crypto::KdfDevice& /*device*/) const override
    {
        return nullptr;
    }

private:
    CryptoFooter footer_;
};

/// Samsung's EDK.  Chain: K = PBKDF2-HMAC-SHA256(secret), HMAC(K, EDK) is stored, DEK = EDK xor AES-256-CTR(K) with a
/// counter block of 00 01 02 … 0F whose first byte counts.  donctl/sandy sandutils.py; docs/formats/crypto-footer.md.
class SamsungUnlocker final : public Unlocker {
public:
    explicit SamsungUnlocker(CryptoFooter footer) : footer_{std::move(footer)} {}

    Result<std::vector<MasterKey>> master_keys(ByteView secret, bool /*check_sik*/) const override
    {
        std::vector<MasterKey> out;
        Secret<32> key;
        if (derive(secret, key)) {
            out.push_back({.key = unwrap_samsung(footer_, key.expose()),
                           .how = "samsung-pbkdf2-sha256, the HMAC agrees",
                           .sik_matches = true});
        }
        return out;
    }
    Result<std::optional<bool>> is_password(ByteView secret) const override
    {
        Secret<32> key;
        return std::optional{derive(secret, key)};
    }
    [[nodiscard]] const CryptoFooter& footer() const noexcept override { return footer_; }
    [[nodiscard]] std::optional<crypto::ScryptFactors> scrypt() const noexcept override { return std::nullopt; }
    [[nodiscard]] std::unique_ptr<BatchUnlocker> make_batch(crypto::KdfDevice& device) const override
    {
        return make_samsung_batch(footer_, device);
    }

private:
    /// Fills `key`; whether the HMAC agrees.
    bool derive(ByteView secret, Secret<32>& key) const
    {
        crypto::pbkdf2_sha256(secret, footer_.salts.front(), samsung_iterations, key.expose_for_writing());
        return equal_constant_time(crypto::hmac_sha256(key.expose(), footer_.wrapped_key), footer_.samsung_hmac);
    }

    CryptoFooter footer_;
};

class AospUnlocker final : public Unlocker {
public:
    AospUnlocker(CryptoFooter footer, std::optional<crypto::RsaPrivateKey> rsa)
        : footer_{std::move(footer)}, wraps_{wraps_of(footer_)}, rsa_{std::move(rsa)},
          derivation_{footer_.kdf, footer_.scrypt, rsa_, derived_bytes(wraps_)},
          has_sik_{footer_.scrypted_intermediate_key.has_value() && check_factors(footer_.scrypt).has_value()}
    {
    }

    Result<std::vector<MasterKey>> master_keys(ByteView secret, bool check_sik) const override
    {
        std::vector<MasterKey> out;
        if (is_wrapped_by_default()) {
            add_keys(SALVAGE_TRY(default_derivations()), Origin::preset, out);
        }
        const bool check = check_sik && has_sik_;
        if (is_wrapped_by_secret() || check) {
            const auto derived = SALVAGE_TRY(derivations(secret));
            if (is_wrapped_by_secret() && !is_default(secret)) {
                add_keys(derived, Origin::given, out);
            }
            if (check) {
                const bool matches = SALVAGE_TRY(sik_matches(derived));
                std::ranges::for_each(out, [matches](MasterKey& key) { key.sik_matches = matches; });
            }
        }
        return out;
    }

    Result<std::optional<bool>> is_password(ByteView secret) const override
    {
        if (!has_sik_) {
            return std::optional<bool>{};
        }
        const auto derived = SALVAGE_TRY(derivations(secret));
        return std::optional{SALVAGE_TRY(sik_matches(derived))};
    }

    [[nodiscard]] const CryptoFooter& footer() const noexcept override { return footer_; }

    [[nodiscard]] std::optional<crypto::ScryptFactors> scrypt() const noexcept override
    {
        return uses_scrypt(footer_.kdf) ? std::optional{footer_.scrypt} : std::nullopt;
    }
    [[nodiscard]] std::optional<crypto::ScryptFactors> check_scrypt() const noexcept override
    {
        return has_sik_ ? std::optional{footer_.scrypt} : std::nullopt;
    }
    [[nodiscard]] std::unique_ptr<BatchUnlocker> make_batch(crypto::KdfDevice& device) const override
    {
        return make_aosp_batch(footer_, rsa_, device);
    }

private:
    enum class Origin : std::uint8_t { given, preset };
    /// One for each of the footer's salts; nothing where the secret cannot be the footer's.
    using Derivations = std::vector<std::optional<KeyAndIv>>;

    [[nodiscard]] bool is_wrapped_by_default() const noexcept
    {
        return (footer_.flags & wrapped_by_default_flags) != 0;
    }
    /// Flags 0x10 and 0x20 have another meaning in CyanogenMod 12, whose footers have no hash of their own yet.
    [[nodiscard]] bool is_wrapped_by_secret() const noexcept
    {
        return !is_wrapped_by_default() || !footer_.is_sha256_valid.value_or(false);
    }
    /// Whether the keys of this secret are in the list already.
    [[nodiscard]] bool is_default(ByteView secret) const
    {
        return is_wrapped_by_default() && std::ranges::equal(secret, as_bytes(default_password));
    }

    Result<Derivations> derive_all(ByteView secret) const
    {
        Derivations out;
        for (const auto& salt : footer_.salts) {
            out.push_back(SALVAGE_TRY(derivation_.derive(secret, salt)));
        }
        return out;
    }

    /// Derivations are move-only and shared between threads, so both kinds are held by pointer.
    using SharedDerivations = std::shared_ptr<const Derivations>;

    Result<SharedDerivations> derivations(ByteView secret) const
    {
        if (is_default(secret)) {
            return default_derivations();
        }
        return std::make_shared<const Derivations>(SALVAGE_TRY(derive_all(secret)));
    }

    Result<SharedDerivations> default_derivations() const
    {
        const std::scoped_lock lock{default_mutex_};
        if (!default_) {
            default_ = std::make_shared<const Derivations>(SALVAGE_TRY(derive_all(as_bytes(default_password))));
        }
        return default_;
    }

    void add_keys(const SharedDerivations& derived, Origin origin, std::vector<MasterKey>& out) const
    {
        for (std::size_t i = 0; i < derived->size(); ++i) {
            if (!derived->at(i)) {
                continue;
            }
            for (const auto wrap : wraps_) {
                out.push_back({.key = unwrap(derived->at(i)->expose(), wrap),
                               .how = describe(origin, wrap, i),
                               .sik_matches = {}});
            }
        }
    }

    [[nodiscard]] SecretBytes unwrap(ByteView key_and_iv, Wrap wrap) const
    {
        SecretBytes out{footer_.wrapped_key.size()};
        unwrap_into(footer_, key_and_iv, wrap, out.expose_for_writing());
        return out;
    }

    [[nodiscard]] std::string describe(Origin origin, Wrap wrap, std::size_t salt) const
    {
        return fmt::format("{}{}, AES-{} unwrap{}", to_string(footer_.kdf),
                           origin == Origin::preset ? " of the default password (flags 0x10, 0x20)" : "",
                           kek_bytes(wrap) * 8, salt == 0 ? "" : ", salt where HTC has it");
    }

    /// SIK = scrypt(KEK, salt): of the 16-byte KEK as AOSP has it, or of the wider one.
    Result<bool> sik_matches(const SharedDerivations& derived) const
    {
        for (const auto wrap : wraps_) {
            for (std::size_t i = 0; i < derived->size(); ++i) {
                if (!derived->at(i)) {
                    continue;
                }
                Secret<32> check;
                SALVAGE_TRY(crypto::scrypt(ByteView{derived->at(i)->expose()}.first(kek_bytes(wrap)),
                                           footer_.salts.at(i), footer_.scrypt, check.expose_for_writing()));
                if (equal_constant_time(check.expose(), *footer_.scrypted_intermediate_key)) {
                    return true;
                }
            }
        }
        return false;
    }

    CryptoFooter footer_;
    std::vector<Wrap> wraps_;
    std::optional<crypto::RsaPrivateKey> rsa_;
    Derivation derivation_;
    bool has_sik_;
    mutable std::mutex default_mutex_;
    mutable SharedDerivations default_;
};

Error unusable(ErrorCode code, std::string_view what, std::string why, std::string_view hint)
{
    return Error{.code = code,
                 .what = std::string{what},
                 .why = std::move(why),
                 .where = {},
                 .hint = std::string{hint},
                 .trail = {}};
}

Result<crypto::RsaPrivateKey> keymaster_key(const CryptoFooter& footer, Offline offline, const PhoneKeys* phone_keys)
{
    if (offline == Offline::with_phone_keys) {
        return open_bkmk(footer.keymaster_blob, phone_keys->encryption_key.expose(), phone_keys->hmac_key.expose());
    }
    auto key = software_key(footer.keymaster_blob);
    if (!key.has_value()) {
        return unusable(ErrorCode::malformed, "the footer's software keymaster blob cannot be read", key.error().what,
                        "the blob may be damaged; another copy of the footer may be whole");
    }
    return key;
}

Result<std::unique_ptr<const Unlocker>> make_aosp(const CryptoFooter& footer, Offline offline,
                                                  const PhoneKeys* phone_keys)
{
    std::optional<crypto::RsaPrivateKey> rsa;
    if (uses_keymaster(footer.kdf)) {
        rsa = SALVAGE_TRY(keymaster_key(footer, offline, phone_keys));
        if (rsa->modulus_bytes() != rsa_bytes) {
            return unusable(ErrorCode::malformed, "the footer's RSA key is not of the size Android uses",
                            fmt::format("{} bits, expected 2048", rsa->modulus_bytes() * 8),
                            "the key found in the blob may be another one than that of disk encryption");
        }
    }
    return std::make_unique<const AospUnlocker>(footer, std::move(rsa));
}

/// A footer that was parsed has these; one that was put together by hand may not.
Result<> check_parts(const CryptoFooter& footer)
{
    const bool is_whole = footer.wrapped_key.size() == footer.key_bytes && footer.key_bytes != 0 &&
                          footer.key_bytes % aes_block == 0 &&
                          (!footer.salts.empty() || (footer.flags & footer_flag::key_unencrypted) != 0);
    if (!is_whole) {
        return invalid_argument("the footer has no wrapped key to open",
                                "key, key size and salt do not belong together");
    }
    return {};
}

} // namespace

Result<std::unique_ptr<const Unlocker>> make_unlocker(const CryptoFooter& footer, const PhoneKeys* phone_keys)
{
    auto answer = can_open_offline(footer);
    switch (answer.offline) {
    case Offline::unsupported:
        return unusable(ErrorCode::unsupported, "this footer cannot be opened on a computer", std::move(answer.reason),
                        "keep the dump: the same phone may still open it");
    case Offline::needs_phone:
        return unusable(ErrorCode::needs_phone_key, "this footer opens on its own phone only", std::move(answer.reason),
                        "put the same partitions back on the same phone");
    case Offline::with_phone_keys:
        if (phone_keys == nullptr) {
            return unusable(ErrorCode::needs_phone_key, "this footer opens with two keys of its phone only",
                            std::move(answer.reason), "give ENC_KEY and HMAC_KEY of the phone's keymaster");
        }
        break;
    case Offline::key_in_clear:
    case Offline::yes: break;
    }
    SALVAGE_TRY(check_parts(footer));
    if (answer.offline == Offline::key_in_clear) {
        return std::make_unique<const ClearKeyUnlocker>(footer);
    }
    if (footer.kind == FooterKind::samsung_edk) {
        return std::make_unique<const SamsungUnlocker>(footer);
    }
    return make_aosp(footer, answer.offline, phone_keys);
}

} // namespace salvage::fde
