// Unlocking: with a secret that is known, or by searching for it.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app.hpp"
#include "keys.hpp"
#include "salvage/core/text.hpp"
#include "salvage/rescue/case_searches.hpp"
#include "salvage/rescue/secrets.hpp"

namespace salvage::web {
namespace {

/// What was typed, in memory that is wiped; the request's own copies live as long as the request.
Result<rescue::OpenRequest> secrets_of(const Json& body, std::string& kind)
{
    rescue::OpenRequest out;
    out.try_default_password = false;
    if (const auto pattern = SALVAGE_TRY(text_at(body, "pattern", 200)); pattern && !pattern->empty()) {
        const auto side = body.value("side", Json(3U));
        if (!side.is_number_unsigned() || side.get<std::uint64_t>() < 3 || side.get<std::uint64_t>() > 6) {
            return invalid_argument("a pattern has 3 to 6 dots a side");
        }
        kind = "pattern";
        out.secrets = SALVAGE_TRY(rescue::encodings_of_pattern(*pattern, side.get<unsigned>()));
        return out;
    }
    const auto secret = SALVAGE_TRY(text_at(body, "secret", 1024));
    if (!secret || secret->empty()) {
        return invalid_argument("no secret was given", "`secret` or `pattern` has to be there");
    }
    kind = secret->find_first_not_of("0123456789") == std::string::npos ? "PIN" : "password";
    out.secrets = rescue::encodings_of(as_bytes(*secret));
    return out;
}

Result<Answer> post_unlock(App& app, const Request& request)
{
    const auto body = SALVAGE_TRY(object_of(request));
    std::string kind;
    auto secrets = SALVAGE_TRY(secrets_of(body, kind));
    const auto known = SALVAGE_TRY(app.place.known());
    const auto verdict = SALVAGE_TRY(app.place.unlock(std::move(secrets), kind, {}, known->open->context()));
    const auto now = app.place.view();
    return answer_of(Json{{"is_open", now.known && now.known->is_open()}, {"verdict", verdict_json(verdict)}});
}

// ---- what can be searched

/// Candidates a second, as it was measured when the dump was looked at.
std::optional<double> rate_of(const rescue::Verdict& verdict)
{
    for (const auto& cost : verdict.cost) {
        if (cost.seconds > 0) {
            return static_cast<double>(cost.candidates) / cost.seconds;
        }
    }
    return std::nullopt;
}

std::optional<std::uint64_t> done_of(const std::vector<rescue::EarlierSearch>& earlier, std::string_view id)
{
    for (const auto& each : earlier) {
        if (each.search.attacks.size() == 1 && each.search.attacks.front() == id && each.done > 0) {
            return each.done;
        }
    }
    return std::nullopt;
}

/// Numbering the patterns of a large grid takes half a second.
Result<std::vector<std::optional<std::uint64_t>>> sizes_of_attacks()
{
    std::vector<std::optional<std::uint64_t>> out;
    for (const auto& attack : rescue::named_attacks()) {
        const auto candidates = rescue::candidates_of(attack.id);
        out.push_back(candidates.has_value() ? std::optional{*candidates} : std::nullopt);
    }
    return out;
}

Result<Answer> get_attacks(App& app, const Request& /*request*/)
{
    const auto known = SALVAGE_TRY(app.place.known());
    const auto subject = rescue::find_subject(known->open->dump, *known->report);
    const auto rate = rate_of(known->report->outcome.verdict);
    const auto earlier = rescue::earlier_searches(known->open->folder->path());
    const auto sizes = SALVAGE_TRY(app.attack_sizes.get(1, sizes_of_attacks));
    Json list = Json::array();
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        const auto& attack = rescue::named_attacks()[i];
        const auto& candidates = sizes[i];
        const bool has_time = rate && candidates;
        list.push_back({{"id", attack.id},
                        {"name", attack.name},
                        {"candidates", or_null(candidates)},
                        {"seconds", has_time ? Json(static_cast<double>(*candidates) / *rate) : Json(nullptr)},
                        {"done", or_null(done_of(earlier, attack.id))}});
    }
    return answer_of(Json{{"why_not", subject.has_value() ? Json(nullptr) : Json(subject.error().why)},
                          {"rate", or_null(rate)},
                          {"devices", nullptr},
                          {"attacks", std::move(list)}});
}

// ---- searching

std::string names_of(const rescue::NamedSearch& search)
{
    std::vector<std::string_view> out;
    for (const auto& attack : rescue::named_attacks()) {
        if (std::ranges::find(search.attacks, attack.id) != search.attacks.end()) {
            out.push_back(attack.name);
        }
    }
    return fmt::format("{}", fmt::join(out, ", "));
}

Json result_json(const rescue::SearchReport& report)
{
    const auto* const hit = report.found.empty() ? nullptr : &report.found.front();
    Json out{{"found", hit != nullptr}};
    out["secret"] = hit == nullptr ? Json(nullptr) : Json(rescue::typed_form(hit->found));
    out["encoding"] = hit == nullptr ? Json(nullptr) : Json(hit->found.encoding);
    out["step"] = hit == nullptr ? Json(nullptr) : Json(hit->step);
    out["searched"] = report.searched;
    return out;
}

/// What came of a search, into the log and onto the volume.
Result<> take_report(App& app, const Known& known, const rescue::SearchReport& report, const RunContext& context)
{
    auto& log = known.open->folder->log();
    for (const auto& line : report.searched) {
        log.write(report.end == password::SearchEnd::stopped ? "search.stopped" : "search.done", line);
    }
    if (report.found.empty()) {
        return {};
    }
    const auto& hit = report.found.front();
    log.write("search.found", hit.is_for_footer_only
                                  ? "a secret was found; it is the footer's, and the data does not open with it"
                                  : "a secret was found; it is not written down here");
    if (hit.is_for_footer_only) {
        return {};
    }
    rescue::OpenRequest request;
    request.try_default_password = false;
    request.secrets.push_back({.bytes = hit.found.secret.clone(), .encoding = hit.found.encoding});
    SALVAGE_TRY(app.place.unlock(std::move(request), "secret that a search found",
                                 "Open. The secret was found by searching.", context));
    return {};
}

Result<std::string> search(App& app, const KnownPtr& known, const rescue::NamedSearch& wanted, JobControl& job)
{
    const auto context = job.context();
    const auto subject = SALVAGE_TRY(rescue::find_subject(known->open->dump, *known->report));
    const rescue::NamedSearchRun run{.case_folder = known->open->folder->path(),
                                     .is_paused = [&job] { return job.is_paused(); }};
    known->open->folder->log().write("search.start", fmt::format("searching: {}", names_of(wanted)));
    const auto report = SALVAGE_TRY(rescue::run_named_search(subject, wanted, run, context));
    SALVAGE_TRY(take_report(app, *known, report, {}));
    auto result = dumped(result_json(report));
    if (report.end == password::SearchEnd::stopped) {
        job.leave(std::move(result));
        return cancelled("searching for the secret");
    }
    return result;
}

JobPlan plan_of(const rescue::NamedSearch& wanted)
{
    return {.kind = JobKind::search, .title = names_of(wanted), .can_resume = true, .attacks = wanted.attacks};
}

/// Going on with a search does not need to name its word list again.
void add_known_words(const Known& known, rescue::NamedSearch& named)
{
    for (const auto& earlier : rescue::earlier_searches(known.open->folder->path())) {
        const bool is_same = std::ranges::is_permutation(earlier.search.attacks, named.attacks);
        if (named.words.empty() && is_same) {
            named.words = earlier.search.words;
        }
    }
}

Result<Answer> post_search(App& app, const Request& request)
{
    const auto body = SALVAGE_TRY(object_of(request));
    rescue::NamedSearch named{.attacks = SALVAGE_TRY(texts_at(body, "attacks", 100)), .words = {}};
    if (const auto words = SALVAGE_TRY(text_at(body, "words")); words && !words->empty()) {
        named.words = SALVAGE_TRY(local_path(*words));
    }
    const std::scoped_lock alone{app.changing};
    const auto id = SALVAGE_TRY(begin_search(app, std::move(named)));
    if (!id) {
        return busy("another search is running", "two would share the cores and both take twice as long",
                    "stop it first; it goes on later where it was");
    }
    return job_answer(app, *id);
}

} // namespace

Result<std::optional<std::string>> begin_search(App& app, rescue::NamedSearch named)
{
    const auto known = SALVAGE_TRY(app.place.known());
    add_known_words(*known, named);
    const auto wanted = SALVAGE_TRY(named.ordered());
    SALVAGE_TRY(rescue::find_subject(known->open->dump, *known->report));
    return app.jobs.start_alone(plan_of(wanted),
                                [&app, known, wanted](JobControl& job) { return search(app, known, wanted, job); });
}

namespace {

/// The secret that an earlier run of the server found, from its session: nothing is tried again.
bool reopen(App& app, const KnownPtr& known, const rescue::EarlierSearch& earlier)
{
    const auto subject = rescue::find_subject(known->open->dump, *known->report);
    if (!subject.has_value()) {
        return false;
    }
    const auto context = known->open->context();
    const auto report = rescue::run_named_search(
        *subject, earlier.search,
        {.case_folder = known->open->folder->path(), .is_paused = {}, .is_found_already = true}, context);
    return report.has_value() && take_report(app, *known, *report, context).has_value();
}

} // namespace

std::vector<Route> unlock_routes()
{
    return {{.method = "POST", .path = "/api/v1/unlock", .reach = Reach::writer, .handler = post_unlock},
            {.method = "GET", .path = "/api/v1/attacks", .reach = Reach::reader, .handler = get_attacks},
            {.method = "POST", .path = "/api/v1/searches", .reach = Reach::writer, .handler = post_search}};
}

void remember_searches(App& app)
{
    const auto known = app.place.known();
    if (!known.has_value() || (*known)->volume() != nullptr) {
        return;
    }
    for (const auto& earlier : rescue::earlier_searches((*known)->open->folder->path())) {
        if (earlier.is_found && reopen(app, *known, earlier)) {
            return;
        }
        if (earlier.done < earlier.total) {
            app.jobs.remember({.kind = JobKind::search,
                               .state = JobState::stopped,
                               .title = names_of(earlier.search),
                               .step = "search",
                               .unit = "candidates",
                               .done = earlier.done,
                               .total = earlier.total,
                               .can_resume = true,
                               .attacks = earlier.search.attacks});
        }
    }
}

} // namespace salvage::web
