// The one idea that carries the house: immutable bytes with random access, and views stacked on them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"

namespace salvage::io {

enum class ExtentKind : std::uint8_t {
    data,
    hole,       ///< never written or not stored: reads as zero
    unreadable, ///< known bad: reading fails with ErrorCode::unreadable
};

struct Extent {
    ByteRange range;
    ExtentKind kind{ExtentKind::data};
    bool operator==(const Extent&) const = default;
};

/// Immutable bytes with random access: a dump, a partition inside it, its decrypted form.
///
/// Every method is const and may be called from many threads at once.  A source never changes after
/// it is made; reading has no side effect a caller can see.
class ByteSource {
public:
    ByteSource() = default;
    ByteSource(const ByteSource&) = delete;
    ByteSource& operator=(const ByteSource&) = delete;
    virtual ~ByteSource() = default;

    /// Size in bytes; constant.
    [[nodiscard]] virtual ByteCount size() const noexcept = 0;

    /// Fills `into` with the bytes at [at, at + into.size()), or fails and leaves `into` unspecified.
    /// There are no short reads.  An empty `into` succeeds for at <= size().
    /// Errors: truncated (range ends beyond size()), io, unreadable (where = first bad byte).
    virtual Result<> read_at(ByteOffset at, std::span<std::byte> into) const = 0;

    /// What `range` is made of, in order, covering it exactly.  Neighbours differ in kind.
    /// Errors: truncated (range ends beyond size()), io.
    [[nodiscard]] virtual Result<std::vector<Extent>> extents(ByteRange range) const;

    /// Chain of (source name, offset) from the raw dump up to this view, for messages and reports.
    [[nodiscard]] virtual Location locate(ByteOffset at) const = 0;
};

using SourcePtr = std::shared_ptr<const ByteSource>;

/// `count` bytes at `at`, in memory of their own.
/// Errors: as read_at; a `count` beyond the source is refused before anything is allocated.
[[nodiscard]] Result<Bytes> read_bytes(const ByteSource& source, ByteOffset at, ByteCount count);

/// At most `count` bytes at `at`: fewer where the source ends.
[[nodiscard]] Result<Bytes> read_up_to(const ByteSource& source, ByteOffset at, ByteCount count);

/// The whole source, if it is no larger than `limit`.  Errors: as read_at; unsupported (larger than `limit`).
[[nodiscard]] Result<Bytes> read_all(const ByteSource& source, ByteCount limit);

/// The range of the whole source.
[[nodiscard]] inline ByteRange whole(const ByteSource& source) noexcept
{
    return ByteRange::first(source.size());
}

/// truncated, unless [at, at + count) lies inside the source.  For read_at of views.
[[nodiscard]] Result<> check_range(const ByteSource& source, ByteOffset at, ByteCount count);

/// An error of kind unreadable at `at` of `source`.
[[nodiscard]] Error unreadable_at(const ByteSource& source, ByteOffset at);

/// Lifts an error of a parser that was given the bytes of `source` from `base` on: its offset becomes a place in
/// `source`, with the whole chain below.  An error that has its full place already stays as it is.
[[nodiscard]] Error lifted(Error error, const ByteSource& source, ByteOffset base = {});
template <typename T>
[[nodiscard]] Result<T> lifted(Result<T> result, const ByteSource& source, ByteOffset base = {})
{
    if (!result.has_value()) {
        return lifted(std::move(result).error(), source, base);
    }
    return result;
}

/// Joins neighbours of the same kind and drops empty extents; keeps order.
[[nodiscard]] std::vector<Extent> merged(std::vector<Extent> extents);

} // namespace salvage::io
