// A footer whose keys are hashes of secrets, so that a guess costs nothing, and the userdata that belongs to it.
#pragma once

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "salvage/crypto/cipher.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "salvage/rescue/search.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue::fake {

using salvage::test::is_ok;
using salvage::test::TemporaryFolder;
namespace test = salvage::test;

inline constexpr std::size_t key_bytes = 16;

inline Bytes key_of(std::string_view secret)
{
    const auto digest = crypto::sha256(as_bytes(secret));
    return {digest.begin(), digest.begin() + key_bytes};
}

/// What a footer's owner typed, and what the footer tells about it.
struct FakeFooter {
    std::string password;     ///< whose check value the footer has
    std::string wrapped_with; ///< whose key is the volume's
    bool has_check_value{false};
    unsigned ways_to_unwrap{1}; ///< how many keys a secret may stand for; the last is the right one
};

/// Keys of a batch, as FakeUnlocker gives them one by one.
class FakeBatch final : public fde::BatchUnlocker {
public:
    explicit FakeBatch(const fde::Unlocker& unlocker, unsigned ways) : unlocker_{&unlocker}, ways_{ways} {}
    std::size_t batch_size() const noexcept override { return 8; }
    std::size_t ways() const noexcept override { return ways_; }
    Result<> load(std::span<const ByteView> secrets) override
    {
        secrets_.clear();
        keys_.clear();
        for (const auto& secret : secrets) {
            secrets_.push_back(secret);
            keys_.push_back(SALVAGE_TRY(unlocker_->master_keys(secret, false)));
        }
        return {};
    }
    bool key(std::size_t secret, std::size_t way, std::span<std::byte> into) const override
    {
        if (way >= keys_[secret].size()) {
            return false;
        }
        std::ranges::copy(keys_[secret][way].key.expose(), into.begin());
        return true;
    }
    Result<std::vector<std::uint8_t>> check() override
    {
        std::vector<std::uint8_t> out;
        for (const auto& secret : secrets_) {
            const auto answer = SALVAGE_TRY(unlocker_->is_password(secret));
            out.push_back(answer.value_or(false) ? 1 : 0);
        }
        return out;
    }

private:
    const fde::Unlocker* unlocker_;
    unsigned ways_;
    std::vector<ByteView> secrets_;
    std::vector<std::vector<fde::MasterKey>> keys_;
};

/// Keys are hashes of secrets, so that a guess costs nothing.  Counts what it is asked.
class FakeUnlocker final : public fde::Unlocker {
public:
    FakeUnlocker(fde::CryptoFooter footer, FakeFooter fake) : footer_{std::move(footer)}, fake_{std::move(fake)} {}

    Result<std::vector<fde::MasterKey>> master_keys(ByteView secret, bool check_sik) const override
    {
        ++derivations;
        if (as_text(secret) == failing_secret) {
            return Error{ErrorCode::internal, "a derivation that fails", {}, std::nullopt, {}, {}};
        }
        std::vector<fde::MasterKey> out;
        const auto matches = as_text(secret) == fake_.password;
        if (footer_.kind == fde::FooterKind::samsung_edk && !matches) {
            return out;
        }
        if ((footer_.flags & 0x30U) != 0 && as_text(secret) != "default_password") {
            auto& key = out.emplace_back(); // as the real one: it comes with every secret
            key.key = SecretBytes::copy_of(key_of("default_password"));
            key.how = "fake unwrap of the default password";
            if (check_sik) {
                key.sik_matches = matches;
            }
        }
        for (unsigned way = fake_.ways_to_unwrap; way > 0; --way) {
            auto& key = out.emplace_back();
            const auto text = std::string{as_text(secret)} + (way == 1 ? "" : fmt::format("/{}", way));
            key.key = SecretBytes::copy_of(key_of(text));
            key.how = fmt::format("fake unwrap {}", way);
            if (check_sik && fake_.has_check_value) {
                ++checks;
                key.sik_matches = matches;
            }
        }
        return out;
    }
    Result<std::optional<bool>> is_password(ByteView secret) const override
    {
        ++checks;
        return fake_.has_check_value ? std::optional{as_text(secret) == fake_.password} : std::nullopt;
    }
    const fde::CryptoFooter& footer() const noexcept override { return footer_; }
    std::optional<crypto::ScryptFactors> scrypt() const noexcept override { return std::nullopt; }
    std::optional<crypto::ScryptFactors> check_scrypt() const noexcept override
    {
        return fake_.has_check_value ? std::optional{crypto::ScryptFactors{}} : std::nullopt;
    }
    std::unique_ptr<fde::BatchUnlocker> make_batch(crypto::KdfDevice& /*device*/) const override
    {
        return std::make_unique<FakeBatch>(*this, fake_.ways_to_unwrap + 1); // one more: the default password's
    }

    mutable std::atomic<unsigned> derivations{0};
    mutable std::atomic<unsigned> checks{0};
    std::string failing_secret{"never typed"};

private:
    fde::CryptoFooter footer_;
    FakeFooter fake_;
};

/// An empty ext4 volume of 1 MiB, made by mke2fs once.
inline const Bytes& plain_volume()
{
    static const Bytes volume = [] {
        const TemporaryFolder folder;
        const auto path = folder.path() / "ext4.img";
        const auto made =
            test::run_command(fmt::format("truncate -s 1M '{0}' && mke2fs -q -t ext4 -F '{0}' 2>&1", path.string()));
        EXPECT_TRUE(made.has_value()) << "mke2fs is needed";
        return test::read_file(path);
    }();
    return volume;
}

/// Userdata as a phone holds it: the volume under AES-CBC-ESSIV, 16 KiB after it.
inline io::SourcePtr userdata_under(const Bytes& key)
{
    auto bytes = plain_volume();
    const auto cipher =
        crypto::make_sector_cipher(crypto::parse_cipher_name("aes-cbc-essiv:sha256").unwrap(), key).unwrap();
    cipher->encrypt(SectorIndex{0}, bytes);
    bytes.resize(bytes.size() + fde::footer_area.value);
    return io::make_memory(std::move(bytes), "userdata");
}

inline fde::CryptoFooter usual_footer()
{
    fde::CryptoFooter footer;
    footer.minor = 3;
    footer.key_bytes = key_bytes;
    footer.cipher = "aes-cbc-essiv:sha256";
    footer.fs_size = SectorCount{plain_volume().size() / 512};
    footer.wrapped_key = Bytes(key_bytes, std::byte{1});
    footer.salts = {Bytes(16, std::byte{2})};
    footer.kdf = fde::Kdf::scrypt;
    footer.crypt_type = fde::CryptType::default_password;
    return footer;
}

inline fde::CryptoFooter with_check_value(fde::CryptoFooter footer = usual_footer())
{
    footer.scrypted_intermediate_key.emplace().fill(std::byte{7});
    return footer;
}

/// A footer with its owner's password, and the userdata that belongs to it.
struct Phone {
    std::shared_ptr<FakeUnlocker> unlocker;
    SearchSubject subject;

    Phone(fde::CryptoFooter footer, FakeFooter fake, bool has_userdata = true)
    {
        const auto wrapped_with = fake.wrapped_with.empty() ? fake.password : fake.wrapped_with;
        unlocker = std::make_shared<FakeUnlocker>(std::move(footer), std::move(fake));
        subject.unlocker = unlocker;
        if (has_userdata) {
            subject.userdata = userdata_under(key_of(wrapped_with));
        }
    }
};

inline Phone phone_with_pin(const std::string& pin)
{
    return Phone{usual_footer(), {.password = pin, .wrapped_with = {}}};
}

inline GivenSecret given(std::string_view text, std::string encoding = "text")
{
    return {.bytes = SecretBytes::copy_of(as_bytes(text)), .encoding = std::move(encoding)};
}

inline CandidateJudgement judgement_of(const FooterTarget& target, std::string_view secret)
{
    auto judged = target.judge(as_bytes(secret));
    EXPECT_TRUE(is_ok(judged));
    return judged.has_value() ? judged->judgement : CandidateJudgement::wrong;
}

inline bool has_line(const std::vector<std::string>& lines, std::string_view part)
{
    return std::ranges::any_of(lines, [&](const auto& line) { return line.find(part) != std::string::npos; });
}

} // namespace salvage::rescue::fake
