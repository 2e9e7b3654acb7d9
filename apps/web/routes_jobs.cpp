// Jobs, and the stream of what changes.
#include <fmt/format.h>

#include "app.hpp"
#include "salvage/render/parts.hpp"

namespace salvage::web {
namespace {

using namespace std::chrono_literals;

// A listener is told of a job a few times a second at most.
constexpr auto between_events = 250ms;
constexpr auto between_comments = 10s;
// How often a listener that has nothing to tell looks whether somebody is still there.
constexpr auto between_looks = 500ms;

Result<Answer> get_jobs(App& app, const Request& /*request*/)
{
    Json list = Json::array();
    for (const auto& job : app.jobs.list()) {
        list.push_back(job_json(job));
    }
    return answer_of(Json{{"jobs", std::move(list)}});
}

Result<Answer> get_job(App& app, const Request& request)
{
    const auto view = app.jobs.find(request.parts.at(0));
    if (!view) {
        return not_found("there is no such job", "it may be of an earlier start of the server");
    }
    return answer_of(job_json(*view));
}

Result<Answer> post_job(App& app, const Request& request)
{
    const auto& id = request.parts.at(0);
    const auto& action = request.parts.at(1);
    if (action == "pause") {
        return answer_of(job_json(SALVAGE_TRY(app.jobs.pause(id))));
    }
    if (action == "resume") {
        return answer_of(job_json(SALVAGE_TRY(app.jobs.resume(id))));
    }
    if (action == "stop") {
        return answer_of(job_json(SALVAGE_TRY(app.jobs.stop(id))));
    }
    return not_found("a job can be paused, resumed and stopped, and nothing else");
}

/// One listener's stream.
class EventStream {
public:
    EventStream(App& app, std::unique_ptr<Hub::Listener> listener) : app_{&app}, listener_{std::move(listener)} {}

    Next next(Client& client)
    {
        if (!has_begun_) {
            has_begun_ = true;
            std::string first = "retry: 2000\n\n" + event("workplace", workplace_json(*app_));
            for (const auto& job : app_->jobs.list()) {
                first += event("job", job_json(job));
            }
            return client.write(first) ? Next::more : Next::broken;
        }
        const auto changes = listener_->wait(between_looks);
        if (changes.is_over) {
            return Next::done;
        }
        if (changes.is_empty()) {
            return still_there(client);
        }
        std::string text;
        if (changes.workplace) {
            text += event("workplace", workplace_json(*app_));
        }
        for (const auto& id : changes.jobs) {
            if (const auto view = app_->jobs.find(id)) {
                text += event("job", job_json(*view));
            }
        }
        silent_ = std::chrono::milliseconds::zero();
        if (!client.write(text)) {
            return Next::broken;
        }
        std::this_thread::sleep_for(between_events); // what changes meanwhile is told together
        return Next::more;
    }

private:
    static std::string event(std::string_view name, const Json& data)
    {
        return fmt::format("event: {}\ndata: {}\n\n", name, dumped(data));
    }
    Next still_there(Client& client)
    {
        silent_ += between_looks;
        if (silent_ >= between_comments) {
            silent_ = std::chrono::milliseconds::zero();
            return client.write(": still here\n\n") ? Next::more : Next::broken;
        }
        return client.is_there() ? Next::more : Next::broken;
    }

    App* app_;
    std::unique_ptr<Hub::Listener> listener_;
    std::chrono::milliseconds silent_{0};
    bool has_begun_{false};
};

Result<Answer> get_events(App& app, const Request& /*request*/)
{
    auto listener = app.hub.listen();
    if (!listener) {
        return error_answer(503, "busy",
                            invalid_argument("too many pages listen already", fmt::format("{} do", Hub::max_listeners),
                                             "close some of them"));
    }
    const auto stream = std::make_shared<EventStream>(app, std::move(listener));
    Answer out;
    out.type = "text/event-stream";
    out.stream = Stream{.size = {}, .next = [stream](Client& client) { return stream->next(client); }};
    return out;
}

} // namespace

Json job_json(const JobView& view)
{
    Json out{{"id", view.id},
             {"kind", to_string(view.kind)},
             {"state", to_string(view.state)},
             {"title", view.title},
             {"step", view.step},
             {"unit", view.unit},
             {"done", view.done},
             {"total", or_null(view.total)},
             {"rate", or_null(view.rate)},
             {"seconds_left", or_null(view.seconds_left)},
             {"seconds", view.seconds},
             {"can_resume", view.can_resume}};
    out["attacks"] = view.attacks;
    out["error"] = view.error ? error_json(to_string(view.error->code), *view.error) : Json(nullptr);
    out["result"] = view.result.empty() ? Json(nullptr) : Json::parse(view.result, nullptr, false);
    return out;
}

Json verdict_json(const rescue::Verdict& verdict)
{
    auto out = Json::parse(render::json(verdict), nullptr, false);
    if (out["next"].is_null()) {
        out["next"] = "";
    }
    return out;
}

Json workplace_json(const App& app)
{
    const auto view = app.place.view();
    const auto* const volume = view.known ? view.known->volume() : nullptr;
    Json out{{"state", to_string(view.state)},
             {"path", text_or_null(view.path)},
             {"case", text_or_null(view.case_folder)},
             {"size", view.size ? Json(view.size->value) : Json(nullptr)},
             {"container", text_or_null(view.container)}};
    out["verdict"] = view.known ? verdict_json(view.known->report->outcome.verdict) : Json(nullptr);
    out["is_open"] = view.known && view.known->is_open();
    out["how"] = volume != nullptr ? Json(volume->how) : Json(nullptr);
    out["needs_right"] = view.needs_right;
    const auto& error = view.error;
    const auto problem = !error && view.known ? view.known->files_problem : error;
    out["error"] = problem ? error_json(to_string(problem->code), *problem) : Json(nullptr);
    return out;
}

Answer job_answer(const App& app, const std::string& id)
{
    const auto view = app.jobs.find(id);
    return answer_of(job_json(view.value_or(JobView{})), 202);
}

std::vector<Route> job_routes()
{
    return {{.method = "GET", .path = "/api/v1/jobs", .reach = Reach::reader, .handler = get_jobs},
            {.method = "GET", .path = "/api/v1/jobs/{}", .reach = Reach::reader, .handler = get_job},
            {.method = "POST", .path = "/api/v1/jobs/{}/{}", .reach = Reach::writer, .handler = post_job},
            {.method = "GET", .path = "/api/v1/events", .reach = Reach::reader, .handler = get_events}};
}

} // namespace salvage::web
