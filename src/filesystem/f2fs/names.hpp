// Names of a volume: those of its directories, and those whose slots were emptied.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "directory.hpp"
#include "salvage/core/run_context.hpp"
#include "volume.hpp"

namespace salvage::filesystem::f2fs {

[[nodiscard]] NameRules rules_of(const Volume& volume, const Inode& directory);

/// The names of a directory, with those that were synced after the checkpoint in place of the same names before.
/// Errors: malformed, unsupported, those of the source other than unreadable.
[[nodiscard]] Result<ext::Directory> names_of(const Volume& volume, const Inode& directory);

/// What was deleted from a directory whose table or blocks are `content`.  Damage is passed over.
[[nodiscard]] std::vector<ext::DirectoryEntry> emptied_names(const Volume& volume, const Inode& directory,
                                                             const io::ByteSource& content);

struct NameInFolder {
    std::uint32_t folder{}; ///< inode
    std::string name;
};
struct EmptiedName {
    NameInFolder where;
    std::uint32_t inode{};
    std::uint8_t file_type{};
};

/// More than Android has by three orders of magnitude.
constexpr std::size_t max_folders = std::size_t{1} << 20U;
constexpr std::size_t max_emptied_names = std::size_t{1} << 20U;

struct NameTree {
    std::unordered_map<std::uint32_t, NameInFolder> folders; ///< by inode; the root is in none
    std::vector<EmptiedName> emptied;
    std::vector<std::pair<std::uint32_t, NameInFolder>>
        replaced; ///< inodes whose name went to another that was synced later
};

/// Walks all directories from the root.  Damage is passed over.  Errors: io, cancelled.
[[nodiscard]] Result<NameTree> walk_names(const Volume& volume, const RunContext& context);

} // namespace salvage::filesystem::f2fs
