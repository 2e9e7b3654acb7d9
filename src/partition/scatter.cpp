// Scatter blocks to partitions.  The traps are those of docs/formats/scatter.md: linear and physical addresses, starts
// counted from the end of the flash, sizes that are missing or mere placeholders.
#include "scatter.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include "names.hpp"
#include "salvage/core/text.hpp"
#include "text_lines.hpp"

namespace salvage::partition {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// Scatter files V1.1.1 to V2.1.0; both spellings with and without the inner underscore are seen (SN12TP1B, MT8163).
constexpr std::array regions{
    Pair{"emmc_boot1", "boot1"},
    Pair{"emmc_boot1_boot2", "boot1"},
    Pair{"emmc_boot2", "boot2"},
    Pair{"emmc_boot_1", "boot1"},
    Pair{"emmc_boot_1_boot_2", "boot1"},
    Pair{"emmc_boot_2", "boot2"},
    Pair{"emmc_gp_1", "gp1"},
    Pair{"emmc_gp_2", "gp2"},
    Pair{"emmc_gp_3", "gp3"},
    Pair{"emmc_gp_4", "gp4"},
    Pair{"emmc_rpmb", "rpmb"},
    Pair{"emmc_user", "user"},
    Pair{"none", "user"},
    Pair{"ufs_lu0", "lu0"},
    Pair{"ufs_lu0_lu1", "lu0"},
    Pair{"ufs_lu1", "lu1"},
    Pair{"ufs_lu2", "lu2"},
};
static_assert(std::ranges::is_sorted(regions));

// What the tool's `type` key says of the content; on eMMC, YAFFS_IMG stands before ext4 images as well, so it says
// nothing.
std::string filesystem_of(std::string_view type)
{
    constexpr std::array types{Pair{"EXT4_IMG", "ext4"}, Pair{"F2FS_IMG", "f2fs"}, Pair{"UBI_IMG", "ubifs"}};
    const auto* const found = std::ranges::find(types, type, &Pair::first);
    return std::string{found != types.end() ? found->second : std::string_view{}};
}

std::optional<std::string_view> value_in(const std::vector<std::pair<std::string, std::string>>& keys,
                                         std::string_view key) noexcept
{
    const auto found = std::ranges::find(keys, key, [](const auto& pair) -> std::string_view { return pair.first; });
    return found != keys.end() ? std::optional<std::string_view>{found->second} : std::nullopt;
}

/// A block with its numbers read.
struct Placed {
    const ScatterBlock* block{};
    Partition partition;
    std::optional<std::uint64_t> linear;
    std::optional<std::uint64_t> physical;
};

class ScatterTable {
public:
    ScatterTable(const ScatterFile& file, std::string_view path, Notes& notes)
        : file_{&file}, notes_{&notes}, table_{make_table(file.kind, path)}
    {
    }

    Table take()
    {
        const auto version = file_->general_value("config_version");
        table_.dialect = file_->dialect.empty() ? std::string{version} : file_->dialect;
        table_.platform = file_->general_value("platform");
        table_.storage = file_->general_value("storage");
        read_blocks();
        for (const auto& section : sections()) {
            place_section(section);
        }
        note_sections();
        note_duplicates();
        for (auto& placed : placed_) {
            table_.partitions.push_back(std::move(placed.partition));
        }
        return std::move(table_);
    }

private:
    void read_blocks()
    {
        for (const auto& block : file_->blocks) {
            Placed placed{.block = &block, .partition = {}, .linear = {}, .physical = {}};
            const auto name = block.value("partition_name").value_or(std::string_view{});
            placed.partition =
                make_partition(name.empty() ? unnamed(placed_.size() + 1) : std::string{name}, file_->kind);
            if (name.empty()) {
                notes_->warn("scatter-name-missing",
                             fmt::format("The block in line {} has no partition_name; it is called '{}' here.",
                                         block.line, placed.partition.name),
                             {.where = where(placed)});
            }
            placed.linear = number(placed, "linear_start_addr");
            placed.physical = number(placed, "physical_start_addr");
            const auto region = block.value("region").value_or(std::string_view{});
            placed.partition.region = region_of(region.empty() ? "EMMC_USER" : region); // old forms have no such key
            placed.partition.filesystem = filesystem_of(block.value("type").value_or(std::string_view{}));
            placed.partition.attributes = attributes_of(block);
            const auto size = number(placed, "partition_size");
            placed.partition.is_size_known = size.value_or(0) != 0;
            placed.partition.size = ByteCount{size.value_or(0)};
            placed_.push_back(std::move(placed));
        }
    }

    static std::vector<std::pair<std::string, std::string>> attributes_of(const ScatterBlock& block)
    {
        std::vector<std::pair<std::string, std::string>> out;
        if (!block.section.empty()) {
            out.emplace_back("storage_type", block.section);
        }
        std::ranges::copy_if(block.keys, std::back_inserter(out),
                             [](const auto& pair) { return pair.first != "partition_name"; });
        return out;
    }

    std::optional<std::uint64_t> number(const Placed& placed, std::string_view key)
    {
        const auto text = placed.block->value(key);
        const auto value = text ? parse_address(*text) : std::nullopt;
        if (text && !value) {
            notes_->warn("scatter-bad-number",
                         fmt::format("'{}' of '{}' is no number: '{}'.", key, printable(placed.partition.name),
                                     printable(*text)),
                         {.where = where(placed), .words = {{"key", std::string{key}}, {"text", std::string{*text}}}});
        }
        return value;
    }

    [[nodiscard]] std::vector<std::string> sections() const
    {
        std::vector<std::string> out;
        for (const auto& placed : placed_) {
            if (std::ranges::find(out, placed.block->section) == out.end()) {
                out.push_back(placed.block->section);
            }
        }
        return out;
    }

    void place_section(const std::string& section)
    {
        std::vector<Placed*> members;
        for (auto& placed : placed_) {
            if (placed.block->section == section) {
                members.push_back(&placed);
            }
        }
        const auto space = address_space(members);
        std::uint64_t previous_end = 0;
        for (auto* const placed : members) {
            set_start(*placed, space, previous_end);
            previous_end = placed->partition.region == "user"
                               ? placed->partition.start.value + placed->partition.size.value
                               : previous_end;
        }
        set_missing_sizes(members);
        for (auto* const placed : members) {
            refuse_overflow(*placed);
        }
    }

    static bool is_user(const Placed* placed) noexcept { return placed->partition.region == "user"; }

    struct AddressSpace {
        bool is_linear{false};
        std::uint64_t base{0}; ///< what must be taken off to count from the start of the user area
    };

    /// Which addresses to believe, and from where they count.
    ///
    /// A Wiko with MT6572 gives 0x0 as every physical address, old text forms give none: then only linear ones are
    /// left.  The MBR stands at the first byte of the user area, so its address is what all others count too much:
    /// in linear addresses, and in the physical ones of two MT6572 and MT6582 files made by a backup tool.
    AddressSpace address_space(const std::vector<Placed*>& members)
    {
        const auto has_physical = [](const Placed* placed) {
            return is_user(placed) && placed->physical.value_or(0) != 0 && !is_address_from_end(*placed->physical);
        };
        const auto has_linear = [](const Placed* placed) { return is_user(placed) && placed->linear.value_or(0) != 0; };
        AddressSpace space{.is_linear =
                               std::ranges::none_of(members, has_physical) && std::ranges::any_of(members, has_linear)};
        const auto mbr = std::ranges::find_if(
            members, [](const Placed* placed) { return is_same_partition(placed->partition.name, "mbr"); });
        if (mbr != members.end()) {
            space.base = address_of(**mbr, space).value_or(0);
        }
        if (space.base != 0) {
            notes_->note(space.is_linear ? "scatter-linear-addresses" : "scatter-physical-counts-boot",
                         fmt::format("{} addresses count the boot region: {:#x} was subtracted, the address of MBR.",
                                     space.is_linear ? "Only linear addresses are given, and these" : "Physical",
                                     space.base),
                         {.numbers = {{"subtracted", space.base}}});
        } else if (!space.is_linear) {
            note_linear_difference(members);
        }
        return space;
    }

    static std::optional<std::uint64_t> address_of(const Placed& placed, AddressSpace space)
    {
        return space.is_linear || !placed.physical ? placed.linear : placed.physical;
    }

    /// V1.1.1 of MT6582: linear = physical + the size of the boot region.  Said once, with the difference.
    void note_linear_difference(const std::vector<Placed*>& members)
    {
        const auto differs = [](const Placed* placed) {
            return is_user(placed) && placed->linear && placed->physical && !is_address_from_end(*placed->linear) &&
                   *placed->linear > *placed->physical;
        };
        const auto first = std::ranges::find_if(members, differs);
        if (first != members.end()) {
            const auto difference = *(*first)->linear - *(*first)->physical;
            notes_->note("scatter-linear-differs",
                         fmt::format("Linear addresses count the boot region and are {:#x} larger than physical ones; "
                                     "physical ones were taken.",
                                     difference),
                         {.numbers = {{"difference", difference}}});
        }
    }

    void set_start(Placed& placed, AddressSpace space, std::uint64_t previous_end)
    {
        auto& partition = placed.partition;
        const auto flag = placed.block->value("is_reserved");
        partition.is_reserved = flag == std::optional<std::string_view>{"true"};
        const auto address = address_of(placed, space);
        // A reserved partition cannot stand at 0: the address was left out (a nameless block, Accu-Chek MT6572).
        if (!address || (partition.is_reserved && *address == 0)) {
            partition.is_start_known = false;
            partition.is_reserved =
                partition.is_reserved && !placed.block->value("partition_name").value_or(std::string_view{}).empty();
            return;
        }
        // A partition that happens to begin just below 4 GiB follows its neighbour and is not marked.
        const bool is_neighbour = !partition.is_reserved && *address == previous_end;
        if (is_address_from_end(*address) && !is_neighbour) {
            partition.is_reserved = true;
            partition.is_start_known = false;
            partition.attributes.emplace_back("address_from_end", fmt::format("{:#x}", *address));
            return;
        }
        const auto off = is_user(&placed) ? space.base : 0;
        if (*address < off) {
            partition.region = "boot1"; // before the MBR: the boot region's share of the linear space
            partition.start = ByteOffset{*address};
            return;
        }
        partition.start = ByteOffset{*address - off};
    }

    /// Next start minus start; the last of a region stays open.
    void set_missing_sizes(const std::vector<Placed*>& members)
    {
        std::map<std::string, std::set<std::uint64_t>> starts;
        for (const auto* const placed : members) {
            if (placed->partition.is_start_known) {
                starts[placed->partition.region].insert(placed->partition.start.value);
            }
        }
        for (auto* const placed : members) {
            auto& partition = placed->partition;
            if (partition.is_size_known || !partition.is_start_known) {
                continue;
            }
            const auto& known = starts[partition.region];
            const auto next = known.upper_bound(partition.start.value);
            if (next != known.end()) {
                partition.size = ByteCount{*next - partition.start.value};
                partition.is_size_known = true;
                partition.attributes.emplace_back("size_from", "next start");
            }
        }
    }

    void refuse_overflow(Placed& placed)
    {
        auto& partition = placed.partition;
        if (!checked_add(partition.start.value, partition.size.value)) {
            notes_->warn("overflow",
                         fmt::format("'{}' ends past 2^64 bytes; its size was dropped.", printable(partition.name)),
                         {.where = where(placed),
                          .numbers = {{"start", partition.start.value}, {"size", partition.size.value}}});
            partition.is_size_known = false;
            partition.size = {};
        }
    }

    void note_sections()
    {
        const auto names = sections();
        if (names.size() > 1) {
            notes_->note(
                "scatter-several-storages",
                fmt::format("This file describes {} storages; which one the phone has, its GPT or the dump tells.",
                            names.size()),
                {.words = {{"first", names.front()}, {"last", names.back()}}});
        }
    }

    void note_duplicates()
    {
        std::set<std::string> seen;
        for (const auto& placed : placed_) {
            const auto key =
                placed.block->section + '/' + placed.partition.region + '/' + lowered(placed.partition.name);
            if (!seen.insert(key).second) {
                notes_->warn("duplicate-name",
                             fmt::format("'{}' stands in this table twice.", printable(placed.partition.name)),
                             {.where = where(placed)});
            }
        }
    }

    [[nodiscard]] FindingPlace where(const Placed& placed) const
    {
        return {.source = table_.path, .offset = placed.block->at, .partition = placed.partition.name};
    }

    const ScatterFile* file_;
    Notes* notes_;
    Table table_;
    std::vector<Placed> placed_;
};

} // namespace

std::optional<std::string_view> ScatterBlock::value(std::string_view key) const noexcept
{
    return value_in(keys, key);
}

std::string_view ScatterFile::general_value(std::string_view key) const noexcept
{
    return value_in(general, key).value_or(std::string_view{});
}

Table make_scatter_table(const ScatterFile& file, std::string_view path, Notes& notes)
{
    return ScatterTable{file, path, notes}.take();
}

ProbeResults scatter_of_lines(const Input& input, const ScatterFile& file, std::size_t foreign)
{
    Notes notes{input.path};
    if (foreign > 0) {
        notes.note("scatter-foreign-lines",
                   fmt::format("{} lines are no part of a scatter file and were passed over.", foreign),
                   {.numbers = {{"lines", foreign}}});
    }
    note_text_form(input, Tabs::unusual, notes);
    auto table = make_scatter_table(file, input.path, notes);
    table.findings = notes.take();
    return ProbeResults{found(std::move(table))};
}

std::string region_of(std::string_view text)
{
    const auto lower = lowered(text);
    const auto* const found = std::ranges::lower_bound(regions, std::string_view{lower}, {}, &Pair::first);
    return std::string{found != regions.end() && found->first == lower ? found->second : std::string_view{lower}};
}

bool is_address_from_end(std::uint64_t address) noexcept
{
    return address >= 0xFFFF0000 && address <= 0xFFFFFFFF;
}

} // namespace salvage::partition
