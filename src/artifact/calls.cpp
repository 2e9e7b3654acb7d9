// Calls: calllog.db since Android 7, contacts2.db before, Samsung's own log of all that went over the air.
// Spec: AOSP packages/providers/ContactsProvider, CallLogDatabaseHelper.java; frameworks/base, CallLog.java.
#include <array>

#include <fmt/format.h>

#include "artifact/kinds.hpp"
#include "artifact/list_output.hpp"

namespace salvage::artifact {
namespace {

constexpr std::array<std::string_view, 9> columns{
    "number", "date", "duration", "type", "name", "geocoded_location", "presentation", "countryiso", "logtype"};
enum Column : std::uint8_t { number, date, duration, type, name, place, presentation, country, logtype };

constexpr std::array sources{CallSource{"com.android.providers.contacts", "calllog.db", "calls"},
                             CallSource{"com.android.providers.contacts", "contacts2.db", "calls"},
                             CallSource{"com.sec.android.provider.logsprovider", "logs.db", "logs"}};

/// Why there is no number.
std::string_view hidden_of(std::optional<std::int64_t> value) noexcept
{
    constexpr std::array<std::string_view, 5> reasons{"", "", "number withheld", "number unknown", "pay phone"};
    return value && *value >= 0 && *value < 5 ? reasons.at(static_cast<std::size_t>(*value)) : reasons[0];
}

Result<> add(ListOutput& list, const Extraction& extraction, const Row& row, const Origin& origin)
{
    auto who = extraction.names.find(row.text_or_empty(number));
    if (who.empty()) {
        who = row.text_or_empty(name);
    }
    const auto hidden = hidden_of(row.integer(presentation));
    const auto shown_number = row.text_or_empty(number).empty() ? std::string{hidden} : row.text_or_empty(number);
    Json json = Json::object();
    json["number"] = text_json(row.text(number));
    json["name"] = who.empty() ? Json{} : text_json(std::string_view{who});
    json["time"] = time_json(row.integer(date));
    json["seconds"] = row.integer(duration) ? Json(*row.integer(duration)) : Json{};
    json["direction"] = call_direction(row.integer(type));
    json["place"] = text_json(row.text(place));
    json["hidden"] = hidden.empty() ? Json{} : Json(hidden);
    return list.add({{.text = who},
                     {.text = shown_number},
                     {.text = std::string{call_direction(row.integer(type))}},
                     {.text = shown_time(row.integer(date))},
                     {.text = row.text_or_empty(duration)},
                     {.text = row.text_or_empty(place)}},
                    std::move(json), origin);
}

} // namespace

std::span<const CallSource> call_sources() noexcept
{
    return sources;
}

std::string_view call_direction(std::optional<std::int64_t> value) noexcept
{
    constexpr std::array<std::string_view, 8> names{"unknown",   "incoming", "outgoing", "missed",
                                                    "voicemail", "rejected", "blocked",  "answered elsewhere"};
    return value && *value > 0 && *value < 8 ? names.at(static_cast<std::size_t>(*value)) : names[0];
}

/// Calls are 100 (voice) and 500 (video).
bool is_call_type(std::optional<std::int64_t> logtype_value) noexcept
{
    return !logtype_value || *logtype_value == 100 || *logtype_value == 500;
}

Result<KindReport> extract_calls(Extraction& extraction)
{
    KindReport report{.name = "calls", .title = "Calls"};
    ListOutput list{extraction, report, {"Name", "Number", "Direction", "Time", "Seconds", "Place"}};
    list.add_note("Times are as the phone stored them, in UTC; durations are seconds.");
    for (const auto& source : sources) {
        for (const auto& folder : app_folders(*extraction.files, source.package)) {
            auto database = SALVAGE_TRY(
                OpenDatabase::open(extraction, fmt::format("{}/databases/{}", folder, source.file), report));
            if (!database || !database->has(source.table)) {
                continue;
            }
            SALVAGE_TRY(database->each(source.table, columns, [&](const Row& row) -> Result<> {
                return is_call_type(row.integer(logtype))
                           ? add(list, extraction, row, database->origin(source.table, row))
                           : Result<>{};
            }));
            database->close(report);
        }
    }
    SALVAGE_TRY(list.end());
    return report;
}

} // namespace salvage::artifact
