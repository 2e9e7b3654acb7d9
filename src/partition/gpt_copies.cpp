// Copies of a GPT, in one file or several: which one to believe, and where they differ.
#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "names.hpp"
#include "reconcile.hpp"
#include "salvage/core/text.hpp"

namespace salvage::partition {
namespace {

bool is_damaged(const Table& table)
{
    return has_finding(table, "gpt-primary-damaged") || has_finding(table, "gpt-backup-damaged");
}

std::string entry_of(const Partition& partition)
{
    const auto found =
        std::ranges::find(partition.attributes, std::string{"gpt_entry"}, [](const auto& pair) { return pair.first; });
    return found != partition.attributes.end() ? found->second : std::string{};
}

const Partition* same_entry(const Table& table, const Partition& partition)
{
    const auto entry = entry_of(partition);
    const auto found =
        std::ranges::find_if(table.partitions, [&](const Partition& other) { return entry_of(other) == entry; });
    return found != table.partitions.end() ? &*found : nullptr;
}

bool is_backup(const Table& table) noexcept
{
    return table.kind == "gpt-backup";
}

/// "primary", or "primary of dump.img" where the tables are of several files.
std::string label_of(const Table& table, bool is_of_one_file)
{
    const auto* const copy = is_backup(table) ? "backup" : "primary";
    return is_of_one_file ? copy : fmt::format("{} of {}", copy, printable(table.path));
}

/// Compares the table that was taken with another one.
class Comparison {
public:
    Comparison(const Table& taken, const Table& other, Notes& notes)
        : taken_{&taken}, other_{&other}, label_{label_of(taken, taken.path == other.path)},
          other_label_{label_of(other, taken.path == other.path)}, notes_{&notes}
    {
    }

    void run()
    {
        if (is_of_another_disk()) {
            notes_->warn("gpt-of-another-disk",
                         fmt::format("The {} and the {} name no partition in common, so they are of different disks "
                                     "or logical units; the first was taken and the second left out.",
                                     label_, other_label_),
                         {.where = {.source = other_->path, .offset = {}, .partition = {}},
                          .words = {{"taken", taken_->path}, {"other", other_->path}}});
            return;
        }
        for (const auto& partition : taken_->partitions) {
            if (const auto* const twin = same_entry(*other_, partition)) {
                compare_entry(partition, *twin);
            } else {
                note_lonely(partition,
                            fmt::format("'{}' is only in the {}, which was taken.", printable(partition.name), label_));
            }
        }
        for (const auto& partition : other_->partitions) {
            if (same_entry(*taken_, partition) == nullptr) {
                note_lonely(partition, fmt::format("'{}' is not in the {}, which was taken, but in the {}.",
                                                   printable(partition.name), label_, other_label_));
            }
        }
        compare_device_size();
    }

private:
    [[nodiscard]] bool is_of_another_disk() const
    {
        return taken_->path != other_->path && std::ranges::none_of(taken_->partitions, [&](const Partition& mine) {
                   return std::ranges::any_of(other_->partitions, [&](const Partition& theirs) {
                       return is_same_partition(mine.name, theirs.name);
                   });
               });
    }

    void compare_entry(const Partition& mine, const Partition& theirs)
    {
        const bool is_same_place = mine.start == theirs.start && mine.size == theirs.size;
        if (mine.name == theirs.name && is_same_place && mine.attributes == theirs.attributes) {
            return;
        }
        notes_->warn("gpt-copies-differ",
                     fmt::format("GPT entry '{}' is not the same in the {} and in the {}; the former was taken.",
                                 printable(mine.name), label_, other_label_),
                     {.where = {.source = {}, .offset = {}, .partition = mine.name},
                      .numbers = {{"taken_start", mine.start.value},
                                  {"other_start", theirs.start.value},
                                  {"taken_size", mine.size.value},
                                  {"other_size", theirs.size.value}},
                      .words = words({{"taken_name", mine.name}, {"other_name", theirs.name}})});
    }

    void note_lonely(const Partition& partition, std::string text)
    {
        notes_->warn("gpt-copies-differ", std::move(text),
                     {.where = {.source = {}, .offset = {}, .partition = partition.name},
                      .numbers = {{"start", partition.start.value}, {"size", partition.size.value}},
                      .words = words({})});
    }

    void compare_device_size()
    {
        if (taken_->device_size && other_->device_size && taken_->device_size != other_->device_size) {
            notes_->warn("gpt-copies-differ",
                         fmt::format("The {} and the {} disagree on the size of the flash; the former was taken.",
                                     label_, other_label_),
                         {.numbers = {{"taken_device_size", taken_->device_size->value},
                                      {"other_device_size", other_->device_size->value}},
                          .words = words({})});
        }
    }

    [[nodiscard]] Words words(Words more) const
    {
        Words out{{"taken", label_}, {"other", other_label_}, {"why", why()}};
        std::ranges::move(more, std::back_inserter(out));
        return out;
    }

    [[nodiscard]] std::string why() const
    {
        if (is_damaged(*other_) && !is_damaged(*taken_)) {
            return "the other is damaged";
        }
        return is_backup(*other_) && !is_backup(*taken_) ? "a primary is what the phone reads first"
                                                         : "it was given first";
    }

    const Table* taken_;
    const Table* other_;
    std::string label_;
    std::string other_label_;
    Notes* notes_;
};

} // namespace

const Table* choose_gpt(const std::vector<Table>& tables, Notes& notes)
{
    std::vector<const Table*> known;
    for (const auto& table : tables) {
        if (family_of(table.kind) == "gpt" && !table.partitions.empty()) {
            known.push_back(&table);
        }
    }
    if (known.empty()) {
        return nullptr;
    }
    const auto rank = [](const Table* table) { return (is_damaged(*table) ? 2 : 0) + (is_backup(*table) ? 1 : 0); };
    const auto* const taken = *std::ranges::min_element(known, {}, rank); // of equals the first that was given
    bool has_damaged_primary = false;
    for (const auto* const other : known) {
        if (other != taken) {
            Comparison{*taken, *other, notes}.run();
            has_damaged_primary = has_damaged_primary || (!is_backup(*other) && is_damaged(*other));
        }
    }
    if (is_backup(*taken) && has_damaged_primary) {
        notes.warn("gpt-backup-used", "The primary GPT is damaged and the backup is whole; the backup was taken.");
    }
    return taken;
}

} // namespace salvage::partition
