// How fast targets are on this machine: every device warmed up, then all of them measured side by side.
#include <algorithm>
#include <mutex>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/password/search.hpp"

namespace salvage::password {
namespace {

/// Candidates that a rate is measured with.  No keyspace yields them: a control character cannot be typed.
void write_probe(std::uint64_t number, std::string& into)
{
    into = fmt::format("\x01{:015}", number);
}

/// Sums the rates of threads that run side by side.  Thread safe.
class RateMeter {
public:
    RateMeter(std::span<const Target* const> targets, std::chrono::milliseconds budget, const RunContext& context)
        : targets_{targets}, budget_{budget}, context_{&context}
    {
    }

    /// One device's part.
    void measure(std::uint64_t first, crypto::KdfDevice& device)
    {
        auto measured = rate_of(first, device);
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

    struct Bench {
        std::vector<std::unique_ptr<Judge>> judges;
        std::vector<std::string> texts;
        std::vector<ByteView> views;
        std::uint64_t next{};
    };

    /// One batch for every target.
    static Result<> judge_batch(Bench& bench)
    {
        for (std::size_t i = 0; i < bench.texts.size(); ++i) {
            write_probe(bench.next++, bench.texts[i]);
            bench.views[i] = as_bytes(bench.texts[i]);
        }
        for (const auto& judge : bench.judges) {
            const auto size = std::max<std::size_t>(1, judge->batch_size());
            for (std::size_t at = 0; at < bench.views.size(); at += size) {
                const auto count = std::min(size, bench.views.size() - at);
                static_cast<void>(SALVAGE_TRY(judge->first_accepted(std::span{bench.views}.subspan(at, count))));
            }
        }
        return {};
    }

    Result<double> rate_of(std::uint64_t first, crypto::KdfDevice& device) const
    {
        Bench bench{.judges = {}, .texts = {}, .views = {}, .next = first};
        std::size_t batch = 1;
        for (const auto* const target : targets_) {
            bench.judges.push_back(SALVAGE_TRY(target->make_judge(device)));
            batch = std::max(batch, bench.judges.back()->batch_size());
        }
        bench.texts.resize(batch);
        bench.views.resize(batch);
        SALVAGE_TRY(judge_batch(bench)); // memory is taken and a device's program built here
        std::uint64_t done = 0;
        const auto begin = context_->clock->now();
        auto taken = std::chrono::nanoseconds{0};
        for (unsigned batches = 0; batches == 0 || (taken < budget_ && !context_->is_stopped()); ++batches) {
            SALVAGE_TRY(judge_batch(bench));
            done += batch;
            taken = context_->clock->now() - begin;
            if (taken.count() <= 0 && batches >= batches_before_clock_must_move) {
                return Error{
                    ErrorCode::internal, "a rate cannot be measured", "the clock does not move", std::nullopt, {}, {}};
            }
        }
        const std::chrono::duration<double> seconds = std::max(taken, std::chrono::nanoseconds{1});
        return static_cast<double>(done) / seconds.count();
    }

    std::span<const Target* const> targets_;
    std::chrono::milliseconds budget_;
    const RunContext* context_;
    std::mutex mutex_;
    double rate_{0};
    std::optional<Error> problem_;
};

} // namespace

Result<double> measure_rate(std::span<const Target* const> targets, const Devices& devices,
                            std::chrono::milliseconds budget, const RunContext& context)
{
    if (devices.empty()) {
        return invalid_argument("there is nothing to measure", "no device was given");
    }
    RateMeter meter{targets, budget, context};
    {
        std::vector<std::jthread> pool;
        for (std::size_t i = 1; i < devices.size(); ++i) {
            try {
                pool.emplace_back(
                    [&meter, i, &device = *devices[i]] { meter.measure(std::uint64_t{i} << 32U, device); });
            } catch (const std::system_error&) {
                break; // as a search: fewer threads are fine
            }
        }
        meter.measure(0, *devices.front());
    }
    if (context.is_stopped()) {
        return cancelled("measuring the speed of the search");
    }
    return meter.rate();
}

} // namespace salvage::password
