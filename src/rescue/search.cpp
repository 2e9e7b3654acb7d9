// What is tried in which order, what it takes, and running it as one numbered search that resumes.
#include "salvage/rescue/search.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "rescue/search_target.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/password/session.hpp"

namespace salvage::rescue {
namespace {

using password::KeyspacePtr;

constexpr std::chrono::milliseconds measuring_time{500};

// ---- planning

enum class Kind : std::uint8_t { short_pins, long_pins, patterns, raw_patterns, words };

/// The order in which kinds of candidates are worth trying.  A footer that says what its user typed moves that kind
/// forward; one that was upgraded from Android 4 says "password" and may mean a PIN, so PINs follow the words closely.
/// Raw patterns are of the first months of Android 5 only.
std::span<const Kind> order_for(const fde::CryptoFooter& footer)
{
    using enum Kind;
    static constexpr std::array usual{short_pins, patterns, long_pins, words, raw_patterns};
    static constexpr std::array for_pin{short_pins, long_pins, patterns, words, raw_patterns};
    static constexpr std::array for_pattern{patterns, raw_patterns, short_pins, long_pins, words};
    static constexpr std::array for_password{words, short_pins, long_pins, patterns, raw_patterns};
    switch (footer.crypt_type.value_or(fde::CryptType::default_password)) {
    case fde::CryptType::password: return for_password;
    case fde::CryptType::pattern: return for_pattern;
    case fde::CryptType::pin: return for_pin;
    case fde::CryptType::default_password: break;
    }
    return usual;
}

std::string pin_name(unsigned min, unsigned max)
{
    if (min == max) {
        return fmt::format("{}-digit PIN", min);
    }
    return max == min + 1 ? fmt::format("{}- and {}-digit PIN", min, max)
                          : fmt::format("{}- to {}-digit PIN", min, max);
}

/// Builds the steps one after another; seconds are filled in once the rate is known.
class Planner {
public:
    Planner(const SearchRequest& request, const RunContext& context) : request_{&request}, context_{&context} {}

    Result<std::vector<SearchStep>> steps(const fde::CryptoFooter& footer)
    {
        add_given();
        if (request_->try_default_password) {
            add("default password", password::make_list({std::string{default_password}}, "the default password"));
        }
        for (const auto kind : order_for(footer)) {
            SALVAGE_TRY(add_kind(kind));
        }
        return std::move(steps_);
    }

private:
    void add(std::string name, KeyspacePtr keyspace)
    {
        steps_.push_back({.name = std::move(name), .keyspace = std::move(keyspace), .seconds = 0});
    }

    /// Neighbours of one encoding make one step: a keyspace has one.
    void add_given()
    {
        const auto& all = request_->secrets;
        for (auto first = all.begin(); first != all.end();) {
            const auto last =
                std::find_if(first, all.end(), [&](const auto& other) { return other.encoding != first->encoding; });
            std::vector<std::string> texts;
            for (auto at = first; at != last; ++at) {
                texts.emplace_back(as_text(at->bytes.expose()));
            }
            add(fmt::format("given secret ({})", first->encoding),
                password::make_list(std::move(texts), "given secrets", first->encoding));
            first = last;
        }
    }

    Result<> add_kind(Kind kind)
    {
        switch (kind) {
        case Kind::short_pins: return add_pins(request_->min_pin, request_->min_pin);
        case Kind::long_pins: return add_pins(request_->min_pin + 1, request_->max_pin);
        case Kind::patterns: return add_patterns(password::PatternEncoding::digits, "");
        case Kind::raw_patterns: return add_patterns(password::PatternEncoding::raw_zero, ", raw");
        case Kind::words: return add_words();
        }
        return {};
    }

    Result<> add_pins(unsigned min, unsigned max)
    {
        if (min > request_->max_pin) {
            return {};
        }
        add(pin_name(min, max), SALVAGE_TRY(password::make_pins(min, max)));
        return {};
    }

    Result<> add_patterns(password::PatternEncoding encoding, std::string_view suffix)
    {
        if (request_->pattern_side == 0) {
            return {};
        }
        const auto side = request_->pattern_side;
        add(fmt::format("{0}x{0} pattern{1}", side, suffix),
            SALVAGE_TRY(password::make_patterns(side, request_->min_dots, request_->max_dots, encoding)));
        return {};
    }

    Result<> add_words()
    {
        for (const auto& path : request_->wordlists) {
            add(fmt::format("word list {}", printable(path.filename().string())),
                SALVAGE_TRY(password::make_wordlist(path.string(), *context_)));
        }
        return {};
    }

    const SearchRequest* request_;
    const RunContext* context_;
    std::vector<SearchStep> steps_;
};

std::string describe_threads(const password::WorkerPlan& plan)
{
    const auto each = format_size(plan.memory_each);
    if (!plan.is_limited_by_memory()) {
        return fmt::format("{} thread{}, {} of memory each", plan.workers, plan.workers == 1 ? "" : "s", each);
    }
    return fmt::format("{} thread{} instead of {}: each takes {} of memory, and {} are free", plan.workers,
                       plan.workers == 1 ? "" : "s", plan.wanted, each,
                       format_size(plan.available.value_or(ByteCount{})));
}

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

// ---- running

Result<KeyspacePtr> chain_of(const std::vector<SearchStep>& steps)
{
    if (steps.empty()) {
        return invalid_argument("there is nothing to search", "no attack was named",
                                "name one: --pin 4, --grid 3 or --wordlist FILE");
    }
    std::vector<KeyspacePtr> parts;
    parts.reserve(steps.size());
    for (const auto& step : steps) {
        parts.push_back(step.keyspace);
    }
    return password::make_chain(std::move(parts));
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
    auto state = SALVAGE_TRY(std::move(loaded).in(fmt::format("going on with {}", run.session_file->string())));
    SALVAGE_TRY(check_range(state, run));
    return std::optional{std::move(state)};
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
        out.push_back({.begin = at, .end = at + step.keyspace->size().value});
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

Result<FoundSecret> describe_found(const FooterTarget& target, password::Found found, const SearchStep& step,
                                   bool& is_footer_only)
{
    auto judged = SALVAGE_TRY(target.judge(found.secret.expose()));
    is_footer_only = judged.judgement == CandidateJudgement::footer_only;
    return FoundSecret{.found = std::move(found),
                       .step = step.name,
                       .master_key = std::move(judged.key),
                       .how = std::move(judged.how),
                       .key_proof = std::move(judged.proof)};
}

/// Derives keys and finds them all wrong: what a guess costs without anything to prove it on.
class DerivationOnly final : public password::Target {
public:
    explicit DerivationOnly(const fde::Unlocker& unlocker)
        : unlocker_{&unlocker}, is_checked_{is_key_under_default_password(unlocker.footer())}
    {
    }
    Result<bool> accepts(ByteView candidate) const override
    {
        static_cast<void>(SALVAGE_TRY(unlocker_->master_keys(candidate, is_checked_)));
        return false;
    }
    Result<std::vector<std::string>> proof(ByteView /*candidate*/) const override { return std::vector<std::string>{}; }
    [[nodiscard]] std::string identity() const override { return "derivation"; }
    [[nodiscard]] ByteCount memory_per_worker() const noexcept override { return unlocker_->memory(); }

private:
    const fde::Unlocker* unlocker_;
    bool is_checked_; ///< as FooterTarget would
};

} // namespace

std::uint64_t CrackPlan::candidates() const noexcept
{
    std::uint64_t sum = 0;
    for (const auto& step : steps) {
        sum += step.keyspace->size().value;
    }
    return sum;
}

Result<CrackPlan> plan_search(const SearchSubject& subject, const SearchRequest& request, const RunContext& context)
{
    CrackPlan plan;
    plan.steps = SALVAGE_TRY(Planner(request, context).steps(subject.unlocker->footer()));
    const auto target = SALVAGE_TRY(make_footer_target(subject, request.check));
    plan.threads = describe_threads(password::plan_workers(*target, request.workers));
    plan.rate = SALVAGE_TRY(
        password::measure_rate(*target, request.workers, measuring_time, context).in("measuring the search"));
    for (auto& step : plan.steps) {
        step.seconds = static_cast<double>(step.keyspace->size().value) / plan.rate;
    }
    return plan;
}

Result<std::string> session_name(const SearchSubject& subject, const std::vector<SearchStep>& steps,
                                 const SearchRequest& request, const SearchRun& run)
{
    const auto target = SALVAGE_TRY(make_footer_target(subject, request.check));
    const auto keyspace = SALVAGE_TRY(chain_of(steps));
    const auto text = fmt::format("{}\n{}\n{}\n{}", target->identity(), keyspace->identity(), run.skip,
                                  run.limit ? fmt::format("{}", *run.limit) : std::string{});
    return fmt::format("salvage-{}.session", to_hex(ByteView{crypto::sha256(as_bytes(text))}.first(6)));
}

Result<SearchReport> run_search(const SearchSubject& subject, const std::vector<SearchStep>& steps,
                                const SearchRequest& request, const SearchRun& run, const RunContext& context)
{
    const auto keyspace = SALVAGE_TRY(chain_of(steps));
    const auto target = SALVAGE_TRY(make_footer_target(subject, request.check, listed_of(request)));
    password::SearchOptions options{.skip = run.skip,
                                    .limit = run.limit,
                                    .resume = SALVAGE_TRY(earlier_state(run)),
                                    .workers = run.workers,
                                    .checkpoint_interval = run.checkpoint_interval,
                                    .checkpoint = {}};
    if (run.session_file) {
        options.checkpoint = [&run](const password::SearchState& state) {
            return password::save_session(*run.session_file, state);
        };
    }
    context.log->write("search.start", describe_threads(password::plan_workers(*target, run.workers)));
    auto result = SALVAGE_TRY(password::search(*keyspace, *target, options, context));

    SearchReport report;
    report.end = result.end;
    report.was_resumed = options.resume.has_value();
    report.state = std::move(result.state);
    report.tried = result.tried;
    report.elapsed = result.elapsed;
    const auto shares = shares_of(steps);
    const auto hit = result.found ? std::optional{step_of(shares, result.found->index)} : std::nullopt;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        report.searched.push_back(told_of(steps[i], shares[i], report.state, hit == i));
    }
    if (result.found) {
        report.found = SALVAGE_TRY(
            describe_found(*target, std::move(*result.found), steps[*hit], report.password_matches_footer_only)
                .in("deriving the key of the secret that was found"));
    }
    return report;
}

std::vector<AttackCost> forecast(const fde::Unlocker& unlocker, const RunContext& context)
{
    struct Usual {
        std::string_view name;
        std::uint64_t candidates;
    };
    constexpr std::array usual{Usual{.name = "4-digit PIN", .candidates = 10'000},
                               Usual{.name = "6-digit PIN", .candidates = 1'000'000},
                               Usual{.name = "3x3 pattern", .candidates = 389'112}};
    const DerivationOnly target{unlocker};
    const auto rate = password::measure_rate(target, 0, measuring_time, context);
    std::vector<AttackCost> out;
    if (!rate.has_value() || *rate <= 0) {
        return out;
    }
    for (const auto& attack : usual) {
        out.push_back({.attack = std::string{attack.name},
                       .candidates = attack.candidates,
                       .seconds = static_cast<double>(attack.candidates) / *rate});
    }
    return out;
}

} // namespace salvage::rescue
