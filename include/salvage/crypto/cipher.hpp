// Block and sector ciphers: AES in the modes that Android's key wrapping and dm-crypt use.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
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

enum class CipherMode : std::uint8_t {
    cbc,                ///< AES
    xts,                ///< AES
    adiantum_xchacha12, ///< Adiantum with XChaCha12 and AES-256: Android 9 on phones without AES instructions
    adiantum_xchacha20,
};
[[nodiscard]] constexpr bool is_adiantum(CipherMode mode) noexcept
{
    return mode == CipherMode::adiantum_xchacha12 || mode == CipherMode::adiantum_xchacha20;
}
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
/// "aes-xts-plain64", "aes-xts-plain", "xchacha12,aes-adiantum-plain64", "xchacha20,aes-adiantum-plain64".
/// Errors: unsupported (names the cipher and, for known vendor names, whose hardware it is).
[[nodiscard]] Result<SectorCipherSpec> parse_cipher_name(std::string_view name);
/// Cipher and IV as dm-crypt's table names them: "aes-cbc-essiv:sha256"; of two names of one thing the first above.
[[nodiscard]] std::string_view dm_crypt_name(const SectorCipherSpec& spec) noexcept;
[[nodiscard]] std::string to_string(const SectorCipherSpec& spec);

/// Instruction sets with sector kernels of their own.  All give the same bytes.
enum class SectorIsa : std::uint8_t {
    portable, ///< OpenSSL's AES; Adiantum in plain C++
    sse,      ///< AES-NI, SSE4.1
    avx2,     ///< AES-NI, AVX2
    vaes,     ///< VAES, AVX2
    avx512,   ///< VAES, AVX-512 with VBMI2
    neon,     ///< ARMv8's AES
};
[[nodiscard]] std::string_view to_string(SectorIsa isa) noexcept;
/// What this machine runs, slowest first; portable is always among them.
[[nodiscard]] std::span<const SectorIsa> supported_sector_isas() noexcept;

/// Whether the caches should keep what is deciphered.  A hint: it changes nothing but speed.
enum class TargetMemory : std::uint8_t {
    warm, ///< it is in the caches, or will be looked at at once
    cold, ///< it is larger than the caches: stores may pass them by
};

/// Deciphers sectors.  const, thread safe.
class SectorCipher {
public:
    SectorCipher() = default;
    SectorCipher(const SectorCipher&) = delete;
    SectorCipher& operator=(const SectorCipher&) = delete;
    virtual ~SectorCipher() = default;

    /// Deciphers whole sectors in place.  `first` is the 512-byte sector number of data's first byte within the volume.
    /// Requires: data.size() a multiple of the spec's sector size, `first` at a sector boundary.
    void decrypt(SectorIndex first, std::span<std::byte> data) const
    {
        decrypt_into(first, data, data, TargetMemory::warm);
    }
    /// As decrypt, from `source` into `target`: one pass over memory where copying first would take two.
    /// Requires: both of one size, and the same or without overlap.
    virtual void decrypt_into(SectorIndex first, ByteView source, std::span<std::byte> target,
                              TargetMemory memory) const = 0;
    /// The inverse of decrypt, for tests and sample phones.
    virtual void encrypt(SectorIndex first, std::span<std::byte> data) const = 0;
    [[nodiscard]] virtual const SectorCipherSpec& spec() const noexcept = 0;

protected:
    /// Throws where a caller breaks what all methods require.
    void require_whole_sectors(ByteView source, ByteView target) const;
};

/// By the fastest kernels of this machine, or by those of `only` (and portable ones where it has none).
/// Requires: `only` is among supported_sector_isas().
/// Errors: invalid_argument (key size does not fit: CBC 16 or 32, XTS 32 or 64, Adiantum 32; ESSIV with another mode
/// than CBC).
[[nodiscard]] Result<std::unique_ptr<const SectorCipher>>
make_sector_cipher(const SectorCipherSpec& spec, ByteView key, std::optional<SectorIsa> only = std::nullopt);

} // namespace salvage::crypto
