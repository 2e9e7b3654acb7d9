// GPT's CRC-32 is the one of sparse images.
#include "crc32.hpp"

#include "salvage/io/crc32.hpp"

namespace salvage::partition {

std::uint32_t crc32(ByteView bytes) noexcept
{
    io::Crc32 sum;
    sum.update(bytes);
    return sum.value();
}

} // namespace salvage::partition
