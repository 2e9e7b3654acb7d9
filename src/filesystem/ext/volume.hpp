// An ext volume ready to be read: the best copy of its superblock, the journal replayed in an overlay.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "content.hpp"
#include "inode.hpp"
#include "library.hpp"
#include "salvage/core/finding.hpp"
#include "superblock.hpp"

namespace salvage::filesystem::ext {

struct Volume {
    Superblock superblock;
    io::SourcePtr source; ///< as large as the filesystem; with the journal replayed
    std::unique_ptr<const Library> library;
    std::vector<Finding> findings;
    std::optional<Error> root_damage; ///< the inode of the root directory is lost

    [[nodiscard]] VolumeShape shape() const noexcept
    {
        return {.block_bytes = superblock.block_bytes, .blocks = superblock.blocks};
    }
    /// Errors: not_found (no such number, or the inode is not in use), malformed, those of the source.
    [[nodiscard]] Result<Inode> inode(std::uint64_t number) const;
    /// An inode of the bytes that the table or an old copy of it has, used or not.
    [[nodiscard]] Inode parse(std::uint32_t number, ByteView bytes) const;
    /// What checksums of the blocks of `inode` start with; nothing where the volume keeps none.
    [[nodiscard]] std::optional<std::uint32_t> checksum_seed(const Inode& inode) const noexcept;
    /// Where the content of `inode` lies, as a source.  Not for inline data.
    [[nodiscard]] Result<io::SourcePtr> blocks_of(const Inode& inode) const;
    /// The runs of the same.
    [[nodiscard]] Result<ContentMap> map_of(const Inode& inode) const;
    /// Where the inode lies; nothing where its table is not known.
    [[nodiscard]] std::optional<Location> place_of(std::uint32_t number) const;
    /// The content of the journal's file.  Errors: not_found (there is no journal in this volume), as blocks_of.
    [[nodiscard]] Result<io::SourcePtr> journal() const;
};

/// Opens from `primary`, or from a backup where `primary` is nothing or does not lead to a root directory.  Where none
/// does, `root_damage` says so.
/// `why_not` says what is wrong with the primary, if something is.
/// Errors: `why_not` where no backup helps, else those of the library.
[[nodiscard]] Result<Volume> open_volume(const io::SourcePtr& source, const std::optional<Superblock>& primary,
                                         std::optional<Error> why_not);

} // namespace salvage::filesystem::ext
