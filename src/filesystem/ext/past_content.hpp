// Where the content of a deleted file lay, and what of it others have taken since.
#pragma once

#include <cstdint>
#include <map>

#include "block_use.hpp"
#include "history.hpp"

namespace salvage::filesystem::ext {

/// The map of an inode as it was at `age`.  Blocks of the map come from the newest copy of the log that is no younger,
/// else from the volume where no one has taken them, else from a younger copy; with checksums each must agree.
/// Errors: as map_content.
[[nodiscard]] Result<ContentMap> map_of_past(const Volume& volume, const History& history, BlockUse& use,
                                             const Inode& inode, std::int32_t age);

/// A map less what is not the file's any more.
struct Remains {
    ContentMap map;
    std::uint64_t blocks{}; ///< the file had
    std::uint64_t taken{};  ///< of them
    bool is_unsure{false};  ///< of some it is not known whether they were taken
};

/// Files take their blocks one after the other: a block that two claim is that of the first to come.
class Claims {
public:
    explicit Claims(BlockUse& use) : use_{use} {}
    /// `is_own`: the bitmap counts the blocks as this file's own.  To be called for the youngest files first.
    /// Errors: those of BlockUse.
    Result<Remains> take(const ContentMap& map, bool is_own);

private:
    struct Piece {
        Use use{Use::unknown};
        std::uint64_t end{};
    };
    Result<Piece> piece_at(std::uint64_t block, std::uint64_t end, bool is_own);
    void claim(std::uint64_t first, std::uint64_t end);

    BlockUse& use_;
    std::map<std::uint64_t, std::uint64_t> claimed_; ///< first block to the end behind it, apart
};

} // namespace salvage::filesystem::ext
