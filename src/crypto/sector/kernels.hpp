// The seam between the sector ciphers' inner loops, compiled once for each instruction set, and the host code around
// them.
//
// What crypto/kdf/kernels.hpp says of kernel files holds here, too: nothing in them may be the linker's to share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/kdf/kernels.hpp"

// NOLINTBEGIN(*-avoid-c-arrays): std::array's functions would be the linker's to share.
namespace salvage::crypto::sector {

inline constexpr std::size_t block_bytes = 16;
inline constexpr std::size_t most_round_keys = 15;
/// Blocks under a key alone are passed in so many at once.
inline constexpr std::size_t block_group = 32;
/// Sectors are whole pieces of this size.
inline constexpr std::size_t piece_bytes = 512;

/// An expanded AES key.  Those that decipher are those of FIPS 197's equivalent inverse cipher, in the order in which
/// deciphering takes them.
struct RoundKeys {
    alignas(block_bytes) std::byte bytes[most_round_keys][block_bytes];
    unsigned rounds; ///< 10 or 14
};
struct KeyPair {
    RoundKeys encrypting;
    RoundKeys decrypting;
};

/// Sectors that follow one another.  Source and target are the same, or do not overlap.
struct SectorBatch {
    const RoundKeys* keys;
    const std::byte* source;
    std::byte* target;
    const std::byte* ivs;     ///< [sectors][16]: CBC's IVs, XTS's first masks
    std::size_t sector_bytes; ///< whole pieces
    std::size_t sectors;
    /// Stores pass the caches by.  Requires: target 64-byte aligned; the caller fences.
    bool is_streaming;
};

struct AesKernels {
    /// Requires: key_bytes is 16 or 32.
    void (*expand)(const std::byte* key, std::size_t key_bytes, KeyPair& keys);
    /// Each block alone, in place.  Requires: count is whole groups.
    void (*encrypt_blocks)(const RoundKeys& keys, std::byte* blocks, std::size_t count);
    void (*decrypt_blocks)(const RoundKeys& keys, std::byte* blocks, std::size_t count);
    void (*decrypt_cbc)(const SectorBatch& batch);
    void (*decrypt_xts)(const SectorBatch& batch);
    void (*encrypt_xts)(const SectorBatch& batch);
    void (*fence)(); ///< after streaming stores
};

#if defined(__x86_64__)
extern const AesKernels aes_sse;
extern const AesKernels aes_vaes;
extern const AesKernels aes_avx512;
#endif
#if defined(__aarch64__)
extern const AesKernels aes_neon;
#endif

} // namespace salvage::crypto::sector
// NOLINTEND(*-avoid-c-arrays)
