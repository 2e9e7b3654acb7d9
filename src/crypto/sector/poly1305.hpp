// Poly1305's polynomial over whole blocks, without the number that a MAC adds at the end.  RFC 8439, 2.5.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "salvage/core/bytes.hpp"
#include "salvage/core/secret.hpp"

namespace salvage::crypto::sector {

/// A number below 2^128; sums and differences are modulo 2^128.
struct Number128 {
    std::uint64_t low{0};
    std::uint64_t high{0};

    friend constexpr Number128 operator+(Number128 x, Number128 y) noexcept
    {
        const auto sum = x.low + y.low;
        return {.low = sum, .high = x.high + y.high + (sum < x.low ? 1U : 0U)};
    }
    friend constexpr Number128 operator-(Number128 x, Number128 y) noexcept
    {
        return {.low = x.low - y.low, .high = x.high - y.high - (x.low < y.low ? 1U : 0U)};
    }
};

/// r as limbs of 44, 44 and 42 bits: products of such fit twice into 128 bits with room for sums.
class Poly1305Key {
public:
    Poly1305Key() = default;
    explicit Poly1305Key(Number128 key) noexcept
    {
        // "Clamping": RFC 8439, 2.5.
        const auto low = key.low & 0x0FFF'FFFC'0FFF'FFFFU;
        const auto high = key.high & 0x0FFF'FFFC'0FFF'FFFCU;
        limbs_ = {low & mask_44, ((low >> 44U) | (high << 20U)) & mask_44, high >> 24U};
    }
    Poly1305Key(const Poly1305Key&) = delete;
    Poly1305Key& operator=(const Poly1305Key&) = delete;
    ~Poly1305Key() { wipe(std::as_writable_bytes(std::span{limbs_})); }

private:
    friend class Poly1305;
    static constexpr std::uint64_t mask_44 = (std::uint64_t{1} << 44U) - 1;
    std::array<std::uint64_t, 3> limbs_{};
};

class Poly1305 {
public:
    explicit Poly1305(const Poly1305Key& key) noexcept : r0_{key.limbs_[0]}, r1_{key.limbs_[1]}, r2_{key.limbs_[2]} {}

    /// sum = (sum + block + 2^128) r
    void add(Number128 block) noexcept
    {
        h0_ += block.low & mask_44;
        h1_ += ((block.low >> 44U) | (block.high << 20U)) & mask_44;
        h2_ += (block.high >> 24U) | (std::uint64_t{1} << 40U);
        // 2^132 is 4 2^130, and that is 20 modulo 2^130 - 5.
        const auto s1 = 20 * r1_;
        const auto s2 = 20 * r2_;
        const auto d0 = product(h0_, r0_) + product(h1_, s2) + product(h2_, s1);
        const auto d1 = product(h0_, r1_) + product(h1_, r0_) + product(h2_, s2) + (d0 >> 44U);
        const auto d2 = product(h0_, r2_) + product(h1_, r1_) + product(h2_, r0_) + (d1 >> 44U);
        h0_ = (static_cast<std::uint64_t>(d0) & mask_44) + (5 * static_cast<std::uint64_t>(d2 >> 42U));
        h1_ = static_cast<std::uint64_t>(d1) & mask_44;
        h2_ = static_cast<std::uint64_t>(d2) & mask_42;
        h1_ += h0_ >> 44U;
        h0_ &= mask_44;
    }

    /// The sum modulo 2^130 - 5, of which the lowest 128 bits.
    [[nodiscard]] Number128 value() const noexcept
    {
        auto h0 = h0_;
        auto h1 = h1_;
        auto h2 = h2_;
        for (int turn = 0; turn < 2; ++turn) {
            h2 += h1 >> 44U;
            h1 &= mask_44;
            h0 += 5 * (h2 >> 42U);
            h2 &= mask_42;
            h1 += h0 >> 44U;
            h0 &= mask_44;
        }
        h2 += h1 >> 44U;
        h1 &= mask_44;
        // Whether h is at least the modulus: whether h + 5 reaches 2^130.
        auto g0 = h0 + 5;
        auto g1 = h1 + (g0 >> 44U);
        auto g2 = h2 + (g1 >> 44U);
        const auto reduced = std::uint64_t{0} - (g2 >> 42U);
        h0 = (h0 & ~reduced) | (g0 & mask_44 & reduced);
        h1 = (h1 & ~reduced) | (g1 & mask_44 & reduced);
        h2 = (h2 & ~reduced) | (g2 & mask_42 & reduced);
        return {.low = h0 | (h1 << 44U), .high = (h1 >> 20U) | (h2 << 24U)};
    }

private:
    __extension__ using Wide = unsigned __int128;
    static constexpr std::uint64_t mask_44 = Poly1305Key::mask_44;
    static constexpr std::uint64_t mask_42 = (std::uint64_t{1} << 42U) - 1;

    static Wide product(std::uint64_t x, std::uint64_t y) noexcept { return Wide{x} * y; }

    std::uint64_t r0_;
    std::uint64_t r1_;
    std::uint64_t r2_;
    std::uint64_t h0_{0};
    std::uint64_t h1_{0};
    std::uint64_t h2_{0};
};

} // namespace salvage::crypto::sector
