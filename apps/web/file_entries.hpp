// Entries of the opened volume as the API names and shows them.
#pragma once

#include <string>

#include "http.hpp"
#include "json.hpp"
#include "salvage/filesystem/filesystem.hpp"
#include "workplace.hpp"

namespace salvage::web {

/// `path` of the query, "/" where it is absent.  Errors: invalid_argument.
[[nodiscard]] Result<std::string> wanted_path(const Request& request);
[[nodiscard]] Result<bool> wants_deleted(const Request& request);
/// Live files or deleted ones, as the query says.
[[nodiscard]] Result<const filesystem::FileSystem*> wanted_files(const Known& known, const Request& request);

struct WantedFile {
    std::string path;
    filesystem::Entry entry; ///< with its name
    io::SourcePtr content;
};
/// Errors: not_found, invalid_argument (not a file), those of the filesystem.
[[nodiscard]] Result<WantedFile> wanted_file(const Known& known, const Request& request);

/// `folder` is the path of the folder that holds it; of the root and what lies in it "" or "/".
[[nodiscard]] Json entry_json(const filesystem::FileSystem& files, std::string_view folder,
                              const filesystem::Entry& entry);

} // namespace salvage::web
