// What all routes share.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "events.hpp"
#include "gallery.hpp"
#include "guard.hpp"
#include "http.hpp"
#include "items.hpp"
#include "jobs.hpp"
#include "json.hpp"
#include "listing.hpp"
#include "remembered.hpp"
#include "selections.hpp"
#include "workplace.hpp"

namespace salvage::web {

struct App {
    App(std::string version_of, std::string home_of, std::unique_ptr<Guard> guard_of)
        : version{std::move(version_of)}, home{std::move(home_of)}, guard{std::move(guard_of)}
    {
    }
    App(const App&) = delete;
    App& operator=(const App&) = delete;
    /// Jobs use the rest, and are ended first.
    ~App() { jobs.stop_all(); }

    std::string version;
    std::string home; ///< where the server was started
    std::unique_ptr<Guard> guard;
    Hub hub;
    Workplace place{[this] { hub.workplace_changed(); }};
    std::mutex changing; ///< held by requests that open, close or begin a job: nobody comes in between.  Never by jobs
    ListingCache listings;
    Selections selections;
    Remembered<std::string> plans; ///< of a restore: making one reads what would be written
    Remembered<std::vector<std::optional<std::uint64_t>>> attack_sizes; ///< as named_attacks()
    std::atomic<int> downloads{0};
    Gallery gallery;
    Items items;
    std::mutex decoding; ///< of photos: one at a time
    Jobs jobs{system_clock(), [this](const std::string& id) { hub.job_changed(id); }};
    std::function<void()> link_used; ///< called when a browser was let in
};

using Handler = Result<Answer> (*)(App&, const Request&);

struct Route {
    std::string_view method;
    std::string_view path; ///< "/api/v1/jobs/{}/{}"
    Reach reach{Reach::reader};
    Handler handler{};
};

/// Of all of the API.  The order does not matter: no two match one path.
[[nodiscard]] std::vector<Route> session_routes();
[[nodiscard]] std::vector<Route> job_routes();
[[nodiscard]] std::vector<Route> look_routes();
[[nodiscard]] std::vector<Route> unlock_routes();
[[nodiscard]] std::vector<Route> file_routes();
[[nodiscard]] std::vector<Route> taking_routes();
[[nodiscard]] std::vector<Route> case_routes();
[[nodiscard]] std::vector<Route> media_routes();
[[nodiscard]] std::vector<Route> item_routes();

/// What a path with {} matches: its parts, none of them empty.  Nothing: it does not.
[[nodiscard]] std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path);

[[nodiscard]] Json job_json(const JobView& view);
[[nodiscard]] Json verdict_json(const rescue::Verdict& verdict);
[[nodiscard]] Json workplace_json(const App& app);
/// 202 with the job.
[[nodiscard]] Answer job_answer(const App& app, const std::string& id);

/// Starts opening; the caller has seen that nothing else does.  Gives the job's id.
[[nodiscard]] std::string start_opening(App& app, OpenPlan plan);
/// Nothing where another search runs.  Errors: not_found (nothing is open, nothing to search for), invalid_argument.
[[nodiscard]] Result<std::optional<std::string>> begin_search(App& app, rescue::NamedSearch named);
/// The searches that an earlier run left in the case, as jobs that can be gone on with.
void remember_searches(App& app);

} // namespace salvage::web
