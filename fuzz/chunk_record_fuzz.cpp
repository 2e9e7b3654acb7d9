// Files of a chunk folder: whatever is read fits together, and is written back as the same value.
#include <cstdint>
#include <span>

#include "require.hpp"
#include "salvage/rescue/chunks.hpp"

namespace {

using namespace salvage;
using fuzz::require;

void read_record(ByteView bytes)
{
    const auto record = rescue::parse_chunk_record(bytes);
    if (!record.has_value()) {
        require(record.error().code == ErrorCode::malformed || record.error().code == ErrorCode::unsupported);
        require(!to_string(record.error()).empty());
        return;
    }
    require(record->range.begin <= record->next && record->next - record->range.begin <= record->range.length);
    const auto text = rescue::format_chunk_record(*record);
    require(text.has_value());
    const auto again = rescue::parse_chunk_record(as_bytes(*text));
    require(again.has_value() && *again == *record);
}

void read_job(ByteView bytes)
{
    const auto job = rescue::parse_chunk_job(bytes);
    if (!job.has_value()) {
        require(job.error().code == ErrorCode::malformed || job.error().code == ErrorCode::unsupported);
        return;
    }
    const auto chunks = rescue::chunk_count(*job);
    require(chunks > 0 && chunks <= rescue::max_chunks);
    const auto last = rescue::chunk_range(*job, chunks - 1);
    require(last.has_value() && last->begin + last->length == job->end);
    const auto text = rescue::format_chunk_job(*job);
    require(text.has_value());
    const auto again = rescue::parse_chunk_job(as_bytes(*text));
    require(again.has_value() && *again == *job);
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto bytes = std::as_bytes(std::span{data, size});
    read_record(bytes);
    read_job(bytes);
    return 0;
}
