// The exactly-once ledger: a folder that many machines share, and a search cut into chunks that each count once.
//
// Whatever carries the tasks (Slurm, a loop in a shell) runs a chunk at least once; a task that was given up may go on
// behind a pulled cable.  What makes the sum exact is one rule: a chunk counts when its record stands under
// done/<chunk>, and only the first link(2) to that name succeeds.  Format: docs/formats/chunk-folder.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"

namespace salvage::rescue {

// ---- Limits.  The folder is shared, so what lies in it is not taken on trust.

/// Chunks of a job.  A folder with more names is slow on every network file system; larger searches take longer chunks.
inline constexpr std::uint64_t max_chunks = 100'000;
/// Footers searched at once.
inline constexpr std::size_t max_chunk_targets = 1024;
/// Longest name of a target, and longest secret.  A hash line with 4 KiB of userdata in hex is half of it.
inline constexpr std::size_t max_chunk_text = 16384;
/// Arguments of a task's command.
inline constexpr std::size_t max_chunk_arguments = 4096;
/// job.json: a thousand targets and as many word lists fit.
inline constexpr ByteCount max_chunk_job_bytes{8U << 20U};
/// A record with a hit for every target fits.
inline constexpr ByteCount max_chunk_record_bytes{80U << 20U};
/// Lives a chunk is given.  One that ends a thousand times without a result ends so again.
inline constexpr std::uint32_t max_chunk_attempts = 1000;

// ---- What is searched

/// A search as its folder describes it.
struct ChunkJob {
    std::string target_identity;      ///< password::Target::identity()
    std::string keyspace_identity;    ///< password::Keyspace::identity()
    std::vector<std::string> targets; ///< names, no two alike; the search is over when each has its hit
    std::uint64_t total{};            ///< candidates of the keyspace
    std::uint64_t begin{};            ///< [begin, end) of them are searched
    std::uint64_t end{};
    std::uint64_t chunk_length{};     ///< candidates; the last chunk may be shorter
    std::vector<std::string> command; ///< program and arguments of a task, without the chunk's number
    std::filesystem::path folder;     ///< where `command` runs: its relative paths count from here
    std::string version;              ///< of the program that made the job
    bool operator==(const ChunkJob&) const = default;
};

/// One chunk: candidates [begin, begin + length).
struct ChunkRange {
    std::uint64_t number{};
    std::uint64_t begin{};
    std::uint64_t length{};
    bool operator==(const ChunkRange&) const = default;
};

/// Whether a job makes sense.  Errors: invalid_argument (says what does not).
Result<> check_chunk_job(const ChunkJob& job);
/// Requires: check_chunk_job().
[[nodiscard]] std::uint64_t chunk_count(const ChunkJob& job) noexcept;
/// Errors: invalid_argument (no such chunk).
[[nodiscard]] Result<ChunkRange> chunk_range(const ChunkJob& job, std::uint64_t number);

/// As job.json.  Errors: invalid_argument (of check_chunk_job; text that is not UTF-8, which JSON cannot hold).
[[nodiscard]] Result<std::string> format_chunk_job(const ChunkJob& job);
/// Errors: malformed, unsupported (another version; over max_chunk_job_bytes).
[[nodiscard]] Result<ChunkJob> parse_chunk_job(ByteView bytes);

// ---- What came of it

/// A secret that opens a target.
struct ChunkHit {
    std::uint64_t number{}; ///< of the candidate
    std::string target;     ///< name
    std::string secret;     ///< any bytes
    std::string encoding;   ///< "text", "pattern-digits", "pattern-raw"
    bool operator==(const ChunkHit&) const = default;
};

/// Who wrote a record.  `token` is random: it tells our own record from another's where a reply was lost.
struct ChunkWriter {
    std::uint32_t attempt{}; ///< 1 for the first life of a chunk
    std::string host;
    std::uint64_t pid{};
    std::string token; ///< 32 hex digits
    bool operator==(const ChunkWriter&) const = default;
};

/// A finished chunk.
struct ChunkRecord {
    std::string job; ///< ChunkFolder::digest
    ChunkRange range;
    std::uint64_t next{}; ///< [range.begin, next) were tried; less than all only where every target has its hit
    ChunkWriter writer;
    std::uint64_t tried{};            ///< by this life; less than the range where it resumed from a checkpoint
    std::chrono::milliseconds time{}; ///< of this life
    std::vector<ChunkHit> hits;
    bool operator==(const ChunkRecord&) const = default;
};

/// Errors: invalid_argument (a text or the number of hits is over its limit; `next` and hits are not within the range).
[[nodiscard]] Result<std::string> format_chunk_record(const ChunkRecord& record);
/// Errors: malformed (where = position of the line), unsupported (version; over max_chunk_record_bytes).
[[nodiscard]] Result<ChunkRecord> parse_chunk_record(ByteView bytes);

// ---- The folder

/// A job's folder, opened.
struct ChunkFolder {
    std::filesystem::path path;
    ChunkJob job;
    std::string digest; ///< SHA-256 of job.json; every record carries it
};

/// Makes the folder, or joins the one that is there: then target, keyspace and range have to be the same, and the chunk
/// length, the command and its folder stay as they were chosen first.
/// Errors: mismatch (another search's folder: names what differs), invalid_argument, io, no_space.
[[nodiscard]] Result<ChunkFolder> make_chunk_folder(const std::filesystem::path& path, const ChunkJob& job);
/// Errors: not_found (no job.json), malformed, unsupported, io.
[[nodiscard]] Result<ChunkFolder> open_chunk_folder(const std::filesystem::path& path);

/// The record that stands for a chunk, or nothing.  Errors: malformed (damaged, or of another job or chunk), io.
[[nodiscard]] Result<std::optional<ChunkRecord>> read_chunk_record(const ChunkFolder& folder, std::uint64_t chunk);

enum class CommitEnd : std::uint8_t {
    committed,    ///< this record stands
    already_done, ///< another one stood already; this one counts for nothing
};
struct Commit {
    CommitEnd end{CommitEnd::committed};
    ChunkRecord standing; ///< what counts: who did it, and what was found
};
/// Puts a record in its place if that is empty: a file written in full and flushed, then link(2).  A lost reply of a
/// network file system is told from a lost race by the token inside.
/// Errors: those of read_chunk_record and format_chunk_record; mismatch (of another job); io, no_space.
[[nodiscard]] Result<Commit> commit_chunk(const ChunkFolder& folder, const ChunkRecord& record);

/// Moves a damaged record away, so that its chunk is done again.  A sound one stays where it is, or comes back: where
/// another stands by then, that one counts, though the first one's writer was told that his does.  Errors: io.
Result<> set_aside_damaged(const ChunkFolder& folder, std::uint64_t chunk, Entropy& entropy);

/// Makes a hit known to everyone at once, before its chunk ends.  The same hit twice is one; a damaged file in its
/// place is moved away. Errors: invalid_argument (outside its chunk, or over a limit), io, no_space.
Result<> publish_hit(const ChunkFolder& folder, std::uint64_t chunk, const ChunkHit& hit, const ChunkWriter& writer);
/// Of each target the lowest numbered hit that was made known (among the candidates of `within`, where that is given),
/// ordered by number.  Damaged files are passed over: the hit is in its chunk's record, too.  Errors: io, unsupported
/// (a vast number of files).
[[nodiscard]] Result<std::vector<ChunkHit>> read_hits(const ChunkFolder& folder,
                                                      std::optional<ChunkRange> within = std::nullopt);
/// Whether each target of the job is among the hits.
[[nodiscard]] bool are_all_hit(const ChunkJob& job, const std::vector<ChunkHit>& hits);

/// A record that does not count.
struct DamagedChunk {
    std::uint64_t chunk{};
    Error error;
};
/// A chunk that was begun and has no record yet.
struct BegunChunk {
    std::uint64_t chunk{};
    std::uint32_t attempts{};
};
/// Candidates [begin, end) that no record covers.
struct ChunkGap {
    std::uint64_t begin{};
    std::uint64_t end{};
    bool operator==(const ChunkGap&) const = default;
};

/// What a folder says about its job.
struct ChunkProgress {
    std::uint64_t chunks{};
    std::uint64_t chunks_done{};
    std::uint64_t candidates{};
    std::uint64_t candidates_done{};
    std::vector<ChunkHit> hits;         ///< one a target, the lowest numbered; ordered by number
    std::vector<std::uint64_t> missing; ///< chunks without a record that counts, in order
    std::vector<BegunChunk> begun;      ///< of those, the ones that were begun
    std::vector<DamagedChunk> damaged;
    std::vector<ChunkGap> gaps;
    std::vector<std::string> strays; ///< names in done/ that are no chunk's; the first hundred
    bool are_all_targets_hit{false};
};
/// Reads every record.  Errors: io.
[[nodiscard]] Result<ChunkProgress> read_progress(const ChunkFolder& folder);
/// Whether every candidate was tried: each chunk has its one record, and together they cover [begin, end) without gap.
[[nodiscard]] bool is_complete(const ChunkProgress& progress) noexcept;
/// Whether nothing more is to be done: complete, or each target has its hit.
[[nodiscard]] bool is_over(const ChunkProgress& progress) noexcept;

// ---- One task

enum class RangeEnd : std::uint8_t {
    exhausted, ///< all candidates of the range were tried
    all_hit,   ///< ended early: no target is left
    stopped,   ///< on request; the checkpoint holds how far
};
/// What the engine says about a range.
struct ChunkOutcome {
    RangeEnd end{RangeEnd::exhausted};
    std::uint64_t next{}; ///< candidates of the range below this one were tried; what is not counts as not done
    std::uint64_t tried{};
    std::vector<ChunkHit> hits;
};
/// What the engine is asked.
struct ChunkWork {
    ChunkRange range;
    /// To go on from where it exists, and to be replaced in one step while the search goes on.  No other life of this
    /// chunk writes to it, even one that was given up and still runs.
    std::filesystem::path checkpoint;
    /// To be called for every hit before a checkpoint passes it.
    std::function<Result<>(const ChunkHit&)> publish;
};
using RunRange = std::function<Result<ChunkOutcome>(const ChunkWork&, const RunContext&)>;

/// Where a task runs.
struct ChunkTask {
    std::string host;    ///< "": this machine's name
    std::string carrier; ///< for people: "slurm 17_3"
    /// How often a task looks whether others have found everything.
    std::chrono::milliseconds look_interval{std::chrono::seconds{5}};
};
enum class ChunkEnd : std::uint8_t {
    committed,    ///< done, and counted
    already_done, ///< another life had done it, before or meanwhile
    not_needed,   ///< each target has its hit
    stopped,      ///< on request; the next life goes on from the checkpoint
};
struct ChunkReport {
    ChunkEnd end{ChunkEnd::committed};
    std::uint32_t attempt{};
    std::optional<ChunkRecord> standing; ///< what counts for this chunk
};
/// One life of a chunk: goes on from the last checkpoint, searches, commits.
///
/// A checkpoint that the engine calls damaged is put aside, and the chunk begun anew.
/// Errors: those of `run_range`, of the folder, invalid_argument (no such chunk), refused (begun max_chunk_attempts
/// times), and internal (the engine ended before the range did, and not every target has its hit: nothing is
/// committed). A stop is not an error.
[[nodiscard]] Result<ChunkReport> run_chunk(const ChunkFolder& folder, std::uint64_t chunk, const RunRange& run_range,
                                            const ChunkTask& task, const RunContext& context);

} // namespace salvage::rescue
