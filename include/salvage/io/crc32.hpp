// CRC-32 as Ethernet, zlib and Android's sparse images compute it.
#pragma once

#include <cstdint>

#include "salvage/core/bytes.hpp"

namespace salvage::io {

/// A running CRC-32 (polynomial 0x04C11DB7, reflected, all ones before and after).
///
/// Repeated patterns cost the logarithm of their count, so that an image of little data and vast fills is no trap.
class Crc32 {
public:
    void update(ByteView bytes) noexcept;
    /// As update() with `pattern` given `count` times over.
    void update_repeated(ByteView pattern, std::uint64_t count) noexcept;
    [[nodiscard]] std::uint32_t value() const noexcept { return value_; }

private:
    std::uint32_t value_{0};
};

} // namespace salvage::io
