// Strong types for offsets, counts and ranges, with the few sums that mean something.
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>

namespace salvage {

/// Sum of two unsigned numbers, or nothing when it does not fit.
template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> checked_add(T left, T right) noexcept
{
    if (right > std::numeric_limits<T>::max() - left) {
        return std::nullopt;
    }
    return static_cast<T>(left + right);
}

/// Product of two unsigned numbers, or nothing when it does not fit.
template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> checked_multiply(T left, T right) noexcept
{
    if (left != 0 && right > std::numeric_limits<T>::max() / left) {
        return std::nullopt;
    }
    return static_cast<T>(left * right);
}

/// A number of bytes.
struct ByteCount {
    std::uint64_t value{};

    constexpr ByteCount() = default;
    explicit constexpr ByteCount(std::uint64_t bytes) noexcept : value{bytes} {}
    constexpr auto operator<=>(const ByteCount&) const = default;
};

/// A position in a byte source, counted from its first byte.
struct ByteOffset {
    std::uint64_t value{};

    constexpr ByteOffset() = default;
    explicit constexpr ByteOffset(std::uint64_t bytes) noexcept : value{bytes} {}
    constexpr auto operator<=>(const ByteOffset&) const = default;
};

/// Unchecked sums: for offsets that are already known to lie inside a source.  Offset + offset does not exist.
[[nodiscard]] constexpr ByteOffset operator+(ByteOffset at, ByteCount count) noexcept
{
    return ByteOffset{at.value + count.value};
}
[[nodiscard]] constexpr ByteOffset operator-(ByteOffset at, ByteCount count) noexcept
{
    return ByteOffset{at.value - count.value};
}
[[nodiscard]] constexpr ByteCount operator-(ByteOffset end, ByteOffset start) noexcept
{
    return ByteCount{end.value - start.value};
}
[[nodiscard]] constexpr ByteCount operator+(ByteCount left, ByteCount right) noexcept
{
    return ByteCount{left.value + right.value};
}
[[nodiscard]] constexpr ByteCount operator-(ByteCount left, ByteCount right) noexcept
{
    return ByteCount{left.value - right.value};
}

/// A half-open range of bytes [start, end).  Cannot overflow: `make` refuses what does not fit in 64 bits.
class ByteRange {
public:
    constexpr ByteRange() = default;

    /// The range of `size` bytes at `start`, or nothing when its end does not fit in 64 bits.
    [[nodiscard]] static constexpr std::optional<ByteRange> make(ByteOffset start, ByteCount size) noexcept
    {
        if (!checked_add(start.value, size.value)) {
            return std::nullopt;
        }
        return ByteRange{start, size};
    }

    /// The first `size` bytes of a source.
    [[nodiscard]] static constexpr ByteRange first(ByteCount size) noexcept { return ByteRange{ByteOffset{0}, size}; }

    /// The range [start, end).  Requires: start <= end.
    [[nodiscard]] static constexpr ByteRange between(ByteOffset start, ByteOffset end) noexcept
    {
        return end < start ? ByteRange{start, ByteCount{0}} : ByteRange{start, end - start};
    }

    [[nodiscard]] constexpr ByteOffset start() const noexcept { return start_; }
    [[nodiscard]] constexpr ByteCount size() const noexcept { return size_; }
    [[nodiscard]] constexpr ByteOffset end() const noexcept { return start_ + size_; }
    [[nodiscard]] constexpr bool is_empty() const noexcept { return size_.value == 0; }
    [[nodiscard]] constexpr bool contains(ByteOffset at) const noexcept { return at >= start_ && at < end(); }
    [[nodiscard]] constexpr bool contains(ByteRange inner) const noexcept
    {
        return inner.start_ >= start_ && inner.end() <= end();
    }
    [[nodiscard]] constexpr bool overlaps(ByteRange other) const noexcept
    {
        return start_ < other.end() && other.start_ < end();
    }
    /// The bytes that both ranges have; empty where they do not touch.
    [[nodiscard]] constexpr ByteRange intersection(ByteRange other) const noexcept
    {
        const auto start = start_ < other.start_ ? other.start_ : start_;
        const auto end_at = end() < other.end() ? end() : other.end();
        return between(start, end_at);
    }
    constexpr auto operator<=>(const ByteRange&) const = default;

private:
    constexpr ByteRange(ByteOffset start, ByteCount size) noexcept : start_{start}, size_{size} {}

    ByteOffset start_{};
    ByteCount size_{};
};

/// Size of a sector in bytes: a power of two from 512 to 65536.  512 and 4096 are both ordinary.
class SectorSize {
public:
    [[nodiscard]] static constexpr std::optional<SectorSize> make(std::uint64_t bytes) noexcept
    {
        const bool is_power_of_two = bytes != 0 && (bytes & (bytes - 1)) == 0;
        if (!is_power_of_two || bytes < 512 || bytes > 65536) {
            return std::nullopt;
        }
        return SectorSize{static_cast<std::uint32_t>(bytes)};
    }
    [[nodiscard]] constexpr std::uint32_t bytes() const noexcept { return bytes_; }
    constexpr auto operator<=>(const SectorSize&) const = default;

private:
    friend constexpr SectorSize sector_512() noexcept;
    friend constexpr SectorSize sector_4096() noexcept;
    explicit constexpr SectorSize(std::uint32_t bytes) noexcept : bytes_{bytes} {}
    std::uint32_t bytes_;
};
[[nodiscard]] constexpr SectorSize sector_512() noexcept
{
    return SectorSize{512};
}
[[nodiscard]] constexpr SectorSize sector_4096() noexcept
{
    return SectorSize{4096};
}

/// A number of sectors, and a sector's number counted from the first sector of its device.
struct SectorCount {
    std::uint64_t value{};
    constexpr auto operator<=>(const SectorCount&) const = default;
};
struct SectorIndex {
    std::uint64_t value{};
    constexpr auto operator<=>(const SectorIndex&) const = default;
};

/// Bytes of so many sectors, or nothing when they do not fit in 64 bits.
[[nodiscard]] constexpr std::optional<ByteCount> to_bytes(SectorCount count, SectorSize size) noexcept
{
    const auto bytes = checked_multiply<std::uint64_t>(count.value, size.bytes());
    return bytes ? std::optional{ByteCount{*bytes}} : std::nullopt;
}
[[nodiscard]] constexpr std::optional<ByteOffset> to_offset(SectorIndex index, SectorSize size) noexcept
{
    const auto bytes = checked_multiply<std::uint64_t>(index.value, size.bytes());
    return bytes ? std::optional{ByteOffset{*bytes}} : std::nullopt;
}

/// A number of password candidates.
struct Candidates {
    std::uint64_t value{};
    constexpr auto operator<=>(const Candidates&) const = default;
};

/// Rounds of a key derivation.
struct Iterations {
    std::uint32_t value{};
    constexpr auto operator<=>(const Iterations&) const = default;
};

namespace literals {
constexpr ByteCount operator""_B(unsigned long long bytes) noexcept
{
    return ByteCount{bytes};
}
constexpr ByteCount operator""_KiB(unsigned long long kib) noexcept
{
    return ByteCount{kib << 10U};
}
constexpr ByteCount operator""_MiB(unsigned long long mib) noexcept
{
    return ByteCount{mib << 20U};
}
constexpr ByteCount operator""_GiB(unsigned long long gib) noexcept
{
    return ByteCount{gib << 30U};
}
} // namespace literals

} // namespace salvage
