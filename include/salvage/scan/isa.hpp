// Which instruction set the search kernels use: found at run time, forceable for tests.
#pragma once

#include <cstdint>
#include <string_view>

#include "salvage/core/result.hpp"

namespace salvage::scan {

/// `avx512` means F, BW and VBMI: Intel from Ice Lake, AMD from Zen 4 on.
enum class Isa : std::uint8_t { portable, avx2, avx512 };

/// "portable", "avx2", "avx512".
[[nodiscard]] std::string_view to_string(Isa isa) noexcept;

/// Whether this build has the kernels and this processor and system can run them.
[[nodiscard]] bool is_available(Isa isa) noexcept;

/// The best available one, or what the environment variable SALVAGE_FORCE_ISA names (read once, at the first call).
/// Errors: invalid_argument (the variable names none), unsupported (this processor lacks it): a forced kernel never
/// gives way to another one silently.
[[nodiscard]] Result<Isa> isa_in_use();

} // namespace salvage::scan
