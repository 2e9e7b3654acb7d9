// Directories of NTFS: the index $I30 of file names.
#pragma once

#include <optional>
#include <vector>

#include "record.hpp"
#include "volume.hpp"

namespace salvage::filesystem::ntfs {

struct IndexEntry {
    Reference file;
    FileName name;
};

/// What a directory says, without names for DOS beside longer ones; in the order in which its blocks lie.
struct Index {
    std::vector<IndexEntry> entries;
    std::optional<Error> damage; ///< the first thing that was wrong; the rest was read
};

/// Every block that the index has is read, whether a pointer leads to it or not: damage in one hides no other.
/// Errors: malformed (no index at all), those of the source other than unreadable.
/// Spec: Linux, fs/ntfs/layout.h, INDEX_ROOT, INDEX_ALLOCATION, INDEX_ENTRY.
[[nodiscard]] Result<Index> read_index(const Volume& volume, const File& directory);

} // namespace salvage::filesystem::ntfs
