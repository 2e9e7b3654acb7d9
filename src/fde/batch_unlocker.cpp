// Keys of a batch.  AOSP's chain: PBKDF2, or scrypt, or scrypt, signature, scrypt; then AES.  Samsung's: PBKDF2, HMAC,
// AES.  The same facts as in unlocker.cpp, whose answers are the ones that count: this is the filter before them.
#include "fde/batch_unlocker.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "fde/derivation.hpp"
#include "fde/unwrap.hpp"
#include "salvage/crypto/cipher.hpp"
#include "salvage/crypto/hash.hpp"

namespace salvage::fde {
namespace {

/// Bytes that are wiped when they go or make room for others.
class KeyBuffer {
public:
    KeyBuffer() = default;
    KeyBuffer(const KeyBuffer&) = delete;
    KeyBuffer& operator=(const KeyBuffer&) = delete;
    ~KeyBuffer() { wipe(std::span{bytes_}); }

    std::span<std::byte> resized(std::size_t count)
    {
        wipe(std::span{bytes_});
        bytes_.resize(count);
        return bytes_;
    }
    [[nodiscard]] ByteView view() const noexcept { return bytes_; }

private:
    Bytes bytes_;
};

class AospBatch final : public BatchUnlocker {
public:
    AospBatch(const CryptoFooter& footer, const std::optional<crypto::RsaPrivateKey>& rsa, crypto::KdfDevice& device)
        : footer_{&footer}, rsa_{&rsa}, device_{&device}, wraps_{wraps_of(footer)},
          derived_bytes_{fde::derived_bytes(wraps_)},
          has_sik_{footer.scrypted_intermediate_key.has_value() && check_factors(footer.scrypt).has_value()}
    {
    }

    [[nodiscard]] std::size_t batch_size() const noexcept override
    {
        return device_->batch_size(last_job(footer_->salts.front()));
    }
    [[nodiscard]] std::size_t ways() const noexcept override { return footer_->salts.size() * wraps_.size(); }

    Result<> load(std::span<const ByteView> secrets) override
    {
        count_ = secrets.size();
        const auto salts = footer_->salts.size();
        const auto all = derived_.resized(salts * count_ * derived_bytes_);
        is_possible_.assign(salts * count_, 1);
        for (std::size_t salt = 0; salt < salts; ++salt) {
            const auto into = all.subspan(salt * count_ * derived_bytes_, count_ * derived_bytes_);
            SALVAGE_TRY(derive(secrets, salt, into));
        }
        return {};
    }

    [[nodiscard]] bool key(std::size_t secret, std::size_t way, std::span<std::byte> into) const override
    {
        const auto salt = way / wraps_.size();
        if (is_possible_[salt * count_ + secret] == 0) {
            return false;
        }
        unwrap_into(*footer_, derived(salt, secret), wraps_[way % wraps_.size()], into);
        return true;
    }

    /// SIK = scrypt(KEK, salt) for every KEK that is possible.
    Result<std::vector<std::uint8_t>> check() override
    {
        std::vector<std::uint8_t> out(count_, 0);
        for (std::size_t way = 0; has_sik_ && way < ways(); ++way) {
            SALVAGE_TRY(check_way(way, out));
        }
        return out;
    }

private:
    static constexpr std::size_t sik_bytes = 32;

    [[nodiscard]] ByteView derived(std::size_t salt, std::size_t secret) const
    {
        return derived_.view().subspan((salt * count_ + secret) * derived_bytes_, derived_bytes_);
    }

    [[nodiscard]] crypto::KdfJob scrypt_job(const Bytes& salt, std::size_t key_bytes) const
    {
        return {.kind = crypto::KdfKind::scrypt,
                .salt = salt,
                .iterations = {},
                .factors = footer_->scrypt,
                .key_bytes = key_bytes};
    }
    [[nodiscard]] crypto::KdfJob last_job(const Bytes& salt) const
    {
        if (uses_scrypt(footer_->kdf)) {
            return scrypt_job(salt, derived_bytes_);
        }
        return {.kind = crypto::KdfKind::pbkdf2_sha1,
                .salt = salt,
                .iterations = pbkdf2_iterations,
                .factors = {},
                .key_bytes = derived_bytes_};
    }

    Result<> derive(std::span<const ByteView> secrets, std::size_t salt, std::span<std::byte> into)
    {
        const auto job = last_job(footer_->salts[salt]);
        if (!uses_keymaster(footer_->kdf)) {
            return device_->derive(job, secrets, into);
        }
        KeyBuffer intermediates;
        const auto signed_bytes = intermediates.resized(secrets.size() * intermediate_bytes);
        SALVAGE_TRY(device_->derive(scrypt_job(footer_->salts[salt], intermediate_bytes), secrets, signed_bytes));
        std::vector<SecretBytes> signatures;
        for (std::size_t i = 0; i < secrets.size(); ++i) {
            const auto message = ByteView{signed_bytes}.subspan(i * intermediate_bytes, intermediate_bytes);
            auto signature = SALVAGE_TRY(sign_intermediate(footer_->kdf, **rsa_, message));
            is_possible_[salt * count_ + i] = signature ? 1 : 0;
            signatures.push_back(signature ? std::move(*signature) : SecretBytes{});
        }
        std::vector<ByteView> views;
        std::ranges::transform(signatures, std::back_inserter(views), [](const auto& bytes) { return bytes.expose(); });
        return device_->derive(job, views, into);
    }

    Result<> check_way(std::size_t way, std::vector<std::uint8_t>& out)
    {
        const auto salt = way / wraps_.size();
        std::vector<ByteView> keks;
        keks.reserve(count_);
        for (std::size_t i = 0; i < count_; ++i) {
            keks.push_back(derived(salt, i).first(kek_bytes(wraps_[way % wraps_.size()])));
        }
        KeyBuffer values;
        const auto into = values.resized(count_ * sik_bytes);
        SALVAGE_TRY(device_->derive(scrypt_job(footer_->salts[salt], sik_bytes), keks, into));
        for (std::size_t i = 0; i < count_; ++i) {
            const bool matches = is_possible_[salt * count_ + i] != 0 &&
                                 equal_constant_time(ByteView{into}.subspan(i * sik_bytes, sik_bytes),
                                                     *footer_->scrypted_intermediate_key);
            out[i] = matches ? 1 : out[i];
        }
        return {};
    }

    const CryptoFooter* footer_;
    const std::optional<crypto::RsaPrivateKey>* rsa_;
    crypto::KdfDevice* device_;
    std::vector<Wrap> wraps_;
    std::size_t derived_bytes_;
    bool has_sik_;
    std::size_t count_{0};
    KeyBuffer derived_; ///< by salt, then by secret
    std::vector<std::uint8_t> is_possible_;
};

class SamsungBatch final : public BatchUnlocker {
public:
    SamsungBatch(const CryptoFooter& footer, crypto::KdfDevice& device)
        : footer_{&footer}, device_{&device}, job_{.kind = crypto::KdfKind::pbkdf2_sha256,
                                                   .salt = footer.salts.front(),
                                                   .iterations = samsung_iterations,
                                                   .factors = {},
                                                   .key_bytes = key_bytes}
    {
    }

    [[nodiscard]] std::size_t batch_size() const noexcept override { return device_->batch_size(job_); }
    [[nodiscard]] std::size_t ways() const noexcept override { return 1; }

    Result<> load(std::span<const ByteView> secrets) override
    {
        count_ = secrets.size();
        const auto keys = derived_.resized(count_ * key_bytes);
        SALVAGE_TRY(device_->derive(job_, secrets, keys));
        agrees_.assign(count_, 0);
        for (std::size_t i = 0; i < count_; ++i) {
            const auto mac = crypto::hmac_sha256(derived(i), footer_->wrapped_key);
            agrees_[i] = equal_constant_time(mac, footer_->samsung_hmac) ? 1 : 0;
        }
        return {};
    }
    [[nodiscard]] bool key(std::size_t secret, std::size_t /*way*/, std::span<std::byte> into) const override
    {
        if (agrees_[secret] == 0) {
            return false;
        }
        std::ranges::copy(unwrap_samsung(*footer_, derived(secret)).expose(), into.begin());
        return true;
    }
    Result<std::vector<std::uint8_t>> check() override { return agrees_; }

private:
    static constexpr std::size_t key_bytes = 32;

    [[nodiscard]] ByteView derived(std::size_t secret) const
    {
        return derived_.view().subspan(secret * key_bytes, key_bytes);
    }

    const CryptoFooter* footer_;
    crypto::KdfDevice* device_;
    crypto::KdfJob job_;
    std::size_t count_{0};
    KeyBuffer derived_;
    std::vector<std::uint8_t> agrees_;
};

} // namespace

std::unique_ptr<BatchUnlocker>
make_aosp_batch(const CryptoFooter& footer, const std::optional<crypto::RsaPrivateKey>& rsa, crypto::KdfDevice& device)
{
    return std::make_unique<AospBatch>(footer, rsa, device);
}

std::unique_ptr<BatchUnlocker> make_samsung_batch(const CryptoFooter& footer, crypto::KdfDevice& device)
{
    return std::make_unique<SamsungBatch>(footer, device);
}

} // namespace salvage::fde
