// Which blocks of a volume are in use: by its block bitmaps, and where one is damaged by all inodes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "filesystem/unused_areas.hpp"
#include "inode_tables.hpp"
#include "salvage/core/run_context.hpp"
#include "volume.hpp"

namespace salvage::filesystem::ext {

enum class Use : std::uint8_t { free, used, unknown };

/// What all inodes use, in order and apart.
struct BlocksOfInodes {
    std::vector<BlockRange> used;
    bool is_complete{true};
};

/// Not thread safe: make one for each question.  Memory: 64 MiB of bitmaps at most, 16 bytes a table and, where a
/// bitmap is damaged, 16 bytes a piece of all files.
class BlockUse {
public:
    BlockUse(const Volume& volume, const RunContext& context);

    struct Span {
        Use use{Use::unknown};
        std::uint64_t end{}; ///< behind the last block of the same use; at most the end of the group
    };
    /// Requires: `block` lies in the volume.  A bitmap that fails its checksum, cannot be read or does not even count
    /// the group's own tables is not believed; its group is then made of what all live inodes use.  Where some of them
    /// cannot be read, the blocks that no other uses are unknown.  Errors: io, cancelled.
    Result<Span> at(std::uint64_t block);

    [[nodiscard]] std::uint32_t damaged_bitmaps() const noexcept { return damaged_; }

private:
    struct Bitmap {
        Bytes used;             ///< a bit a cluster
        bool is_complete{true}; ///< a clear bit is known to be free
    };
    Result<const Bitmap*> bitmap_of(std::uint32_t group);
    Result<Bitmap> load(std::uint32_t number);
    [[nodiscard]] std::optional<Bytes> read_bitmap(std::uint32_t group, const Group& descriptor) const;
    [[nodiscard]] BlockRange blocks_of(std::uint32_t group) const noexcept;
    void mark_tables(const BlockRange& group, Bytes& used) const;
    [[nodiscard]] bool has_tables(const BlockRange& group, ByteView used) const;
    template <typename Visit>
    void for_tables_in(const BlockRange& group, Visit visit) const;
    Result<> ask_inodes();
    Result<> add_blocks_of(const Inode& inode, BlocksOfInodes& out) const;

    const Volume& volume_;
    const RunContext& context_;
    std::vector<BlockRange> tables_; ///< of all groups, by their first block
    std::uint64_t longest_table_{0};
    std::map<std::uint32_t, Bitmap> bitmaps_;
    std::uint32_t damaged_{0};
    std::optional<BlocksOfInodes> from_inodes_;
};

/// Free areas of the volume in bytes, in order, neighbours joined.  Errors: unsupported (more than max_unused_areas),
/// io, cancelled.
[[nodiscard]] Result<std::vector<ByteRange>> find_unused_areas(const Volume& volume, const RunContext& context);

} // namespace salvage::filesystem::ext
