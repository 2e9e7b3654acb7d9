// Views: byte sources made of byte sources.  Holes and unreadable areas pass through each of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "salvage/io/byte_source.hpp"

namespace salvage::io {

/// A part of `source`, named.  Errors: truncated (range ends beyond the source).
[[nodiscard]] Result<SourcePtr> make_subrange(SourcePtr source, ByteRange range, std::string name);

/// Sources one after another.  Errors: invalid_argument (total size does not fit in 64 bits).
[[nodiscard]] Result<SourcePtr> make_concat(std::vector<SourcePtr> parts, std::string name);

/// `ranges` of one source, one after another, in the order given; memory: 24 bytes a range.
/// Errors: truncated (a range ends beyond the source), invalid_argument (total size does not fit in 64 bits).
[[nodiscard]] Result<SourcePtr> make_gathered(SourcePtr source, const std::vector<ByteRange>& ranges, std::string name);

/// Keeps blocks of `block` bytes that were read, `blocks` of them at most, least recently used first out.
/// Thread safe; memory: block * blocks bytes.
[[nodiscard]] SourcePtr make_cached(SourcePtr source, ByteCount block, std::size_t blocks);

/// Bytes laid over a source without touching it: how a journal is replayed and a header repaired.
class Overlay {
public:
    Overlay() = default;
    Overlay(const Overlay&) = delete;
    Overlay& operator=(const Overlay&) = delete;
    virtual ~Overlay() = default;

    /// Puts `bytes` at `at`, over what is there.  Thread safe against readers of view().
    /// Errors: truncated (beyond the source), unsupported (over the limit of overlaid bytes given at its making), io.
    virtual Result<> write_at(ByteOffset at, ByteView bytes) = 0;
    /// The source with the overlay on it; sees later writes.
    [[nodiscard]] virtual SourcePtr view() const = 0;
    /// Bytes held by the overlay.
    [[nodiscard]] virtual ByteCount overlaid() const noexcept = 0;
};
/// Memory: the blocks written to, 4096 bytes each, at most `limit`.
[[nodiscard]] std::unique_ptr<Overlay> make_overlay(SourcePtr source, ByteCount limit);

/// `source` with `bad` areas marked unreadable: a ddrescue map laid over a dump.  Ranges may overlap and reach beyond.
[[nodiscard]] SourcePtr make_with_bad_areas(SourcePtr source, std::vector<ByteRange> bad);

/// For tests: read number `failing_read` (from 1) fails with io, all others pass.
[[nodiscard]] SourcePtr make_faulty(SourcePtr source, std::uint64_t failing_read);

/// Reads and bytes that went through a counting view.
struct ReadCounters {
    std::atomic<std::uint64_t> reads{0};
    std::atomic<std::uint64_t> bytes{0};
};
/// For benchmarks and tests.  `counters` outlives the view.
[[nodiscard]] SourcePtr make_counting(SourcePtr source, ReadCounters& counters);

} // namespace salvage::io
