// The ledger: job.json made once, records committed once.
#include <cerrno>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>

#include "rescue/chunk_files.hpp"
#include "rescue/chunk_folder.hpp"
#include "salvage/crypto/hash.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;

Error other_job(const fs::path& path, std::string_view what, std::string_view there, std::string_view given)
{
    return Error{ErrorCode::mismatch,
                 fmt::format("{} belongs to another search", path.string()),
                 fmt::format("its {}: {}; given: {}", what, there, given),
                 std::nullopt,
                 "name another folder, or give the search this one was made for",
                 {}};
}

/// What has to agree for a job to go on.  Its chunks stay as they were cut first: the rate measured today is another.
Result<> check_same_job(const fs::path& path, const ChunkJob& there, const ChunkJob& given)
{
    if (there.target_identity != given.target_identity) {
        return other_job(path, "target", there.target_identity, given.target_identity);
    }
    if (there.keyspace_identity != given.keyspace_identity || there.total != given.total) {
        return other_job(path, "attack", there.keyspace_identity, given.keyspace_identity);
    }
    if (there.begin != given.begin || there.end != given.end) {
        return other_job(path, "range", fmt::format("{} to {}", there.begin, there.end),
                         fmt::format("{} to {}", given.begin, given.end));
    }
    if (there.targets != given.targets) {
        return other_job(path, "targets", fmt::format("{}", fmt::join(there.targets, " ")),
                         fmt::format("{}", fmt::join(given.targets, " ")));
    }
    return {};
}

/// A record has to be of this job, and of the chunk it stands for.
Result<ChunkRecord> check_belongs(const ChunkFolder& folder, std::uint64_t chunk, ChunkRecord record)
{
    const auto range = SALVAGE_TRY(chunk_range(folder.job, chunk));
    if (record.job != folder.digest) {
        return malformed(ByteOffset{0}, "a chunk's record is of another job",
                         fmt::format("its job is {}, this one {}", record.job, folder.digest));
    }
    if (record.range != range) {
        return malformed(ByteOffset{0}, "a chunk's record is of another chunk",
                         fmt::format("it says chunk {} from {}, and stands for chunk {} from {}", record.range.number,
                                     record.range.begin, range.number, range.begin));
    }
    const auto end = range.begin + range.length;
    if (record.next != end && record.hits.empty()) {
        return malformed(ByteOffset{0}, "a chunk's record ends before its chunk does",
                         fmt::format("at {} of {}, without a hit", record.next, end));
    }
    return record;
}

Result<std::optional<ChunkRecord>> read_record_file(const ChunkFolder& folder, std::uint64_t chunk,
                                                    const fs::path& path)
{
    const auto bytes = SALVAGE_TRY(read_small_file(path, max_chunk_record_bytes));
    if (!bytes) {
        return std::optional<ChunkRecord>{};
    }
    auto record = SALVAGE_TRY(parse_chunk_record(*bytes).at(path.string(), ByteOffset{0}));
    auto checked = check_belongs(folder, chunk, std::move(record));
    return std::optional{SALVAGE_TRY(std::move(checked).at(path.string(), ByteOffset{0}))};
}

} // namespace

Result<ChunkFolder> make_chunk_folder(const fs::path& path, const ChunkJob& job)
{
    const auto text = SALVAGE_TRY(format_chunk_job(job));
    const ChunkPaths paths{path};
    for (const auto& each : {paths.done(), paths.damaged(), paths.hits(), paths.attempts(), paths.checkpoints(),
                             paths.submissions(), paths.logs()}) {
        SALVAGE_TRY(make_folder(each));
    }
    // Two that start at once: the first one's job stands, and the other joins it.
    const auto token = SALVAGE_TRY(make_token(system_entropy()));
    SALVAGE_TRY(put_first(path, "job.json", as_bytes(text), token));
    auto folder = SALVAGE_TRY(open_chunk_folder(path));
    SALVAGE_TRY(check_same_job(path, folder.job, job));
    return folder;
}

Result<ChunkFolder> open_chunk_folder(const fs::path& path)
{
    const auto file = ChunkPaths{path}.job();
    const auto bytes = SALVAGE_TRY(read_small_file(file, max_chunk_job_bytes));
    if (!bytes) {
        return not_found(fmt::format("{} holds no search", path.string()), "there is no job.json in it",
                         "start one with salvage crack … --slurm DIR");
    }
    auto job = SALVAGE_TRY(parse_chunk_job(*bytes).at(file.string(), ByteOffset{0}));
    return ChunkFolder{.path = path, .job = std::move(job), .digest = to_hex(crypto::sha256(*bytes))};
}

Result<std::optional<ChunkRecord>> read_chunk_record(const ChunkFolder& folder, std::uint64_t chunk)
{
    return read_record_file(folder, chunk, ChunkPaths{folder}.done(chunk));
}

Result<Commit> commit_chunk(const ChunkFolder& folder, const ChunkRecord& record)
{
    const auto chunk = record.range.number;
    if (auto fits = check_belongs(folder, chunk, record); !fits.has_value()) {
        auto error = std::move(fits).error();
        error.code = error.code == ErrorCode::malformed ? ErrorCode::mismatch : error.code;
        return error;
    }
    const auto text = SALVAGE_TRY(format_chunk_record(record));
    const auto is_ours =
        SALVAGE_TRY(put_first(ChunkPaths{folder}.done(), fmt::to_string(chunk), as_bytes(text), record.writer.token));
    if (is_ours) {
        return Commit{.end = CommitEnd::committed, .standing = record};
    }
    auto standing = SALVAGE_TRY(read_chunk_record(folder, chunk));
    if (!standing) {
        return Error{
            ErrorCode::io, fmt::format("chunk {} cannot be committed", chunk), "its record was there, and is gone",
            std::nullopt,  "run the task again; its checkpoint is kept",       {}};
    }
    return Commit{.end = CommitEnd::already_done, .standing = std::move(*standing)};
}

Result<> set_aside_damaged(const ChunkFolder& folder, std::uint64_t chunk, Entropy& entropy)
{
    const auto found = read_chunk_record(folder, chunk);
    if (found.has_value()) {
        return {};
    }
    if (found.error().code == ErrorCode::io) {
        return found.error();
    }
    const ChunkPaths paths{folder};
    const auto token = SALVAGE_TRY(make_token(entropy));
    const auto aside = paths.damaged() / fmt::format("{}-{}", chunk, token);
    if (::rename(paths.done(chunk).c_str(), aside.c_str()) != 0 && errno != ENOENT) {
        return from_errno(errno, "the damaged record cannot be moved away", paths.done(chunk).string());
    }
    // Between the look and the move another machine may have done both, and the chunk again: what was moved is then
    // sound, and goes back.  If a third record stands by now, both are of the same chunk and that one counts.
    const auto moved = read_record_file(folder, chunk, aside);
    const bool is_sound = moved.has_value() && moved->has_value();
    if (is_sound && ::link(aside.c_str(), paths.done(chunk).c_str()) != 0 && errno != EEXIST) {
        return from_errno(errno, "the record cannot be put back", paths.done(chunk).string());
    }
    return {};
}

} // namespace salvage::rescue
