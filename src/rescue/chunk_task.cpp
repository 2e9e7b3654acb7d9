// One life of a chunk: claimed under its own number, gone on from the last checkpoint, committed once.
#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>

#include "rescue/chunk_files.hpp"
#include "rescue/chunk_folder.hpp"
#include "rescue/chunk_text.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;

// A session file of the engine has 64 KiB at most.
constexpr ByteCount max_checkpoint_bytes{16U << 20U};

std::string this_host()
{
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string{name.data()} : std::string{"unknown"};
}

/// Takes the first number that no other life has taken.
Result<ChunkWriter> claim_life(const ChunkFolder& folder, std::uint64_t chunk, const ChunkTask& task,
                               const RunContext& context)
{
    ChunkWriter writer{.attempt = 1,
                       .host = task.host.empty() ? this_host() : task.host,
                       .pid = static_cast<std::uint64_t>(::getpid()),
                       .token = SALVAGE_TRY(make_token(*context.entropy))};
    const auto folder_of_lives = ChunkPaths{folder}.attempts();
    SALVAGE_TRY(make_folder(folder_of_lives));
    std::error_code ignored;
    for (; writer.attempt <= max_chunk_attempts; ++writer.attempt) {
        const auto name = ChunkPaths::life_name(chunk, writer.attempt);
        if (fs::exists(folder_of_lives / name, ignored)) {
            continue; // cheaper than to write a file and be told so
        }
        const auto text = fmt::format("{}carrier={}\nstarted={}\n", writer_lines(writer), escape_word(task.carrier),
                                      context.clock->wall_time().count());
        if (SALVAGE_TRY(put_first(folder_of_lives, name, as_bytes(text), writer.token))) {
            return writer;
        }
    }
    return Error{ErrorCode::refused,
                 fmt::format("chunk {} was begun {} times and never ended", chunk, max_chunk_attempts),
                 folder_of_lives.string(),
                 std::nullopt,
                 "see why in the folder log, mend it, and remove this chunk's files from the folder attempt",
                 {}};
}

/// Gives this life a copy of the checkpoint of the last life that left one: two lives never write to one file.
/// Whole or not at all: a torn copy would hide the one it was made from.
Result<> inherit_checkpoint(const ChunkFolder& folder, std::uint64_t chunk, const ChunkWriter& writer)
{
    const ChunkPaths paths{folder};
    SALVAGE_TRY(make_folder(paths.checkpoints()));
    for (auto life = writer.attempt; life > 0; --life) {
        const auto found = SALVAGE_TRY(read_small_file(paths.checkpoint(chunk, life), max_checkpoint_bytes));
        if (found && life == writer.attempt) {
            return {}; // somebody removed the list of lives, and the numbers begin anew
        }
        if (found) {
            const auto name = ChunkPaths::life_name(chunk, writer.attempt);
            SALVAGE_TRY(put_first(paths.checkpoints(), name, *found, writer.token).in("copying the last checkpoint"));
            return {};
        }
    }
    return {};
}

/// Best effort, after the commit: nobody goes on from these any more, and they may tell where a hit lies.
void remove_checkpoints(const ChunkFolder& folder, std::uint64_t chunk, std::uint32_t attempt)
{
    std::error_code ignored;
    for (; attempt > 0; --attempt) {
        fs::remove(ChunkPaths{folder}.checkpoint(chunk, attempt), ignored);
    }
}

/// Asks for a stop once the chunk needs no one any more: each target has its hit, or another life has committed it.
/// Also when the caller asks.
class NeedWatch {
public:
    NeedWatch(const ChunkFolder& folder, std::uint64_t chunk, std::chrono::milliseconds interval, std::stop_token outer)
        : folder_{folder}, record_{ChunkPaths{folder}.done(chunk)}, forward_{std::move(outer), Forward{&stop_}},
          thread_{[this, interval](const std::stop_token& end) { watch(interval, end); }}
    {
    }
    NeedWatch(const NeedWatch&) = delete;
    NeedWatch& operator=(const NeedWatch&) = delete;
    ~NeedWatch() = default;

    [[nodiscard]] std::stop_token token() const noexcept { return stop_.get_token(); }

private:
    struct Forward {
        std::stop_source* stop;
        void operator()() const { stop->request_stop(); }
    };

    void watch(std::chrono::milliseconds interval, const std::stop_token& end)
    {
        std::unique_lock lock{mutex_};
        while (!wake_.wait_for(lock, end, interval, [] { return false; }) && !end.stop_requested()) {
            if (is_needless()) {
                stop_.request_stop();
                return;
            }
        }
    }
    [[nodiscard]] bool is_needless() const
    {
        std::error_code ignored;
        if (fs::exists(record_, ignored)) {
            return true;
        }
        const auto hits = read_hits(folder_);
        return hits.has_value() && are_all_hit(folder_.job, *hits);
    }

    const ChunkFolder& folder_;
    fs::path record_;
    std::stop_source stop_;
    std::stop_callback<Forward> forward_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::jthread thread_; // last: it uses all the others
};

/// Runs the range; once more from its start where the inherited checkpoint is damaged.
Result<ChunkOutcome> run_from_checkpoint(const ChunkWork& work, const RunRange& run_range, const RunContext& context)
{
    std::error_code ignored;
    const bool had_checkpoint = fs::exists(work.checkpoint, ignored);
    auto outcome = run_range(work, context);
    const bool is_damaged = !outcome.has_value() && (outcome.error().code == ErrorCode::malformed ||
                                                     outcome.error().code == ErrorCode::truncated);
    if (!had_checkpoint || !is_damaged) {
        return outcome;
    }
    auto aside = work.checkpoint;
    aside += ".damaged";
    fs::rename(work.checkpoint, aside, ignored);
    context.log->write("chunk.checkpoint-damaged",
                       fmt::format("chunk {} is begun anew: {}", work.range.number, to_string(outcome.error())));
    return run_range(work, context);
}

/// What the record says was found: what the engine says now, and what an earlier life made known before it ended.
Result<std::vector<ChunkHit>> hits_of(const ChunkFolder& folder, const ChunkRange& range, std::vector<ChunkHit> hits)
{
    for (auto& known : SALVAGE_TRY(read_hits(folder, range))) {
        const bool is_new = std::ranges::none_of(
            hits, [&known](const ChunkHit& hit) { return hit.number == known.number && hit.target == known.target; });
        if (is_new) {
            hits.push_back(std::move(known));
        }
    }
    std::ranges::sort(hits, {}, &ChunkHit::number);
    return hits;
}

Result<bool> is_all_found(const ChunkFolder& folder)
{
    const auto hits = SALVAGE_TRY(read_hits(folder));
    return are_all_hit(folder.job, hits);
}

/// An engine that ends early, for whatever reason it gives, has found everything; a record that said so wrongly would
/// hide its rest for ever.
Result<> check_ended_early(const ChunkFolder& folder, const ChunkRange& range, const ChunkOutcome& outcome)
{
    const auto end = range.begin + range.length;
    if (outcome.next == end || SALVAGE_TRY(is_all_found(folder))) {
        return {};
    }
    return Error{ErrorCode::internal,
                 fmt::format("the search of chunk {} ended before its end", range.number),
                 fmt::format("at candidate {} of {}, and not every target has its hit", outcome.next, end),
                 std::nullopt,
                 {},
                 {}};
}

/// Hits are made known first: a kill between the two leaves a hit that is known and a chunk that is done again.
Result<ChunkReport> commit_outcome(const ChunkFolder& folder, const ChunkRange& range, ChunkOutcome outcome,
                                   const ChunkWriter& writer, std::chrono::nanoseconds time)
{
    for (const auto& hit : outcome.hits) {
        SALVAGE_TRY(publish_hit(folder, range.number, hit, writer).in("making a hit known"));
    }
    SALVAGE_TRY(check_ended_early(folder, range, outcome));
    ChunkRecord record{.job = folder.digest,
                       .range = range,
                       .next = outcome.next,
                       .writer = writer,
                       .tried = outcome.tried,
                       .time = std::chrono::duration_cast<std::chrono::milliseconds>(time),
                       .hits = {}};
    record.hits = SALVAGE_TRY(hits_of(folder, range, std::move(outcome.hits)));
    auto commit = SALVAGE_TRY(commit_chunk(folder, record).in("committing the chunk"));
    remove_checkpoints(folder, range.number, writer.attempt);
    return ChunkReport{.end = commit.end == CommitEnd::committed ? ChunkEnd::committed : ChunkEnd::already_done,
                       .attempt = writer.attempt,
                       .standing = std::move(commit.standing)};
}

Result<ChunkReport> stopped_report(const ChunkFolder& folder, std::uint64_t chunk, std::uint32_t attempt)
{
    auto standing = SALVAGE_TRY(read_chunk_record(folder, chunk));
    if (standing) {
        return ChunkReport{.end = ChunkEnd::already_done, .attempt = attempt, .standing = std::move(standing)};
    }
    const auto is_needless = SALVAGE_TRY(is_all_found(folder));
    return ChunkReport{
        .end = is_needless ? ChunkEnd::not_needed : ChunkEnd::stopped, .attempt = attempt, .standing = {}};
}

/// The record that stands already; a damaged one is moved away, so that the chunk is done again.
Result<std::optional<ChunkRecord>> standing_record(const ChunkFolder& folder, std::uint64_t chunk,
                                                   const RunContext& context)
{
    auto found = read_chunk_record(folder, chunk);
    if (found.has_value() || found.error().code == ErrorCode::io || found.error().code == ErrorCode::invalid_argument) {
        return found;
    }
    context.log->write("chunk.record-damaged", to_string(found.error()));
    SALVAGE_TRY(set_aside_damaged(folder, chunk, *context.entropy));
    return read_chunk_record(folder, chunk);
}

} // namespace

Result<ChunkReport> run_chunk(const ChunkFolder& folder, std::uint64_t chunk, const RunRange& run_range,
                              const ChunkTask& task, const RunContext& context)
{
    const auto range = SALVAGE_TRY(chunk_range(folder.job, chunk));
    if (auto standing = SALVAGE_TRY(standing_record(folder, chunk, context))) {
        return ChunkReport{.end = ChunkEnd::already_done, .attempt = 0, .standing = std::move(standing)};
    }
    if (SALVAGE_TRY(is_all_found(folder))) {
        return ChunkReport{.end = ChunkEnd::not_needed, .attempt = 0, .standing = {}};
    }
    const auto writer = SALVAGE_TRY(claim_life(folder, chunk, task, context));
    SALVAGE_TRY(inherit_checkpoint(folder, chunk, writer));
    const ChunkWork work{.range = range,
                         .checkpoint = ChunkPaths{folder}.checkpoint(chunk, writer.attempt),
                         .publish = [&](const ChunkHit& hit) { return publish_hit(folder, chunk, hit, writer); }};
    const NeedWatch watch{folder, chunk, task.look_interval, context.stop};
    auto inner = context;
    inner.stop = watch.token();
    const auto start = context.clock->now();
    auto outcome = run_from_checkpoint(work, run_range, inner);
    const bool is_stopped = outcome.has_value() ? outcome->end == RangeEnd::stopped
                                                : outcome.error().code == ErrorCode::cancelled && inner.is_stopped();
    if (is_stopped) {
        return stopped_report(folder, chunk, writer.attempt);
    }
    if (!outcome.has_value()) {
        return std::move(outcome).error();
    }
    return commit_outcome(folder, range, std::move(*outcome), writer, context.clock->now() - start);
}

} // namespace salvage::rescue
