// Finding crypto footers.  The plan: what fstab says, the places phones are known to use, then every byte.
// Facts: AOSP fs_mgr and vold (places), device trees of the named phones (docs/formats/crypto-footer.md).
#include "salvage/rescue/footers.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

/// Partitions that hold a footer at their first byte, by the phones that do so.
constexpr std::array own_partitions{
    "metadata", // MediaTek from Android 5 on, Nexus
    "encrypt",  // LG on MediaTek
    "extra",    // HTC
    "bk1",      // Xiaomi
};
/// Distances from the end of userdata: AOSP, Samsung J7 Prime trees, TWRP's larger reserve.
constexpr std::array<std::uint64_t, 3> tail_distances{0x4000, 0x5000, 0x8000};
constexpr std::uint64_t cipher_name_offset = 0x24;
constexpr std::uint64_t edk_header_offset = 0x64;

/// Collects candidates of one dump; the same place is looked at once.
class Collector {
public:
    Collector(FooterSearch& search, const Dump& dump) : search_{&search}, dump_{&dump}, userdata_{userdata_of(dump)}
    {
        for (const auto& known : search.footers) {
            seen_.emplace(known.file, known.offset.value);
        }
    }

    enum class Quiet : bool { no, yes };

    /// Looks at one place of the dump.  Without a magic nothing is noted; with one it is a footer or a decoy.
    void look_at(ByteOffset at, std::string_view found_by)
    {
        if (!seen_.emplace("", at.value).second || at.value >= dump_->source->size().value) {
            return;
        }
        const auto raw = io::read_up_to(*dump_->source, at, fde::footer_area);
        if (!raw.has_value()) {
            search_->searched.push_back(
                fmt::format("{}: could not be read", partition::describe_offset(dump_->layout, at)));
            return;
        }
        consider(*raw, at, found_by);
    }

    void look_at_file()
    {
        const auto raw = io::read_up_to(*dump_->footer_source, ByteOffset{0}, fde::footer_area);
        if (!raw.has_value()) {
            return;
        }
        for (const auto at : {std::uint64_t{0}, tail_of(*dump_->footer_source, tail_distances.front())}) {
            const auto bytes = io::read_up_to(*dump_->footer_source, ByteOffset{at}, fde::footer_area);
            if (bytes.has_value() && bytes->size() >= 4 && fde::has_footer_magic(ByteView{*bytes}.first(4))) {
                add_from_file(*bytes, ByteOffset{at});
                return;
            }
        }
        search_->searched.push_back(dump_->footer_path + ": no footer at its start or 16 KiB before its end");
    }

    void add_decoy(ByteOffset at, std::string reason)
    {
        search_->decoys.push_back({.offset = at, .partition = partition_name(at), .reason = std::move(reason)});
    }

    [[nodiscard]] bool has_footer_at(ByteOffset at) const
    {
        return std::ranges::any_of(search_->footers, [&](const auto& f) { return f.file.empty() && f.offset == at; });
    }
    [[nodiscard]] bool was_seen(ByteOffset at) const { return seen_.contains({"", at.value}); }

    static std::uint64_t tail_of(const io::ByteSource& source, std::uint64_t distance)
    {
        return source.size().value > distance ? source.size().value - distance : 0;
    }

private:
    [[nodiscard]] std::string partition_name(ByteOffset at) const
    {
        const auto* const holder = dump_->layout.containing(at);
        return holder == nullptr ? std::string{} : holder->name;
    }

    void consider(const Bytes& raw, ByteOffset at, std::string_view found_by)
    {
        if (raw.size() < 4 || !fde::has_footer_magic(ByteView{raw}.first(4))) {
            return;
        }
        auto parsed = fde::parse_footer(raw);
        if (!parsed.has_value()) {
            const auto& error = parsed.error();
            add_decoy(at, error.why.empty() ? error.what : error.what + ": " + error.why);
            return;
        }
        FoundFooter found{.offset = at,
                          .file = {},
                          .partition = partition_name(at),
                          .place = place_of(at),
                          .found_by = std::string{found_by},
                          .footer = std::move(*parsed),
                          .raw = raw,
                          .placement = {},
                          .persist = {}};
        judge_placement(found);
        found.persist = persist_of(found);
        search_->footers.push_back(std::move(found));
    }

    void add_from_file(const Bytes& raw, ByteOffset at)
    {
        auto parsed = fde::parse_footer(raw);
        if (!parsed.has_value()) {
            search_->searched.push_back(dump_->footer_path + ": " + to_string(parsed.error()));
            return;
        }
        search_->footers.push_back({.offset = at,
                                    .file = dump_->footer_path,
                                    .partition = {},
                                    .place = fmt::format("{}, byte {}", dump_->footer_path, format_offset(at)),
                                    .found_by = "--footer",
                                    .footer = std::move(*parsed),
                                    .raw = raw,
                                    .placement = {.fits = true, .text = "given by the user"},
                                    .persist = {}});
    }

    [[nodiscard]] std::string place_of(ByteOffset at) const
    {
        if (userdata_ && userdata_->start + userdata_->size - ByteCount{tail_distances.front()} == at) {
            return dump_->is_bare ? "last 16 KiB of the file" : "last 16 KiB of " + userdata_->name;
        }
        return partition::describe_offset(dump_->layout, at);
    }

    void judge_placement(FoundFooter& found) const
    {
        const auto* const holder = dump_->layout.containing(found.offset);
        const auto start = holder == nullptr ? ByteOffset{0} : holder->start;
        const auto size = holder == nullptr ? dump_->source->size() : holder->size;
        found.placement =
            fde::check_placement(found.footer, ByteOffset{(found.offset - start).value}, size,
                                 userdata_ && !is_footer_alone(*dump_) ? std::optional{userdata_->size} : std::nullopt);
    }

    /// Two copies exist and one is valid at a time; the offsets count from the partition that holds the footer.
    [[nodiscard]] std::vector<fde::PersistEntry> persist_of(const FoundFooter& found) const
    {
        const auto* const holder = dump_->layout.containing(found.offset);
        const auto base = holder == nullptr ? 0 : holder->start.value;
        for (const auto offset : found.footer.persist_data_offset) {
            const auto at = checked_add(base, offset);
            if (offset == 0 || !at) {
                continue;
            }
            const auto bytes = io::read_up_to(*dump_->source, ByteOffset{*at}, ByteCount{0x1000});
            if (!bytes.has_value()) {
                continue;
            }
            if (auto entries = fde::parse_persist_data(*bytes); entries.has_value()) {
                return std::move(*entries);
            }
        }
        return {};
    }

    FooterSearch* search_;
    const Dump* dump_;
    std::optional<partition::Partition> userdata_;
    std::set<std::pair<std::string, std::uint64_t>> seen_;
};

void sort_best_first(FooterSearch& search)
{
    // What the user gave, then what lies where its own fields say, then by offset.
    std::ranges::sort(search.footers, {}, [](const FoundFooter& found) {
        return std::tuple{found.file.empty(), !found.placement.fits, found.offset};
    });
    std::ranges::sort(search.decoys, {}, &Decoy::offset);
}

void look_where_fstab_says(Collector& collector, const Dump& dump, FooterSearch& search)
{
    for (const auto& table : dump.layout.tables) {
        if (table.footer_place.empty() || table.footer_place == "footer") {
            continue;
        }
        const auto name = table.footer_place.substr(table.footer_place.rfind('/') + 1);
        if (const auto* const partition = dump.layout.find(name); partition != nullptr && partition->region == "user") {
            search.searched.push_back(fmt::format("{}: fstab names it as the footer's place", name));
            collector.look_at(partition->start, "fstab");
        }
    }
}

void look_at_tail(Collector& collector, const partition::Partition& userdata, FooterSearch& search)
{
    for (const auto distance : tail_distances) {
        if (userdata.is_size_known && userdata.size.value > distance) {
            collector.look_at(userdata.start + userdata.size - ByteCount{distance}, "known place");
        }
    }
    search.searched.push_back(userdata.name + ": 16, 20 and 32 KiB before its end");
}

} // namespace

Result<FooterSearch> find_footers_at_known_places(const Dump& dump)
{
    FooterSearch search;
    Collector collector{search, dump};
    if (dump.footer_source) {
        collector.look_at_file();
    }
    look_where_fstab_says(collector, dump, search);
    for (const auto* const name : own_partitions) {
        if (const auto* const partition = dump.layout.find(name); partition != nullptr && partition->region == "user") {
            collector.look_at(partition->start, "known place");
            search.searched.push_back(fmt::format("{}: its first bytes", partition->name));
        }
    }
    if (const auto userdata = userdata_of(dump)) {
        look_at_tail(collector, *userdata, search);
    }
    if (dump.is_bare) {
        collector.look_at(ByteOffset{0}, "known place"); // an image of `metadata`, or a carved block
    }
    sort_best_first(search);
    return search;
}

void add_footers_from_scan(FooterSearch& search, const Dump& dump, const std::vector<scan::Pattern>& patterns,
                           std::span<const scan::Hit> hits)
{
    Collector collector{search, dump};
    for (const auto& hit : hits) {
        const ByteView bytes = patterns.at(hit.pattern).bytes;
        if (bytes.size() >= 4 && fde::has_footer_magic(bytes.first(4))) {
            collector.look_at(hit.at, "scan");
        }
    }
    for (const auto& hit : hits) {
        const auto& pattern = patterns.at(hit.pattern);
        const bool is_cipher_name = as_text(pattern.bytes).starts_with("aes-");
        const bool is_edk = pattern.name == "samsung-edk";
        if (!is_cipher_name && !is_edk) {
            continue;
        }
        const auto distance = is_edk ? edk_header_offset : cipher_name_offset;
        if (hit.at.value < distance) {
            continue;
        }
        const auto start = hit.at - ByteCount{distance};
        collector.look_at(start, "scan");
        if (!collector.has_footer_at(start) && std::ranges::none_of(search.decoys, [&](const Decoy& known) {
                return known.offset == start || known.offset == hit.at;
            })) {
            const auto found = io::read_up_to(*dump.source, start, ByteCount{4});
            collector.add_decoy(hit.at,
                                fmt::format("the text \"{}\" with {} at {:#x} bytes before it instead of a footer's "
                                            "magic: a string inside other data",
                                            printable(as_text(pattern.bytes)),
                                            found.has_value() ? to_spaced_hex(*found) : "unreadable bytes", distance));
        }
    }
    sort_best_first(search);
}

Result<FooterSearch> find_footers(const Dump& dump, const RunContext& context)
{
    auto search = SALVAGE_TRY(find_footers_at_known_places(dump));
    if (!search.footers.empty()) {
        return search;
    }
    const scan::SearchOptions options{.patterns = scan::default_patterns()};
    const auto result = SALVAGE_TRY(scan::search(*dump.source, options, context));
    add_footers_from_scan(search, dump, options.patterns, result.hits);
    search.searched.emplace_back("every byte of the dump");
    return search;
}

} // namespace salvage::rescue
