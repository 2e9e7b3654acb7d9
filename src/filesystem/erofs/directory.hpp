// Directories of EROFS: blocks of sorted names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "salvage/filesystem/filesystem.hpp"

namespace salvage::filesystem::erofs {

struct DirectoryEntry {
    std::string name;
    std::uint64_t inode{};
    EntryType type{EntryType::unknown}; ///< as the directory keeps it
};

/// What a directory says, and the first thing that was wrong with it.
struct Directory {
    std::vector<DirectoryEntry> entries; ///< without "." and ".."
    std::optional<std::uint64_t> self;   ///< inode of "."
    std::optional<std::uint64_t> parent; ///< inode of ".."
    std::optional<Error> damage;

    void note(Error error)
    {
        if (!damage) {
            damage = std::move(error);
        }
    }
};

/// More names than Android keeps in one folder by three orders of magnitude.
constexpr std::size_t max_directory_entries = 1U << 20U;
/// Room for as many of the longest names.
constexpr ByteCount max_directory_bytes{512U << 20U};

/// Adds the entries of one block.  A name that cannot be is left out, one out of order is kept; both are damage.
/// `last_name` is the name before, and is set to the last one.  Offsets of errors count from the block's first byte.
/// Spec: Linux, fs/erofs/dir.c, erofs_readdir; erofs_fs.h, struct erofs_dirent.
void parse_directory_block(ByteView block, std::string& last_name, Directory& into);

/// All blocks of a directory; damage in one does not hide the others.
/// Errors: those of the source other than unreadable.
[[nodiscard]] Result<Directory> read_directory(const io::ByteSource& content, std::uint64_t block_bytes);

/// Only as much of it as it takes to find "..".
[[nodiscard]] std::optional<std::uint64_t> find_parent(const io::ByteSource& content, std::uint64_t block_bytes);

} // namespace salvage::filesystem::erofs
