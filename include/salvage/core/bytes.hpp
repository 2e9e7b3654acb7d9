// Bytes from hostile places: a checked cursor, hex in both directions, little and big endian.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"

namespace salvage {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

[[nodiscard]] inline ByteView as_bytes(std::string_view text) noexcept
{
    return std::as_bytes(std::span{text.data(), text.size()});
}

/// The same bytes as text; valid as long as they are.
[[nodiscard]] inline std::string_view as_text(ByteView bytes) noexcept
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): char may alias bytes.
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The same bytes as unsigned char, for C libraries.
[[nodiscard]] inline const unsigned char* as_uchar(ByteView bytes) noexcept
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): unsigned char may alias bytes.
    return reinterpret_cast<const unsigned char*>(bytes.data());
}
[[nodiscard]] inline unsigned char* as_uchar(std::span<std::byte> bytes) noexcept
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): unsigned char may alias bytes.
    return reinterpret_cast<unsigned char*>(bytes.data());
}

/// Little-endian number at the front of `bytes`.  Requires: bytes.size() >= sizeof(T).
template <std::unsigned_integral T>
[[nodiscard]] constexpr T load_le(ByteView bytes) noexcept
{
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        value = static_cast<T>(value | static_cast<T>(std::to_integer<T>(bytes[i]) << (8U * i)));
    }
    return value;
}
/// Big-endian number at the front of `bytes`.  Requires: bytes.size() >= sizeof(T).
template <std::unsigned_integral T>
[[nodiscard]] constexpr T load_be(ByteView bytes) noexcept
{
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        value = static_cast<T>(value | static_cast<T>(std::to_integer<T>(bytes[i]) << (8U * (sizeof(T) - 1 - i))));
    }
    return value;
}
/// Writes a little-endian number.  Requires: into.size() >= sizeof(T).
template <std::unsigned_integral T>
constexpr void store_le(std::span<std::byte> into, T value) noexcept
{
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        into[i] = static_cast<std::byte>((std::uint64_t{value} >> (8U * i)) & 0xFFU);
    }
}
/// Writes a big-endian number.  Requires: into.size() >= sizeof(T).
template <std::unsigned_integral T>
constexpr void store_be(std::span<std::byte> into, T value) noexcept
{
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        into[i] = static_cast<std::byte>((std::uint64_t{value} >> (8U * (sizeof(T) - 1 - i))) & 0xFFU);
    }
}

/// A cursor over bytes that checks every step.  Offsets in its errors count from the first byte of `bytes`.
class ByteReader {
public:
    explicit ByteReader(ByteView bytes) noexcept : bytes_{bytes} {}

    [[nodiscard]] ByteOffset position() const noexcept { return ByteOffset{at_}; }
    [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size() - at_; }

    /// The next `count` bytes.  Errors: truncated.
    Result<ByteView> take(std::size_t count);
    Result<> skip(std::size_t count);
    /// Moves to an absolute position.  Errors: truncated.
    Result<> seek(ByteOffset at);

    template <std::unsigned_integral T>
    Result<T> le()
    {
        return load_le<T>(SALVAGE_TRY(take(sizeof(T))));
    }
    template <std::unsigned_integral T>
    Result<T> be()
    {
        return load_be<T>(SALVAGE_TRY(take(sizeof(T))));
    }
    template <std::size_t N>
    Result<std::array<std::byte, N>> array()
    {
        const auto view = SALVAGE_TRY(take(N));
        std::array<std::byte, N> out{};
        std::memcpy(out.data(), view.data(), N);
        return out;
    }
    /// Text of a fixed field, cut at the first NUL.
    Result<std::string> fixed_text(std::size_t field_bytes);

private:
    ByteView bytes_;
    std::size_t at_{0};
};

/// Lower-case hex without separators: "c4b1b5d0".
[[nodiscard]] std::string to_hex(ByteView bytes);
/// For messages: "C4 B1 B5 D0", cut with "…" after `max_bytes`.
[[nodiscard]] std::string to_spaced_hex(ByteView bytes, std::size_t max_bytes = 16);
/// Reads hex digits; white space between bytes is skipped.  Errors: malformed (where = text position).
[[nodiscard]] Result<Bytes> from_hex(std::string_view text);

[[nodiscard]] bool is_all_zero(ByteView bytes) noexcept;

} // namespace salvage
