// PBKDF2 with HMAC over the hash that comes before this in the program.  RFC 8018, 5.2; RFC 2104.
//
// A work item makes one hash length of one candidate's key: the block `number` (from 0) of the candidate `lane`, for
// item = number * lanes + lane.  Tables are arranged by rows: row r of item i is at r * items + i, so neighbours read
// neighbours.  lanes and items are counted in words.
//
//   keys     key_rows rows of lanes: the candidate as an HMAC key block, big-endian numbers; further rows would be zero
//   message  for each number: salt || number + 1 || padding, as message_blocks blocks of 16 big-endian numbers
//   state    4 groups of HASH_WORDS rows of items: hash after the inner key block, after the outer one, the last link
//            of the chain, and the sum of all links, which is the answer

// What follows a digest that is hashed after one key block: a one bit, zeros, and the length of both in bits.
INLINE void pad_digest(word* w)
{
    w[HASH_WORDS] = (word)(0x80000000U);
    UNROLL
    for (uint i = HASH_WORDS + 1; i < 15; ++i) {
        w[i] = (word)(0U);
    }
    w[15] = (word)((64U + 4U * HASH_WORDS) * 8U);
}

// Adds a digest, padded, to the hash `h`.
INLINE void compress_digest(word* h, const word* digest)
{
    word w[16];
    UNROLL
    for (uint i = 0; i < HASH_WORDS; ++i) {
        w[i] = digest[i];
    }
    pad_digest(w);
    hash_compress(h, w);
}

INLINE void load_rows(word* into, GLOBAL const word* table, uint group, uint items, uint item)
{
    GLOBAL const word* rows = table + (wide)(group * HASH_WORDS) * items + item;
    UNROLL
    for (uint i = 0; i < HASH_WORDS; ++i) {
        into[i] = rows[(wide)items * i];
    }
}

INLINE void store_rows(const word* from, GLOBAL word* table, uint group, uint items, uint item)
{
    GLOBAL word* rows = table + (wide)(group * HASH_WORDS) * items + item;
    UNROLL
    for (uint i = 0; i < HASH_WORDS; ++i) {
        rows[(wide)items * i] = from[i];
    }
}

// The first iteration.  Few compressions, so one copy of the code does them all: the two key blocks, the message, the
// outer hash of the inner digest.
KERNEL void pbkdf2_start(GLOBAL const word* keys, GLOBAL const uint* message, GLOBAL word* state, uint key_rows,
                         uint message_blocks, uint lanes, uint items)
{
    const uint item = ITEM;
    if (item >= items) {
        return;
    }
    const uint lane = item % lanes;
    GLOBAL const uint* text = message + (wide)(item / lanes) * message_blocks * 16;
    word h[HASH_WORDS];
    word w[16];
    for (uint step = 0; step < message_blocks + 3; ++step) {
        if (step < 2) {
            UNROLL
            for (uint i = 0; i < HASH_WORDS; ++i) {
                h[i] = (word)(HASH_START(i));
            }
            UNROLL
            for (uint i = 0; i < 16; ++i) {
                w[i] = (word)(step == 0 ? 0x36363636U : 0x5C5C5C5CU);
                if (i < key_rows) {
                    w[i] ^= keys[(wide)i * lanes + lane];
                }
            }
        } else if (step < message_blocks + 2) {
            if (step == 2) {
                load_rows(h, state, 0, items, item);
            }
            UNROLL
            for (uint i = 0; i < 16; ++i) {
                w[i] = (word)(text[(step - 2) * 16 + i]);
            }
        } else {
            UNROLL
            for (uint i = 0; i < HASH_WORDS; ++i) {
                w[i] = h[i];
            }
            pad_digest(w);
            load_rows(h, state, 1, items, item);
        }
        hash_compress(h, w);
        if (step < 2) {
            store_rows(h, state, step, items, item);
        }
    }
    store_rows(h, state, 2, items, item);
    store_rows(h, state, 3, items, item);
}

// `iterations` more links of the chain.  Inner and outer hash share one copy of the code and read each time where they
// start: half the code is kinder to a card's instruction cache, and fewer registers let more work items run.
KERNEL void pbkdf2_loop(GLOBAL word* state, uint items, uint iterations)
{
    const uint item = ITEM;
    if (item >= items) {
        return;
    }
    word link[HASH_WORDS], sum[HASH_WORDS];
    load_rows(link, state, 2, items, item);
    load_rows(sum, state, 3, items, item);
    for (uint n = 0; n < iterations; ++n) {
        ROLLED
        for (uint hash = 0; hash < 2; ++hash) {
            word h[HASH_WORDS];
            load_rows(h, state, hash, items, item);
            compress_digest(h, link);
            UNROLL
            for (uint i = 0; i < HASH_WORDS; ++i) {
                link[i] = h[i];
            }
        }
        UNROLL
        for (uint i = 0; i < HASH_WORDS; ++i) {
            sum[i] ^= link[i];
        }
    }
    store_rows(link, state, 2, items, item);
    store_rows(sum, state, 3, items, item);
}
