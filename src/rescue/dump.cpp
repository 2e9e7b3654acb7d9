// Opening a dump: container, bad areas, layout.
#include "salvage/rescue/dump.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "salvage/core/text.hpp"
#include "salvage/fde/unlock.hpp"
#include "salvage/io/ddrescue_map.hpp"
#include "salvage/io/missing.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "salvage/rescue/adopted.hpp"
#include "salvage/rescue/case_folder.hpp"

namespace salvage::rescue {
namespace {

// A ddrescue map has one line an area; 64 MiB are more than a million of them.
constexpr ByteCount max_map_size{64ULL << 20U};

Result<io::SourcePtr> with_map(io::SourcePtr source, const std::filesystem::path& map)
{
    const auto file = SALVAGE_TRY(io::open_file(map));
    const auto text = SALVAGE_TRY(io::read_all(*file, max_map_size));
    auto bad = SALVAGE_TRY(io::parse_bad_areas(as_text(text)).at(map.string(), ByteOffset{0}));
    return bad.empty() ? source : io::make_with_bad_areas(std::move(source), std::move(bad));
}

std::optional<std::filesystem::path> map_of(const DumpRequest& request)
{
    if (request.map_file) {
        return request.map_file;
    }
    auto beside = request.path;
    beside += ".map";
    std::error_code ignored;
    return std::filesystem::is_regular_file(beside, ignored) ? std::optional{beside} : std::nullopt;
}

Result<std::vector<partition::Table>> all_tables(const io::ByteSource& source, const DumpRequest& request)
{
    auto tables = SALVAGE_TRY(partition::find_tables_in_dump(source, request.path.string()));
    for (const auto& path : request.layout_files) {
        const auto file = SALVAGE_TRY(io::open_file(path));
        auto more = SALVAGE_TRY(partition::read_tables(*file, path.string()).in("reading " + path.string()));
        std::ranges::move(more, std::back_inserter(tables));
    }
    return tables;
}

bool names_partitions(const partition::Table& table)
{
    return table.kind != "carved" && table.kind != "fstab" && !table.partitions.empty();
}

/// The largest partition of an MBR, where those that can be told are all FAT, exFAT or NTFS.  An old phone's MBR
/// without names has an ext4 beside its FAT, and is none.
std::optional<partition::Partition> largest_of_card(const Dump& dump)
{
    constexpr std::array card_filesystems{"fat", "exfat", "ntfs"};
    std::optional<partition::Partition> out;
    for (const auto& partition : dump.layout.partitions) {
        if (partition.source != "mbr") {
            return std::nullopt;
        }
        const auto source = open_partition(dump, partition);
        if (!source.has_value()) {
            continue; // it has no place, or ends past all numbers: the others may be sound
        }
        const auto plain = fde::probe_filesystem(**source);
        if (!plain) {
            continue;
        }
        if (std::ranges::find(card_filesystems, plain->name) == card_filesystems.end()) {
            return std::nullopt;
        }
        if (!out || out->size < partition.size) {
            out = partition;
        }
    }
    return out;
}

} // namespace

Result<Dump> open_dump(const DumpRequest& named)
{
    const auto request = SALVAGE_TRY(resolve_case(named));
    Dump dump;
    dump.path = request.path.string();
    dump.container = SALVAGE_TRY(io::container_kind(request.path));
    dump.source = SALVAGE_TRY(io::open_any(request.path));
    if (const auto map = map_of(request)) {
        dump.source = SALVAGE_TRY(with_map(std::move(dump.source), *map).in("reading the map of bad areas"));
    }
    if (request.footer_file) {
        dump.footer_path = request.footer_file->string();
        dump.footer_source = SALVAGE_TRY(io::open_any(*request.footer_file).in("opening the footer file"));
    }
    auto tables = SALVAGE_TRY(all_tables(*dump.source, request).in("reading the partition layout"));
    dump.is_bare = std::ranges::none_of(tables, names_partitions);
    if (dump.is_bare) {
        // Carving a bare filesystem image finds its own superblock again; that is no partition.
        std::erase_if(tables, [](const auto& table) { return table.kind == "carved"; });
    }
    dump.layout = partition::reconcile(std::move(tables), dump.source->size());
    dump.card = find_card_partition(dump);
    return dump;
}

std::optional<partition::Partition> find_card_partition(const Dump& dump)
{
    const bool is_phone = dump.is_bare || dump.layout.find("userdata") != nullptr || adopted_partition(dump);
    return is_phone ? std::nullopt : largest_of_card(dump);
}

Result<io::SourcePtr> open_partition(const Dump& dump, const partition::Partition& partition)
{
    if (partition.region != "user") {
        return not_found(
            fmt::format("partition '{}' is not in this dump", printable(partition.name)),
            fmt::format("it lies in the region '{}', and a dump of EMMC_USER does not hold that", partition.region));
    }
    if (!partition.is_start_known || !partition.is_size_known) {
        return not_found(fmt::format("partition '{}' cannot be cut out", printable(partition.name)),
                         "the tables do not say where it starts or ends",
                         "give the GPT or the scatter file: --scatter FILE");
    }
    const auto range = ByteRange::make(partition.start, partition.size);
    if (!range) {
        return malformed(partition.start, fmt::format("partition '{}' ends past 2^64", printable(partition.name)));
    }
    return io::make_subrange_or_missing(dump.source, *range, partition.source + ":" + partition.name);
}

Result<io::SourcePtr> open_partition(const Dump& dump, std::string_view name)
{
    if (dump.is_bare && (name.empty() || name == "userdata")) {
        return dump.source;
    }
    const auto* const partition = dump.layout.find(name);
    if (partition == nullptr) {
        std::vector<std::string> names;
        names.reserve(dump.layout.partitions.size());
        for (const auto& known : dump.layout.partitions) {
            names.push_back(printable(known.name));
        }
        return not_found(fmt::format("there is no partition '{}'", printable(name)),
                         names.empty() ? "this dump has no partition table"
                                       : fmt::format("there are: {}", fmt::join(names, ", ")));
    }
    return open_partition(dump, *partition);
}

std::optional<partition::Partition> userdata_of(const Dump& dump)
{
    if (dump.is_bare) {
        return partition::Partition{.name = "userdata",
                                    .start = ByteOffset{0},
                                    .size = dump.source->size(),
                                    .source = "whole file",
                                    .filesystem = {},
                                    .role = partition::Role::user_data,
                                    .attributes = {}};
    }
    const auto* const found = dump.layout.find("userdata");
    if (found != nullptr && found->region == "user") {
        return *found;
    }
    auto adopted = adopted_partition(dump);
    return adopted ? adopted : dump.card;
}

bool is_footer_alone(const Dump& dump) noexcept
{
    return dump.is_bare && dump.source->size().value <= 2 * fde::footer_area.value;
}

Completeness judge_completeness(const Dump& dump, ByteCount unreadable)
{
    Completeness out{.is_complete = unreadable.value == 0,
                     .expected = dump.layout.device_size,
                     .present = dump.source->size(),
                     .unreadable = unreadable,
                     .text = {}};
    if (!out.expected) {
        out.text = "No table in this dump says how large the flash is, so its end cannot be checked.";
    } else if (out.present < *out.expected) {
        const auto missing = *out.expected - out.present;
        out.is_complete = false;
        out.text = fmt::format("The dump is {} short of the {} that its GPT says.", format_size_exact(missing),
                               format_size_exact(*out.expected));
    } else {
        out.text = fmt::format("The dump holds all {} that its GPT says.", format_size_exact(*out.expected));
    }
    if (unreadable.value > 0) {
        out.text += fmt::format(" {} could not be read from the phone.", format_size_exact(unreadable));
    }
    return out;
}

} // namespace salvage::rescue
