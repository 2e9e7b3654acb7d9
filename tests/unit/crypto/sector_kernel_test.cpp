// The AES sector kernels of every instruction set against their twin by OpenSSL, which the tests beside hold against
// OpenSSL called once a sector, a kernel's volume and published vectors.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>

#include "crypto/sector/selection.hpp"
#include "support/guarded_pages.hpp"
#include "unit/crypto/sector_support.hpp"

namespace salvage::crypto {
namespace {

using test_support::sector_noise;

class SectorKernels : public test_support::EverySectorIsa {};
SALVAGE_FOR_EVERY_SECTOR_ISA(SectorKernels);

constexpr std::array names{"aes-cbc-essiv:sha256", "aes-cbc-plain", "aes-cbc-plain64", "aes-xts-plain",
                           "aes-xts-plain64"};
constexpr std::uint64_t beyond_2_tib = 0x1'0000'0000 - 8;

struct Shape {
    const char* name;
    std::size_t key_bits;
    std::size_t sector_bytes;
    bool counts_large{false};
};

std::vector<Shape> all_shapes()
{
    std::vector<Shape> shapes;
    for (const auto* const name : names) {
        for (const std::size_t key_bits : {128U, 256U}) {
            for (const std::size_t sector_bytes : {512U, 1024U, 2048U, 4096U, 65536U}) {
                for (const bool counts_large : {false, true}) {
                    shapes.push_back({.name = name,
                                      .key_bits = key_bits,
                                      .sector_bytes = sector_bytes,
                                      .counts_large = counts_large});
                }
            }
        }
    }
    return shapes;
}

struct Twins {
    std::unique_ptr<const SectorCipher> kernel;
    std::unique_ptr<const SectorCipher> openssl;
};
Twins twins_of(const Shape& shape, SectorIsa isa)
{
    auto spec = parse_cipher_name(shape.name).unwrap();
    spec.sector = SectorSize::make(shape.sector_bytes).value();
    spec.iv_counts_large_sectors = shape.counts_large;
    const auto key = sector_noise(shape.key_bits / 8 * (spec.mode == CipherMode::xts ? 2 : 1), shape.key_bits);
    return {.kernel = make_sector_cipher(spec, key, isa).unwrap(),
            .openssl = make_sector_cipher(spec, key, SectorIsa::portable).unwrap()};
}

std::string describe(const Shape& shape, std::size_t sectors)
{
    return std::string{shape.name} + ", " + std::to_string(shape.key_bits) + " bits, " + std::to_string(sectors) +
           " sectors of " + std::to_string(shape.sector_bytes) + (shape.counts_large ? ", counted as such" : "");
}

TEST_P(SectorKernels, AreTheOnesAskedFor)
{
    EXPECT_EQ(sector::select_kernels(GetParam()).aes_isa, GetParam());
    const auto fastest = sector::select_kernels(std::nullopt);
    EXPECT_EQ(fastest.aes_isa, supported_sector_isas().back());
}

TEST_P(SectorKernels, AgreeWithTheirTwinForAllShapes)
{
    for (const auto& shape : all_shapes()) {
        const auto [kernel, openssl] = twins_of(shape, GetParam());
        for (const std::size_t sectors : {1U, 2U, 3U, 31U, 32U, 33U, 63U, 64U, 65U, 130U}) {
            if (sectors * shape.sector_bytes > 600'000) {
                continue; // longer ones are batches of the same
            }
            const SectorIndex first{beyond_2_tib / (shape.sector_bytes / 512) * (shape.sector_bytes / 512)};
            const auto noise = sector_noise(sectors * shape.sector_bytes, sectors);
            auto data = noise;
            auto expected = noise;
            kernel->decrypt(first, data);
            openssl->decrypt(first, expected);
            ASSERT_TRUE(data == expected) << "deciphering: " << describe(shape, sectors);
            kernel->encrypt(first, data);
            ASSERT_TRUE(data == noise) << "enciphering: " << describe(shape, sectors);
        }
    }
}

TEST_P(SectorKernels, TakeDataAtAnyAddress)
{
    constexpr std::size_t sectors = 5;
    for (const auto& shape : {Shape{.name = "aes-cbc-essiv:sha256", .key_bits = 128, .sector_bytes = 512},
                              Shape{.name = "aes-xts-plain64", .key_bits = 256, .sector_bytes = 1024}}) {
        const auto [kernel, openssl] = twins_of(shape, GetParam());
        const auto bytes = sectors * shape.sector_bytes;
        auto expected = sector_noise(bytes, 5);
        openssl->decrypt(SectorIndex{8}, expected);
        for (std::size_t offset = 0; offset < 64; ++offset) {
            auto room = sector_noise(bytes + 128, 6);
            const auto before = room;
            const auto data = std::span{room}.subspan(offset, bytes);
            std::ranges::copy(sector_noise(bytes, 5), data.begin());
            kernel->decrypt(SectorIndex{8}, data);
            ASSERT_TRUE(std::ranges::equal(data, expected)) << shape.name << " at " << offset;
            ASSERT_TRUE(std::ranges::equal(std::span{room}.first(offset), ByteView{before}.first(offset)))
                << "bytes in front were touched";
            ASSERT_TRUE(
                std::ranges::equal(std::span{room}.subspan(offset + bytes), ByteView{before}.subspan(offset + bytes)))
                << "bytes behind were touched";
        }
    }
}

TEST_P(SectorKernels, GiveTheSameInPlaceAndElsewhere)
{
    for (const auto* const name : names) {
        const Shape shape{.name = name, .key_bits = 256, .sector_bytes = 512};
        const auto cipher = twins_of(shape, GetParam()).kernel;
        // With 256 sectors stores may pass the caches by; one target is aligned for that, the other is not.
        for (const std::size_t sectors : {1U, 65U, 256U}) {
            const auto source = sector_noise(sectors * shape.sector_bytes, 7);
            auto expected = source;
            cipher->decrypt(SectorIndex{3}, expected);
            const test::GuardedMemory memory{source.size() + 1};
            const auto aligned = memory.at_start(source.size());
            const auto odd = memory.at_start(source.size() + 1).last(source.size());
            for (const auto target : {aligned, odd}) {
                for (const auto hint : {TargetMemory::warm, TargetMemory::cold}) {
                    std::ranges::fill(target, std::byte{0xEE});
                    cipher->decrypt_into(SectorIndex{3}, source, target, hint);
                    ASSERT_TRUE(std::ranges::equal(target, expected)) << name << ", " << sectors << " sectors";
                }
            }
        }
    }
}

TEST_P(SectorKernels, StayWithinTheirBuffers)
{
    for (const auto* const name : names) {
        for (const std::size_t sector_bytes : {512U, 4096U}) {
            const Shape shape{.name = name, .key_bits = 128, .sector_bytes = sector_bytes};
            const auto [kernel, openssl] = twins_of(shape, GetParam());
            for (const std::size_t sectors : {1U, 2U, 65U, 136U}) {
                const auto bytes = sectors * sector_bytes;
                const auto noise = sector_noise(bytes, 9);
                auto expected = noise;
                openssl->decrypt(SectorIndex{0}, expected);
                const test::GuardedMemory source{bytes};
                const test::GuardedMemory target{bytes};
                for (const bool at_start : {true, false}) {
                    const auto from = at_start ? source.at_start(bytes) : source.at_end(bytes);
                    const auto into = at_start ? target.at_start(bytes) : target.at_end(bytes);
                    std::ranges::copy(noise, from.begin());
                    kernel->decrypt_into(SectorIndex{0}, from, into, TargetMemory::cold);
                    ASSERT_TRUE(std::ranges::equal(into, expected)) << describe(shape, sectors);
                    kernel->decrypt(SectorIndex{0}, from);
                    ASSERT_TRUE(std::ranges::equal(from, expected)) << describe(shape, sectors);
                    kernel->encrypt(SectorIndex{0}, from);
                    ASSERT_TRUE(std::ranges::equal(from, noise)) << describe(shape, sectors);
                }
            }
        }
    }
}

TEST_P(SectorKernels, RefusePiecesOfSectors)
{
    const auto cipher = twins_of({.name = "aes-xts-plain64", .key_bits = 128, .sector_bytes = 512}, GetParam()).kernel;
    Bytes data(513);
    EXPECT_THROW(cipher->decrypt(SectorIndex{0}, data), std::logic_error);
    EXPECT_THROW(
        cipher->decrypt_into(SectorIndex{0}, ByteView{data}.first(512), std::span{data}.first(0), TargetMemory::warm),
        std::logic_error);
}

} // namespace
} // namespace salvage::crypto
