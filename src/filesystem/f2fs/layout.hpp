// Sizes and marks that every part of f2fs shares, and its checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "salvage/core/bytes.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::filesystem::f2fs {

// Linux, include/linux/f2fs_fs.h.  Blocks of other sizes are refused when the superblock is read.
constexpr std::size_t block_bytes = 4096;
constexpr std::uint32_t blocks_per_segment = 512;
constexpr std::uint32_t magic = 0xF2F52010;

/// Block addresses that mean something else: nothing is there; reserved, never written; a compressed cluster begins.
constexpr std::uint32_t no_block = 0;
constexpr std::uint32_t new_block = 0xFFFFFFFF;
constexpr std::uint32_t compressed_block = 0xFFFFFFFE;
/// Smaller numbers are not of files.
constexpr std::uint32_t first_inode = 3;

namespace feature {
constexpr std::uint32_t encrypt = 0x1;
constexpr std::uint32_t zoned = 0x2;
constexpr std::uint32_t extra_attributes = 0x8;
constexpr std::uint32_t inode_checksum = 0x20;
constexpr std::uint32_t flexible_inline_attributes = 0x40;
constexpr std::uint32_t inode_created = 0x100;
constexpr std::uint32_t superblock_checksum = 0x800;
constexpr std::uint32_t compression = 0x2000;
constexpr std::uint32_t read_only = 0x4000;
constexpr std::uint32_t device_alias = 0x8000;
/// Bits that are understood: up to and with read_only.
constexpr std::uint32_t all_known = 0x7FFF;
} // namespace feature

[[nodiscard]] constexpr ByteOffset offset_of_block(std::uint64_t block) noexcept
{
    return ByteOffset{block * block_bytes};
}

/// One block of the volume.  Errors: those of the source.
[[nodiscard]] inline Result<Bytes> read_block(const io::ByteSource& source, std::uint64_t block)
{
    return io::read_bytes(source, offset_of_block(block), ByteCount{block_bytes});
}

/// CRC-32 (reflected 0xEDB88320) from `start` on, not inverted at the end.  Metadata starts with `magic`.
[[nodiscard]] std::uint32_t checksum(std::uint32_t start, ByteView bytes) noexcept;

/// What a directory keeps of a name.  Old kernels took bytes above 0x7F as negative where the processor's char is.
/// Spec: Linux, fs/f2fs/hash.c.
enum class NameBytes : bool { positive, negative };
[[nodiscard]] std::uint32_t name_hash(std::string_view name, NameBytes bytes) noexcept;

/// The number at bit `index`, the highest bit of a byte first, as f2fs keeps its own bitmaps.
[[nodiscard]] inline bool is_bit_set(ByteView bitmap, std::size_t index) noexcept
{
    return (std::to_integer<unsigned>(bitmap[index / 8]) >> (7U - index % 8) & 1U) != 0;
}

} // namespace salvage::filesystem::f2fs
