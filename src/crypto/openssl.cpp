// OpenSSL's objects with owners, and its algorithms looked up once.
#include "crypto/openssl.hpp"

#include <openssl/err.h>

#include <array>
#include <new>
#include <stdexcept>
#include <string>

namespace salvage::crypto::openssl {
namespace {

Cipher fetch_cipher(const char* name)
{
    Cipher cipher{EVP_CIPHER_fetch(nullptr, name, nullptr)};
    must(cipher != nullptr, name);
    return cipher;
}

/// Looking an algorithm up takes longer than deciphering a sector with it: done once, on first use.
const EVP_CIPHER& aes_algorithm(BlockMode mode, std::size_t key_bytes)
{
    static const std::array<Cipher, 3> ecb{fetch_cipher("AES-128-ECB"), fetch_cipher("AES-192-ECB"),
                                           fetch_cipher("AES-256-ECB")};
    static const std::array<Cipher, 3> cbc{fetch_cipher("AES-128-CBC"), fetch_cipher("AES-192-CBC"),
                                           fetch_cipher("AES-256-CBC")};
    must(key_bytes == 16 || key_bytes == 24 || key_bytes == 32, "an AES key of 16, 24 or 32 bytes");
    const auto& family = mode == BlockMode::ecb ? ecb : cbc;
    return *family.at((key_bytes - 16) / 8);
}

} // namespace

void must(bool succeeded, std::string_view step)
{
    if (!succeeded) {
        forget_errors();
        throw std::logic_error{"OpenSSL refused " + std::string{step}};
    }
}

CipherContext make_aes(BlockMode mode, Direction direction, ByteView key)
{
    CipherContext context{EVP_CIPHER_CTX_new()};
    if (!context) {
        throw std::bad_alloc{};
    }
    const int encrypt = direction == Direction::encrypt ? 1 : 0;
    must(EVP_CipherInit_ex2(context.get(), &aes_algorithm(mode, key.size()), as_uchar(key), nullptr, encrypt,
                            nullptr) == 1,
         "an AES key");
    must(EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1, "to leave padding out");
    return context;
}

CipherContext copy_of(const EVP_CIPHER_CTX& prepared)
{
    CipherContext context{EVP_CIPHER_CTX_new()};
    if (!context) {
        throw std::bad_alloc{};
    }
    must(EVP_CIPHER_CTX_copy(context.get(), &prepared) == 1, "to copy a cipher context");
    return context;
}

void set_iv(EVP_CIPHER_CTX& context, ByteView iv)
{
    must(EVP_CipherInit_ex2(&context, nullptr, nullptr, as_uchar(iv), -1, nullptr) == 1, "an IV");
}

void transform(EVP_CIPHER_CTX& context, ByteView data, std::span<std::byte> into)
{
    int written = 0;
    const int wanted = static_cast<int>(data.size());
    must(EVP_CipherUpdate(&context, as_uchar(into), &written, as_uchar(data), wanted) == 1 && written == wanted,
         "to cipher whole blocks");
}

const EVP_MD& sha256_algorithm()
{
    static const Digest digest{EVP_MD_fetch(nullptr, "SHA2-256", nullptr)};
    must(digest != nullptr, "SHA-256");
    return *digest;
}

void forget_errors() noexcept
{
    ERR_clear_error();
}

} // namespace salvage::crypto::openssl
