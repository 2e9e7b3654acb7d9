// scrypt's ROMix, with part of its table.  RFC 7914, 3 to 6.  SCRYPT_R_LOG2 is given on the compiler's command line.
//
//   fill:  for i in 0 … N-1:  V[i] = X;  X = BlockMix(X)
//   mix:   N times:           j = Integerify(X) mod N;  X = BlockMix(X xor V[j])
//
// Memory, not arithmetic, limits how many candidates a GPU takes at once, and with too few of them its units wait.  So
// only every 2^gap_log2-th block of V is kept, and the others are computed again from the last one before them.
//
// Deviation: neighbours need different numbers of such steps, and a GPU makes all wait for the slowest.  So the mix
// has no inner loop.  Every step of every stream is one BlockMix, of whatever that stream needs next: a block of V a
// step further, or X itself.  Streams run apart, and are equally far again at the end, by the law of large numbers;
// the host starts steps until all are through.  The order of operations within a stream is the RFC's.
//
// A stream is one of the p parts of one candidate: stream = lane * p + part.  A matrix of Salsa20 is held by diagonals
// (A B C D, each with one number of every column), so that the rounds over columns are the same operation four times,
// and after turning three diagonals the rounds over rows are, too.

#ifndef SCRYPT_R_LOG2
#define SCRYPT_R_LOG2 3
#endif
#define BLOCKS (2U << SCRYPT_R_LOG2)
#define QUADS (4U * BLOCKS)        // of a row: r * 128 bytes
#define ROW_NUMBERS (16U * BLOCKS) // the same in 32-bit numbers
#define FRESH 0xFFFFFFFFU

#define SALSA_ROUND(a, b, c, d)                                                                                        \
    b ^= ROTL_QUAD(a + d, 7);                                                                                          \
    c ^= ROTL_QUAD(b + a, 9);                                                                                          \
    d ^= ROTL_QUAD(c + b, 13);                                                                                         \
    a ^= ROTL_QUAD(d + c, 18);

// x = Salsa20/8(x xor y)
INLINE void salsa_of_xor(quad* x, const quad* y)
{
    quad a = x[0] ^= y[0];
    quad b = x[1] ^= y[1];
    quad c = x[2] ^= y[2];
    quad d = x[3] ^= y[3];
    UNROLL
    for (uint i = 0; i < 4; ++i) {
        SALSA_ROUND(a, b, c, d)
        b = TURN3(b);
        c = TURN2(c);
        d = TURN1(d);
        SALSA_ROUND(a, d, c, b)
        b = TURN1(b);
        c = TURN2(c);
        d = TURN3(d);
    }
    x[0] += a;
    x[1] += b;
    x[2] += c;
    x[3] += d;
}

// The result's even blocks come first, then its odd ones.
INLINE void block_mix(quad* z)
{
    quad mixed[QUADS];
    quad x[4];
    UNROLL
    for (uint k = 0; k < 4; ++k) {
        x[k] = z[QUADS - 4 + k];
    }
    UNROLL
    for (uint i = 0; i < BLOCKS; ++i) {
        salsa_of_xor(x, z + 4 * i);
        UNROLL
        for (uint k = 0; k < 4; ++k) {
            mixed[((i & 1) * (BLOCKS / 2) + i / 2) * 4 + k] = x[k];
        }
    }
    UNROLL
    for (uint k = 0; k < QUADS; ++k) {
        z[k] = mixed[k];
    }
}

// Rows in memory: with four lanes, the four numbers of a lane stand together, and those of its neighbours beside them.
#if QUAD_LANES == 4
#define ROW_QUAD(k) (((k) / 4) * 16 + (ITEM & 3) * 4 + ((k) & 3))
#else
#define ROW_QUAD(k) (k)
#endif

INLINE void load_row(quad* z, GLOBAL const quad* row)
{
    UNROLL
    for (uint k = 0; k < QUADS; ++k) {
        z[k] = row[ROW_QUAD(k)];
    }
}

INLINE void store_row(const quad* z, GLOBAL quad* row)
{
    UNROLL
    for (uint k = 0; k < QUADS; ++k) {
        row[ROW_QUAD(k)] = z[k];
    }
}

// Place of number i of a Salsa20 matrix within its 64 bytes of a row.  Diagonal k has the numbers of row (column + k).
INLINE uint place_of(uint i)
{
    const uint column = i & 3;
    const uint diagonal = (i / 4 - column) & 3;
    return QUAD_LANES == 4 ? column * 4 + diagonal : diagonal * 4 + column;
}

INLINE uint swap_bytes(uint x)
{
    return ((x << 24) | (x >> 8 & 0xFF00U)) | ((x << 8 & 0xFF0000U) | (x >> 24));
}

// Numbers of a row in units of quads.
#define ROW_STRIDE (QUADS * QUAD_LANES)

// The table may lie in up to four buffers, each for so many streams.
INLINE GLOBAL quad* table_of(GLOBAL quad* v0, GLOBAL quad* v1, GLOBAL quad* v2, GLOBAL quad* v3, uint slot,
                             uint streams_a_buffer, uint rows)
{
    const uint buffer = slot / streams_a_buffer;
    GLOBAL quad* v = buffer == 0 ? v0 : buffer == 1 ? v1 : buffer == 2 ? v2 : v3;
    return v + (wide)(slot % streams_a_buffer) * rows * ROW_STRIDE;
}

// What the host cannot know: how the compiler's dialect is.
KERNEL void scrypt_shape(GLOBAL uint* shape)
{
    if (ITEM == 0) {
        shape[0] = QUAD_LANES;
        shape[1] = SCRYPT_R_LOG2;
    }
}

// X from the answers of the first PBKDF2 (state: see there; its sum is big-endian, Salsa20 little-endian).
// One work item for each number of each stream.
KERNEL void scrypt_load(GLOBAL const uint* state, GLOBAL uint* x, uint lanes, uint lanes_used, uint p)
{
    const uint stream = ITEM / ROW_NUMBERS;
    const uint i = ITEM % ROW_NUMBERS;
    if (stream >= lanes_used * p) {
        return;
    }
    const uint number = ((stream % p) * ROW_NUMBERS + i) / 8;
    const wide items = (wide)lanes * p * ROW_NUMBERS / 8;
    const uint sum = state[(24 + i % 8) * items + (wide)number * lanes + stream / p];
    x[(wide)stream * ROW_NUMBERS + (i & ~15U) + place_of(i & 15)] = swap_bytes(sum);
}

// Steps [from, to) of the fill for the streams [first, first + streams).
KERNEL void scrypt_fill(GLOBAL quad* x, GLOBAL quad* v0, GLOBAL quad* v1, GLOBAL quad* v2, GLOBAL quad* v3,
                        uint streams_a_buffer, uint first, uint streams, uint n_log2, uint gap_log2, uint from, uint to)
{
    const uint slot = ITEM / QUAD_LANES;
    const uint gap_mask = (1U << gap_log2) - 1;
    quad z[QUADS];
    // Work items beyond the streams do a stream's work all the same, for their neighbours' sake, and leave no trace.
    const uint real = slot < streams ? slot : 0;
    GLOBAL quad* row = x + (wide)(first + real) * ROW_STRIDE;
    GLOBAL quad* v = table_of(v0, v1, v2, v3, real, streams_a_buffer, 1U << (n_log2 - gap_log2));
    load_row(z, row);
    for (uint i = from; i < to; ++i) {
        if (slot < streams && (i & gap_mask) == 0) {
            store_row(z, v + (wide)(i >> gap_log2) * ROW_STRIDE);
        }
        block_mix(z);
    }
    if (slot < streams) {
        store_row(z, row);
    }
}

// `steps` steps of the mix.  x: in X, in the end its result.  saved, going: rows of each slot between launches.
// counts: for each slot, how many of the N are done, and how many steps are left to the block of V that is wanted, or
// FRESH.  unfinished: set to 1 if a stream is not through.
KERNEL void scrypt_mix(GLOBAL quad* x, GLOBAL quad* saved, GLOBAL quad* going, GLOBAL uint* counts, GLOBAL quad* v0,
                       GLOBAL quad* v1, GLOBAL quad* v2, GLOBAL quad* v3, uint streams_a_buffer, uint first,
                       uint streams, uint n_log2, uint gap_log2, uint is_first, uint steps, GLOBAL uint* unfinished)
{
    const uint slot = ITEM / QUAD_LANES;
    const uint n = 1U << n_log2;
    quad z[QUADS];
    quad kept[QUADS];
    const uint real = slot < streams ? slot : 0;
    GLOBAL quad* row = x + (wide)(first + real) * ROW_STRIDE;
    GLOBAL quad* v = table_of(v0, v1, v2, v3, real, streams_a_buffer, n >> gap_log2);
    uint done = 0;
    uint left = FRESH;
    load_row(z, is_first ? row : going + (wide)real * ROW_STRIDE);
    load_row(kept, is_first ? row : saved + (wide)real * ROW_STRIDE);
    if (!is_first) {
        done = counts[2 * real];
        left = counts[2 * real + 1];
    }
    for (uint step = 0; step < steps; ++step) {
        const uint j = QUAD_FIRST(z[QUADS - 4]) & (n - 1);
        if (left == FRESH) {
            UNROLL
            for (uint k = 0; k < QUADS; ++k) {
                kept[k] = z[k];
            }
            load_row(z, v + (wide)(j >> gap_log2) * ROW_STRIDE);
            left = j & ((1U << gap_log2) - 1);
        }
        if (left == 0) {
            UNROLL
            for (uint k = 0; k < QUADS; ++k) {
                z[k] ^= kept[k];
            }
        }
        block_mix(z);
        if (left == 0) {
            ++done;
            if (done == n && slot < streams) {
                store_row(z, row);
            }
        }
        left = left == 0 ? FRESH : left - 1; // a stream that is through goes on in vain
    }
    if (slot < streams) {
        store_row(z, going + (wide)slot * ROW_STRIDE);
        store_row(kept, saved + (wide)slot * ROW_STRIDE);
        counts[2 * slot] = done;
        counts[2 * slot + 1] = left;
        if (done < n) {
            *unfinished = 1; // whoever writes writes the same
        }
    }
}

// The second PBKDF2: the key is the HMAC of all X of a candidate || number.  state: as the first PBKDF2 left it, whose
// key hashes still hold.  One work item for each lane and number, and key is in 8 rows of numbers * lanes.
KERNEL void scrypt_finish(GLOBAL const uint* state, GLOBAL const uint* x, GLOBAL uint* key, uint lanes, uint lanes_used,
                          uint p, uint numbers)
{
    const uint lane = ITEM % lanes;
    const uint number = ITEM / lanes;
    if (number >= numbers || lane >= lanes_used) {
        return;
    }
    const wide items = (wide)lanes * p * ROW_NUMBERS / 8;
    const uint blocks = p * BLOCKS;
    word h[8];
    word w[16];
    for (uint i = 0; i < 8; ++i) {
        h[i] = state[i * items + lane];
    }
    GLOBAL const uint* text = x + (wide)lane * p * ROW_NUMBERS;
    for (uint step = 0; step < blocks + 2; ++step) {
        if (step < blocks) {
            UNROLL
            for (uint i = 0; i < 16; ++i) {
                w[i] = swap_bytes(text[step * 16 + place_of(i)]);
            }
        } else if (step == blocks) {
            UNROLL
            for (uint i = 0; i < 16; ++i) {
                w[i] = i == 0 ? number + 1 : i == 1 ? 0x80000000U : i == 15 ? (64 + blocks * 64 + 4) * 8 : 0U;
            }
        } else {
            UNROLL
            for (uint i = 0; i < 16; ++i) {
                w[i] = i < 8 ? h[i & 7] : i == 8 ? 0x80000000U : i == 15 ? (64 + 32) * 8 : 0U;
            }
            for (uint i = 0; i < 8; ++i) {
                h[i] = state[(8 + i) * items + lane];
            }
        }
        hash_compress(h, w);
    }
    for (uint i = 0; i < 8; ++i) {
        key[(wide)(i * numbers + number) * lanes + lane] = h[i];
    }
}
