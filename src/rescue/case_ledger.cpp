// Records of files, the last one of each path.
#include "rescue/case_ledger.hpp"

#include <algorithm>

#include "rescue/out_folder.hpp"

namespace salvage::rescue {

Expected* CaseLedger::entry_of(const std::string& path)
{
    if (files_.size() >= max_named_files && !files_.contains(path)) {
        is_overfull_ = true;
        return nullptr;
    }
    return &files_[path];
}

void CaseLedger::add(const LogRecord& record)
{
    if (record.event == log_event::file_planned || record.event == log_event::file_written) {
        const auto file = file_of(record);
        auto* const entry = file ? entry_of(file->path) : nullptr;
        if (entry == nullptr) {
            return;
        }
        if (record.event == log_event::file_planned) {
            entry->planned = file;
        } else {
            *entry = {.written = file, .planned = {}};
        }
        return;
    }
    const bool is_begin = record.event == log_event::folder_begin;
    if (!is_begin && record.event != log_event::folder_done) {
        return;
    }
    const auto path = get_text(record.data(), "path");
    if (!path) {
        return;
    }
    if (!is_begin) {
        open_folders_.erase(*path);
    } else if (open_folders_.size() < max_named_files) {
        open_folders_.insert(*path);
    }
}

bool CaseLedger::is_unfinished(std::string_view path) const
{
    return std::ranges::any_of(open_folders_, [path](const auto& folder) {
        return path.starts_with(folder) && path.substr(folder.size()).starts_with('/');
    });
}

} // namespace salvage::rescue
