// AES over sectors: one source for every instruction set.
//
// A vector type V holds V::blocks blocks and has:
//   load(at), store(at), stream(at)   memory; stream wants its own alignment and passes the caches by
//   all(at)                           one block in every place
//   ^                                 and static shifted_in(before, now): each block's predecessor, the first one's
//                                     being the last of `before`
//   begin(key), encrypt(previous, key), decrypt(previous, key), end_encrypt(previous, last), end_decrypt(previous,
//   last)
//                                     AES's rounds.  x86 adds a round's key at its end, ARM at its start: so a round is
//                                     given both, the one before and its own, and uses one
//   substitute(word)                  SubWord of FIPS 197
//   unmix(at, into)                   InvMixColumns of one block
//   Masks                             XTS: Masks{first}; fill(V* masks) gives those of `in_flight` vectors and goes on
//                                     behind them
#pragma once

#include "crypto/kdf/vectors.hpp"
#include "crypto/sector/kernels.hpp"

// NOLINTBEGIN(*-avoid-c-arrays,*-array-to-pointer-decay): as in kernels.hpp.
namespace salvage::crypto::sector {

using kdf::for_each;

/// Vectors worked on side by side: an instruction takes several clocks, and one or two can start in each.
inline constexpr std::size_t in_flight = 8;

template <typename Vec>
struct KeyExpansion {
    static void run(const std::byte* key, std::size_t key_bytes, KeyPair& keys)
    {
        const auto key_words = key_bytes / 4;
        const auto rounds = static_cast<unsigned>(key_words + 6);
        std::uint32_t words[most_round_keys * 4];
        __builtin_memcpy(words, key, key_bytes);
        std::uint32_t constant = 1;
        for (std::size_t i = key_words; i < 4 * (std::size_t{rounds} + 1); ++i) {
            auto word = words[i - 1];
            if (i % key_words == 0) {
                word = Vec::substitute((word >> 8U) | (word << 24U)) ^ constant;
                constant = (constant << 1U) ^ ((constant >> 7U) * 0x11BU);
            } else if (key_words == 8 && i % 8 == 4) {
                word = Vec::substitute(word);
            }
            words[i] = words[i - key_words] ^ word;
        }
        keys.encrypting.rounds = rounds;
        keys.decrypting.rounds = rounds;
        for (std::size_t i = 0; i <= rounds; ++i) {
            __builtin_memcpy(keys.encrypting.bytes[i], words + (4 * i), block_bytes);
        }
        for (std::size_t i = 0; i <= rounds; ++i) {
            const auto* const from = keys.encrypting.bytes[rounds - i];
            if (i == 0 || i == rounds) {
                __builtin_memcpy(keys.decrypting.bytes[i], from, block_bytes);
            } else {
                Vec::unmix(from, keys.decrypting.bytes[i]);
            }
        }
        kdf::wipe_memory(words, sizeof words);
    }
};

enum class Way : std::uint8_t { encrypt, decrypt };

/// `in_flight` vectors under one expanded key, the keys in registers as far as they go.
template <typename Vec, unsigned rounds, Way way>
struct Cipher {
    Vec keys[rounds + 1];

    SALVAGE_KERNEL_INLINE explicit Cipher(const RoundKeys& round_keys)
    {
        for_each<rounds + 1>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA { keys[i] = Vec::all(round_keys.bytes[i]); });
    }
    /// x[i] = AES(x[i] ^ before[i]) ^ after[i]; null for no such XOR.
    SALVAGE_KERNEL_INLINE void pass(Vec* x, const Vec* before, const Vec* after) const
    {
        for_each<in_flight>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA {
            if (before != nullptr) {
                x[i] = x[i] ^ before[i];
            }
            x[i] = x[i].begin(keys[0]);
        });
        for_each<rounds - 1>([&](std::size_t round) SALVAGE_KERNEL_LAMBDA {
            for_each<in_flight>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA {
                if constexpr (way == Way::encrypt) {
                    x[i] = x[i].encrypt(keys[round], keys[round + 1]);
                } else {
                    x[i] = x[i].decrypt(keys[round], keys[round + 1]);
                }
            });
        });
        for_each<in_flight>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA {
            const auto last = after != nullptr ? keys[rounds] ^ after[i] : keys[rounds];
            if constexpr (way == Way::encrypt) {
                x[i] = x[i].end_encrypt(keys[rounds - 1], last);
            } else {
                x[i] = x[i].end_decrypt(keys[rounds - 1], last);
            }
        });
    }
};

template <typename Vec>
SALVAGE_KERNEL_INLINE static void load(Vec* x, const std::byte* at)
{
    for_each<in_flight>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA { x[i] = Vec::load(at + (i * sizeof(Vec))); });
}
template <bool is_streaming, typename Vec>
SALVAGE_KERNEL_INLINE static void store(const Vec* x, std::byte* at)
{
    for_each<in_flight>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA {
        if constexpr (is_streaming) {
            x[i].stream(at + (i * sizeof(Vec)));
        } else {
            x[i].store(at + (i * sizeof(Vec)));
        }
    });
}

template <typename Vec, unsigned rounds, Way way>
struct Blocks {
    static void run(const RoundKeys& keys, std::byte* blocks, std::size_t count)
    {
        const Cipher<Vec, rounds, way> cipher{keys};
        for (std::size_t at = 0; at < count * block_bytes; at += in_flight * sizeof(Vec)) {
            Vec x[in_flight];
            load(x, blocks + at);
            cipher.pass(x, nullptr, nullptr);
            store<false>(x, blocks + at);
        }
    }
};

template <typename Vec, unsigned rounds, bool is_streaming>
struct CbcDecryption {
    static void run(const SectorBatch& batch)
    {
        const Cipher<Vec, rounds, Way::decrypt> cipher{*batch.keys};
        for (std::size_t sector = 0; sector < batch.sectors; ++sector) {
            const auto* const source = batch.source + (sector * batch.sector_bytes);
            auto* const target = batch.target + (sector * batch.sector_bytes);
            auto before = Vec::all(batch.ivs + (sector * block_bytes));
            for (std::size_t at = 0; at < batch.sector_bytes; at += in_flight * sizeof(Vec)) {
                Vec x[in_flight];
                Vec predecessors[in_flight];
                load(x, source + at);
                for_each<in_flight>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA {
                    predecessors[i] = Vec::shifted_in(i == 0 ? before : x[i - 1], x[i]);
                });
                before = x[in_flight - 1];
                cipher.pass(x, nullptr, predecessors);
                store<is_streaming>(x, target + at);
            }
        }
    }
};

template <typename Vec, unsigned rounds, Way way, bool is_streaming>
struct Xts {
    static void run(const SectorBatch& batch)
    {
        const Cipher<Vec, rounds, way> cipher{*batch.keys};
        for (std::size_t sector = 0; sector < batch.sectors; ++sector) {
            const auto* const source = batch.source + (sector * batch.sector_bytes);
            auto* const target = batch.target + (sector * batch.sector_bytes);
            typename Vec::Masks making{batch.ivs + (sector * block_bytes)};
            for (std::size_t at = 0; at < batch.sector_bytes; at += in_flight * sizeof(Vec)) {
                Vec x[in_flight];
                Vec masks[in_flight];
                making.fill(masks);
                load(x, source + at);
                cipher.pass(x, masks, masks);
                store<is_streaming>(x, target + at);
            }
        }
    }
};

/// The parts above for all key sizes and both kinds of stores.
template <typename Vec>
struct AesSectors {
    template <Way way>
    static void blocks(const RoundKeys& keys, std::byte* at, std::size_t count)
    {
        keys.rounds == 10 ? Blocks<Vec, 10, way>::run(keys, at, count) : Blocks<Vec, 14, way>::run(keys, at, count);
    }
    static void decrypt_cbc(const SectorBatch& batch)
    {
        if (batch.is_streaming) {
            batch.keys->rounds == 10 ? CbcDecryption<Vec, 10, true>::run(batch)
                                     : CbcDecryption<Vec, 14, true>::run(batch);
        } else {
            batch.keys->rounds == 10 ? CbcDecryption<Vec, 10, false>::run(batch)
                                     : CbcDecryption<Vec, 14, false>::run(batch);
        }
    }
    template <Way way>
    static void xts(const SectorBatch& batch)
    {
        if (batch.is_streaming) {
            batch.keys->rounds == 10 ? Xts<Vec, 10, way, true>::run(batch) : Xts<Vec, 14, way, true>::run(batch);
        } else {
            batch.keys->rounds == 10 ? Xts<Vec, 10, way, false>::run(batch) : Xts<Vec, 14, way, false>::run(batch);
        }
    }
    static consteval AesKernels kernels()
    {
        return {.expand = KeyExpansion<Vec>::run,
                .encrypt_blocks = blocks<Way::encrypt>,
                .decrypt_blocks = blocks<Way::decrypt>,
                .decrypt_cbc = decrypt_cbc,
                .decrypt_xts = xts<Way::decrypt>,
                .encrypt_xts = xts<Way::encrypt>,
                .fence = Vec::fence};
    }
};

} // namespace salvage::crypto::sector
// NOLINTEND(*-avoid-c-arrays,*-array-to-pointer-decay)
