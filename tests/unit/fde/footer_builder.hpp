// An independent writer of AOSP footers, after system/vold cryptfs of Android 4.0 to 8.1, over OpenSSL.
#pragma once

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>
#include <optional>
#include <string>

#include "fde_support.hpp"

namespace salvage::fde::test_support {

using RsaPointer = std::shared_ptr<EVP_PKEY>;

inline RsaPointer generate_rsa(std::size_t bits = 2048)
{
    RsaPointer key{EVP_RSA_gen(static_cast<unsigned>(bits)), EVP_PKEY_free};
    must(key != nullptr);
    return key;
}
/// Generating takes a while, and most tests do not mind sharing.
inline const RsaPointer& shared_rsa()
{
    static const auto key = generate_rsa();
    return key;
}

/// m^d mod n as 256 bytes; nothing where m is not smaller than n.
inline std::optional<Bytes> sign_raw(const RsaPointer& key, ByteView message)
{
    const std::unique_ptr<EVP_PKEY_CTX, void (*)(EVP_PKEY_CTX*)> context{EVP_PKEY_CTX_new(key.get(), nullptr),
                                                                         EVP_PKEY_CTX_free};
    must(EVP_PKEY_decrypt_init(context.get()) == 1);
    must(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) == 1);
    Bytes out(message.size());
    std::size_t size = out.size();
    if (EVP_PKEY_decrypt(context.get(), as_uchar(std::span{out}), &size, as_uchar(message), message.size()) != 1) {
        return std::nullopt;
    }
    must(size == message.size());
    return out;
}

enum class KeyForm : std::uint8_t { pkcs1, pkcs8 };

inline Bytes der_of(const RsaPointer& key, KeyForm form)
{
    unsigned char* raw = nullptr;
    int size = 0;
    if (form == KeyForm::pkcs1) {
        size = i2d_PrivateKey(key.get(), &raw);
    } else {
        auto* info = EVP_PKEY2PKCS8(key.get());
        size = i2d_PKCS8_PRIV_KEY_INFO(info, &raw);
        PKCS8_PRIV_KEY_INFO_free(info);
    }
    must(size > 0);
    const auto view = std::as_bytes(std::span{raw, static_cast<std::size_t>(size)});
    auto out = bytes_of(view);
    OPENSSL_free(raw);
    return out;
}

inline Bytes number_of(const RsaPointer& key, const char* name)
{
    BIGNUM* number = nullptr;
    must(EVP_PKEY_get_bn_param(key.get(), name, &number) == 1);
    Bytes out(static_cast<std::size_t>(BN_num_bytes(number)));
    BN_bn2bin(number, as_uchar(std::span{out}));
    BN_free(number);
    return out;
}

inline void append(Bytes& out, ByteView bytes)
{
    out.insert(out.end(), bytes.begin(), bytes.end());
}
template <std::unsigned_integral T>
void append_le(Bytes& out, T value)
{
    Bytes raw(sizeof(T));
    store_le<T>(raw, value);
    append(out, raw);
}
inline void append_be32(Bytes& out, std::uint32_t value)
{
    Bytes raw(4);
    store_be<std::uint32_t>(raw, value);
    append(out, raw);
}

/// system/keymaster integrity_assured_key_blob.cpp: version, key, two sets, 8 bytes of HMAC that cover a hidden set.
inline Bytes integrity_assured(ByteView material)
{
    const auto empty_set = [](Bytes& out) {
        append_le<std::uint32_t>(out, 0);
        append_le<std::uint32_t>(out, 0);
        append_le<std::uint32_t>(out, 0);
    };
    Bytes out(1);
    append_le(out, static_cast<std::uint32_t>(material.size()));
    append(out, material);
    empty_set(out);
    append_le<std::uint32_t>(out, 0); // software-enforced: one entry, KM_TAG_ALGORITHM = RSA
    append_le<std::uint32_t>(out, 1);
    append_le<std::uint32_t>(out, 8);
    append_le<std::uint32_t>(out, 0x10000002);
    append_le<std::uint32_t>(out, 1);
    Bytes covered = out;
    append_le<std::uint32_t>(covered, 2); // hidden: KM_TAG_ROOT_OF_TRUST = "SW"
    append(covered, as_bytes("SW"));
    append_le<std::uint32_t>(covered, 1);
    append_le<std::uint32_t>(covered, 12);
    append_le<std::uint32_t>(covered, 0x900002C0);
    append_le<std::uint32_t>(covered, 2);
    append_le<std::uint32_t>(covered, 0);
    const std::string_view mac_key{"IntegrityAssuredBlob0\0", 22};
    append(out, ByteView{hmac_sha256(as_bytes(mac_key), covered)}.first(8));
    return out;
}

/// softkeymaster's wrap_key: magic, type 6 = RSA, public part, private part.
inline Bytes pk8(ByteView private_key)
{
    Bytes out = bytes_of(as_bytes("PK#8"));
    append_be32(out, 6);
    append_be32(out, 0);
    append_be32(out, static_cast<std::uint32_t>(private_key.size()));
    append(out, private_key);
    return out;
}

/// hardware/qcom/keymaster: the private exponent under AES-CBC, an HMAC over all of it.
inline Bytes bkmk(const RsaPointer& key, ByteView encryption_key, ByteView hmac_key)
{
    const auto number = [](Bytes& out, ByteView value) {
        Bytes field(512);
        put(field, 0, value);
        append(out, field);
        append_le(out, static_cast<std::uint32_t>(value.size()));
    };
    Bytes out = bytes_of(as_bytes("BKMK"));
    append_le<std::uint32_t>(out, 1);
    number(out, number_of(key, "n"));
    Bytes exponent(8);
    const auto e = number_of(key, "e");
    put(exponent, 8 - e.size(), e);
    number(out, exponent);
    const auto iv = noise(16, 77);
    append(out, iv);
    auto d = number_of(key, "d");
    d.insert(d.begin(), 256 - d.size(), std::byte{0});
    const auto* const cipher = encryption_key.size() == 32 ? EVP_aes_256_cbc() : EVP_aes_128_cbc();
    number(out, encrypt(cipher, encryption_key, iv, d));
    append(out, hmac_sha256(hmac_key, out));
    return out;
}

struct FooterPlan {
    std::uint16_t minor{3};
    std::uint32_t ftr_size{0x930};
    std::uint32_t flags{0};
    std::uint32_t crypt_type{3};
    std::string cipher{"aes-cbc-essiv:sha256"};
    std::uint64_t fs_size{0x8000};
    std::uint8_t kdf{2};
    std::array<std::uint8_t, 3> factors{4, 3, 1}; ///< small, so that tests are quick
    Bytes master_key{noise(16, 5)};
    Bytes salt{noise(16, 9)};
    std::string password{"1234"};
    std::string sik_password{}; ///< empty: `password`
    bool has_sik{true};
    bool is_aes_256{false};
    bool has_salt_after_padding{false}; ///< HTC
    std::uint64_t footer_at{0};
    RsaPointer rsa{};
    Bytes blob{};
    std::optional<std::uint64_t> encrypted_upto{}; ///< nothing: fs_size
    Bytes hash_first_block{};
    bool has_hash{true};
};

/// Key and IV, 48 bytes; nothing where the keymaster cannot sign.
inline std::optional<Bytes> derive(const FooterPlan& plan, std::string_view password)
{
    if (plan.kdf == 2) {
        return scrypt(as_bytes(password), plan.salt, plan.factors, 48);
    }
    if (plan.kdf < 3 || plan.kdf > 5 || plan.minor < 2) {
        return pbkdf2(EVP_sha1(), as_bytes(password), plan.salt, 2000, 48);
    }
    const auto intermediate = scrypt(as_bytes(password), plan.salt, plan.factors, 32);
    Bytes message(256);
    put(message, plan.kdf == 3 ? 224 : plan.kdf == 4 ? 0 : 1, intermediate);
    const auto signature = sign_raw(plan.rsa, message);
    return signature ? std::optional{scrypt(*signature, plan.salt, plan.factors, 48)} : std::nullopt;
}

inline Bytes wrapped_key(const FooterPlan& plan)
{
    if ((plan.flags & 0x1U) != 0) {
        return plan.master_key;
    }
    const auto derived = derive(plan, plan.password).value();
    const std::size_t kek = plan.is_aes_256 ? 32 : 16;
    return encrypt(plan.is_aes_256 ? EVP_aes_256_cbc() : EVP_aes_128_cbc(), ByteView{derived}.first(kek),
                   ByteView{derived}.subspan(kek, 16), plan.master_key);
}

inline void put_version_3(Bytes& out, const FooterPlan& plan)
{
    put_le(out, 0x14, plan.crypt_type);
    put_le(out, 0xC0, plan.encrypted_upto.value_or(plan.fs_size));
    put(out, 0xC8, plan.hash_first_block);
    put(out, 0xE8, plan.blob);
    put_le(out, 0x8E8, static_cast<std::uint32_t>(plan.blob.size()));
    if (plan.has_sik) {
        const auto kek = derive(plan, plan.sik_password.empty() ? plan.password : plan.sik_password).value();
        put(out, 0x8EC, scrypt(ByteView{kek}.first(16), plan.salt, plan.factors, 32));
    }
    if (plan.has_hash) {
        put(out, 0x90C, sha256(out));
    }
}

/// The struct, 0x930 bytes of it whatever the version.
inline Bytes build_footer(const FooterPlan& plan)
{
    Bytes out(0x930);
    put_le<std::uint32_t>(out, 0x00, 0xD0B5B1C4);
    put_le<std::uint16_t>(out, 0x04, 1);
    put_le(out, 0x06, plan.minor);
    put_le(out, 0x08, plan.ftr_size);
    put_le(out, 0x0C, plan.flags);
    put_le(out, 0x10, static_cast<std::uint32_t>(plan.master_key.size()));
    put_le(out, 0x18, plan.fs_size);
    put(out, 0x24, as_bytes(plan.cipher));
    const std::size_t key_at = plan.minor == 0 ? plan.ftr_size : 0x68;
    put(out, key_at, wrapped_key(plan));
    const auto padded = key_at + plan.master_key.size() + 32;
    put(out, plan.minor == 0 || plan.has_salt_after_padding ? padded : 0x98, plan.salt);
    if (plan.minor >= 1 && !plan.has_salt_after_padding) {
        put_le<std::uint64_t>(out, 0xA8, plan.footer_at + 0x1000);
        put_le<std::uint64_t>(out, 0xB0, plan.footer_at + 0x2000);
        put_le<std::uint32_t>(out, 0xB8, 0x1000);
    }
    if (plan.minor >= 2) {
        put_le(out, 0xBC, plan.kdf);
        for (std::size_t i = 0; i < plan.factors.size(); ++i) {
            put_le(out, 0xBD + i, plan.factors.at(i));
        }
    }
    if (plan.minor >= 3) {
        put_version_3(out, plan);
    }
    return out;
}

} // namespace salvage::fde::test_support
