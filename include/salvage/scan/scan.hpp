// One sequential pass over a dump that answers everything at once: hash, signatures, entropy, zeros, bad areas.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::scan {

/// Bytes to look for.
struct Pattern {
    std::string name;           ///< "aosp-footer", "ext4-superblock", or the user's text
    Bytes bytes;                ///< 1 to 4096 bytes
    std::uint32_t alignment{1}; ///< hits elsewhere are not reported: 512 for structures
    std::uint32_t offset_in_unit{0}; ///< at % alignment must equal this: 0x438 for ext4's magic in a 4096-byte unit
};
/// The signatures `find` and `inspect` look for when nothing is asked: crypto footers (both magics with version), the EDK
/// header, cipher names, and the filesystems and images of specs: each with a source.  Order is part of the contract.
[[nodiscard]] const std::vector<Pattern>& default_patterns();

struct Hit {
    ByteOffset at;
    std::uint32_t pattern{}; ///< index into the patterns given
    auto operator<=>(const Hit&) const = default;
};

/// What a block of the dump looks like.
struct BlockSummary {
    float entropy{};  ///< bits a byte, 0 to 8, sampled; negative where nothing could be read
    bool is_zero{};   ///< every byte zero or hole
    bool is_unreadable{};
};

struct ScanOptions {
    std::vector<Pattern> patterns;
    bool with_sha256{true};
    bool with_entropy{true};
    ByteCount block{1U << 20U};          ///< unit of the entropy map
    std::uint64_t max_hits_per_pattern{100'000}; ///< further ones are counted, not kept
    std::optional<ByteRange> range;      ///< default: everything
};

struct ScanResult {
    ByteRange range;
    std::vector<Hit> hits;                ///< by offset, then pattern
    std::vector<std::uint64_t> hit_counts; ///< a pattern's hits, kept or not
    std::optional<std::array<std::byte, 32>> sha256; ///< of all bytes, holes as zeros; nothing where something was unreadable
    ByteCount block{};
    std::vector<BlockSummary> blocks;
    std::vector<io::Extent> extents;      ///< data, holes, unreadable, over `range`; zero runs are data
    ByteCount zero_bytes{};               ///< in whole zero blocks and holes
    ByteCount unreadable_bytes{};
};

/// The pass.  Hash on one core, everything else on another; holes are not read.  Memory: under 32 MiB and the hits.
/// Progress: step "scan", unit "bytes".  Errors: io, cancelled.
[[nodiscard]] Result<ScanResult> scan(const io::ByteSource& source, const ScanOptions& options, const RunContext& context);

} // namespace salvage::scan
