// What the kernels share beyond their seam: arrays of vectors, and loops that vanish.
//
// A vector type V has: lanes; load(words), store(words); load_bytes(at), stream(at), 64-byte aligned rows of the table;
// all(word); rotl<bits>(), shr<bits>(); and beside it +, ^, xor3, choose, majority, and transpose(V* square), which
// swaps rows and columns of lanes vectors.
#pragma once

#include <type_traits>
#include <utility>

#include "crypto/kdf/kernels.hpp"

/// For the lambdas given to for_each.
#define SALVAGE_KERNEL_LAMBDA __attribute__((always_inline))

namespace salvage::crypto::kdf {

template <typename Vec, std::size_t count>
struct Vectors {
    Vec at[count]; // NOLINT(*-avoid-c-arrays): see kernels.hpp.

    SALVAGE_KERNEL_INLINE Vec& operator[](std::size_t i) { return at[i]; }
    SALVAGE_KERNEL_INLINE const Vec& operator[](std::size_t i) const { return at[i]; }
};

template <std::size_t... i, typename Work>
SALVAGE_KERNEL_INLINE static void unroll(std::index_sequence<i...> /*counts*/, const Work& work)
{
    (work(std::integral_constant<std::size_t, i>{}), ...);
}
/// Calls `work` with the constants 0 … count - 1, unrolled before anything else is optimised: only so do all the
/// vectors of an array become registers.
template <std::size_t count, typename Work>
SALVAGE_KERNEL_INLINE static void for_each(const Work& work)
{
    unroll(std::make_index_sequence<count>{}, work);
}

} // namespace salvage::crypto::kdf
