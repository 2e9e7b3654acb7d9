// libext2fs over a byte source, behind a lock: superblock, group descriptors and inodes as the library has them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::filesystem::ext {

/// Which copy of superblock and group descriptors the library starts from.
struct StartFrom {
    std::uint64_t superblock_block{0}; ///< 0: the primary
    std::uint32_t block_bytes{0};
};

/// How well superblock and group descriptors hold together.
struct Health {
    bool is_superblock_checksum_right{true};
    std::uint32_t groups_with_wrong_checksum{0};
    std::uint32_t groups_out_of_range{0}; ///< whose inode table lies outside the volume
    [[nodiscard]] std::uint32_t bad_groups() const noexcept { return groups_with_wrong_checksum + groups_out_of_range; }
};

struct BlockRange {
    std::uint64_t first{};
    std::uint64_t count{};
    [[nodiscard]] std::uint64_t end() const noexcept { return first + count; }
};

/// A group descriptor.  Its places may lie anywhere.
struct Group {
    std::uint64_t block_bitmap{};
    std::uint64_t inode_bitmap{};
    std::uint64_t inode_table{};
    std::uint32_t unused_inodes{};         ///< at the end of the table, never used
    std::uint32_t block_bitmap_checksum{}; ///< with metadata_csum
    bool has_block_bitmap{true};           ///< else only what the group needs for itself is in use
    bool has_inodes{true};                 ///< else none was ever used
    bool is_doubtful{false};               ///< fails its checksum, or its table lies outside the volume
    std::vector<BlockRange> copies;        ///< of superblock and descriptors, and room for more of them
};

/// A volume as libext2fs opened it.  Thread safe: the library is not, so every call holds a lock.
class Library {
public:
    /// Requires: the superblock that `start` names was accepted by parse_superblock.
    /// Errors: malformed, unsupported (the library's own words), those of the source with their place.
    [[nodiscard]] static Result<std::unique_ptr<const Library>> open(io::SourcePtr source, StartFrom start = {});

    /// The bytes of an inode as they lie on the disk, s_inode_size of them.
    /// Errors: not_found (no such number), malformed, those of the source with their place.
    [[nodiscard]] Result<Bytes> read_inode(std::uint32_t number) const;
    [[nodiscard]] Health check_health() const;
    /// Requires: `number` is below Superblock::groups.
    [[nodiscard]] Group group(std::uint32_t number) const;

    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    ~Library();

private:
    struct State;
    explicit Library(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

/// CRC-32C (Castagnoli, reflected) without a final inversion, as ext4 and jbd2 use it.
[[nodiscard]] std::uint32_t crc32c(std::uint32_t start, ByteView bytes) noexcept;
/// CRC-32 with the high bit first and without a final inversion, as jbd2 used it before.
[[nodiscard]] std::uint32_t crc32_be(std::uint32_t start, ByteView bytes) noexcept;

} // namespace salvage::filesystem::ext
