// Walking a tree: bounded in depth, safe against cycles, damage reported and passed over.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/filesystem/filesystem.hpp"

namespace salvage::rescue {

/// One entry of a listing, as `ls` shows it.
struct ListedEntry {
    std::string path; ///< from the root: "/media/0/DCIM"
    filesystem::Entry entry;
    std::string target;            ///< of a symlink
    std::optional<ByteCount> lost; ///< bytes of a file that cannot be read; nothing: not asked
    std::optional<Error> problem;  ///< a folder that could not be listed to its end, a link that could not be read
};

enum class Recursive : bool { no, yes };

/// Calls `visit` for every entry under `path`, parents first, names in the order of their bytes.
/// Errors: not_found (path), those of `visit`, cancelled.
Result<> walk(const filesystem::FileSystem& filesystem, std::string_view path, Recursive recursive,
              const std::function<Result<>(const ListedEntry&)>& visit, const RunContext& context);

} // namespace salvage::rescue
