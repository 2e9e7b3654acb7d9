// Searching: range, threads, checkpoints, result.  And measuring how fast a target is.
#include "salvage/password/search.hpp"

#include <algorithm>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "password/engine.hpp"
#include "password/workers.hpp"
#include "salvage/core/text.hpp"
#include "salvage/password/session.hpp"

namespace salvage::password {
namespace {

Result<SearchState> first_state(const Keyspace& keyspace, const Target& target, const SearchOptions& options)
{
    if (options.resume) {
        SALVAGE_TRY(check_session(*options.resume, keyspace, target));
        return *options.resume;
    }
    const auto size = keyspace.size().value;
    if (options.skip > size) {
        return invalid_argument("nothing is left to search",
                                fmt::format("{} candidates are to be skipped, there are {}", format_count(options.skip),
                                            format_count(size)));
    }
    const auto count = std::min(options.limit.value_or(size), size - options.skip);
    return SearchState{.target_identity = target.identity(),
                       .keyspace_identity = keyspace.identity(),
                       .begin = options.skip,
                       .next = options.skip,
                       .end = options.skip + count};
}

/// Tells progress, and checkpoints when it is time.
class Teller {
public:
    Teller(const SearchOptions& options, const RunContext& context)
        : options_{&options}, context_{&context}, last_{context.clock->now()}
    {
    }

    Result<> tell(const SearchState& state, std::uint64_t done)
    {
        context_->progress->update(
            {.step = "search", .unit = "candidates", .done = done, .total = state.end - state.begin});
        const auto now = context_->clock->now();
        if (!options_->checkpoint || now - last_ < options_->checkpoint_interval) {
            return {};
        }
        last_ = now;
        return options_->checkpoint(state).in("saving the state of the search");
    }
    Result<> tell_now(const SearchState& state, std::uint64_t done)
    {
        context_->progress->update(
            {.step = "search", .unit = "candidates", .done = done, .total = state.end - state.begin});
        return options_->checkpoint ? options_->checkpoint(state).in("saving the state of the search") : Result<>{};
    }

private:
    const SearchOptions* options_;
    const RunContext* context_;
    std::chrono::nanoseconds last_;
};

Result<Found> describe_hit(const Keyspace& keyspace, const Target& target, std::uint64_t index)
{
    std::string text;
    SALVAGE_TRY(keyspace.candidate(index, text));
    Found found;
    found.index = index;
    found.secret = SecretBytes::copy_of(as_bytes(text));
    found.encoding = keyspace.encoding(index);
    wipe(std::as_writable_bytes(std::span{text}));
    auto proof = target.proof(found.secret.expose());
    // A hit is worth more than its proof: an error here is told in the proof's place.
    found.proof = proof.has_value()
                      ? std::move(*proof)
                      : std::vector<std::string>{"The proof could not be repeated: " + to_string(proof.error())};
    return found;
}

/// Candidates that a rate is measured with.  No keyspace yields them: a control character cannot be typed.
void write_probe(std::uint64_t number, std::string& into)
{
    into = fmt::format("\x01{:015}", number);
}

/// Sums the rates of threads that run side by side.  Thread safe.
class RateMeter {
public:
    RateMeter(const Target& target, std::chrono::milliseconds budget, const RunContext& context)
        : target_{&target}, budget_{budget}, context_{&context}
    {
    }

    /// One thread's part: batches until the time is over, one at least.
    void measure(std::uint64_t first)
    {
        auto measured = rate_of_thread(first);
        const std::scoped_lock lock{mutex_};
        if (measured.has_value()) {
            rate_ += *measured;
        } else if (!problem_) {
            problem_ = std::move(measured).error();
        }
    }

    Result<double> rate()
    {
        const std::scoped_lock lock{mutex_};
        if (problem_) {
            return *problem_;
        }
        return rate_;
    }

private:
    static constexpr unsigned batches_before_clock_must_move = 64;

    Result<double> rate_of_thread(std::uint64_t first) const
    {
        std::vector<std::string> texts(std::max<std::size_t>(1, target_->batch_size()));
        std::vector<ByteView> views(texts.size());
        std::uint64_t done = 0;
        const auto begin = context_->clock->now();
        auto taken = std::chrono::nanoseconds{0};
        for (unsigned batches = 0; batches == 0 || (taken < budget_ && !context_->is_stopped()); ++batches) {
            for (std::size_t i = 0; i < texts.size(); ++i) {
                write_probe(first + done + i, texts[i]);
                views[i] = as_bytes(texts[i]);
            }
            static_cast<void>(SALVAGE_TRY(target_->first_accepted(views)));
            done += texts.size();
            taken = context_->clock->now() - begin;
            if (taken.count() <= 0 && batches >= batches_before_clock_must_move) {
                return Error{
                    ErrorCode::internal, "a rate cannot be measured", "the clock does not move", std::nullopt, {}, {}};
            }
        }
        const std::chrono::duration<double> seconds = std::max(taken, std::chrono::nanoseconds{1});
        return static_cast<double>(done) / seconds.count();
    }

    const Target* target_;
    std::chrono::milliseconds budget_;
    const RunContext* context_;
    std::mutex mutex_;
    double rate_{0};
    std::optional<Error> problem_;
};

} // namespace

Result<SearchResult> search(const Keyspace& keyspace, const Target& target, const SearchOptions& options,
                            const RunContext& context)
{
    const auto start = SALVAGE_TRY(first_state(keyspace, target, options));
    const auto begin = context.clock->now();
    const auto batches = (start.end - start.next) / std::max<std::size_t>(1, target.batch_size()) + 1;
    const auto workers =
        static_cast<unsigned>(std::min<std::uint64_t>(plan_workers(target, options.workers).workers, batches));
    Teller teller{options, context};
    SALVAGE_TRY(teller.tell_now(start, start.next - start.begin)); // a file that cannot be written is told at once
    Engine engine{keyspace, target, start, context};
    const auto done = [&] { return start.next - start.begin + engine.tried(); };
    const auto ran = engine.run(workers, options.checkpoint_interval,
                                [&](const SearchState& state) { return teller.tell(state, done()); });
    SearchResult result;
    result.state = engine.state();
    const auto saved = teller.tell_now(result.state, done());
    result.tried = engine.tried();
    result.elapsed = context.clock->now() - begin;
    if (const auto hit = engine.hit(); hit && result.state.next == *hit) {
        result.end = SearchEnd::found;
        result.found = SALVAGE_TRY(describe_hit(keyspace, target, *hit));
        if (!saved.has_value()) {
            context.log->write("search.checkpoint", to_string(saved.error()));
        }
        return result;
    }
    if (auto error = engine.error(); error && result.state.next < result.state.end) {
        return std::move(*error);
    }
    SALVAGE_TRY(ran);
    SALVAGE_TRY(saved);
    result.end = result.state.next == result.state.end ? SearchEnd::exhausted : SearchEnd::stopped;
    return result;
}

Result<double> measure_rate(const Target& target, unsigned workers, std::chrono::milliseconds budget,
                            const RunContext& context)
{
    RateMeter meter{target, budget, context};
    {
        std::vector<std::jthread> pool;
        const auto threads = plan_workers(target, workers).workers;
        for (unsigned i = 1; i < threads; ++i) {
            try {
                pool.emplace_back([&meter, i] { meter.measure(std::uint64_t{i} << 32U); });
            } catch (const std::system_error&) {
                break; // as a search: fewer threads are fine
            }
        }
        meter.measure(0);
    }
    if (context.is_stopped()) {
        return cancelled("measuring the speed of the search");
    }
    return meter.rate();
}

} // namespace salvage::password
