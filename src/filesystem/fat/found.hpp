// A deleted file of a FAT or exFAT as the search holds it, and what is said of it.
#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include "salvage/filesystem/filesystem.hpp"
#include "volume.hpp"

namespace salvage::filesystem::fat {

struct Found {
    static constexpr std::size_t no_parent = std::numeric_limits<std::size_t>::max();

    Record record;
    std::string folder;
    bool is_folder_known{true};
    std::size_t parent{no_parent}; ///< the find that is the deleted folder in which it lay
    Chain chain{};
    bool is_claimed_twice{false};
};

/// What is known of `file`.  Looks at each cluster of its chain that the dump has.
[[nodiscard]] DeletedFile report_of(Found file, const Volume& volume, const Allocation& allocation);

} // namespace salvage::filesystem::fat
