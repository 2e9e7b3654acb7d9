// Footers and volumes made in tests, by OpenSSL alone: no code of the house derives, wraps or enciphers here.
#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include "salvage/core/bytes.hpp"

namespace salvage::fde::test_support {

inline void must(bool holds)
{
    if (!holds) {
        throw std::runtime_error{"OpenSSL refused"};
    }
}

inline Bytes noise(std::size_t size, std::uint64_t seed)
{
    Bytes bytes(size);
    for (auto& byte : bytes) {
        seed = (seed * 6364136223846793005ULL) + 1442695040888963407ULL;
        byte = static_cast<std::byte>(seed >> 56U);
    }
    return bytes;
}

inline Bytes bytes_of(ByteView view)
{
    return {view.begin(), view.end()};
}

inline void put(Bytes& into, std::size_t at, ByteView bytes)
{
    std::ranges::copy(bytes, into.begin() + static_cast<std::ptrdiff_t>(at));
}

template <std::unsigned_integral T>
void put_le(Bytes& into, std::size_t at, T value)
{
    const std::uint64_t wide = value;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        into.at(at + i) = static_cast<std::byte>((wide >> (8U * i)) & 0xFFU);
    }
}

inline Bytes pbkdf2(const EVP_MD* digest, ByteView password, ByteView salt, int iterations, std::size_t size)
{
    Bytes out(size);
    must(PKCS5_PBKDF2_HMAC(as_text(password).data(), static_cast<int>(password.size()), as_uchar(salt),
                           static_cast<int>(salt.size()), iterations, digest, static_cast<int>(size),
                           as_uchar(std::span{out})) == 1);
    return out;
}

inline Bytes scrypt(ByteView password, ByteView salt, std::array<std::uint8_t, 3> factors, std::size_t size)
{
    Bytes out(size);
    must(EVP_PBE_scrypt(as_text(password).data(), password.size(), as_uchar(salt), salt.size(), 1ULL << factors[0],
                        1ULL << factors[1], 1ULL << factors[2], 1ULL << 30U, as_uchar(std::span{out}), size) == 1);
    return out;
}

/// AES in ECB or CBC, encrypting, without padding.
inline Bytes encrypt(const EVP_CIPHER* cipher, ByteView key, ByteView iv, ByteView data)
{
    auto* context = EVP_CIPHER_CTX_new();
    Bytes out(data.size());
    int done = 0;
    must(EVP_EncryptInit_ex(context, cipher, nullptr, as_uchar(key), iv.empty() ? nullptr : as_uchar(iv)) == 1);
    EVP_CIPHER_CTX_set_padding(context, 0);
    must(EVP_EncryptUpdate(context, as_uchar(std::span{out}), &done, as_uchar(data), static_cast<int>(data.size())) ==
         1);
    EVP_CIPHER_CTX_free(context);
    return out;
}

inline Bytes hmac_sha256(ByteView key, ByteView data)
{
    Bytes out(32);
    must(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), as_uchar(data), data.size(),
              as_uchar(std::span{out}), nullptr) != nullptr);
    return out;
}

inline Bytes sha256(ByteView data)
{
    Bytes out(32);
    SHA256(as_uchar(data), data.size(), as_uchar(std::span{out}));
    return out;
}

/// How dm-crypt numbers sectors.
struct DiskCipher {
    bool is_xts{false};
    bool is_essiv{true};
    std::size_t sector{512};
    bool counts_large{false};
    std::uint64_t iv_base{0};
};

/// Enciphers a volume as dm-crypt does.  Linux, drivers/md/dm-crypt.c.
inline Bytes encipher_volume(const DiskCipher& disk, ByteView key, ByteView plain)
{
    Bytes out;
    const auto essiv_key = sha256(key);
    const auto* const cipher = disk.is_xts        ? (key.size() == 64 ? EVP_aes_256_xts() : EVP_aes_128_xts())
                               : key.size() == 32 ? EVP_aes_256_cbc()
                                                  : EVP_aes_128_cbc();
    for (std::size_t at = 0; at < plain.size(); at += disk.sector) {
        auto number = (at / 512) + disk.iv_base;
        if (disk.counts_large) {
            number = number * 512 / disk.sector;
        }
        Bytes iv(16);
        put_le<std::uint64_t>(iv, 0, number);
        if (disk.is_essiv) {
            iv = encrypt(EVP_aes_256_ecb(), essiv_key, {}, iv);
        }
        const auto sector = encrypt(cipher, key, iv, plain.subspan(at, disk.sector));
        out.insert(out.end(), sector.begin(), sector.end());
    }
    return out;
}

} // namespace salvage::fde::test_support
