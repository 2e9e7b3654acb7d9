// SHA-1's compression.  FIPS 180-4, 6.1.2.
#define HASH_WORDS 5
#define HASH_START(i)                                                                                                  \
    ((i) == 0 ? 0x67452301U : (i) == 1 ? 0xEFCDAB89U : (i) == 2 ? 0x98BADCFEU : (i) == 3 ? 0x10325476U : 0xC3D2E1F0U)

#define SHA1_CHOOSE(b, c, d) CHOOSE(b, c, d)
#define SHA1_PARITY(b, c, d) ((b) ^ (c) ^ (d))
#define SHA1_MAJORITY(b, c, d) CHOOSE((b) ^ (c), d, b)

// The schedule lives in a ring of sixteen words; t is a constant wherever this is used.
#define SHA1_WORD(t)                                                                                                   \
    ((t) < 16 ? w[(t) & 15]                                                                                            \
              : (w[(t) & 15] = ROTL(w[((t) + 13) & 15] ^ w[((t) + 8) & 15] ^ w[((t) + 2) & 15] ^ w[(t) & 15], 1)))
// The five variables change places from step to step instead of being moved.
#define SHA1_STEP(f, k, t, a, b, c, d, e)                                                                              \
    e += ROTL(a, 5) + f(b, c, d) + (k) + SHA1_WORD(t);                                                                 \
    b = ROTL(b, 30);
#define SHA1_FIVE(f, k, t)                                                                                             \
    SHA1_STEP(f, k, (t), a, b, c, d, e)                                                                                \
    SHA1_STEP(f, k, (t) + 1, e, a, b, c, d)                                                                            \
    SHA1_STEP(f, k, (t) + 2, d, e, a, b, c)                                                                            \
    SHA1_STEP(f, k, (t) + 3, c, d, e, a, b)                                                                            \
    SHA1_STEP(f, k, (t) + 4, b, c, d, e, a)
#define SHA1_TWENTY(f, k, t)                                                                                           \
    SHA1_FIVE(f, k, t) SHA1_FIVE(f, k, (t) + 5) SHA1_FIVE(f, k, (t) + 10) SHA1_FIVE(f, k, (t) + 15)

// Adds the block `w` to the hash `h`; the block is spent.
INLINE void hash_compress(word* h, word* w)
{
    word a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    SHA1_TWENTY(SHA1_CHOOSE, 0x5A827999U, 0)
    SHA1_TWENTY(SHA1_PARITY, 0x6ED9EBA1U, 20)
    SHA1_TWENTY(SHA1_MAJORITY, 0x8F1BBCDCU, 40)
    SHA1_TWENTY(SHA1_PARITY, 0xCA62C1D6U, 60)
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}
