// ChaCha over lanes: one source for every instruction set.  Lanes are blocks of one stream, or keys being derived.
// D. Bernstein, ChaCha, a variant of Salsa20; draft-irtf-cfrg-xchacha-03 for HChaCha.
//
// Vec: one of crypto/kdf's, see crypto/kdf/vectors.hpp.
#pragma once

#include "crypto/kdf/vectors.hpp"
#include "crypto/sector/adiantum_kernels.hpp"

// NOLINTBEGIN(*-avoid-c-arrays,*-array-to-pointer-decay): as in kernels.hpp.
namespace salvage::crypto::sector {

using kdf::for_each;

/// "expand 32-byte k".
inline constexpr std::uint32_t chacha_constants[4] = {0x61707865, 0x3320646E, 0x79622D32, 0x6B206574};
inline constexpr std::size_t chacha_words = 16;
inline constexpr std::size_t chacha_block_bytes = chacha_words * sizeof(std::uint32_t);

/// A vector's own rotation.
struct PlainRotation {
    template <int bits, typename Vec>
    SALVAGE_KERNEL_INLINE static Vec rotl(Vec x)
    {
        return x.template rotl<bits>();
    }
};

template <typename Vec, typename Rotation>
struct ChaCha {
    static constexpr std::size_t lanes = Vec::lanes;
    using State = kdf::Vectors<Vec, chacha_words>;

    SALVAGE_KERNEL_INLINE static State start(const std::uint32_t* key)
    {
        State state;
        for_each<4>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA { state[i] = Vec::all(chacha_constants[i]); });
        for_each<stream_key_words>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA { state[4 + i] = Vec::all(key[i]); });
        return state;
    }

    SALVAGE_KERNEL_INLINE static void quarter_round(State& x, std::size_t a, std::size_t b, std::size_t c,
                                                    std::size_t d)
    {
        x[a] = x[a] + x[b];
        x[d] = Rotation::template rotl<16>(x[d] ^ x[a]);
        x[c] = x[c] + x[d];
        x[b] = Rotation::template rotl<12>(x[b] ^ x[c]);
        x[a] = x[a] + x[b];
        x[d] = Rotation::template rotl<8>(x[d] ^ x[a]);
        x[c] = x[c] + x[d];
        x[b] = Rotation::template rotl<7>(x[b] ^ x[c]);
    }
    SALVAGE_KERNEL_INLINE static void permute(State& x, unsigned rounds)
    {
        for (unsigned round = 0; round < rounds; round += 2) {
            for_each<4>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA { quarter_round(x, i, 4 + i, 8 + i, 12 + i); });
            for_each<4>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA {
                quarter_round(x, i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4));
            });
        }
    }

    static void derive_stream_keys(const std::uint32_t* key, const std::uint32_t* nonces, std::size_t count,
                                   unsigned rounds, std::uint32_t* stream_keys)
    {
        for (std::size_t first = 0; first < count; first += lanes) {
            auto x = start(key);
            for (std::size_t word = 0; word < nonce_words; ++word) {
                std::uint32_t of_lanes[lanes];
                for (std::size_t lane = 0; lane < lanes; ++lane) {
                    of_lanes[lane] = nonces[((first + lane) * nonce_words) + word];
                }
                x[12 + word] = Vec::load(of_lanes);
            }
            permute(x, rounds);
            for (std::size_t word = 0; word < stream_key_words; ++word) {
                std::uint32_t of_lanes[lanes];
                x[word < 4 ? word : word + 8].store(of_lanes);
                for (std::size_t lane = 0; lane < lanes; ++lane) {
                    stream_keys[((first + lane) * stream_key_words) + word] = of_lanes[lane];
                }
            }
        }
    }

    /// The blocks from `first` on, one after another as rows of `x`: word w of block b in vector
    /// (w / lanes) * lanes + b, at w % lanes.
    SALVAGE_KERNEL_INLINE static State blocks(const State& started, std::uint32_t first, unsigned rounds)
    {
        std::uint32_t counters[lanes];
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            counters[lane] = first + static_cast<std::uint32_t>(lane);
        }
        auto initial = started;
        initial[12] = Vec::load(counters);
        auto x = initial;
        permute(x, rounds);
        for_each<chacha_words>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA { x[i] = x[i] + initial[i]; });
        for_each<chacha_words / lanes>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA { transpose(&x[i * lanes]); });
        return x;
    }
    SALVAGE_KERNEL_INLINE static void xor_row(Vec row, const std::byte* source, std::byte* target)
    {
        static_assert(sizeof(Vec) == lanes * sizeof(std::uint32_t));
        Vec data{};
        __builtin_memcpy(&data, source, sizeof data);
        data = data ^ little_endian(row);
        __builtin_memcpy(target, &data, sizeof data);
    }
    SALVAGE_KERNEL_INLINE static Vec little_endian(Vec row)
    {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        static_assert(lanes == 1);
        row.v = __builtin_bswap32(row.v);
#endif
        return row;
    }
    SALVAGE_KERNEL_INLINE static void xor_blocks(const State& x, const std::byte* source, std::byte* target)
    {
        for_each<chacha_words>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA {
            const auto at = ((i % lanes) * chacha_block_bytes) + ((i / lanes) * sizeof(Vec));
            xor_row(x[i], source + at, target + at);
        });
    }

    static void xor_stream(const StreamStart& stream, const std::byte* source, std::byte* target, std::size_t bytes)
    {
        constexpr auto bytes_at_once = lanes * chacha_block_bytes;
        auto state = start(stream.key);
        state[13] = Vec::all(0);
        state[14] = Vec::all(stream.nonce_word);
        state[15] = Vec::all(0);
        std::size_t at = 0;
        for (; bytes - at >= bytes_at_once; at += bytes_at_once) {
            const auto x = blocks(state, static_cast<std::uint32_t>(at / chacha_block_bytes), stream.rounds);
            xor_blocks(x, source + at, target + at);
        }
        if (at != bytes) {
            const auto x = blocks(state, static_cast<std::uint32_t>(at / chacha_block_bytes), stream.rounds);
            std::byte rest[bytes_at_once] = {};
            __builtin_memcpy(rest, source + at, bytes - at);
            xor_blocks(x, rest, rest);
            __builtin_memcpy(target + at, rest, bytes - at);
        }
    }
};

/// Nh: nh(key, message, bytes, sums).
template <typename Vec, typename Nh, typename Rotation = PlainRotation>
consteval AdiantumKernels adiantum_kernels()
{
    return {.derive_stream_keys = ChaCha<Vec, Rotation>::derive_stream_keys,
            .xor_stream = ChaCha<Vec, Rotation>::xor_stream,
            .nh = Nh::nh};
}

} // namespace salvage::crypto::sector
// NOLINTEND(*-avoid-c-arrays,*-array-to-pointer-decay)
