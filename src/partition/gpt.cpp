// GPT: where copies may stand, which sector size they were made for, and what their entries say.
// UEFI 2.10 §5.3; MediaTek's ptgen for the fixed list of unique GUIDs.  docs/formats/gpt.md.
#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "crc32.hpp"
#include "gpt_structures.hpp"
#include "names.hpp"
#include "note.hpp"
#include "probes.hpp"
#include "salvage/core/text.hpp"

namespace salvage::partition {
namespace {

// UEFI asks for 16 KiB of entries (128 of them) at least; 1024 are more than any phone has.
constexpr std::uint32_t max_entries = 1024;
// A small file may hold many stray signatures; a table file holds two headers.
constexpr std::size_t max_headers = 8;
constexpr std::size_t header_read_bytes = 4096;
// A dump that was padded or cut at the end has its backup near the end, if at all.
constexpr std::uint64_t tail_bytes = 1ULL << 20U;
// 512 on eMMC, 4096 on UFS; the others exist on other media and cost nothing.
constexpr std::array sector_sizes{std::uint64_t{512}, std::uint64_t{4096}, std::uint64_t{2048}, std::uint64_t{1024}};
// F57AD330-39C2-4488-9BB0-00CB43C9CCD4: the first of the unique GUIDs that ptgen gives out in order.
constexpr Guid first_ptgen_guid{std::byte{0x30}, std::byte{0xD3}, std::byte{0x7A}, std::byte{0xF5},
                                std::byte{0xC2}, std::byte{0x39}, std::byte{0x88}, std::byte{0x44},
                                std::byte{0x9B}, std::byte{0xB0}, std::byte{0x00}, std::byte{0xCB},
                                std::byte{0x43}, std::byte{0xC9}, std::byte{0xCC}, std::byte{0xD4}};

/// The entries that belong to a header, as far as they are in the file.
struct EntryArray {
    std::uint64_t sector_bytes{512};
    std::uint64_t at{};
    Bytes bytes{};
    bool is_readable{true};
    std::uint32_t computed_crc{};
    bool is_crc_right{false};
    bool is_proved_by_zeros{false}; ///< cut short, and right if the missing entries are empty
};

bool has_signature(ByteView bytes) noexcept
{
    return as_text(bytes).starts_with(gpt_signature);
}

/// Where headers may stand in a dump: at the usual places and wherever the file's end may be.
Result<std::vector<std::uint64_t>> header_places_in_dump(const Input& input)
{
    std::vector<std::uint64_t> places{512, 4096, 0, 2048, 1024};
    const auto size = input.size().value;
    const auto tail_at = (size - std::min(size, tail_bytes)) / 512 * 512;
    const auto tail = SALVAGE_TRY(read_if_readable(input, ByteOffset{tail_at}, ByteCount{size - tail_at}));
    if (tail) {
        for (std::size_t at = tail->size() / 512 * 512;; at -= 512) {
            if (places.size() < max_headers && has_signature(ByteView{*tail}.subspan(at))) {
                places.push_back(tail_at + at);
            }
            if (at == 0) {
                break;
            }
        }
        return places;
    }
    // Something in the tail cannot be read: ask for the two usual places alone.
    for (const auto sector : {std::uint64_t{512}, std::uint64_t{4096}}) {
        if (size > sector) {
            places.push_back((size - 1) / sector * sector);
        }
    }
    return places;
}

std::vector<std::uint64_t> header_places_in_small_file(const Input& input)
{
    std::vector<std::uint64_t> places;
    const auto text = input.text();
    for (auto at = text.find(gpt_signature); at != std::string_view::npos && places.size() < max_headers;
         at = text.find(gpt_signature, at + 1)) {
        places.push_back(at);
    }
    return places;
}

/// First byte of the entries of a header that stands at `header_at`, counting in sectors of that size.
std::optional<std::uint64_t> entries_at(const GptHeader& header, std::uint64_t header_at, std::uint64_t sector_bytes)
{
    if (header.is_backup()) {
        const auto back = checked_multiply(header.own_lba - header.entries_lba, sector_bytes);
        return back && *back <= header_at ? std::optional{header_at - *back} : std::nullopt;
    }
    const auto forth = checked_multiply(header.entries_lba - header.own_lba, sector_bytes);
    return forth ? checked_add(header_at, *forth) : std::nullopt;
}

bool is_plausible(const GptEntry& entry) noexcept
{
    return entry.is_used() && entry.first_lba != 0 && entry.first_lba <= entry.last_lba && !entry.name.empty();
}

/// How well these bytes look like entries when no CRC decides.
std::size_t count_plausible(const EntryArray& array, std::size_t entry_bytes)
{
    std::size_t count = 0;
    for (std::size_t at = 0; at + entry_bytes <= array.bytes.size(); at += entry_bytes) {
        count += is_plausible(parse_gpt_entry(ByteView{array.bytes}.subspan(at))) ? 1U : 0U;
    }
    return count;
}

Result<EntryArray> read_entries(const Input& input, const GptHeader& header, std::uint64_t at,
                                std::uint64_t sector_bytes)
{
    EntryArray array{.sector_bytes = sector_bytes, .at = at};
    const auto wanted = std::uint64_t{std::min(header.entry_count, max_entries)} * header.entry_bytes;
    auto bytes = SALVAGE_TRY(read_if_readable(input, ByteOffset{at}, ByteCount{wanted}));
    array.is_readable = bytes.has_value();
    array.bytes = std::move(bytes).value_or(Bytes{});
    array.computed_crc = crc32(array.bytes);
    array.is_crc_right =
        header.entry_count <= max_entries && array.bytes.size() == wanted && array.computed_crc == header.entries_crc;
    if (!array.is_crc_right && header.entry_count <= max_entries && array.bytes.size() < wanted) {
        auto padded = array.bytes;
        padded.resize(static_cast<std::size_t>(wanted));
        array.is_proved_by_zeros = crc32(padded) == header.entries_crc;
    }
    return array;
}

/// The entries under the sector size that makes their CRC right; failing that, the one under which most look sane.
Result<EntryArray> find_entries(const Input& input, const GptHeader& header, std::uint64_t header_at)
{
    std::optional<EntryArray> best;
    std::size_t best_score = 0;
    for (const auto sector_bytes : sector_sizes) {
        const auto at = entries_at(header, header_at, sector_bytes);
        if (!at) {
            continue;
        }
        auto array = SALVAGE_TRY(read_entries(input, header, *at, sector_bytes));
        if (array.is_crc_right) {
            return array;
        }
        const bool is_at_home = checked_multiply(header.own_lba, sector_bytes) == std::optional{header_at};
        const auto score = 1 + (array.is_proved_by_zeros ? std::size_t{4} * max_entries : 0) +
                           (2 * count_plausible(array, header.entry_bytes)) + (is_at_home ? 1U : 0U);
        if (score > best_score) {
            best_score = score;
            best = std::move(array);
        }
    }
    return best ? std::move(*best) : EntryArray{.is_readable = false};
}

/// Turns a header and its entries into a table.
class GptTable {
public:
    GptTable(const Input& input, const GptHeader& header, std::uint64_t header_at, EntryArray array)
        : input_{&input}, header_{header}, header_at_{header_at}, array_{std::move(array)}, notes_{input.path}
    {
        table_ = make_table(header.is_backup() ? "gpt-backup" : "gpt", input.path);
    }

    ProbeResult take()
    {
        add_partitions();
        judge_header();
        judge_entries();
        judge_device_size();
        const auto revision = header_.revision;
        table_.dialect = fmt::format("rev {}.{}, {}-byte sectors{}", revision >> 16U, revision & 0xFFFFU,
                                     array_.sector_bytes, is_ptgen_ ? ", MediaTek layout" : "");
        table_.sector_size = SectorSize::make(array_.sector_bytes);
        table_.findings = notes_.take();
        return damage_ ? found_damaged(std::move(table_), std::move(*damage_)) : found(std::move(table_));
    }

private:
    void add_partitions()
    {
        const ByteView bytes{array_.bytes};
        for (std::size_t i = 0; (i + 1) * header_.entry_bytes <= bytes.size(); ++i) {
            const auto entry = parse_gpt_entry(bytes.subspan(i * header_.entry_bytes, header_.entry_bytes));
            if (entry.is_used()) {
                add_partition(entry, i);
            }
        }
        if (is_ptgen_) {
            notes_.note(
                "gpt-mtk-layout",
                "MediaTek's table generator made this GPT: its first unique GUID is the first of that program's list.");
        }
    }

    void add_partition(const GptEntry& entry, std::size_t index)
    {
        auto partition = make_partition(entry.name, table_.kind);
        const auto entry_at = ByteOffset{array_.at + (index * header_.entry_bytes)};
        const auto where = [&] {
            return FindingPlace{.source = input_->path, .offset = entry_at, .partition = partition.name};
        };
        if (partition.name.empty()) {
            partition.name = unnamed(index + 1);
            notes_.note("gpt-name-empty",
                        fmt::format("GPT entry {} has no name; it is called '{}' here.", index + 1, partition.name),
                        {.where = where()});
        }
        set_place(entry, partition, where());
        if (!names_.insert(lowered(partition.name)).second) {
            notes_.warn("duplicate-name", fmt::format("'{}' stands in this table twice.", printable(partition.name)),
                        {.where = where()});
        }
        partition.attributes = {{"type_guid", to_string(entry.type)},
                                {"unique_guid", to_string(entry.unique)},
                                {"gpt_attributes", fmt::format("{:#x}", entry.attributes)},
                                {"gpt_entry", fmt::format("{}", index + 1)}};
        is_ptgen_ = is_ptgen_ || (index == 0 && entry.unique == first_ptgen_guid);
        table_.partitions.push_back(std::move(partition));
    }

    void set_place(const GptEntry& entry, Partition& partition, FindingPlace where)
    {
        const auto start = checked_multiply(entry.first_lba, array_.sector_bytes);
        const auto end_lba = checked_add<std::uint64_t>(entry.last_lba, 1); // the last LBA is inclusive on disk
        const auto end = end_lba ? checked_multiply(*end_lba, array_.sector_bytes) : std::nullopt;
        const Numbers numbers{{"first_lba", entry.first_lba}, {"last_lba", entry.last_lba}};
        partition.is_start_known = start.has_value();
        partition.start = ByteOffset{start.value_or(0)};
        partition.is_size_known = start && end && *end > *start;
        if (partition.is_size_known) {
            partition.size = ByteCount{*end - *start};
            return;
        }
        if (!start || !end) {
            notes_.warn("overflow", fmt::format("GPT entry '{}' ends past 2^64 bytes.", printable(partition.name)),
                        {.where = std::move(where), .numbers = numbers});
        } else if (*end == *start) {
            notes_.note(
                "gpt-entry-empty",
                fmt::format("GPT entry '{}' has no size: firmware ships such an entry for the phone to let it grow.",
                            printable(partition.name)),
                {.where = std::move(where), .numbers = numbers});
        } else {
            notes_.warn("gpt-entry-reversed",
                        fmt::format("GPT entry '{}' ends before it starts.", printable(partition.name)),
                        {.where = std::move(where), .numbers = numbers});
        }
    }

    void judge_header()
    {
        if (header_.is_crc_right()) {
            return;
        }
        damage("gpt-header-crc-wrong", ByteOffset{header_at_ + 0x10},
               fmt::format("The CRC of the {} header is wrong: {:#010x} is stored, its bytes give {:#010x}.", name(),
                           header_.stored_crc, header_.computed_crc),
               {{"stored", header_.stored_crc}, {"computed", header_.computed_crc}});
    }

    void judge_entries()
    {
        if (!array_.is_readable) {
            damage("gpt-entries-unreadable", ByteOffset{array_.at},
                   fmt::format("The entries of the {} are not readable.", name()), {});
            return;
        }
        if (header_.entry_count > max_entries) {
            damage("gpt-entry-count-absurd", ByteOffset{header_at_ + 0x50},
                   fmt::format("The {} claims {} entries; the first {} were read.", name(), header_.entry_count,
                               max_entries),
                   {{"claimed", header_.entry_count}, {"read", max_entries}});
            return;
        }
        const auto present = array_.bytes.size() / header_.entry_bytes;
        if (present < header_.entry_count) {
            judge_cut_entries(present);
        } else if (!array_.is_crc_right) {
            damage("gpt-entries-crc-wrong", ByteOffset{header_at_ + 0x58},
                   fmt::format("The CRC of the {} entries is wrong: {:#010x} is stored, their bytes give {:#010x}.",
                               name(), header_.entries_crc, array_.computed_crc),
                   {{"stored", header_.entries_crc}, {"computed", array_.computed_crc}});
        }
    }

    void judge_cut_entries(std::size_t present)
    {
        const auto missing = header_.entry_count - present;
        const Numbers numbers{{"present", present}, {"missing", missing}, {"stored", header_.entries_crc}};
        if (array_.is_proved_by_zeros) {
            notes_.note(
                "gpt-entries-cut",
                fmt::format(
                    "The file ends {} entries before the {} does. The CRC proves that the missing ones are empty.",
                    missing, name()),
                {.where = {.source = {}, .offset = ByteOffset{input_->size().value}, .partition = {}},
                 .numbers = numbers});
            return;
        }
        damage("gpt-entries-cut", ByteOffset{input_->size().value},
               fmt::format("The file ends before the {} does: {} of its {} entries are missing.", name(), missing,
                           header_.entry_count),
               numbers);
    }

    /// The backup stands in the last sector, so its place tells the size of the flash.
    void judge_device_size()
    {
        const auto last_lba = std::max(header_.own_lba, header_.other_lba);
        std::uint64_t highest = 0;
        for (const auto& partition : table_.partitions) {
            if (partition.is_start_known && partition.is_size_known) {
                highest = std::max(highest, partition.start.value + partition.size.value);
            }
        }
        const auto size = to_bytes(SectorCount{checked_add<std::uint64_t>(last_lba, 1).value_or(0)},
                                   SectorSize::make(array_.sector_bytes).value_or(sector_512()));
        if (header_.other_lba <= 1 && !header_.is_backup()) {
            notes_.note("gpt-template",
                        "This GPT was shipped with firmware and no phone has adapted it: it does not know the size of "
                        "the flash, and its last partition may grow.",
                        {.numbers = {{"other_lba", header_.other_lba}, {"last_usable_lba", header_.last_usable_lba}}});
            open_last_partition();
        } else if (size && size->value > 0 && highest <= size->value) {
            table_.device_size = size;
        } else {
            notes_.warn("gpt-size-unpatched",
                        fmt::format("The {} places its other copy at sector {}, but its partitions reach further.",
                                    name(), header_.other_lba),
                        {.numbers = {{"device_size", size.value_or(ByteCount{0}).value}, {"highest_end", highest}}});
        }
    }

    /// In a template the last partition holds a token sector (Moto G5 Plus) or what another flash size gave it.
    void open_last_partition()
    {
        const auto last =
            std::ranges::max_element(table_.partitions, {}, [](const Partition& partition) { return partition.start; });
        if (last != table_.partitions.end() && last->size.value <= array_.sector_bytes) {
            last->is_size_known = false;
            last->size = {};
        }
    }

    void damage(std::string_view code, ByteOffset at, std::string text, Numbers numbers)
    {
        if (!damage_) {
            notes_.warn(header_.is_backup() ? "gpt-backup-damaged" : "gpt-primary-damaged",
                        fmt::format("The {} is damaged.", name()),
                        {.where = {.source = {}, .offset = ByteOffset{header_at_}, .partition = {}}});
            damage_ = malformed(at, fmt::format("the {} is damaged", name()), text);
        }
        notes_.warn(code, std::move(text),
                    {.where = {.source = {}, .offset = at, .partition = {}}, .numbers = std::move(numbers)});
    }

    [[nodiscard]] std::string_view name() const noexcept { return header_.is_backup() ? "backup GPT" : "primary GPT"; }

    const Input* input_;
    GptHeader header_;
    std::uint64_t header_at_;
    EntryArray array_;
    Notes notes_;
    Table table_;
    std::set<std::string> names_; ///< lower case
    std::optional<Error> damage_;
    bool is_ptgen_{false};
};

/// A table that could not be read at all, so that its damage is not lost.
ProbeResult unreadable_copy(const Input& input, std::uint64_t at, Error error)
{
    Notes notes{input.path};
    notes.warn("gpt-header-damaged",
               fmt::format("A GPT header stands at byte {} and cannot be read: {} ({}).", format_offset(ByteOffset{at}),
                           error.what, error.why),
               {.where = {.source = {}, .offset = ByteOffset{at}, .partition = {}}});
    auto table = make_table("gpt", input.path);
    table.findings = notes.take();
    return found_damaged(std::move(table), std::move(error).at(input.path, ByteOffset{at}));
}

/// Reads the copy whose header stands at `at`; an empty list where there is none.
Result<ProbeResults> read_copy(const Input& input, std::uint64_t at)
{
    const auto bytes = SALVAGE_TRY(read_if_readable(input, ByteOffset{at}, ByteCount{header_read_bytes}));
    if (!bytes || !has_signature(*bytes)) {
        return ProbeResults{};
    }
    auto header = parse_gpt_header(*bytes);
    if (!header.has_value()) {
        return ProbeResults{unreadable_copy(input, at, std::move(header).error())};
    }
    auto array = SALVAGE_TRY(find_entries(input, *header, at));
    return ProbeResults{GptTable{input, *header, at, std::move(array)}.take()};
}

bool has_kind(const ProbeResults& results, std::string_view kind)
{
    return std::ranges::any_of(results, [&](const ProbeResult& result) {
        return result.table && result.table->kind == kind && !result.table->partitions.empty();
    });
}

/// A dump may be longer than the flash: then the backup stands where the primary says, not at the end.
Result<> add_backup_named_by_primary(const Input& input, const std::vector<std::uint64_t>& asked, ProbeResults& results)
{
    if (results.empty() || !results.front().table || has_kind(results, "gpt-backup")) {
        return {};
    }
    const auto& primary = *results.front().table;
    if (!primary.device_size || !primary.sector_size || primary.device_size->value < primary.sector_size->bytes()) {
        return {};
    }
    const auto at = primary.device_size->value - primary.sector_size->bytes();
    if (std::ranges::find(asked, at) == asked.end()) {
        std::ranges::move(SALVAGE_TRY(read_copy(input, at)), std::back_inserter(results));
    }
    return {};
}

/// In a whole dump a missing copy is news; in a file that holds one copy it is not.
void note_missing_copy(const Input& input, ProbeResults& results)
{
    auto* const first = results.empty() || !results.front().table ? nullptr : &*results.front().table;
    if (first == nullptr || input.size() < smallest_flash) {
        return;
    }
    Notes notes{input.path};
    if (!has_kind(results, "gpt")) {
        notes.warn("gpt-primary-missing",
                   "There is no readable primary GPT at the start of this dump; the backup at its end is used.");
    } else if (!has_kind(results, "gpt-backup")) {
        notes.warn("gpt-backup-missing", "There is no readable backup GPT at the end of this dump: the dump is cut "
                                         "short, or the backup was overwritten.");
    }
    std::ranges::move(notes.take(), std::back_inserter(first->findings));
}

/// The same copy may be met twice: as "last sector" of 512 and of 4096 bytes.
void drop_repeated(std::vector<std::uint64_t>& places)
{
    std::ranges::sort(places);
    const auto repeated = std::ranges::unique(places);
    places.erase(repeated.begin(), repeated.end());
}

} // namespace

Result<ProbeResults> probe_gpt(const Input& input)
{
    auto places = input.is_small() ? header_places_in_small_file(input)
                                   : SALVAGE_TRY(header_places_in_dump(input).in("looking for the backup GPT"));
    drop_repeated(places);
    ProbeResults results;
    for (const auto at : places) {
        auto copy = SALVAGE_TRY(read_copy(input, at).in("reading a GPT"));
        std::ranges::move(copy, std::back_inserter(results));
    }
    SALVAGE_TRY(add_backup_named_by_primary(input, places, results).in("reading the backup GPT"));
    note_missing_copy(input, results);
    return results;
}

} // namespace salvage::partition
