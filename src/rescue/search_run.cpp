// Running a plan as one numbered search that resumes, and telling what came of it.
#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "rescue/search_target.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/password/session.hpp"
#include "salvage/rescue/search.hpp"

namespace salvage::rescue {
namespace {

/// What the check value is asked about although there is userdata: all that somebody had a reason to name.
std::vector<GivenSecret> listed_of(const SearchRequest& request)
{
    std::vector<GivenSecret> out;
    if (request.try_default_password) {
        out.push_back({.bytes = SecretBytes::copy_of(as_bytes(default_password)), .encoding = "text"});
    }
    for (const auto& given : request.secrets) {
        out.push_back({.bytes = given.bytes.clone(), .encoding = given.encoding});
    }
    return out;
}

/// A session keeps its range; one that was asked for as well has to be the same.
Result<> check_range(const password::SearchState& state, const SearchRun& run)
{
    const bool is_other_begin = run.skip != 0 && run.skip != state.begin;
    const bool is_other_end = run.limit && *run.limit != state.end - state.begin;
    if (!is_other_begin && !is_other_end) {
        return {};
    }
    return Error{ErrorCode::mismatch,
                 "the session is of another range of candidates",
                 fmt::format("the session: {} from number {}; asked for: skip {}, limit {}",
                             format_count(state.end - state.begin), format_count(state.begin), format_count(run.skip),
                             run.limit ? format_count(*run.limit) : std::string{"none"}),
                 std::nullopt,
                 "leave out --skip and --limit to go on, or name another session file",
                 {}};
}

Result<std::optional<password::SearchState>> earlier_state(const SearchRun& run)
{
    if (!run.session_file) {
        return std::optional<password::SearchState>{};
    }
    auto loaded = password::load_session(*run.session_file);
    if (!loaded.has_value() && loaded.error().code == ErrorCode::not_found) {
        return std::optional<password::SearchState>{};
    }
    auto session = SALVAGE_TRY(std::move(loaded).in(fmt::format("going on with {}", run.session_file->string())));
    SALVAGE_TRY(check_range(session.state, run));
    return std::optional{std::move(session.state)};
}

/// Where a step lies in the whole plan, and how much of it is done.
struct StepShare {
    std::uint64_t begin{};
    std::uint64_t end{};
};

std::vector<StepShare> shares_of(const std::vector<SearchStep>& steps)
{
    std::vector<StepShare> out;
    std::uint64_t at = 0;
    for (const auto& step : steps) {
        const auto end = checked_add(at, step.keyspace->size().value);
        out.push_back({.begin = at, .end = end.value_or(std::numeric_limits<std::uint64_t>::max())});
        at = out.back().end;
    }
    return out;
}

std::size_t step_of(const std::vector<StepShare>& shares, std::uint64_t index)
{
    const auto at = std::ranges::find_if(shares, [&](const auto& share) { return index < share.end; });
    return static_cast<std::size_t>(at - shares.begin());
}

/// One sentence a step.  The number of a hit is not among them: with the order it is the secret.
std::string told_of(const SearchStep& step, StepShare share, const password::SearchState& state, bool is_hit)
{
    if (is_hit) {
        return fmt::format("{}: found.", step.name);
    }
    const auto size = share.end - share.begin;
    const auto first = std::clamp(state.begin, share.begin, share.end);
    const auto next = std::clamp(state.next, first, share.end);
    const auto tried = next - first;
    if (tried == size) {
        return size == 1 ? fmt::format("{}: tried.", step.name)
                         : fmt::format("{}: all {} candidates were tried.", step.name, format_count(size));
    }
    return tried == 0
               ? fmt::format("{}: not tried.", step.name)
               : fmt::format("{}: {} of {} candidates were tried.", step.name, format_count(tried), format_count(size));
}

Result<FoundSecret> describe_found(const FooterTarget& target, password::Found found, const SearchStep& step)
{
    auto judged = SALVAGE_TRY(target.judge(found.secret.expose()));
    return FoundSecret{.found = std::move(found),
                       .step = step.name,
                       .master_key = std::move(judged.key),
                       .how = std::move(judged.how),
                       .key_proof = std::move(judged.proof),
                       .is_for_footer_only = judged.judgement == CandidateJudgement::footer_only};
}

password::SearchOptions options_of(const SearchRun& run)
{
    password::SearchOptions out;
    out.skip = run.skip;
    out.limit = run.limit;
    out.checkpoint_interval = run.checkpoint_interval;
    out.on_found = run.on_found;
    out.is_paused = run.is_paused;
    if (run.session_file || run.on_state) {
        out.checkpoint = [&run](const password::SearchState& state) -> Result<> {
            if (run.on_state) {
                run.on_state(state);
            }
            if (!run.session_file) {
                return {};
            }
            std::error_code unknown; // the folder is for --restore alone
            return password::save_session(
                *run.session_file,
                {.state = state, .command = run.command, .folder = std::filesystem::current_path(unknown).string()});
        };
    }
    return out;
}

/// Turns what the search found into what a person reads.
Result<> describe(password::SearchResult result, const TargetSet& targets, const std::vector<SearchStep>& steps,
                  SearchReport& report)
{
    report.end = result.end;
    report.state = std::move(result.state);
    report.tried = result.tried;
    report.rejected = result.rejected;
    report.elapsed = result.elapsed;
    report.lost_devices = std::move(result.lost_devices);
    const auto shares = shares_of(steps);
    std::vector<bool> is_hit(steps.size(), false);
    for (auto& found : result.found) {
        const auto step = step_of(shares, found.index);
        is_hit[step] = true;
        const auto& target = targets.at(found.target);
        auto described = describe_found(target, std::move(found), steps[step]);
        report.found.push_back(SALVAGE_TRY(std::move(described).in("deriving the key of the secret that was found")));
    }
    for (std::size_t i = 0; i < steps.size(); ++i) {
        report.searched.push_back(told_of(steps[i], shares[i], report.state, is_hit[i]));
    }
    return {};
}

} // namespace

Result<ProvenKey> judge_secret(const SearchSubject& subject, ByteView secret)
{
    const auto target = SALVAGE_TRY(make_footer_target(subject, PasswordCheck::listed));
    return target->judge(secret);
}

std::string step_name_at(const std::vector<SearchStep>& steps, std::uint64_t index)
{
    const auto step = step_of(shares_of(steps), index);
    return step < steps.size() ? steps[step].name : std::string{};
}

Result<std::string> session_name(const CrackPlan& plan, const SearchRun& run)
{
    const auto keyspace = SALVAGE_TRY(plan.keyspace());
    const auto text = fmt::format("{}\n{}\n{}\n{}", plan.target_identity, keyspace->identity(), run.skip,
                                  run.limit ? fmt::format("{}", *run.limit) : std::string{});
    return fmt::format("salvage-{}.session", to_hex(ByteView{crypto::sha256(as_bytes(text))}.first(6)));
}

Result<SearchReport> run_search(std::span<const SearchSubject> subjects, const CrackPlan& plan,
                                const SearchRequest& request, const SearchRun& run, const RunContext& context)
{
    const auto keyspace = SALVAGE_TRY(plan.keyspace());
    const auto targets = SALVAGE_TRY(TargetSet::make(subjects, request.check, listed_of(request)));
    auto devices = plan.opened;
    if (!devices) {
        const auto planned = password::plan_devices(targets.views(), request.devices);
        devices = std::make_shared<const password::Devices>(SALVAGE_TRY(password::make_devices(planned, context)));
    }
    auto options = options_of(run);
    options.resume = SALVAGE_TRY(earlier_state(run));
    const bool was_resumed = options.resume.has_value();
    context.log->write("search.start", plan.devices);
    auto result = SALVAGE_TRY(password::search(*keyspace, targets.views(), *devices, options, context));
    SearchReport report;
    report.targets = subjects.size();
    report.was_resumed = was_resumed;
    SALVAGE_TRY(describe(std::move(result), targets, plan.steps, report));
    return report;
}

} // namespace salvage::rescue
