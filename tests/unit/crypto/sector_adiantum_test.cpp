// Adiantum against its authors' vectors, and every instruction set's kernels against the portable ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "crypto/sector/adiantum.hpp"
#include "salvage/crypto/hash.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "support/guarded_pages.hpp"
#include "support/vectors.hpp"
#include "unit/crypto/sector_support.hpp"

namespace salvage::crypto {
namespace {

using openssl::Direction;
using sector::Adiantum;
using sector::AdiantumTweak;
using test_support::sector_noise;

class AdiantumKernels : public test_support::EverySectorIsa {};
SALVAGE_FOR_EVERY_SECTOR_ISA(AdiantumKernels);

TEST_P(AdiantumKernels, AgreeWithTheirAuthorsVectors)
{
    for (const unsigned rounds : {12U, 20U}) {
        for (const auto& record :
             test::read_vectors(test::sample("crypto/adiantum.vec"), rounds == 12 ? "XChaCha12" : "XChaCha20")) {
            const Adiantum cipher{record.bytes("Key"), rounds, sector::select_kernels(GetParam())};
            AdiantumTweak tweak{};
            std::ranges::copy(record.bytes("Tweak"), tweak.begin());
            const auto plain = record.bytes("Plain");
            const auto ciphered = record.bytes("Ciphered");
            Bytes out(plain.size());
            cipher.pass(Direction::encrypt, {&tweak, 1}, plain.size(), plain, out);
            EXPECT_EQ(to_hex(out), record.text("Ciphered")) << record.where();
            cipher.pass(Direction::decrypt, {&tweak, 1}, out.size(), ciphered, out);
            EXPECT_EQ(to_hex(out), record.text("Plain")) << record.where();
        }
    }
}

std::unique_ptr<const SectorCipher> cipher_of(SectorIsa isa, std::size_t sector_bytes, bool counts_large = false,
                                              std::string_view name = "xchacha12,aes-adiantum-plain64")
{
    auto spec = parse_cipher_name(name).unwrap();
    spec.sector = SectorSize::make(sector_bytes).value();
    spec.iv_counts_large_sectors = counts_large;
    return make_sector_cipher(spec, sector_noise(32, 11), isa).unwrap();
}

TEST_P(AdiantumKernels, AgreeWithThePortableOnes)
{
    for (const auto* const name : {"xchacha12,aes-adiantum-plain64", "xchacha20,aes-adiantum-plain"}) {
        for (const std::size_t sector_bytes : {512U, 1024U, 2048U, 4096U, 65536U}) {
            const auto kernel = cipher_of(GetParam(), sector_bytes, false, name);
            const auto portable = cipher_of(SectorIsa::portable, sector_bytes, false, name);
            for (const std::size_t sectors : {1U, 2U, 15U, 16U, 17U, 33U}) {
                const auto noise = sector_noise(sectors * sector_bytes, sectors);
                auto data = noise;
                auto expected = noise;
                const SectorIndex first{0x1'0000'0000 - 128};
                kernel->decrypt(first, data);
                portable->decrypt(first, expected);
                ASSERT_TRUE(data == expected) << name << ": " << sectors << " of " << sector_bytes;
                kernel->encrypt(first, data);
                ASSERT_TRUE(data == noise) << name << ": " << sectors << " of " << sector_bytes;
            }
        }
    }
}

TEST_P(AdiantumKernels, StayWithinTheirBuffers)
{
    for (const std::size_t sector_bytes : {512U, 4096U}) {
        const auto kernel = cipher_of(GetParam(), sector_bytes);
        for (const std::size_t sectors : {1U, 17U}) {
            const auto bytes = sectors * sector_bytes;
            const auto noise = sector_noise(bytes, 3);
            auto expected = noise;
            cipher_of(SectorIsa::portable, sector_bytes)->decrypt(SectorIndex{0}, expected);
            const test::GuardedMemory source{bytes};
            const test::GuardedMemory target{bytes};
            for (const bool at_start : {true, false}) {
                const auto from = at_start ? source.at_start(bytes) : source.at_end(bytes);
                const auto into = at_start ? target.at_start(bytes) : target.at_end(bytes);
                std::ranges::copy(noise, from.begin());
                kernel->decrypt_into(SectorIndex{0}, from, into, TargetMemory::cold);
                ASSERT_TRUE(std::ranges::equal(into, expected)) << sectors << " of " << sector_bytes;
                kernel->decrypt(SectorIndex{0}, from);
                ASSERT_TRUE(std::ranges::equal(from, expected)) << sectors << " of " << sector_bytes;
            }
        }
    }
}

TEST_P(AdiantumKernels, TakeDataAtAnyAddress)
{
    const auto kernel = cipher_of(GetParam(), 512);
    const auto noise = sector_noise(512, 1);
    auto expected = noise;
    kernel->decrypt(SectorIndex{9}, expected);
    for (std::size_t offset = 0; offset < 64; ++offset) {
        Bytes room(512 + 64);
        const auto data = std::span{room}.subspan(offset, 512);
        std::ranges::copy(noise, data.begin());
        kernel->decrypt(SectorIndex{9}, data);
        ASSERT_TRUE(std::ranges::equal(data, expected)) << offset;
    }
}

/// The tweak as dm-crypt makes it: the sector's number, little-endian, and zeros.
TEST(Adiantum, TakesTheSectorsNumberAsTweak)
{
    constexpr std::size_t sectors = 20;
    for (const bool counts_large : {false, true}) {
        const auto cipher = cipher_of(SectorIsa::portable, 4096, counts_large);
        auto data = sector_noise(sectors * 4096, 4);
        std::vector<AdiantumTweak> tweaks(sectors);
        for (std::size_t i = 0; i < sectors; ++i) {
            store_le(std::span<std::byte>{tweaks[i]}, std::uint64_t{counts_large ? 5 + i : 40 + (8 * i)});
        }
        Bytes expected(data.size());
        const Adiantum core{sector_noise(32, 11), 12, sector::select_kernels(SectorIsa::portable)};
        core.pass(Direction::decrypt, tweaks, 4096, data, expected);
        cipher->decrypt(SectorIndex{40}, data);
        EXPECT_TRUE(data == expected);
    }
}

TEST(Adiantum, RefusesKeysThatDoNotFit)
{
    const SectorCipherSpec spec{.mode = CipherMode::adiantum_xchacha12, .iv = IvRule::plain64};
    for (std::size_t size = 0; size <= 80; ++size) {
        const auto cipher = make_sector_cipher(spec, Bytes(size));
        EXPECT_TRUE(size == 32 ? test::is_ok(cipher) : test::fails_with(cipher, ErrorCode::invalid_argument)) << size;
    }
    EXPECT_TRUE(test::fails_with(
        make_sector_cipher({.mode = CipherMode::adiantum_xchacha12, .iv = IvRule::essiv_sha256}, Bytes(32)),
        ErrorCode::invalid_argument));
}

} // namespace
} // namespace salvage::crypto
