// Looking at what is open: the report, the map, single bytes, finding.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "app.hpp"
#include "keys.hpp"
#include "salvage/core/text.hpp"
#include "salvage/render/html.hpp"
#include "salvage/render/render.hpp"
#include "salvage/rescue/content.hpp"
#include "salvage/rescue/look.hpp"
#include "salvage/rescue/open_volume.hpp"

namespace salvage::web {
namespace {

constexpr std::uint64_t any_offset = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t max_hits = 1000;

Result<Answer> get_report(App& app, const Request& /*request*/)
{
    const auto known = SALVAGE_TRY(app.place.known());
    return Answer{.body = render::json(*known->report)};
}

Result<Answer> get_page(App& app, const Request& /*request*/)
{
    const auto known = SALVAGE_TRY(app.place.known());
    const render::PageRun run{.written = system_clock().wall_time(), .version = app.version};
    return Answer{
        .type = "text/html; charset=utf-8", .body = render::html(*known->report, run), .policy = Policy::sandbox};
}

Result<Answer> get_content(App& app, const Request& request)
{
    const auto known = SALVAGE_TRY(app.place.known());
    const auto size = known->open->dump.source->size().value;
    const auto from = SALVAGE_TRY(number_or(request, "from", 0, 0, any_offset));
    const auto to = std::min(SALVAGE_TRY(number_or(request, "to", size, 0, any_offset)), size);
    const auto count = SALVAGE_TRY(number_or(request, "cells", 600, 1, 2000));
    if (from >= to) {
        return invalid_argument("there is no such range", fmt::format("bytes {} to {} of {}", from, to, size));
    }
    const auto range = ByteRange::between(ByteOffset{from}, ByteOffset{to});
    const auto cells = SALVAGE_TRY(rescue::look_at_content(*known->open->dump.source, known->report->scan, range,
                                                           static_cast<std::size_t>(count), known->open->context()));
    Json list = Json::array();
    for (const auto& cell : cells) {
        Json out{{"looks", to_string(cell.looks)}, {"entropy", cell.entropy < 0 ? Json(nullptr) : Json(cell.entropy)}};
        if (cell.unreadable.value > 0) {
            out["unreadable"] = cell.unreadable.value;
        }
        list.push_back(std::move(out));
    }
    return answer_of(Json{{"from", from}, {"to", to}, {"size", size}, {"cells", std::move(list)}});
}

// ---- sources of bytes

std::vector<rescue::Device> devices_of(const Known& known)
{
    return rescue::devices_of(known.open->dump, known.volume());
}

/// Where a device begins in the dump, where it lies in one piece there.
std::optional<ByteOffset> start_of(const Known& known, const rescue::Device& device)
{
    if (device.name == "dump") {
        return ByteOffset{0};
    }
    constexpr std::string_view prefix = "part:";
    if (!device.name.starts_with(prefix)) {
        return std::nullopt;
    }
    const auto* const partition = known.open->dump.layout.find(std::string_view{device.name}.substr(prefix.size()));
    return partition == nullptr ? std::nullopt : std::optional{partition->start};
}

Result<rescue::Device> wanted_device(const Known& known, const Request& request)
{
    const auto* const named = request.find("source");
    return rescue::find_device(devices_of(known), named == nullptr ? std::string_view{"dump"} : *named);
}

Result<Answer> get_sources(App& app, const Request& /*request*/)
{
    const auto known = SALVAGE_TRY(app.place.known());
    Json list = Json::array();
    for (const auto& device : devices_of(*known)) {
        const auto start = start_of(*known, device);
        list.push_back({{"id", device.name},
                        {"name", shown_name(device.name.starts_with("part:") ? device.name.substr(5) : device.name)},
                        {"description", device.description},
                        {"size", device.source->size().value},
                        {"start", start ? Json(start->value) : Json(nullptr)}});
    }
    return answer_of(Json{{"sources", std::move(list)}});
}

// How far ahead a hole's end is looked for at first, and at most at once.
constexpr std::uint64_t first_step = 1U << 20U;
constexpr std::uint64_t last_step = 64ULL << 30U;

/// Where what begins before `end` ends, as far as that is found in steps that double.
ByteOffset whole_end(const io::ByteSource& source, ByteOffset end, io::ExtentKind kind)
{
    const ByteOffset last{source.size().value};
    for (auto step = first_step; end < last; step = std::min(step * 2, last_step)) {
        const auto ahead = ByteRange::between(end, end + std::min(ByteCount{step}, last - end));
        const auto extents = source.extents(ahead);
        if (!extents.has_value() || extents->empty() || extents->front().kind != kind) {
            break;
        }
        end = extents->front().range.end();
        if (end != ahead.end()) {
            break;
        }
    }
    return end;
}

/// The same backwards.
ByteOffset whole_start(const io::ByteSource& source, ByteOffset start, io::ExtentKind kind)
{
    for (auto step = first_step; start > ByteOffset{0}; step = std::min(step * 2, last_step)) {
        const auto before = ByteRange::between(ByteOffset{start.value - std::min(step, start.value)}, start);
        const auto extents = source.extents(before);
        if (!extents.has_value() || extents->empty() || extents->back().kind != kind) {
            break;
        }
        start = extents->back().range.start();
        if (start != before.start()) {
            break;
        }
    }
    return start;
}

/// The first and the last are told of in their whole length: a hole is folded in one step.
Json extents_json(const io::ByteSource& source, std::vector<io::Extent> extents)
{
    if (!extents.empty() && extents.front().kind != io::ExtentKind::data) {
        auto& first = extents.front();
        first.range = ByteRange::between(whole_start(source, first.range.start(), first.kind), first.range.end());
    }
    if (!extents.empty() && extents.back().kind != io::ExtentKind::data) {
        auto& last = extents.back();
        last.range = ByteRange::between(last.range.start(), whole_end(source, last.range.end(), last.kind));
    }
    Json out = Json::array();
    for (const auto& extent : extents) {
        if (extent.kind != io::ExtentKind::data) {
            out.push_back({{"at", extent.range.start().value},
                           {"length", extent.range.size().value},
                           {"kind", extent.kind == io::ExtentKind::hole ? "hole" : "unreadable"}});
        }
    }
    return out;
}

/// Fields of a structure in the dump, as offsets of a source that begins at `start` of it.
Json fields_json(const rescue::HexReport& report, ByteOffset start, ByteCount size)
{
    Json out = Json::array();
    for (const auto& field : report.fields) {
        const auto at = report.structure_at + ByteCount{field.range.start().value};
        if (at < start || (at - start).value + field.range.size().value > size.value) {
            continue; // of a structure that begins before the source
        }
        out.push_back({{"at", (at - start).value},
                       {"length", field.range.size().value},
                       {"name", field.name},
                       {"value", field.value},
                       {"meaning", field.meaning},
                       {"spec", field.spec}});
    }
    return out;
}

std::string place_of(const rescue::Device& device, const Known& known, std::uint64_t at)
{
    const auto start = start_of(known, device);
    return start ? partition::describe_offset(known.open->dump.layout, *start + ByteCount{at})
                 : fmt::format("{}+{:#x}", device.name, at);
}

Result<Answer> get_bytes(App& app, const Request& request)
{
    const auto known = SALVAGE_TRY(app.place.known());
    const auto device = SALVAGE_TRY(wanted_device(*known, request));
    const auto at = SALVAGE_TRY(find_number(request, "at", 0, any_offset));
    if (!at) {
        return invalid_argument("no offset was named", "`at` is missing");
    }
    const auto length = SALVAGE_TRY(number_or(request, "length", 4096, 1, 65536));
    const auto size = device.source->size();
    const auto seen = SALVAGE_TRY(rescue::hex(*device.source, ByteOffset{*at}, ByteCount{length}));
    Json out{{"source", device.name},
             {"at", *at},
             {"length", seen.bytes.size()},
             {"size", size.value},
             {"place", place_of(device, *known, *at)},
             {"base64", to_base64(seen.bytes)},
             {"extents", extents_json(*device.source, seen.extents)}};
    out["structure"] = nullptr;
    out["structure_at"] = nullptr;
    out["fields"] = Json::array();
    if (const auto start = start_of(*known, device)) {
        const auto in_dump = *start + ByteCount{*at};
        const auto named = rescue::hex(known->open->dump, fmt::format("{}", in_dump.value), ByteCount{1});
        if (named.has_value() && !named->structure.empty() && named->structure_at >= *start) {
            out["structure"] = named->structure;
            out["structure_at"] = (named->structure_at - *start).value;
            out["fields"] = fields_json(*named, *start, size);
        }
    }
    return answer_of(out);
}

/// A plain number counts in the source; a name counts in the dump.
Result<ByteOffset> resolved(const Known& known, const rescue::Device& device, const std::string& text)
{
    const auto start = start_of(known, device);
    if (auto number = parse_quantity(text); number.has_value() || !start) {
        return ByteOffset{SALVAGE_TRY(std::move(number))};
    }
    const auto in_dump = SALVAGE_TRY(partition::resolve_offset(known.open->dump.layout, text));
    if (in_dump < *start) {
        return invalid_argument(fmt::format("{} does not lie in {}", printable(text), device.name));
    }
    return ByteOffset{(in_dump - *start).value};
}

Result<Answer> get_place(App& app, const Request& request)
{
    const auto known = SALVAGE_TRY(app.place.known());
    const auto device = SALVAGE_TRY(wanted_device(*known, request));
    const auto* const text = request.find("text");
    if (text == nullptr || text->empty() || text->size() > 200) {
        return invalid_argument("no place was named", "`text` has to be there, and 200 bytes at most");
    }
    const auto at = SALVAGE_TRY(resolved(*known, device, std::string{trimmed(*text)}));
    if (at.value >= device.source->size().value) {
        return invalid_argument(fmt::format("{} lies beyond the end", format_offset(at)),
                                fmt::format("{} has {} bytes", device.name, device.source->size().value));
    }
    return answer_of(
        Json{{"at", at.value}, {"hex", fmt::format("{:#x}", at.value)}, {"place", place_of(device, *known, at.value)}});
}

// ---- finding

Result<Answer> post_find(App& app, const Request& request)
{
    const auto body = SALVAGE_TRY(object_of(request));
    const std::scoped_lock alone{app.changing};
    const auto known = SALVAGE_TRY(app.place.known());
    const auto text = SALVAGE_TRY(text_at(body, "text", 1000));
    if (!text || text->empty()) {
        return invalid_argument("nothing to look for was named", "`text` is missing");
    }
    const rescue::FindRequest wanted{
        .text = *text, .is_hex = SALVAGE_TRY(flag_at(body, "is_hex")), .max_hits = max_hits};
    if (wanted.is_hex && !from_hex(wanted.text).has_value()) {
        return invalid_argument("these are no hex digits", "pairs of 0 to 9 and a to f were expected");
    }
    const auto id = app.jobs.start_alone(
        {.kind = JobKind::find, .title = fmt::format("Looking for {}", shown_name(wanted.text))},
        [known, wanted](JobControl& job) -> Result<std::string> {
            known->open->folder->log().write("find.start", fmt::format("looking for {}", printable(wanted.text)));
            return render::json(SALVAGE_TRY(rescue::find(known->open->dump, wanted, job.context())));
        });
    if (!id) {
        return busy("the dump is being looked through already", "two would share the cores and the disk",
                    "wait until it is done, or stop it");
    }
    return job_answer(app, *id);
}

} // namespace

std::vector<Route> look_routes()
{
    return {{.method = "GET", .path = "/api/v1/report", .reach = Reach::reader, .handler = get_report},
            {.method = "GET", .path = "/api/v1/report.html", .reach = Reach::reader, .handler = get_page},
            {.method = "GET", .path = "/api/v1/content", .reach = Reach::reader, .handler = get_content},
            {.method = "GET", .path = "/api/v1/sources", .reach = Reach::reader, .handler = get_sources},
            {.method = "GET", .path = "/api/v1/bytes", .reach = Reach::reader, .handler = get_bytes},
            {.method = "GET", .path = "/api/v1/place", .reach = Reach::reader, .handler = get_place},
            {.method = "POST", .path = "/api/v1/finds", .reach = Reach::writer, .handler = post_find}};
}

} // namespace salvage::web
