// Joining tables partition by partition.  The first table that gives a value keeps it.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "names.hpp"
#include "reconcile.hpp"
#include "salvage/core/text.hpp"

namespace salvage::partition {
namespace {

// A scatter file's userdata is as large as the smallest flash it was made for; a real one differs by far more than
// this.
constexpr std::uint64_t placeholder_difference = 1ULL << 20U;

// These are in every scatter file and in no GPT: the boot region, and the tables themselves.
constexpr std::array outside_gpt{std::string_view{"preloader"},     std::string_view{"preloader2"},
                                 std::string_view{"preloader_ufs"}, std::string_view{"preloader_emmc"},
                                 std::string_view{"pgpt"},          std::string_view{"sgpt"},
                                 std::string_view{"mbr"},           std::string_view{"ebr1"},
                                 std::string_view{"ebr2"},          std::string_view{"pmt"}};

bool is_outside_gpt(std::string_view name)
{
    return std::ranges::find(outside_gpt, canonical_name(name)) != outside_gpt.end();
}

std::string_view why_taken(std::string_view family) noexcept
{
    if (family == "gpt") {
        return "the GPT is what the phone itself reads";
    }
    if (family == "pmt") {
        return "the PMT was written by the phone when it was flashed";
    }
    if (family == "mbr") {
        return "the MBR is what the phone's kernel reads";
    }
    return "it was given first";
}

bool is_extended(const Partition& partition)
{
    return std::ranges::find(partition.attributes, std::pair<std::string, std::string>{"rank", "extended"}) !=
           partition.attributes.end();
}

} // namespace

/// A scatter file of another phone or another firmware would strew partitions over this one: where fewer than half of
/// the names it shares with the GPT start at the same place, its own names are left out.
bool Merger::is_of_another_phone(const Table& table)
{
    if (!has_gpt_ || family_of(table.kind) != "scatter") {
        return false;
    }
    std::size_t shared = 0;
    std::size_t equal = 0;
    for (const auto& partition : table.partitions) {
        const auto* const index = partition.is_start_known ? find_named(partition) : nullptr;
        if (index != nullptr && members_[*index].is_in_gpt) {
            ++shared;
            equal += members_[*index].partition.start == partition.start ? 1U : 0U;
        }
    }
    if (equal * 2 >= std::max<std::size_t>(shared, 1)) {
        return false;
    }
    notes_->warn("scatter-of-another-phone",
                 fmt::format("This scatter file does not fit the GPT: of {} names in both, {} start at the same place. "
                             "What only the scatter file names was left out.",
                             shared, equal),
                 {.where = {.source = table.path, .offset = {}, .partition = {}},
                  .numbers = {{"shared_names", shared}, {"equal_starts", equal}}});
    return true;
}

void Merger::add(const Table& table)
{
    const auto family = family_of(table.kind);
    const bool takes_new = table.kind != "fstab" && !is_of_another_phone(table); // fstab names devices, not places
    has_gpt_ = has_gpt_ || family == "gpt";
    has_scatter_ = has_scatter_ || family == "scatter";
    for (const auto& partition : table.partitions) {
        if (family == "mbr" || family == "carved") {
            add_nameless(partition, table);
        } else {
            add_named(partition, table, takes_new);
        }
    }
    has_names_ =
        has_names_ || (family != "mbr" && family != "carved" && family != "fstab" && !table.partitions.empty());
}

std::size_t* Merger::find_named(const Partition& partition)
{
    const auto exact = by_exact_name_.find(partition.region + '/' + lowered(partition.name));
    if (exact != by_exact_name_.end()) {
        return &exact->second;
    }
    const auto canonical = by_canonical_name_.find(partition.region + '/' + canonical_name(partition.name));
    return canonical != by_canonical_name_.end() ? &canonical->second : nullptr;
}

void Merger::add_named(const Partition& partition, const Table& table, bool takes_new)
{
    const auto* const index = find_named(partition);
    const bool is_second_of_its_table = index != nullptr && members_[*index].partition.source == table.kind &&
                                        members_[*index].start_source == table.kind + '\n' + table.path;
    if (index != nullptr && !is_second_of_its_table) {
        join(members_[*index], partition, table);
    } else if (takes_new) {
        add_new(partition, table);
    }
}

/// An MBR gives places without names: what starts there is meant.
void Merger::add_nameless(const Partition& partition, const Table& table)
{
    if (is_extended(partition)) {
        return; // the box around the logical partitions, no partition itself
    }
    const auto found = partition.is_start_known ? by_start_.find(partition.start.value) : by_start_.end();
    if (found != by_start_.end()) {
        join(members_[found->second], partition, table);
        return;
    }
    if (has_names_ && table.kind == "mbr") {
        notes_->note("only-in-mbr", fmt::format("Nothing of a name starts where {} of the MBR does.", partition.name),
                     {.where = {.source = table.path, .offset = {}, .partition = partition.name},
                      .numbers = {{"start", partition.start.value}}});
    }
    add_new(partition, table);
}

void Merger::add_new(const Partition& partition, const Table& table)
{
    const auto index = members_.size();
    const auto family = family_of(table.kind);
    Member member{.partition = partition, .size_source = {}, .start_source = {}};
    member.size_source = partition.is_size_known ? table.kind : std::string{};
    member.start_source = table.kind + '\n' + table.path;
    member.is_in_gpt = family == "gpt";
    member.is_in_scatter = family == "scatter";
    member.is_in_mbr = family == "mbr";
    members_.push_back(std::move(member));
    by_exact_name_.try_emplace(partition.region + '/' + lowered(partition.name), index);
    by_canonical_name_.try_emplace(partition.region + '/' + canonical_name(partition.name), index);
    if (partition.is_start_known && partition.region == "user") {
        by_start_.try_emplace(partition.start.value, index);
    }
}

void Merger::join(Member& member, const Partition& partition, const Table& table)
{
    const auto family = family_of(table.kind);
    member.is_in_scatter = member.is_in_scatter || family == "scatter";
    member.is_in_mbr = member.is_in_mbr || family == "mbr";
    auto& mine = member.partition;
    join_start(member, partition, table);
    join_size(member, partition, table);
    mine.filesystem = mine.filesystem.empty() ? partition.filesystem : mine.filesystem;
    mine.is_reserved = mine.is_reserved || partition.is_reserved;
    for (const auto& attribute : partition.attributes) {
        const bool is_known =
            std::ranges::any_of(mine.attributes, [&](const auto& known) { return known.first == attribute.first; });
        if (!is_known) {
            mine.attributes.push_back(attribute);
        }
    }
}

void Merger::join_start(Member& member, const Partition& partition, const Table& table)
{
    auto& mine = member.partition;
    if (!partition.is_start_known) {
        return;
    }
    if (!mine.is_start_known) {
        mine.start = partition.start;
        mine.is_start_known = true;
        return;
    }
    if (mine.start == partition.start) {
        return;
    }
    const auto taken = family_of(mine.source);
    const auto other = family_of(table.kind);
    notes_->warn(fmt::format("{}-{}-start-differs", other, taken),
                 fmt::format("'{}' starts at {} in the {} and at {} in the {}; the {} was taken.", printable(mine.name),
                             format_offset(mine.start), taken, format_offset(partition.start), other, taken),
                 {.where = {.source = table.path, .offset = {}, .partition = mine.name},
                  .numbers = {{fmt::format("{}_start", other), partition.start.value},
                              {fmt::format("{}_start", taken), mine.start.value}},
                  .words = {{"taken", std::string{taken}}, {"why", std::string{why_taken(taken)}}}});
}

void Merger::join_size(Member& member, const Partition& partition, const Table& table)
{
    auto& mine = member.partition;
    if (!partition.is_size_known) {
        return;
    }
    if (!mine.is_size_known) {
        mine.size = partition.size;
        mine.is_size_known = true;
        member.size_source = table.kind;
        mine.attributes.emplace_back("size_from", table.kind);
        return;
    }
    if (mine.size == partition.size) {
        return;
    }
    report_size(member, partition, table);
    // On the phone itself stands what its kernel reads: an MBR beats a scatter file.
    if (table.kind == "mbr" && family_of(member.size_source) == "scatter") {
        mine.size = partition.size;
        member.size_source = table.kind;
    }
}

void Merger::report_size(const Member& member, const Partition& partition, const Table& table)
{
    const auto& mine = member.partition;
    const bool mbr_wins = table.kind == "mbr" && family_of(member.size_source) == "scatter";
    const auto kept = family_of(member.size_source);
    const auto other = family_of(table.kind);
    const auto taken = mbr_wins ? other : kept;
    const auto difference = std::max(partition.size, mine.size) - std::min(partition.size, mine.size);
    const bool is_placeholder = other == "scatter" && kept != "scatter" && mine.role == Role::user_data &&
                                difference.value > placeholder_difference;
    const NoteDetails details{.where = {.source = table.path, .offset = {}, .partition = mine.name},
                              .numbers = {{fmt::format("{}_size", other), partition.size.value},
                                          {fmt::format("{}_size", kept), mine.size.value}},
                              .words = {{"taken", std::string{taken}}, {"why", std::string{why_taken(taken)}}}};
    if (is_placeholder) {
        notes_->warn("scatter-userdata-placeholder",
                     fmt::format("The scatter file gives '{}' {}, which is a placeholder: it is {} on this phone.",
                                 printable(mine.name), format_size_exact(partition.size), format_size_exact(mine.size)),
                     details);
        return;
    }
    notes_->warn(fmt::format("{}-{}-size-differs", other, kept),
                 fmt::format("'{}' is {} in the {} and {} in the {}; the {} was taken.", printable(mine.name),
                             format_size_exact(mine.size), kept, format_size_exact(partition.size), other, taken),
                 details);
}

void Merger::note_lonely()
{
    for (const auto& member : members_) {
        const auto& partition = member.partition;
        const FindingPlace where{.source = {}, .offset = {}, .partition = partition.name};
        const Numbers numbers{{"start", partition.start.value}, {"size", partition.size.value}};
        if (has_gpt_ && has_scatter_ && member.is_in_scatter && !member.is_in_gpt) {
            const bool is_expected = is_outside_gpt(partition.name) || partition.region != "user";
            notes_->add(is_expected ? Severity::note : Severity::warning, "only-in-scatter",
                        fmt::format("'{}' is in the scatter file and not in the GPT{}.", printable(partition.name),
                                    is_expected ? ", as it should be" : ""),
                        {.where = where, .numbers = numbers});
        }
        if (has_gpt_ && has_scatter_ && member.is_in_gpt && !member.is_in_scatter) {
            notes_->warn("only-in-gpt",
                         fmt::format("'{}' is in the GPT and not in the scatter file.", printable(partition.name)),
                         {.where = where, .numbers = numbers});
        }
    }
}

/// Each table is sound alone; the start of one and the size of another need not fit together.
void Merger::refuse_overflow(Member& member)
{
    auto& partition = member.partition;
    if (checked_add(partition.start.value, partition.size.value)) {
        return;
    }
    notes_->warn("overflow",
                 fmt::format("'{}' would end past 2^64 bytes: its start is from one table and its size from another; "
                             "the size was dropped.",
                             printable(partition.name)),
                 {.where = {.source = {}, .offset = {}, .partition = partition.name},
                  .numbers = {{"start", partition.start.value}, {"size", partition.size.value}},
                  .words = {{"size_from", member.size_source}}});
    partition.is_size_known = false;
    partition.size = {};
    member.size_source.clear();
    std::erase_if(partition.attributes, [](const auto& pair) { return pair.first == "size_from"; });
}

std::vector<Partition> Merger::take()
{
    std::vector<Partition> out;
    for (auto& member : members_) {
        refuse_overflow(member);
        if (!member.size_source.empty() && member.size_source != member.partition.source) {
            const auto size_from = std::ranges::find(member.partition.attributes, std::string{"size_from"},
                                                     [](const auto& pair) { return pair.first; });
            if (size_from == member.partition.attributes.end()) {
                member.partition.attributes.emplace_back("size_from", member.size_source);
            }
        }
        out.push_back(std::move(member.partition));
    }
    return out;
}

} // namespace salvage::partition
