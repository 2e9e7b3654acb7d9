// A search that others carry: submitted to Slurm, or one chunk of such a search.
#include <algorithm>
#include <utility>

#include "crack_command.hpp"

namespace salvage::cli {
namespace {

/// What a cluster is told of a search.
Result<SlurmSearch> slurm_search(const CrackOptions& options, const Targets& targets, const rescue::CrackPlan& plan)
{
    const auto keyspace = SALVAGE_TRY(plan.keyspace());
    SlurmSearch out;
    out.target_identity = plan.target_identity;
    out.keyspace_identity = keyspace->identity();
    std::ranges::transform(targets, std::back_inserter(out.targets), &rescue::CrackTarget::hash);
    out.total = plan.candidates();
    out.begin = std::min(options.skip.value_or(0), out.total);
    out.end = out.begin + std::min(options.limit.value_or(out.total), out.total - out.begin);
    out.rate = plan.rate;
    return out;
}

rescue::RangeEnd range_end_of(password::SearchEnd end)
{
    switch (end) {
    case password::SearchEnd::found: return rescue::RangeEnd::all_hit;
    case password::SearchEnd::exhausted: return rescue::RangeEnd::exhausted;
    case password::SearchEnd::stopped: break;
    }
    return rescue::RangeEnd::stopped;
}

/// One chunk of a shared folder: an ordinary search of its range, with the folder's checkpoint as its session.
Result<> run_task(const CrackOptions& options, const Targets& targets, const rescue::CrackPlan& plan,
                  const rescue::SearchRequest& request, const SlurmSearch& search, Session& session)
{
    const auto subjects = subjects_of(targets);
    const auto run_range = [&](const rescue::ChunkWork& work,
                               const RunContext& context) -> Result<rescue::ChunkOutcome> {
        rescue::SearchRun run;
        run.session_file = work.checkpoint;
        run.skip = work.range.begin;
        run.limit = work.range.length;
        const auto hit_of = [&](const password::Found& found) {
            return rescue::ChunkHit{.number = found.index,
                                    .target = targets.at(found.target).hash,
                                    .secret = std::string{as_text(found.secret.expose())},
                                    .encoding = found.encoding};
        };
        run.on_found = [&](const password::Found& found) { return work.publish(hit_of(found)); };
        const auto report = SALVAGE_TRY(rescue::run_search(subjects, plan, request, run, context));
        rescue::ChunkOutcome out;
        out.end = range_end_of(report.end);
        out.next = report.state.next;
        out.tried = report.tried;
        std::ranges::transform(report.found, std::back_inserter(out.hits),
                               [&](const auto& found) { return hit_of(found.found); });
        return out;
    };
    return run_slurm_task(options.slurm, search, run_range, session);
}

} // namespace

Result<> run_elsewhere(const CrackOptions& options, const Targets& targets, const rescue::CrackPlan& plan,
                       const rescue::SearchRequest& request, Session& session)
{
    const auto search = SALVAGE_TRY(slurm_search(options, targets, plan));
    return options.slurm.is_task() ? run_task(options, targets, plan, request, search, session)
                                   : submit_slurm(options.slurm, search, session);
}

} // namespace salvage::cli
