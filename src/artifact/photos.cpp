// Photos and videos: where cameras, messengers and people put them, by day.
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <map>

#include <fmt/format.h>

#include "artifact/kinds.hpp"
#include "artifact/list_output.hpp"
#include "salvage/artifact/exif.hpp"
#include "salvage/core/text.hpp"

namespace salvage::artifact {
namespace {

// Folders of messengers nest five deep or so.
constexpr int max_depth = 16;
constexpr std::size_t tiles_a_page = 200;
constexpr std::int64_t second_ns = 1'000'000'000;

/// Below the storage that a phone shows to its owner.  Messengers: their own folders, of WhatsApp also the newer one.
constexpr std::array folders{
    "DCIM",     "Pictures",    "Movies",   "Download",  "WhatsApp/Media", "Android/media/com.whatsapp/WhatsApp/Media",
    "Telegram", "viber/media", "Snapchat", "Bluetooth", "bluetooth",      "Camera",
    "Photos",   "Videos"};

struct Found {
    std::string path;
    std::string name;
    std::int64_t modified_ns{};
};

/// When a photo was taken, and how that is known.
struct Taken {
    std::int64_t local_seconds{}; ///< as a clock showed it; for times of files that is UTC
    std::string_view source;      ///< "exif", "name", "file"
    std::optional<int> offset_minutes;
};

/// Where the owner's files may be: of each user, of older phones, of a memory card.
std::vector<std::string> storages(const PhoneFiles& files)
{
    std::vector<std::string> out;
    for (const auto& entry : files.list("/media")) {
        const bool is_user = entry.is_folder && !entry.name.empty() && std::ranges::all_of(entry.name, [](char letter) {
                                 return letter >= '0' && letter <= '9';
                             });
        if (is_user) {
            out.push_back("/media/" + entry.name);
        }
    }
    out.emplace_back("/media");
    out.emplace_back("");
    return out;
}

class Finder {
public:
    Finder(Extraction& extraction, KindReport& report) : extraction_{&extraction}, report_{&report} {}

    Result<std::vector<Found>> run()
    {
        for (const auto& storage : storages(*extraction_->files)) {
            for (const auto* const folder : folders) {
                SALVAGE_TRY(look_in(fmt::format("{}/{}", storage, folder), 0));
            }
        }
        if (left_out_ > 0) {
            report_->problems.push_back(fmt::format(
                "{} photos and videos are left out: more are there than any phone holds", format_count(left_out_)));
        }
        if (folders_ > extraction_->bounds.folders) {
            report_->problems.push_back(fmt::format("folders are left out: after {} there was no end of them",
                                                    format_count(extraction_->bounds.folders)));
        }
        return std::move(found_);
    }

private:
    Result<> look_in(const std::string& folder, int depth)
    {
        if (extraction_->context->is_stopped()) {
            return cancelled("looking for photos");
        }
        if (++folders_ > extraction_->bounds.folders) { // folders that hold each other have no end
            return {};
        }
        for (const auto& entry : extraction_->files->list(folder)) {
            const auto path = folder + "/" + entry.name;
            if (entry.is_folder) {
                // Android's own small copies of what lies beside.
                const bool is_copy = entry.name == ".thumbnails" || entry.name == ".trashed";
                SALVAGE_TRY(is_copy || depth >= max_depth ? Result<>{} : look_in(path, depth + 1));
                continue;
            }
            const auto kind = media_kind_of({}, entry.name);
            if (kind != MediaKind::image && kind != MediaKind::video) {
                continue;
            }
            if (found_.size() < extraction_->bounds.photos) {
                found_.push_back({.path = path, .name = entry.name, .modified_ns = entry.modified_ns});
            } else {
                ++left_out_;
            }
        }
        return {};
    }

    Extraction* extraction_;
    KindReport* report_;
    std::vector<Found> found_;
    std::uint64_t left_out_{0};
    std::uint64_t folders_{0};
};

std::optional<unsigned> number(std::string_view digits)
{
    unsigned out = 0;
    const auto [stop, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return problem == std::errc{} && stop == digits.data() + digits.size() ? std::optional{out} : std::nullopt;
}

std::optional<std::int64_t> day_seconds(std::string_view digits)
{
    const auto year = number(digits.substr(0, 4));
    const auto month = number(digits.substr(4, 2));
    const auto day = number(digits.substr(6, 2));
    if (!year || !month || !day || *year < 1990 || *year > 2100) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)}, std::chrono::month{*month},
                                           std::chrono::day{*day}};
    const std::chrono::seconds out =
        date.ok() ? std::chrono::sys_days{date}.time_since_epoch() : std::chrono::seconds{0};
    return date.ok() ? std::optional{std::int64_t{out.count()}} : std::nullopt;
}

/// "IMG_20170601_143059.jpg", "VID-20170601-WA0003.mp4": cameras and messengers write the day, most the time, too.
std::optional<std::int64_t> time_in_name(std::string_view name)
{
    const auto first = name.find("20");
    if (first == std::string_view::npos || name.size() < first + 8) {
        return std::nullopt;
    }
    const auto rest = name.substr(first);
    auto out = day_seconds(rest);
    if (!out || rest.size() < 15 || (rest[8] != '_' && rest[8] != '-')) {
        return out;
    }
    const auto hour = number(rest.substr(9, 2));
    const auto minute = number(rest.substr(11, 2));
    const auto second = number(rest.substr(13, 2));
    if (hour && minute && second && *hour < 24 && *minute < 60 && *second < 60) {
        *out += std::int64_t{*hour} * 3600 + std::int64_t{*minute} * 60 + *second;
    }
    return out;
}

Taken taken_of(const Found& file, const PhotoFacts& facts)
{
    if (facts.taken) {
        return {.local_seconds = facts.taken->local_seconds,
                .source = "exif",
                .offset_minutes = facts.taken->offset_minutes};
    }
    if (const auto named = time_in_name(file.name)) {
        return {.local_seconds = *named, .source = "name", .offset_minutes = std::nullopt};
    }
    const auto seconds = file.modified_ns / second_ns;
    return {.local_seconds = seconds, .source = "file", .offset_minutes = 0};
}

/// Whether a file is known to have lost bytes, before it is copied.
bool has_lost_bytes(const io::ByteSource& content)
{
    constexpr std::uint64_t window = 64U << 20U;
    for (std::uint64_t at = 0; at < content.size().value; at += window) {
        const auto size = std::min(window, content.size().value - at);
        const auto extents = content.extents(ByteRange::between(ByteOffset{at}, ByteOffset{at + size}));
        if (!extents.has_value() || std::ranges::any_of(*extents, [](const io::Extent& extent) {
                return extent.kind == io::ExtentKind::unreadable;
            })) {
            return true;
        }
    }
    return false;
}

std::string clock_text(const Taken& taken)
{
    auto out = shown_time(taken.local_seconds * 1000);
    if (taken.source == "file") {
        return out + " (time of the file)";
    }
    out = out.substr(0, std::min<std::size_t>(out.size(), 19));
    if (taken.offset_minutes) {
        const auto minutes = std::abs(*taken.offset_minutes);
        return out + fmt::format(" {}{:02}:{:02}", *taken.offset_minutes < 0 ? '-' : '+', minutes / 60, minutes % 60);
    }
    return out + (taken.source == "exif" ? " by the camera's clock" : " by its name");
}

struct Shown {
    std::string day; ///< "2017-06-01", "undated", "damaged"
    std::int64_t seconds{};
    Tile tile;
};

class Writer {
public:
    Writer(Extraction& extraction, KindReport& report) : extraction_{&extraction}, report_{&report} {}

    Result<> run(const std::vector<Found>& found)
    {
        json_ = SALVAGE_TRY(extraction_->sink->begin("photos/photos.json"));
        SALVAGE_TRY(json_->add("{\"schema\":\"salvage.photos/1\",\"photos\":["));
        for (const auto& file : found) {
            SALVAGE_TRY(add(file));
        }
        SALVAGE_TRY(json_->add("\n]}\n"));
        SALVAGE_TRY(json_->finish());
        report_->outputs.emplace_back("photos/photos.json");
        return draw();
    }

private:
    Result<> add(const Found& file)
    {
        auto content = extraction_->files->open(file.path);
        if (!content.has_value()) {
            return fail(file, content.error());
        }
        const auto kind = media_kind_of({}, file.name);
        const auto read = kind == MediaKind::image ? read_photo_facts(**content) : Result<PhotoFacts>{PhotoFacts{}};
        const auto facts = read.value_or(PhotoFacts{});
        const auto taken = taken_of(file, facts);
        const auto day = has_lost_bytes(**content) ? std::string{"damaged"} : day_of(taken);
        auto stored =
            extraction_->sink->store(**content, "photos/" + day, file.name, file.modified_ns, {.file = file.path});
        if (!stored.has_value() && is_about_the_source(stored.error())) {
            return fail(file, stored.error());
        }
        const auto place = SALVAGE_TRY(std::move(stored));
        ++report_->items;
        report_->damaged += place.lost > ByteCount{0} ? 1U : 0U;
        show(file, kind, facts, taken, place, day);
        return note(file, facts, taken, place);
    }

    static std::string day_of(const Taken& taken)
    {
        const auto day = shown_time(taken.local_seconds * 1000).substr(0, 10);
        // A clock that was never set stands at 1970 or 1980.
        constexpr std::int64_t first_phones = 631'152'000;
        return day.empty() || taken.local_seconds < first_phones ? "undated" : day;
    }

    Result<> fail(const Found& file, const Error& error)
    {
        ++report_->items;
        ++report_->damaged;
        constexpr std::size_t most_problems = 1000;
        if (report_->problems.size() < most_problems) {
            report_->problems.push_back(fmt::format("{}: {}", file.path, to_string(error)));
        }
        return error.code == ErrorCode::cancelled ? Result<>{error} : Result<>{};
    }

    Result<> note(const Found& file, const PhotoFacts& facts, const Taken& taken, const Stored& place)
    {
        Json out = Json::object();
        out["path"] = text_json(std::string_view{place.path});
        out["name"] = text_json(std::string_view{file.name});
        auto time = iso_time(taken.local_seconds * 1000);
        const bool has_zone = taken.source == "file";
        out["time"] =
            time.empty() ? Json{} : Json(has_zone ? time : time.substr(0, time.size() - 1)); // no Z: a local time
        out["time_source"] = taken.source;
        out["offset_minutes"] = taken.offset_minutes && !has_zone ? Json(*taken.offset_minutes) : Json{};
        out["latitude"] = facts.place ? Json(facts.place->latitude) : Json{};
        out["longitude"] = facts.place ? Json(facts.place->longitude) : Json{};
        out["make"] = facts.make.empty() ? Json{} : text_json(std::string_view{facts.make});
        out["model"] = facts.model.empty() ? Json{} : text_json(std::string_view{facts.model});
        out["width"] = facts.width ? Json(*facts.width) : Json{};
        out["height"] = facts.height ? Json(*facts.height) : Json{};
        out["orientation"] = facts.orientation;
        out["lost_bytes"] = place.lost.value;
        out["sha256"] = place.sha256;
        out["duplicate"] = place.is_duplicate;
        out["origin"] = origin_json({.file = file.path});
        SALVAGE_TRY(json_->add((is_first_ ? "\n" : ",\n") + dumped(out)));
        is_first_ = false;
        return {};
    }

    void show(const Found& file, MediaKind kind, const PhotoFacts& facts, const Taken& taken, const Stored& place,
              const std::string& day)
    {
        const bool is_turned = facts.orientation >= 5;
        Tile tile{.path = place.path,
                  .name = file.name,
                  .detail = clock_text(taken),
                  .kind = kind,
                  .width = is_turned ? facts.height : facts.width,
                  .height = is_turned ? facts.width : facts.height};
        if (facts.place) {
            tile.detail += fmt::format(", {:.5f}, {:.5f}", facts.place->latitude, facts.place->longitude);
        }
        if (place.lost > ByteCount{0}) {
            tile.problem = fmt::format("{} bytes of it could not be read", format_count(place.lost.value));
        }
        shown_.push_back({.day = day, .seconds = taken.local_seconds, .tile = std::move(tile)});
    }

    Result<> draw()
    {
        std::ranges::sort(shown_, {}, [](const Shown& one) { return std::tie(one.day, one.seconds, one.tile.path); });
        // All pages first, so that each knows its neighbours.
        std::vector<std::span<Shown>> pages;
        std::vector<std::string> paths;
        std::size_t number_in_day = 0;
        for (std::span<Shown> rest{shown_}; !rest.empty();) {
            const auto end = std::ranges::find_if(rest, [&](const Shown& one) { return one.day != rest.front().day; });
            const auto count = std::min<std::size_t>(tiles_a_page, static_cast<std::size_t>(end - rest.begin()));
            const bool is_same_day = !pages.empty() && pages.back().front().day == rest.front().day;
            number_in_day = is_same_day ? number_in_day + 1 : 1;
            paths.push_back(fmt::format("photos/days/{}{}.html", rest.front().day,
                                        number_in_day == 1 ? std::string{} : fmt::format("-{}", number_in_day)));
            pages.push_back(rest.first(count));
            rest = rest.subspan(count);
        }
        TablePage days{.path = "photos/photos.html",
                       .title = "Photos and videos",
                       .columns = {"Day", "Photos and videos"},
                       .rows = {},
                       .notes = report_->notes};
        for (std::size_t i = 0; i < pages.size(); ++i) {
            const auto& day = pages[i].front().day;
            GalleryPage page{.path = paths[i],
                             .title = day == "undated"   ? "No day known"
                                      : day == "damaged" ? "Damaged"
                                                         : day};
            page.previous = i == 0 ? std::string{} : paths[i - 1];
            page.next = i + 1 == pages.size() ? std::string{} : paths[i + 1];
            for (auto& one : pages[i]) {
                page.tiles.push_back(std::move(one.tile));
            }
            SALVAGE_TRY(extraction_->sink->page(page));
            days.rows.push_back({{.text = page.title, .link = page.path}, {.text = std::to_string(page.tiles.size())}});
            extraction_->sink->index({.title = "Photos of " + page.title,
                                      .detail = fmt::format("{} photos and videos", page.tiles.size()),
                                      .path = page.path});
        }
        report_->page = days.path;
        return extraction_->sink->page(days);
    }

    Extraction* extraction_;
    KindReport* report_;
    std::unique_ptr<TextOutput> json_;
    bool is_first_{true};
    std::vector<Shown> shown_;
};

} // namespace

Result<KindReport> extract_photos(Extraction& extraction)
{
    KindReport report{.name = "photos", .title = "Photos and videos"};
    Finder finder{extraction, report};
    const auto found = SALVAGE_TRY(finder.run());
    if (found.empty()) {
        return report;
    }
    report.notes.emplace_back("Days go by the camera's own clock where the photo tells it, else by the day in the "
                              "file's name, else by the file's time in UTC.");
    Writer writer{extraction, report};
    SALVAGE_TRY(writer.run(found));
    return report;
}

} // namespace salvage::artifact
