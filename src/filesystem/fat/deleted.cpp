// Files that were deleted from a FAT or exFAT, by the entries that are still there.
#include "deleted.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "filesystem/double_claims.hpp"
#include "found.hpp"

namespace salvage::filesystem::fat {
namespace {

// More folders than a card has clusters cannot be; this many are looked at in one search, live and deleted.
constexpr std::size_t max_folders = 1U << 20U;
constexpr std::size_t max_found = 1U << 20U;
constexpr std::size_t max_path_bytes = 4096;
constexpr std::uint32_t clusters_between_looks = 4096;
constexpr std::uint64_t max_lost_folder_bytes = 2U << 20U;
// Deleted files may want the same clusters, but not each of them the whole volume.
constexpr std::uint64_t looks_a_cluster = 16;
constexpr std::size_t max_set_bytes = max_set_slots * slot_bytes;

// Folders may lie over each other, but not each of them over the whole dump: of what is there, each byte twice, and
// for small dumps some more.
constexpr std::uint64_t least_folder_bytes = 16U << 20U;
constexpr std::uint64_t least_looks = 1U << 16U;
// Of all finds together; an ordinary card has a hundredth of that.
constexpr std::uint64_t max_path_bytes_held = 256U << 20U;

struct Folder {
    Record record;
    std::string path;
    bool is_known{true};
};

class Search {
public:
    Search(const Volume& volume, Allocation allocation, const RunContext& context)
        : volume_{volume}, allocation_{std::move(allocation)}, context_{context},
          looks_left_{least_looks + looks_a_cluster * std::uint64_t{volume.present_clusters()}},
          folder_bytes_left_{least_folder_bytes + 2 * volume.present().value}
    {
    }

    Result<std::vector<DeletedFile>> run()
    {
        SALVAGE_TRY(walk_live());
        SALVAGE_TRY(walk_deleted(0));
        SALVAGE_TRY(look_for_lost_folders());
        report_cut();
        doubt_folders();
        std::erase_if(found_, [&](const Found& file) { return is_former_name(file.record); });
        for (auto& file : found_) {
            file.chain = chain_of(file.record);
        }
        mark_double_claims();
        std::vector<DeletedFile> out;
        out.reserve(found_.size());
        for (auto& file : found_) {
            out.push_back(report_of(std::move(file), volume_, allocation_));
        }
        return out;
    }

private:
    [[nodiscard]] Result<> look_at_stop() const
    {
        if (context_.is_stopped()) {
            return cancelled("looking for deleted files was stopped");
        }
        return {};
    }

    Result<> walk_live()
    {
        std::vector<Folder> folders{{.record = volume_.root(), .path = ""}};
        for (std::size_t i = 0; i < folders.size() && folder_bytes_left_ != 0; ++i) {
            SALVAGE_TRY(look_at_stop());
            const auto folder = folders[i];
            const auto listing = SALVAGE_TRY(counted(volume_.list(folder.record)));
            for (const auto& record : listing.records) {
                if (record.is_deleted) {
                    note({.record = record,
                          .folder = folder.path.empty() ? "/" : folder.path,
                          .is_folder_known = folder.is_known});
                    continue;
                }
                live_starts_[record.first_cluster] = record.size;
                const bool is_new = record.is_directory() && visited_.insert(record.first_cluster).second;
                if (is_new && folders.size() < max_folders) {
                    folders.push_back(within(folder, record));
                }
            }
        }
        return {};
    }

    /// The folder that `record` is; one whose path is too long is looked at without it.
    Folder within(const Folder& parent, const Record& record)
    {
        const auto bytes = parent.path.size() + 1 + record.name.size();
        if (!parent.is_known || bytes > max_path_bytes || !holds(bytes)) {
            return {.record = record, .path = {}, .is_known = false};
        }
        return {.record = record, .path = (parent.path == "/" ? "" : parent.path) + "/" + record.name};
    }

    /// Whether a path of so many bytes may be held, too.
    [[nodiscard]] bool holds(std::size_t bytes)
    {
        if (bytes > path_bytes_left_) {
            return false;
        }
        path_bytes_left_ -= bytes;
        return true;
    }

    /// The listing, taken off what may be read.  Errors: io.
    Result<Listing> counted(Listing listing)
    {
        folder_bytes_left_ -= std::min(folder_bytes_left_, std::max<std::uint64_t>(listing.bytes_read, slot_bytes));
        if (listing.damage && listing.damage->code == ErrorCode::io) {
            return *listing.damage;
        }
        return listing;
    }

    void report_cut() const
    {
        if (folder_bytes_left_ == 0) {
            context_.log->write("deleted.cut", "the folders of the volume lie over each other: not all of them were "
                                               "searched for deleted files");
        }
    }

    void note(Found found)
    {
        if (found_.size() >= max_found) {
            return;
        }
        if (!found.is_folder_known || !holds(found.folder.size())) {
            found.is_folder_known = false;
            found.folder.clear();
        }
        found_.push_back(std::move(found));
    }

    /// What deleted folders held, from the `from`th find on; finds more while it goes.
    Result<> walk_deleted(std::size_t from)
    {
        for (auto i = from; i < found_.size() && folder_bytes_left_ != 0; ++i) {
            const auto record = found_[i].record;
            const bool is_new = record.is_directory() && allocation_.is_free(record.first_cluster) &&
                                visited_.size() < max_folders && visited_.insert(record.first_cluster).second;
            if (!is_new) {
                continue;
            }
            SALVAGE_TRY(look_at_stop());
            const Folder parent{.record = {}, .path = found_[i].folder, .is_known = found_[i].is_folder_known};
            SALVAGE_TRY(note_folder(within(parent, record), i));
        }
        return {};
    }

    Result<> note_folder(const Folder& folder, std::size_t number)
    {
        auto chain = volume_.is_exfat() ? exfat_chain(folder.record) : folder_chain(folder.record);
        auto listing = SALVAGE_TRY(counted(volume_.list_chain(std::move(chain))));
        for (auto& record : listing.records) {
            record.is_deleted = true;
            note({.record = std::move(record),
                  .folder = folder.path,
                  .is_folder_known = folder.is_known,
                  .parent = number});
        }
        return {};
    }

    /// Two deleted folders of different names that begin in one cluster: whose the files in it were, nobody says.
    void doubt_folders()
    {
        std::map<std::uint32_t, std::size_t> first_names;
        std::set<std::uint32_t> doubtful;
        for (std::size_t i = 0; i < found_.size(); ++i) {
            const auto& folder = found_[i];
            if (!folder.record.is_directory()) {
                continue;
            }
            const auto& first = found_[first_names.emplace(folder.record.first_cluster, i).first->second];
            if (first.folder != folder.folder || first.record.name != folder.record.name) {
                doubtful.insert(folder.record.first_cluster);
            }
        }
        for (auto& file : found_) { // folders come before what they held
            if (file.parent == Found::no_parent) {
                continue;
            }
            const auto& folder = found_[file.parent];
            const bool is_doubtful = !folder.is_folder_known || doubtful.contains(folder.record.first_cluster);
            file.is_folder_known = file.is_folder_known && !is_doubtful;
        }
    }

    /// Whether the free cluster is the first of a FAT's folder: its first entry is "." and leads to itself.
    [[nodiscard]] bool begins_folder(std::uint32_t cluster) const
    {
        const auto bytes = io::read_up_to(volume_.source(), volume_.geometry().at(cluster), ByteCount{max_set_bytes});
        if (!bytes.has_value()) {
            return false;
        }
        if (volume_.is_exfat()) {
            return begins_with_set(*bytes);
        }
        const auto self = ByteView{*bytes}.first(slot_bytes);
        const auto own = first_cluster_of(self, volume_.geometry().variant);
        return as_text(self.first(11)) == ".          " && own == cluster &&
               as_text(ByteView{*bytes}.subspan(slot_bytes, 11)) == "..         ";
    }

    [[nodiscard]] static bool begins_with_set(ByteView bytes)
    {
        const bool is_deleted = (bytes[0] & std::byte{0x80}) == std::byte{0};
        const auto slots = exfat_set_slots(bytes, is_deleted);
        return slots != 0 && slots * slot_bytes <= bytes.size() &&
               has_right_set_checksum(bytes.first(slots * slot_bytes), is_deleted);
    }

    /// A FAT's deleted folder: its first cluster, and those behind it as long as they are free and it is full.
    [[nodiscard]] Chain folder_chain(const Record& folder) const
    {
        Chain out;
        const auto& geometry = volume_.geometry();
        if (!begins_folder(folder.first_cluster)) {
            return out;
        }
        for (auto cluster = folder.first_cluster;
             allocation_.is_free(cluster) && out.clusters * geometry.cluster_bytes < max_lost_folder_bytes; ++cluster) {
            out.append(cluster);
            const auto last_slot = geometry.at(cluster) + ByteCount{geometry.cluster_bytes - slot_bytes};
            const auto slot = io::read_bytes(volume_.source(), last_slot, ByteCount{slot_bytes});
            if (!slot.has_value() || (*slot)[0] == std::byte{0}) {
                break;
            }
        }
        return out;
    }

    [[nodiscard]] Chain exfat_chain(const Record& folder) const
    {
        const auto most = volume_.clusters_for(max_lost_folder_bytes);
        auto chain = volume_.chain(folder, std::min(most, volume_.clusters_for(folder.size)));
        Chain free;
        for (const auto& run : chain.runs) {
            for (std::uint32_t i = 0; i < run.count && allocation_.is_free(run.first + i); ++i) {
                free.append(run.first + i);
            }
        }
        return free;
    }

    /// Folders that no name leads to any more: after a quick format, or where the entry was written over.
    Result<> look_for_lost_folders()
    {
        const auto clusters = volume_.present_clusters();
        for (std::uint32_t i = 0; i < clusters && folder_bytes_left_ != 0; ++i) {
            if (i % clusters_between_looks == 0) {
                SALVAGE_TRY(look_at_stop());
                context_.progress->update(
                    {.step = "deleted files", .unit = "clusters", .done = i, .total = std::uint64_t{clusters}});
            }
            const auto cluster = i + 2;
            const bool is_lost = allocation_.is_free(cluster) && begins_folder(cluster) &&
                                 visited_.size() < max_folders && visited_.insert(cluster).second;
            if (!is_lost) {
                continue;
            }
            Record folder;
            folder.attributes = attribute::directory;
            folder.first_cluster = cluster;
            folder.size = volume_.geometry().cluster_bytes;
            folder.is_contiguous = true;
            const auto from = found_.size();
            SALVAGE_TRY(note_folder({.record = folder, .path = {}, .is_known = false}, Found::no_parent));
            SALVAGE_TRY(walk_deleted(from));
        }
        return {};
    }

    /// A file that was renamed or moved leaves an entry marked as deleted; its clusters are those of the live file.
    [[nodiscard]] bool is_former_name(const Record& record) const
    {
        const auto live = live_starts_.find(record.first_cluster);
        return record.first_cluster != 0 && live != live_starts_.end() && live->second == record.size;
    }

    /// The clusters of a deleted file.  Where there are fewer than it needs, with damage.
    [[nodiscard]] Chain chain_of(const Record& record)
    {
        Chain out;
        const auto clusters = volume_.geometry().clusters;
        if (record.is_directory()) {
            return out;
        }
        if (volume_.clusters_for(record.size) > clusters) {
            out.damage = malformed({}, "the file is larger than its volume",
                                   fmt::format("{} bytes, {} clusters", record.size, clusters));
            return out;
        }
        auto as_stored = record;
        as_stored.is_contiguous = record.is_contiguous || !volume_.is_exfat();
        const auto wanted = volume_.clusters_for(std::min(record.size, record.valid_size));
        out = volume_.chain(as_stored, as_stored.is_contiguous ? wanted : std::min(wanted, looks_left_));
        const auto looks =
            as_stored.is_contiguous && !out.runs.empty() ? volume_.present_in(out.runs[0]) : out.clusters;
        if (looks > looks_left_) {
            out = {};
            out.damage = malformed({}, "more clusters are wanted by deleted files than there are many times over");
        }
        looks_left_ -= std::min<std::uint64_t>(looks, looks_left_);
        if (out.clusters < wanted && !out.damage) {
            out.damage = malformed({}, "fewer clusters are known than the file had",
                                   fmt::format("{} of {}", out.clusters, wanted));
        }
        return out;
    }

    /// Two names that one file had are no two files.
    void mark_double_claims()
    {
        std::vector<Claim> claims;
        for (std::size_t i = 0; i < found_.size(); ++i) {
            for (const auto& run : found_[i].chain.runs) {
                claims.push_back({.start = run.first, .end = std::uint64_t{run.first} + run.count, .file = i});
            }
        }
        const auto place_of = [](const Record& record) { return std::pair{record.first_cluster, record.size}; };
        std::set<std::pair<std::uint32_t, std::uint64_t>> doubtful;
        for_double_claims(std::move(claims), [&](std::size_t one, std::size_t other) {
            if (place_of(found_[one].record) != place_of(found_[other].record)) {
                doubtful.insert({place_of(found_[one].record), place_of(found_[other].record)});
            }
        });
        for (auto& file : found_) {
            file.is_claimed_twice = file.chain.clusters != 0 && doubtful.contains(place_of(file.record));
        }
    }

    const Volume& volume_;
    Allocation allocation_;
    const RunContext& context_;
    std::uint64_t looks_left_;
    std::uint64_t folder_bytes_left_;
    std::uint64_t path_bytes_left_{max_path_bytes_held};
    std::map<std::uint32_t, std::uint64_t> live_starts_; ///< size by first cluster
    std::set<std::uint32_t> visited_;                    ///< first clusters of folders
    std::vector<Found> found_;
};

} // namespace

Result<std::vector<DeletedFile>> find_deleted(const Volume& volume, const RunContext& context)
{
    auto allocation = SALVAGE_TRY(volume.allocation(context));
    return Search{volume, std::move(allocation), context}.run();
}

} // namespace salvage::filesystem::fat
