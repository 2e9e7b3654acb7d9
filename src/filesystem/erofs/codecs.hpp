// What is packed into a physical cluster of EROFS, unpacked.
#pragma once

#include <cstdint>
#include <string_view>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"

namespace salvage::filesystem::erofs {

/// Linux, fs/erofs/erofs_fs.h, Z_EROFS_COMPRESSION_*.
enum class Algorithm : std::uint8_t { lz4 = 0, lzma = 1, deflate = 2, zstd = 3 };
constexpr unsigned algorithms = 4;
[[nodiscard]] std::string_view to_string(Algorithm algorithm) noexcept;

struct Packing {
    Algorithm algorithm{Algorithm::lz4};
    /// Zeros stand before the data; without it they may stand behind, and only LZ4 knows where it ends.
    bool has_leading_padding{true};
    /// More can be unpacked than is wanted.
    bool is_partial{false};
};

/// The largest there are.  Linux, fs/erofs/erofs_fs.h, Z_EROFS_PCLUSTER_MAX_SIZE and _DSIZE.
constexpr std::uint64_t max_packed_bytes = 1U << 20U;
constexpr std::uint64_t max_unpacked_bytes = 12U << 20U;

/// The most that `packed_bytes` can unpack to: LZ4 makes 255 of a byte, DEFLATE 1032, the others as many as there may
/// be.
[[nodiscard]] std::uint64_t most_unpacked_bytes(Algorithm algorithm, std::uint64_t packed_bytes) noexcept;

/// Unpacks a physical cluster into `out`, which it must fill; unless it is partial, it must end there, too.  Both are
/// at most as large as said above.  Memory: what the codec needs for a window of the size of `out`. Errors: malformed
/// (where = offset in `packed`): what the codec says, or another length.  Thread safe. Spec: Linux,
/// fs/erofs/decompressor*.c.
[[nodiscard]] Result<> unpack(ByteView packed, const Packing& packing, std::span<std::byte> out);

} // namespace salvage::filesystem::erofs
