// A finished chunk's record as text.  Format: docs/formats/chunk-folder.md.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "rescue/chunk_text.hpp"
#include "salvage/core/units.hpp"

namespace salvage::rescue {
namespace {

constexpr std::string_view version = "1";

/// What holds of every record, written or read.
Result<> check_numbers(const ChunkRecord& record)
{
    const auto end = checked_add(record.range.begin, record.range.length);
    if (record.range.length == 0 || !end) {
        return malformed(ByteOffset{0}, "a chunk's record contradicts itself",
                         fmt::format("begin {}, length {}", record.range.begin, record.range.length));
    }
    if (record.next < record.range.begin || record.next > *end) {
        return malformed(ByteOffset{0}, "a chunk's record contradicts itself",
                         fmt::format("next {} is not within {} to {}", record.next, record.range.begin, *end));
    }
    const bool are_hits_within = std::ranges::all_of(
        record.hits, [&](const ChunkHit& hit) { return hit.number >= record.range.begin && hit.number < *end; });
    if (!are_hits_within || record.hits.size() > max_chunk_targets) {
        return malformed(ByteOffset{0}, "a chunk's record contradicts itself", "a hit is not one of its candidates");
    }
    if (record.time.count() < 0) {
        return malformed(ByteOffset{0}, "a chunk's record contradicts itself", "it took less than no time");
    }
    return {};
}

Error as_argument(Error error)
{
    error.code = ErrorCode::invalid_argument;
    error.where.reset();
    return error;
}

Result<ChunkRecord> read_lines(LineRecordReader& lines)
{
    ChunkRecord out;
    out.job = SALVAGE_TRY(read_word(lines, "job"));
    out.range.number = SALVAGE_TRY(lines.number("chunk"));
    out.range.begin = SALVAGE_TRY(lines.number("begin"));
    out.range.length = SALVAGE_TRY(lines.number("length"));
    out.next = SALVAGE_TRY(lines.number("next"));
    out.writer = SALVAGE_TRY(read_writer(lines));
    out.tried = SALVAGE_TRY(lines.number("tried"));
    const auto time = SALVAGE_TRY(lines.number("milliseconds"));
    out.time = std::chrono::milliseconds{static_cast<std::int64_t>(time)};
    const auto hits = SALVAGE_TRY(lines.number("hits"));
    if (hits > max_chunk_targets) {
        return malformed(ByteOffset{0}, "a chunk's record has too many hits",
                         fmt::format("{}, {} at most", hits, max_chunk_targets));
    }
    for (std::uint64_t i = 0; i < hits; ++i) {
        out.hits.push_back(SALVAGE_TRY(read_hit(lines)));
    }
    return out;
}

} // namespace

Result<std::string> format_chunk_record(const ChunkRecord& record)
{
    if (const auto sound = check_numbers(record); !sound.has_value()) {
        return as_argument(sound.error());
    }
    auto out =
        fmt::format("salvage-chunk={}\njob={}\nchunk={}\nbegin={}\nlength={}\nnext={}\n", version,
                    escape_word(record.job), record.range.number, record.range.begin, record.range.length, record.next);
    out += writer_lines(record.writer);
    out += fmt::format("tried={}\nmilliseconds={}\nhits={}\n", record.tried, record.time.count(), record.hits.size());
    for (const auto& hit : record.hits) {
        SALVAGE_TRY(check_hit(hit));
        out += hit_line(hit);
    }
    out = with_check(std::move(out));
    // What could not be read back would count as damaged for ever: found out here, where the caller can say why.
    if (auto again = parse_chunk_record(as_bytes(out)); !again.has_value()) {
        return as_argument(std::move(again).error());
    }
    return out;
}

Result<ChunkRecord> parse_chunk_record(ByteView bytes)
{
    if (bytes.size() > max_chunk_record_bytes.value) {
        return unsupported("this is no chunk's record",
                           fmt::format("it is larger than {} bytes", max_chunk_record_bytes.value));
    }
    auto lines = chunk_lines(as_text(bytes));
    const auto found = SALVAGE_TRY(lines.value("salvage-chunk"));
    if (found != version) {
        return unsupported("the chunk's record was written by another version of this program", "it is not version 1",
                           "run the same version on every machine");
    }
    auto out = SALVAGE_TRY(read_lines(lines));
    SALVAGE_TRY(read_check(lines));
    SALVAGE_TRY(check_numbers(out));
    return out;
}

} // namespace salvage::rescue
