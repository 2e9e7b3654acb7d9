// Which sector kernels this machine runs, and which of them are the fastest.
#pragma once

#include <optional>

#include "crypto/sector/adiantum_kernels.hpp"
#include "crypto/sector/kernels.hpp"
#include "salvage/crypto/cipher.hpp"

namespace salvage::crypto::sector {

struct Selection {
    SectorIsa aes_isa{SectorIsa::portable};
    const AesKernels* aes{nullptr}; ///< null: OpenSSL does it
    SectorIsa adiantum_isa{SectorIsa::portable};
    const AdiantumKernels* adiantum{nullptr}; ///< never null once selected
};

/// The fastest of what the machine has, or of `only` and the portable ones.  Requires: `only` is supported.
[[nodiscard]] Selection select_kernels(std::optional<SectorIsa> only) noexcept;

} // namespace salvage::crypto::sector
