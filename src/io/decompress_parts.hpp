// What the unpackers share: the packed bytes in blocks, and where unpacking may begin anew.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "salvage/io/decompressed.hpp"

namespace salvage::io {

/// A source from front to back.
class PackedInput {
public:
    PackedInput(SourcePtr source, ByteOffset from);

    /// Reads the next block where the last one is used up; false at the end of the source.
    Result<bool> fill();
    /// What is left of the block.
    [[nodiscard]] std::span<std::byte> rest() noexcept { return rest_; }
    /// `left` bytes of the block were not used.
    void keep(std::size_t left) noexcept { rest_ = rest_.last(left); }

    [[nodiscard]] ByteOffset position() const noexcept { return next_ - ByteCount{rest_.size()}; }
    [[nodiscard]] bool is_at_end() const noexcept { return rest_.empty() && next_.value == source_->size().value; }
    [[nodiscard]] const ByteSource& source() const noexcept { return *source_; }

private:
    SourcePtr source_;
    ByteOffset next_; ///< behind the block
    Bytes block_;
    std::span<std::byte> rest_;
};

/// Restart points, thinned out.
class RestartPoints {
public:
    explicit RestartPoints(RestartPoint first) : points_{first} {}
    void add(RestartPoint point);
    [[nodiscard]] const std::vector<RestartPoint>& all() const noexcept { return points_; }

private:
    std::vector<RestartPoint> points_;
    std::uint64_t spacing_{1U << 20U};
};

/// Errors at a place of the packed source.
[[nodiscard]] Error packed_malformed(const PackedInput& input, std::string_view what, std::string_view why);
[[nodiscard]] Error packed_truncated(const PackedInput& input, std::string_view what);

[[nodiscard]] std::unique_ptr<Decompressor> make_gzip_decompressor(SourcePtr packed, RestartPoint from);
[[nodiscard]] std::unique_ptr<Decompressor> make_zstd_decompressor(SourcePtr packed, RestartPoint from);
[[nodiscard]] Result<std::unique_ptr<Decompressor>> make_zip_decompressor(const SourcePtr& packed);

} // namespace salvage::io
