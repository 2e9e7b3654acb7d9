// Ends that no table knows, and what does not fit: overlaps, gaps, partitions past the end.
#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "reconcile.hpp"
#include "salvage/core/text.hpp"

namespace salvage::partition {
namespace {

constexpr std::string_view user_region{"user"};
// 128 entries of 128 bytes stand before the backup header in the last sector.
constexpr std::uint64_t gpt_entry_area = 16384;

bool is_placed(const Partition& partition) noexcept
{
    return partition.is_start_known && partition.region == user_region;
}

std::uint64_t end_of(const Partition& partition) noexcept
{
    return checked_add(partition.start.value, partition.size.value).value_or(~std::uint64_t{0});
}

/// How far the partition that grows may reach.
struct Room {
    std::optional<std::uint64_t> end;  ///< the first reserved one behind it, or the end of the flash
    std::optional<std::uint64_t> hard; ///< of these, what follows from the size of the flash alone
};

bool is_behind_all(const Partition& partition) noexcept
{
    return partition.is_reserved || partition.role == Role::reserved || partition.name == "sgpt";
}

bool is_counted_from_end(const Partition& partition)
{
    return std::ranges::any_of(partition.attributes, [](const auto& pair) { return pair.first == "address_from_end"; });
}

Room room_of(const std::vector<Partition>& partitions, const Partition& grower, const Flash& flash)
{
    Room room{.end = flash.size, .hard = flash.size};
    if (flash.size && family_of(grower.source) == "gpt") {
        const auto backup = gpt_entry_area + flash.sector_size.value_or(sector_512()).bytes();
        room.hard = *flash.size - std::min(*flash.size, backup);
        room.end = room.hard;
    }
    for (const auto& partition : partitions) {
        if (is_placed(partition) && is_behind_all(partition) && partition.start > grower.start) {
            const auto start = partition.start.value;
            room.end = std::min(room.end.value_or(start), start);
            room.hard = is_counted_from_end(partition) ? std::min(room.hard.value_or(start), start) : room.hard;
        }
    }
    room.end = room.end && *room.end > grower.start.value ? room.end : std::nullopt;
    return room;
}

/// Of the partitions of the user area that are not reserved, the last: it grows when a phone is flashed (ptgen:
/// PMT_END_NAME).
Partition* find_grower(std::vector<Partition>& partitions)
{
    Partition* last = nullptr;
    for (auto& partition : partitions) {
        if (is_placed(partition) && !is_behind_all(partition) && partition.source != "carved" &&
            (last == nullptr || partition.start >= last->start)) {
            last = &partition;
        }
    }
    return last;
}

bool is_size_from_device(const Partition& partition)
{
    const auto found =
        std::ranges::find(partition.attributes, std::string{"size_from"}, [](const auto& pair) { return pair.first; });
    const auto kind = family_of(found != partition.attributes.end() ? std::string_view{found->second}
                                                                    : std::string_view{partition.source});
    return kind == "gpt" || kind == "pmt";
}

void take_size(Partition& partition, std::uint64_t size)
{
    partition.size = ByteCount{size};
    partition.is_size_known = true;
    std::erase_if(partition.attributes, [](const auto& pair) { return pair.first == "size_from"; });
    partition.attributes.emplace_back("size_from", "computed end");
}

/// In OTA scatter files reserved partitions have rounded starts only, so the end is known to 128 KiB at best.
bool has_rounded_reserved(const std::vector<Partition>& partitions)
{
    return std::ranges::any_of(partitions, [](const Partition& partition) {
        return partition.is_reserved && !partition.is_start_known && partition.region == user_region;
    });
}

void note_unchecked(const Partition& grower, Notes& notes)
{
    if (grower.role == Role::user_data) {
        notes.note(
            "userdata-size-unchecked",
            grower.is_size_known
                ? fmt::format("The size of '{}' cannot be checked: in scatter files it is often a placeholder. "
                              "The GPT or the whole dump tells it.",
                              printable(grower.name))
                : fmt::format("No table gives the size of '{}'; the whole dump, or the phone's own GPT, tells it.",
                              printable(grower.name)),
            {.where = {.source = {}, .offset = {}, .partition = grower.name},
             .numbers = {{"size", grower.size.value}}});
    }
}

/// Reports how the size that a table gives differs from what lies between start and end; false where it stays.
bool judge_size(const Partition& grower, std::uint64_t computed, const Room& room, Notes& notes)
{
    constexpr std::uint64_t placeholder_difference = 1ULL << 20U; // less is a slip of some sectors
    const auto size = grower.size.value;
    const NoteDetails details{
        .where = {.source = {}, .offset = {}, .partition = grower.name},
        .numbers = {{"scatter_size", size}, {"computed_size", computed}},
        .words = {{"taken", "computed end"},
                  {"why", "the last partition reaches to the first reserved one, or to the end of the flash"}}};
    const auto both = fmt::format("'{}' is given {}, but {} lie between its start and the end", printable(grower.name),
                                  format_size_exact(grower.size), format_size_exact(ByteCount{computed}));
    if (!grower.is_size_known) {
        notes.note("size-computed",
                   fmt::format("No table gives the size of '{}'; it reaches to the end, {} in all.",
                               printable(grower.name), format_size_exact(ByteCount{computed})),
                   details);
    } else if (size > computed) {
        // A reserved partition with a stated address may be what is wrong (Philips E289: sgpt); the overlap is
        // reported.
        const bool is_impossible = room.hard && grower.start.value + size > *room.hard;
        const bool is_placeholder = grower.role == Role::user_data && family_of(grower.source) == "scatter";
        if (is_impossible) {
            notes.warn(is_placeholder ? "scatter-userdata-placeholder" : "past-end", both + "; the latter was taken.",
                       details);
        }
        return is_impossible;
    } else if (computed - size > placeholder_difference) {
        notes.warn("scatter-userdata-placeholder", both + ": the former is a placeholder, the latter was taken.",
                   details);
    } else if (size < computed) {
        notes.warn("scatter-computed-size-differs", both + "; the latter was taken.", details);
    }
    return size != computed;
}

void grow(std::vector<Partition>& partitions, const Flash& flash, Notes& notes)
{
    auto* const grower = find_grower(partitions);
    if (grower == nullptr || (grower->is_size_known && is_size_from_device(*grower))) {
        return;
    }
    if (grower->is_size_known && family_of(grower->source) == "mbr") {
        return; // an MBR says "to the end" where it means it
    }
    const auto room = room_of(partitions, *grower, flash);
    if (!room.end) {
        note_unchecked(*grower, notes);
        return;
    }
    const auto computed = *room.end - grower->start.value;
    if (!judge_size(*grower, computed, room, notes)) {
        return;
    }
    take_size(*grower, computed);
    if (has_rounded_reserved(partitions)) {
        notes.warn("computed-end-rounded",
                   fmt::format("Reserved partitions behind '{}' have no exact place: its true end is somewhat before "
                               "the one given here.",
                               printable(grower->name)),
                   {.where = {.source = {}, .offset = {}, .partition = grower->name}});
    }
}

void fill_from_next_start(std::vector<Partition>& partitions)
{
    std::vector<std::uint64_t> starts;
    for (const auto& partition : partitions) {
        if (is_placed(partition)) {
            starts.push_back(partition.start.value);
        }
    }
    std::ranges::sort(starts);
    for (auto& partition : partitions) {
        const auto next = std::ranges::upper_bound(starts, partition.start.value);
        // A GPT entry without a size is broken or a template's last one, and neither reaches to its neighbour.
        const bool is_told_by_start =
            family_of(partition.source) != "gpt" && partition.source != "carved" && !partition.is_reserved;
        if (is_placed(partition) && !partition.is_size_known && is_told_by_start && next != starts.end()) {
            take_size(partition, *next - partition.start.value);
        }
    }
}

/// By region and start, what has no start behind its region; equals stay in their order.
void sort_by_place(std::vector<Partition>& partitions)
{
    std::vector<std::size_t> order(partitions.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto key = [&](std::size_t index) {
        const auto& partition = partitions[index];
        return std::tuple{std::string_view{partition.region}, !partition.is_start_known, partition.start, index};
    };
    std::ranges::sort(order, {}, key);
    std::vector<Partition> sorted;
    sorted.reserve(partitions.size());
    for (const auto index : order) {
        sorted.push_back(std::move(partitions[index]));
    }
    partitions = std::move(sorted);
}

void note_overlaps(const std::vector<Partition>& partitions, Notes& notes)
{
    const Partition* furthest = nullptr;
    for (const auto& partition : partitions) {
        if (!partition.is_start_known || !partition.is_size_known || partition.size.value == 0) {
            continue;
        }
        if (furthest != nullptr && furthest->region == partition.region && partition.start.value < end_of(*furthest)) {
            notes.warn("overlap",
                       fmt::format("'{}' begins inside '{}'.", printable(partition.name), printable(furthest->name)),
                       {.where = {.source = {}, .offset = partition.start, .partition = partition.name},
                        .numbers = {{"start", partition.start.value}, {"end_of_other", end_of(*furthest)}},
                        .words = {{"other", furthest->name}}});
        }
        if (furthest == nullptr || furthest->region != partition.region || end_of(partition) > end_of(*furthest)) {
            furthest = &partition;
        }
    }
}

void note_gaps(const std::vector<Partition>& partitions, Notes& notes)
{
    std::uint64_t count = 0;
    std::uint64_t total = 0;
    ByteRange largest;
    std::uint64_t covered = 0;
    for (const auto& partition : partitions) {
        if (!is_placed(partition) || !partition.is_size_known || partition.source == "carved") {
            continue;
        }
        // The first partition begins behind the table, which is in no table itself.
        if (partition.start.value > covered && covered != 0) {
            const auto gap = ByteRange::between(ByteOffset{covered}, partition.start);
            ++count;
            total += gap.size().value;
            largest = gap.size() > largest.size() ? gap : largest;
        }
        covered = std::max(covered, end_of(partition));
    }
    if (count > 0) {
        notes.note("gap",
                   fmt::format("{} place{} between partitions belong{} to none, {} in all.", count,
                               count == 1 ? "" : "s", count == 1 ? "s" : "", format_size(ByteCount{total})),
                   {.numbers = {{"gaps", count},
                                {"total", total},
                                {"largest_start", largest.start().value},
                                {"largest_size", largest.size().value}}});
    }
}

void note_past_end(const std::vector<Partition>& partitions, std::uint64_t limit, std::string_view what, Notes& notes)
{
    for (const auto& partition : partitions) {
        if (is_placed(partition) && end_of(partition) > limit) {
            notes.warn("past-end",
                       fmt::format("'{}' ends at {}, past the end of the {}, {}.", printable(partition.name),
                                   format_offset(ByteOffset{end_of(partition)}), what,
                                   format_offset(ByteOffset{limit})),
                       {.where = {.source = {}, .offset = partition.start, .partition = partition.name},
                        .numbers = {{"start", partition.start.value}, {"end", end_of(partition)}, {"limit", limit}},
                        .words = {{"limit_of", std::string{what}}}});
        }
    }
}

} // namespace

void compute_ends(std::vector<Partition>& partitions, const Flash& flash, Notes& notes)
{
    fill_from_next_start(partitions);
    grow(partitions, flash, notes);
}

void check_geometry(std::vector<Partition>& partitions, std::optional<ByteCount> device_size,
                    std::optional<ByteCount> dump_size, Notes& notes)
{
    sort_by_place(partitions);
    note_overlaps(partitions, notes);
    note_gaps(partitions, notes);
    if (device_size) {
        note_past_end(partitions, device_size->value, "flash", notes);
    }
    if (dump_size && (!device_size || *dump_size < *device_size)) {
        note_past_end(partitions, dump_size->value, "dump", notes);
    }
}

} // namespace salvage::partition
