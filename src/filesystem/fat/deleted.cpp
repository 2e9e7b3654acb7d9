// Files that were deleted from a FAT or exFAT, by the entries that are still there.
#include "deleted.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/io/sources.hpp"

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

struct Folder {
    Record record;
    std::string path;
};

struct Found {
    Record record;
    std::string folder;
    bool is_folder_known{true};
    Chain chain{};
    bool is_claimed_twice{false};
};

class Search {
public:
    Search(const Volume& volume, Allocation allocation, const RunContext& context)
        : volume_{volume}, allocation_{std::move(allocation)}, context_{context},
          looks_left_{looks_a_cluster * std::min<std::uint64_t>(volume.geometry().clusters, volume.present().value * 8)}
    {
    }

    Result<std::vector<DeletedFile>> run()
    {
        SALVAGE_TRY(walk_live());
        SALVAGE_TRY(walk_deleted(0));
        SALVAGE_TRY(look_for_lost_folders());
        std::erase_if(found_, [&](const Found& file) { return is_former_name(file.record); });
        for (auto& file : found_) {
            file.chain = chain_of(file.record);
        }
        mark_double_claims();
        std::vector<DeletedFile> out;
        out.reserve(found_.size());
        for (auto& file : found_) {
            out.push_back(report(file));
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
        for (std::size_t i = 0; i < folders.size(); ++i) {
            SALVAGE_TRY(look_at_stop());
            const auto path = folders[i].path;
            const auto listing = volume_.list(folders[i].record);
            if (listing.damage && listing.damage->code == ErrorCode::io) {
                return *listing.damage;
            }
            for (const auto& record : listing.records) {
                if (record.is_deleted) {
                    note({.record = record, .folder = path.empty() ? "/" : path});
                    continue;
                }
                live_starts_[record.first_cluster] = record.size;
                const bool is_new = record.is_directory() && visited_.insert(record.first_cluster).second;
                if (is_new && folders.size() < max_folders && path.size() < max_path_bytes) {
                    folders.push_back({.record = record, .path = path + "/" + record.name});
                }
            }
        }
        return {};
    }

    void note(Found found)
    {
        if (found_.size() < max_found) {
            found_.push_back(std::move(found));
        }
    }

    /// What deleted folders held, from the `from`th find on; finds more while it goes.
    Result<> walk_deleted(std::size_t from)
    {
        for (auto i = from; i < found_.size(); ++i) {
            const auto folder = found_[i].record;
            const bool is_new = folder.is_directory() && allocation_.is_free(folder.first_cluster) &&
                                found_[i].folder.size() < max_path_bytes && visited_.size() < max_folders &&
                                visited_.insert(folder.first_cluster).second;
            if (!is_new) {
                continue;
            }
            SALVAGE_TRY(look_at_stop());
            const auto& parent = found_[i].folder;
            const auto path = parent + (parent == "/" ? "" : "/") + folder.name;
            SALVAGE_TRY(note_folder(folder, path, found_[i].is_folder_known));
        }
        return {};
    }

    Result<> note_folder(const Record& folder, const std::string& path, bool is_known)
    {
        auto listing = volume_.list_chain(volume_.is_exfat() ? exfat_chain(folder) : folder_chain(folder));
        if (listing.damage && listing.damage->code == ErrorCode::io) {
            return *listing.damage;
        }
        for (auto& record : listing.records) {
            record.is_deleted = true;
            note({.record = std::move(record), .folder = path, .is_folder_known = is_known});
        }
        return {};
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
        const auto own =
            load_le<std::uint16_t>(self.subspan(26)) | std::uint32_t{load_le<std::uint16_t>(self.subspan(20))} << 16U;
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
        for (std::uint32_t i = 0; i < clusters; ++i) {
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
            SALVAGE_TRY(note_folder(folder, {}, false));
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

    [[nodiscard]] Chain chain_of(const Record& record)
    {
        if (record.is_directory()) {
            return {};
        }
        auto as_stored = record;
        as_stored.is_contiguous = record.is_contiguous || !volume_.is_exfat();
        const auto wanted = volume_.clusters_for(std::min(record.size, record.valid_size));
        if (wanted > looks_left_) {
            Chain none;
            none.damage = malformed({}, "more clusters are wanted by deleted files than there are many times over");
            return none;
        }
        auto out = volume_.chain(as_stored, wanted);
        looks_left_ -= out.clusters;
        return out;
    }

    /// Two deleted files that want the same clusters: one was written over the other, and nobody says which.
    void mark_double_claims()
    {
        struct Claim {
            std::uint64_t start;
            std::uint64_t end;
            std::size_t file;
        };
        std::vector<Claim> claims;
        for (std::size_t i = 0; i < found_.size(); ++i) {
            for (const auto& run : found_[i].chain.runs) {
                claims.push_back({.start = run.first, .end = std::uint64_t{run.first} + run.count, .file = i});
            }
        }
        std::ranges::sort(claims, {}, &Claim::start);
        std::size_t widest = 0;
        for (std::size_t i = 1; i < claims.size(); ++i) {
            if (claims[i].start < claims[widest].end) {
                note_double(claims[widest].file, claims[i].file);
            }
            if (claims[i].end > claims[widest].end) {
                widest = i;
            }
        }
    }

    void note_double(std::size_t one, std::size_t other)
    {
        const auto& left = found_[one].record;
        const auto& right = found_[other].record;
        const bool is_same_file = left.first_cluster == right.first_cluster && left.size == right.size;
        if (!is_same_file) { // else two names that one file had
            found_[one].is_claimed_twice = true;
            found_[other].is_claimed_twice = true;
        }
    }

    [[nodiscard]] std::uint64_t taken_clusters(const Chain& chain) const
    {
        std::uint64_t out = 0;
        for (const auto& run : chain.runs) {
            for (std::uint32_t i = 0; i < run.count; ++i) {
                out += allocation_.is_free(run.first + i) ? 0U : 1U;
            }
        }
        return out;
    }

    [[nodiscard]] Confidence confidence_of(const Found& file, std::uint64_t taken) const
    {
        if (taken != 0 || file.chain.damage || file.is_claimed_twice) {
            return Confidence::low;
        }
        const bool is_place_known = volume_.is_exfat() || file.chain.clusters <= 1;
        return file.record.has_whole_name && file.is_folder_known && is_place_known ? Confidence::high
                                                                                    : Confidence::medium;
    }

    [[nodiscard]] std::string proof_of(const Found& file, std::uint64_t taken) const
    {
        auto out = fmt::format("entry at {} of the volume", format_offset(ByteOffset{file.record.at}));
        if (!file.record.has_whole_name) {
            out += "; the first letter of the name is lost";
        }
        if (!file.is_folder_known) {
            out += "; the name of its folder is lost";
        }
        if (file.chain.clusters > 1) {
            out += fmt::format("; {} clusters from {} on", file.chain.clusters, file.record.first_cluster);
            out += volume_.is_exfat() ? file.record.is_contiguous ? ", which the entry says follow each other"
                                                                  : ", by the chain that the table still has"
                                      : ", taken to follow each other, as the table has forgotten them";
        } else if (file.chain.clusters == 1) {
            out += fmt::format("; cluster {}", file.record.first_cluster);
        }
        if (taken != 0) {
            out += fmt::format("; {} of them were taken by live files", taken);
        }
        if (file.is_claimed_twice) {
            out += "; another deleted file had some of them, too";
        }
        return out;
    }

    [[nodiscard]] DeletedFile report(Found& file) const
    {
        const auto& record = file.record;
        const auto taken = taken_clusters(file.chain);
        DeletedFile out;
        out.entry = entry_of(record, record.name);
        out.folder = file.is_folder_known ? file.folder : std::string{};
        out.confidence = confidence_of(file, taken);
        out.proof = proof_of(file, taken);
        if (record.is_directory()) {
            return out;
        }
        const auto name = fmt::format("deleted file at {}", format_offset(ByteOffset{record.at}));
        if (record.size == 0) {
            out.content = io::make_memory({}, name);
        } else if (file.chain.clusters > taken) {
            out.content = volume_.content_of(std::move(file.chain), record.size, record.valid_size, &allocation_, name);
        }
        return out;
    }

    const Volume& volume_;
    Allocation allocation_;
    const RunContext& context_;
    std::uint64_t looks_left_;
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
