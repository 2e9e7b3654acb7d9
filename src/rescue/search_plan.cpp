// What is tried in which order, and what it takes here: the owner's plan where no attack is named.
//
// Every kind of secret is cut where guessing it gets dearer: its likely head, its likely body, all the rest.  The
// pieces of all kinds are sorted by the probability that a guess in them hits, which is the probability per second. The
// shares are estimates; docs/pin-order.md says where they come from.
#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "rescue/search_target.hpp"
#include "salvage/core/text.hpp"
#include "salvage/rescue/search.hpp"

namespace salvage::rescue {
namespace {

using password::KeyspacePtr;

constexpr std::chrono::milliseconds measuring_time{500};
constexpr unsigned shortest_pin = 4;

enum class Kind : std::uint8_t { pin, pattern, raw_pattern, words };

/// A piece of a kind: up to which number, with which share of the kind's secrets in it, and how it is called.
struct Piece {
    std::uint64_t end{};
    double share{};
    std::string_view name;
};
constexpr std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
using Pieces = std::array<Piece, 3>;

constexpr Pieces of_four_digits{
    Piece{100, 0.16, ", the likeliest"}, {1000, 0.29, ", likely ones"}, {all, 0.55, ", the rest"}};
constexpr Pieces of_six_digits{
    Piece{100, 0.13, ", the likeliest"}, {20'000, 0.27, ", likely ones"}, {all, 0.60, ", the rest"}};
constexpr Pieces of_eight_digits{
    Piece{100, 0.10, ", the likeliest"}, {130'000, 0.50, ", dates"}, {all, 0.40, ", the rest"}};
constexpr Pieces of_other_digits{
    Piece{100, 0.10, ", the likeliest"}, {2'000, 0.10, ", likely ones"}, {all, 0.80, ", the rest"}};
constexpr Pieces of_patterns{
    Piece{100, 0.20, ", the likeliest"}, {20'000, 0.50, ", likely ones"}, {all, 0.30, ", the rest"}};
constexpr Pieces of_words{Piece{all, 1.0, ""}, {all, 0, ""}, {all, 0, ""}};

const Pieces& pieces_of_pin(unsigned digits)
{
    switch (digits) {
    case 4: return of_four_digits;
    case 6: return of_six_digits;
    case 8: return of_eight_digits;
    default: return of_other_digits;
    }
}

/// How the owners of such phones locked them.
struct Shares {
    double pin{};
    double pattern{};
    double raw_pattern{}; ///< of the first months of Android 5 only
    double words{};
};

/// A footer that says what its user typed moves that kind forward; one that was upgraded from Android 4 says
/// "password" and may mean a PIN.
Shares shares_for(const fde::CryptoFooter* footer)
{
    const auto said = footer == nullptr ? std::nullopt : footer->crypt_type;
    switch (said.value_or(fde::CryptType::default_password)) {
    case fde::CryptType::password: return {.pin = 0.20, .pattern = 0.04, .raw_pattern = 0.01, .words = 0.75};
    case fde::CryptType::pattern: return {.pin = 0.01, .pattern = 0.90, .raw_pattern = 0.08, .words = 0.01};
    case fde::CryptType::pin: return {.pin = 0.97, .pattern = 0.01, .raw_pattern = 0.01, .words = 0.01};
    case fde::CryptType::default_password: break;
    }
    return {.pin = 0.45, .pattern = 0.40, .raw_pattern = 0.02, .words = 0.13};
}

/// Of those who have a PIN.
double share_of_length(unsigned digits)
{
    switch (digits) {
    case 4: return 0.70;
    case 5: return 0.05;
    case 6: return 0.17;
    case 8: return 0.04;
    default: return 0.01;
    }
}

/// A step with the probability that one guess of it hits.
struct RankedStep {
    SearchStep step;
    double density{};
};

/// Builds the owner's plan.
class Planner {
public:
    Planner(const SearchRequest& request, const RunContext& context) : request_{&request}, context_{&context} {}

    Result<std::vector<SearchStep>> steps(const fde::CryptoFooter* footer)
    {
        const auto shares = shares_for(footer);
        SALVAGE_TRY(add_pins(shares.pin));
        SALVAGE_TRY(add_patterns(password::PatternEncoding::digits, "", shares.pattern));
        SALVAGE_TRY(add_patterns(password::PatternEncoding::raw_zero, ", raw", shares.raw_pattern));
        SALVAGE_TRY(add_words(shares.words));
        // Of one kind, later pieces are thinner, so its order stays; names break ties, so the plan is the same
        // anywhere.
        std::ranges::sort(ranked_, [](const RankedStep& a, const RankedStep& b) {
            return a.density != b.density ? a.density > b.density : a.step.name < b.step.name;
        });
        std::vector<SearchStep> out;
        out.reserve(ranked_.size());
        for (auto& ranked : ranked_) {
            out.push_back(std::move(ranked.step));
        }
        return out;
    }

private:
    void add(const std::string& name, const KeyspacePtr& keyspace, const Pieces& pieces, double share)
    {
        const auto size = keyspace->size().value;
        std::uint64_t begin = 0;
        for (const auto& piece : pieces) {
            const auto end = std::min(piece.end, size);
            if (begin == end) {
                continue;
            }
            const bool is_whole = begin == 0 && end == size;
            ranked_.push_back({.step = {.name = is_whole ? name : fmt::format("{}{}", name, piece.name),
                                        .keyspace = is_whole ? keyspace : password::make_range(keyspace, begin, end),
                                        .seconds = 0},
                               .density = share * piece.share / static_cast<double>(end - begin)});
            begin = end;
        }
    }

    Result<> add_pins(double share)
    {
        for (unsigned digits = shortest_pin; digits <= request_->max_pin; ++digits) {
            const auto keyspace = SALVAGE_TRY(password::make_pins(digits, digits));
            add(fmt::format("{}-digit PIN", digits), keyspace, pieces_of_pin(digits), share * share_of_length(digits));
        }
        return {};
    }

    Result<> add_patterns(password::PatternEncoding encoding, std::string_view suffix, double share)
    {
        if (request_->pattern_side == 0) {
            return {};
        }
        constexpr unsigned shortest = 4; // Android's own minimum
        constexpr unsigned longest = 9;  // all dots of 3x3; of larger grids, what a person waits for
        const auto side = request_->pattern_side;
        const auto keyspace = SALVAGE_TRY(password::make_patterns(side, shortest, side == 6 ? 7 : longest, encoding));
        add(fmt::format("{0}x{0} pattern{1}", side, suffix), keyspace, of_patterns, share);
        return {};
    }

    Result<> add_words(double share)
    {
        for (const auto& path : request_->wordlists) {
            const auto keyspace = SALVAGE_TRY(password::make_wordlist(path.string(), *context_));
            add(fmt::format("word list {}", printable(path.filename().string())), keyspace, of_words,
                share / static_cast<double>(request_->wordlists.size()));
        }
        return {};
    }

    const SearchRequest* request_;
    const RunContext* context_;
    std::vector<RankedStep> ranked_;
};

/// Neighbours of one encoding make one step: a keyspace has one.
std::vector<SearchStep> given_steps(const std::vector<GivenSecret>& given)
{
    std::vector<SearchStep> out;
    for (auto first = given.begin(); first != given.end();) {
        const auto last =
            std::find_if(first, given.end(), [&](const auto& other) { return other.encoding != first->encoding; });
        std::vector<std::string> texts;
        for (auto at = first; at != last; ++at) {
            texts.emplace_back(as_text(at->bytes.expose()));
        }
        out.push_back({.name = fmt::format("given secret ({})", first->encoding),
                       .keyspace = password::make_list(std::move(texts), "given secrets", first->encoding),
                       .seconds = 0});
        first = last;
    }
    return out;
}

/// Derives keys and finds them all wrong: what a guess costs without anything to prove it on.
class DerivationOnly final : public password::Target {
public:
    explicit DerivationOnly(const fde::Unlocker& unlocker)
        : unlocker_{&unlocker}, is_checked_{is_key_under_default_password(unlocker.footer())}
    {
    }
    Result<std::unique_ptr<password::Judge>> make_judge(crypto::KdfDevice& device) const override;
    Result<std::vector<std::string>> proof(ByteView /*candidate*/) const override { return std::vector<std::string>{}; }
    [[nodiscard]] std::string identity() const override { return "derivation"; }
    [[nodiscard]] std::optional<crypto::ScryptFactors> scrypt() const noexcept override
    {
        const auto derivation = unlocker_->scrypt();
        return derivation || !is_checked_ ? derivation : unlocker_->check_scrypt();
    }

private:
    const fde::Unlocker* unlocker_;
    bool is_checked_; ///< as FooterTarget would
};

class DerivingJudge final : public password::Judge {
public:
    DerivingJudge(std::unique_ptr<fde::BatchUnlocker> unlocker, bool is_checked)
        : unlocker_{std::move(unlocker)}, is_checked_{is_checked}
    {
    }
    [[nodiscard]] std::size_t batch_size() const noexcept override { return unlocker_->batch_size(); }
    Result<std::optional<std::size_t>> first_accepted(std::span<const ByteView> batch) override
    {
        SALVAGE_TRY(unlocker_->load(batch));
        if (is_checked_) {
            static_cast<void>(SALVAGE_TRY(unlocker_->check()));
        }
        return std::optional<std::size_t>{};
    }

private:
    std::unique_ptr<fde::BatchUnlocker> unlocker_;
    bool is_checked_;
};

Result<std::unique_ptr<password::Judge>> DerivationOnly::make_judge(crypto::KdfDevice& device) const
{
    auto unlocker = unlocker_->make_batch(device);
    if (!unlocker) {
        return invalid_argument("there is nothing to derive", "the key stands in the clear");
    }
    return std::make_unique<DerivingJudge>(std::move(unlocker), is_checked_);
}

/// The rate of `targets`, and the devices it was measured on.
Result<double> measure(std::span<const password::Target* const> targets, const password::Devices& devices,
                       const RunContext& context)
{
    return password::measure_rate(targets, devices, measuring_time, context).in("measuring the search");
}

} // namespace

std::uint64_t CrackPlan::candidates() const noexcept
{
    std::uint64_t sum = 0;
    for (const auto& step : steps) {
        sum = checked_add(sum, step.keyspace->size().value).value_or(all);
    }
    return sum;
}

Result<KeyspacePtr> CrackPlan::keyspace() const
{
    if (steps.empty()) {
        return invalid_argument("there is nothing to search", "no attack was named",
                                "name one: --pin 4, --grid 3, or a word list");
    }
    std::vector<KeyspacePtr> parts;
    parts.reserve(steps.size());
    for (const auto& step : steps) {
        parts.push_back(step.keyspace);
    }
    return password::make_chain(std::move(parts));
}

Result<std::vector<SearchStep>> plan_steps(const fde::CryptoFooter* footer, SearchRequest& request,
                                           const RunContext& context)
{
    auto out = given_steps(request.secrets);
    const bool is_guided = !out.empty() || !request.attacks.empty();
    if (request.try_default_password) {
        out.push_back({.name = "default password",
                       .keyspace = password::make_list({std::string{default_password}}, "the default password"),
                       .seconds = 0});
    }
    auto rest = is_guided ? std::move(request.attacks) : SALVAGE_TRY(Planner(request, context).steps(footer));
    std::ranges::move(rest, std::back_inserter(out));
    return out;
}

Result<CrackPlan> plan_search(std::span<const SearchSubject> subjects, SearchRequest& request,
                              const RunContext& context)
{
    const auto targets = SALVAGE_TRY(TargetSet::make(subjects, request.check));
    CrackPlan plan;
    plan.steps = SALVAGE_TRY(plan_steps(&subjects.front().unlocker->footer(), request, context));
    const auto planned = password::plan_devices(targets.views(), request.devices);
    plan.target_identity = targets.identity();
    plan.devices = password::describe(planned);
    plan.uses_gpu = !planned.gpus.empty();
    plan.opened = std::make_shared<const password::Devices>(SALVAGE_TRY(password::make_devices(planned, context)));
    plan.rate = SALVAGE_TRY(measure(targets.views(), *plan.opened, context));
    for (auto& step : plan.steps) {
        step.seconds = static_cast<double>(step.keyspace->size().value) / plan.rate;
    }
    return plan;
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
    const std::array<const password::Target*, 1> targets{&target};
    const auto devices = password::make_devices(password::plan_devices(targets, {}));
    std::vector<AttackCost> out;
    const auto rate = devices.has_value() ? measure(targets, *devices, context) : Result<double>{0.0};
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
