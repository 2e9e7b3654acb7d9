// Names that no directory has any more: in the unused room of directory blocks, and in old copies of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "lives.hpp"
#include "past_content.hpp"

namespace salvage::filesystem::ext {

/// A folder as a name knows it.
struct FolderRef {
    std::uint32_t inode{0};                  ///< 0: not known
    std::optional<std::uint32_t> generation; ///< nothing: not known
    auto operator<=>(const FolderRef&) const = default;
};

struct DeadEntry {
    std::string name;
    std::uint32_t inode{};
    std::uint8_t file_type{};
    std::optional<std::size_t> life; ///< in Lives::all(); nothing: of this file there is the name alone
    FolderRef folder;
    std::optional<LoggedCopy> copy; ///< nothing: the name lies on the volume now
    std::uint64_t block{};          ///< of the volume
    std::size_t at{};               ///< offset in the block
    bool was_entry{false};          ///< else it lay in room that no entry used, even then
    [[nodiscard]] std::int32_t age() const noexcept { return copy ? copy->age : now_on_volume; }
};

/// More names than a journal of 1 GiB holds.
constexpr std::size_t max_dead_entries = 1U << 20U;
/// Blocks of directories that are read, live and dead ones each; no more than the volume has either.
constexpr std::uint64_t max_directory_blocks = 1U << 22U;
/// Directories that a block is known to have belonged to.
constexpr std::size_t max_owners_of_block = 16;

struct DeadNames {
    std::vector<DeadEntry> entries; ///< each folder, name and life once: the youngest, entries before remains of them
    /// Folder that a live directory lies in, and its name there.
    struct Parent {
        std::uint32_t inode{};
        std::string name;
    };
    std::unordered_map<std::uint32_t, Parent> parents;
};

/// Walks all live directories, and reads the blocks of dead ones and the copies of both in the log.  Only names of
/// inodes that have a dead life, or none at all, are kept.  What cannot be read is passed over.
/// Errors: io, cancelled.
[[nodiscard]] Result<DeadNames> collect_names(const Volume& volume, const InodeTables& tables, const History& history,
                                              const Lives& lives, BlockUse& use, const RunContext& context);

} // namespace salvage::filesystem::ext
