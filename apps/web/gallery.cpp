#include "gallery.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "salvage/artifact/movie.hpp"
#include "salvage/rescue/export.hpp"
#include "salvage/rescue/walk.hpp"

namespace salvage::web {
namespace {

using namespace std::chrono_literals;

// The first pictures are there while the rest of a large phone is walked.
constexpr auto between_shows = 500ms;

bool is_newer(const GalleryItem& left, const GalleryItem& right)
{
    return left.seconds != right.seconds ? left.seconds > right.seconds : left.path < right.path;
}

std::optional<GalleryItem> item_of(const rescue::ListedEntry& listed)
{
    if (listed.entry.type != filesystem::EntryType::file) {
        return std::nullopt;
    }
    const auto kind = rescue::kind_of(listed.entry.name);
    if (kind != rescue::FileKind::image && kind != rescue::FileKind::video) {
        return std::nullopt;
    }
    return GalleryItem{.path = listed.path,
                       .is_video = kind == rescue::FileKind::video,
                       .inode = listed.entry.inode,
                       .size = listed.entry.size,
                       .seconds = listed.entry.modified.seconds};
}

MediaFacts read_facts(const filesystem::FileSystem& files, const GalleryItem& item)
{
    MediaFacts out;
    const auto content = files.open(item.inode);
    if (!content.has_value()) {
        out.lost = item.size;
        return out;
    }
    if (const auto extents = (*content)->extents(io::whole(**content)); extents.has_value()) {
        for (const auto& extent : *extents) {
            if (extent.kind == io::ExtentKind::unreadable) {
                out.lost = out.lost + extent.range.size();
            }
        }
    }
    if (item.is_video) {
        const auto movie = artifact::read_movie_facts(**content);
        out.seconds = movie.has_value() ? movie->seconds : std::nullopt;
    } else if (auto photo = artifact::read_photo_facts(**content); photo.has_value()) {
        out.photo = *std::move(photo);
    }
    return out;
}

} // namespace

std::string day_of(std::int64_t seconds)
{
    using std::chrono::year;
    constexpr std::int64_t first = -62'167'219'200; // 0000-01-01
    constexpr std::int64_t last = 253'402'300'799;  // 9999-12-31
    const std::chrono::sys_seconds time{std::chrono::seconds{std::clamp(seconds, first, last)}};
    const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(time)};
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()));
}

Gallery::State Gallery::get(const Known& known)
{
    const std::scoped_lock changing{changing_};
    {
        const std::scoped_lock lock{mutex_};
        if (number_ == known.number) {
            return state_;
        }
    }
    walker_ = {}; // ends the one before
    {
        const std::scoped_lock lock{mutex_};
        number_ = known.number;
        state_ = {.is_ready = false, .items = std::make_shared<const std::vector<GalleryItem>>()};
        facts_.clear();
    }
    walker_ = std::jthread{[this, files = known.files](const std::stop_token& stop) { look(stop, *files); }};
    const std::scoped_lock lock{mutex_};
    return state_;
}

void Gallery::look(const std::stop_token& stop, const filesystem::FileSystem& files)
{
    RunContext context;
    context.stop = stop;
    std::vector<GalleryItem> found;
    auto shown = std::chrono::steady_clock::now();
    const auto visit = [&](const rescue::ListedEntry& listed) -> Result<> {
        if (auto item = item_of(listed)) {
            found.push_back(*std::move(item));
        }
        if (const auto now = std::chrono::steady_clock::now(); now - shown > between_shows) {
            shown = now;
            show(found, false);
        }
        return {};
    };
    const auto walked = rescue::walk(files, "/", rescue::Recursive::yes, visit, context);
    ignore(walked, "what could be reached is shown; a folder's damage is told where it is listed");
    if (!stop.stop_requested()) {
        show(std::move(found), true);
    }
}

void Gallery::show(std::vector<GalleryItem> items, bool is_ready)
{
    std::ranges::sort(items, is_newer);
    auto shared = std::make_shared<const std::vector<GalleryItem>>(std::move(items));
    const std::scoped_lock lock{mutex_};
    state_ = {.is_ready = is_ready, .items = std::move(shared)};
}

MediaFacts Gallery::facts(const Known& known, const GalleryItem& item)
{
    {
        const std::scoped_lock lock{mutex_};
        const auto found = facts_.find(item.inode);
        if (number_ == known.number && found != facts_.end()) {
            return found->second;
        }
    }
    auto out = read_facts(*known.files, item);
    const std::scoped_lock lock{mutex_};
    if (number_ == known.number) {
        facts_.emplace(item.inode, out);
    }
    return out;
}

void Gallery::forget()
{
    const std::scoped_lock changing{changing_};
    walker_ = {};
    const std::scoped_lock lock{mutex_};
    number_ = 0;
    state_ = {};
    facts_.clear();
}

} // namespace salvage::web
