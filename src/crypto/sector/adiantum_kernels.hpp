// The seam between Adiantum's inner loops, compiled once for each instruction set, and the host code around them.
//
// What crypto/kdf/kernels.hpp says of kernel files holds here, too.
#pragma once

#include "crypto/sector/kernels.hpp"

// NOLINTBEGIN(*-avoid-c-arrays): std::array's functions would be the linker's to share.
namespace salvage::crypto::sector {

inline constexpr std::size_t stream_key_words = 8;
inline constexpr std::size_t nonce_words = 4; ///< of HChaCha
inline constexpr std::size_t nh_passes = 4;
inline constexpr std::size_t nh_message_bytes = 1024;
inline constexpr std::size_t nh_unit_bytes = 16;
/// A message's words, and those that the later passes are further on.
inline constexpr std::size_t nh_key_words = (nh_message_bytes / 4) + (4 * (nh_passes - 1));
/// Sectors whose stream keys are derived side by side.
inline constexpr std::size_t most_sectors_at_once = 16;

/// ChaCha's stream from block 0 on.  All are numbers, not bytes.
struct StreamStart {
    const std::uint32_t* key; ///< [8]
    std::uint32_t nonce_word; ///< word 14 of the state; word 15 is 0
    unsigned rounds;          ///< even
};

struct AdiantumKernels {
    /// HChaCha: stream keys [count][8] from one key and nonces [count][4].  All are numbers, not bytes.
    /// Requires: both arrays have room for most_sectors_at_once, which count does not exceed.
    void (*derive_stream_keys)(const std::uint32_t* key, const std::uint32_t* nonces, std::size_t count,
                               unsigned rounds, std::uint32_t* stream_keys);
    /// target = source xor the stream.  Requires: source and target are the same, or do not overlap.
    void (*xor_stream)(const StreamStart& start, const std::byte* source, std::byte* target, std::size_t bytes);
    /// NH of one message: four sums.  Requires: bytes is whole units, at most nh_message_bytes; key has nh_key_words.
    void (*nh)(const std::uint32_t* key, const std::byte* message, std::size_t bytes, std::uint64_t* sums);
};

extern const AdiantumKernels adiantum_portable;
#if defined(__x86_64__)
extern const AdiantumKernels adiantum_avx2;
extern const AdiantumKernels adiantum_avx512;
#endif
#if defined(__aarch64__)
extern const AdiantumKernels adiantum_neon;
#endif

} // namespace salvage::crypto::sector
// NOLINTEND(*-avoid-c-arrays)
