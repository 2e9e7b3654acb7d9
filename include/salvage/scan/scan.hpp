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
    std::string name;                ///< "aosp-footer", "ext4-clean", or the user's text
    Bytes bytes;                     ///< 1 to 4096 bytes
    std::uint32_t alignment{1};      ///< hits elsewhere are not reported: 512 for structures
    std::uint32_t offset_in_unit{0}; ///< at % alignment must equal this: 0x38 for ext4's magic in a sector
};
/// The signatures `find` and `inspect` look for when nothing is asked: crypto footers (both magics with version), the
/// EDK header, cipher names, and the filesystems and images of specs: each with a source.  Order is part of the
/// contract.
[[nodiscard]] const std::vector<Pattern>& default_patterns();

struct Hit {
    ByteOffset at;
    std::uint32_t pattern{}; ///< index into the patterns given
    auto operator<=>(const Hit&) const = default;
};

/// What a block of the dump looks like.
struct BlockSummary {
    float entropy{}; ///< bits a byte, 0 to 8, sampled; negative where nothing could be read, or it was not asked for
    bool is_zero{};  ///< every byte zero or hole
    bool is_unreadable{}; ///< some of it could not be read; its entropy is that of the rest
};

struct ScanOptions {
    std::vector<Pattern> patterns{};
    bool with_sha256{true};
    bool with_entropy{true};
    ByteCount block{1U << 20U}; ///< unit of the entropy map; doubled until there are at most a million (2^20) of them
    std::uint64_t max_hits_per_pattern{100'000}; ///< further ones are counted, not kept
    std::optional<ByteRange> range{};            ///< default: everything
};

struct ScanResult {
    ByteRange range;
    std::vector<Hit> hits;                 ///< by offset, then pattern
    std::vector<std::uint64_t> hit_counts; ///< a pattern's hits, kept or not
    std::optional<std::array<std::byte, 32>>
        sha256;                       ///< of all bytes, holes as zeros; nothing where something was unreadable
    ByteCount block{};                ///< the unit that was used
    std::vector<BlockSummary> blocks; ///< counted from the start of `range`
    std::vector<io::Extent> extents;  ///< data, holes, unreadable, over `range`; zero runs are data
    ByteCount zero_bytes{};           ///< in whole zero blocks and holes
    ByteCount unreadable_bytes{};
};

/// The pass.  Hash on one core, everything else on another; holes are not read.  Memory: under 32 MiB, the hits and the
/// extents.  Progress: step "scan", unit "bytes".
///
/// What fails to be read with `unreadable` is narrowed down to 512-byte sectors; after 65536 failed reads in one pass,
/// pieces that fail are taken as unreadable whole.  A pattern is not found across unreadable bytes.
/// Errors: io (any other failure of a read), cancelled, truncated (`range` ends beyond the source), invalid_argument (a
/// pattern as Matcher::make says, a block of 0), and those of isa_in_use().
[[nodiscard]] Result<ScanResult> scan(const io::ByteSource& source, const ScanOptions& options,
                                      const RunContext& context);

/// What search() is to look for.
struct SearchOptions {
    std::vector<Pattern> patterns{};
    std::uint64_t max_hits_per_pattern{100'000}; ///< further ones are counted, not kept
};

struct SearchResult {
    std::vector<Hit> hits;                 ///< by offset, then pattern
    std::vector<std::uint64_t> hit_counts; ///< a pattern's hits, kept or not
    ByteCount unreadable_bytes{};
};

/// The hits that scan() would have, of the whole source, and nothing beside: on up to four cores, holes left out.
/// Memory: some MiB, and the hits.  Progress, bad areas and errors: as scan().
[[nodiscard]] Result<SearchResult> search(const io::ByteSource& source, const SearchOptions& options,
                                          const RunContext& context);

} // namespace salvage::scan
