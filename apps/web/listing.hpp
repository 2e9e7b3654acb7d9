// Folders as they were listed last, sorted: the second page of a folder costs nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "salvage/filesystem/filesystem.hpp"

namespace salvage::web {

enum class SortBy : std::uint8_t { name, size, mtime };
enum class Descending : bool { no, yes };

struct ListingRequest {
    std::uint64_t known{}; ///< Known::number
    bool is_deleted{false};
    std::string path;
    SortBy sort{SortBy::name};
    Descending descending{Descending::no};
    bool operator==(const ListingRequest&) const = default;
};

struct Listing {
    std::vector<filesystem::Entry> entries; ///< folders first
    std::optional<Error> problem;           ///< why there may be more
};
using ListingPtr = std::shared_ptr<const Listing>;

/// Lists and sorts.  Errors: not_found, invalid_argument (no folder), those of the filesystem where nothing could be
/// read.
[[nodiscard]] Result<ListingPtr> list_sorted(const filesystem::FileSystem& files, const ListingRequest& request);

/// The least recently used goes first.  Thread safe.
class ListingCache {
public:
    static constexpr std::size_t max_folders = 16;

    /// As list_sorted(), or what it gave before.
    [[nodiscard]] Result<ListingPtr> get(const filesystem::FileSystem& files, const ListingRequest& request);
    [[nodiscard]] std::size_t size() const;

private:
    struct Slot {
        ListingRequest request;
        ListingPtr listing;
    };
    mutable std::mutex mutex_;
    std::list<Slot> slots_; ///< the last used first
};

} // namespace salvage::web
