// All inodes of a volume in one pass, and which inodes a block of the volume holds.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "volume.hpp"

namespace salvage::filesystem::ext {

struct InodeScan {
    std::uint64_t seen{};       ///< inodes that are or were in use
    std::uint64_t unreadable{}; ///< inodes whose place in the table cannot be read
};

class InodeTables {
public:
    /// Tables that lie outside the volume or over another's are left out.  Memory: 16 bytes a group.
    explicit InodeTables(const Volume& volume);

    /// The number of the first inode that lies in `block` of the volume; nothing where it is in no table.
    [[nodiscard]] std::optional<std::uint32_t> first_inode_in(std::uint64_t block) const;
    [[nodiscard]] std::uint32_t inodes_per_block() const noexcept { return inodes_per_block_; }

    /// Hands each inode that is or was in use to `visit`, table by table; its bytes live as long as that call.
    /// Reads the used parts of all tables once.  Errors: io, cancelled, those of `visit`.
    Result<InodeScan> for_each(const Volume& volume, const RunContext& context,
                               const std::function<Result<>(std::uint32_t number, ByteView bytes)>& visit) const;

private:
    struct Table {
        std::uint64_t block{};
        std::uint32_t group{};
        std::uint32_t used{}; ///< inodes
    };
    std::vector<Table> tables_; ///< by block
    std::uint32_t inodes_per_block_{};
    std::uint32_t inodes_per_group_{};
    std::uint64_t table_blocks_{};
};

} // namespace salvage::filesystem::ext
