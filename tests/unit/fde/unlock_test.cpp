// From a secret to a master key, against footers that another writer made (footer_builder.hpp).
#include <gtest/gtest.h>

#include <thread>

#include "footer_builder.hpp"
#include "salvage/fde/keymaster_blob.hpp"
#include "salvage/fde/unlock.hpp"
#include "support/assert_result.hpp"

namespace salvage::fde {
namespace {

using test::fails_with;
using test::is_ok;
using test_support::build_footer;
using test_support::FooterPlan;
using test_support::noise;

CryptoFooter parsed(const FooterPlan& plan)
{
    auto footer = parse_footer(build_footer(plan));
    EXPECT_TRUE(is_ok(footer));
    return std::move(*footer);
}

std::vector<MasterKey> keys(const CryptoFooter& footer, std::string_view secret, bool check_sik = true,
                            const PhoneKeys* phone = nullptr)
{
    const auto unlocker = make_unlocker(footer, phone);
    if (!unlocker.has_value()) {
        ADD_FAILURE() << to_string(unlocker.error());
        return {};
    }
    auto out = (*unlocker)->master_keys(as_bytes(secret), check_sik);
    EXPECT_TRUE(is_ok(out));
    return std::move(*out);
}

const MasterKey* find(const std::vector<MasterKey>& keys, ByteView expected)
{
    const auto found =
        std::ranges::find_if(keys, [&](const auto& key) { return std::ranges::equal(key.key.expose(), expected); });
    return found == keys.end() ? nullptr : &*found;
}

/// Whether one of the ways of a secret of the batch leads to this key.
bool leads_to(const BatchUnlocker& batch, std::size_t secret, ByteView expected)
{
    Bytes key(expected.size());
    for (std::size_t way = 0; way < batch.ways(); ++way) {
        if (batch.key(secret, way, key) && std::ranges::equal(key, expected)) {
            return true;
        }
    }
    return false;
}

/// A batch says of each of its secrets what the unlocker says of it alone.
void expect_opens_in_a_batch(const Unlocker& unlocker, const FooterPlan& plan, const char* what)
{
    const auto device = crypto::make_cpu_kdf_device({.isa = {}, .scrypt_lanes = 2}).unwrap();
    const auto batch = unlocker.make_batch(*device);
    ASSERT_TRUE(batch) << what;
    EXPECT_GE(batch->batch_size(), 1U);
    const std::string right = plan.password;
    const std::array secrets{as_bytes("4321"), as_bytes(right), as_bytes(""), as_bytes("4321")};
    for (const auto count : {secrets.size(), std::size_t{2}}) { // a smaller batch after a larger one
        ASSERT_TRUE(is_ok(batch->load(std::span{secrets}.first(count)))) << what;
        const auto checked = batch->check().unwrap();
        ASSERT_EQ(checked.size(), count);
        for (std::size_t i = 0; i < count; ++i) {
            const bool is_right = as_text(secrets.at(i)) == right;
            EXPECT_EQ(leads_to(*batch, i, plan.master_key), is_right) << what << ", secret " << i;
            const auto said = unlocker.is_password(secrets.at(i)).unwrap();
            EXPECT_EQ(checked[i] != 0, said.value_or(false)) << what << ", secret " << i;
        }
    }
}

void expect_opens(const FooterPlan& plan, const char* what, const PhoneKeys* phone = nullptr)
{
    const auto footer = parsed(plan);
    const auto right = keys(footer, plan.password, true, phone);
    const auto* const key = find(right, plan.master_key);
    ASSERT_NE(key, nullptr) << what;
    EXPECT_FALSE(key->how.empty());
    const auto wrong = keys(footer, "4321", true, phone);
    EXPECT_EQ(find(wrong, plan.master_key), nullptr) << what;
    const auto unlocker = make_unlocker(footer, phone).unwrap();
    const auto says_right = unlocker->is_password(as_bytes(plan.password)).unwrap();
    const auto says_wrong = unlocker->is_password(as_bytes("4321")).unwrap();
    if (footer.scrypted_intermediate_key) {
        EXPECT_EQ(key->sik_matches, true) << what;
        EXPECT_EQ(says_right, true) << what;
        EXPECT_EQ(says_wrong, false) << what;
        for (const auto& other : wrong) {
            EXPECT_EQ(other.sik_matches, false) << what;
        }
    } else {
        EXPECT_EQ(key->sik_matches, std::nullopt) << what;
        EXPECT_EQ(says_right, std::nullopt) << what;
    }
    expect_opens_in_a_batch(*unlocker, plan, what);
}

TEST(Unlock, EveryVersionOpensWithPbkdf2)
{
    expect_opens({.minor = 0, .ftr_size = 0x68, .kdf = 1}, "1.0");
    expect_opens({.minor = 0, .ftr_size = 0x64, .kdf = 1}, "1.0 of 32-bit x86");
    expect_opens({.minor = 1, .ftr_size = 0xC0, .kdf = 1}, "1.1");
    expect_opens({.minor = 2, .ftr_size = 0xC0, .kdf = 1}, "1.2");
    expect_opens({.minor = 3, .ftr_size = 0x930, .kdf = 1, .has_sik = false}, "1.3 without SIK");
    expect_opens({.minor = 3, .ftr_size = 0x930, .kdf = 1}, "1.3 with SIK");
}

TEST(Unlock, ScryptOpens)
{
    expect_opens({.minor = 2, .ftr_size = 0xC0, .kdf = 2}, "1.2");
    expect_opens({.minor = 3, .ftr_size = 0x910, .kdf = 2, .has_hash = false}, "Android 5");
    expect_opens({.minor = 3, .ftr_size = 0x930, .kdf = 2}, "Android 7");
    expect_opens({.kdf = 2, .password = ""}, "an empty password");
    expect_opens({.kdf = 2, .password = std::string{"\0\1\4\7", 4}}, "a pattern of raw nodes");
}

TEST(Unlock, UpgradedFootersKeepTheirOldSizeAndOpen)
{
    for (const std::uint32_t size : {0x68U, 0xC0U}) {
        for (const std::uint16_t minor : {std::uint16_t{1}, std::uint16_t{2}, std::uint16_t{3}}) {
            expect_opens({.minor = minor, .ftr_size = size, .kdf = 1, .has_sik = false, .has_hash = false}, "pbkdf2");
        }
        expect_opens({.minor = 3, .ftr_size = size, .kdf = 2}, "scrypt after the first password");
        const auto footer = parsed({.minor = 3, .ftr_size = size, .kdf = 2});
        EXPECT_EQ(footer.is_sha256_valid, true) << "Android 7 hashes upgraded footers as well";
    }
}

TEST(Unlock, UnknownKdfIsPbkdf2AsVoldHasIt)
{
    for (const std::uint8_t kdf : {std::uint8_t{0}, std::uint8_t{6}, std::uint8_t{255}}) {
        const FooterPlan plan{.kdf = kdf, .has_sik = false};
        expect_opens(plan, "unknown kdf");
        const auto footer = parsed(plan);
        EXPECT_EQ(footer.kdf, Kdf::pbkdf2);
        EXPECT_EQ(footer.kdf_raw, kdf);
        EXPECT_TRUE(std::ranges::any_of(footer.findings, [](const auto& f) { return f.code == "footer-unknown-kdf"; }));
    }
}

TEST(Unlock, ThirtyTwoByteKeysOpenByBothUnwrapsAndBothSaltPlaces)
{
    for (const bool is_wide : {false, true}) {
        for (const bool is_padded : {false, true}) {
            for (const std::uint8_t kdf : {std::uint8_t{1}, std::uint8_t{2}}) {
                const FooterPlan plan{.minor = 2,
                                      .ftr_size = 0xC0,
                                      .kdf = kdf,
                                      .master_key = noise(32, 6),
                                      .is_aes_256 = is_wide,
                                      .has_salt_after_padding = is_padded};
                expect_opens(plan, is_wide ? "AES-256" : "AES-128");
            }
        }
        expect_opens({.minor = 0, .ftr_size = 0x68, .kdf = 1, .master_key = noise(32, 6), .is_aes_256 = is_wide},
                     "1.0");
    }
}

TEST(Unlock, SixteenByteKeysHaveOneUnwrap)
{
    EXPECT_EQ(keys(parsed({.kdf = 1}), "1234").size(), 1U);
    EXPECT_EQ(keys(parsed({.kdf = 2}), "1234").size(), 1U);
}

TEST(Unlock, SoftwareKeymasterOpensInEveryContainer)
{
    using test_support::der_of;
    using test_support::KeyForm;
    const auto rsa = test_support::shared_rsa();
    for (const auto form : {KeyForm::pkcs1, KeyForm::pkcs8}) {
        const auto der = der_of(rsa, form);
        auto prefixed = test_support::bytes_of(as_bytes(std::string_view{"pKMblob\0", 8}));
        test_support::append(prefixed, test_support::integrity_assured(der));
        const std::array blobs{test_support::integrity_assured(der), test_support::pk8(der), der, prefixed};
        const std::array containers{"integrity-assured", "PK#8", "DER", "integrity-assured"};
        for (std::size_t i = 0; i < blobs.size(); ++i) {
            const auto facts = classify_keymaster_blob(blobs.at(i));
            EXPECT_EQ(facts.kind, KeymasterBlob::software);
            EXPECT_EQ(facts.container, containers.at(i));
            EXPECT_EQ(facts.key.size().value, der.size());
            if (facts.container == "integrity-assured" && i == 0) {
                EXPECT_EQ(facts.is_mac_valid, true);
            }
            const FooterPlan plan{.kdf = 5, .rsa = rsa, .blob = blobs.at(i)};
            EXPECT_EQ(can_open_offline(parsed(plan)).offline, Offline::yes);
            expect_opens(plan, containers.at(i));
        }
    }
}

TEST(Unlock, TheEarlyFormsOfTheSignedMessageOpen)
{
    const auto rsa = test_support::shared_rsa();
    FooterPlan plan{
        .rsa = rsa, .blob = test_support::pk8(der_of(rsa, test_support::KeyForm::pkcs1)), .has_hash = false};
    plan.kdf = 3;
    expect_opens(plan, "unpadded");
    plan.kdf = 4;
    // The message is not smaller than the modulus for some salts and secrets: both secrets of the test must be
    // signable.
    while (!derive(plan, plan.password) || !derive(plan, "4321")) {
        plan.salt.front() ^= std::byte{1};
        plan.salt.back() = static_cast<std::byte>(std::to_integer<unsigned>(plan.salt.back()) + 1);
    }
    expect_opens(plan, "badly padded");
}

TEST(Unlock, ASecretThatThePhoneCouldNotSignIsWrongAndNoError)
{
    const auto rsa = test_support::shared_rsa();
    FooterPlan plan{.kdf = 4, .rsa = rsa, .blob = der_of(rsa, test_support::KeyForm::pkcs8), .has_hash = false};
    while (!derive(plan, plan.password)) {
        plan.salt.front() = static_cast<std::byte>(std::to_integer<unsigned>(plan.salt.front()) + 1);
    }
    const auto footer = parsed(plan);
    for (int i = 0; i < 1000; ++i) {
        const auto secret = std::to_string(i);
        if (!derive(plan, secret)) {
            EXPECT_TRUE(keys(footer, secret).empty());
            EXPECT_EQ(make_unlocker(footer).unwrap()->is_password(as_bytes(secret)).unwrap(), false);
            return;
        }
    }
    FAIL() << "no such secret among 1000";
}

/// One signature in 256 begins with a zero byte, and all 256 bytes enter the second scrypt.
TEST(Unlock, ASignatureKeepsItsLeadingZeros)
{
    const auto rsa = test_support::shared_rsa();
    FooterPlan plan{.kdf = 5,
                    .factors = {1, 0, 0},
                    .rsa = rsa,
                    .blob = test_support::integrity_assured(der_of(rsa, test_support::KeyForm::pkcs8))};
    for (int i = 0; i < 20000; ++i) {
        plan.password = std::to_string(i);
        Bytes message(256);
        test_support::put(message, 1, test_support::scrypt(as_bytes(plan.password), plan.salt, plan.factors, 32));
        if (test_support::sign_raw(rsa, message).value().front() == std::byte{0}) {
            EXPECT_NE(find(keys(parsed(plan), plan.password), plan.master_key), nullptr);
            return;
        }
    }
    FAIL() << "no such signature among 20000";
}

PhoneKeys phone_keys(ByteView encryption, ByteView hmac)
{
    return {.encryption_key = SecretBytes::copy_of(encryption), .hmac_key = SecretBytes::copy_of(hmac)};
}

TEST(Unlock, BkmkOpensWithThePhonesKeysAndNoOthers)
{
    const auto rsa = test_support::shared_rsa();
    const auto hmac_key = noise(32, 21);
    for (const std::size_t size : {std::size_t{16}, std::size_t{32}}) {
        const auto encryption_key = noise(size, 20);
        const FooterPlan plan{.kdf = 5, .rsa = rsa, .blob = test_support::bkmk(rsa, encryption_key, hmac_key)};
        ASSERT_EQ(plan.blob.size(), 0x644U);
        const auto footer = parsed(plan);
        EXPECT_EQ(can_open_offline(footer).offline, Offline::with_phone_keys);
        EXPECT_TRUE(fails_with(make_unlocker(footer), ErrorCode::needs_phone_key));
        const auto right = phone_keys(encryption_key, hmac_key);
        expect_opens(plan, "BKMK", &right);
        const auto other_hmac = phone_keys(encryption_key, noise(32, 22));
        EXPECT_TRUE(fails_with(make_unlocker(footer, &other_hmac), ErrorCode::mismatch));
        const auto odd_size = phone_keys(noise(15, 1), hmac_key);
        EXPECT_TRUE(fails_with(make_unlocker(footer, &odd_size), ErrorCode::invalid_argument));
        for (std::uint64_t seed = 30; seed < 40; ++seed) {
            const auto other_key = phone_keys(noise(size, seed), hmac_key);
            EXPECT_TRUE(fails_with(make_unlocker(footer, &other_key), ErrorCode::mismatch)) << seed;
        }
    }
}

TEST(Unlock, BkmkInsideAnIntegrityAssuredContainerOpens)
{
    const auto rsa = test_support::shared_rsa();
    const auto encryption_key = noise(16, 20);
    const auto hmac_key = noise(32, 21);
    const FooterPlan plan{.kdf = 5,
                          .rsa = rsa,
                          .blob = test_support::integrity_assured(test_support::bkmk(rsa, encryption_key, hmac_key))};
    EXPECT_EQ(classify_keymaster_blob(plan.blob).kind, KeymasterBlob::bkmk);
    const auto right = phone_keys(encryption_key, hmac_key);
    expect_opens(plan, "BKMK inside", &right);
}

TEST(Unlock, DamagedBkmkIsRefusedAtEveryByte)
{
    const auto rsa = test_support::shared_rsa();
    const auto encryption_key = noise(16, 20);
    const auto hmac_key = noise(32, 21);
    const auto blob = test_support::bkmk(rsa, encryption_key, hmac_key);
    for (std::size_t size = 0; size < blob.size(); ++size) {
        EXPECT_FALSE(open_bkmk(ByteView{blob}.first(size), encryption_key, hmac_key).has_value()) << size;
    }
    for (std::size_t i = 0; i < blob.size(); ++i) {
        auto flipped = blob;
        flipped.at(i) ^= std::byte{0xFF};
        EXPECT_FALSE(open_bkmk(flipped, encryption_key, hmac_key).has_value()) << i;
    }
}

TEST(Unlock, HardwareBlobsNeedTheirPhone)
{
    for (const auto& blob : {noise(0x4A8, 3), Bytes{}, Bytes(100), test_support::integrity_assured(noise(600, 4))}) {
        const auto rsa = test_support::shared_rsa();
        const auto footer = parsed({.kdf = 5, .rsa = rsa, .blob = blob});
        EXPECT_EQ(can_open_offline(footer).offline, Offline::needs_phone);
        EXPECT_FALSE(can_open_offline(footer).reason.empty());
        EXPECT_TRUE(fails_with(make_unlocker(footer), ErrorCode::needs_phone_key));
    }
}

TEST(Unlock, EarlySoftwareBlobsUnderOcbAreNamed)
{
    Bytes blob(1);
    for (const std::size_t size : {std::size_t{12}, std::size_t{1190}, std::size_t{16}}) {
        test_support::append_le(blob, static_cast<std::uint32_t>(size));
        test_support::append(blob, noise(size, size));
    }
    blob.resize(blob.size() + 24); // two empty sets
    const auto facts = classify_keymaster_blob(blob);
    EXPECT_EQ(facts.kind, KeymasterBlob::opaque);
    EXPECT_EQ(facts.container, "OCB");
    ASSERT_EQ(facts.findings.size(), 1U);
    EXPECT_EQ(facts.findings.front().code, "keymaster-ocb");
}

TEST(Unlock, AnRsaKeyOfAnotherSizeIsNotTheFooters)
{
    const auto small = test_support::generate_rsa(1024);
    const auto rsa = test_support::shared_rsa();
    const auto footer = parsed({.kdf = 5, .rsa = rsa, .blob = der_of(small, test_support::KeyForm::pkcs8)});
    EXPECT_TRUE(fails_with(make_unlocker(footer), ErrorCode::malformed));
}

TEST(Unlock, DefaultPasswordOpensWhereTheFlagsSaySo)
{
    for (const std::uint32_t flag : {0x10U, 0x20U}) {
        FooterPlan plan{.flags = flag, .password = "default_password", .sik_password = "1234"};
        const auto footer = parsed(plan);
        ASSERT_EQ(footer.is_sha256_valid, true);
        const auto unlocker = make_unlocker(footer).unwrap();
        for (const std::string_view secret : {"1234", "4321", "default_password"}) {
            const auto found = unlocker->master_keys(as_bytes(secret), true).unwrap();
            ASSERT_EQ(found.size(), 1U) << secret;
            EXPECT_EQ(to_hex(found.front().key.expose()), to_hex(plan.master_key)) << secret;
            EXPECT_EQ(found.front().sik_matches, secret == "1234") << secret;
            EXPECT_EQ(unlocker->is_password(as_bytes(secret)).unwrap(), secret == "1234") << secret;
        }
        EXPECT_EQ(unlocker->master_keys(as_bytes("x"), false).unwrap().front().sik_matches, std::nullopt);
    }
}

/// The bits mean something else in CyanogenMod 12, whose footers have no hash.
TEST(Unlock, TheUsersOwnPasswordOpensFlaggedFootersWithoutHash)
{
    const FooterPlan plan{.ftr_size = 0x910, .flags = 0x20, .password = "1234", .has_hash = false};
    const auto found = keys(parsed(plan), "1234");
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(to_hex(found.at(1).key.expose()), to_hex(plan.master_key));
    EXPECT_EQ(found.at(1).sik_matches, true);
}

TEST(Unlock, AKeyInTheClearNeedsNoPassword)
{
    const FooterPlan plan{.flags = 0x1, .kdf = 1, .has_sik = false};
    const auto footer = parsed(plan);
    EXPECT_EQ(can_open_offline(footer).offline, Offline::key_in_clear);
    const auto found = keys(footer, "anything");
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(to_hex(found.front().key.expose()), to_hex(plan.master_key));
    EXPECT_EQ(make_unlocker(footer).unwrap()->is_password(as_bytes("x")).unwrap(), std::nullopt);
}

TEST(Unlock, QualcommHardwareEncryptionIsRefused)
{
    const auto footer = parsed({.cipher = "aes-xts", .kdf = 5, .rsa = test_support::shared_rsa()});
    EXPECT_EQ(footer.kind, FooterKind::qualcomm_hw);
    EXPECT_EQ(can_open_offline(footer).offline, Offline::unsupported);
    EXPECT_TRUE(fails_with(make_unlocker(footer), ErrorCode::unsupported));
}

TEST(Unlock, UnreasonableFactorsAreRefusedBeforeAnyGuess)
{
    auto bytes = build_footer({.kdf = 2, .has_hash = false});
    for (const std::array<std::uint8_t, 3> factors :
         {std::array<std::uint8_t, 3>{24, 24, 24}, {24, 3, 1}, {0, 3, 1}, {15, 3, 24}}) {
        for (std::size_t i = 0; i < 3; ++i) {
            bytes.at(0xBD + i) = std::byte{factors.at(i)};
        }
        const auto footer = parse_footer(bytes);
        ASSERT_TRUE(is_ok(footer));
        EXPECT_EQ(can_open_offline(*footer).offline, Offline::unsupported);
        EXPECT_TRUE(fails_with(make_unlocker(*footer), ErrorCode::unsupported));
    }
    bytes.at(0xBD) = std::byte{25};
    EXPECT_TRUE(fails_with(parse_footer(bytes), ErrorCode::malformed));
}

TEST(Unlock, AnUpgradedFooterWithAbsurdFactorsStillOpensByPbkdf2)
{
    auto bytes = build_footer({.kdf = 1, .has_hash = false});
    bytes.at(0xBD) = std::byte{200};
    const auto footer = parse_footer(bytes);
    ASSERT_TRUE(is_ok(footer));
    const auto found = keys(*footer, "1234");
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found.front().sik_matches, std::nullopt) << "the check value cannot be computed";
}

TEST(Unlock, ThreadsShareOneUnlocker)
{
    const FooterPlan plan{.flags = 0x20, .password = "default_password", .sik_password = "1234"};
    const auto unlocker = make_unlocker(parsed(plan)).unwrap();
    std::array<std::jthread, 4> threads;
    std::array<bool, 4> is_right{};
    for (std::size_t i = 0; i < threads.size(); ++i) {
        threads.at(i) = std::jthread{[&, i] {
            const auto found = unlocker->master_keys(as_bytes("1234"), true);
            is_right.at(i) = found.has_value() && found->size() == 1 && found->front().sik_matches == true;
        }};
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(is_right, (std::array{true, true, true, true}));
}

TEST(Unlock, SaysWhatItsScryptCosts)
{
    EXPECT_EQ(make_unlocker(parsed({.kdf = 1, .has_sik = false})).unwrap()->scrypt(), std::nullopt);
    const crypto::ScryptFactors usual{};
    EXPECT_EQ(make_unlocker(parsed({.kdf = 2, .factors = {15, 3, 1}})).unwrap()->scrypt(), usual);
    const auto pbkdf2_with_sik = make_unlocker(parsed({.kdf = 1, .factors = {15, 3, 1}})).unwrap();
    EXPECT_EQ(pbkdf2_with_sik->scrypt(), std::nullopt) << "a key is derived without";
    EXPECT_EQ(pbkdf2_with_sik->check_scrypt(), usual);
    EXPECT_EQ(make_unlocker(parsed({.kdf = 2, .has_sik = false})).unwrap()->check_scrypt(), std::nullopt);
}

TEST(Unlock, AFooterWithoutItsPartsIsRefused)
{
    CryptoFooter footer;
    footer.cipher = "aes-cbc-essiv:sha256";
    EXPECT_TRUE(fails_with(make_unlocker(footer), ErrorCode::invalid_argument));
    footer.key_bytes = 16;
    footer.wrapped_key = Bytes(16);
    EXPECT_TRUE(fails_with(make_unlocker(footer), ErrorCode::invalid_argument));
    footer.salts.emplace_back(16);
    EXPECT_TRUE(is_ok(make_unlocker(footer)));
}

} // namespace
} // namespace salvage::fde
