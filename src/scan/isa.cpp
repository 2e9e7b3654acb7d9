// Choosing the kernels' instruction set.
#include "salvage/scan/isa.hpp"

#include <array>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

namespace salvage::scan {
namespace {

constexpr std::array all_isas{Isa::portable, Isa::avx2, Isa::avx512};

Isa best_isa() noexcept
{
    auto best = Isa::portable;
    for (const auto isa : all_isas) {
        best = is_available(isa) ? isa : best;
    }
    return best;
}

Result<Isa> read_choice()
{
    const char* const forced =
        std::getenv("SALVAGE_FORCE_ISA"); // NOLINT(concurrency-mt-unsafe): read once, nobody sets it
    if (forced == nullptr || *forced == '\0') {
        return best_isa();
    }
    for (const auto isa : all_isas) {
        if (to_string(isa) != forced) {
            continue;
        }
        if (!is_available(isa)) {
            return unsupported(fmt::format("SALVAGE_FORCE_ISA asks for {}, which this machine cannot run", forced),
                               fmt::format("the best it can run is {}", to_string(best_isa())),
                               "unset SALVAGE_FORCE_ISA");
        }
        return isa;
    }
    return invalid_argument("SALVAGE_FORCE_ISA names no instruction set", fmt::format("found \"{}\"", forced),
                            "use portable, avx2 or avx512, or unset it");
}

} // namespace

std::string_view to_string(Isa isa) noexcept
{
    switch (isa) {
    case Isa::portable: return "portable";
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    }
    return "portable";
}

bool is_available(Isa isa) noexcept
{
    switch (isa) {
    case Isa::portable: return true;
#if defined(__x86_64__)
    // NOLINTBEGIN(readability-redundant-casting): a bool with clang, an int with g++.
    case Isa::avx2: return static_cast<bool>(__builtin_cpu_supports("avx2"));
    case Isa::avx512:
        return static_cast<bool>(__builtin_cpu_supports("avx512f")) &&
               static_cast<bool>(__builtin_cpu_supports("avx512bw")) &&
               static_cast<bool>(__builtin_cpu_supports("avx512vbmi"));
        // NOLINTEND(readability-redundant-casting)
#else
    case Isa::avx2:
    case Isa::avx512: return false;
#endif
    }
    return false;
}

Result<Isa> isa_in_use()
{
    static const Result<Isa> choice = read_choice();
    return choice;
}

} // namespace salvage::scan
