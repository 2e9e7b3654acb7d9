// One source, three dialects: OpenCL C, CUDA C++ (nvcc, NVRTC, clang), and C++ on the host for tests.
//
// The sources of a program are put one after the other, this one first; none includes anything.  Two types carry the
// differences of hardware:
//   word  what one work item computes SHA-1 and SHA-256 on: WORD_LANES candidates side by side.  One on a GPU; as many
//         as a vector register holds where OpenCL runs on a CPU.
//   quad  one of the four diagonals of a Salsa20 matrix.  Where neighbouring work items can hand each other registers,
//         QUAD_LANES = 4 of them share a matrix and a quad is one number in each; elsewhere it is a vector of four.
// WORD_LANES is given on the command line of the compiler; nothing given is 1.
#ifndef WORD_LANES
#define WORD_LANES 1
#endif

#if defined(__OPENCL_C_VERSION__) || defined(__OPENCL_VERSION__) // ------------------------------------------ OpenCL C

#define KERNEL __kernel
#define GLOBAL __global
#define INLINE static inline
#define UNROLL _Pragma("unroll")
#define ROLLED _Pragma("unroll 1")
typedef ulong wide;
#define ITEM ((uint)get_global_id(0))

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#if WORD_LANES == 1
typedef uint word;
#else
typedef PASTE(uint, WORD_LANES) word;
#endif
#define ROTL_QUAD(x, n) rotate((x), (quad)(n))
#define CHOOSE(c, a, b) bitselect((b), (a), (c))

#if defined(__NV_CL_C_VERSION)
#define NVIDIA
#define GROUPS_SECOND_SIZE ((uint)get_local_size(1))
#define QUAD_BY_SHUFFLE
#elif defined(__AMDGCN__)
#define QUAD_BY_PERMUTE
#else
#define QUAD_LANES 1
typedef uint4 quad;
#define TURN1(x) (x).yzwx
#define TURN2(x) (x).zwxy
#define TURN3(x) (x).wxyz
#define QUAD_FIRST(value) (value).x
#endif

#elif defined(__CUDACC__) || defined(__CUDA__) // -------------------------------------------------------------- CUDA

#if defined(__clang__) // without CUDA's headers
#define KERNEL extern "C" __attribute__((global))
#define DEVICE __attribute__((device))
#else
#define KERNEL extern "C" __global__
#define DEVICE __device__
#endif
#define GLOBAL
#define INLINE static inline DEVICE __attribute__((always_inline))
#define UNROLL _Pragma("unroll")
#define ROLLED _Pragma("unroll 1")

typedef unsigned int uint;
typedef unsigned long long wide;
typedef uint word;
// Read by their PTX names: these need no header, and are the same for all three compilers.
INLINE uint item_number(void)
{
    uint group, size, place;
    asm("mov.u32 %0, %%ctaid.x;" : "=r"(group));
    asm("mov.u32 %0, %%ntid.x;" : "=r"(size));
    asm("mov.u32 %0, %%tid.x;" : "=r"(place));
    return group * size + place;
}
INLINE uint groups_second_size(void)
{
    uint size;
    asm("mov.u32 %0, %%ntid.y;" : "=r"(size));
    return size;
}
#define ITEM item_number()
#define ROTL_QUAD(x, n) (((x) << (n)) | ((x) >> (32 - (n)))) // one SHF
#define CHOOSE(c, a, b) ((b) ^ ((c) & ((a) ^ (b)))) // one LOP3
#define NVIDIA
#define GROUPS_SECOND_SIZE groups_second_size()
#define QUAD_BY_SHUFFLE

#else // ------------------------------------------------------------------------------------------ C++ on the host

#define KERNEL static
#define GLOBAL
#define INLINE static inline
#define UNROLL
#define ROLLED
typedef unsigned int uint;
typedef unsigned long long wide;
typedef uint word;
#define ITEM host_item // whoever includes this has a variable of that name
#define ROTL_QUAD(x, n) (((x) << (n)) | ((x) >> (32 - (n))))
#define CHOOSE(c, a, b) ((b) ^ ((c) & ((a) ^ (b))))
#define QUAD_LANES 1
typedef uint quad __attribute__((vector_size(16)));
#define TURN1(x) __builtin_shufflevector((x), (x), 1, 2, 3, 0)
#define TURN2(x) __builtin_shufflevector((x), (x), 2, 3, 0, 1)
#define TURN3(x) __builtin_shufflevector((x), (x), 3, 0, 1, 2)
#define QUAD_FIRST(x) ((x)[0])

#endif

// ROTL(x, n): `x` rotated to the left by the constant `n`.
// ADD(x, y): the sum, where the units for logic and shifts are what everything waits for.  NVIDIA's do 64 LOP3, SHF or
// IADD3 a clock and multiprocessor; the multipliers do as many IMAD beside them, and of SHA's operations additions are
// what can be given to those.  The compiler gives them few.  So x + y is written as x * 1 + y with a 1 that it cannot
// see through: our groups have one dimension.
#if defined(NVIDIA)
INLINE uint multiply_add(uint x, uint factor, uint y)
{
    uint result;
    asm("mad.lo.u32 %0, %1, %2, %3;" : "=r"(result) : "r"(x), "r"(factor), "r"(y));
    return result;
}
// Two shifts and an OR are not always found to be this one operation.
INLINE uint rotated_left(uint x, uint n)
{
    uint result;
    asm("shf.l.wrap.b32 %0, %1, %1, %2;" : "=r"(result) : "r"(x), "r"(n));
    return result;
}
#define ADD(x, y) multiply_add((x), GROUPS_SECOND_SIZE, (y))
#define ROTL(x, n) rotated_left((x), (n))
#else
#define ADD(x, y) ((x) + (y))
#if defined(__OPENCL_C_VERSION__) || defined(__OPENCL_VERSION__)
#define ROTL(x, n) rotate((x), (word)(n))
#else
#define ROTL(x, n) (((x) << (n)) | ((x) >> (32 - (n))))
#endif
#endif

// TURNk(x): lane i of four gets what lane i + k has.  QUAD_FIRST(x): every lane gets what lane 0 has.
// With QUAD_LANES = 4 all work items of a group must come by: none leaves a kernel early.
#if defined(QUAD_BY_SHUFFLE) // NVIDIA
#define QUAD_LANES 4
typedef uint quad;
__attribute__((unused)) INLINE uint quad_from(uint x, uint lane)
{
    uint result;
    // Segments of four lanes; the whole warp takes part.
    asm volatile("shfl.sync.idx.b32 %0, %1, %2, 0x1c1f, 0xffffffff;" : "=r"(result) : "r"(x), "r"(lane));
    return result;
}
#define TURN1(x) quad_from((x), (ITEM + 1) & 3)
#define TURN2(x) quad_from((x), (ITEM + 2) & 3)
#define TURN3(x) quad_from((x), (ITEM + 3) & 3)
#define QUAD_FIRST(x) quad_from((x), 0)
#elif defined(QUAD_BY_PERMUTE) // AMD, GCN 3 and later: quad_perm of the DPP unit, two bits a lane
#define QUAD_LANES 4
typedef uint quad;
#define QUAD_PERMUTE(x, lanes) ((uint)__builtin_amdgcn_mov_dpp((int)(x), (lanes), 0xF, 0xF, 1))
#define TURN1(x) QUAD_PERMUTE(x, 0x39)
#define TURN2(x) QUAD_PERMUTE(x, 0x4E)
#define TURN3(x) QUAD_PERMUTE(x, 0x93)
#define QUAD_FIRST(x) QUAD_PERMUTE(x, 0x00)
#endif
