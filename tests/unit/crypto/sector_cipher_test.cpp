// Sector ciphers against published vectors, a volume that a Linux kernel wrote, and OpenSSL called once a sector.
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>

#include "salvage/crypto/cipher.hpp"
#include "salvage/crypto/hash.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "support/vectors.hpp"

namespace salvage::crypto {
namespace {

using test::fails_with;
using test::is_ok;

Bytes noise(std::size_t size, std::uint64_t seed)
{
    Bytes bytes(size);
    for (auto& byte : bytes) {
        seed = (seed * 6364136223846793005ULL) + 1442695040888963407ULL;
        byte = static_cast<std::byte>(seed >> 56U);
    }
    return bytes;
}

Bytes counting_sector()
{
    Bytes sector(512);
    for (std::size_t i = 0; i < sector.size(); ++i) {
        sector[i] = static_cast<std::byte>(i);
    }
    return sector;
}

std::unique_ptr<const SectorCipher> cipher_for(std::string_view name, ByteView key)
{
    return make_sector_cipher(parse_cipher_name(name).unwrap(), key).unwrap();
}

TEST(SectorCipher, XtsAgreesWithIeee1619)
{
    Bytes previous;
    for (const auto& record : test::read_vectors(test::sample("crypto/sector.vec"), "XTS")) {
        const auto plain = record.text("Plain") == "count" ? counting_sector() : previous;
        const auto cipher = cipher_for("aes-xts-plain64", record.bytes("Key"));
        const SectorIndex sector{record.number("Sector")};
        auto data = plain;
        cipher->encrypt(sector, data);
        previous = data;
        EXPECT_EQ(to_hex(ByteView{data}.first(16)), record.text("First")) << record.where();
        EXPECT_EQ(to_hex(ByteView{data}.last(16)), record.text("Last")) << record.where();
        EXPECT_EQ(to_hex(sha256(data)), record.text("Sha256")) << record.where();
        cipher->decrypt(sector, data);
        EXPECT_EQ(data, plain) << record.where();
    }
}

TEST(SectorCipher, EssivAgreesWithPublishedFooters)
{
    for (const auto& record : test::read_vectors(test::sample("crypto/sector.vec"), "ESSIV")) {
        // The IV shows where it was XORed: deciphering one sector with two rules that differ in the IV only.
        const auto key = record.bytes("Key");
        const SectorIndex sector{record.number("Sector")};
        auto with_essiv = noise(512, 1);
        auto with_plain = with_essiv;
        cipher_for("aes-cbc-essiv:sha256", key)->decrypt(sector, with_essiv);
        cipher_for("aes-cbc-plain64", key)->decrypt(sector, with_plain);
        Bytes iv(16);
        store_le(std::span<std::byte>{iv}, sector.value);
        for (std::size_t i = 0; i < iv.size(); ++i) {
            iv[i] ^= with_essiv[i] ^ with_plain[i];
        }
        EXPECT_EQ(to_hex(iv), record.text("Iv")) << record.where();
    }
}

/// The text after "name": in a small JSON file whose values are strings.
std::string json_text(std::string_view json, std::string_view name)
{
    const auto key = "\"" + std::string{name} + "\": \"";
    const auto start = json.find(key);
    if (start == std::string_view::npos) {
        return {};
    }
    const auto from = start + key.size();
    return std::string{json.substr(from, json.find('"', from) - from)};
}

TEST(SectorCipher, DeciphersAVolumeWrittenByALinuxKernel)
{
    SALVAGE_FOREIGN_OR_SKIP(image, "dmcrypt/small-cbc-essiv-128.ext4.img.zst");
    SALVAGE_FOREIGN_OR_SKIP(facts_path, "dmcrypt/small-cbc-essiv-128.ext4.json");
    const auto unpacked = test::run_command("zstd -dqc '" + image.string() + "'");
    if (!unpacked) {
        GTEST_SKIP() << "zstd is not installed";
    }
    const auto facts_bytes = test::read_file(facts_path);
    const auto facts = as_text(facts_bytes);
    constexpr std::size_t mapped_bytes = 16760832;
    ASSERT_GE(unpacked->size(), mapped_bytes);
    const auto mapped = as_bytes(*unpacked).first(mapped_bytes);
    Bytes data{mapped.begin(), mapped.end()};
    const auto cipher =
        cipher_for(json_text(facts, "dm_crypt_cipher"), from_hex(json_text(facts, "master_key_hex")).unwrap());
    cipher->decrypt(SectorIndex{0}, data);
    EXPECT_EQ(to_hex(sha256(data)), json_text(facts, "plain_mapped_sha256"));
}

/// dm-crypt in the plainest words: one sector, one new context, OpenSSL's own XTS.
void reference(const SectorCipherSpec& spec, ByteView key, bool is_encrypting, std::uint64_t sector,
               std::span<std::byte> data)
{
    auto number = sector + spec.iv_base.value;
    if (spec.iv_counts_large_sectors) {
        number /= spec.sector.bytes() / 512U;
    }
    AesBlock iv{};
    if (spec.iv == IvRule::plain) {
        store_le(std::span{iv}.first(4), static_cast<std::uint32_t>(number));
    } else {
        store_le(std::span{iv}.first(8), number);
    }
    if (spec.iv == IvRule::essiv_sha256) {
        iv = aes_ecb_encrypt(sha256(key), iv);
    }
    const bool is_xts = spec.mode == CipherMode::xts;
    const auto name = "AES-" + std::to_string(key.size() * 8 / (is_xts ? 2 : 1)) + (is_xts ? "-XTS" : "-CBC");
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context{EVP_CIPHER_CTX_new(),
                                                                                  EVP_CIPHER_CTX_free};
    ASSERT_EQ(EVP_CipherInit_ex2(context.get(), EVP_get_cipherbyname(name.c_str()), as_uchar(key),
                                 as_uchar(ByteView{iv}), is_encrypting ? 1 : 0, nullptr),
              1);
    EVP_CIPHER_CTX_set_padding(context.get(), 0);
    int written = 0;
    ASSERT_EQ(EVP_CipherUpdate(context.get(), as_uchar(data), &written, as_uchar(ByteView{data}),
                               static_cast<int>(data.size())),
              1);
    ASSERT_EQ(static_cast<std::size_t>(written), data.size());
}

/// The last is whose kernels: nothing for the fastest.
using Shape = std::tuple<std::string_view, std::size_t, std::uint64_t, bool, std::uint64_t, std::optional<SectorIsa>>;

class EverySectorCipher : public ::testing::TestWithParam<Shape> {
protected:
    static SectorCipherSpec spec()
    {
        const auto& [name, key_bits, sector_bytes, counts_large, base, isa] = GetParam();
        auto made = parse_cipher_name(name).unwrap();
        made.sector = SectorSize::make(sector_bytes).value();
        made.iv_counts_large_sectors = counts_large;
        made.iv_base = SectorIndex{base};
        return made;
    }
    static Bytes key() { return noise(std::get<1>(GetParam()) / 8 * (spec().mode == CipherMode::xts ? 2 : 1), 42); }
};

TEST_P(EverySectorCipher, AgreesWithOpensslCalledOnceASector)
{
    const auto sector_bytes = spec().sector.bytes();
    const auto cipher = make_sector_cipher(spec(), key(), std::get<5>(GetParam())).unwrap();
    EXPECT_EQ(cipher->spec(), spec());
    // One sector, a whole batch, and batches with a rest; from sector 0 and from beyond 2 TiB.
    for (const std::size_t sectors : {1U, 2U, 31U, 32U, 33U, 100U}) {
        if (sectors * sector_bytes > 512U * 1024U) {
            continue; // many batches already
        }
        for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{sector_bytes / 512U} * 0x1'0000'0003U}) {
            const auto plain = noise(sectors * sector_bytes, first + sectors);
            auto expected = plain;
            for (std::size_t i = 0; i < sectors; ++i) {
                reference(spec(), key(), true, first + (i * sector_bytes / 512),
                          std::span{expected}.subspan(i * sector_bytes, sector_bytes));
            }
            auto data = plain;
            cipher->encrypt(SectorIndex{first}, data);
            ASSERT_TRUE(data == expected) << "enciphering " << sectors << " sectors from " << first;
            cipher->decrypt(SectorIndex{first}, data);
            ASSERT_TRUE(data == plain) << "deciphering " << sectors << " sectors from " << first;
            // What deciphers noise does not depend on having been enciphered by us.
            data = noise(plain.size(), 99);
            expected = data;
            for (std::size_t i = 0; i < sectors; ++i) {
                reference(spec(), key(), false, first + (i * sector_bytes / 512),
                          std::span{expected}.subspan(i * sector_bytes, sector_bytes));
            }
            cipher->decrypt(SectorIndex{first}, data);
            ASSERT_TRUE(data == expected) << "deciphering noise, " << sectors << " sectors from " << first;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(
    AllShapes, EverySectorCipher,
    ::testing::Combine(::testing::Values("aes-cbc-essiv:sha256", "aes-cbc-plain", "aes-cbc-plain64", "aes-xts-plain",
                                         "aes-xts-plain64"),
                       ::testing::Values(128, 256), ::testing::Values(512, 1024, 2048, 4096, 65536), ::testing::Bool(),
                       ::testing::Values(0, 0x1D0000, 0xFFFF'FFFF),
                       ::testing::Values(std::optional<SectorIsa>{}, std::optional{SectorIsa::portable})));

TEST(SectorCipher, RefusesKeysThatDoNotFit)
{
    for (std::size_t size = 0; size <= 80; ++size) {
        const auto cbc = make_sector_cipher({.mode = CipherMode::cbc}, Bytes(size));
        const auto xts = make_sector_cipher({.mode = CipherMode::xts, .iv = IvRule::plain64}, Bytes(size));
        const bool is_cbc_key = size == 16 || size == 32;
        const bool is_xts_key = size == 32 || size == 64;
        EXPECT_TRUE(is_cbc_key ? is_ok(cbc) : fails_with(cbc, ErrorCode::invalid_argument)) << size;
        EXPECT_TRUE(is_xts_key ? is_ok(xts) : fails_with(xts, ErrorCode::invalid_argument)) << size;
    }
    EXPECT_TRUE(fails_with(make_sector_cipher({.mode = CipherMode::xts, .iv = IvRule::essiv_sha256}, Bytes(32)),
                           ErrorCode::invalid_argument));
}

/// OpenSSL's own XTS refuses to encipher with such a key; volumes with it exist all the same.
TEST(SectorCipher, TakesXtsKeysWithEqualHalves)
{
    const auto cipher = cipher_for("aes-xts-plain64", Bytes(64));
    const auto plain = noise(4096, 7);
    auto data = plain;
    cipher->encrypt(SectorIndex{5}, data);
    EXPECT_NE(data, plain);
    cipher->decrypt(SectorIndex{5}, data);
    EXPECT_EQ(data, plain);
}

TEST(SectorCipher, NothingStaysNothing)
{
    cipher_for("aes-cbc-essiv:sha256", Bytes(16))->decrypt(SectorIndex{0}, {});
}

TEST(SectorCipher, ServesManyThreadsAtOnce)
{
    const auto cipher = cipher_for("aes-cbc-essiv:sha256", noise(16, 3));
    const auto plain = noise(512U * 1000, 4);
    auto ciphered = plain;
    cipher->encrypt(SectorIndex{77}, ciphered);
    std::vector<Bytes> copies(8, ciphered);
    {
        std::vector<std::jthread> threads;
        for (auto& copy : copies) {
            threads.emplace_back([&] {
                for (std::size_t at = 0; at < copy.size(); at += 512U * 10) {
                    cipher->decrypt(SectorIndex{77 + (at / 512)}, std::span{copy}.subspan(at, 512U * 10));
                }
            });
        }
    }
    EXPECT_TRUE(std::ranges::all_of(copies, [&](const Bytes& copy) { return copy == plain; }));
}

} // namespace
} // namespace salvage::crypto
