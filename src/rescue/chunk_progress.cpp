// What a chunk folder says about its job: what is done, what was found, what is left.
#include <algorithm>
#include <map>
#include <utility>

#include "rescue/chunk_files.hpp"
#include "rescue/chunk_folder.hpp"

namespace salvage::rescue {
namespace {

constexpr std::size_t most_strays = 100;

/// The part of a chunk that was tried.
struct Covered {
    std::uint64_t chunk{};
    std::uint64_t begin{};
    std::uint64_t end{};
};

/// One hit a target, the lowest numbered, of all that are added; what is nobody's is dropped.
class FirstHits {
public:
    explicit FirstHits(const std::vector<std::string>& targets)
    {
        for (const auto& target : targets) {
            first_.emplace(target, std::nullopt);
        }
    }

    void add(std::vector<ChunkHit> hits)
    {
        for (auto& hit : hits) {
            const auto first = first_.find(hit.target);
            if (first != first_.end() && (!first->second || hit.number < first->second->number)) {
                first->second = std::move(hit);
            }
        }
    }

    /// Ordered by number.
    [[nodiscard]] std::vector<ChunkHit> take()
    {
        std::vector<ChunkHit> out;
        for (auto& [target, hit] : first_) {
            if (hit) {
                out.push_back(std::move(*hit));
            }
        }
        std::ranges::sort(out, {}, &ChunkHit::number);
        return out;
    }

private:
    std::map<std::string, std::optional<ChunkHit>> first_; ///< by target
};

/// Takes one name of done/ into account.
Result<> add_done(const ChunkFolder& folder, const std::string& name, ChunkProgress& into,
                  std::vector<Covered>& covered, FirstHits& hits)
{
    const auto chunk = number_named(name);
    if (!chunk || *chunk >= into.chunks) {
        if (into.strays.size() < most_strays) {
            into.strays.push_back(name);
        }
        return {};
    }
    auto record = read_chunk_record(folder, *chunk);
    if (!record.has_value() && record.error().code == ErrorCode::io) {
        return record.error();
    }
    if (!record.has_value()) {
        into.damaged.push_back({.chunk = *chunk, .error = std::move(record).error()});
        return {};
    }
    if (!record->has_value()) {
        return {}; // moved away between the look and the read
    }
    auto& found = **record;
    covered.push_back({.chunk = *chunk, .begin = found.range.begin, .end = found.next});
    into.candidates_done += found.next - found.range.begin;
    ++into.chunks_done;
    hits.add(std::move(found.hits));
    return {};
}

/// Walks what is covered.  Ranges come from records, so that they fit is looked at here and not assumed.
/// Requires: ordered by `begin`.
std::vector<ChunkGap> gaps_of(const ChunkJob& job, const std::vector<Covered>& covered)
{
    std::vector<ChunkGap> out;
    auto at = job.begin;
    for (const auto& each : covered) {
        if (each.begin > at) {
            out.push_back({.begin = at, .end = each.begin});
        }
        at = std::max(at, each.end);
    }
    if (at < job.end) {
        out.push_back({.begin = at, .end = job.end});
    }
    return out;
}

/// Requires: ordered by `begin`, which is by chunk.
std::vector<std::uint64_t> missing_of(std::uint64_t chunks, const std::vector<Covered>& covered)
{
    std::vector<std::uint64_t> out;
    auto done = covered.begin();
    for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
        if (done != covered.end() && done->chunk == chunk) {
            ++done;
        } else {
            out.push_back(chunk);
        }
    }
    return out;
}

/// "7.2" as chunk 7, attempt 2.
std::optional<BegunChunk> parse_life(const std::string& name)
{
    const auto dot = name.find('.');
    const auto chunk = number_named(std::string_view{name}.substr(0, dot));
    const auto attempt = dot == std::string::npos ? std::nullopt : number_named(std::string_view{name}.substr(dot + 1));
    if (!chunk || !attempt || *attempt == 0 || *attempt > max_chunk_attempts) {
        return std::nullopt;
    }
    return BegunChunk{.chunk = *chunk, .attempts = static_cast<std::uint32_t>(*attempt)};
}

Result<std::vector<BegunChunk>> begun_of(const ChunkFolder& folder, const std::vector<std::uint64_t>& missing)
{
    std::map<std::uint64_t, std::uint32_t> attempts;
    for (const auto& name : SALVAGE_TRY(names_in(ChunkPaths{folder}.attempts()))) {
        if (const auto life = parse_life(name)) {
            auto& most = attempts[life->chunk];
            most = std::max(most, life->attempts);
        }
    }
    std::vector<BegunChunk> out;
    for (const auto chunk : missing) {
        if (const auto found = attempts.find(chunk); found != attempts.end()) {
            out.push_back({.chunk = chunk, .attempts = found->second});
        }
    }
    return out;
}

} // namespace

Result<ChunkProgress> read_progress(const ChunkFolder& folder)
{
    ChunkProgress out;
    out.chunks = chunk_count(folder.job);
    out.candidates = folder.job.end - folder.job.begin;
    std::vector<Covered> covered;
    FirstHits hits{folder.job.targets};
    for (const auto& name : SALVAGE_TRY(names_in(ChunkPaths{folder}.done()))) {
        SALVAGE_TRY(add_done(folder, name, out, covered, hits));
    }
    std::ranges::sort(covered, {}, &Covered::begin);
    out.gaps = gaps_of(folder.job, covered);
    out.missing = missing_of(out.chunks, covered);
    out.begun = SALVAGE_TRY(begun_of(folder, out.missing));
    hits.add(SALVAGE_TRY(read_hits(folder)));
    out.hits = hits.take();
    out.are_all_targets_hit = are_all_hit(folder.job, out.hits);
    return out;
}

bool is_complete(const ChunkProgress& progress) noexcept
{
    return progress.chunks_done == progress.chunks && progress.candidates_done == progress.candidates &&
           progress.gaps.empty() && progress.damaged.empty();
}

bool is_over(const ChunkProgress& progress) noexcept
{
    return progress.are_all_targets_hit || is_complete(progress);
}

} // namespace salvage::rescue
