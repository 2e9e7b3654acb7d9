// One block on 64-bit ARM with the AES instructions of ARMv8's cryptographic extension.
#pragma once

#include <arm_neon.h>

#include "crypto/sector/aes_lanes.hpp"

// NOLINTBEGIN(*-reinterpret-cast): the intrinsics name memory by its words.
namespace salvage::crypto::sector {

struct NeonBlock {
    static constexpr std::size_t blocks = 1;
    uint8x16_t v;

    SALVAGE_KERNEL_INLINE static NeonBlock load(const std::byte* at)
    {
        return {vld1q_u8(reinterpret_cast<const std::uint8_t*>(at))};
    }
    SALVAGE_KERNEL_INLINE static NeonBlock all(const std::byte* at) { return load(at); }
    SALVAGE_KERNEL_INLINE void store(std::byte* at) const { vst1q_u8(reinterpret_cast<std::uint8_t*>(at), v); }
    /// No intrinsic stores past the caches here.
    SALVAGE_KERNEL_INLINE void stream(std::byte* at) const { store(at); }
    SALVAGE_KERNEL_INLINE static NeonBlock shifted_in(NeonBlock before, NeonBlock /*now*/) { return before; }

    SALVAGE_KERNEL_INLINE NeonBlock operator^(NeonBlock other) const { return {veorq_u8(v, other.v)}; }
    [[nodiscard]] SALVAGE_KERNEL_INLINE NeonBlock begin(NeonBlock /*key*/) const { return *this; }
    [[nodiscard]] SALVAGE_KERNEL_INLINE NeonBlock encrypt(NeonBlock previous, NeonBlock /*key*/) const
    {
        return {vaesmcq_u8(vaeseq_u8(v, previous.v))};
    }
    [[nodiscard]] SALVAGE_KERNEL_INLINE NeonBlock decrypt(NeonBlock previous, NeonBlock /*key*/) const
    {
        return {vaesimcq_u8(vaesdq_u8(v, previous.v))};
    }
    [[nodiscard]] SALVAGE_KERNEL_INLINE NeonBlock end_encrypt(NeonBlock previous, NeonBlock last) const
    {
        return NeonBlock{vaeseq_u8(v, previous.v)} ^ last;
    }
    [[nodiscard]] SALVAGE_KERNEL_INLINE NeonBlock end_decrypt(NeonBlock previous, NeonBlock last) const
    {
        return NeonBlock{vaesdq_u8(v, previous.v)} ^ last;
    }

    /// With the same word in every column, AES's first half shifts rows onto their like: only the S-box remains.
    SALVAGE_KERNEL_INLINE static std::uint32_t substitute(std::uint32_t word)
    {
        const auto columns = vreinterpretq_u8_u32(vdupq_n_u32(word));
        return vgetq_lane_u32(vreinterpretq_u32_u8(vaeseq_u8(columns, vdupq_n_u8(0))), 0);
    }
    SALVAGE_KERNEL_INLINE static void unmix(const std::byte* at, std::byte* into)
    {
        NeonBlock{vaesimcq_u8(load(at).v)}.store(into);
    }
    static void fence() {}

    /// Each mask is the one before times x: doubled, the bit that leaves each half carried into the other.
    struct Masks {
        uint64x2_t next;

        SALVAGE_KERNEL_INLINE explicit Masks(const std::byte* first) : next{vreinterpretq_u64_u8(load(first).v)} {}
        SALVAGE_KERNEL_INLINE void fill(NeonBlock* masks)
        {
            constexpr std::uint64_t polynomial = 0x87; // IEEE 1619, 5.2
            const auto carries_are = vcombine_u64(vcreate_u64(polynomial), vcreate_u64(1));
            for_each<in_flight>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA {
                masks[i].v = vreinterpretq_u8_u64(next);
                const auto crossed = vextq_u64(next, next, 1);
                const auto signs = vreinterpretq_u64_s64(vshrq_n_s64(vreinterpretq_s64_u64(crossed), 63));
                next = veorq_u64(vaddq_u64(next, next), vandq_u64(signs, carries_are));
            });
        }
    };
};

} // namespace salvage::crypto::sector
// NOLINTEND(*-reinterpret-cast)
