// Taking files out: a tree lands in a folder, with times, modes, hashes and a manifest; what is lost is named.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/filesystem/filesystem.hpp"

namespace salvage::rescue {

/// What a file is for people, by the ending of its name.
enum class FileKind : std::uint8_t { image, video, audio, document, database };

/// By the ending of a name; nothing: none that is known.
[[nodiscard]] std::optional<FileKind> kind_of(std::string_view name);
[[nodiscard]] std::string_view to_string(FileKind kind) noexcept; ///< "image", "video", …

/// What to take; nothing set: everything.  Folders come along where something in them does.
struct ExportFilter {
    /// Shell patterns over the whole path or the name alone; '*' stands for '/', too.  One must match.
    std::vector<std::string> matches{};
    std::vector<FileKind> kinds{}; ///< files of these kinds alone
    std::optional<filesystem::Timestamp> modified_from{};
    std::optional<filesystem::Timestamp> modified_before{};

    [[nodiscard]] bool is_empty() const noexcept
    {
        return matches.empty() && kinds.empty() && !modified_from && !modified_before;
    }
};

struct ExportOptions {
    std::string path{"/"}; ///< what to take out; a folder's tree lands directly in the target
    /// Archives only: these instead of `path`, folders with all that is in them.  They land below the deepest folder
    /// that holds them all, so that no two are in each other's way.
    std::vector<std::string> paths{};
    std::string source_identity{}; ///< an unfinished export of the same source goes on; of another is refused
    ExportFilter filter{};
    /// A folder that the tree lands in: "data" makes the layout of a phone's whole filesystem, as other tools read it.
    /// A plain name, or empty.
    std::string top_folder{};
};

/// An entry that could not be taken out whole.
struct ExportProblem {
    std::string path;
    std::string reason;     ///< "2 sectors (1024 bytes) of it could not be read"
    ByteCount lost;         ///< bytes left as holes
    bool is_partial{false}; ///< the rest of it was written
};

struct ExportReport {
    std::uint64_t files{};
    std::uint64_t directories{};
    std::uint64_t symlinks{};
    std::uint64_t others{};  ///< fifos, sockets, devices: only in the manifest
    std::uint64_t resumed{}; ///< files that an earlier run had finished
    ByteCount bytes{};
    std::vector<ExportProblem> failed;
    std::string manifest;        ///< path of manifest.jsonl
    std::string manifest_sha256; ///< hex
    std::string sums;            ///< path of SHA256SUMS
};

/// Progress: step "export", unit "bytes".
/// Errors: not_found (path), already_exists (the folder holds something else), no_space (what is needed, what is safe),
/// io, cancelled, invalid_argument (several paths).  A damaged file is not an error: it is in `failed`, and the rest
/// goes on.
[[nodiscard]] Result<ExportReport> export_folder(const filesystem::FileSystem& filesystem,
                                                 const std::filesystem::path& out, const ExportOptions& options,
                                                 const RunContext& context);

} // namespace salvage::rescue
