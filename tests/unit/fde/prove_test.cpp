// Proving keys: on filesystems that mke2fs made, enciphered by OpenSSL as dm-crypt does it.
#include <gtest/gtest.h>

#include <chrono>

#include "fde/places.hpp"
#include "fde_support.hpp"
#include "salvage/fde/unlock.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "small_volumes.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::fde {
namespace {

using test::fails_with;
using test::is_ok;
using test_support::DiskCipher;
using test_support::encipher_volume;
using test_support::f2fs_image;
using test_support::fat32_image;
using test_support::large_blocks_ext4;
using test_support::make_ext;
using test_support::mebibyte;
using test_support::memory;
using test_support::noise;
using test_support::small_ext4;

CryptoFooter footer_for(std::size_t bytes, std::string cipher = "aes-cbc-essiv:sha256", std::uint32_t key_bytes = 16)
{
    CryptoFooter footer;
    footer.minor = 3;
    footer.cipher = std::move(cipher);
    footer.key_bytes = key_bytes;
    footer.fs_size = SectorCount{bytes / 512};
    return footer;
}

std::optional<KeyProof> proof_of(const CryptoFooter& footer, ByteView key, const io::SourcePtr& userdata,
                                 std::uint64_t lba = 0)
{
    auto proof = prove_key(footer, key, *userdata, SectorIndex{lba});
    EXPECT_TRUE(is_ok(proof));
    return proof.has_value() ? std::move(*proof) : std::nullopt;
}

bool accepts(const CryptoFooter& footer, ByteView key, const io::SourcePtr& userdata, std::uint64_t lba = 0)
{
    const auto probe = make_key_probe(footer, *userdata, SectorIndex{lba});
    EXPECT_TRUE(is_ok(probe));
    return probe.has_value() && (*probe)->accepts(key);
}

std::string all_facts(const KeyProof& proof)
{
    std::string out;
    for (const auto& fact : proof.facts) {
        out += fact + "\n";
    }
    return out;
}

TEST(ProveKey, AcceptsTheRightKeyAndNamesTheProof)
{
    const auto key = noise(16, 1);
    const auto userdata = memory(encipher_volume({}, key, small_ext4()));
    const auto footer = footer_for(small_ext4().size());
    const auto proof = proof_of(footer, key, userdata);
    ASSERT_TRUE(proof.has_value());
    EXPECT_EQ(proof->filesystem, "ext4");
    EXPECT_EQ(proof->volume.length.value, small_ext4().size());
    EXPECT_EQ(proof->volume.cipher, crypto::parse_cipher_name("aes-cbc-essiv:sha256").unwrap());
    EXPECT_FALSE(proof->volume.encrypted_upto.has_value());
    ASSERT_EQ(proof->facts.size(), 1U) << all_facts(*proof);
    EXPECT_TRUE(proof->facts.front().starts_with("ext4 superblock at 0x400 (1024): magic, ")) << proof->facts.front();
    EXPECT_TRUE(proof->facts.front().ends_with(" fields sane, checksum agrees")) << proof->facts.front();
    EXPECT_TRUE(accepts(footer, key, userdata));
}

TEST(ProveKey, RefusesEveryKeyThatDiffersByOneBit)
{
    auto key = noise(16, 1);
    const auto userdata = memory(encipher_volume({}, key, Bytes(small_ext4().begin(), small_ext4().begin() + 65536)));
    const auto footer = footer_for(small_ext4().size());
    const auto probe = make_key_probe(footer, *userdata, SectorIndex{0}).unwrap();
    EXPECT_TRUE(probe->accepts(key));
    for (std::size_t bit = 0; bit < 128; ++bit) {
        key.at(bit / 8) ^= std::byte{1} << (bit % 8);
        EXPECT_FALSE(probe->accepts(key)) << bit;
        EXPECT_FALSE(proof_of(footer, key, userdata).has_value()) << bit;
        key.at(bit / 8) ^= std::byte{1} << (bit % 8);
    }
}

TEST(ProveKey, FindsEveryCipherSectorSizeAndIvBase)
{
    struct Case {
        DiskCipher disk;
        const char* name;
        std::size_t key_bytes;
    };
    constexpr std::uint64_t lba = 0x68000;
    const std::array cases{
        Case{{}, "aes-cbc-essiv:sha256", 32},
        Case{{.iv_base = lba}, "aes-cbc-essiv:sha256", 16},
        Case{{.sector = 4096}, "aes-cbc-essiv:sha256", 16},
        Case{{.sector = 4096, .counts_large = true}, "aes-cbc-essiv:sha256", 16},
        Case{{.sector = 4096, .counts_large = true, .iv_base = lba}, "aes-cbc-essiv:sha256", 16},
        Case{{.is_essiv = false}, "aes-cbc-plain:sha1", 32},
        Case{{.is_essiv = false, .iv_base = lba}, "aes-cbc-plain64", 16},
        Case{{.is_xts = true, .is_essiv = false}, "aes-xts-plain64", 32},
        Case{{.is_xts = true, .is_essiv = false}, "aes-xts-plain64", 64},
        Case{{.is_xts = true, .is_essiv = false, .iv_base = lba}, "aes-xts-plain64", 64},
        Case{{.is_xts = true, .is_essiv = false, .sector = 4096}, "aes-xts-plain64", 64},
        Case{{.is_xts = true, .is_essiv = false, .sector = 4096, .counts_large = true}, "aes-xts-plain64", 32},
    };
    for (const auto& [disk, name, key_bytes] : cases) {
        const auto key = noise(key_bytes, 3);
        const auto& plain = large_blocks_ext4();
        const auto userdata = memory(encipher_volume(disk, key, plain));
        const auto footer = footer_for(plain.size(), name, static_cast<std::uint32_t>(key_bytes));
        const auto proof = proof_of(footer, key, userdata, lba);
        const auto what =
            std::string{name} + ", sector " + std::to_string(disk.sector) + ", base " + std::to_string(disk.iv_base);
        ASSERT_TRUE(proof.has_value()) << what;
        EXPECT_TRUE(accepts(footer, key, userdata, lba)) << what;
        const auto opened = make_decrypting(userdata, proof->volume, key).unwrap();
        EXPECT_EQ(io::read_all(*opened, ByteCount{plain.size()}).unwrap(), plain) << what << all_facts(*proof);
        EXPECT_FALSE(proof_of(footer, noise(key_bytes, 4), userdata, lba).has_value()) << what;
        EXPECT_FALSE(accepts(footer, noise(key_bytes, 4), userdata, lba)) << what;
    }
}

/// That Adiantum's own sectors are what a kernel writes is the business of guest.dm_crypt.
TEST(ProveKey, FindsAdiantumsSectorSize)
{
    const auto key = noise(32, 8);
    const auto footer = footer_for(large_blocks_ext4().size(), "xchacha12,aes-adiantum-plain64", 32);
    for (const auto& sectors : {sector_512(), sector_4096()}) {
        for (const bool counts_large : {false, true}) {
            auto spec = crypto::parse_cipher_name(footer.cipher).unwrap();
            spec.sector = sectors;
            spec.iv_counts_large_sectors = counts_large && sectors != sector_512();
            auto volume = large_blocks_ext4();
            crypto::make_sector_cipher(spec, key).unwrap()->encrypt(SectorIndex{0}, volume);
            const auto userdata = memory(volume);
            const auto proof = proof_of(footer, key, userdata);
            ASSERT_TRUE(proof.has_value()) << crypto::to_string(spec);
            EXPECT_EQ(proof->volume.cipher, spec) << crypto::to_string(proof->volume.cipher);
            EXPECT_TRUE(accepts(footer, key, userdata));
            EXPECT_FALSE(accepts(footer, noise(32, 9), userdata));
            EXPECT_FALSE(proof_of(footer, noise(32, 9), userdata).has_value());
        }
    }
}

TEST(ProveKey, TellsHowLargeSectorsAreCountedUnderF2fs)
{
    for (const bool is_xts : {false, true}) {
        for (const bool counts_large : {false, true}) {
            const auto key = noise(32, 3);
            const auto plain = f2fs_image(65536);
            const DiskCipher disk{.is_xts = is_xts, .is_essiv = !is_xts, .sector = 4096, .counts_large = counts_large};
            const auto userdata = memory(encipher_volume(disk, key, plain));
            const auto footer = footer_for(plain.size(), is_xts ? "aes-xts-plain64" : "aes-cbc-essiv:sha256", 32);
            const auto proof = proof_of(footer, key, userdata);
            ASSERT_TRUE(proof.has_value());
            EXPECT_EQ(proof->volume.cipher.sector, sector_4096());
            EXPECT_EQ(proof->volume.cipher.iv_counts_large_sectors, counts_large) << is_xts;
        }
    }
}

TEST(ProveKey, FindsAnIvRuleThatTheFooterDoesNotName)
{
    const auto key = noise(16, 3);
    const auto& plain = large_blocks_ext4();
    const auto userdata = memory(encipher_volume({.is_essiv = false}, key, plain));
    const auto proof = proof_of(footer_for(plain.size()), key, userdata);
    ASSERT_TRUE(proof.has_value());
    EXPECT_EQ(proof->volume.cipher.iv, crypto::IvRule::plain64);
    EXPECT_NE(all_facts(*proof).find("found by trying"), std::string::npos) << all_facts(*proof);
}

TEST(ProveKey, AnUnknownIvRuleIsToldFromAWrongKey)
{
    const auto key = noise(16, 3);
    const auto& plain = large_blocks_ext4();
    const auto userdata = memory(encipher_volume({.iv_base = 12345}, key, plain));
    const auto proof = proof_of(footer_for(plain.size()), key, userdata);
    ASSERT_TRUE(proof.has_value());
    EXPECT_NE(all_facts(*proof).find("not everything in the superblock fits"), std::string::npos) << all_facts(*proof);
}

TEST(ProveKey, ProvesExt2Ext3F2fsAndFat)
{
    struct Case {
        Bytes plain;
        const char* name;
    };
    const std::array cases{Case{make_ext("-t ext2 -b 1024", 8), "ext2"}, Case{make_ext("-t ext3 -b 4096", 16), "ext3"},
                           Case{f2fs_image(8 * mebibyte), "f2fs"}, Case{fat32_image(mebibyte), "fat"}};
    for (const auto& [plain, name] : cases) {
        for (const bool is_xts : {false, true}) {
            const auto key = noise(32, 8);
            const auto userdata = memory(encipher_volume({.is_xts = is_xts, .is_essiv = !is_xts}, key, plain));
            const auto footer = footer_for(plain.size(), is_xts ? "aes-xts-plain64" : "aes-cbc-essiv:sha256", 32);
            const auto proof = proof_of(footer, key, userdata);
            ASSERT_TRUE(proof.has_value()) << name << is_xts;
            EXPECT_EQ(proof->filesystem, name);
            EXPECT_EQ(proof->facts.size(), 1U) << all_facts(*proof);
            EXPECT_TRUE(accepts(footer, key, userdata)) << name;
            EXPECT_FALSE(accepts(footer, noise(32, 9), userdata)) << name;
        }
    }
}

TEST(ProveKey, ADamagedStartIsToldFromAWrongKeyByABackup)
{
    const auto key = noise(16, 1);
    auto bytes = encipher_volume({}, key, small_ext4());
    const auto overwritten = noise(16384, 99);
    std::ranges::copy(overwritten, bytes.begin());
    const auto userdata = memory(std::move(bytes));
    const auto footer = footer_for(small_ext4().size());
    const auto proof = proof_of(footer, key, userdata);
    ASSERT_TRUE(proof.has_value());
    EXPECT_EQ(proof->filesystem, "ext4");
    EXPECT_TRUE(proof->facts.front().starts_with("ext4 backup superblock at 0x800400 (8389632): magic"))
        << all_facts(*proof);
    EXPECT_NE(all_facts(*proof).find("does not appear under this key: the key is right"), std::string::npos)
        << all_facts(*proof);
    EXPECT_TRUE(accepts(footer, key, userdata));
    EXPECT_FALSE(proof_of(footer, noise(16, 2), userdata).has_value());
}

TEST(ProveKey, AnUnreadableStartIsPassedOverWhereABackupIsReadable)
{
    const auto key = noise(16, 1);
    const auto whole = memory(encipher_volume({}, key, small_ext4()));
    const auto userdata = io::make_with_bad_areas(whole, {ByteRange::first(ByteCount{65536})});
    const auto footer = footer_for(small_ext4().size());
    const auto proof = proof_of(footer, key, userdata);
    ASSERT_TRUE(proof.has_value());
    EXPECT_NE(all_facts(*proof).find("cannot be read: the key is right"), std::string::npos) << all_facts(*proof);
    EXPECT_TRUE(accepts(footer, key, userdata));
    EXPECT_FALSE(accepts(footer, noise(16, 2), userdata));
    // A wrong key is not called wrong there: a filesystem without backups would look the same.
    EXPECT_TRUE(fails_with(prove_key(footer, noise(16, 2), *userdata, SectorIndex{0}), ErrorCode::unreadable));
}

TEST(ProveKey, AVolumeWithoutReadableSuperblocksProvesNothing)
{
    const auto key = noise(16, 1);
    const auto whole = memory(encipher_volume({}, key, small_ext4()));
    const auto userdata = io::make_with_bad_areas(whole, {io::whole(*whole)});
    const auto footer = footer_for(small_ext4().size());
    EXPECT_TRUE(fails_with(prove_key(footer, key, *userdata, SectorIndex{0}), ErrorCode::unreadable));
    EXPECT_TRUE(fails_with(make_key_probe(footer, *userdata, SectorIndex{0}), ErrorCode::unreadable));
    EXPECT_TRUE(fails_with(prove_key(footer, key, *memory(Bytes(100)), SectorIndex{0}), ErrorCode::unreadable));
    EXPECT_TRUE(fails_with(make_key_probe(footer, *memory(Bytes(100)), SectorIndex{0}), ErrorCode::unreadable));
}

TEST(ProveKey, TheSecondCopyOfF2fsServesForTheFirst)
{
    const auto key = noise(16, 1);
    auto bytes = encipher_volume({}, key, f2fs_image(mebibyte));
    std::ranges::copy(noise(2048, 99), bytes.begin() + 1024);
    const auto userdata = memory(std::move(bytes));
    const auto proof = proof_of(footer_for(mebibyte), key, userdata);
    ASSERT_TRUE(proof.has_value());
    EXPECT_EQ(proof->filesystem, "f2fs");
    EXPECT_TRUE(proof->facts.front().starts_with("f2fs backup superblock at 0x1400 (5120)")) << all_facts(*proof);
    EXPECT_TRUE(accepts(footer_for(mebibyte), key, userdata));
}

TEST(ProveKey, BackupsStandWhereMke2fsPutsThem)
{
    // dumpe2fs -h of volumes of 1, 2 and 4 KiB blocks: "Backup superblock at 8193", "16384", "32768", and at 3, 5 and 7
    // times as many blocks.
    const auto places = superblock_places(8ULL << 30U);
    const auto has = [&](std::uint64_t at) {
        return std::ranges::any_of(places, [at](const auto& place) { return place.is_backup && place.at == at; });
    };
    EXPECT_TRUE(has(8193ULL * 1024));
    EXPECT_TRUE(has(57345ULL * 1024));
    EXPECT_TRUE(has(16384ULL * 2048));
    EXPECT_TRUE(has(32768ULL * 4096));
    EXPECT_TRUE(has(229376ULL * 4096));
    for (const std::uint64_t end : {0ULL, 511ULL, 512ULL, 1536ULL, 5632ULL, 1ULL << 27U}) {
        for (const auto& place : superblock_places(end)) {
            EXPECT_LE(place.at + 512, end);
        }
    }
}

TEST(ProveKey, InterruptedEncryptionIsPlainBehindItsLastSector)
{
    const auto key = noise(16, 1);
    constexpr std::size_t cut = 4 * mebibyte;
    auto bytes = encipher_volume({}, key, Bytes(small_ext4().begin(), small_ext4().begin() + cut));
    bytes.insert(bytes.end(), small_ext4().begin() + cut, small_ext4().end());
    const auto userdata = memory(std::move(bytes));
    auto footer = footer_for(small_ext4().size());
    footer.flags = footer_flag::encryption_in_progress;
    footer.encrypted_upto = SectorCount{(cut / 512) - 1};
    const auto proof = proof_of(footer, key, userdata);
    ASSERT_TRUE(proof.has_value());
    EXPECT_EQ(proof->volume.encrypted_upto, ByteCount{cut});
    const auto plain = make_decrypting(userdata, proof->volume, key).unwrap();
    EXPECT_EQ(io::read_all(*plain, ByteCount{small_ext4().size()}).unwrap(), small_ext4());
    EXPECT_FALSE(proof_of(footer, noise(16, 2), userdata).has_value()) << "plain backups prove no key";
    EXPECT_FALSE(accepts(footer, noise(16, 2), userdata));
    EXPECT_TRUE(accepts(footer, key, userdata));
}

TEST(ProveKey, EncryptedUptoCountsOnlyWithItsFlagAndBelowTheSize)
{
    const auto key = noise(16, 1);
    const auto userdata = memory(encipher_volume({}, key, small_ext4()));
    auto footer = footer_for(small_ext4().size());
    footer.encrypted_upto = SectorCount{1000};
    EXPECT_FALSE(proof_of(footer, key, userdata)->volume.encrypted_upto.has_value());
    footer.flags = footer_flag::encryption_in_progress;
    footer.encrypted_upto = footer.fs_size;
    EXPECT_FALSE(proof_of(footer, key, userdata)->volume.encrypted_upto.has_value());
}

TEST(ProveKey, OldInterruptedEncryptionSaysThatTheEndIsUnknown)
{
    const auto key = noise(16, 1);
    const auto userdata = memory(encipher_volume({}, key, small_ext4()));
    auto footer = footer_for(small_ext4().size());
    footer.minor = 2;
    footer.flags = footer_flag::encryption_in_progress;
    const auto proof = proof_of(footer, key, userdata);
    ASSERT_TRUE(proof.has_value());
    EXPECT_FALSE(proof->volume.encrypted_upto.has_value());
    EXPECT_NE(all_facts(*proof).find("the footer does not say where"), std::string::npos) << all_facts(*proof);
}

TEST(ProveKey, TheHashOfTheFirstBlockProvesAKeyWithoutAnyFilesystem)
{
    const auto key = noise(16, 1);
    const auto plain = noise(65536, 42);
    const auto userdata = memory(encipher_volume({.iv_base = 777}, key, plain));
    auto footer = footer_for(65536);
    std::array<std::byte, 32> hash{};
    std::ranges::copy(test_support::sha256(ByteView{plain}.first(4096)), hash.begin());
    footer.hash_first_block = hash;
    const auto proof = proof_of(footer, key, userdata, 777);
    ASSERT_TRUE(proof.has_value());
    EXPECT_TRUE(proof->filesystem.empty());
    EXPECT_EQ(proof->strength_bits, 256U);
    EXPECT_EQ(proof->volume.cipher.iv_base.value, 777U);
    EXPECT_TRUE(accepts(footer, key, userdata, 777));
    EXPECT_FALSE(accepts(footer, noise(16, 2), userdata, 777));
    EXPECT_FALSE(proof_of(footer, noise(16, 2), userdata, 777).has_value());
    EXPECT_FALSE(proof_of(footer, key, userdata, 778).has_value());
}

TEST(ProveKey, TheVolumeIsAsLongAsTheFooterSaysAndUserdataAllows)
{
    const auto key = noise(16, 1);
    const auto& plain = small_ext4();
    auto longer = encipher_volume({}, key, plain);
    longer.resize(longer.size() + 0x4000);
    const auto userdata = memory(longer);
    EXPECT_EQ(proof_of(footer_for(plain.size()), key, userdata)->volume.length.value, plain.size());
    // A footer of another size than this partition: no more than there is.
    EXPECT_EQ(proof_of(footer_for(1ULL << 45U), key, userdata)->volume.length.value, longer.size());
    // A footer put together from a raw key.
    EXPECT_EQ(proof_of(footer_for(0), key, userdata)->volume.length.value, longer.size());
    // A cut dump: what the filesystem says is missing stays part of the volume, unreadable.
    longer.resize(plain.size() / 2);
    const auto cut = proof_of(footer_for(plain.size()), key, memory(longer));
    EXPECT_EQ(cut->volume.length.value, plain.size());
    EXPECT_NE(all_facts(*cut).find("of which 16 MiB"), std::string::npos) << all_facts(*cut);
}

TEST(ProveKey, UnknownCiphersAndOddKeysAreNamed)
{
    const auto userdata = memory(noise(65536, 1));
    EXPECT_TRUE(
        fails_with(prove_key(footer_for(65536, "speck128/256-xts-plain64"), noise(32, 1), *userdata, SectorIndex{0}),
                   ErrorCode::unsupported));
    EXPECT_TRUE(
        fails_with(make_key_probe(footer_for(65536, "blowfish"), *userdata, SectorIndex{0}), ErrorCode::unsupported));
    EXPECT_TRUE(
        fails_with(prove_key(footer_for(65536), noise(24, 1), *userdata, SectorIndex{0}), ErrorCode::invalid_argument));
    EXPECT_FALSE(accepts(footer_for(65536), noise(24, 1), userdata));
}

TEST(ProveKey, EveryFailingReadIsAnError)
{
    const auto key = noise(16, 1);
    const auto whole = memory(encipher_volume({}, key, small_ext4()));
    const auto footer = footer_for(small_ext4().size());
    bool has_passed = false;
    for (std::uint64_t n = 1; n < 200 && !has_passed; ++n) {
        const auto proof = prove_key(footer, key, *io::make_faulty(whole, n), SectorIndex{0});
        has_passed = proof.has_value();
        EXPECT_TRUE(has_passed || proof.error().code == ErrorCode::io) << n;
    }
    EXPECT_TRUE(has_passed);
    has_passed = false;
    for (std::uint64_t n = 1; n < 200 && !has_passed; ++n) {
        const auto probe = make_key_probe(footer, *io::make_faulty(whole, n), SectorIndex{0});
        has_passed = probe.has_value();
        EXPECT_TRUE(has_passed || probe.error().code == ErrorCode::io) << n;
    }
    EXPECT_TRUE(has_passed);
}

TEST(ProveKey, EveryDamagedSuperblockByteStillProvesOrIsRefusedWell)
{
    const auto key = noise(16, 1);
    const auto clean = encipher_volume({}, key, large_blocks_ext4());
    const auto footer = footer_for(large_blocks_ext4().size());
    int proven = 0;
    for (std::size_t at = 1024; at < 2048; at += 5) {
        auto bytes = clean;
        bytes.at(at) ^= std::byte{0xFF}; // one cipher block becomes noise, one bit pattern flips in the next
        const auto proof = prove_key(footer, key, *memory(std::move(bytes)), SectorIndex{0});
        ASSERT_TRUE(is_ok(proof)) << at;
        proven += proof->has_value() ? 1 : 0;
    }
    EXPECT_GT(proven, 190) << "damage to the magic's own block alone costs the proof";
}

TEST(ProveKey, FalsePositivesAreNotSeen)
{
    const auto userdata = memory(noise(16 * mebibyte, 4));
    const auto footer = footer_for(16 * mebibyte);
    const auto probe = make_key_probe(footer, *userdata, SectorIndex{0}).unwrap();
    for (std::uint64_t i = 0; i < 20000; ++i) {
        ASSERT_FALSE(probe->accepts(noise(16, i)));
    }
}

} // namespace
} // namespace salvage::fde
