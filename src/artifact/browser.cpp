#include "artifact/browser.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include <fmt/format.h>

#include "artifact/kinds.hpp"
#include "artifact/list_output.hpp"

namespace salvage::artifact {
namespace {

constexpr std::size_t max_bookmarks = 100'000;
constexpr std::size_t max_text = 8192;
constexpr std::size_t max_folder = 256;
// A text that becomes a tree in memory takes some ten times its size.
constexpr std::size_t max_json = 8U << 20U;

std::string text_of(const Json& node, const char* key)
{
    const auto found = node.find(key);
    return found != node.end() && found->is_string() ? found->get<std::string>().substr(0, max_text) : std::string{};
}

std::optional<std::int64_t> number_of(const std::string& text)
{
    std::int64_t out = 0;
    const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
    return problem == std::errc{} && stop == text.data() + text.size() ? std::optional{out} : std::nullopt;
}

/// A table of places: bookmarks or what was visited.
struct PlaceTable {
    std::string_view table;
    std::string_view kind;
    std::array<std::string_view, 4> columns; ///< title, url, time, visits
    std::optional<std::int64_t> (*to_ms)(std::optional<std::int64_t>);
};

std::optional<std::int64_t> as_it_is(std::optional<std::int64_t> time)
{
    return time && *time > 0 ? time : std::nullopt;
}
std::optional<std::int64_t> chrome_time(std::optional<std::int64_t> time)
{
    return from_chrome_time(time);
}

constexpr std::array chrome_tables{
    PlaceTable{"urls", "visited", {"title", "url", "last_visit_time", "visit_count"}, chrome_time}};
// packages/apps/Browser, BrowserProvider2.java.  Firefox for Android has the same names: mobile/android/base/db.
constexpr std::array browser_tables{PlaceTable{"bookmarks", "bookmark", {"title", "url", "created", ""}, as_it_is},
                                    PlaceTable{"history", "visited", {"title", "url", "date", "visits"}, as_it_is}};

class Writer {
public:
    Writer(Extraction& extraction, KindReport& report)
        : extraction_{&extraction}, report_{&report},
          list_{extraction, report, {"Kind", "Title", "Address", "When", "Visits", "Folder"}}
    {
    }

    Result<> add(std::string_view kind, const Bookmark& place, std::optional<std::int64_t> visits, const Origin& origin)
    {
        if (place.url.empty()) {
            return {};
        }
        Json json = Json::object();
        json["kind"] = kind;
        json["title"] = text_json(std::string_view{place.title});
        json["url"] = text_json(std::string_view{place.url});
        json["time"] = time_json(place.added_ms);
        json["visits"] = visits ? Json(*visits) : Json{};
        json["folder"] = place.folder.empty() ? Json{} : text_json(std::string_view{place.folder});
        return list_.add({{.text = std::string{kind}},
                          {.text = place.title},
                          {.text = place.url},
                          {.text = shown_time(place.added_ms)},
                          {.text = visits ? std::to_string(*visits) : std::string{}},
                          {.text = place.folder}},
                         std::move(json), origin);
    }

    Result<> chrome_bookmarks(const std::string& path)
    {
        const auto bytes = small_file(*extraction_, path, *report_);
        if (!bytes) {
            return {};
        }
        const auto parsed = parse_chrome_bookmarks(as_text(*bytes));
        if (!parsed.has_value()) {
            report_->problems.push_back(fmt::format("{}: {}", path, to_string(parsed.error())));
            return {};
        }
        for (const auto& bookmark : *parsed) {
            SALVAGE_TRY(add("bookmark", bookmark, std::nullopt, {.file = path}));
        }
        return {};
    }

    Result<> database(const std::string& path, std::span<const PlaceTable> tables)
    {
        auto database = SALVAGE_TRY(OpenDatabase::open(*extraction_, path, *report_));
        if (!database) {
            return {};
        }
        for (const auto& table : tables) {
            SALVAGE_TRY(database->each(table.table, table.columns, [&](const Row& row) {
                const Bookmark place{.title = row.text_or_empty(0).substr(0, max_text),
                                     .url = row.text_or_empty(1).substr(0, max_text),
                                     .folder = {},
                                     .added_ms = table.to_ms(row.integer(2))};
                return add(table.kind, place, row.integer(3), database->origin(table.table, row));
            }));
        }
        database->close(*report_);
        return {};
    }

    Result<> end() { return list_.end(); }

private:
    Extraction* extraction_;
    KindReport* report_;
    ListOutput list_;
};

Result<> read_chromes(Extraction& extraction, Writer& writer)
{
    constexpr std::array chromes{
        std::pair{"com.android.chrome", "app_chrome/Default"}, std::pair{"com.chrome.beta", "app_chrome/Default"},
        std::pair{"com.sec.android.app.sbrowser", "app_sbrowser/Default"}, std::pair{"com.opera.browser", "app_opera"}};
    for (const auto& [package, profile] : chromes) {
        for (const auto& folder : app_folders(*extraction.files, package)) {
            SALVAGE_TRY(writer.chrome_bookmarks(fmt::format("{}/{}/Bookmarks", folder, profile)));
            SALVAGE_TRY(writer.database(fmt::format("{}/{}/History", folder, profile), chrome_tables));
        }
    }
    return {};
}

} // namespace

std::optional<std::int64_t> from_chrome_time(std::optional<std::int64_t> microseconds) noexcept
{
    constexpr std::int64_t from_1601_to_1970_ms = 11'644'473'600'000;
    return microseconds && *microseconds > 0 ? std::optional{*microseconds / 1000 - from_1601_to_1970_ms}
                                             : std::nullopt;
}

Result<std::vector<Bookmark>> parse_chrome_bookmarks(std::string_view json)
{
    const auto document = json.size() <= max_json ? Json::parse(json, nullptr, false) : Json{};
    const auto roots = document.is_object() ? document.find("roots") : document.end();
    if (!document.is_object() || roots == document.end()) {
        return malformed(ByteOffset{0}, "the file of bookmarks is no JSON of Chrome's");
    }
    std::vector<Bookmark> out;
    std::vector<std::pair<const Json*, std::shared_ptr<const std::string>>>
        waiting; // a tree of any depth, without recursion
    for (const auto& root : *roots) {
        waiting.emplace_back(&root, std::make_shared<const std::string>());
    }
    while (!waiting.empty() && out.size() < max_bookmarks) {
        const auto [node, folder] = std::move(waiting.back());
        waiting.pop_back();
        if (!node->is_object()) {
            continue;
        }
        if (text_of(*node, "type") == "url") {
            out.push_back({.title = text_of(*node, "name"),
                           .url = text_of(*node, "url"),
                           .folder = *folder,
                           .added_ms = from_chrome_time(number_of(text_of(*node, "date_added")))});
        }
        const auto children = node->find("children");
        if (children != node->end() && children->is_array()) {
            const auto name = std::make_shared<const std::string>(text_of(*node, "name").substr(0, max_folder));
            for (const auto& child : *children) {
                waiting.emplace_back(&child, name);
            }
        }
    }
    return out;
}

Result<KindReport> extract_browser(Extraction& extraction)
{
    KindReport report{.name = "browser", .title = "Bookmarks and visited pages"};
    Writer writer{extraction, report};
    SALVAGE_TRY(read_chromes(extraction, writer));
    for (const auto* const package : {"com.android.browser", "com.google.android.browser"}) {
        for (const auto& folder : app_folders(*extraction.files, package)) {
            SALVAGE_TRY(writer.database(folder + "/databases/browser2.db", browser_tables));
        }
    }
    for (const auto& folder : app_folders(*extraction.files, "org.mozilla.firefox")) {
        for (const auto& profile : extraction.files->list(folder + "/files/mozilla")) {
            SALVAGE_TRY(profile.is_folder
                            ? writer.database(fmt::format("{}/files/mozilla/{}/browser.db", folder, profile.name),
                                              browser_tables)
                            : Result<>{});
        }
    }
    SALVAGE_TRY(writer.end());
    return report;
}

} // namespace salvage::artifact
