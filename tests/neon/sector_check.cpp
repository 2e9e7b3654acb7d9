// The sector ciphers' NEON kernels.  AES against FIPS 197 and IEEE 1619, and against CBC and XTS written out block by
// block; Adiantum's parts against the portable ones.
#include "sector_check.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

#include "crypto/sector/adiantum_kernels.hpp"
#include "crypto/sector/kernels.hpp"

namespace salvage::crypto::sector {
namespace {

using Bytes = std::vector<std::byte>;

Bytes noise(std::size_t size, std::uint64_t seed)
{
    Bytes bytes(size);
    for (auto& byte : bytes) {
        seed = (seed * 6364136223846793005ULL) + 1442695040888963407ULL;
        byte = static_cast<std::byte>(seed >> 56U);
    }
    return bytes;
}
Bytes counting(std::size_t size)
{
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<std::byte>(i);
    }
    return bytes;
}
Bytes from_hex(std::string_view digits)
{
    const auto value = [](char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; };
    Bytes bytes(digits.size() / 2);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<std::byte>((value(digits[2 * i]) * 16) + value(digits[(2 * i) + 1]));
    }
    return bytes;
}
bool check(bool holds, const char* what)
{
    if (!holds) {
        std::printf("sector ciphers: %s\n", what);
    }
    return holds;
}

KeyPair expand(const Bytes& key)
{
    KeyPair keys{};
    aes_neon.expand(key.data(), key.size(), keys);
    return keys;
}
/// One block at the front of a group.
Bytes one_block(const KeyPair& keys, bool is_encrypting, const Bytes& block)
{
    Bytes group(block_group * block_bytes);
    std::copy(block.begin(), block.end(), group.begin());
    if (is_encrypting) {
        aes_neon.encrypt_blocks(keys.encrypting, group.data(), block_group);
    } else {
        aes_neon.decrypt_blocks(keys.decrypting, group.data(), block_group);
    }
    group.resize(block_bytes);
    return group;
}

/// FIPS 197, C.1 and C.3.
bool blocks_are_right()
{
    const auto plain = from_hex("00112233445566778899aabbccddeeff");
    const auto short_key = expand(counting(16));
    const auto long_key = expand(counting(32));
    const auto by_short = from_hex("69c4e0d86a7b0430d8cdb78070b4c55a");
    const auto by_long = from_hex("8ea2b7ca516745bfeafc49904b496089");
    return check(one_block(short_key, true, plain) == by_short, "AES-128 enciphers wrong") &&
           check(one_block(long_key, true, plain) == by_long, "AES-256 enciphers wrong") &&
           check(one_block(short_key, false, by_short) == plain, "AES-128 deciphers wrong") &&
           check(one_block(long_key, false, by_long) == plain, "AES-256 deciphers wrong");
}

Bytes xored(Bytes x, const Bytes& y)
{
    for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] ^= y[i];
    }
    return x;
}
Bytes block_of(const Bytes& bytes, std::size_t at)
{
    return {bytes.begin() + static_cast<std::ptrdiff_t>(at),
            bytes.begin() + static_cast<std::ptrdiff_t>(at + block_bytes)};
}
/// IEEE 1619, 5.2, byte by byte.
Bytes times_x(Bytes mask)
{
    unsigned carry = 0;
    for (auto& byte : mask) {
        const auto doubled = (static_cast<unsigned>(byte) << 1U) | carry;
        byte = static_cast<std::byte>(doubled & 0xFFU);
        carry = doubled >> 8U;
    }
    mask[0] ^= static_cast<std::byte>(carry * 0x87);
    return mask;
}

bool sectors_are_right(std::size_t key_bytes, std::size_t sector_bytes, std::size_t sectors, bool is_streaming)
{
    const auto keys = expand(noise(key_bytes, 1));
    const auto ivs = noise(sectors * block_bytes, 2);
    const auto source = noise(sectors * sector_bytes, 3);
    Bytes cbc;
    Bytes decrypted_xts;
    for (std::size_t sector = 0; sector < sectors; ++sector) {
        auto before = block_of(ivs, sector * block_bytes);
        auto mask = before;
        for (std::size_t at = 0; at < sector_bytes; at += block_bytes) {
            const auto block = block_of(source, (sector * sector_bytes) + at);
            const auto plain = xored(one_block(keys, false, block), before);
            cbc.insert(cbc.end(), plain.begin(), plain.end());
            const auto unmasked = xored(one_block(keys, false, xored(block, mask)), mask);
            decrypted_xts.insert(decrypted_xts.end(), unmasked.begin(), unmasked.end());
            before = block;
            mask = times_x(mask);
        }
    }
    Bytes out(source.size() + 64);
    auto* const target = out.data() + (64 - (reinterpret_cast<std::uintptr_t>(out.data()) % 64));
    const auto run = [&](void (*pass)(const SectorBatch&), const RoundKeys& round_keys, const Bytes& from) {
        pass({.keys = &round_keys,
              .source = from.data(),
              .target = target,
              .ivs = ivs.data(),
              .sector_bytes = sector_bytes,
              .sectors = sectors,
              .is_streaming = is_streaming});
        return Bytes{target, target + from.size()};
    };
    return check(run(aes_neon.decrypt_cbc, keys.decrypting, source) == cbc, "CBC deciphers wrong") &&
           check(run(aes_neon.decrypt_xts, keys.decrypting, source) == decrypted_xts, "XTS deciphers wrong") &&
           check(run(aes_neon.encrypt_xts, keys.encrypting, decrypted_xts) == source, "XTS enciphers wrong");
}

bool adiantum_agrees()
{
    const auto numbers = [](std::size_t count, std::uint64_t seed) {
        const auto bytes = noise(count * sizeof(std::uint32_t), seed);
        std::vector<std::uint32_t> words(count);
        std::memcpy(words.data(), bytes.data(), bytes.size());
        return words;
    };
    const auto key = numbers(stream_key_words, 4);
    const auto nonces = numbers(most_sectors_at_once * nonce_words, 5);
    const auto nh_key = numbers(nh_key_words, 6);
    bool agrees = true;
    for (const unsigned rounds : {12U, 20U}) {
        for (std::size_t count = 1; count <= most_sectors_at_once; ++count) {
            std::vector<std::uint32_t> by_neon(most_sectors_at_once * stream_key_words);
            auto expected = by_neon;
            adiantum_neon.derive_stream_keys(key.data(), nonces.data(), count, rounds, by_neon.data());
            adiantum_portable.derive_stream_keys(key.data(), nonces.data(), count, rounds, expected.data());
            agrees = agrees && check(std::equal(by_neon.begin(),
                                                by_neon.begin() + static_cast<std::ptrdiff_t>(count * stream_key_words),
                                                expected.begin()),
                                     "HChaCha differs");
        }
        for (std::size_t bytes = 0; bytes <= 1200; bytes += block_bytes) {
            const auto source = noise(bytes, 7);
            Bytes by_neon(bytes);
            auto expected = by_neon;
            const StreamStart start{.key = key.data(), .nonce_word = 1, .rounds = rounds};
            adiantum_neon.xor_stream(start, source.data(), by_neon.data(), bytes);
            adiantum_portable.xor_stream(start, source.data(), expected.data(), bytes);
            agrees = agrees && check(by_neon == expected, "ChaCha differs");
        }
    }
    for (std::size_t bytes = 0; bytes <= nh_message_bytes; bytes += nh_unit_bytes) {
        const auto message = noise(bytes, 8);
        std::array<std::uint64_t, nh_passes> by_neon{};
        auto expected = by_neon;
        adiantum_neon.nh(nh_key.data(), message.data(), bytes, by_neon.data());
        adiantum_portable.nh(nh_key.data(), message.data(), bytes, expected.data());
        agrees = agrees && check(by_neon == expected, "NH differs");
    }
    return agrees;
}

} // namespace

bool neon_is_right()
{
    bool is_right = blocks_are_right() && adiantum_agrees();
    for (const std::size_t key_bytes : {16U, 32U}) {
        for (const std::size_t sector_bytes : {512U, 1024U, 4096U}) {
            for (const std::size_t sectors : {1U, 3U}) {
                for (const bool is_streaming : {false, true}) {
                    is_right = is_right && sectors_are_right(key_bytes, sector_bytes, sectors, is_streaming);
                }
            }
        }
    }
    std::printf("sector ciphers' NEON kernels are %s\n", is_right ? "right" : "WRONG");
    return is_right;
}

} // namespace salvage::crypto::sector
