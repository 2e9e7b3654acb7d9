// Little-endian numbers at their offsets in a structure.
#pragma once

#include <cstddef>
#include <cstdint>

#include "salvage/core/bytes.hpp"

namespace salvage::filesystem {

/// Requires: the bytes are long enough for all that is asked.
class Fields {
public:
    explicit Fields(ByteView bytes) noexcept : bytes_{bytes} {}
    [[nodiscard]] std::uint64_t u64(std::size_t at) const noexcept
    {
        return load_le<std::uint64_t>(bytes_.subspan(at));
    }
    [[nodiscard]] std::uint32_t u32(std::size_t at) const noexcept
    {
        return load_le<std::uint32_t>(bytes_.subspan(at));
    }
    [[nodiscard]] std::uint16_t u16(std::size_t at) const noexcept
    {
        return load_le<std::uint16_t>(bytes_.subspan(at));
    }
    [[nodiscard]] std::uint8_t u8(std::size_t at) const noexcept { return std::to_integer<std::uint8_t>(bytes_[at]); }
    [[nodiscard]] ByteView slice(std::size_t at, std::size_t count) const noexcept { return bytes_.subspan(at, count); }

private:
    ByteView bytes_;
};

} // namespace salvage::filesystem
