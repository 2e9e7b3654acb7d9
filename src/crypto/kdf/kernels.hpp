// The seam between the derivations' inner loops, compiled once for each instruction set, and the host code around them.
//
// Lanes are secrets side by side: number i of a vector belongs to lane i.  The host lays its words out "word by word":
// word w of lane l at [w * lanes + l], so that a kernel loads vectors and shuffles nothing.
//
// A kernel's file is compiled with flags of its own, so what it defines must not be what the linker keeps for the rest
// of the program: its functions are static, forced inline, evaluated while compiling, or templates over a vector type
// that no other set of flags knows.  No containers, no spans, no other box's headers here.
#pragma once

#include <cstddef>
#include <cstdint>

#define SALVAGE_KERNEL_INLINE [[gnu::always_inline]] inline

// NOLINTBEGIN(*-avoid-c-arrays): std::array's functions would be the linker's to share.
namespace salvage::crypto::kdf {

inline constexpr std::size_t block_words = 16; ///< of SHA-1, of SHA-256, and of Salsa20

/// What HMAC xors its key with.  RFC 2104.
inline constexpr std::uint32_t inner_pad = 0x36363636;
inline constexpr std::uint32_t outer_pad = 0x5C5C5C5C;

/// PBKDF2 of one output block in every lane.  All words are numbers, not bytes.
struct Pbkdf2Batch {
    const std::uint32_t* keys;     ///< [16][lanes]: each secret, or its hash where it is longer, filled up with zeros
    const std::uint32_t* messages; ///< [message_blocks][16][lanes]: salt, number of the output block, SHA's padding
    std::size_t message_blocks;
    std::uint32_t iterations; ///< at least 1
    std::uint32_t* sums;      ///< [5 or 8][lanes]: the output blocks
};
struct Pbkdf2Kernel {
    void (*run)(const Pbkdf2Batch& batch);
    std::size_t lanes;
};
struct Pbkdf2Kernels {
    Pbkdf2Kernel sha1;
    Pbkdf2Kernel sha256;
};

/// scrypt's ROMix in every lane.
struct ScryptBatch {
    /// In: the blocks B; out: mixed, at scrypt_place(block, 2 N, r_log2).  [groups][2 r][16][lanes of a group], 64-byte
    /// aligned.  Lane l is number l % group_lanes of group l / group_lanes.
    std::uint32_t* blocks;
    std::byte* table;  ///< N entries of `slots` blocks of 128 r bytes, 64-byte aligned
    std::size_t slots; ///< lanes that count; those beyond must repeat the last of them
    unsigned n_log2;   ///< 1 to 31
    unsigned r_log2;
};
struct ScryptKernel {
    void (*run)(const ScryptBatch& batch);
    std::size_t lanes;
    std::size_t group_lanes;
};
struct ScryptKernels {
    static constexpr std::size_t most = 4;
    ScryptKernel by_lanes[most]; ///< ascending; those not used at the end
};

/// Where block `block` of X lies after `steps` BlockMixes: the r_log2 + 1 bits of its number rotate left by one a step.
SALVAGE_KERNEL_INLINE static std::size_t scrypt_place(std::size_t block, std::size_t steps, unsigned r_log2)
{
    const auto bits = r_log2 + 1;
    const auto turns = steps % bits;
    return ((block << turns) | (block >> (bits - turns))) & ((std::size_t{1} << bits) - 1);
}

extern const Pbkdf2Kernels pbkdf2_portable;
extern const ScryptKernels scrypt_portable;
#if defined(__x86_64__)
extern const Pbkdf2Kernels pbkdf2_sse2;
extern const Pbkdf2Kernels pbkdf2_sha_ni;
extern const Pbkdf2Kernels pbkdf2_avx2;
extern const Pbkdf2Kernels pbkdf2_avx512;
extern const ScryptKernels scrypt_sse2;
extern const ScryptKernels scrypt_avx2;
extern const ScryptKernels scrypt_avx512;
#endif
#if defined(__aarch64__)
extern const Pbkdf2Kernels pbkdf2_neon;
extern const ScryptKernels scrypt_neon;
#endif

/// Overwrites what a kernel leaves behind; salvage::wipe without a span.
void wipe_memory(void* at, std::size_t bytes) noexcept;

} // namespace salvage::crypto::kdf
// NOLINTEND(*-avoid-c-arrays)
