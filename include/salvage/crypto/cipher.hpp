// Block and sector ciphers: AES in the modes that Android's key wrapping and dm-crypt use.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/secret.hpp"
#include "salvage/core/units.hpp"

namespace salvage::crypto {

using AesBlock = std::array<std::byte, 16>;

/// One block.  Requires: key of 16, 24 or 32 bytes.
[[nodiscard]] AesBlock aes_ecb_encrypt(ByteView key, const AesBlock& block);
[[nodiscard]] AesBlock aes_ecb_decrypt(ByteView key, const AesBlock& block);
/// CBC without padding.  Requires: key of 16 or 32 bytes; data a multiple of 16; `into` as large as `data`.
void aes_cbc_decrypt(ByteView key, const AesBlock& iv, ByteView data, std::span<std::byte> into);
void aes_cbc_encrypt(ByteView key, const AesBlock& iv, ByteView data, std::span<std::byte> into);

enum class CipherMode : std::uint8_t { cbc, xts };
/// How a sector's IV is made from its number.
enum class IvRule : std::uint8_t {
    essiv_sha256, ///< AES-256(SHA-256(key), le64 sector)
    plain,        ///< le32 sector, zeros
    plain64,      ///< le64 sector, zeros
};

/// A dm-crypt cipher: every part is separate because phones combine them freely.
struct SectorCipherSpec {
    CipherMode mode{CipherMode::cbc};
    IvRule iv{IvRule::essiv_sha256};
    SectorSize sector{sector_512()};
    /// With sectors over 512 bytes: the IV counts large sectors (iv_large_sectors) instead of 512-byte ones.
    bool iv_counts_large_sectors{false};
    /// Added to every 512-byte sector number: 0 where the IV starts at the partition, its LBA where it starts at the
    /// disk.
    SectorIndex iv_base{0};
    bool operator==(const SectorCipherSpec&) const = default;
};

/// From a dm-crypt name: "aes-cbc-essiv:sha256", "aes-cbc-plain", "aes-cbc-plain:sha1", "aes-cbc-plain64",
/// "aes-xts-plain64", "aes-xts-plain". Errors: unsupported (names the cipher and, for known vendor names, whose
/// hardware it is).
[[nodiscard]] Result<SectorCipherSpec> parse_cipher_name(std::string_view name);
[[nodiscard]] std::string to_string(const SectorCipherSpec& spec);

/// Deciphers sectors.  const, thread safe.
class SectorCipher {
public:
    SectorCipher() = default;
    SectorCipher(const SectorCipher&) = delete;
    SectorCipher& operator=(const SectorCipher&) = delete;
    virtual ~SectorCipher() = default;

    /// Deciphers whole sectors in place.  `first` is the 512-byte sector number of data's first byte within the volume.
    /// Requires: data.size() a multiple of the spec's sector size, `first` at a sector boundary.
    virtual void decrypt(SectorIndex first, std::span<std::byte> data) const = 0;
    /// The inverse, for tests and sample phones.
    virtual void encrypt(SectorIndex first, std::span<std::byte> data) const = 0;
    [[nodiscard]] virtual const SectorCipherSpec& spec() const noexcept = 0;
};

/// Errors: invalid_argument (key size does not fit: CBC 16 or 32, XTS 32 or 64).
[[nodiscard]] Result<std::unique_ptr<const SectorCipher>> make_sector_cipher(const SectorCipherSpec& spec,
                                                                             ByteView key);

} // namespace salvage::crypto
