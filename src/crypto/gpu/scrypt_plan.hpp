// How much of scrypt's table a device keeps, and for how many streams at once.
#pragma once

#include <cstdint>
#include <optional>

#include "crypto/gpu/seam.hpp"
#include "salvage/core/units.hpp"
#include "salvage/crypto/kdf.hpp"

namespace salvage::crypto::gpu {

/// Buffers that the table may be spread over: kernels/scrypt.cl takes so many.
inline constexpr std::uint32_t most_table_buffers = 4;
/// Keeping less than every 16th block costs more arithmetic than any device has to spare.
inline constexpr unsigned most_gap_log2 = 4;

struct ScryptPlan {
    unsigned gap_log2{0};
    std::uint32_t streams{0}; ///< at once; a stream is one of the p parts of a candidate
    std::uint32_t streams_a_buffer{0};
    ByteCount stream_table; ///< memory of one stream
    bool operator==(const ScryptPlan&) const = default;

    [[nodiscard]] std::uint32_t buffers() const noexcept { return (streams + streams_a_buffer - 1) / streams_a_buffer; }
};

struct ScryptLimits {
    ByteCount memory;                 ///< that may be taken
    std::optional<unsigned> gap_log2; ///< nothing: chosen here
    std::uint32_t most_streams{0};    ///< 0: as many as the device has use for
};

/// The plan that derives most keys a second; nothing where not even one stream fits.
/// Requires: factors that derive accepts.
[[nodiscard]] std::optional<ScryptPlan> plan_scrypt(const GpuProperties& device, std::uint32_t quad_lanes,
                                                    ScryptFactors factors, const ScryptLimits& limits) noexcept;

/// Bytes of one row: 128 r.
[[nodiscard]] constexpr std::uint64_t scrypt_row_bytes(ScryptFactors factors) noexcept
{
    return std::uint64_t{128} << factors.r_log2;
}

} // namespace salvage::crypto::gpu
