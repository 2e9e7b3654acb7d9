// Searching: range, threads, checkpoints, hits as they become certain, result.
#include "salvage/password/search.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "password/engine.hpp"
#include "password/target_set.hpp"
#include "salvage/core/text.hpp"
#include "salvage/password/session.hpp"

namespace salvage::password {
namespace {

Result<SearchState> first_state(const Keyspace& keyspace, std::span<const Target* const> targets,
                                const SearchOptions& options)
{
    if (options.resume) {
        SALVAGE_TRY(check_session(*options.resume, keyspace, targets));
        return *options.resume;
    }
    const auto size = keyspace.size().value;
    if (options.skip > size) {
        return invalid_argument("nothing is left to search",
                                fmt::format("{} candidates are to be skipped, there are {}", format_count(options.skip),
                                            format_count(size)));
    }
    const auto count = std::min(options.limit.value_or(size), size - options.skip);
    return SearchState{.target_identity = identity_of(targets),
                       .keyspace_identity = keyspace.identity(),
                       .begin = options.skip,
                       .next = options.skip,
                       .end = options.skip + count,
                       .hits = {}};
}

Result<Found> describe_hit(const Keyspace& keyspace, const Target& target, const Hit& hit)
{
    auto candidate = SALVAGE_TRY(candidate_at(keyspace, hit.index));
    Found found;
    found.target = hit.target;
    found.index = hit.index;
    found.secret = SecretBytes::copy_of(as_bytes(candidate.bytes));
    found.encoding = keyspace.encoding(hit.index);
    wipe(std::as_writable_bytes(std::span{candidate.bytes}));
    auto proof = target.proof(found.secret.expose());
    // A hit is worth more than its proof: an error here is told in the proof's place.
    found.proof = proof.has_value()
                      ? std::move(*proof)
                      : std::vector<std::string>{"The proof could not be repeated: " + to_string(proof.error())};
    return found;
}

/// Tells progress, checkpoints when it is time, and passes hits on once no lower one can come.
class Teller {
public:
    Teller(const Keyspace& keyspace, std::span<const Target* const> targets, const SearchOptions& options,
           const RunContext& context)
        : keyspace_{&keyspace}, targets_{targets}, options_{&options}, context_{&context}, last_{context.clock->now()}
    {
    }

    Result<> tell(const SearchState& state, std::uint64_t done)
    {
        update_progress(state, done);
        SALVAGE_TRY(tell_hits(state));
        const auto now = context_->clock->now();
        return now - last_ < options_->checkpoint_interval ? Result<>{} : save(state);
    }
    Result<> tell_now(const SearchState& state, std::uint64_t done)
    {
        update_progress(state, done);
        return save(state);
    }

    /// Hits below `next` are certain.  Each is told once.
    Result<> tell_hits(const SearchState& state)
    {
        std::vector<Hit> certain;
        for (const auto& hit : state.hits) {
            if (hit.index < state.next && told_.insert(hit.target).second) {
                certain.push_back(hit);
            }
        }
        std::ranges::sort(certain, {}, [](const Hit& hit) { return std::pair{hit.index, hit.target}; });
        for (const auto& hit : certain) {
            found_.push_back(SALVAGE_TRY(describe_hit(*keyspace_, *targets_[hit.target], hit)));
            if (options_->on_found) {
                SALVAGE_TRY(options_->on_found(found_.back()).in("telling a hit"));
            }
        }
        return {};
    }

    [[nodiscard]] std::vector<Found> take_found() { return std::move(found_); }

private:
    void update_progress(const SearchState& state, std::uint64_t done)
    {
        const auto total = keyspace_->is_open_ended() ? std::nullopt : std::optional{state.end - state.begin};
        context_->progress->update({.step = "search", .unit = "candidates", .done = done, .total = total});
    }
    Result<> save(const SearchState& state)
    {
        last_ = context_->clock->now();
        return options_->checkpoint ? options_->checkpoint(state).in("saving the state of the search") : Result<>{};
    }

    const Keyspace* keyspace_;
    std::span<const Target* const> targets_;
    const SearchOptions* options_;
    const RunContext* context_;
    std::chrono::nanoseconds last_;
    std::set<std::size_t> told_;
    std::vector<Found> found_;
};

Result<> check_given(std::span<const Target* const> targets, const Devices& devices)
{
    if (targets.empty()) {
        return invalid_argument("there is nothing to search for", "no target was given");
    }
    if (devices.empty()) {
        return invalid_argument("there is nothing to search with", "no device was given");
    }
    return {};
}

SearchEnd end_of(const Engine& engine, const SearchState& state)
{
    if (engine.is_all_found() && !state.hits.empty() &&
        std::ranges::all_of(state.hits, [&](const Hit& hit) { return hit.index < state.next; })) {
        return SearchEnd::found;
    }
    return state.next == state.end ? SearchEnd::exhausted : SearchEnd::stopped;
}

} // namespace

Result<SearchResult> search(const Keyspace& keyspace, std::span<const Target* const> targets, const Devices& devices,
                            const SearchOptions& options, const RunContext& context)
{
    SALVAGE_TRY(check_given(targets, devices));
    const auto start = SALVAGE_TRY(first_state(keyspace, targets, options));
    const auto begin = context.clock->now();
    Teller teller{keyspace, targets, options, context};
    SALVAGE_TRY(teller.tell_now(start, start.next - start.begin)); // a file that cannot be written is told at once
    Engine engine{keyspace, targets, devices, start, context};
    const auto done = [&] { return start.next - start.begin + engine.tried(); };
    const auto ran = engine.run(options.checkpoint_interval, options.is_paused,
                                [&](const SearchState& state) { return teller.tell(state, done()); });
    SearchResult result;
    result.state = engine.state();
    // A hit is told before a checkpoint passes it: who is killed between the two tells it twice, and loses none.
    const auto told = teller.tell_hits(result.state);
    const auto saved = teller.tell_now(result.state, done());
    result.end = end_of(engine, result.state);
    result.tried = engine.tried();
    result.rejected = engine.rejected();
    result.lost_devices = engine.lost_devices();
    result.elapsed = context.clock->now() - begin;
    result.found = teller.take_found();
    if (result.end == SearchEnd::found) {
        SALVAGE_TRY(told);
        if (!saved.has_value()) {
            context.log->write("search.checkpoint", to_string(saved.error()));
        }
        return result;
    }
    if (auto error = engine.error(); error && result.end != SearchEnd::exhausted) {
        return std::move(*error);
    }
    SALVAGE_TRY(ran);
    SALVAGE_TRY(saved);
    SALVAGE_TRY(told);
    return result;
}

} // namespace salvage::password
