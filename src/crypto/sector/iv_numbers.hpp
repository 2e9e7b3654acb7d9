// The numbers that IVs are made from.  Linux, drivers/md/dm-crypt.c: plain, plain64, iv_large_sectors, IV offset.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "crypto/sector/words.hpp"
#include "salvage/crypto/cipher.hpp"

namespace salvage::crypto::sector {

/// IVs count in these, whatever the sector size, unless the spec says otherwise.
inline constexpr std::uint64_t iv_sector_bytes = 512;

class IvNumbers {
public:
    explicit IvNumbers(const SectorCipherSpec& spec) noexcept
        : base_{spec.iv_base.value}, step_{spec.sector.bytes() / iv_sector_bytes},
          shift_{spec.iv_counts_large_sectors ? static_cast<unsigned>(std::countr_zero(step_)) : 0U},
          mask_{spec.iv == IvRule::plain ? std::uint64_t{0xFFFF'FFFF} : ~std::uint64_t{0}}
    {
    }
    /// How far a sector's number is from the next one's.
    [[nodiscard]] std::uint64_t step() const noexcept { return step_; }
    [[nodiscard]] std::uint64_t of(SectorIndex sector) const noexcept
    {
        return ((sector.value + base_) >> shift_) & mask_;
    }
    /// Blocks that hold the numbers of `ivs.size()` sectors from `first` on.
    void fill(SectorIndex first, std::span<AesBlock> ivs) const noexcept
    {
        for (auto& iv : ivs) {
            store_word(iv.data(), of(first));
            store_word(iv.data() + sizeof(std::uint64_t), 0);
            first.value += step_;
        }
    }

private:
    std::uint64_t base_;
    std::uint64_t step_;
    unsigned shift_;
    std::uint64_t mask_;
};

} // namespace salvage::crypto::sector
