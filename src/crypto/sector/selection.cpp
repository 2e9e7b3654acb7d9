// Choosing sector kernels: what the processor has, and what was measured to be the fastest of it.
#include "crypto/sector/selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace salvage::crypto {
namespace {

constexpr std::array all_isas{SectorIsa::portable, SectorIsa::sse,    SectorIsa::avx2,
                              SectorIsa::vaes,     SectorIsa::avx512, SectorIsa::neon};

#if defined(__x86_64__)
/// What __builtin_cpu_supports names differently in g++ 12 and clang 19.  Intel SDM, CPUID leaf 7, ECX.
bool has_leaf_7_ecx(unsigned bits) noexcept
{
    constexpr unsigned leaf = 7;
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    return __get_cpuid_count(leaf, 0, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bits) == bits;
}
constexpr unsigned vbmi2_bit = 1U << 6U;
constexpr unsigned vaes_bit = 1U << 9U;
constexpr unsigned vpclmulqdq_bit = 1U << 10U;

// NOLINTBEGIN(readability-redundant-casting): a bool with clang, an int with g++.
bool has_sse_with_aes() noexcept
{
    return static_cast<bool>(__builtin_cpu_supports("aes")) && static_cast<bool>(__builtin_cpu_supports("sse4.1"));
}
bool has_avx2_with_aes() noexcept
{
    return has_sse_with_aes() && static_cast<bool>(__builtin_cpu_supports("avx2"));
}
bool has_vaes() noexcept
{
    return has_avx2_with_aes() && static_cast<bool>(__builtin_cpu_supports("pclmul")) &&
           has_leaf_7_ecx(vaes_bit | vpclmulqdq_bit);
}
bool has_avx512_with_vaes() noexcept
{
    return has_vaes() && has_leaf_7_ecx(vbmi2_bit) && static_cast<bool>(__builtin_cpu_supports("avx512f")) &&
           static_cast<bool>(__builtin_cpu_supports("avx512bw")) &&
           static_cast<bool>(__builtin_cpu_supports("avx512vl"));
}
// NOLINTEND(readability-redundant-casting)
#endif

bool is_supported(SectorIsa isa) noexcept
{
    switch (isa) {
    case SectorIsa::portable: return true;
#if defined(__x86_64__)
    case SectorIsa::sse: return has_sse_with_aes();
    case SectorIsa::avx2: return has_avx2_with_aes();
    case SectorIsa::vaes: return has_vaes();
    case SectorIsa::avx512: return has_avx512_with_vaes();
    case SectorIsa::neon: return false;
#elif defined(__aarch64__)
    case SectorIsa::neon: {
        constexpr unsigned long has_aes = 1UL << 3U; // Linux, HWCAP_AES
        return (::getauxval(AT_HWCAP) & has_aes) != 0;
    }
    default: return false;
#else
    default: return false;
#endif
    }
    return false;
}

} // namespace

std::string_view to_string(SectorIsa isa) noexcept
{
    switch (isa) {
    case SectorIsa::portable: return "portable";
    case SectorIsa::sse: return "sse";
    case SectorIsa::avx2: return "avx2";
    case SectorIsa::vaes: return "vaes";
    case SectorIsa::avx512: return "avx512";
    case SectorIsa::neon: return "neon";
    }
    return "portable";
}

std::span<const SectorIsa> supported_sector_isas() noexcept
{
    static const auto supported = [] {
        std::vector<SectorIsa> found;
        std::ranges::copy_if(all_isas, std::back_inserter(found), is_supported);
        return found;
    }();
    return supported;
}

namespace sector {
namespace {

/// The kernels of an instruction set; null where it has none of its own.
struct KernelSet {
    SectorIsa isa;
    const AesKernels* aes;
    const AdiantumKernels* adiantum;
};
// In the order of speed as measured on Zen 4; the last one always runs.  See docs/performance.md.
#if defined(__x86_64__)
constexpr std::array sets{
    KernelSet{.isa = SectorIsa::avx512, .aes = &aes_avx512, .adiantum = &adiantum_avx512},
    KernelSet{.isa = SectorIsa::vaes, .aes = &aes_vaes, .adiantum = &adiantum_avx2},
    // AVX's three-operand forms gain AES-NI nothing.
    KernelSet{.isa = SectorIsa::avx2, .aes = &aes_sse, .adiantum = &adiantum_avx2},
    KernelSet{.isa = SectorIsa::sse, .aes = &aes_sse, .adiantum = nullptr},
    KernelSet{.isa = SectorIsa::portable, .aes = nullptr, .adiantum = &adiantum_portable},
};
#elif defined(__aarch64__)
constexpr std::array sets{
    KernelSet{.isa = SectorIsa::neon, .aes = &aes_neon, .adiantum = &adiantum_neon},
    KernelSet{.isa = SectorIsa::portable, .aes = nullptr, .adiantum = &adiantum_portable},
};
#else
constexpr std::array sets{
    KernelSet{.isa = SectorIsa::portable, .aes = nullptr, .adiantum = &adiantum_portable},
};
#endif

} // namespace

Selection select_kernels(std::optional<SectorIsa> only) noexcept
{
    const auto may_run = [only](SectorIsa isa) {
        return only.has_value() ? isa == *only || isa == SectorIsa::portable : is_supported(isa);
    };
    Selection selection;
    for (const auto& set : sets) {
        if (!may_run(set.isa)) {
            continue;
        }
        if (selection.aes == nullptr && set.aes != nullptr) {
            selection.aes_isa = set.isa;
            selection.aes = set.aes;
        }
        if (selection.adiantum == nullptr && set.adiantum != nullptr) {
            selection.adiantum_isa = set.isa;
            selection.adiantum = set.adiantum;
        }
    }
    return selection;
}

} // namespace sector
} // namespace salvage::crypto
