// Places that a table cannot tell alone: which storage it means, what counts from the end, where an EBR stood.
#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "names.hpp"
#include "reconcile.hpp"
#include "salvage/core/text.hpp"
#include "text_lines.hpp"

namespace salvage::partition {
namespace {

std::optional<std::string_view> attribute(const Partition& partition, std::string_view key)
{
    const auto found =
        std::ranges::find(partition.attributes, key, [](const auto& pair) -> std::string_view { return pair.first; });
    return found != partition.attributes.end() ? std::optional<std::string_view>{found->second} : std::nullopt;
}

struct Choice {
    std::string storage;
    std::string why;
};

std::vector<std::string> storages_of(const Table& table)
{
    std::vector<std::string> out;
    for (const auto& partition : table.partitions) {
        const std::string storage{attribute(partition, "storage_type").value_or(std::string_view{})};
        if (std::ranges::find(out, storage) == out.end()) {
            out.push_back(storage);
        }
    }
    return out;
}

/// GPT sectors are 512 bytes on eMMC and 4096 on UFS; then the file's own word; then its first section, as SP Flash
/// Tool does.
Choice choose_storage(const Table& table, const std::vector<std::string>& storages, const Flash& flash)
{
    const auto has = [&](std::string_view name) { return std::ranges::find(storages, name) != storages.end(); };
    if (flash.sector_size) {
        const std::string by_sector{*flash.sector_size == sector_4096() ? "UFS" : "EMMC"};
        if (has(by_sector)) {
            return {.storage = by_sector,
                    .why = fmt::format("the GPT has {}-byte sectors", flash.sector_size->bytes())};
        }
    }
    if (!table.storage.empty() && has(table.storage)) {
        return {.storage = table.storage, .why = "the file's general block names it"};
    }
    return {.storage = storages.front(), .why = "it stands first in the file, and SP Flash Tool takes the first"};
}

void note_other_storages(const Table& table, const std::vector<std::string>& storages, const Choice& choice,
                         Notes& notes)
{
    for (const auto& other : storages) {
        if (other != choice.storage) {
            notes.note("scatter-other-storage",
                       fmt::format("The scatter file describes {} too; {} was taken: {}.", printable(other),
                                   printable(choice.storage), choice.why),
                       {.where = {.source = table.path, .offset = {}, .partition = {}},
                        .words = {{"taken", choice.storage}, {"other", other}, {"why", choice.why}}});
        }
    }
}

/// On UFS the user area is LUN 2; a dump of it counts from that LUN's start.
void rename_user_lun(Table& table, Notes& notes)
{
    constexpr std::string_view user_lun{"lu2"};
    bool is_renamed = false;
    for (auto& partition : table.partitions) {
        if (partition.region == user_lun) {
            partition.region = "user";
            is_renamed = true;
        }
    }
    if (is_renamed) {
        notes.note("ufs-user-is-lu2",
                   "This phone has UFS: what the scatter file puts into UFS_LU2 is the user area of the dump.",
                   {.where = {.source = table.path, .offset = {}, .partition = {}}});
    }
}

bool is_address_consistent(std::uint64_t address, std::uint64_t from_end) noexcept
{
    const auto units = address - 0xFFFF0000;
    // block_size of eMMC, UFS, TLC NAND
    constexpr std::array sizes{std::uint64_t{0x20000}, std::uint64_t{0x80000}, std::uint64_t{0x200000}};
    return std::ranges::any_of(sizes, [&](std::uint64_t unit) { return from_end / unit == units; });
}

void place_one_reserved(const Table& table, Partition& partition, std::uint64_t from_end, const Flash& flash,
                        Notes& notes)
{
    const FindingPlace where{.source = table.path, .offset = {}, .partition = partition.name};
    const auto address = parse_address(attribute(partition, "address_from_end").value_or(std::string_view{}));
    if (address && !is_address_consistent(*address, from_end)) {
        notes.note("reserved-address-differs",
                   fmt::format(
                       "'{}' has the address {:#x}, which does not fit the sizes of the reserved partitions behind it.",
                       printable(partition.name), *address),
                   {.where = where, .numbers = {{"address", *address}, {"from_end", from_end}}});
    }
    if (!flash.size || from_end > *flash.size) {
        notes.note("reserved-start-unknown",
                   fmt::format("'{}' is counted from the end of the flash, whose size is not known here.",
                               printable(partition.name)),
                   {.where = where, .numbers = {{"from_end", from_end}}});
        return;
    }
    partition.start = ByteOffset{*flash.size - from_end};
    partition.is_start_known = true;
    notes.note("reserved-start-computed",
               fmt::format("'{}' is counted from the end of the flash: it starts at {}.", printable(partition.name),
                           format_offset(partition.start)),
               {.where = where,
                .numbers = {{"start", partition.start.value}, {"from_end", from_end}, {"flash_size", *flash.size}}});
}

/// `name 0xFFFF0080` without a size tells the start only to a unit of 128 KiB.
std::optional<std::uint64_t> rounded_from_end(const Partition& partition)
{
    const auto address = parse_address(attribute(partition, "address_from_end").value_or(std::string_view{}));
    return address ? std::optional{(*address - 0xFFFF0000) * 0x20000} : std::nullopt;
}

void note_rounded(const Table& table, const Partition& partition, Notes& notes)
{
    const auto from_end = rounded_from_end(partition);
    notes.note("reserved-start-unknown",
               fmt::format("'{}' is counted from the end of the flash in units of 128 KiB, and its size is not given: "
                           "its exact start is not known.",
                           printable(partition.name)),
               {.where = {.source = table.path, .offset = {}, .partition = partition.name},
                .numbers = {{"from_end_at_least", from_end.value_or(0)}}});
}

std::optional<std::uint64_t> place_of_ebr(const std::vector<Table>& tables, std::string_view name)
{
    for (const auto& table : tables) {
        for (const auto& partition : table.partitions) {
            if (partition.is_start_known && partition.region == "user" && is_same_partition(partition.name, name)) {
                return partition.start.value;
            }
        }
    }
    return std::nullopt;
}

/// The EBR of a table that is one alone: "EBR1".
std::optional<std::string> lone_ebr(const Table& table)
{
    const auto name = table.partitions.empty() ? std::nullopt : attribute(table.partitions.front(), "relative_to");
    return name ? std::optional{std::string{*name}} : std::nullopt;
}

/// The first EBR stands where the MBR's extended partition begins, the second where the first one's does.
std::optional<std::uint64_t> place_of_extended(const std::vector<Table>& tables, std::string_view ebr)
{
    const bool is_first = ebr == "EBR1" || ebr == "EBR";
    const auto holder = is_first ? std::nullopt : std::optional{std::string{"EBR1"}};
    if (!is_first && ebr != "EBR2") {
        return std::nullopt;
    }
    for (const auto& table : tables) {
        for (const auto& partition : table.partitions) {
            if (table.kind == "mbr" && lone_ebr(table) == holder && partition.is_start_known &&
                attribute(partition, "rank") == std::optional<std::string_view>{"extended"}) {
                return partition.start.value;
            }
        }
    }
    return std::nullopt;
}

void move_by(Partition& partition, std::uint64_t base)
{
    partition.start = ByteOffset{checked_add(partition.start.value, base).value_or(0)};
    partition.is_start_known = true;
    if (!checked_add(partition.start.value, partition.size.value)) {
        partition.is_size_known = false;
        partition.size = {};
    }
}

void place_lone_ebr(Table& table, const std::string& ebr, const std::vector<Table>& tables, Notes& notes)
{
    const auto named = place_of_ebr(tables, ebr);
    const auto base = named ? named : place_of_extended(tables, ebr);
    if (!base) {
        notes.warn("ebr-place-unknown",
                   fmt::format("Where {} stood is not known: give the MBR or the scatter file of the same phone.", ebr),
                   {.where = {.source = table.path, .offset = {}, .partition = {}}});
        return;
    }
    for (auto& partition : table.partitions) {
        move_by(partition, *base);
    }
    notes.note("ebr-place",
               fmt::format("{} stood at {}, as {} says.", ebr, format_offset(ByteOffset{*base}),
                           named ? "a table with names" : "the chain from the MBR"),
               {.where = {.source = table.path, .offset = {}, .partition = {}}, .numbers = {{"ebr_start", *base}}});
}

} // namespace

Table with_one_storage(Table table, const Flash& flash, Notes& notes)
{
    const auto storages = storages_of(table);
    auto storage = table.storage;
    if (storages.size() > 1) {
        const auto choice = choose_storage(table, storages, flash);
        note_other_storages(table, storages, choice, notes);
        std::erase_if(table.partitions, [&](const Partition& partition) {
            return attribute(partition, "storage_type").value_or(std::string_view{}) != choice.storage;
        });
        storage = choice.storage;
    } else if (storages.size() == 1 && !storages.front().empty()) {
        storage = storages.front();
    }
    if (flash.has_user_area && storage.ends_with("UFS")) {
        rename_user_lun(table, notes);
    }
    return table;
}

void place_reserved(Table& table, const Flash& flash, Notes& notes)
{
    std::map<std::string, std::uint64_t> sums;
    for (auto partition = table.partitions.rbegin(); partition != table.partitions.rend(); ++partition) {
        if (!partition->is_reserved) {
            continue;
        }
        auto& sum = sums[partition->region];
        sum = checked_add(sum, partition->size.value).value_or(~std::uint64_t{0});
        if (partition->is_start_known || partition->region != "user") {
            continue;
        }
        if (partition->is_size_known) {
            place_one_reserved(table, *partition, sum, flash, notes);
        } else {
            note_rounded(table, *partition, notes);
        }
    }
}

void place_lone_ebrs(std::vector<Table>& tables, Notes& notes)
{
    // In the order of the chain: EBR1 tells where EBR2 stood.
    std::map<std::string, std::vector<Table*>> chain;
    for (auto& table : tables) {
        if (const auto ebr = lone_ebr(table)) {
            chain[*ebr].push_back(&table);
        }
    }
    for (const auto& [ebr, members] : chain) {
        for (auto* const table : members) {
            place_lone_ebr(*table, ebr, tables, notes);
        }
    }
}

} // namespace salvage::partition
