// Appointments: calendar.db, as iCalendar, CSV, JSON and a page.
// Spec: AOSP packages/providers/CalendarProvider, CalendarDatabaseHelper.java; frameworks/base, CalendarContract.java;
// RFC 5545.
#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "artifact/kinds.hpp"
#include "artifact/list_output.hpp"
#include "salvage/core/text.hpp"

namespace salvage::artifact {
namespace {

constexpr std::array<std::string_view, 15> columns{
    "title",    "description", "eventLocation", "dtstart",  "dtend",
    "duration", "allDay",      "eventTimezone", "rrule",    "exdate",
    "deleted",  "calendar_id", "eventStatus",   "_sync_id", "originalInstanceTime"};
enum Column : std::uint8_t {
    title,
    description,
    location,
    start,
    end,
    duration,
    all_day,
    zone,
    rule,
    except,
    deleted,
    calendar,
    status,
    sync_id,
    instance
};

/// Rules and lists of dates stand in iCalendar as they do in the database; what is no such text is left out.
bool is_rule(std::string_view text) noexcept
{
    return !text.empty() && text.size() < 4096 &&
           std::ranges::all_of(
               text,
               [](char letter) {
                   return (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
                          std::string_view{"=;,:+-"}.contains(letter);
               });
}

/// "P3600S" as older Androids write it, "PT1H30M" of RFC 5545: milliseconds, or nothing.
std::optional<std::int64_t> duration_ms(std::string_view text)
{
    if (!text.starts_with('P')) {
        return std::nullopt;
    }
    text.remove_prefix(1);
    std::int64_t total = 0;
    while (!text.empty()) {
        if (text.front() == 'T') {
            text.remove_prefix(1);
            continue;
        }
        std::int64_t number = 0;
        const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
        constexpr std::int64_t most = 10'000'000;
        if (problem != std::errc{} || stop == text.data() + text.size() || number < 0 || number > most) {
            return std::nullopt;
        }
        constexpr std::array units{std::pair{'W', 604'800}, std::pair{'D', 86'400}, std::pair{'H', 3600},
                                   std::pair{'M', 60}, std::pair{'S', 1}};
        const auto* const unit = std::ranges::find(units, *stop, &std::pair<char, int>::first);
        if (unit == units.end()) {
            return std::nullopt;
        }
        total += number * unit->second;
        text.remove_prefix(static_cast<std::size_t>(stop - text.data()) + 1);
    }
    return total * 1000;
}

std::optional<std::int64_t> end_of(const Row& row)
{
    if (row.integer(end)) {
        return row.integer(end);
    }
    const auto length = duration_ms(row.text_or_empty(duration));
    const auto from = row.integer(start);
    constexpr std::int64_t most = 1'000'000'000'000'000;
    return length && from && *from < most ? std::optional{*from + *length} : std::nullopt;
}

std::string to_event(const Row& row, std::string_view uid, std::span<const std::string> guests,
                     std::string_view calendar_name)
{
    const bool is_day = row.integer(all_day).value_or(0) != 0;
    const auto time = [&](const char* name, std::optional<std::int64_t> when) {
        const auto text = is_day ? basic_day(when) : basic_time(when);
        return text.empty() ? std::string{}
                            : card_line(fmt::format("{}{}:{}", name, is_day ? ";VALUE=DATE" : "", text));
    };
    const auto text = [&](const char* name, const std::string& value) {
        return value.empty() ? std::string{}
                             : card_line(fmt::format("{}:{}", name, card_value(value.substr(0, max_text_bytes))));
    };
    std::string out = "BEGIN:VEVENT\r\n";
    out += card_line(fmt::format("UID:{}", uid));
    // The time of the calendar entry's making is not kept; one that is the same in every run has to stand here.
    const auto stamp = basic_time(row.integer(start));
    out += card_line("DTSTAMP:" + (stamp.empty() ? "19700101T000000Z" : stamp));
    out += time("DTSTART", row.integer(start)) + time("DTEND", end_of(row));
    out += text("SUMMARY", row.text_or_empty(title)) + text("DESCRIPTION", row.text_or_empty(description)) +
           text("LOCATION", row.text_or_empty(location));
    out += is_rule(row.text_or_empty(rule)) ? card_line("RRULE:" + row.text_or_empty(rule)) : std::string{};
    const auto exceptions = row.text_or_empty(except);
    out += is_rule(exceptions) && !is_day ? card_line("EXDATE:" + exceptions) : std::string{};
    constexpr std::array<const char*, 3> states{"TENTATIVE", "CONFIRMED", "CANCELLED"};
    const auto state = row.integer(status);
    out += state && *state >= 0 && *state < 3
               ? fmt::format("STATUS:{}\r\n", states.at(static_cast<std::size_t>(*state)))
               : std::string{};
    out += text("X-ANDROID-TIMEZONE", row.text_or_empty(zone)) + text("CATEGORIES", std::string{calendar_name});
    for (const auto& guest : guests) {
        out += text("X-ANDROID-ATTENDEE", guest);
    }
    return out + "END:VEVENT\r\n";
}

class Writer {
public:
    Writer(Extraction& extraction, KindReport& report)
        : extraction_{&extraction}, report_{&report},
          list_{extraction, report, {"What", "From", "To", "Where", "Calendar", "More"}}
    {
        list_.add_note(
            "Times are UTC. An appointment that repeats does so at the same UTC time in the iCalendar file: across a "
            "change of the clocks it may be an hour off. The phone's zone for it stands beside it.");
    }

    Result<> read(OpenDatabase& database)
    {
        ++databases_;
        std::map<std::int64_t, std::string> calendars;
        constexpr std::array<std::string_view, 2> calendar_columns{"calendar_displayName", "name"};
        SALVAGE_TRY(database.each("Calendars", calendar_columns, [&](const Row& row) -> Result<> {
            if (auto text = row.text(0).value_or(row.text_or_empty(1)).substr(0, max_name);
                database.may_keep(text.size())) {
                calendars[row.rowid.value_or(0)] = std::move(text);
            }
            return {};
        }));
        std::map<std::int64_t, std::vector<std::string>> guests;
        constexpr std::array<std::string_view, 3> guest_columns{"event_id", "attendeeName", "attendeeEmail"};
        SALVAGE_TRY(database.each("Attendees", guest_columns, [&](const Row& row) -> Result<> {
            auto guest = fmt::format("{} <{}>", row.text_or_empty(1).substr(0, max_name),
                                     row.text_or_empty(2).substr(0, max_name));
            if (database.may_keep(guest.size())) {
                guests[row.integer(0).value_or(0)].push_back(std::move(guest));
            }
            return {};
        }));
        return database.each("Events", columns, [&](const Row& row) -> Result<> {
            if (row.integer(deleted).value_or(0) != 0) {
                ++deleted_;
                return {};
            }
            const auto in = calendars.find(row.integer(calendar).value_or(0));
            const auto with = guests.find(row.rowid.value_or(0));
            return add(row, database.origin("Events", row), in == calendars.end() ? std::string{} : in->second,
                       with == guests.end() ? std::span<const std::string>{} : std::span{with->second});
        });
    }

    Result<> finish()
    {
        if (deleted_ > 0) {
            report_->notes.push_back(
                fmt::format("{} appointments that the phone had marked as deleted are left out.", deleted_));
        }
        if (file_ != nullptr) {
            SALVAGE_TRY(file_->add("END:VCALENDAR\r\n"));
            SALVAGE_TRY(file_->finish());
            report_->outputs.emplace_back("calendar/calendar.ics");
        }
        return list_.end();
    }

private:
    static constexpr std::size_t max_name = 1024;

    Result<> add(const Row& row, const Origin& origin, const std::string& calendar_name,
                 std::span<const std::string> guests)
    {
        if (file_ == nullptr) {
            file_ = SALVAGE_TRY(extraction_->sink->begin("calendar/calendar.ics"));
            SALVAGE_TRY(file_->add("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Salvage//extract//EN\r\n"));
        }
        if (row.integer(start)) {
            const auto uid = fmt::format("event-{}-{}@phone.salvage", databases_, row.rowid.value_or(0));
            SALVAGE_TRY(file_->add(to_event(row, uid, guests, calendar_name)));
        }
        const bool is_day = row.integer(all_day).value_or(0) != 0;
        const auto shown = [&](std::optional<std::int64_t> when) {
            return is_day ? shown_time(when).substr(0, 10) : shown_time(when);
        };
        Json json = Json::object();
        json["title"] = text_json(row.text(title));
        json["start"] = time_json(row.integer(start));
        json["end"] = time_json(end_of(row));
        json["all_day"] = is_day;
        json["zone"] = text_json(row.text(zone));
        json["location"] = text_json(row.text(location));
        json["description"] = text_json(row.text(description));
        json["rule"] = text_json(row.text(rule));
        json["calendar"] = text_json(std::string_view{calendar_name});
        auto more = row.text_or_empty(description);
        more += row.text_or_empty(rule).empty() ? std::string{} : "\nrepeats: " + row.text_or_empty(rule);
        extraction_->sink->index(
            {.title = row.text_or_empty(title).substr(0, max_name),
             .detail = shown(row.integer(start)) + " " + row.text_or_empty(location).substr(0, max_name),
             .path = "calendar/calendar.html"});
        return list_.add({{.text = row.text_or_empty(title)},
                          {.text = shown(row.integer(start))},
                          {.text = shown(end_of(row))},
                          {.text = row.text_or_empty(location)},
                          {.text = calendar_name},
                          {.text = std::string{trimmed(more)}}},
                         std::move(json), origin);
    }

    Extraction* extraction_;
    KindReport* report_;
    ListOutput list_;
    std::unique_ptr<TextOutput> file_;
    unsigned databases_{0}; ///< of several users: one row's number is told from another's
    std::uint64_t deleted_{0};
};

} // namespace

Result<KindReport> extract_calendar(Extraction& extraction)
{
    KindReport report{.name = "calendar", .title = "Calendar"};
    Writer writer{extraction, report};
    for (const auto& folder : app_folders(*extraction.files, "com.android.providers.calendar")) {
        if (auto database = SALVAGE_TRY(OpenDatabase::open(extraction, folder + "/databases/calendar.db", report))) {
            SALVAGE_TRY(writer.read(*database));
            database->close(report);
        }
    }
    SALVAGE_TRY(writer.finish());
    return report;
}

} // namespace salvage::artifact
