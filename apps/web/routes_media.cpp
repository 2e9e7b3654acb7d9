// Looking into files: the gallery, small pictures, databases.
#include <algorithm>
#include <filesystem>
#include <span>

#include <fmt/format.h>

#include "app.hpp"
#include "file_body.hpp"
#include "file_entries.hpp"
#include "keys.hpp"
#include "media_types.hpp"
#include "salvage/artifact/sqlite.hpp"
#include "salvage/artifact/thumbnail.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/rescue/export.hpp"

namespace salvage::web {
namespace {

// ---- the gallery

constexpr std::uint8_t first_turned_orientation = 5; // from here on width and height change places

Json item_json(const GalleryItem& item, const MediaFacts& facts)
{
    Json out{{"key", key_of(item.path)},
             {"name", shown_name(item.path.substr(item.path.rfind('/') + 1))},
             {"kind", item.is_video ? "video" : "image"},
             {"size", item.size.value},
             {"day", day_of(item.seconds)}};
    const auto* const photo = facts.photo ? &*facts.photo : nullptr;
    const auto is_turned = photo != nullptr && photo->orientation >= first_turned_orientation;
    out["taken"] = photo != nullptr && photo->taken ? photo->taken->local_seconds : item.seconds;
    out["width"] = photo == nullptr ? Json(nullptr) : or_null(is_turned ? photo->height : photo->width);
    out["height"] = photo == nullptr ? Json(nullptr) : or_null(is_turned ? photo->width : photo->height);
    out["seconds"] = or_null(facts.seconds);
    out["lost_bytes"] = facts.lost.value;
    return out;
}

Json days_json(const std::vector<GalleryItem>& items)
{
    Json out = Json::array();
    std::string day;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (auto next = day_of(items[i].seconds); next != day) {
            day = std::move(next);
            out.push_back({{"day", day}, {"first", i}, {"count", 0}});
        }
        auto& count = out.back()["count"];
        count = count.get<std::uint64_t>() + 1;
    }
    return out;
}

Result<Answer> get_gallery(App& app, const Request& request)
{
    const auto known = SALVAGE_TRY(app.place.opened());
    const auto offset = SALVAGE_TRY(number_or(request, "offset", 0, 0, UINT32_MAX));
    const auto limit = SALVAGE_TRY(number_or(request, "limit", 500, 1, 5000));
    const auto state = app.gallery.get(*known);
    const auto& all = *state.items;
    Json items = Json::array();
    for (auto i = offset; i < std::min<std::uint64_t>(offset + limit, all.size()); ++i) {
        const auto& item = all[static_cast<std::size_t>(i)];
        items.push_back(item_json(item, app.gallery.facts(*known, item)));
    }
    return answer_of(Json{{"state", state.is_ready ? "ready" : "looking"},
                          {"total", all.size()},
                          {"days", days_json(all)},
                          {"items", std::move(items)}});
}

// ---- small pictures

constexpr std::uint32_t thumbnail_side = 384;
// What is no larger is sent as it is where it cannot be made small.
constexpr ByteCount small_picture{512U << 10U};

/// Where the case keeps it.  Inodes of the deleted tree are numbered anew each time: theirs are not kept.
std::filesystem::path cache_path(const Known& known, const filesystem::Entry& entry)
{
    return known.open->folder->path() / "thumbnails" /
           fmt::format("{}-{}-{}.{}.jpg", entry.inode, entry.size.value, entry.modified.seconds,
                       entry.modified.nanoseconds);
}

void keep(const std::filesystem::path& path, ByteView bytes)
{
    std::error_code problem;
    std::filesystem::create_directories(path.parent_path(), problem);
    ignore(io::write_file_atomically(path, bytes, io::Existing::replace), "best effort: it can be made again");
}

Answer picture_answer(std::string type, std::string bytes)
{
    return {.type = std::move(type), .body = std::move(bytes), .policy = Policy::sandbox};
}

std::optional<Bytes> kept(const std::filesystem::path& path)
{
    const auto file = io::open_file(path);
    auto bytes = file.has_value() ? io::read_all(**file, small_picture) : Result<Bytes>{file.error()};
    return bytes.has_value() ? std::optional{*std::move(bytes)} : std::nullopt;
}

Result<Bytes> small_of(App& app, const WantedFile& file)
{
    const std::scoped_lock turn{app.decoding}; // a large photo takes hundreds of MiB
    const auto facts = SALVAGE_TRY(artifact::read_photo_facts(*file.content));
    return artifact::make_thumbnail(*file.content, facts, thumbnail_side);
}

Result<Answer> get_thumbnail(App& app, const Request& request)
{
    const auto known = SALVAGE_TRY(app.place.opened());
    const auto file = SALVAGE_TRY(wanted_file(*known, request));
    const bool is_kept = !SALVAGE_TRY(wants_deleted(request));
    const auto path = cache_path(*known, file.entry);
    if (is_kept) {
        if (const auto bytes = kept(path)) {
            return picture_answer("image/jpeg", std::string{as_text(*bytes)});
        }
    }
    const auto small = small_of(app, file);
    if (small.has_value()) {
        if (is_kept) {
            keep(path, *small);
        }
        return picture_answer("image/jpeg", std::string{as_text(*small)});
    }
    const auto type = media_type(file.entry.name);
    if (!type.starts_with("image/") || file.content->size() > small_picture) {
        return not_found("there is no small picture of this file", small.error().what,
                         type.starts_with("image/") ? "open the file itself" : "");
    }
    auto answer = file_answer(file.content, {});
    answer.type = type;
    answer.policy = Policy::sandbox;
    return answer;
}

// ---- databases

// What is shown of one cell; the whole stands in the file.
constexpr std::size_t max_cell_bytes = 4096;
// Counting every table of a larger one takes longer than a person waits.
constexpr ByteCount counted_database{256U << 20U};

io::SourcePtr beside(const filesystem::FileSystem& files, const std::string& path, std::string_view ending)
{
    const auto entry = filesystem::find_path(files, path + std::string{ending});
    if (!entry.has_value() || entry->type != filesystem::EntryType::file) {
        return nullptr;
    }
    auto content = files.open(entry->inode);
    return content.has_value() ? *std::move(content) : nullptr;
}

Json cell_json(const artifact::Value& value)
{
    struct Show {
        Json operator()(std::monostate /*null*/) const { return nullptr; }
        Json operator()(std::int64_t number) const { return number; }
        Json operator()(double number) const { return number; }
        Json operator()(const std::string& text) const
        {
            return text.size() <= max_cell_bytes ? Json(text) : Json(text.substr(0, max_cell_bytes) + "\xE2\x80\xA6");
        }
        Json operator()(const Bytes& blob) const { return {{"blob", blob.size()}}; }
    };
    return std::visit(Show{}, value);
}

Json tables_json(artifact::Database& database, bool is_counted)
{
    Json out = Json::array();
    for (const auto& table : database.tables()) {
        const auto rows = is_counted ? database.count(table.name) : Result<std::uint64_t>{not_found("not counted")};
        out.push_back({{"name", table.name}, {"rows", rows.has_value() ? Json(*rows) : Json(nullptr)}});
    }
    return out;
}

Result<> add_rows(artifact::Database& database, const std::string& name, const Request& request, Json& out)
{
    const auto offset = SALVAGE_TRY(number_or(request, "offset", 0, 0, UINT32_MAX));
    const auto limit = SALVAGE_TRY(number_or(request, "limit", 100, 1, 500));
    const auto* const table = database.find_table(name);
    if (table == nullptr) {
        return not_found(fmt::format("there is no table {}", printable(name)), {},
                         "choose one of those that are named");
    }
    std::vector<std::string_view> columns;
    columns.reserve(table->columns.size());
    for (const auto& column : table->columns) {
        columns.emplace_back(column.name);
        out["columns"].push_back(column.name);
    }
    out["table"] = table->name;
    out["total"] = SALVAGE_TRY(database.count(table->name));
    const auto visit = [&out](const artifact::Row& row) -> Result<> {
        Json cells = Json::array();
        for (const auto& value : row.values) {
            cells.push_back(cell_json(value));
        }
        out["rows"].push_back(std::move(cells));
        return {};
    };
    const auto read = SALVAGE_TRY(database.read(table->name, columns, visit, {.first = offset, .most = limit}));
    out["problem"] = read.problem ? Json(to_string(*read.problem)) : Json(nullptr);
    return {};
}

Result<Answer> get_sqlite(App& app, const Request& request)
{
    const auto known = SALVAGE_TRY(app.place.opened());
    const auto file = SALVAGE_TRY(wanted_file(*known, request));
    const auto& files = *SALVAGE_TRY(wanted_files(*known, request));
    auto database = SALVAGE_TRY(artifact::Database::open({.database = file.content,
                                                          .wal = beside(files, file.path, "-wal"),
                                                          .journal = beside(files, file.path, "-journal")},
                                                         known->open->closed.get_token()));
    Json out{{"tables", tables_json(database, file.content->size() <= counted_database)}};
    out["table"] = nullptr;
    out["columns"] = Json::array();
    out["total"] = 0;
    out["rows"] = Json::array();
    if (const auto* const name = request.find("table"); name != nullptr && !name->empty()) {
        SALVAGE_TRY(add_rows(database, *name, request, out));
    }
    return answer_of(out);
}

} // namespace

std::vector<Route> media_routes()
{
    return {{.method = "GET", .path = "/api/v1/gallery", .reach = Reach::reader, .handler = get_gallery},
            {.method = "GET", .path = "/api/v1/thumbnail", .reach = Reach::reader, .handler = get_thumbnail},
            {.method = "GET", .path = "/api/v1/sqlite", .reach = Reach::reader, .handler = get_sqlite}};
}

} // namespace salvage::web
