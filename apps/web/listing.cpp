#include "listing.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::web {
namespace {

using filesystem::Entry;
using filesystem::EntryType;

/// Folders first, whatever the order; equal ones by their name.
bool is_before(const Entry& left, const Entry& right, SortBy sort, bool is_descending)
{
    const bool left_is_folder = left.type == EntryType::directory;
    if (left_is_folder != (right.type == EntryType::directory)) {
        return left_is_folder;
    }
    const auto& first = is_descending ? right : left;
    const auto& second = is_descending ? left : right;
    if (sort == SortBy::size && first.size != second.size) {
        return first.size < second.size;
    }
    if (sort == SortBy::mtime && first.modified != second.modified) {
        return first.modified < second.modified;
    }
    if (sort == SortBy::name) {
        return std::pair<std::string_view, std::uint64_t>{first.name, first.inode} <
               std::pair<std::string_view, std::uint64_t>{second.name, second.inode};
    }
    return std::pair<std::string_view, std::uint64_t>{left.name, left.inode} <
           std::pair<std::string_view, std::uint64_t>{right.name, right.inode};
}

} // namespace

Result<ListingPtr> list_sorted(const filesystem::FileSystem& files, const ListingRequest& request)
{
    const auto folder = SALVAGE_TRY(filesystem::find_path(files, request.path));
    if (folder.type != EntryType::directory) {
        return invalid_argument(fmt::format("{} is not a folder", printable(request.path)),
                                filesystem::to_string(folder.type));
    }
    auto out = std::make_shared<Listing>();
    std::vector<Entry> read_so_far;
    auto entries = files.list(folder.inode, &read_so_far);
    if (entries.has_value()) {
        out->entries = *std::move(entries);
    } else {
        out->entries = std::move(read_so_far);
        out->problem = std::move(entries).error();
    }
    std::ranges::sort(out->entries, [&request](const Entry& left, const Entry& right) {
        return is_before(left, right, request.sort, request.descending == Descending::yes);
    });
    return ListingPtr{std::move(out)};
}

Result<ListingPtr> ListingCache::get(const filesystem::FileSystem& files, const ListingRequest& request)
{
    {
        const std::scoped_lock lock{mutex_};
        const auto found = std::ranges::find(slots_, request, &Slot::request);
        if (found != slots_.end()) {
            slots_.splice(slots_.begin(), slots_, found);
            return found->listing;
        }
    }
    auto listing = SALVAGE_TRY(list_sorted(files, request)); // without the lock: a large folder takes its time
    const std::scoped_lock lock{mutex_};
    slots_.push_front({.request = request, .listing = listing});
    if (slots_.size() > max_folders) {
        slots_.pop_back();
    }
    return listing;
}

std::size_t ListingCache::size() const
{
    const std::scoped_lock lock{mutex_};
    return slots_.size();
}

} // namespace salvage::web
