// Sector ciphers: checks of what is asked for, and the choice of who does it.
#include <fmt/format.h>

#include "crypto/openssl.hpp"
#include "crypto/sector/sector_keys.hpp"
#include "salvage/crypto/cipher.hpp"
#include "salvage/crypto/hash.hpp"

namespace salvage::crypto {
namespace {

constexpr std::size_t half_key_bytes = 16;

Error wrong_key_size(const char* what_fits)
{
    return invalid_argument("the key's size does not fit the cipher", what_fits,
                            "the footer names both the cipher and the size of its key");
}

Result<> check(const SectorCipherSpec& spec, std::size_t key_bytes)
{
    if (spec.mode != CipherMode::cbc && spec.iv == IvRule::essiv_sha256) {
        return invalid_argument(spec.mode == CipherMode::xts ? "XTS with ESSIV is not a cipher any phone uses"
                                                             : "Adiantum with ESSIV is not a cipher any phone uses",
                                "it enciphers the sector number by itself",
                                spec.mode == CipherMode::xts ? "use aes-xts-plain64"
                                                             : "use xchacha12,aes-adiantum-plain64");
    }
    if (is_adiantum(spec.mode)) {
        return key_bytes == 2 * half_key_bytes ? Result<>{} : wrong_key_size("Adiantum takes a key of 32 bytes");
    }
    const std::size_t halves = spec.mode == CipherMode::xts ? 2 : 1;
    if (key_bytes != half_key_bytes * halves && key_bytes != 2 * half_key_bytes * halves) {
        return wrong_key_size(halves == 2 ? "AES-XTS takes a key of 32 or 64 bytes"
                                          : "AES-CBC takes a key of 16 or 32 bytes");
    }
    return {};
}

} // namespace

namespace sector {

KeyParts split_key(const SectorCipherSpec& spec, ByteView key)
{
    if (spec.mode == CipherMode::xts) {
        return {.data = key.first(key.size() / 2), .iv = SecretBytes::copy_of(key.last(key.size() / 2))};
    }
    if (spec.iv == IvRule::essiv_sha256) {
        auto digest = sha256(key);
        auto iv_key = SecretBytes::copy_of(digest);
        wipe(digest);
        return {.data = key, .iv = std::move(iv_key)};
    }
    return {.data = key, .iv = {}};
}

} // namespace sector

void SectorCipher::require_whole_sectors(ByteView source, ByteView target) const
{
    openssl::must(source.size() % spec().sector.bytes() == 0, "a piece of a sector");
    openssl::must(source.size() == target.size(), "a target of another size");
}

Result<std::unique_ptr<const SectorCipher>> make_sector_cipher(const SectorCipherSpec& spec, ByteView key,
                                                               std::optional<SectorIsa> only)
{
    SALVAGE_TRY(check(spec, key.size()));
    const auto kernels = sector::select_kernels(only);
    if (is_adiantum(spec.mode)) {
        return sector::make_adiantum_sectors(spec, key, kernels);
    }
    return kernels.aes == nullptr ? sector::make_openssl_sectors(spec, key)
                                  : sector::make_kernel_sectors(spec, key, *kernels.aes);
}

} // namespace salvage::crypto
