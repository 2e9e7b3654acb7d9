// Files that were deleted from an NTFS.
#include "deleted.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "filesystem/double_claims.hpp"

namespace salvage::filesystem::ntfs {
namespace {

constexpr std::uint64_t records_between_looks = 256;
constexpr unsigned max_folder_depth = 64;
constexpr std::size_t max_path_bytes = 4096;
// Deleted files may want the same clusters, but not each of them the whole volume.
constexpr std::uint64_t looks_a_cluster = 16;
constexpr std::uint64_t least_looks = 1U << 16U;

class Search {
public:
    Search(const Volume& volume, FreeClusters free, const RunContext& context)
        : volume_{volume}, free_{std::make_shared<const FreeClusters>(std::move(free))}, context_{context},
          looks_left_{least_looks + looks_a_cluster * volume.present_clusters()}
    {
    }

    Result<std::vector<DeletedFile>> run()
    {
        const std::uint64_t record_bytes = volume_.geometry().record_bytes;
        // No two records share bytes: whoever wants more of them wants some twice.
        auto left = volume_.present().value / record_bytes;
        const auto parts = SALVAGE_TRY(volume_.stored_table());
        for (const auto& part : parts) {
            const auto end = part.end().value / record_bytes;
            auto number = std::max((part.start().value + record_bytes - 1) / record_bytes, system_file::first_user);
            for (; number < end && left > 0; ++number, --left) {
                SALVAGE_TRY(look_at(number));
            }
        }
        mark_double_claims();
        return std::move(found_);
    }

private:
    Result<> look_at(std::uint64_t number)
    {
        if (number % records_between_looks == 0) {
            if (context_.is_stopped()) {
                return cancelled("looking for deleted files was stopped");
            }
            context_.progress->update({.step = "deleted files", .unit = "records", .done = number, .total = {}});
        }
        const auto file = volume_.file(number, State::deleted);
        if (file.has_value()) {
            report(*file);
        } else if (file.error().code == ErrorCode::io) {
            return file.error();
        }
        return {};
    }

    void report(const File& file)
    {
        const auto names = file.names();
        if (names.empty()) {
            return;
        }
        const auto folder = path_of(names.front().parent, 0);
        DeletedFile out;
        out.entry = entry_of(file, names.front().name, 0);
        out.folder = folder.value_or(std::string{});
        out.proof = fmt::format("record {} of the file table, not in use any more", file.number);
        if (!folder) {
            out.proof += "; its folder's record holds another file now";
        }
        out.confidence = folder ? Confidence::high : Confidence::medium;
        if (!file.is_directory) {
            add_content(file, out);
        }
        if (file.damage) {
            out.confidence = Confidence::low;
            out.proof += "; parts of its record are lost: " + file.damage->what;
        }
        found_.push_back(std::move(out));
    }

    void add_content(const File& file, DeletedFile& out)
    {
        const auto* const data = file.find(attribute_type::data);
        if (data == nullptr) {
            out.confidence = Confidence::low;
            out.proof += "; it has no content any more";
            return;
        }
        const auto clusters = clusters_of(*data);
        const auto present = clusters_of(*data, volume_.present_clusters());
        if (present > looks_left_) {
            out.confidence = Confidence::low;
            out.proof += fmt::format("; of its {} clusters nothing was looked at: too many want the same", clusters);
            return;
        }
        looks_left_ -= present;
        auto content = volume_.content(file, *data, free_.get());
        if (!content.has_value()) {
            out.proof += "; " + content.error().what;
            return;
        }
        if (data->is_resident) {
            out.content = std::move(*content);
            out.proof += "; the content is in the record";
            return;
        }
        out.proof += fmt::format("; {} clusters by the record's own list", clusters);
        if (clusters != present) {
            out.confidence = std::max(out.confidence, Confidence::medium);
            out.proof += fmt::format(", {} of them beyond the end of the dump", clusters - present);
        }
        const auto taken = clusters_taken(*data, *free_);
        doubt_list(*data, taken, out);
        if (clusters == 0 || taken < clusters) {
            out.content = std::move(*content);
        }
        for (const auto& run : data->runs) {
            if (run.on_volume) {
                claims_.push_back({.start = *run.on_volume, .end = *run.on_volume + run.count, .file = found_.size()});
            }
        }
    }

    void doubt_list(const Attribute& data, std::uint64_t taken, DeletedFile& out) const
    {
        if (taken != 0) {
            out.confidence = Confidence::low;
            out.proof += fmt::format(", {} of them were taken by live files", taken);
        }
        if (data.damage) {
            out.confidence = Confidence::low;
            out.proof += "; the list is damaged: " + data.damage->what;
        }
        if (const auto lost = clusters_without_place(data, volume_.geometry()); lost != 0) {
            out.confidence = Confidence::low;
            out.proof += fmt::format("; the list lacks {} clusters of the file", lost);
        }
    }

    void mark_double_claims()
    {
        for_double_claims(std::move(claims_), [&](std::size_t one, std::size_t other) {
            doubt(one);
            doubt(other);
        });
    }

    void doubt(std::size_t file)
    {
        constexpr std::string_view why = "; another deleted file had some of them, too";
        auto& found = found_[file];
        found.confidence = Confidence::low;
        if (!found.proof.ends_with(why)) {
            found.proof += why;
        }
    }

    /// The path of a folder, live or deleted, as long as each record on the way is still the one that was meant.  A
    /// record's sequence grows with its deletion.
    std::optional<std::string> path_of(const Reference& folder, unsigned depth)
    {
        if (folder.record == system_file::root) {
            return "/";
        }
        const auto key = std::pair{folder.record, folder.sequence};
        if (const auto known = paths_.find(key); known != paths_.end()) {
            return known->second;
        }
        auto path = depth < max_folder_depth ? new_path_of(folder, depth) : std::nullopt;
        paths_.emplace(key, path);
        return path;
    }

    std::optional<std::string> new_path_of(const Reference& folder, unsigned depth)
    {
        auto file = volume_.file(folder.record);
        const bool is_live = file.has_value();
        if (!is_live) {
            file = volume_.file(folder.record, State::deleted);
        }
        const bool is_it =
            file.has_value() && file->is_directory && is_same_life(file->sequence, folder.sequence, is_live);
        if (!is_it) {
            return std::nullopt;
        }
        const auto names = file->names();
        if (names.empty()) {
            return std::nullopt;
        }
        const auto parent = path_of(names.front().parent, depth + 1);
        if (!parent || parent->size() > max_path_bytes) {
            return std::nullopt;
        }
        return *parent + (*parent == "/" ? "" : "/") + names.front().name;
    }

    const Volume& volume_;
    std::shared_ptr<const FreeClusters> free_;
    const RunContext& context_;
    std::uint64_t looks_left_;
    std::vector<DeletedFile> found_;
    std::vector<Claim> claims_;
    std::map<std::pair<std::uint64_t, std::uint16_t>, std::optional<std::string>> paths_;
};

} // namespace

Result<std::vector<DeletedFile>> find_deleted(const Volume& volume, const RunContext& context)
{
    auto free = SALVAGE_TRY(volume.free_clusters());
    return Search{volume, std::move(free), context}.run();
}

} // namespace salvage::filesystem::ntfs
