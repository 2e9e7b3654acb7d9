// A search on Slurm as text and JSON.
#include "salvage/render/slurm.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "salvage/core/text.hpp"

namespace salvage::render {
namespace {

using Json = nlohmann::ordered_json;
using rescue::SlurmSearchState;
using rescue::SlurmTaskState;

// A person reads a few; a program has them all.
constexpr std::size_t most_shown = 10;

std::string_view name_of(SlurmSearchState state)
{
    switch (state) {
    case SlurmSearchState::searching: return "searching";
    case SlurmSearchState::found: return "found";
    case SlurmSearchState::exhausted: return "exhausted";
    case SlurmSearchState::stuck: return "stuck";
    }
    return "unknown";
}

std::string_view name_of(SlurmTaskState state)
{
    switch (state) {
    case SlurmTaskState::running: return "running";
    case SlurmTaskState::waiting: return "waiting";
    case SlurmTaskState::held: return "held";
    case SlurmTaskState::ending: return "ending";
    }
    return "unknown";
}

std::string sentence_of(const rescue::SlurmReport& report)
{
    switch (report.state) {
    case SlurmSearchState::searching: return "The search goes on.";
    case SlurmSearchState::found: return "The search is over: every target has its hit.";
    case SlurmSearchState::exhausted: return "The search is over: every candidate was tried.";
    case SlurmSearchState::stuck:
        return fmt::format("The search is stuck: see {}, mend what is wrong there, and remove the files of the chunks "
                           "named above from {}.",
                           (report.folder / "log").string(), (report.folder / "attempt").string());
    }
    return {};
}

std::size_t count_of(const rescue::SlurmReport& report, SlurmTaskState state)
{
    return static_cast<std::size_t>(std::ranges::count(report.tasks, state, &rescue::SlurmTask::state));
}

std::string numbers(const std::vector<std::uint64_t>& all)
{
    const auto shown = std::min(all.size(), most_shown);
    auto out = fmt::format("{}", fmt::join(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(shown), " "));
    return shown < all.size() ? out + fmt::format(" and {} more", all.size() - shown) : out;
}

std::string damage_lines(const rescue::ChunkProgress& progress)
{
    std::string out;
    const auto shown = std::min(progress.damaged.size(), most_shown);
    for (std::size_t i = 0; i < shown; ++i) {
        const auto& each = progress.damaged[i];
        out += fmt::format("chunk {} is done again, its record is damaged: {}\n", each.chunk,
                           printable(to_string(each.error)));
    }
    return out;
}

std::string action_lines(const rescue::SlurmReport& report)
{
    std::string out;
    const auto line = [&out](std::string_view what, const std::vector<std::string>& which) {
        if (!which.empty()) {
            out += fmt::format("{} {}\n", what, fmt::join(which, " "));
        }
    };
    line("submitted as", report.submitted);
    line("found in the queue, where a submission was cut off:", report.recovered);
    line("freed from the two minutes after a lost machine:", report.released);
    line("ended:", report.cancelled);
    return out;
}

Json as_json(const rescue::ChunkHit& hit)
{
    const auto bytes = as_bytes(hit.secret);
    return Json{{"target", hit.target},
                {"number", hit.number},
                {"secret_hex", to_hex(bytes)},
                {"secret", hit.secret}, // replaced where it is no UTF-8; secret_hex is exact
                {"encoding", hit.encoding}};
}

Json as_json(const rescue::SlurmTask& task)
{
    return Json{{"chunk", task.chunk},
                {"id", task.id},
                {"state", name_of(task.state)},
                {"reason", task.reason.empty() ? Json(nullptr) : Json(task.reason)},
                {"node", task.node.empty() ? Json(nullptr) : Json(task.node)}};
}

template <typename Items>
Json list_of(const Items& items)
{
    auto out = Json::array();
    for (const auto& each : items) {
        out.push_back(as_json(each));
    }
    return out;
}

} // namespace

std::string text(const rescue::SlurmReport& report, TextStyle /*style*/)
{
    const auto& progress = report.progress;
    auto out = fmt::format("{} of {} chunks, {} of {} candidates; {} hits\n", format_count(progress.chunks_done),
                           format_count(progress.chunks), format_count(progress.candidates_done),
                           format_count(progress.candidates), progress.hits.size());
    if (report.queue_error) {
        out += fmt::format("Slurm does not answer: {}\n", printable(to_string(*report.queue_error)));
    } else {
        out += fmt::format("in the queue: {} running, {} waiting, {} held\n", count_of(report, SlurmTaskState::running),
                           count_of(report, SlurmTaskState::waiting), count_of(report, SlurmTaskState::held));
    }
    out += damage_lines(progress);
    if (!report.failing.empty()) {
        out += fmt::format("chunks that ended too often without a result: {}\n", numbers(report.failing));
    }
    return out + action_lines(report) + sentence_of(report) + "\n";
}

std::string json(const rescue::SlurmReport& report)
{
    const auto& progress = report.progress;
    auto damaged = Json::array();
    for (const auto& each : progress.damaged) {
        damaged.push_back(Json{{"chunk", each.chunk}, {"error", to_string(each.error)}});
    }
    auto gaps = Json::array();
    for (const auto& each : progress.gaps) {
        gaps.push_back(Json{{"begin", each.begin}, {"end", each.end}});
    }
    const Json document{{"schema", "salvage.slurm/1"},
                        {"state", name_of(report.state)},
                        {"folder", report.folder.string()},
                        {"chunks", progress.chunks},
                        {"chunks_done", progress.chunks_done},
                        {"candidates", progress.candidates},
                        {"candidates_done", progress.candidates_done},
                        {"is_complete", rescue::is_complete(progress)},
                        {"hits", list_of(progress.hits)},
                        {"missing", progress.missing},
                        {"gaps", std::move(gaps)},
                        {"damaged", std::move(damaged)},
                        {"strays", progress.strays},
                        {"tasks", list_of(report.tasks)},
                        {"failing", report.failing},
                        {"submitted", report.submitted},
                        {"recovered", report.recovered},
                        {"released", report.released},
                        {"cancelled", report.cancelled},
                        {"queue_error", report.queue_error ? Json(to_string(*report.queue_error)) : Json(nullptr)}};
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace salvage::render
