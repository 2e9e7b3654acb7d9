// scrypt's ROMix over vectors of lanes: one source for every instruction set.  RFC 7914, 4 to 6.
//
// Word w of all lanes lies in one vector, so that Salsa20/8 needs no shuffles, and its four independent quarter rounds
// keep the processor busy.  Each lane reads the table at places of its own, so the table holds every lane's blocks as
// they are, and blocks are transposed on the way in and out.
//
//   fill:  for i = 0 … N - 1:  table[i] = X;  X = BlockMix(X)
//   mix:   N times:            j = first word of X's last block, mod N;  X = BlockMix(X xor table[j])
//
// What makes it fast beyond that:
//   - filling streams past the caches: nothing of it is read again soon;
//   - two groups of lanes take turns in mixing: while one computes, the other's entries are fetched, to the second
//     level cache, as both groups' X fill the first;
//   - BlockMix works in place.  It puts output k, for k even, to place k / 2, and for k odd, to place r + k / 2: the
//     bits of k rotate right by one.  Here blocks stay where they are and the place of block k rotates left instead.
#pragma once

#include "crypto/kdf/kernels.hpp"
#include "crypto/kdf/vectors.hpp"

// NOLINTBEGIN(*-avoid-c-arrays,*-array-to-pointer-decay): see kernels.hpp.
namespace salvage::crypto::kdf {

template <typename Vec, std::size_t groups>
class ScryptLanes {
public:
    static constexpr std::size_t lanes = Vec::lanes * groups;

    static void run(const ScryptBatch& batch)
    {
        Group all[groups];
        for (std::size_t g = 0; g < groups; ++g) {
            all[g] = first_group(batch, g);
            fill(batch, all[g]);
        }
        for (std::size_t g = 0; g < groups; ++g) {
            choose_entries(batch, all[g]);
        }
        const std::size_t steps = std::size_t{1} << batch.n_log2;
        for (std::size_t step = 0; step < steps; ++step) {
            for (std::size_t g = 0; g < groups; ++g) {
                mix(batch, all[g], all[(g + 1) % groups], steps + step);
                choose_entries(batch, all[g]);
            }
        }
    }

private:
    using Block = Vectors<Vec, block_words>;
    static constexpr std::size_t row_bytes = block_words * sizeof(std::uint32_t);
    static constexpr std::size_t vectors_in_row = block_words / Vec::lanes;

    /// Lanes of one vector.
    struct Group {
        std::uint32_t* blocks;
        std::byte* rows[Vec::lanes];    ///< each lane's block in an entry of the table
        std::size_t places[Vec::lanes]; ///< the same in entry 0, from the table's start
    };

    static Group first_group(const ScryptBatch& batch, std::size_t g)
    {
        Group group{};
        group.blocks = batch.blocks + (g * Vec::lanes * (block_words << (batch.r_log2 + 1)));
        for (std::size_t lane = 0; lane < Vec::lanes; ++lane) {
            const auto number = (g * Vec::lanes) + lane;
            const auto slot = number < batch.slots ? number : batch.slots - 1;
            group.places[lane] = slot * (row_bytes << (batch.r_log2 + 1));
            group.rows[lane] = batch.table + group.places[lane];
        }
        return group;
    }

    static void fill(const ScryptBatch& batch, Group& group)
    {
        const std::size_t steps = std::size_t{1} << batch.n_log2;
        const std::size_t blocks = std::size_t{2} << batch.r_log2;
        const auto entry_bytes = batch.slots * blocks * row_bytes;
        for (std::size_t step = 0; step < steps; ++step) {
            auto x = load_block(place(batch, group, blocks - 1, step));
            for (std::size_t k = 0; k < blocks; ++k) {
                auto* const at = place(batch, group, k, step);
                const auto block = load_block(at);
                stream_rows(group.rows, k, block);
                x = salsa(x, block);
                store_block(at, x);
            }
            for (std::size_t lane = 0; lane < Vec::lanes; ++lane) {
                group.rows[lane] += entry_bytes;
            }
        }
    }

    static void mix(const ScryptBatch& batch, const Group& group, const Group& next, std::size_t step)
    {
        const std::size_t last = (std::size_t{2} << batch.r_log2) - 1;
        auto* const last_at = place(batch, group, last, step);
        auto x = load_block(last_at);
        xor_into(x, load_rows(group.rows, last));
        store_block(last_at, x);
        for (std::size_t k = 0; k < last; ++k) {
            prefetch_rows(next.rows, k == 0 ? last : k - 1);
            auto* const at = place(batch, group, k, step);
            auto block = load_block(at);
            xor_into(block, load_rows(group.rows, k));
            x = salsa(x, block);
            store_block(at, x);
        }
        prefetch_rows(next.rows, last - 1);
        x = salsa(x, load_block(last_at));
        store_block(last_at, x);
    }

    /// The entry each lane reads next: by the first word of its last block, which no rotation moves.
    static void choose_entries(const ScryptBatch& batch, Group& group)
    {
        const std::size_t last = (std::size_t{2} << batch.r_log2) - 1;
        const auto mask = (std::uint32_t{1} << batch.n_log2) - 1;
        const auto* const words = group.blocks + (last * block_words * Vec::lanes);
        for (std::size_t lane = 0; lane < Vec::lanes; ++lane) {
            const auto entry_bytes = batch.slots * ((last + 1) * row_bytes);
            const std::size_t entry = words[lane] & mask;
            group.rows[lane] = batch.table + (entry * entry_bytes) + group.places[lane];
        }
    }

    SALVAGE_KERNEL_INLINE static std::uint32_t* place(const ScryptBatch& batch, const Group& group, std::size_t block,
                                                      std::size_t step)
    {
        return group.blocks + (scrypt_place(block, step, batch.r_log2) * block_words * Vec::lanes);
    }

    SALVAGE_KERNEL_INLINE static Block load_block(const std::uint32_t* at)
    {
        Block block;
        for_each<block_words>([&](std::size_t word)
                                  SALVAGE_KERNEL_LAMBDA { block[word] = Vec::load(at + (word * Vec::lanes)); });
        return block;
    }
    SALVAGE_KERNEL_INLINE static void store_block(std::uint32_t* at, const Block& block)
    {
        for_each<block_words>([&](std::size_t word)
                                  SALVAGE_KERNEL_LAMBDA { block[word].store(at + (word * Vec::lanes)); });
    }
    SALVAGE_KERNEL_INLINE static void xor_into(Block& block, const Block& other)
    {
        for_each<block_words>([&](std::size_t word) SALVAGE_KERNEL_LAMBDA { block[word] = block[word] ^ other[word]; });
    }

    /// Block k of every lane from its row: squares of lanes x lanes words, transposed.
    SALVAGE_KERNEL_INLINE static Block load_rows(std::byte* const* rows, std::size_t k)
    {
        Block block;
        for_each<vectors_in_row>([&](std::size_t part) SALVAGE_KERNEL_LAMBDA {
            Vec* const square = block.at + (part * Vec::lanes);
            for_each<Vec::lanes>([&](std::size_t lane) SALVAGE_KERNEL_LAMBDA {
                square[lane] = Vec::load_bytes(rows[lane] + (k * row_bytes) + (part * sizeof(Vec)));
            });
            transpose(square);
        });
        return block;
    }
    SALVAGE_KERNEL_INLINE static void stream_rows(std::byte* const* rows, std::size_t k, Block block)
    {
        for_each<vectors_in_row>([&](std::size_t part)
                                     SALVAGE_KERNEL_LAMBDA { transpose(block.at + (part * Vec::lanes)); });
        for_each<block_words>([&](std::size_t i) SALVAGE_KERNEL_LAMBDA {
            const auto lane = i / vectors_in_row;
            const auto part = i % vectors_in_row;
            block[(part * Vec::lanes) + lane].stream(rows[lane] + (k * row_bytes) + (part * sizeof(Vec)));
        });
    }
    SALVAGE_KERNEL_INLINE static void prefetch_rows(const std::byte* const* rows, std::size_t k)
    {
        for (std::size_t lane = 0; lane < Vec::lanes; ++lane) {
            __builtin_prefetch(rows[lane] + (k * row_bytes), 0, 2);
        }
    }

    /// Salsa20/8 of x xor block.
    SALVAGE_KERNEL_INLINE static Block salsa(Block x, const Block& block)
    {
        xor_into(x, block);
        const auto before = x;
        for (int round = 0; round < 8; round += 2) {
            quarters(x, {0, 4, 8, 12}, {5, 9, 13, 1}, {10, 14, 2, 6}, {15, 3, 7, 11});
            quarters(x, {0, 1, 2, 3}, {5, 6, 7, 4}, {10, 11, 8, 9}, {15, 12, 13, 14});
        }
        for_each<block_words>([&](std::size_t word) SALVAGE_KERNEL_LAMBDA { x[word] = x[word] + before[word]; });
        return x;
    }

    struct Quarter {
        std::size_t a, b, c, d;
    };
    /// Four quarter rounds at a time: none waits for another.
    SALVAGE_KERNEL_INLINE static void quarters(Block& x, Quarter p, Quarter q, Quarter r, Quarter s)
    {
        step<7>(x, p.b, p.a, p.d), step<7>(x, q.b, q.a, q.d), step<7>(x, r.b, r.a, r.d), step<7>(x, s.b, s.a, s.d);
        step<9>(x, p.c, p.b, p.a), step<9>(x, q.c, q.b, q.a), step<9>(x, r.c, r.b, r.a), step<9>(x, s.c, s.b, s.a);
        step<13>(x, p.d, p.c, p.b), step<13>(x, q.d, q.c, q.b), step<13>(x, r.d, r.c, r.b), step<13>(x, s.d, s.c, s.b);
        step<18>(x, p.a, p.d, p.c), step<18>(x, q.a, q.d, q.c), step<18>(x, r.a, r.d, r.c), step<18>(x, s.a, s.d, s.c);
    }
    template <int bits>
    SALVAGE_KERNEL_INLINE static void step(Block& x, std::size_t to, std::size_t one, std::size_t other)
    {
        x[to] = x[to] ^ (x[one] + x[other]).template rotl<bits>();
    }
};

template <typename Vec, std::size_t groups>
consteval ScryptKernel scrypt_kernel()
{
    using Lanes = ScryptLanes<Vec, groups>;
    return {.run = Lanes::run, .lanes = Lanes::lanes, .group_lanes = Vec::lanes};
}

} // namespace salvage::crypto::kdf
// NOLINTEND(*-avoid-c-arrays,*-array-to-pointer-decay)
