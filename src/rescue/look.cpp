// Looking at single bytes.
#include "salvage/rescue/look.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/pieces.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/rescue/footers.hpp"

namespace salvage::rescue {
namespace {

FindHit hit_at(const Dump& dump, ByteOffset at, const std::string& pattern)
{
    FindHit hit{.at = at, .pattern = pattern, .partition = {}, .at_in_partition = at, .is_structure = {}, .note = {}};
    if (const auto* const holder = dump.layout.containing(at); holder != nullptr) {
        hit.partition = holder->name;
        hit.at_in_partition = ByteOffset{(at - holder->start).value};
    }
    return hit;
}

void add_structure_notes(const Dump& dump, FindReport& report, const std::vector<scan::Pattern>& patterns,
                         std::span<const scan::Hit> hits)
{
    FooterSearch search;
    add_footers_from_scan(search, dump, patterns, hits);
    for (auto& hit : report.hits) {
        const auto covers = [&](const FoundFooter& found) {
            return hit.at >= found.offset && hit.at < found.offset + ByteCount{0x100};
        };
        if (const auto found = std::ranges::find_if(search.footers, covers); found != search.footers.end()) {
            hit.is_structure = true;
            hit.note = fmt::format("part of the {} crypto footer at {}", fde::to_string(found->footer.kind),
                                   format_offset(found->offset));
            continue;
        }
        const auto decoy =
            std::ranges::find_if(search.decoys, [&](const Decoy& known) { return known.offset == hit.at; });
        if (decoy != search.decoys.end()) {
            hit.is_structure = false;
            hit.note = decoy->reason;
        }
    }
}

Result<std::vector<scan::Pattern>> wanted(const FindRequest& request)
{
    if (request.text.empty()) {
        return scan::default_patterns();
    }
    auto bytes = request.is_hex ? SALVAGE_TRY(from_hex(request.text).in("reading the hex bytes to look for"))
                                : Bytes{as_bytes(request.text).begin(), as_bytes(request.text).end()};
    constexpr std::size_t max_pattern = 4096;
    if (bytes.empty() || bytes.size() > max_pattern) {
        return invalid_argument("the bytes to look for are none or too many",
                                fmt::format("{} bytes were given, 1 to {} are possible", bytes.size(), max_pattern));
    }
    return std::vector{scan::Pattern{.name = request.text, .bytes = std::move(bytes)}};
}

} // namespace

Result<FindReport> find(const Dump& dump, const FindRequest& request, const RunContext& context)
{
    const scan::SearchOptions options{.patterns = SALVAGE_TRY(wanted(request)),
                                      .max_hits_per_pattern = request.max_hits};
    const auto result = SALVAGE_TRY(scan::search(*dump.source, options, context));
    FindReport report{.path = dump.path, .size = dump.source->size(), .hits = {}, .hits_not_listed = 0};
    for (const auto& hit : result.hits) {
        report.hits.push_back(hit_at(dump, hit.at, options.patterns.at(hit.pattern).name));
    }
    for (const auto count : result.hit_counts) {
        report.hits_not_listed += count > request.max_hits ? count - request.max_hits : 0;
    }
    add_structure_notes(dump, report, options.patterns, result.hits);
    return report;
}

namespace {

/// Reads what can be read; the rest stays zero and is named in the extents.
Result<> read_readable(const io::ByteSource& source, ByteRange range, HexReport& report)
{
    report.extents = SALVAGE_TRY(source.extents(range));
    report.bytes.resize(static_cast<std::size_t>(range.size().value));
    const std::span<std::byte> all{report.bytes};
    for (const auto& extent : report.extents) {
        if (extent.kind == io::ExtentKind::unreadable) {
            continue;
        }
        const auto offset = static_cast<std::size_t>((extent.range.start() - range.start()).value);
        SALVAGE_TRY(source.read_at(extent.range.start(),
                                   all.subspan(offset, static_cast<std::size_t>(extent.range.size().value))));
    }
    return {};
}

/// The footer that `at` lies in: at the start of its partition, or at most one sector before.
void add_structure(const Dump& dump, ByteOffset at, HexReport& report)
{
    const auto sector_start = ByteOffset{at.value / sector_512().bytes() * sector_512().bytes()};
    std::vector<ByteOffset> starts{at, sector_start};
    if (const auto* const holder = dump.layout.containing(at);
        holder != nullptr && (at - holder->start) < fde::footer_area) {
        starts.push_back(holder->start);
    }
    for (const auto start : starts) {
        const auto raw = io::read_up_to(*dump.source, start, fde::footer_area);
        if (!raw.has_value() || raw->size() < 4 || !fde::has_footer_magic(ByteView{*raw}.first(4))) {
            continue;
        }
        if (auto fields = fde::describe_footer(*raw); fields.has_value()) {
            const auto footer = fde::parse_footer(*raw);
            report.structure =
                fmt::format("{} crypto footer", footer.has_value() ? fde::to_string(footer->kind) : "damaged");
            report.structure_at = start;
            report.fields = std::move(*fields);
            return;
        }
    }
}

} // namespace

Result<HexReport> hex(const io::ByteSource& source, ByteOffset at, ByteCount length)
{
    if (at.value >= source.size().value) {
        return invalid_argument(fmt::format("offset {} lies beyond the end", format_offset(at)),
                                fmt::format("there are {} bytes", source.size().value));
    }
    const auto range = ByteRange::make(at, length);
    const auto shown = range ? range->intersection(io::whole(source)) : ByteRange{};
    HexReport report{.path = {},
                     .at = at,
                     .place = {},
                     .bytes = {},
                     .extents = {},
                     .structure = {},
                     .structure_at = {},
                     .fields = {}};
    SALVAGE_TRY(read_readable(source, shown, report));
    return report;
}

Result<HexReport> hex(const Dump& dump, std::string_view where, ByteCount length)
{
    const auto at = SALVAGE_TRY(partition::resolve_offset(dump.layout, where));
    auto report = SALVAGE_TRY(hex(*dump.source, at, length));
    report.path = dump.path;
    report.place = partition::describe_offset(dump.layout, at);
    add_structure(dump, at, report);
    return report;
}

Result<std::string> sha256_of_file(const std::filesystem::path& path, const BytesRead& told)
{
    const auto file = SALVAGE_TRY(io::open_file(path));
    crypto::Sha256 sum;
    SALVAGE_TRY(io::for_each_piece(*file, [&](ByteOffset /*at*/, ByteView piece) {
        sum.update(piece);
        return told ? told(piece.size()) : Result<>{};
    }));
    return to_hex(sum.finish());
}

} // namespace salvage::rescue
