#include "rescue/phone_files.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "rescue/walk_path.hpp"
#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

constexpr std::size_t kept_folders = 16;
// Deeper than any phone's tree; a folder that holds itself ends here.
constexpr std::ptrdiff_t max_depth = 64;

artifact::PhoneEntry to_phone_entry(const filesystem::Entry& entry)
{
    return {.name = entry.name,
            .is_folder = entry.type == filesystem::EntryType::directory,
            .size = entry.size,
            .modified_ns = entry.modified.total_nanoseconds()};
}

bool is_shown(const filesystem::Entry& entry) noexcept
{
    return (entry.type == filesystem::EntryType::file || entry.type == filesystem::EntryType::directory) &&
           !entry.is_encrypted;
}

} // namespace

const PhoneFilesOf::Folder* PhoneFilesOf::folder_at(const std::string& path) const
{
    const auto known = std::ranges::find(folders_, path, &Folder::path);
    if (known != folders_.end()) {
        folders_.splice(folders_.begin(), folders_, known);
        return &folders_.front();
    }
    std::uint64_t inode = 0;
    if (path.empty()) {
        inode = filesystem_->root().inode;
    } else {
        const auto* const entry = entry_at(path);
        if (entry == nullptr || entry->type != filesystem::EntryType::directory) {
            return nullptr;
        }
        inode = entry->inode;
    }
    Folder folder{.path = path, .inode = inode, .entries = {}};
    std::vector<filesystem::Entry> so_far;
    auto listed = filesystem_->list(inode, &so_far);
    folder.entries = listed.has_value() ? *std::move(listed) : std::move(so_far);
    std::erase_if(folder.entries, [](const filesystem::Entry& entry) { return !is_shown(entry); });
    std::ranges::sort(folder.entries, {}, &filesystem::Entry::name);
    folders_.push_front(std::move(folder));
    if (folders_.size() > kept_folders) {
        folders_.pop_back();
    }
    return &folders_.front();
}

const filesystem::Entry* PhoneFilesOf::entry_at(const std::string& path) const
{
    if (path.empty() || std::ranges::count(path, '/') > max_depth) {
        return nullptr;
    }
    const auto slash = path.rfind('/');
    const auto* const folder = folder_at(path.substr(0, slash));
    if (folder == nullptr) {
        return nullptr;
    }
    const auto name = std::string_view{path}.substr(slash + 1);
    const auto found = std::ranges::lower_bound(folder->entries, name, {}, &filesystem::Entry::name);
    return found != folder->entries.end() && found->name == name ? &*found : nullptr;
}

std::vector<artifact::PhoneEntry> PhoneFilesOf::list(const std::string& folder) const
{
    std::vector<artifact::PhoneEntry> out;
    const auto* const found = folder_at(normal_path(folder));
    if (found != nullptr) {
        out.reserve(found->entries.size());
        std::ranges::transform(found->entries, std::back_inserter(out), to_phone_entry);
    }
    return out;
}

std::optional<artifact::PhoneEntry> PhoneFilesOf::find(const std::string& path) const
{
    const auto* const entry = entry_at(normal_path(path));
    return entry == nullptr ? std::nullopt : std::optional{to_phone_entry(*entry)};
}

Result<io::SourcePtr> PhoneFilesOf::open(const std::string& path) const
{
    const auto* const entry = entry_at(normal_path(path));
    if (entry == nullptr || entry->type != filesystem::EntryType::file) {
        return not_found(fmt::format("there is no file {}", printable(path)));
    }
    return filesystem_->open(entry->inode).in("opening " + printable(path));
}

} // namespace salvage::rescue
