// The last step of an export: files get their names and lines in batches, so that a crash leaves whole files only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "rescue/export_manifest.hpp"
#include "rescue/growing_files.hpp"
#include "rescue/target_tree.hpp"
#include "salvage/rescue/export.hpp"

namespace salvage::rescue {

/// An entry whose lines are due; its file, if any, has no name yet.
struct PendingEntry {
    ManifestEntry line;
    TreePlace place;
    std::optional<UnfinishedFile> file;
    bool is_new{true}; ///< not in the journal
};

/// The files that tell of an export; each appears when it is whole.
struct ExportLists {
    TextFile manifest;
    TextFile sums;
    TextFile body;
    TextFile dfxml;

    /// Errors: those of OutputFile::create.
    [[nodiscard]] static Result<ExportLists> begin(const std::filesystem::path& folder, std::string_view source);
};

/// Gives `place` a name that any folder holds, and tells of it.
void use_substitute(TreePlace& place, const std::string& path, const filesystem::Entry& entry, ExportReport& report);

/// Whether `error` is about the name alone: under another one the entry can be made.
[[nodiscard]] bool is_about_the_name(const Error& error) noexcept;

/// Entries between "copied" and "in the folder, with their lines written".  Counts the files into the report.
/// Not thread safe.
class ExportBatch {
public:
    /// `tree` and `report` outlive the batch.
    ExportBatch(TargetTree& tree, ExportReport& report, Journal journal, ExportLists lists);

    /// Takes one more; finishes the batch when that is due.  Errors: those of finish().
    Result<> push(PendingEntry entry);
    /// Flushes, then names, then writes down: a file under its name is whole, one in the journal is there.
    /// Errors: io, no_space.
    Result<> finish();
    /// All lists appear, the manifest last.  Errors: io, no_space.
    Result<> commit();

    /// Whether a file with several names waits here for its first.
    [[nodiscard]] bool holds(std::uint64_t inode) const { return inodes_.contains(inode); }
    /// The first name of a file with several; null where it has none yet.
    [[nodiscard]] const FinishedFile* first_name(std::uint64_t inode) const;

private:
    Result<> name(PendingEntry& entry);
    void count(const PendingEntry& entry);

    TargetTree* tree_;
    ExportReport* report_;
    Journal journal_;
    ExportLists lists_;
    std::vector<PendingEntry> entries_;
    ByteCount bytes_;
    std::unordered_set<std::uint64_t> inodes_;              ///< in entries_, of files with several names
    std::unordered_map<std::uint64_t, FinishedFile> links_; ///< first names of files with several
};

} // namespace salvage::rescue
