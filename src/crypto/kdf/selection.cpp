// Choosing kernels: what the processor has, and what was measured to be the fastest of it.
#include "crypto/kdf/selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace salvage::crypto {
namespace {

constexpr std::array all_isas{Isa::portable, Isa::sse2, Isa::sha_ni, Isa::avx2, Isa::avx512, Isa::neon};

#if defined(__x86_64__)
bool has_sha_instructions() noexcept
{
    // g++ 12's __builtin_cpu_supports does not know them.  Intel SDM, CPUID leaf 7, EBX bit 29.
    constexpr unsigned leaf = 7;
    constexpr unsigned sha_bit = 1U << 29U;
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    return __get_cpuid_count(leaf, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & sha_bit) != 0;
}
#endif

} // namespace

std::string_view to_string(Isa isa) noexcept
{
    switch (isa) {
    case Isa::portable: return "portable";
    case Isa::sse2: return "sse2";
    case Isa::sha_ni: return "sha_ni";
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    case Isa::neon: return "neon";
    }
    return "portable";
}

std::span<const Isa> supported_isas() noexcept
{
    static const auto supported = [] {
        std::vector<Isa> found;
        std::ranges::copy_if(all_isas, std::back_inserter(found), kdf::is_supported);
        return found;
    }();
    return supported;
}

Result<Isa> parse_isa(std::string_view name)
{
    const auto* const found = std::ranges::find_if(all_isas, [name](Isa isa) { return to_string(isa) == name; });
    if (found != all_isas.end()) {
        return *found;
    }
    return invalid_argument("no instruction set has this name", fmt::format("found \"{}\"", name),
                            fmt::format("this machine has {}", kdf::names_of_supported_isas()));
}

namespace kdf {
namespace {

/// The kernels of an instruction set; null where it has none.
struct KernelSet {
    Isa isa;
    const Pbkdf2Kernels* pbkdf2;
    const ScryptKernels* scrypt;
};
// In the order of speed as measured on Zen 4; the last one always runs.  See docs/performance.md.
#if defined(__x86_64__)
constexpr std::array sets{
    KernelSet{.isa = Isa::avx512, .pbkdf2 = &pbkdf2_avx512, .scrypt = &scrypt_avx512},
    KernelSet{.isa = Isa::sha_ni, .pbkdf2 = &pbkdf2_sha_ni, .scrypt = nullptr},
    KernelSet{.isa = Isa::avx2, .pbkdf2 = &pbkdf2_avx2, .scrypt = &scrypt_avx2},
    KernelSet{.isa = Isa::sse2, .pbkdf2 = &pbkdf2_sse2, .scrypt = &scrypt_sse2},
    KernelSet{.isa = Isa::portable, .pbkdf2 = &pbkdf2_portable, .scrypt = &scrypt_portable},
};
#elif defined(__aarch64__)
constexpr std::array sets{
    KernelSet{.isa = Isa::neon, .pbkdf2 = &pbkdf2_neon, .scrypt = &scrypt_neon},
    KernelSet{.isa = Isa::portable, .pbkdf2 = &pbkdf2_portable, .scrypt = &scrypt_portable},
};
#else
constexpr std::array sets{
    KernelSet{.isa = Isa::portable, .pbkdf2 = &pbkdf2_portable, .scrypt = &scrypt_portable},
};
#endif

} // namespace

bool is_supported(Isa isa) noexcept
{
    switch (isa) {
#if defined(__x86_64__)
    case Isa::portable:
    case Isa::sse2: return true;
    // NOLINTBEGIN(readability-redundant-casting): a bool with clang, an int with g++.
    // Its kernels use AVX's three-operand forms, too.
    case Isa::sha_ni: return has_sha_instructions() && static_cast<bool>(__builtin_cpu_supports("avx"));
    case Isa::avx2: return static_cast<bool>(__builtin_cpu_supports("avx2"));
    case Isa::avx512:
        return static_cast<bool>(__builtin_cpu_supports("avx512f")) &&
               static_cast<bool>(__builtin_cpu_supports("avx512bw")) &&
               static_cast<bool>(__builtin_cpu_supports("avx512vl"));
    // NOLINTEND(readability-redundant-casting)
    case Isa::neon: return false;
#elif defined(__aarch64__)
    case Isa::portable:
    case Isa::neon: return true; // part of every 64-bit ARM
    case Isa::sse2:
    case Isa::sha_ni:
    case Isa::avx2:
    case Isa::avx512: return false;
#else
    case Isa::portable: return true;
    case Isa::sse2:
    case Isa::sha_ni:
    case Isa::avx2:
    case Isa::avx512:
    case Isa::neon: return false;
#endif
    }
    return false;
}

std::string names_of_supported_isas()
{
    std::string names;
    for (const auto isa : supported_isas()) {
        names += fmt::format("{}{}", names.empty() ? "" : ", ", to_string(isa));
    }
    return names;
}

Selection select_kernels(std::optional<Isa> only) noexcept
{
    const auto may_run = [only](Isa isa) {
        return only.has_value() ? isa == *only || isa == Isa::portable : is_supported(isa);
    };
    Selection selection;
    for (const auto& set : sets) {
        if (!may_run(set.isa)) {
            continue;
        }
        if (selection.sha1.kernels == nullptr) {
            selection.sha1 = {.isa = set.isa, .kernels = &set.pbkdf2->sha1};
        }
        if (selection.sha256.kernels == nullptr) {
            selection.sha256 = {.isa = set.isa, .kernels = &set.pbkdf2->sha256};
        }
        if (selection.scrypt.kernels == nullptr && set.scrypt != nullptr) {
            selection.scrypt = {.isa = set.isa, .kernels = set.scrypt};
        }
    }
    return selection;
}

} // namespace kdf
} // namespace salvage::crypto
