// How sure a deleted file of a FAT or exFAT is, and why.
#include "found.hpp"

#include <utility>

#include <fmt/format.h>

#include "deleted.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::filesystem::fat {
namespace {

// From this many clusters on, numbers need the upper half that only FAT32 has.
constexpr std::uint32_t least_clusters_of_two_halves = 0xFFFF;

struct ClusterCounts {
    std::uint64_t taken{};   ///< by live files
    std::uint64_t missing{}; ///< beyond the end of the dump
};

class Judge {
public:
    Judge(const Found& file, const Volume& volume, const Allocation& allocation) : file_{file}, volume_{volume}
    {
        for (const auto& run : file.chain.runs) {
            const auto present = volume.present_in(run);
            counts_.missing += run.count - present;
            for (std::uint32_t i = 0; i < present; ++i) {
                counts_.taken += allocation.is_free(run.first + i) ? 0U : 1U;
            }
        }
    }

    [[nodiscard]] bool has_content() const noexcept { return file_.chain.clusters > counts_.taken; }

    [[nodiscard]] Confidence confidence() const
    {
        if (counts_.taken != 0 || file_.chain.damage || file_.is_claimed_twice) {
            return Confidence::low;
        }
        const bool is_place_known =
            (file_.record.is_contiguous || file_.chain.clusters <= 1) && !may_lack_upper_half() && counts_.missing == 0;
        return file_.record.has_whole_name && file_.is_folder_known && is_place_known ? Confidence::high
                                                                                      : Confidence::medium;
    }

    [[nodiscard]] std::string proof() const
    {
        auto out = fmt::format("entry at {} of the volume", format_offset(ByteOffset{file_.record.at}));
        if (!file_.record.has_whole_name) {
            out += "; the first letter of the name is lost";
        }
        if (!file_.is_folder_known) {
            out += "; the name of its folder is lost";
        }
        out += place();
        if (may_lack_upper_half()) {
            out += "; the upper half of that number may have been cleared with the deletion";
        }
        if (counts_.missing != 0) {
            out += fmt::format("; {} of them lie beyond the end of the dump", counts_.missing);
        }
        if (counts_.taken != 0) {
            out += fmt::format("; {} of them were taken by live files", counts_.taken);
        }
        if (file_.is_claimed_twice) {
            out += "; another deleted file had some of them, too";
        }
        if (file_.chain.damage) {
            out += "; " + file_.chain.damage->what;
        }
        return out;
    }

private:
    /// Windows clears the upper half when it deletes: what is left may be another file's place.
    [[nodiscard]] bool may_lack_upper_half() const noexcept
    {
        const auto& geometry = volume_.geometry();
        return geometry.variant == Variant::fat32 && geometry.clusters >= least_clusters_of_two_halves &&
               file_.chain.clusters != 0 && file_.record.first_cluster <= 0xFFFF;
    }

    [[nodiscard]] std::string place() const
    {
        const auto clusters = file_.chain.clusters;
        if (clusters == 0) {
            return {};
        }
        if (clusters == 1) {
            return fmt::format("; cluster {}", file_.record.first_cluster);
        }
        const auto* const how = !volume_.is_exfat() ? ", taken to follow each other, as the table has forgotten them"
                                : file_.record.is_contiguous ? ", which the entry says follow each other"
                                                             : ", by the chain that the table still has: it may be "
                                                               "another file's by now";
        return fmt::format("; {} clusters from {} on{}", clusters, file_.record.first_cluster, how);
    }

    const Found& file_;
    const Volume& volume_;
    ClusterCounts counts_;
};

} // namespace

DeletedFile report_of(Found file, const Volume& volume, const Allocation& allocation)
{
    const Judge judge{file, volume, allocation};
    const auto& record = file.record;
    DeletedFile out;
    out.entry = entry_of(record, record.name);
    out.folder = file.is_folder_known ? file.folder : std::string{};
    out.confidence = judge.confidence();
    out.proof = judge.proof();
    if (record.is_directory()) {
        return out;
    }
    const auto name = fmt::format("deleted file at {}", format_offset(ByteOffset{record.at}));
    if (record.size == 0) {
        out.content = io::make_memory({}, name);
    } else if (judge.has_content()) {
        out.content = volume.content_of(std::move(file.chain), record.size, record.valid_size, &allocation, name);
    }
    return out;
}

} // namespace salvage::filesystem::fat
