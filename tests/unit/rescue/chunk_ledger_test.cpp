// The exactly-once ledger: what counts once, what is noticed when damaged, and what is missing.
#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/assert_result.hpp"
#include "unit/rescue/chunk_support.hpp"

namespace salvage::rescue {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using salvage::test::TemporaryFolder;
namespace fs = std::filesystem;

// ---- The folder

TEST(ChunkFolders, AreMadeOnceAndThenJoined)
{
    const TemporaryFolder root;
    const auto first = folder_in(root);
    auto other = some_job();
    other.chunk_length = 33; // the rate measured today is another
    other.version = "0.2.0";
    const auto again = make_chunk_folder(first.path, other).unwrap();
    EXPECT_EQ(again.job, first.job);
    EXPECT_EQ(again.digest, first.digest);
}

TEST(ChunkFolders, OfAnotherSearchAreRefused)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    const auto refused = [&](auto change) {
        auto job = some_job();
        change(job);
        return fails_with(make_chunk_folder(folder.path, job), ErrorCode::mismatch);
    };
    EXPECT_TRUE(refused([](ChunkJob& job) { job.target_identity = "footer:9"; }));
    EXPECT_TRUE(refused([](ChunkJob& job) { job.keyspace_identity = "pin:6:6"; }));
    EXPECT_TRUE(refused([](ChunkJob& job) { job.end = 104; }));
    EXPECT_TRUE(refused([](ChunkJob& job) { job.targets = {"b.img"}; }));
}

TEST(ChunkFolders, ThatAreNoneOrDamagedSaySo)
{
    const TemporaryFolder root;
    EXPECT_TRUE(fails_with(open_chunk_folder(root.path()), ErrorCode::not_found));
    append(root.path() / "job.json", "{\"schema\":\"salvage.chunks/1\"}");
    EXPECT_TRUE(fails_with(open_chunk_folder(root.path()), ErrorCode::malformed));
    fs::resize_file(root.path() / "job.json", max_chunk_job_bytes.value + 1);
    EXPECT_TRUE(fails_with(open_chunk_folder(root.path()), ErrorCode::unsupported));
}

TEST(ChunkFolders, KeepWhatTheyHoldFromOtherPeople)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    auto record = record_of(folder, 0);
    record.hits = {some_hit(12)};
    ASSERT_TRUE(is_ok(commit_chunk(folder, record)));
    ASSERT_TRUE(is_ok(publish_hit(folder, 0, some_hit(12), some_writer())));
    for (const auto* sub : {"done", "hits"}) {
        for (const auto& each : fs::directory_iterator{folder.path / sub}) {
            EXPECT_EQ(each.status().permissions() & fs::perms{0077}, fs::perms::none) << each.path();
        }
    }
}

// ---- Committing

TEST(ChunkCommits, OnlyTheFirstCounts)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    const auto first = commit_chunk(folder, record_of(folder, 2, some_writer(1, 'a'))).unwrap();
    EXPECT_EQ(first.end, CommitEnd::committed);
    const auto second = commit_chunk(folder, record_of(folder, 2, some_writer(2, 'b'))).unwrap();
    EXPECT_EQ(second.end, CommitEnd::already_done);
    EXPECT_EQ(second.standing, first.standing);
    EXPECT_EQ(read_chunk_record(folder, 2).unwrap()->writer.attempt, 1U);
}

// link(2) over NFS may do its work, lose the answer, and be told "exists" when it asks again.
TEST(ChunkCommits, WhoseReplyWasLostAreOurs)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    const auto record = record_of(folder, 2);
    ASSERT_TRUE(is_ok(commit_chunk(folder, record)));
    EXPECT_EQ(commit_chunk(folder, record).unwrap().end, CommitEnd::committed);
}

TEST(ChunkCommits, OfAnotherJobOrRangeAreRefused)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    auto record = record_of(folder, 2);
    record.job = std::string(64, '0');
    EXPECT_TRUE(fails_with(commit_chunk(folder, record), ErrorCode::mismatch));
    record = record_of(folder, 2);
    record.range.number = 3;
    EXPECT_TRUE(fails_with(commit_chunk(folder, record), ErrorCode::mismatch));
    record = record_of(folder, 2);
    record.next -= 1; // ends early, and found nothing
    EXPECT_TRUE(fails_with(commit_chunk(folder, record), ErrorCode::mismatch));
    EXPECT_TRUE(fs::is_empty(folder.path / "done"));
}

TEST(ChunkCommits, OfManyAtOnceCountOnce)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    for (std::uint64_t chunk = 0; chunk < chunk_count(folder.job); ++chunk) {
        std::atomic<int> committed{0};
        {
            std::vector<std::jthread> threads;
            for (char token = 'a'; token < 'g'; ++token) {
                threads.emplace_back([&, token] {
                    const auto commit = commit_chunk(folder, record_of(folder, chunk, some_writer(1, token))).unwrap();
                    committed += commit.end == CommitEnd::committed ? 1 : 0;
                });
            }
        }
        EXPECT_EQ(committed, 1) << chunk;
    }
    const auto progress = read_progress(folder).unwrap();
    EXPECT_TRUE(is_complete(progress));
    EXPECT_EQ(progress.candidates_done, 95U);
}

// ---- Progress

TEST(ChunkProgresses, KnowWhatIsMissing)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    for (const std::uint64_t chunk : {0U, 1U, 3U, 9U}) {
        ASSERT_TRUE(is_ok(commit_chunk(folder, record_of(folder, chunk))));
    }
    const auto progress = read_progress(folder).unwrap();
    EXPECT_EQ(progress.missing, (std::vector<std::uint64_t>{2, 4, 5, 6, 7, 8}));
    EXPECT_EQ(progress.gaps, (std::vector<ChunkGap>{{.begin = 30, .end = 40}, {.begin = 50, .end = 100}}));
    EXPECT_EQ(progress.chunks_done, 4U);
    EXPECT_EQ(progress.candidates_done, 35U); // the last chunk is shorter
    EXPECT_FALSE(is_complete(progress));
    EXPECT_FALSE(is_over(progress));
}

TEST(ChunkProgresses, NoticeDamagedRecordsAndStrays)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    for (std::uint64_t chunk = 0; chunk < chunk_count(folder.job); ++chunk) {
        ASSERT_TRUE(is_ok(commit_chunk(folder, record_of(folder, chunk))));
    }
    ASSERT_TRUE(is_complete(read_progress(folder).unwrap()));
    fs::resize_file(folder.path / "done" / "4", 100);                       // torn
    fs::copy_file(folder.path / "done" / "5", folder.path / "done" / "77"); // no such chunk
    fs::copy_file(folder.path / "done" / "5", folder.path / "done" / "05");
    fs::copy_file(folder.path / "done" / "5", folder.path / "done" / "6", fs::copy_options::overwrite_existing);
    fs::remove(folder.path / "done" / "7");
    fs::create_directory(folder.path / "done" / "7");
    const auto progress = read_progress(folder).unwrap();
    EXPECT_EQ(progress.missing, (std::vector<std::uint64_t>{4, 6, 7}));
    ASSERT_EQ(progress.damaged.size(), 3U);
    EXPECT_EQ(progress.strays, (std::vector<std::string>{"05", "77"}));
    EXPECT_FALSE(is_complete(progress));
}

TEST(ChunkProgresses, HaveOneHitForATarget)
{
    const TemporaryFolder root;
    auto job = some_job();
    job.targets = {"phone.img", "tablet.img"};
    const auto folder = folder_in(root, job);
    auto record = record_of(folder, 3);
    record.hits = {some_hit(44)};
    ASSERT_TRUE(is_ok(commit_chunk(folder, record)));
    ASSERT_TRUE(is_ok(publish_hit(folder, 3, some_hit(44), some_writer())));
    ASSERT_TRUE(is_ok(publish_hit(folder, 1, some_hit(21), some_writer()))); // the same target, with a lower number
    ASSERT_TRUE(is_ok(publish_hit(folder, 1, some_hit(22, "nobody's"), some_writer())));
    const auto progress = read_progress(folder).unwrap();
    EXPECT_EQ(progress.hits, (std::vector<ChunkHit>{some_hit(21)}));
    EXPECT_FALSE(is_over(progress));
    ASSERT_TRUE(is_ok(publish_hit(folder, 5, some_hit(60, "tablet.img"), some_writer())));
    EXPECT_TRUE(is_over(read_progress(folder).unwrap()));
    EXPECT_FALSE(is_complete(read_progress(folder).unwrap()));
}

TEST(ChunkHits, ThatAreDamagedArePassedOver)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    ASSERT_TRUE(is_ok(publish_hit(folder, 1, some_hit(21), some_writer())));
    const auto name = fs::directory_iterator{folder.path / "hits"} -> path();
    fs::copy_file(name, folder.path / "hits" / "99-0000000000000000"); // a copy under another name
    append(folder.path / "hits" / "1-00", "rubbish");
    fs::create_directory(folder.path / "hits" / "2-00");
    EXPECT_EQ(read_hits(folder).unwrap(), std::vector{some_hit(21)});
    fs::resize_file(name, 50);
    EXPECT_TRUE(read_hits(folder).unwrap().empty());
    EXPECT_TRUE(fails_with(publish_hit(folder, 1, some_hit(99), some_writer()), ErrorCode::invalid_argument));
}

// What stands under a hit's name and is none would hide it from all others for ever.
TEST(ChunkHits, AreMadeKnownWhereADamagedOneStands)
{
    const TemporaryFolder root;
    const auto folder = folder_in(root);
    ASSERT_TRUE(is_ok(publish_hit(folder, 1, some_hit(21), some_writer())));
    const auto name = fs::directory_iterator{folder.path / "hits"} -> path();
    fs::resize_file(name, 50);
    ASSERT_TRUE(is_ok(publish_hit(folder, 1, some_hit(21), some_writer(2, 'b'))));
    EXPECT_EQ(read_hits(folder).unwrap(), std::vector{some_hit(21)});
    EXPECT_FALSE(fs::is_empty(folder.path / "damaged"));
    fs::remove(name);
    fs::create_directory(name);
    ASSERT_TRUE(is_ok(publish_hit(folder, 1, some_hit(21), some_writer(3, 'c'))));
    EXPECT_EQ(read_hits(folder).unwrap(), std::vector{some_hit(21)});
}

TEST(ChunkHits, AreOneATargetTheLowest)
{
    const TemporaryFolder root;
    auto job = some_job();
    job.targets = {"phone.img", "tablet.img"};
    const auto folder = folder_in(root, job);
    for (const std::uint64_t number : {100U, 21U, 22U, 33U}) {
        ASSERT_TRUE(is_ok(publish_hit(folder, (number - 10) / 10, some_hit(number), some_writer())));
    }
    ASSERT_TRUE(is_ok(publish_hit(folder, 3, some_hit(44, "tablet.img"), some_writer())));
    ASSERT_TRUE(is_ok(publish_hit(folder, 0, some_hit(11, "nobody's"), some_writer())));
    EXPECT_EQ(read_hits(folder).unwrap(), (std::vector{some_hit(21), some_hit(44, "tablet.img")}));
    EXPECT_EQ(read_hits(folder, chunk_range(job, 2).unwrap()).unwrap(), std::vector{some_hit(33)});
    EXPECT_TRUE(read_hits(folder, chunk_range(job, 4).unwrap()).unwrap().empty());
}

} // namespace
} // namespace salvage::rescue
