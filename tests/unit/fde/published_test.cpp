// Published footers and hash lines: the values are other people's (tests/data/fde,
// tools/testdata/check_fde_vectors.py).
#include <gtest/gtest.h>

#include "fde_support.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/fde/hash_lines.hpp"
#include "salvage/fde/unlock.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "support/vectors.hpp"

namespace salvage::fde {
namespace {

using test::fails_with;
using test::is_ok;
using test::read_vectors;
using test_support::bytes_of;

std::vector<test::VectorRecord> samsung(std::string_view section)
{
    return read_vectors(test::sample("fde/samsung.vec"), section);
}
std::vector<test::VectorRecord> aosp(std::string_view section)
{
    return read_vectors(test::sample("fde/aosp.vec"), section);
}

std::vector<MasterKey> keys_of(const CryptoFooter& footer, ByteView secret, bool check_sik = false)
{
    const auto unlocker = make_unlocker(footer);
    EXPECT_TRUE(is_ok(unlocker));
    auto keys = (*unlocker)->master_keys(secret, check_sik);
    EXPECT_TRUE(is_ok(keys));
    return std::move(*keys);
}

bool has_key(const std::vector<MasterKey>& keys, ByteView expected)
{
    return std::ranges::any_of(keys, [&](const auto& key) { return std::ranges::equal(key.key.expose(), expected); });
}

TEST(PublishedFooters, SamsungLinesYieldTheirDataKeys)
{
    for (const auto& record : samsung("Samsung EDK")) {
        const auto line = parse_hash_line(record.text("Line"));
        ASSERT_TRUE(is_ok(line)) << record.where();
        EXPECT_TRUE(line->sectors.empty());
        const auto keys = keys_of(line->footer, record.bytes("Password"));
        ASSERT_EQ(keys.size(), 1U) << record.where();
        EXPECT_EQ(to_hex(keys.front().key.expose()), record.text("Dek")) << record.where();
        EXPECT_EQ(keys.front().sik_matches, true);
    }
}

TEST(PublishedFooters, SamsungsHmacRefusesAnotherPassword)
{
    for (const auto& record : samsung("Samsung EDK")) {
        const auto footer = parse_hash_line(record.text("Line")).unwrap().footer;
        EXPECT_TRUE(keys_of(footer, as_bytes("test124")).empty()) << record.where();
        const auto unlocker = make_unlocker(footer).unwrap();
        EXPECT_EQ(unlocker->is_password(as_bytes("test124")).unwrap(), false);
        EXPECT_EQ(unlocker->is_password(record.bytes("Password")).unwrap(), true);
    }
}

TEST(PublishedFooters, TheWholeSamsungFooterOpensWithItsPassword)
{
    for (const auto& record : samsung("Samsung footer")) {
        const auto footer = parse_footer(record.bytes("Footer"));
        ASSERT_TRUE(is_ok(footer));
        EXPECT_EQ(footer->kind, FooterKind::samsung_edk);
        EXPECT_EQ(footer->minor, 0);
        EXPECT_EQ(footer->ftr_size, 0xD8U);
        EXPECT_EQ(footer->key_bytes, 32U);
        EXPECT_EQ(footer->fs_size.value, record.number("FsSize"));
        EXPECT_EQ(footer->cipher, "aes-cbc-essiv:sha256");
        EXPECT_EQ(footer->kdf, Kdf::samsung_pbkdf2_sha256);
        ASSERT_EQ(footer->salts.size(), 1U);
        EXPECT_EQ(to_hex(footer->salts.front()), record.text("Salt"));
        EXPECT_EQ(can_open_offline(*footer).offline, Offline::yes);
        const auto keys = keys_of(*footer, record.bytes("Password"));
        ASSERT_EQ(keys.size(), 1U);
        EXPECT_EQ(to_hex(keys.front().key.expose()), record.text("Dek"));
    }
}

TEST(PublishedFooters, TheGalaxyS7IsRecognisedAndRefused)
{
    for (const auto& record : samsung("Samsung ODE")) {
        const auto footer = parse_footer(record.bytes("Footer"));
        ASSERT_TRUE(is_ok(footer));
        EXPECT_EQ(footer->kind, FooterKind::samsung_ode);
        EXPECT_EQ(footer->minor, 3);
        EXPECT_EQ(footer->ftr_size, record.number("FtrSize"));
        EXPECT_EQ(footer->flags, record.number("Flags"));
        EXPECT_EQ(footer->crypt_type, CryptType::pin);
        EXPECT_EQ(footer->fs_size.value, record.number("FsSize"));
        EXPECT_EQ(can_open_offline(*footer).offline, Offline::unsupported);
        EXPECT_TRUE(fails_with(make_unlocker(*footer), ErrorCode::unsupported));
        const ByteCount partition{record.number("PartitionSize")};
        const auto place = check_placement(*footer, ByteOffset{partition.value - 0x4000}, partition, partition);
        EXPECT_TRUE(place.fits) << place.text;
    }
}

/// The struct of 1.0 is 0x68 bytes; key, 32 bytes of padding and salt lie behind it.
Bytes htc_footer(const test::VectorRecord& record)
{
    Bytes out(0x68 + 32 + 32 + 16);
    test_support::put_le<std::uint32_t>(out, 0x00, 0xD0B5B1C4);
    test_support::put_le<std::uint16_t>(out, 0x04, 1);
    test_support::put_le<std::uint32_t>(out, 0x08, 0x68);
    test_support::put_le<std::uint32_t>(out, 0x10, 32);
    test_support::put_le<std::uint64_t>(out, 0x18, 0x100000);
    test_support::put(out, 0x24, as_bytes("aes-cbc-essiv:sha256"));
    test_support::put(out, 0x68, record.bytes("WrappedKey"));
    test_support::put(out, 0xA8, record.bytes("Salt"));
    return out;
}

TEST(PublishedFooters, HtcsKeyIsAmongBothUnwraps)
{
    for (const auto& record : aosp("HTC 1.0")) {
        const auto footer = parse_footer(htc_footer(record));
        ASSERT_TRUE(is_ok(footer));
        ASSERT_EQ(footer->salts.size(), 1U) << "the padding holds no salt";
        const auto keys = keys_of(*footer, record.bytes("Password"));
        ASSERT_EQ(keys.size(), 2U);
        EXPECT_EQ(to_hex(keys.at(1).key.expose()), record.text("MasterKey"));
        EXPECT_EQ(keys.at(1).how, "pbkdf2, AES-256 unwrap");
        EXPECT_NE(to_hex(keys.at(0).key.expose()), record.text("MasterKey"));
    }
}

TEST(PublishedFooters, HashLinesYieldTheirMasterKeysAndProveThem)
{
    for (const auto& record : aosp("Hash line")) {
        auto line = parse_hash_line(record.text("Line"));
        ASSERT_TRUE(is_ok(line)) << record.where();
        const auto keys = keys_of(line->footer, record.bytes("Password"));
        ASSERT_EQ(keys.size(), 1U) << record.where();
        EXPECT_EQ(to_hex(keys.front().key.expose()), record.text("MasterKey")) << record.where();
        const auto userdata = io::make_memory(std::move(line->sectors), "line");
        const auto proof = prove_key(line->footer, keys.front().key.expose(), *userdata, SectorIndex{0});
        ASSERT_TRUE(is_ok(proof));
        ASSERT_TRUE(proof->has_value()) << record.where();
        EXPECT_TRUE((*proof)->filesystem.starts_with("ext")) << (*proof)->filesystem;
        const auto probe = make_key_probe(line->footer, *userdata, SectorIndex{0});
        ASSERT_TRUE(is_ok(probe));
        EXPECT_TRUE((*probe)->accepts(keys.front().key.expose()));
        const auto wrong = keys_of(line->footer, as_bytes("wrong")).front().key.clone();
        EXPECT_FALSE((*probe)->accepts(wrong.expose()));
        EXPECT_FALSE(prove_key(line->footer, wrong.expose(), *userdata, SectorIndex{0}).unwrap().has_value());
    }
}

TEST(PublishedFooters, TheSecondImplementationOfScryptAgrees)
{
    for (const auto& record : aosp("scrypt")) {
        CryptoFooter footer;
        footer.kdf = Kdf::scrypt;
        footer.kdf_raw = 2;
        footer.minor = 3;
        footer.cipher = "aes-cbc-essiv:sha256";
        footer.salts = {record.bytes("Salt")};
        const auto factors = record.bytes("Factors");
        footer.scrypt = {.n_log2 = std::to_integer<std::uint8_t>(factors.at(0)),
                         .r_log2 = std::to_integer<std::uint8_t>(factors.at(1)),
                         .p_log2 = std::to_integer<std::uint8_t>(factors.at(2))};
        std::array<std::byte, 32> sik{};
        std::ranges::copy(record.bytes("Sik"), sik.begin());
        footer.scrypted_intermediate_key = sik;

        footer.key_bytes = 16;
        footer.wrapped_key = record.bytes("WrappedKey");
        const auto keys = keys_of(footer, record.bytes("Password"), true);
        ASSERT_EQ(keys.size(), 1U);
        EXPECT_EQ(to_hex(keys.front().key.expose()), record.text("MasterKey"));
        EXPECT_EQ(keys.front().sik_matches, true);

        footer.key_bytes = 32;
        for (const auto* const name : {"LongWrappedByAes128", "LongWrappedByAes256"}) {
            footer.wrapped_key = record.bytes(name);
            EXPECT_TRUE(has_key(keys_of(footer, record.bytes("Password")), record.bytes("LongMasterKey"))) << name;
        }
        footer.cipher = "xchacha12,aes-adiantum-plain64";
        EXPECT_EQ(keys_of(footer, record.bytes("Password")).size(), 1U) << "Android 9 wraps by AES-128 only";
    }
}

TEST(PublishedFooters, TheFieldsOfAPhonesVersion3AreRead)
{
    for (const auto& record : aosp("Footer 1.3")) {
        Bytes bytes(record.number("FileSize"));
        test_support::put_le<std::uint32_t>(bytes, 0x00, 0xD0B5B1C4);
        test_support::put_le<std::uint16_t>(bytes, 0x04, 1);
        test_support::put_le<std::uint16_t>(bytes, 0x06, 3);
        test_support::put_le(bytes, 0x08, static_cast<std::uint32_t>(record.number("FtrSize")));
        test_support::put_le(bytes, 0x10, static_cast<std::uint32_t>(record.number("KeySize")));
        test_support::put_le(bytes, 0x18, record.number("FsSize"));
        test_support::put(bytes, 0x24, as_bytes("aes-cbc-essiv:sha256"));
        test_support::put(bytes, 0x68, record.bytes("WrappedKey"));
        test_support::put(bytes, 0x98, record.bytes("Salt"));
        test_support::put_le(bytes, 0xA8, record.number("PersistOffset0"));
        test_support::put_le(bytes, 0xB0, record.number("PersistOffset1"));
        test_support::put_le(bytes, 0xB8, static_cast<std::uint32_t>(record.number("PersistSize")));
        test_support::put(bytes, 0xBC, record.bytes("KdfAndFactors"));
        test_support::put_le(bytes, 0xC0, record.number("FsSize"));
        test_support::put(bytes, 0xE8, as_bytes("BKMK"));
        test_support::put_le(bytes, 0x8E8, static_cast<std::uint32_t>(record.number("BlobSize")));
        test_support::put(bytes, 0x8EC, record.bytes("Sik"));

        const auto footer = parse_footer(bytes);
        ASSERT_TRUE(is_ok(footer));
        EXPECT_EQ(footer->kind, FooterKind::aosp);
        EXPECT_EQ(footer->kdf, Kdf::scrypt_keymaster);
        EXPECT_EQ(footer->scrypt, (crypto::ScryptFactors{.n_log2 = 15, .r_log2 = 3, .p_log2 = 1}));
        EXPECT_EQ(footer->keymaster, KeymasterBlob::bkmk);
        EXPECT_EQ(footer->keymaster_blob.size(), record.number("BlobSize"));
        EXPECT_EQ(footer->persist_data_offset.front(), record.number("PersistOffset0"));
        EXPECT_EQ(footer->encrypted_upto, footer->fs_size);
        EXPECT_EQ(to_hex(footer->wrapped_key), record.text("WrappedKey"));
        EXPECT_EQ(to_hex(footer->salts.at(0)), record.text("Salt"));
        ASSERT_TRUE(footer->scrypted_intermediate_key.has_value());
        EXPECT_EQ(to_hex(*footer->scrypted_intermediate_key), record.text("Sik"));
        EXPECT_FALSE(footer->is_sha256_valid.has_value());
        EXPECT_EQ(can_open_offline(*footer).offline, Offline::with_phone_keys);
        EXPECT_TRUE(fails_with(make_unlocker(*footer), ErrorCode::needs_phone_key));
        EXPECT_TRUE(check_placement(*footer, ByteOffset{0}, ByteCount{0x2000000}, std::nullopt).fits);
    }
}

// Other people's files.

TEST(ForeignFooters, ThePrintedSixteenKibibytesOpen)
{
    SALVAGE_FOREIGN_OR_SKIP(path, "footer/samsung_sgh-t989d_edk_footer_16k.bin");
    const auto footer = parse_footer(test::read_file(path));
    ASSERT_TRUE(is_ok(footer));
    EXPECT_EQ(footer->kind, FooterKind::samsung_edk);
    EXPECT_EQ(keys_of(*footer, as_bytes("test123")).size(), 1U);
    EXPECT_TRUE(keys_of(*footer, as_bytes("test1234")).empty());
}

TEST(ForeignFooters, KnownHashesOpenWithTheirPasswords)
{
    SALVAGE_FOREIGN_OR_SKIP(path, "hashes/hashcat_8800_12900.txt");
    const auto bytes = test::read_file(path);
    std::string_view rest = as_text(bytes);
    int lines = 0;
    while (!rest.empty()) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (line.empty() || line.starts_with('#')) {
            continue;
        }
        const auto first = line.find('\t');
        const auto second = line.find('\t', first + 1);
        ASSERT_NE(second, std::string_view::npos);
        auto parsed = parse_hash_line(line.substr(first + 1, second - first - 1));
        ASSERT_TRUE(is_ok(parsed));
        const auto keys = keys_of(parsed->footer, as_bytes(line.substr(second + 1)));
        ASSERT_EQ(keys.size(), 1U);
        if (!parsed->sectors.empty()) {
            const auto userdata = io::make_memory(std::move(parsed->sectors), "line");
            EXPECT_TRUE(
                prove_key(parsed->footer, keys.front().key.expose(), *userdata, SectorIndex{0}).unwrap().has_value());
        }
        ++lines;
    }
    EXPECT_GE(lines, 2);
}

TEST(ForeignVolumes, TheKernelsOwnVolumeProvesItsKeyAndNoOther)
{
    SALVAGE_FOREIGN_OR_SKIP(packed, "dmcrypt/small-cbc-essiv-128.ext4.img.zst");
    const test::TemporaryFolder folder;
    const auto path = folder.path() / "volume.img";
    ASSERT_TRUE(test::run_command("zstd -dcq '" + packed.string() + "' > '" + path.string() + "'").has_value());
    const auto userdata = io::open_file(path).unwrap();
    CryptoFooter footer;
    footer.cipher = "aes-cbc-essiv:sha256";
    footer.key_bytes = 16;
    footer.fs_size = SectorCount{32736};
    auto key = from_hex("aa9c2dd12dcfb9d9b83bb4a83d9a7034").unwrap();

    const auto proof = prove_key(footer, key, *userdata, SectorIndex{0});
    ASSERT_TRUE(is_ok(proof));
    ASSERT_TRUE(proof->has_value());
    EXPECT_EQ((*proof)->filesystem, "ext4");
    EXPECT_EQ((*proof)->volume.length.value, 16760832U);
    EXPECT_GE((*proof)->strength_bits, 100U);
    const auto plain = make_decrypting(userdata, (*proof)->volume, key).unwrap();
    EXPECT_EQ(to_hex(crypto::sha256(io::read_all(*plain, ByteCount{1U << 25U}).unwrap())),
              "7a44317e161015101eadd7b72124f43fe70b3b14e3671d4bdcf1b49c06013260");
    const auto probe = make_key_probe(footer, *userdata, SectorIndex{0}).unwrap();
    EXPECT_TRUE(probe->accepts(key));

    for (std::size_t bit = 0; bit < key.size() * 8; ++bit) {
        key.at(bit / 8) ^= std::byte{1} << (bit % 8);
        EXPECT_FALSE(probe->accepts(key)) << bit;
        EXPECT_FALSE(prove_key(footer, key, *userdata, SectorIndex{0}).unwrap().has_value()) << bit;
        key.at(bit / 8) ^= std::byte{1} << (bit % 8);
    }
}

} // namespace
} // namespace salvage::fde
