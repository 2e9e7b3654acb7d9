// Parsing footers: what is accepted, what is a decoy, what is said about each field, and damage of every kind.
#include <gtest/gtest.h>

#include "footer_builder.hpp"
#include "salvage/fde/footer.hpp"
#include "salvage/fde/keymaster_blob.hpp"
#include "salvage/fde/unlock.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "support/vectors.hpp"

namespace salvage::fde {
namespace {

using test::fails_with;
using test::is_ok;
using test_support::build_footer;
using test_support::FooterPlan;
using test_support::noise;
using test_support::put;
using test_support::put_le;

bool has_finding(const CryptoFooter& footer, std::string_view code)
{
    return std::ranges::any_of(footer.findings, [code](const Finding& finding) { return finding.code == code; });
}

Bytes samsung_footer()
{
    return test::read_vectors(test::sample("fde/samsung.vec"), "Samsung footer").front().bytes("Footer");
}

FooterPlan software_plan()
{
    const auto& rsa = test_support::shared_rsa();
    return {.kdf = 5,
            .rsa = rsa,
            .blob = test_support::integrity_assured(der_of(rsa, test_support::KeyForm::pkcs8)),
            .hash_first_block = noise(32, 8)};
}

TEST(Footer, FieldsOfVersion3AreReadBack)
{
    const auto plan = software_plan();
    const auto footer = parse_footer(build_footer(plan));
    ASSERT_TRUE(is_ok(footer));
    EXPECT_EQ(footer->kind, FooterKind::aosp);
    EXPECT_EQ(footer->major, 1);
    EXPECT_EQ(footer->minor, 3);
    EXPECT_EQ(footer->ftr_size, 0x930U);
    EXPECT_EQ(footer->key_bytes, 16U);
    EXPECT_EQ(footer->crypt_type, CryptType::pin);
    EXPECT_EQ(footer->fs_size.value, plan.fs_size);
    EXPECT_EQ(footer->cipher, plan.cipher);
    EXPECT_EQ(footer->salts, std::vector<Bytes>{plan.salt});
    EXPECT_EQ(footer->kdf, Kdf::scrypt_keymaster);
    EXPECT_EQ(footer->scrypt, (crypto::ScryptFactors{.n_log2 = 4, .r_log2 = 3, .p_log2 = 1}));
    EXPECT_EQ(footer->encrypted_upto, footer->fs_size);
    EXPECT_EQ(to_hex(*footer->hash_first_block), to_hex(plan.hash_first_block));
    EXPECT_TRUE(footer->scrypted_intermediate_key.has_value());
    EXPECT_EQ(footer->keymaster_blob, plan.blob);
    EXPECT_EQ(footer->keymaster, KeymasterBlob::software);
    EXPECT_EQ(footer->is_sha256_valid, true);
    EXPECT_EQ(footer->persist_data_offset, (std::array<std::uint64_t, 2>{0x1000, 0x2000}));
    EXPECT_EQ(footer->persist_data_size, 0x1000U);
}

TEST(Footer, TheOwnHashTellsADamagedByte)
{
    auto bytes = build_footer({});
    bytes.at(0x20) = std::byte{7}; // failed_decrypt_count
    const auto footer = parse_footer(bytes);
    ASSERT_TRUE(is_ok(footer));
    EXPECT_EQ(footer->is_sha256_valid, false);
    EXPECT_EQ(footer->failed_decrypt_count, 7U);
    EXPECT_TRUE(has_finding(*footer, "footer-hash-mismatch"));
}

TEST(Footer, Version0HasItsKeyBehindTheStruct)
{
    const FooterPlan plan{.minor = 0, .ftr_size = 0x68, .kdf = 1};
    const auto footer = parse_footer(build_footer(plan));
    ASSERT_TRUE(is_ok(footer));
    EXPECT_EQ(footer->kdf, Kdf::pbkdf2);
    EXPECT_EQ(footer->salts, std::vector<Bytes>{plan.salt});
    EXPECT_FALSE(footer->crypt_type.has_value());
    EXPECT_FALSE(footer->encrypted_upto.has_value());
}

TEST(Footer, TwoSaltsAreKeptWhereTheAgeLeavesThePlaceOpen)
{
    FooterPlan plan{.minor = 2, .ftr_size = 0xC0, .kdf = 1, .master_key = noise(32, 3), .has_salt_after_padding = true};
    auto bytes = build_footer(plan);
    put(bytes, 0x98, noise(16, 4));
    const auto footer = parse_footer(bytes);
    ASSERT_TRUE(is_ok(footer));
    EXPECT_EQ(footer->salts, (std::vector<Bytes>{noise(16, 4), plan.salt}));
    EXPECT_TRUE(has_finding(*footer, "footer-two-salts"));
    EXPECT_EQ(make_unlocker(*footer).unwrap()->master_keys(as_bytes("1234"), false).unwrap().size(), 4U);
}

TEST(Footer, AZeroSaltIsTakenWithAWarning)
{
    const auto footer = parse_footer(build_footer({.kdf = 1, .salt = Bytes(16)}));
    ASSERT_TRUE(is_ok(footer));
    EXPECT_EQ(footer->salts, std::vector<Bytes>{Bytes(16)});
    EXPECT_TRUE(has_finding(*footer, "footer-zero-salt"));
}

TEST(Footer, SamsungsMagicBeforeAnAospStructIsSurvived)
{
    auto bytes = build_footer({.minor = 2, .ftr_size = 0xC0});
    bytes.front() = std::byte{0xC5};
    const auto footer = parse_footer(bytes);
    ASSERT_TRUE(is_ok(footer));
    EXPECT_EQ(footer->kind, FooterKind::aosp);
    EXPECT_TRUE(has_finding(*footer, "footer-samsung-magic"));
}

TEST(Footer, TheEdkPayloadIsFoundElsewhereAsWell)
{
    auto bytes = samsung_footer();
    bytes.insert(bytes.begin() + 0x64, 0x10, std::byte{0});
    const auto footer = parse_footer(bytes);
    ASSERT_TRUE(is_ok(footer));
    EXPECT_EQ(footer->kind, FooterKind::samsung_edk);
    EXPECT_TRUE(has_finding(*footer, "footer-edk-place"));
}

// What is no footer.

void expect_refused(std::size_t at, ByteView with, ErrorCode code, std::size_t where)
{
    auto bytes = build_footer({});
    put(bytes, at, with);
    const auto footer = parse_footer(bytes);
    ASSERT_TRUE(fails_with(footer, code));
    ASSERT_TRUE(footer.error().where.has_value()) << footer.error().what;
    EXPECT_EQ(footer.error().where->chain.front().at.value, where) << to_string(footer.error());
    EXPECT_FALSE(footer.error().why.empty());
}

TEST(Footer, DecoysAreRefusedAndSayWhere)
{
    const auto hex = [](std::string_view text) { return from_hex(text).unwrap(); };
    expect_refused(0x00, hex("c3"), ErrorCode::malformed, 0x00);
    expect_refused(0x04, hex("02"), ErrorCode::unsupported, 0x04);
    expect_refused(0x06, hex("04"), ErrorCode::unsupported, 0x06);
    expect_refused(0x08, hex("00000000"), ErrorCode::malformed, 0x08);
    expect_refused(0x08, hex("ffffffff"), ErrorCode::malformed, 0x08);
    expect_refused(0x10, hex("00000000"), ErrorCode::malformed, 0x10);
    expect_refused(0x10, hex("18000000"), ErrorCode::malformed, 0x10);
    expect_refused(0x10, hex("ffffffff"), ErrorCode::malformed, 0x10);
    expect_refused(0x18, hex("0000000000000000"), ErrorCode::malformed, 0x18);
    expect_refused(0x18, hex("ffffffffffffffff"), ErrorCode::malformed, 0x18);
    expect_refused(0x24, hex("00"), ErrorCode::malformed, 0x24);
    expect_refused(0x26, hex("07"), ErrorCode::malformed, 0x26);
    expect_refused(0x24, Bytes(64, std::byte{'a'}), ErrorCode::malformed, 0x24);
    expect_refused(0xBD, hex("19"), ErrorCode::malformed, 0xBD);
    expect_refused(0xBF, hex("ff"), ErrorCode::malformed, 0xBF);
}

TEST(Footer, TheStringInABinaryIsNoFooter)
{
    // The second hit of the search that found the first published footer: cipher names in a table of strings.
    Bytes bytes(0x4000);
    put(bytes, 0x24, as_bytes(std::string_view{"aes-cbc-essiv:sha256\0aes-cbc-plain:sha1\0ro.crypto", 50}));
    EXPECT_TRUE(fails_with(parse_footer(bytes), ErrorCode::malformed));
    EXPECT_FALSE(has_footer_magic(ByteView{bytes}.first(4)));
    EXPECT_FALSE(has_footer_magic({}));
}

TEST(Footer, ABlobSizeBeyondItsFieldIsCutToIt)
{
    auto bytes = build_footer(software_plan());
    for (const std::uint32_t size : {0U, 0x801U, 0xFFFFFFFFU}) {
        put_le(bytes, 0x8E8, size);
        const auto footer = parse_footer(bytes);
        ASSERT_TRUE(is_ok(footer));
        EXPECT_EQ(footer->keymaster_blob.size(), 2048U);
        EXPECT_EQ(footer->keymaster, KeymasterBlob::software) << "the key is found all the same";
        EXPECT_TRUE(has_finding(*footer, "footer-keymaster-blob-size"));
    }
}

// Damage.

/// With a smaller key in the blob than phones have, because every look at it costs a private operation.
std::vector<Bytes> samples()
{
    auto software = software_plan();
    software.blob =
        test_support::integrity_assured(der_of(test_support::generate_rsa(1024), test_support::KeyForm::pkcs8));
    std::vector<Bytes> out{samsung_footer()};
    out.push_back(test::read_vectors(test::sample("fde/samsung.vec"), "Samsung ODE").front().bytes("Footer"));
    out.push_back(build_footer(software));
    out.push_back(build_footer({.minor = 0, .ftr_size = 0x68, .kdf = 1, .master_key = noise(32, 3)}));
    out.push_back(build_footer({.minor = 1, .ftr_size = 0xC0, .kdf = 1}));
    out.push_back(build_footer({.minor = 2, .ftr_size = 0xC0}));
    out.push_back(build_footer({.flags = 0x21, .kdf = 1, .has_sik = false}));
    out.push_back(build_footer({.blob = test_support::bkmk(test_support::shared_rsa(), noise(16, 1), noise(32, 2))}));
    return out;
}

/// A value or a well-formed error, whatever the bytes; and what is accepted can be asked further.
void examine(ByteView bytes)
{
    const auto footer = parse_footer(bytes);
    const auto fields = describe_footer(bytes);
    ASSERT_EQ(footer.has_value(), fields.has_value());
    if (!footer.has_value()) {
        ASSERT_FALSE(footer.error().what.empty());
        ASSERT_TRUE(footer.error().where.has_value());
        ASSERT_LE(footer.error().where->chain.front().at.value, bytes.size());
        return;
    }
    ByteOffset last;
    for (const auto& field : *fields) {
        ASSERT_LE(field.range.end().value, bytes.size()) << field.name;
        ASSERT_GE(field.range.start(), last) << field.name;
        last = field.range.start();
    }
    ASSERT_FALSE(can_open_offline(*footer).reason.empty());
    const auto unlocker = make_unlocker(*footer);
    ASSERT_TRUE(unlocker.has_value() || !to_string(unlocker.error()).empty());
    static_cast<void>(check_placement(*footer, ByteOffset{0}, ByteCount{bytes.size()}, ByteCount{1U << 30U}));
}

TEST(FooterDamage, EverySampleCutAtEveryLength)
{
    for (const auto& sample : samples()) {
        for (std::size_t size = 0; size <= sample.size(); ++size) {
            examine(ByteView{sample}.first(size));
            ASSERT_FALSE(HasFatalFailure()) << size;
        }
    }
}

TEST(FooterDamage, EverySampleWithEveryHeaderByteFlipped)
{
    for (const auto& sample : samples()) {
        for (std::size_t at = 0; at < sample.size(); at += at >= 0x140 && at < 0x8E0 ? 37 : 1) {
            for (const auto mask : {std::byte{0xFF}, std::byte{0x01}}) {
                auto bytes = sample;
                bytes.at(at) ^= mask;
                examine(bytes);
                ASSERT_FALSE(HasFatalFailure()) << at;
            }
        }
    }
}

TEST(FooterDamage, ACutVersion3NamesWhatIsMissing)
{
    const auto bytes = build_footer({.ftr_size = 0x910, .has_hash = false});
    const auto footer = parse_footer(ByteView{bytes}.first(0xC4));
    ASSERT_TRUE(is_ok(footer));
    EXPECT_TRUE(has_finding(*footer, "footer-cut"));
    EXPECT_FALSE(footer->encrypted_upto.has_value());
    const auto keyless = build_footer(software_plan());
    EXPECT_TRUE(fails_with(parse_footer(ByteView{keyless}.first(0x800)), ErrorCode::truncated)) << "kdf 5 needs it";
}

TEST(FooterDamage, KeymasterBlobsOfAnyBytesAreClassified)
{
    const auto der = der_of(test_support::shared_rsa(), test_support::KeyForm::pkcs8);
    const auto blob = test_support::integrity_assured(der);
    for (std::size_t size = 0; size < blob.size(); size += size < 60 ? 1 : 17) {
        const bool has_key = size >= 5 + der.size();
        EXPECT_EQ(classify_keymaster_blob(ByteView{blob}.first(size)).kind == KeymasterBlob::software, has_key) << size;
        EXPECT_EQ(software_key(ByteView{blob}.first(size)).has_value(), has_key) << size;
    }
    auto flipped = blob;
    flipped.back() ^= std::byte{1};
    const auto facts = classify_keymaster_blob(flipped);
    EXPECT_EQ(facts.kind, KeymasterBlob::software);
    EXPECT_FALSE(facts.is_mac_valid.has_value()) << "what enters the MAC may be more than is known here";
}

// Descriptions.

const FooterField* field(const std::vector<FooterField>& fields, std::string_view name)
{
    const auto found = std::ranges::find(fields, name, &FooterField::name);
    return found == fields.end() ? nullptr : &*found;
}

TEST(DescribeFooter, NamesEveryFieldAsTheStructDoes)
{
    const auto fields = describe_footer(build_footer(software_plan()));
    ASSERT_TRUE(is_ok(fields));
    const std::array names{"magic",
                           "major_version",
                           "minor_version",
                           "ftr_size",
                           "flags",
                           "keysize",
                           "crypt_type",
                           "fs_size",
                           "failed_decrypt_count",
                           "crypto_type_name",
                           "master_key",
                           "salt",
                           "persist_data_offset[0]",
                           "persist_data_offset[1]",
                           "persist_data_size",
                           "kdf_type",
                           "N_factor",
                           "r_factor",
                           "p_factor",
                           "encrypted_upto",
                           "hash_first_block",
                           "keymaster_blob",
                           "keymaster_blob_size",
                           "scrypted_intermediate_key",
                           "sha256"};
    ASSERT_EQ(fields->size(), names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        EXPECT_EQ(fields->at(i).name, names.at(i));
        EXPECT_FALSE(fields->at(i).spec.empty());
    }
    EXPECT_EQ(field(*fields, "fs_size")->value, "0x8000");
    EXPECT_EQ(field(*fields, "fs_size")->range, ByteRange::between(ByteOffset{0x18}, ByteOffset{0x20}));
    EXPECT_EQ(field(*fields, "fs_size")->meaning, "512-byte sectors: 16 MiB (16777216 bytes)");
    EXPECT_EQ(field(*fields, "crypto_type_name")->value, "aes-cbc-essiv:sha256");
    EXPECT_EQ(field(*fields, "kdf_type")->meaning, "scrypt-keymaster");
    EXPECT_EQ(field(*fields, "N_factor")->meaning, "scrypt N = 2^4");
    EXPECT_EQ(field(*fields, "crypt_type")->meaning, "the phone asks for: pin");
    EXPECT_TRUE(field(*fields, "keymaster_blob")->meaning.starts_with("software keymaster"));
    EXPECT_EQ(field(*fields, "sha256")->meaning, "agrees with the footer");
}

TEST(DescribeFooter, ShowsSamsungsPayload)
{
    const auto fields = describe_footer(samsung_footer());
    ASSERT_TRUE(is_ok(fields));
    ASSERT_NE(field(*fields, "edk"), nullptr);
    EXPECT_EQ(field(*fields, "edk")->range.start().value, 0x84U);
    EXPECT_EQ(field(*fields, "edk_hmac")->range.start().value, 0xA4U);
    EXPECT_EQ(field(*fields, "edk_salt")->value, "189e50a04709ca5c901d42848a48627c");
    EXPECT_EQ(field(*fields, "edk_magic")->value, "0x1001e4b1");
    EXPECT_EQ(field(*fields, "fs_size")->value, "0x401000");
}

TEST(DescribeFooter, FlagsAreNamed)
{
    const auto fields = describe_footer(build_footer({.flags = 0x4000002A, .has_sik = false, .has_hash = false}));
    ASSERT_TRUE(is_ok(fields));
    EXPECT_EQ(field(*fields, "flags")->meaning,
              "ENCRYPTION_IN_PROGRESS, DATA_CORRUPT, FORCE_COMPLETE, unknown 0x40000000");
}

TEST(DescribeFooter, AKeyInTheClearIsNotShown)
{
    const FooterPlan plan{.flags = 1, .kdf = 1, .has_sik = false};
    const auto fields = describe_footer(build_footer(plan));
    ASSERT_TRUE(is_ok(fields));
    EXPECT_EQ(field(*fields, "master_key")->value, "not shown");
    const FooterPlan wrapped{.kdf = 1, .has_sik = false};
    EXPECT_EQ(field(*describe_footer(build_footer(wrapped)), "master_key")->value,
              to_hex(parse_footer(build_footer(wrapped))->wrapped_key));
}

TEST(DescribeFooter, NamesAreThoseOfReports)
{
    EXPECT_EQ(to_string(FooterKind::samsung_edk), "samsung-edk");
    EXPECT_EQ(to_string(FooterKind::qualcomm_hw), "qualcomm-hw");
    EXPECT_EQ(to_string(Kdf::scrypt_keymaster_badly_padded), "scrypt-keymaster-badly-padded");
    EXPECT_EQ(to_string(Kdf::unknown), "unknown");
    EXPECT_EQ(to_string(CryptType::default_password), "default");
    EXPECT_EQ(to_string(KeymasterBlob::bkmk), "bkmk");
}

// Persist data.

Bytes persist_data(std::uint32_t count)
{
    Bytes out(0x1000);
    put_le<std::uint32_t>(out, 0, 0xE950CD44);
    put_le(out, 4, count);
    put(out, 128, as_bytes("persist.sys.language"));
    put(out, 160, as_bytes("de"));
    put(out, 252, as_bytes("OwnerInfo"));
    put(out, 284, as_bytes("Call 0123"));
    return out;
}

TEST(PersistData, EntriesAreRead)
{
    const auto entries = parse_persist_data(persist_data(2));
    ASSERT_TRUE(is_ok(entries));
    ASSERT_EQ(entries->size(), 2U);
    EXPECT_EQ(entries->at(0).key, "persist.sys.language");
    EXPECT_EQ(entries->at(0).value, "de");
    EXPECT_EQ(entries->at(1).key, "OwnerInfo");
    EXPECT_EQ(entries->at(1).value, "Call 0123");
}

TEST(PersistData, ACopyHoldsThirtyTwoEntriesAtMost)
{
    EXPECT_EQ(parse_persist_data(persist_data(32))->size(), 32U);
    EXPECT_TRUE(fails_with(parse_persist_data(persist_data(33)), ErrorCode::malformed));
    EXPECT_TRUE(fails_with(parse_persist_data(persist_data(0xFFFFFFFF)), ErrorCode::malformed));
}

TEST(PersistData, DamageIsAnErrorEachTime)
{
    const auto whole = persist_data(32);
    for (std::size_t size = 0; size < 128 + (32 * 124); ++size) {
        EXPECT_TRUE(fails_with(parse_persist_data(ByteView{whole}.first(size)), ErrorCode::truncated)) << size;
    }
    EXPECT_TRUE(fails_with(parse_persist_data(Bytes(0x1000)), ErrorCode::malformed));
}

// Placement.

CryptoFooter placed(std::uint64_t fs_bytes, std::uint64_t persist)
{
    CryptoFooter footer;
    footer.fs_size = SectorCount{fs_bytes / 512};
    footer.persist_data_offset = {persist, persist == 0 ? 0 : persist + 0x1000};
    footer.persist_data_size = 0x1000;
    return footer;
}

constexpr std::uint64_t gibibyte = 1ULL << 30U;

TEST(Placement, TheTailOfUserdataFits)
{
    const auto check = check_placement(placed(gibibyte - 0x4000, gibibyte - 0x3000), ByteOffset{gibibyte - 0x4000},
                                       ByteCount{gibibyte}, ByteCount{gibibyte});
    EXPECT_TRUE(check.fits) << check.text;
    EXPECT_NE(check.text.find("16 KiB"), std::string::npos) << check.text;
}

TEST(Placement, APartitionOfItsOwnFits)
{
    const auto check =
        check_placement(placed(gibibyte, 0x1000), ByteOffset{0}, ByteCount{0x2000000}, ByteCount{gibibyte});
    EXPECT_TRUE(check.fits) << check.text;
    // Samsung's and 1.0 footers know no persist data.
    EXPECT_TRUE(check_placement(placed(gibibyte, 0), ByteOffset{0}, ByteCount{0x2000000}, ByteCount{gibibyte}).fits);
}

TEST(Placement, SamsungsLongerReserveFits)
{
    EXPECT_TRUE(check_placement(placed(gibibyte - 0x5000, 0), ByteOffset{gibibyte - 0x4000}, ByteCount{gibibyte},
                                ByteCount{gibibyte})
                    .fits);
}

TEST(Placement, AFooterOfAnotherInstallationDoesNotFit)
{
    const auto size = ByteCount{gibibyte};
    EXPECT_FALSE(check_placement(placed(2 * gibibyte, 0x1000), ByteOffset{0}, ByteCount{0x2000000}, size).fits);
    EXPECT_FALSE(check_placement(placed(gibibyte / 2, 0), ByteOffset{gibibyte - 0x4000}, size, size).fits);
    EXPECT_FALSE(check_placement(placed(gibibyte, 0x1000), ByteOffset{0x200}, ByteCount{0x2000000}, size).fits)
        << "a copy that was moved";
    EXPECT_FALSE(check_placement(placed(gibibyte, 0x1000), ByteOffset{0x2000000}, ByteCount{0x2000000}, size).fits);
}

TEST(Placement, NothingKnownIsNoFit)
{
    const auto check = check_placement(placed(gibibyte, 0), ByteOffset{0}, ByteCount{0x2000000}, std::nullopt);
    EXPECT_FALSE(check.fits);
    EXPECT_FALSE(check.text.empty());
}

} // namespace
} // namespace salvage::fde
