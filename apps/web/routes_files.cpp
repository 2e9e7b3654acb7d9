// The files of the opened volume: folders, content, facts.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "app.hpp"
#include "file_body.hpp"
#include "file_entries.hpp"
#include "keys.hpp"
#include "media_types.hpp"
#include "salvage/core/text.hpp"

namespace salvage::web {
namespace {

constexpr std::size_t max_lost_ranges = 1000;

Result<Answer> get_files(App& app, const Request& request)
{
    const auto known = SALVAGE_TRY(app.place.opened());
    ListingRequest wanted{.known = known->number, .path = {}};
    wanted.path = SALVAGE_TRY(wanted_path(request));
    wanted.is_deleted = SALVAGE_TRY(wants_deleted(request));
    if (const auto* const sort = request.find("sort"); sort != nullptr) {
        if (*sort != "name" && *sort != "size" && *sort != "mtime") {
            return invalid_argument("files are sorted by name, size or mtime");
        }
        wanted.sort = *sort == "size" ? SortBy::size : *sort == "mtime" ? SortBy::mtime : SortBy::name;
    }
    wanted.descending = Descending{SALVAGE_TRY(number_or(request, "descending", 0, 0, 1)) == 1};
    const auto offset = SALVAGE_TRY(number_or(request, "offset", 0, 0, UINT32_MAX));
    const auto limit = SALVAGE_TRY(number_or(request, "limit", 500, 1, 10'000));
    const auto& files = wanted.is_deleted ? *known->deleted : *known->files;
    const auto listing = SALVAGE_TRY(app.listings.get(files, wanted));
    const auto& all = listing->entries;
    Json entries = Json::array();
    for (auto i = offset; i < std::min<std::uint64_t>(offset + limit, all.size()); ++i) {
        entries.push_back(entry_json(files, wanted.path, all[static_cast<std::size_t>(i)]));
    }
    return answer_of(Json{{"key", key_of(wanted.path)},
                          {"name", shown_name(wanted.path.substr(wanted.path.rfind('/') + 1))},
                          {"total", all.size()},
                          {"problem", listing->problem ? Json(to_string(*listing->problem)) : Json(nullptr)},
                          {"entries", std::move(entries)}});
}

Result<Answer> get_file(App& app, const Request& request)
{
    const auto known = SALVAGE_TRY(app.place.opened());
    const auto file = SALVAGE_TRY(wanted_file(*known, request));
    const bool is_download = SALVAGE_TRY(number_or(request, "download", 0, 0, 1)) == 1;
    auto answer = file_answer(file.content, request.range);
    answer.type = media_type(file.entry.name);
    answer.policy = Policy::sandbox;
    if (is_download || answer.type == "application/octet-stream") {
        answer.headers.push_back({.name = "Content-Disposition", .value = attachment(file.entry.name)});
    }
    return answer;
}

/// Where the first byte lies in the dump itself.
Json first_byte_of(const Known& known, const io::ByteSource& content)
{
    if (content.size().value == 0) {
        return nullptr;
    }
    const auto extents = content.extents(*ByteRange::make(ByteOffset{0}, ByteCount{1}));
    const auto where = content.locate(ByteOffset{0});
    const bool is_hole = !extents.has_value() || extents->empty() || extents->front().kind == io::ExtentKind::hole;
    const auto raw = known.open->dump.source->locate(ByteOffset{0});
    if (is_hole || where.chain.empty() || raw.chain.empty() || where.chain.front().source != raw.chain.front().source) {
        return nullptr;
    }
    // A dump in a container has its own places below; the last one that it names is its own.
    const auto place = std::ranges::find(where.chain, raw.chain.back().source, &Place::source);
    return place == where.chain.end() ? Json(nullptr) : Json(place->at.value);
}

Result<Answer> get_file_info(App& app, const Request& request)
{
    const auto known = SALVAGE_TRY(app.place.opened());
    const auto path = SALVAGE_TRY(wanted_path(request));
    const auto& files = *SALVAGE_TRY(wanted_files(*known, request));
    auto entry = SALVAGE_TRY(filesystem::find_path(files, path));
    entry.name = path.substr(path.rfind('/') + 1);
    auto out = entry_json(files, path.substr(0, path.rfind('/')), entry);
    out["type_shown"] = media_type(entry.name);
    out["lost"] = Json::array();
    out["lost_bytes"] = 0;
    out["first_byte"] = nullptr;
    if (entry.type != filesystem::EntryType::file) {
        return answer_of(out);
    }
    const auto content = files.open(entry.inode);
    if (!content.has_value()) {
        out["problem"] = to_string(content.error());
        out["lost_bytes"] = entry.size.value;
        return answer_of(out);
    }
    std::uint64_t lost = 0;
    for (const auto& extent : SALVAGE_TRY((*content)->extents(io::whole(**content)))) {
        if (extent.kind != io::ExtentKind::unreadable) {
            continue;
        }
        lost += extent.range.size().value;
        if (out["lost"].size() < max_lost_ranges) {
            out["lost"].push_back({{"at", extent.range.start().value}, {"length", extent.range.size().value}});
        }
    }
    out["lost_bytes"] = lost;
    out["first_byte"] = first_byte_of(*known, **content);
    return answer_of(out);
}

} // namespace

std::vector<Route> file_routes()
{
    return {{.method = "GET", .path = "/api/v1/files", .reach = Reach::reader, .handler = get_files},
            {.method = "GET", .path = "/api/v1/file", .reach = Reach::reader, .handler = get_file},
            {.method = "GET", .path = "/api/v1/file-info", .reach = Reach::reader, .handler = get_file_info}};
}

} // namespace salvage::web
