// The lines of an export's manifest, which are those of its journal too.  See docs/formats/export-manifest.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "salvage/core/result.hpp"
#include "salvage/filesystem/filesystem.hpp"

namespace salvage::rescue {

/// What the manifest says of one entry.
struct ManifestEntry {
    std::string path; ///< in the filesystem
    filesystem::Entry entry;
    std::string target;                ///< of a symlink
    std::optional<std::string> stored; ///< path in the folder; nothing: only in the manifest
    std::string link_of;               ///< stored path of the first name of a file with several
    ByteCount lost;
    std::string stored_sha256; ///< of the file as stored, lost bytes as zeros; empty: not computed
    std::string problem;
    filesystem::ExtendedAttributes attributes;
};
[[nodiscard]] nlohmann::ordered_json to_json(const ManifestEntry& entry);

/// Nanoseconds since 1970 as a number; null where 64 bits cannot hold them.
[[nodiscard]] nlohmann::ordered_json nanoseconds_json(const filesystem::Timestamp& time);

/// A file that an earlier run finished.
struct FinishedFile {
    std::string stored;
    std::uint64_t size{};
    std::string mtime; ///< as the JSON number stands in the line
    ByteCount lost;
    std::string stored_sha256;
};

/// Finished files by path and inode.
class FinishedFiles {
public:
    /// Adds those of a manifest or journal; lines that are none of ours are passed over.
    void load(const std::filesystem::path& path);
    /// Nothing where it is not known, or the source's file is another by now.
    [[nodiscard]] const FinishedFile* find(const std::string& path, const filesystem::Entry& entry) const;

private:
    static std::string key_of(const std::string& path, std::uint64_t inode);
    std::unordered_map<std::string, FinishedFile> files_;
};

} // namespace salvage::rescue
