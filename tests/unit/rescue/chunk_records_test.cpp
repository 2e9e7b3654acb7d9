// A search cut into chunks, and the record of one: as text there and back, and noticed where it is damaged.
#include <limits>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "support/assert_result.hpp"
#include "unit/rescue/chunk_support.hpp"

namespace salvage::rescue {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using salvage::test::TemporaryFolder;

std::string text_of(const ChunkRecord& record)
{
    return format_chunk_record(record).unwrap();
}

// ---- Cutting

TEST(ChunkJobs, AreCutIntoRangesThatCoverEachCandidateOnce)
{
    std::mt19937_64 random{7};
    for (int i = 0; i < 300; ++i) {
        auto job = some_job();
        job.begin = random() % 1000;
        job.end = job.begin + 1 + random() % 500;
        job.chunk_length = 1 + random() % 60;
        auto at = job.begin;
        for (std::uint64_t chunk = 0; chunk < chunk_count(job); ++chunk) {
            const auto range = chunk_range(job, chunk).unwrap();
            EXPECT_EQ(range.begin, at);
            EXPECT_GT(range.length, 0U);
            at += range.length;
        }
        EXPECT_EQ(at, job.end);
        EXPECT_TRUE(fails_with(chunk_range(job, chunk_count(job)), ErrorCode::invalid_argument));
    }
}

TEST(ChunkJobs, ReachUpToTheLargestNumber)
{
    auto job = some_job();
    job.total = std::numeric_limits<std::uint64_t>::max();
    job.begin = 0;
    job.end = job.total;
    job.chunk_length = job.total / 7;
    EXPECT_TRUE(is_ok(check_chunk_job(job)));
    const auto last = chunk_range(job, chunk_count(job) - 1).unwrap();
    EXPECT_EQ(last.begin + last.length, job.end);
    EXPECT_EQ(parse_chunk_job(as_bytes(format_chunk_job(job).unwrap())).unwrap(), job);
}

TEST(ChunkJobs, ThatMakeNoSenseAreRefused)
{
    const auto refused = [](auto change) {
        auto job = some_job();
        change(job);
        return fails_with(check_chunk_job(job), ErrorCode::invalid_argument);
    };
    EXPECT_TRUE(refused([](ChunkJob& job) { job.end = job.begin; }));
    EXPECT_TRUE(refused([](ChunkJob& job) { job.end = job.total + 1; }));
    EXPECT_TRUE(refused([](ChunkJob& job) { job.chunk_length = 0; }));
    EXPECT_TRUE(refused([](ChunkJob& job) { job.targets.clear(); }));
    EXPECT_TRUE(refused([](ChunkJob& job) { job.targets.front().clear(); }));
    EXPECT_TRUE(refused([](ChunkJob& job) { job.targets = {"a.img", "b.img", "a.img"}; })); // one hit would be two
    EXPECT_TRUE(refused([](ChunkJob& job) { job.command.clear(); }));
    EXPECT_TRUE(refused([](ChunkJob& job) { job.command.emplace_back("a\0b", 3); }));
    EXPECT_TRUE(refused([](ChunkJob& job) {
        job.end = job.total = max_chunks * 2;
        job.chunk_length = 1;
    }));
}

TEST(ChunkJobs, WithNamesThatJsonCannotHoldAreRefusedAndNotChanged)
{
    auto job = some_job();
    job.command.emplace_back("w\xF6rter.txt");
    EXPECT_TRUE(fails_with(format_chunk_job(job), ErrorCode::invalid_argument));
}

// ---- Records as text

TEST(ChunkRecords, ComeBackAsTheyWereWritten)
{
    const TemporaryFolder root;
    auto record = record_of(folder_in(root), 3);
    record.hits = {some_hit(41), some_hit(45, "other: \xC3\xA4")};
    EXPECT_EQ(parse_chunk_record(as_bytes(text_of(record))).unwrap(), record);
}

TEST(ChunkRecords, CutAnywhereAreNoticed)
{
    const TemporaryFolder root;
    auto record = record_of(folder_in(root), 3);
    record.hits = {some_hit(41)};
    const auto text = text_of(record);
    for (std::size_t length = 0; length < text.size(); ++length) {
        EXPECT_TRUE(fails_with(parse_chunk_record(as_bytes(text.substr(0, length))), ErrorCode::malformed)) << length;
    }
    EXPECT_TRUE(fails_with(parse_chunk_record(as_bytes(text + "x")), ErrorCode::malformed));
}

TEST(ChunkRecords, WithAnyByteChangedAreNoticed)
{
    const TemporaryFolder root;
    auto record = record_of(folder_in(root), 3);
    record.hits = {some_hit(41)};
    const auto text = text_of(record);
    for (std::size_t at = 0; at < text.size(); ++at) {
        auto changed = text;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        EXPECT_FALSE(parse_chunk_record(as_bytes(changed)).has_value()) << at;
    }
}

TEST(ChunkRecords, SayWhichLineIsDamaged)
{
    const auto found = parse_chunk_record(as_bytes("salvage-chunk=1\njob=a b\n"));
    ASSERT_TRUE(fails_with(found, ErrorCode::malformed));
    EXPECT_EQ(found.error().what, "a chunk's record has a damaged line");
    EXPECT_EQ(found.error().why, "in \"job=\"");
    EXPECT_EQ(found.error().where, (Location{{Place{.source = "", .at = ByteOffset{16}}}}));
    const auto number = parse_chunk_record(as_bytes("salvage-chunk=1\njob=a\nchunk=x\n"));
    ASSERT_TRUE(fails_with(number, ErrorCode::malformed));
    EXPECT_EQ(number.error().what, "a chunk's record has a damaged line");
}

TEST(ChunkRecords, ThatContradictThemselvesAreNotWritten)
{
    const TemporaryFolder root;
    const auto sound = record_of(folder_in(root), 3);
    const auto refused = [&](auto change) {
        auto record = sound;
        change(record);
        return fails_with(format_chunk_record(record), ErrorCode::invalid_argument);
    };
    EXPECT_TRUE(refused([](ChunkRecord& record) { record.next = record.range.begin - 1; }));
    EXPECT_TRUE(refused([](ChunkRecord& record) { ++record.next; }));
    EXPECT_TRUE(refused([](ChunkRecord& record) { record.range.length = 0; }));
    EXPECT_TRUE(refused([](ChunkRecord& record) { record.hits = {some_hit(record.range.begin - 1)}; }));
    EXPECT_TRUE(refused([](ChunkRecord& record) { record.writer.token = "short"; }));
    EXPECT_TRUE(refused([](ChunkRecord& record) { record.writer.attempt = 0; }));
    EXPECT_TRUE(refused([](ChunkRecord& record) { record.writer.host = std::string(max_chunk_text + 1, 'h'); }));
    EXPECT_TRUE(
        refused([](ChunkRecord& record) { record.hits.assign(max_chunk_targets + 1, some_hit(record.range.begin)); }));
}

} // namespace
} // namespace salvage::rescue
