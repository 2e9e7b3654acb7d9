// SHA-256's compression.  FIPS 180-4, 6.2.2.
#define HASH_WORDS 8
#define HASH_START(i)                                                                                                  \
    ((i) == 0   ? 0x6A09E667U                                                                                          \
     : (i) == 1 ? 0xBB67AE85U                                                                                          \
     : (i) == 2 ? 0x3C6EF372U                                                                                          \
     : (i) == 3 ? 0xA54FF53AU                                                                                          \
     : (i) == 4 ? 0x510E527FU                                                                                          \
     : (i) == 5 ? 0x9B05688CU                                                                                          \
     : (i) == 6 ? 0x1F83D9ABU                                                                                          \
                : 0x5BE0CD19U)

// The Sigmas as the standard names them; a rotation to the right is one to the left by what is missing to 32.  The big
// ones with a rotation last: on NVIDIA it is one operation (LEA.HI) together with the addition that follows.
#define SHA256_BIG0(x) ROTL((x) ^ ROTL(x, 21) ^ ROTL(x, 12), 30)
#define SHA256_BIG1(x) ROTL((x) ^ ROTL(x, 27) ^ ROTL(x, 13), 26)
#define SHA256_SMALL0(x) (ROTL(x, 25) ^ ROTL(x, 14) ^ ((x) >> 3))
#define SHA256_SMALL1(x) (ROTL(x, 15) ^ ROTL(x, 13) ^ ((x) >> 10))

// The schedule lives in a ring of sixteen words; t is a constant wherever this is used.
#define SHA256_MIX(w0, w1, w9, w14) ADD(SHA256_SMALL1(w14), ADD(SHA256_SMALL0(w1), ADD(w9, w0)))
#define SHA256_WORD(t)                                                                                                 \
    ((t) < 16 ? w[(t) & 15]                                                                                            \
              : (w[(t) & 15] =                                                                                         \
                     SHA256_MIX(w[(t) & 15], w[((t) + 1) & 15], w[((t) + 9) & 15], w[((t) + 14) & 15])))
// The eight variables change places from step to step instead of being moved.
#define SHA256_STEP(t, k, a, b, c, d, e, f, g, h)                                                                      \
    h = ADD(k, h);                                                                                                     \
    h = ADD(SHA256_WORD(t), h);                                                                                        \
    h = ADD(CHOOSE(e, f, g), h);                                                                                       \
    h += SHA256_BIG1(e);                                                                                               \
    d = ADD(h, d);                                                                                                     \
    h = ADD(CHOOSE((a) ^ (b), c, a), h);                                                                               \
    h += SHA256_BIG0(a);
#define SHA256_EIGHT(t, k0, k1, k2, k3, k4, k5, k6, k7)                                                                \
    SHA256_STEP((t), k0, s0, s1, s2, s3, s4, s5, s6, s7)                                                               \
    SHA256_STEP((t) + 1, k1, s7, s0, s1, s2, s3, s4, s5, s6)                                                           \
    SHA256_STEP((t) + 2, k2, s6, s7, s0, s1, s2, s3, s4, s5)                                                           \
    SHA256_STEP((t) + 3, k3, s5, s6, s7, s0, s1, s2, s3, s4)                                                           \
    SHA256_STEP((t) + 4, k4, s4, s5, s6, s7, s0, s1, s2, s3)                                                           \
    SHA256_STEP((t) + 5, k5, s3, s4, s5, s6, s7, s0, s1, s2)                                                           \
    SHA256_STEP((t) + 6, k6, s2, s3, s4, s5, s6, s7, s0, s1)                                                           \
    SHA256_STEP((t) + 7, k7, s1, s2, s3, s4, s5, s6, s7, s0)

// Adds the block `w` to the hash `h`; the block is spent.
INLINE void hash_compress(word* h, word* w)
{
    word s0 = h[0], s1 = h[1], s2 = h[2], s3 = h[3], s4 = h[4], s5 = h[5], s6 = h[6], s7 = h[7];
    SHA256_EIGHT(0, 0x428A2F98U, 0x71374491U, 0xB5C0FBCFU, 0xE9B5DBA5U, 0x3956C25BU, 0x59F111F1U, 0x923F82A4U, 0xAB1C5ED5U)
    SHA256_EIGHT(8, 0xD807AA98U, 0x12835B01U, 0x243185BEU, 0x550C7DC3U, 0x72BE5D74U, 0x80DEB1FEU, 0x9BDC06A7U, 0xC19BF174U)
    SHA256_EIGHT(16, 0xE49B69C1U, 0xEFBE4786U, 0x0FC19DC6U, 0x240CA1CCU, 0x2DE92C6FU, 0x4A7484AAU, 0x5CB0A9DCU, 0x76F988DAU)
    SHA256_EIGHT(24, 0x983E5152U, 0xA831C66DU, 0xB00327C8U, 0xBF597FC7U, 0xC6E00BF3U, 0xD5A79147U, 0x06CA6351U, 0x14292967U)
    SHA256_EIGHT(32, 0x27B70A85U, 0x2E1B2138U, 0x4D2C6DFCU, 0x53380D13U, 0x650A7354U, 0x766A0ABBU, 0x81C2C92EU, 0x92722C85U)
    SHA256_EIGHT(40, 0xA2BFE8A1U, 0xA81A664BU, 0xC24B8B70U, 0xC76C51A3U, 0xD192E819U, 0xD6990624U, 0xF40E3585U, 0x106AA070U)
    SHA256_EIGHT(48, 0x19A4C116U, 0x1E376C08U, 0x2748774CU, 0x34B0BCB5U, 0x391C0CB3U, 0x4ED8AA4AU, 0x5B9CCA4FU, 0x682E6FF3U)
    SHA256_EIGHT(56, 0x748F82EEU, 0x78A5636FU, 0x84C87814U, 0x8CC70208U, 0x90BEFFFAU, 0xA4506CEBU, 0xBEF9A3F7U, 0xC67178F2U)
    h[0] = ADD(s0, h[0]);
    h[1] = ADD(s1, h[1]);
    h[2] = ADD(s2, h[2]);
    h[3] = ADD(s3, h[3]);
    h[4] = ADD(s4, h[4]);
    h[5] = ADD(s5, h[5]);
    h[6] = ADD(s6, h[6]);
    h[7] = ADD(s7, h[7]);
}
