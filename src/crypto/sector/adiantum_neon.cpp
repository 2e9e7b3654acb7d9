// Adiantum with NEON.
#include "crypto/sector/adiantum_kernels.hpp"

#if defined(__aarch64__)
#include "crypto/kdf/vec_neon.hpp"
#include "crypto/sector/chacha_lanes.hpp"

// NOLINTBEGIN(*-reinterpret-cast,*-avoid-c-arrays): the intrinsics name memory by its words.
namespace salvage::crypto::sector {
namespace {

struct NeonNh {
    static void nh(const std::uint32_t* key, const std::byte* message, std::size_t bytes, std::uint64_t* sums)
    {
        uint64x2_t sum[nh_passes] = {};
        for (std::size_t at = 0; at < bytes; at += nh_unit_bytes, key += 4) {
            const auto words = vreinterpretq_u32_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(message + at)));
            for_each<nh_passes>([&](std::size_t pass) SALVAGE_KERNEL_LAMBDA {
                const auto added = vaddq_u32(words, vld1q_u32(key + (4 * pass)));
                sum[pass] = vmlal_u32(sum[pass], vget_low_u32(added), vget_high_u32(added));
            });
        }
        for_each<nh_passes>([&](std::size_t pass) SALVAGE_KERNEL_LAMBDA { sums[pass] = vaddvq_u64(sum[pass]); });
    }
};

} // namespace

const AdiantumKernels adiantum_neon = adiantum_kernels<kdf::neon::Vec4, NeonNh>();

} // namespace salvage::crypto::sector
// NOLINTEND(*-reinterpret-cast,*-avoid-c-arrays)
#endif
