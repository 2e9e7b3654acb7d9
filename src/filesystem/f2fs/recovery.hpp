// What was synced after the last checkpoint: a chain of nodes, laid over the tables without touching the volume.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "inode.hpp"

namespace salvage::filesystem::f2fs {

/// A file of which newer nodes were found.
struct RecoveredFile {
    bool is_new{false};                           ///< the checkpoint does not know it
    std::uint32_t inode_block{no_block};          ///< no_block: the inode is that of the checkpoint
    std::optional<std::uint64_t> size;            ///< where data beyond the old end were found
    std::uint32_t attributes_block{no_block};     ///< no_block: as of the checkpoint
    std::map<std::uint32_t, std::uint32_t> nodes; ///< place in the tree → block, for nodes that hold addresses
};

struct RecoveredName {
    std::string name; ///< as it is on the volume
    std::uint32_t inode{};
    EntryType type{EntryType::unknown};
};

struct Recovered {
    std::map<std::uint32_t, RecoveredFile> files;
    std::map<std::uint32_t, std::vector<RecoveredName>> names; ///< by directory

    [[nodiscard]] const RecoveredFile* file(std::uint32_t inode) const
    {
        const auto found = files.find(inode);
        return found == files.end() ? nullptr : &found->second;
    }
};

class Volume;

/// Follows the chain that begins behind the warm nodes of the checkpoint.  Every node in it carries the version of the
/// checkpoint.  A file is taken up to its last node with the mark of a sync; a new one only with the mark of a new
/// name. What was found and what is wrong with the chain become findings of `volume`. Bounded: each block of the volume
/// is read twice at most. Errors: io.  Spec: Linux, fs/f2fs/recovery.c.
[[nodiscard]] Result<Recovered> roll_forward(const Volume& volume, std::vector<Finding>& findings);

} // namespace salvage::filesystem::f2fs
