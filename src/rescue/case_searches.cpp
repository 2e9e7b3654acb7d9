// Names, sessions and subjects of a case's searches.
#include "salvage/rescue/case_searches.hpp"

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "salvage/core/text.hpp"
#include "salvage/password/session.hpp"
#include "salvage/rescue/attacks.hpp"
#include "salvage/rescue/crack.hpp"
#include "salvage/rescue/potfile.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;

// More than anybody begins; a folder with more of them is not ours.
constexpr std::size_t max_sessions = 1000;
constexpr std::string_view words_id = "words";

struct Attack {
    NamedAttack named;
    unsigned pin{};  ///< digits; 0: none
    unsigned grid{}; ///< dots a row; 0: none
};
constexpr std::array attacks{Attack{{"pin4", "4-digit PIN"}, 4, 0},         Attack{{"pattern3", "3x3 pattern"}, 0, 3},
                             Attack{{"dates", "dates as passwords"}, 0, 0}, Attack{{"words", "words of a list"}, 0, 0},
                             Attack{{"pin5", "5-digit PIN"}, 5, 0},         Attack{{"pin6", "6-digit PIN"}, 6, 0},
                             Attack{{"pin8", "8-digit PIN"}, 8, 0},         Attack{{"pattern4", "4x4 pattern"}, 0, 4}};
constexpr auto names = [] {
    std::array<NamedAttack, attacks.size()> out{};
    std::ranges::transform(attacks, out.begin(), &Attack::named);
    return out;
}();

const Attack* find_attack(std::string_view id)
{
    const auto* const found =
        std::ranges::find_if(attacks, [id](const Attack& attack) { return attack.named.id == id; });
    return found == attacks.end() ? nullptr : found;
}

Error no_such_attack(std::string_view id)
{
    std::vector<std::string_view> all;
    all.reserve(names.size());
    std::ranges::transform(names, std::back_inserter(all), &NamedAttack::id);
    return invalid_argument(fmt::format("there is no search {}", printable(id)),
                            fmt::format("there are {}", fmt::join(all, ", ")));
}

AttackSpec spec_of(const Attack& attack, const std::string& words)
{
    AttackSpec out;
    if (attack.pin != 0) {
        out.pins = fmt::format("{}", attack.pin);
    } else if (attack.grid != 0) {
        out.grid = attack.grid;
    } else if (attack.named.id == words_id) {
        out.words = {words};
    } else {
        out.dates = "all";
    }
    return out;
}

/// The command that goes on with the search: what the session tells of it.
std::vector<std::string> command_of(const NamedSearch& search, const fs::path& case_folder)
{
    std::vector<std::string> out{"serve", case_folder.string(), "--search",
                                 fmt::format("{}", fmt::join(search.attacks, ","))};
    if (!search.words.empty()) {
        out.insert(out.end(), {"--words", search.words});
    }
    return out;
}

std::optional<NamedSearch> search_of(const std::vector<std::string>& command)
{
    if (command.size() < 4 || command[0] != "serve" || command[2] != "--search") {
        return std::nullopt;
    }
    NamedSearch out;
    const std::string_view ids{command[3]};
    for (std::size_t at = 0; at <= ids.size();) {
        const auto end = std::min(ids.find(',', at), ids.size());
        out.attacks.emplace_back(ids.substr(at, end - at));
        at = end + 1;
    }
    if (command.size() == 6 && command[4] == "--words") {
        out.words = command[5];
    }
    auto ordered = out.ordered();
    return ordered.has_value() ? std::optional{*std::move(ordered)} : std::nullopt;
}

std::string target_identity(const SearchSubject& subject)
{
    const auto target = make_footer_target(subject);
    return target.has_value() ? (*target)->identity() : std::string{};
}

} // namespace

std::span<const NamedAttack> named_attacks() noexcept
{
    return names;
}

Result<NamedSearch> NamedSearch::ordered() const
{
    NamedSearch out;
    for (const auto& id : attacks) {
        if (find_attack(id) == nullptr) {
            return no_such_attack(id);
        }
    }
    for (const auto& known : names) {
        if (std::ranges::find(attacks, known.id) != attacks.end()) {
            out.attacks.emplace_back(known.id);
        }
    }
    if (out.attacks.empty()) {
        return invalid_argument("no search was named", {}, "name one at least");
    }
    if (std::ranges::find(out.attacks, words_id) != out.attacks.end()) {
        if (words.empty()) {
            return invalid_argument("a word list is missing", "the search for words needs one",
                                    "name a file with a word a line");
        }
        out.words = words;
    }
    return out;
}

Result<std::vector<SearchStep>> steps_of(const NamedSearch& search, const RunContext& context)
{
    const auto wanted = SALVAGE_TRY(search.ordered());
    if (std::error_code unknown; !wanted.words.empty() && !fs::is_regular_file(wanted.words, unknown)) {
        return not_found(fmt::format("{} is not a file", printable(wanted.words)), "a word list was expected");
    }
    std::vector<SearchStep> out;
    constexpr int no_descriptor = -1; // none of these reads standard input
    for (const auto& id : wanted.attacks) {
        auto steps = SALVAGE_TRY(make_attacks(spec_of(*find_attack(id), wanted.words), no_descriptor, context));
        std::ranges::move(steps, std::back_inserter(out));
    }
    return out;
}

Result<std::uint64_t> candidates_of(std::string_view attack)
{
    const auto* const known = find_attack(attack);
    if (known == nullptr || known->named.id == words_id) {
        return no_such_attack(attack);
    }
    CrackPlan plan;
    plan.steps = SALVAGE_TRY(make_attacks(spec_of(*known, {}), -1, {}));
    return plan.candidates();
}

Result<SearchSubject> find_subject(const Dump& dump, const InspectReport& report)
{
    const auto& verdict = report.outcome.verdict;
    if (report.outcome.volume) {
        return not_found("there is nothing to search for", "the phone's storage is open already");
    }
    if (verdict.code != VerdictCode::needs_secret) {
        return not_found("there is nothing to search for", verdict.text);
    }
    for (const auto& found : report.outcome.footers.footers) {
        auto unlocker = fde::make_unlocker(found.footer);
        if (!unlocker.has_value()) {
            continue;
        }
        auto subject = SALVAGE_TRY(search_subject(dump, found, std::move(*unlocker)));
        if (subject.userdata) {
            return subject;
        }
    }
    return not_found("there is nothing to search for", "no footer can be tried on this computer");
}

std::vector<EarlierSearch> earlier_searches(const fs::path& case_folder)
{
    std::error_code problem;
    std::vector<std::pair<fs::file_time_type, fs::path>> files;
    for (fs::directory_iterator it{case_folder / "sessions", problem};
         !problem && it != fs::directory_iterator{} && files.size() < max_sessions; it.increment(problem)) {
        std::error_code unknown;
        if (it->path().extension() == ".session" && it->is_regular_file(unknown)) {
            files.emplace_back(it->last_write_time(unknown), it->path());
        }
    }
    std::ranges::sort(files);
    std::vector<EarlierSearch> out;
    for (const auto& [time, path] : files) {
        const auto session = password::load_session(path);
        auto search = session.has_value() ? search_of(session->command) : std::nullopt;
        if (search) {
            const auto& state = session->state;
            out.push_back({.search = *std::move(search),
                           .done = state.next - state.begin,
                           .total = state.end - state.begin,
                           .is_found = !state.hits.empty()});
        }
    }
    return out;
}

Result<SearchReport> run_named_search(const SearchSubject& subject, const NamedSearch& search,
                                      const NamedSearchRun& run, const RunContext& context)
{
    const auto wanted = SALVAGE_TRY(search.ordered());
    std::error_code problem;
    const auto sessions = run.case_folder / "sessions";
    fs::create_directories(sessions, problem);
    if (problem) {
        return from_errno(problem.value(), "the folder of the searches cannot be made", sessions.string());
    }
    SearchRequest request;
    request.try_default_password = false; // was tried on opening
    request.attacks = SALVAGE_TRY(steps_of(wanted, context));
    const std::span subjects{&subject, 1};
    CrackPlan plan;
    if (run.is_found_already) {
        plan.steps = std::move(request.attacks);
        plan.target_identity = target_identity(subject);
    } else {
        plan = SALVAGE_TRY(plan_search(subjects, request, context));
    }
    SearchRun how;
    how.session_file = sessions / SALVAGE_TRY(session_name(plan, how));
    how.command = command_of(wanted, run.case_folder);
    how.is_paused = run.is_paused;
    how.checkpoint_interval = std::chrono::seconds{2};
    return run_search(subjects, plan, request, how, context);
}

std::string typed_form(const password::Found& found)
{
    const auto bytes = found.secret.expose();
    if (found.encoding == "pattern-raw") {
        std::string out;
        for (const auto dot : bytes) {
            const auto digit = std::to_integer<unsigned>(dot) + 1;
            out += digit < 10 ? static_cast<char>('0' + digit) : static_cast<char>('a' + (digit - 10));
        }
        return out;
    }
    return format_plain(bytes);
}

} // namespace salvage::rescue
