// SHA-1's compression.  FIPS 180-4, 6.1.2.
#define HASH_WORDS 5
#define HASH_START(i)                                                                                                  \
    ((i) == 0 ? 0x67452301U : (i) == 1 ? 0xEFCDAB89U : (i) == 2 ? 0x98BADCFEU : (i) == 3 ? 0x10325476U : 0xC3D2E1F0U)

#define SHA1_CHOOSE(b, c, d) CHOOSE(b, c, d)
#define SHA1_PARITY(b, c, d) ((b) ^ (c) ^ (d))
#define SHA1_MAJORITY(b, c, d) CHOOSE((b) ^ (c), d, b)

// Word t of the schedule; t is a constant wherever this is used.  The standard's recurrence is n = 1.  Over GF(2) its
// square and that one's square are true as well: n = 2 from word 32 on, n = 4 from word 64 on.  They are used where, of
// a padded digest, they meet the zeros: 28 XORs less.
#define SHA1_EARLIER(t, distance) w[((t) - (distance)) & 127]
#define SHA1_MIX(t, n)                                                                                                 \
    ROTL(SHA1_EARLIER(t, 3 * (n)) ^ SHA1_EARLIER(t, 8 * (n)) ^ SHA1_EARLIER(t, 14 * (n)) ^ SHA1_EARLIER(t, 16 * (n)), n)
#define SHA1_WORD(t)                                                                                                   \
    ((t) < 16                 ? w[t]                                                                                   \
     : (t) >= 64 && (t) != 79 ? (w[t] = SHA1_MIX(t, 4))                                                                \
     : (t) >= 34 && (t) < 47  ? (w[t] = SHA1_MIX(t, 2))                                                                \
                              : (w[t] = SHA1_MIX(t, 1)))
// The five variables change places from step to step instead of being moved.  `a`, which is known last, is added last:
// rotating and adding it is one operation (LEA.HI) on NVIDIA.
#define SHA1_STEP(f, k, t, a, b, c, d, e)                                                                              \
    e = ADD(k, e);                                                                                                     \
    e = ADD(SHA1_WORD(t), e);                                                                                          \
    e = ADD(f(b, c, d), e);                                                                                            \
    e += ROTL(a, 5);                                                                                                   \
    b = ROTL(b, 30);
#define SHA1_FIVE(f, k, t)                                                                                             \
    SHA1_STEP(f, k, (t), a, b, c, d, e)                                                                                \
    SHA1_STEP(f, k, (t) + 1, e, a, b, c, d)                                                                            \
    SHA1_STEP(f, k, (t) + 2, d, e, a, b, c)                                                                            \
    SHA1_STEP(f, k, (t) + 3, c, d, e, a, b)                                                                            \
    SHA1_STEP(f, k, (t) + 4, b, c, d, e, a)
#define SHA1_TWENTY(f, k, t)                                                                                           \
    SHA1_FIVE(f, k, t) SHA1_FIVE(f, k, (t) + 5) SHA1_FIVE(f, k, (t) + 10) SHA1_FIVE(f, k, (t) + 15)

// Adds the block to the hash `h`.
INLINE void hash_compress(word* h, const word* block)
{
    word w[128];
    UNROLL
    for (uint i = 0; i < 16; ++i) {
        w[i] = block[i];
    }
    word a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    SHA1_TWENTY(SHA1_CHOOSE, 0x5A827999U, 0)
    SHA1_TWENTY(SHA1_PARITY, 0x6ED9EBA1U, 20)
    SHA1_TWENTY(SHA1_MAJORITY, 0x8F1BBCDCU, 40)
    SHA1_TWENTY(SHA1_PARITY, 0xCA62C1D6U, 60)
    h[0] = ADD(a, h[0]);
    h[1] = ADD(b, h[1]);
    h[2] = ADD(c, h[2]);
    h[3] = ADD(d, h[3]);
    h[4] = ADD(e, h[4]);
}
