// Adiantum in plain C++.
#include "crypto/kdf/vec_portable.hpp"
#include "crypto/sector/chacha_lanes.hpp"

namespace salvage::crypto::sector {
namespace {

struct PortableNh {
    SALVAGE_KERNEL_INLINE static std::uint32_t word(const std::byte* at)
    {
        std::uint32_t value{};
        for (std::size_t i = sizeof value; i-- > 0;) {
            value = (value << 8U) | static_cast<std::uint32_t>(at[i]);
        }
        return value;
    }
    static void nh(const std::uint32_t* key, const std::byte* message, std::size_t bytes, std::uint64_t* sums)
    {
        for (std::size_t pass = 0; pass < nh_passes; ++pass) {
            sums[pass] = 0;
        }
        for (std::size_t at = 0; at < bytes; at += nh_unit_bytes, key += 4) {
            const auto a = word(message + at);
            const auto b = word(message + at + 4);
            const auto c = word(message + at + 8);
            const auto d = word(message + at + 12);
            for (std::size_t pass = 0; pass < nh_passes; ++pass) {
                const auto* const k = key + (4 * pass);
                sums[pass] += static_cast<std::uint64_t>(a + k[0]) * (c + k[2]);
                sums[pass] += static_cast<std::uint64_t>(b + k[1]) * (d + k[3]);
            }
        }
    }
};

} // namespace

const AdiantumKernels adiantum_portable = adiantum_kernels<kdf::portable::Vec1, PortableNh>();

} // namespace salvage::crypto::sector
