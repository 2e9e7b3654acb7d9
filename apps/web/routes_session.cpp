// Who asks, what is open, and choosing what to open.
#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <sys/stat.h>

#include "app.hpp"
#include "keys.hpp"
#include "salvage/core/text.hpp"
#include "salvage/rescue/sample_phone.hpp"

namespace salvage::web {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_folder_entries = 5000;

Result<Answer> get_session(App& app, const Request& /*request*/)
{
    return answer_of(Json{{"version", app.version},
                          {"token", app.guard->token()},
                          {"home", app.home},
                          {"workplace", workplace_json(app)}});
}

// ---- folders of this computer

std::string_view kind_of_path(const fs::directory_entry& entry)
{
    std::error_code ignored;
    if (entry.is_directory(ignored)) {
        return rescue::is_case(entry.path()) ? "case" : "folder";
    }
    if (entry.is_regular_file(ignored) || entry.is_block_file(ignored)) {
        return "file";
    }
    return "other";
}

Json entry_json(const fs::directory_entry& entry)
{
    struct stat facts{};
    const bool is_known = ::stat(entry.path().c_str(), &facts) == 0;
    const bool has_size = is_known && S_ISREG(facts.st_mode);
    return {{"name", entry.path().filename().string()},
            {"path", entry.path().string()},
            {"kind", kind_of_path(entry)},
            {"size", has_size ? Json(facts.st_size) : Json(nullptr)},
            {"modified", is_known ? Json(facts.st_mtime) : Json(nullptr)}};
}

Result<Answer> get_folder(App& app, const Request& request)
{
    const auto* const named = request.find("path");
    const fs::path path = named == nullptr ? app.home : SALVAGE_TRY(local_path(*named));
    std::error_code problem;
    std::vector<fs::directory_entry> entries;
    fs::directory_iterator it{path, problem};
    for (; !problem && it != fs::directory_iterator{} && entries.size() < max_folder_entries; it.increment(problem)) {
        entries.push_back(*it);
    }
    if (problem) {
        return from_errno(problem.value(), "this folder cannot be listed", path.string());
    }
    const bool is_cut = it != fs::directory_iterator{};
    std::ranges::sort(entries, {}, [](const auto& entry) { return entry.path().filename(); });
    Json list = Json::array();
    for (const auto& entry : entries) {
        list.push_back(entry_json(entry));
    }
    const bool is_top = path == path.root_path();
    return answer_of(Json{{"path", path.string()},
                          {"parent", is_top ? Json(nullptr) : Json(path.parent_path().string())},
                          {"is_cut", is_cut},
                          {"entries", std::move(list)}});
}

// ---- the workplace

Result<Answer> get_workplace(App& app, const Request& /*request*/)
{
    return answer_of(workplace_json(app));
}

Answer busy_opening()
{
    return busy("something is being opened already", "one thing is opened at a time",
                "wait until it is open, or stop it");
}

bool is_opening(const App& app)
{
    return app.jobs.is_under_way(JobKind::open) || app.jobs.is_under_way(JobKind::sample_phone);
}

Result<OpenPlan> plan_of(const Json& body)
{
    OpenPlan out;
    const auto path = SALVAGE_TRY(text_at(body, "path"));
    if (!path) {
        return invalid_argument("nothing to open was named", "`path` is missing");
    }
    out.dump.path = SALVAGE_TRY(local_path(*path));
    if (const auto folder = SALVAGE_TRY(text_at(body, "case")); folder && !folder->empty()) {
        out.case_folder = SALVAGE_TRY(local_path(*folder));
    }
    for (const auto& file : SALVAGE_TRY(texts_at(body, "layout_files", 20))) {
        out.dump.layout_files.emplace_back(SALVAGE_TRY(local_path(file)));
    }
    if (const auto footer = SALVAGE_TRY(text_at(body, "footer_file")); footer && !footer->empty()) {
        out.dump.footer_file = SALVAGE_TRY(local_path(*footer));
    }
    out.right = SALVAGE_TRY(text_at(body, "right", 1000)).value_or("");
    return out;
}

/// The case that is open, asked for again in order to say by what right.
bool is_open_already(const App& app, const OpenPlan& plan)
{
    const auto view = app.place.view();
    return view.known && !plan.right.empty() && plan.dump.layout_files.empty() && !plan.dump.footer_file &&
           (plan.dump.path == view.path || plan.dump.path == view.case_folder) &&
           (plan.case_folder.empty() || plan.case_folder == view.case_folder);
}

Answer last_opening(const App& app)
{
    for (const auto& job : app.jobs.list()) {
        if (job.kind == JobKind::open) {
            return answer_of(job_json(job), 202);
        }
    }
    return answer_of(job_json({.state = JobState::done}), 202);
}

Result<Answer> post_workplace(App& app, const Request& request)
{
    const auto body = SALVAGE_TRY(object_of(request));
    auto plan = SALVAGE_TRY(plan_of(body));
    const std::scoped_lock alone{app.changing};
    if (is_opening(app)) {
        return busy_opening();
    }
    if (is_open_already(app, plan)) {
        SALVAGE_TRY(app.place.state_right(plan.right));
        return last_opening(app);
    }
    app.jobs.stop_all();
    app.gallery.forget();
    app.items.forget();
    return job_answer(app, start_opening(app, std::move(plan)));
}

Result<Answer> delete_workplace(App& app, const Request& /*request*/)
{
    const std::scoped_lock alone{app.changing};
    app.jobs.stop_all();
    app.place.close();
    app.gallery.forget();
    app.items.forget();
    app.jobs.forget_ended();
    return no_content();
}

// ---- the sample phone

/// A folder of its own among the files that the system throws away some day.
Result<fs::path> make_temporary_folder()
{
    std::error_code problem;
    const auto parent = fs::temp_directory_path(problem);
    auto name = (parent / "salvage-sample-XXXXXX").string();
    if (problem || ::mkdtemp(name.data()) == nullptr) {
        return from_errno(errno, "no folder can be made for the sample phone", name);
    }
    return fs::path{name};
}

Result<fs::path> sample_folder(const std::optional<std::string>& named)
{
    if (!named || named->empty()) {
        return make_temporary_folder();
    }
    fs::path folder = SALVAGE_TRY(local_path(*named));
    std::error_code problem;
    fs::create_directories(folder, problem);
    if (problem) {
        return from_errno(problem.value(), "the folder cannot be made", folder.string());
    }
    if (!fs::is_empty(folder, problem)) {
        return Error{ErrorCode::already_exists,   fmt::format("the folder {} is not empty", printable(folder.string())),
                     "nothing is overwritten",    std::nullopt,
                     "name another one, or none", {}};
    }
    return folder;
}

Result<std::string> make_sample_phone(App& app, const fs::path& folder, JobControl& job)
{
    rescue::SamplePhoneSpec spec;
    spec.secret = {.kind = rescue::SampleSecret::Kind::pattern_digits, .text = "14789"};
    const auto phone = SALVAGE_TRY(rescue::build_sample_phone(spec, folder, job.context()));
    OpenPlan plan;
    plan.dump.path = phone.dump;
    plan.dump.layout_files = {phone.scatter};
    plan.case_folder = folder / "case";
    plan.right = "A sample phone made by salvage serve; it belongs to whoever runs it.";
    static_cast<void>(start_opening(app, std::move(plan)));
    return dumped(Json{{"folder", folder.string()}, {"dump", phone.dump.string()}, {"pattern", "1-4-7-8-9"}});
}

Result<Answer> post_sample_phone(App& app, const Request& request)
{
    const auto body = SALVAGE_TRY(object_of(request));
    const auto named = SALVAGE_TRY(text_at(body, "folder"));
    const std::scoped_lock alone{app.changing};
    if (is_opening(app)) {
        return busy_opening();
    }
    const auto folder = SALVAGE_TRY(sample_folder(named));
    app.jobs.stop_all();
    app.place.close();
    app.gallery.forget();
    app.items.forget();
    const auto id = app.jobs.start({.kind = JobKind::sample_phone, .title = "Making a sample phone"},
                                   [&app, folder](JobControl& job) { return make_sample_phone(app, folder, job); });
    return job_answer(app, id);
}

} // namespace

std::string start_opening(App& app, OpenPlan plan)
{
    app.place.begin(plan);
    const auto name = plan.dump.path.filename().string();
    return app.jobs.start({.kind = JobKind::open, .title = fmt::format("Looking at {}", shown_name(name))},
                          [&app, plan = std::move(plan)](JobControl& job) -> Result<std::string> {
                              SALVAGE_TRY(app.place.open(plan, job.context()));
                              remember_searches(app);
                              if (!plan.search.attacks.empty() && !app.place.opened().has_value()) {
                                  SALVAGE_TRY(begin_search(app, plan.search));
                              }
                              return std::string{};
                          });
}

std::vector<Route> session_routes()
{
    return {{.method = "GET", .path = "/api/v1/session", .reach = Reach::reader, .handler = get_session},
            {.method = "GET", .path = "/api/v1/folders", .reach = Reach::reader, .handler = get_folder},
            {.method = "GET", .path = "/api/v1/workplace", .reach = Reach::reader, .handler = get_workplace},
            {.method = "POST", .path = "/api/v1/workplace", .reach = Reach::writer, .handler = post_workplace},
            {.method = "DELETE", .path = "/api/v1/workplace", .reach = Reach::writer, .handler = delete_workplace},
            {.method = "POST", .path = "/api/v1/sample-phone", .reach = Reach::writer, .handler = post_sample_phone}};
}

} // namespace salvage::web
