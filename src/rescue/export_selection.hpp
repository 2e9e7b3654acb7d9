// What an export takes: a filter over a tree, and the folders that lead to what passes it.
#pragma once

#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/rescue/export.hpp"
#include "salvage/rescue/walk.hpp"

namespace salvage::rescue {

/// Tells one request from another; empty where everything is taken.
[[nodiscard]] std::string identity_of(const ExportFilter& filter);

class ExportSelection {
public:
    /// Walks each tree once.  Errors: those of walk().
    [[nodiscard]] static Result<ExportSelection> make(const filesystem::FileSystem& filesystem,
                                                      const std::vector<std::string>& paths, const ExportFilter& filter,
                                                      const RunContext& context);

    /// Whether the entry passes; of folders, whether anything in them does.
    [[nodiscard]] bool takes(const ListedEntry& listed) const;
    /// Bytes of all files, each counted once.
    [[nodiscard]] ByteCount total() const noexcept { return total_; }

private:
    explicit ExportSelection(ExportFilter filter) : filter_{std::move(filter)} {}
    void add_folders_of(const std::string& path);

    ExportFilter filter_;
    std::unordered_set<std::string> folders_; ///< filled only where there is a filter
    ByteCount total_;
};

} // namespace salvage::rescue
