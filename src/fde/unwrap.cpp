// AOSP system/vold cryptfs.c, decrypt_master_key; donctl/sandy for Samsung; docs/formats/crypto-footer.md.
#include "fde/unwrap.hpp"

#include <algorithm>

#include "fde/derivation.hpp"
#include "salvage/crypto/cipher.hpp"

namespace salvage::fde {
namespace {

constexpr std::size_t aes_block = 16;

crypto::AesBlock block_at(ByteView bytes, std::size_t at)
{
    crypto::AesBlock block{};
    std::ranges::copy(bytes.subspan(at, block.size()), block.begin());
    return block;
}

} // namespace

std::vector<Wrap> wraps_of(const CryptoFooter& footer)
{
    // Adiantum came with Android 9, whose wrapping is AOSP's; before, 32-byte keys were vendors' own.
    const bool is_vendor_key = footer.key_bytes == 32 && !footer.cipher.contains("adiantum");
    return is_vendor_key ? std::vector{Wrap::aes_128, Wrap::aes_256} : std::vector{Wrap::aes_128};
}

std::size_t derived_bytes(const std::vector<Wrap>& wraps) noexcept
{
    return wraps.size() > 1 ? wide_key_and_iv_bytes : key_and_iv_bytes;
}

void unwrap_into(const CryptoFooter& footer, ByteView key_and_iv, Wrap wrap, std::span<std::byte> into)
{
    const auto kek = key_and_iv.first(kek_bytes(wrap));
    crypto::aes_cbc_decrypt(kek, block_at(key_and_iv, kek.size()), footer.wrapped_key, into);
}

SecretBytes unwrap_samsung(const CryptoFooter& footer, ByteView key)
{
    SecretBytes out{footer.wrapped_key.size()};
    const auto into = out.expose_for_writing();
    // The counter block is 00 01 02 ... 0F; its first byte counts.
    crypto::AesBlock counter{};
    for (std::size_t i = 0; i < counter.size(); ++i) {
        counter.at(i) = static_cast<std::byte>(i);
    }
    for (std::size_t at = 0; at < into.size(); at += aes_block) {
        counter.front() = static_cast<std::byte>(at / aes_block);
        auto stream = crypto::aes_ecb_encrypt(key, counter);
        for (std::size_t i = 0; i < aes_block; ++i) {
            into[at + i] = footer.wrapped_key.at(at + i) ^ stream.at(i);
        }
        wipe(stream);
    }
    return out;
}

} // namespace salvage::fde
