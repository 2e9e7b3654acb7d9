// Keys and numbers of hashcat 6.2's --status-json, so that what reads it reads us.
#include "salvage/render/search_status.hpp"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "render/json_parts.hpp"
#include "salvage/core/text.hpp"

namespace salvage::render {
namespace {

/// Seconds until the end; nothing where rate or end are not known.
std::optional<std::chrono::duration<double>> time_left(const SearchStatus& status)
{
    if (!status.end || status.rate <= 0) {
        return std::nullopt;
    }
    const auto total = *status.end - status.begin;
    const auto left = total > status.done ? total - status.done : 0;
    return std::chrono::duration<double>{static_cast<double>(left) / status.rate};
}

std::string_view word_of(SearchPhase phase)
{
    switch (phase) {
    case SearchPhase::running: return "running";
    case SearchPhase::paused: return "paused";
    case SearchPhase::exhausted: return "exhausted";
    case SearchPhase::cracked: return "found";
    case SearchPhase::quit: return "stopped";
    case SearchPhase::at_checkpoint: return "stopped at a checkpoint";
    case SearchPhase::out_of_time: return "out of time";
    }
    return "";
}

} // namespace

std::string status_json(const SearchStatus& status)
{
    const auto left = time_left(status);
    const auto end = status.end.value_or(status.begin + status.done);
    const auto stop = left ? status.now + std::chrono::duration_cast<std::chrono::seconds>(*left) : status.now;
    Json device{{"device_id", 1},
                {"device_name", status.devices},
                {"device_type", status.uses_gpu ? "GPU" : "CPU"},
                {"speed", static_cast<std::uint64_t>(status.rate)},
                {"temp", nullptr},
                {"util", nullptr}};
    Json out{{"session", status.session}};
    out["guess"] = Json{{"guess_base", status.attack}};
    out["status"] = static_cast<unsigned>(status.phase);
    out["target"] = status.target;
    out["progress"] = Json::array({status.done, end - status.begin});
    out["restore_point"] = status.next;
    out["recovered_hashes"] = Json::array({status.found, status.targets});
    out["recovered_salts"] = Json::array({status.found, status.targets});
    out["rejected"] = status.rejected;
    out["devices"] = Json::array({std::move(device)});
    out["time_start"] = status.started.count();
    out["estimated_stop"] = left ? Json(stop.count()) : Json(nullptr);
    return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string status_text(const SearchStatus& status)
{
    auto out = fmt::format("{}: {}; {} of {} candidates", word_of(status.phase), printable(status.attack),
                           format_count(status.done),
                           status.end ? format_count(*status.end - status.begin) : std::string{"a stream"});
    if (status.rate > 0) {
        out += fmt::format(", {:.1f} a second", status.rate);
    }
    if (const auto left = time_left(status)) {
        out += fmt::format(", {} left at most", format_duration(*left));
    }
    out += fmt::format("; found {} of {}; goes on from number {}\n", status.found, status.targets,
                       format_count(status.next));
    return out;
}

} // namespace salvage::render
