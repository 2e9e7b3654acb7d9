// Checksums of metadata_csum: whether a block or an inode is what was written.
#include "checksum.hpp"

#include <array>

#include <fmt/format.h>

#include "library.hpp"

namespace salvage::filesystem::ext {
namespace {

constexpr std::array<std::byte, 4> zeros{};

std::uint32_t u32(ByteView bytes, std::size_t at) noexcept
{
    return load_le<std::uint32_t>(bytes.subspan(at));
}

std::uint16_t u16(ByteView bytes, std::size_t at) noexcept
{
    return load_le<std::uint16_t>(bytes.subspan(at));
}

std::uint32_t crc_of(std::uint32_t start, std::uint32_t number) noexcept
{
    std::array<std::byte, 4> bytes{};
    store_le(bytes, number);
    return crc32c(start, bytes);
}

/// The last entry of a leaf: unused, 12 bytes, of the type DE, and behind its header the checksum.
bool has_leaf_tail(ByteView block) noexcept
{
    const auto tail = block.last(12);
    return u32(tail, 0) == 0 && u16(tail, 4) == 12 && u16(tail, 6) == 0xDE00;
}

/// Lengths of 64 KiB do not fit into an entry and are written as 65535 or 0.
bool has_length(ByteView block, std::size_t at, std::size_t length) noexcept
{
    const auto stored = u16(block, at + 4);
    return stored == length || (length == 65536 && (stored == 0xFFFF || stored == 0));
}

/// Where limit and count of an index block stand: behind one unused entry, or in the root behind "." and ".."; with the
/// type DE in what the checksum leaves free it may look like a leaf, too.
std::optional<std::size_t> place_of_count(ByteView block) noexcept
{
    if (u32(block, 0) == 0 && has_length(block, 0, block.size())) {
        return 8;
    }
    constexpr std::byte info_bytes{8};
    const bool is_root = has_length(block, 0, 12) && has_length(block, 12, block.size() - 12) && u32(block, 24) == 0 &&
                         block[29] == info_bytes;
    return is_root ? std::optional<std::size_t>{32} : std::nullopt;
}

std::optional<ChecksumPair> leaf_checksums(std::uint32_t seed, ByteView block) noexcept
{
    if (!has_leaf_tail(block)) {
        return std::nullopt;
    }
    return ChecksumPair{.stored = u32(block, block.size() - 4),
                        .computed = crc32c(seed, block.first(block.size() - 12))};
}

} // namespace

std::uint32_t checksum_seed_of(const Superblock& superblock, std::uint32_t inode, std::uint32_t generation) noexcept
{
    return crc_of(crc_of(superblock.checksum_seed, inode), generation);
}

ChecksumPair inode_checksums(const Superblock& superblock, std::uint32_t number, ByteView bytes) noexcept
{
    constexpr std::size_t low_at = 0x7C;
    constexpr std::size_t high_at = 0x82;
    constexpr std::size_t fixed_bytes = 128;
    const auto zero_half = ByteView{zeros}.first(2);
    auto crc = checksum_seed_of(superblock, number, u32(bytes, 0x64));
    crc = crc32c(crc, bytes.first(low_at));
    crc = crc32c(crc, zero_half);
    crc = crc32c(crc, bytes.subspan(low_at + 2, fixed_bytes - low_at - 2));
    const bool has_high = bytes.size() > fixed_bytes && u16(bytes, fixed_bytes) >= high_at + 2 - fixed_bytes;
    if (!has_high) {
        return {.stored = u16(bytes, low_at), .computed = crc32c(crc, bytes.subspan(fixed_bytes)) & 0xFFFFU};
    }
    crc = crc32c(crc, bytes.subspan(fixed_bytes, high_at - fixed_bytes));
    crc = crc32c(crc, zero_half);
    crc = crc32c(crc, bytes.subspan(high_at + 2));
    return {.stored = u16(bytes, low_at) | std::uint32_t{u16(bytes, high_at)} << 16U, .computed = crc};
}

std::optional<ChecksumPair> extent_checksums(std::uint32_t seed, ByteView block) noexcept
{
    constexpr std::size_t record_bytes = 12; // header and entries alike; the checksum follows the room for entries
    const auto at = record_bytes + record_bytes * u16(block, 4);
    if (at + 4 > block.size()) {
        return std::nullopt;
    }
    return ChecksumPair{.stored = u32(block, at), .computed = crc32c(seed, block.first(at))};
}

std::optional<ChecksumPair> directory_checksums(std::uint32_t seed, ByteView block) noexcept
{
    const auto count_at = place_of_count(block);
    if (!count_at) {
        return leaf_checksums(seed, block);
    }
    constexpr std::size_t entry_bytes = 8;
    const auto tail_at = *count_at + entry_bytes * u16(block, *count_at);
    const auto used = *count_at + entry_bytes * u16(block, *count_at + 2);
    if (tail_at + 8 > block.size() || used > tail_at) {
        return std::nullopt;
    }
    auto crc = crc32c(seed, block.first(used));
    crc = crc32c(crc, block.subspan(tail_at, 4));
    return ChecksumPair{.stored = u32(block, tail_at + 4), .computed = crc32c(crc, zeros)};
}

ChecksumPair attribute_checksums(const Superblock& superblock, std::uint64_t at, ByteView block) noexcept
{
    constexpr std::size_t field = 0x10;
    std::array<std::byte, 8> number{};
    store_le(number, at);
    auto crc = crc32c(superblock.checksum_seed, number);
    crc = crc32c(crc, block.first(field));
    crc = crc32c(crc, zeros);
    return {.stored = u32(block, field), .computed = crc32c(crc, block.subspan(field + 4))};
}

ChecksumPair bitmap_checksums(const Superblock& superblock, ByteView bitmap, std::uint32_t stored) noexcept
{
    auto computed = crc32c(superblock.checksum_seed, bitmap);
    if (!superblock.has_incompat(feature::has_64bit)) {
        computed &= 0xFFFFU;
        stored &= 0xFFFFU;
    }
    return {.stored = stored, .computed = computed};
}

std::string in_words(const ChecksumPair& pair)
{
    return fmt::format("found {:08x}, computed {:08x}", pair.stored, pair.computed);
}

} // namespace salvage::filesystem::ext
