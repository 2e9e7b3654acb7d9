// Splitting: hashes judged by sha256sum, damage, resuming, other people's folders.
#include "salvage/rescue/split.hpp"

#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "salvage/crypto/hash.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "support/partitions.hpp"
#include "unit/rescue/fake_filesystem.hpp"
#include "unit/rescue/stop_at.hpp"

namespace salvage::rescue {
namespace {

using test::is_ok;
using test::noise;
using test::partition_at;
using test::quoted;

constexpr std::uint64_t mib = 1U << 20U;

partition::Layout layout_of(std::vector<partition::Partition> partitions)
{
    partition::Layout out;
    out.partitions = std::move(partitions);
    return out;
}

/// 6 MiB and a bit: a gap with data, boot, a gap of zeros, userdata, the rest.
struct Phone {
    Bytes bytes = [] {
        auto out = noise((6 * mib) + 512);
        std::fill(out.begin() + mib + (mib / 2), out.begin() + (2 * mib), std::byte{0}); // zero gap
        std::fill(out.begin() + (3 * mib), out.begin() + (4 * mib), std::byte{0});       // zeros inside userdata
        return out;
    }();
    partition::Layout layout =
        layout_of({partition_at("boot", 512 * 7, mib), partition_at("userdata", 2 * mib, 3 * mib)});
    io::SourcePtr dump = io::make_memory(bytes, "dump");

    [[nodiscard]] Bytes slice(std::uint64_t start, std::uint64_t size) const
    {
        const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(start);
        return {from, from + static_cast<std::ptrdiff_t>(size)};
    }
};

std::string sha256_hex(ByteView bytes)
{
    return to_hex(crypto::sha256(bytes));
}

/// What the foreign judge says of a folder's SHA256SUMS.
bool sums_agree(const std::filesystem::path& folder)
{
    return test::run_command("cd " + quoted(folder.string()) + " && sha256sum --strict --quiet -c SHA256SUMS 2>&1")
        .has_value();
}

nlohmann::json manifest_of(const std::filesystem::path& folder)
{
    return nlohmann::json::parse(as_text(test::read_file(folder / "manifest.json")));
}

TEST(Split, WritesEveryPartitionAsItIsInTheDump)
{
    const Phone phone;
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "parts";
    const auto report = split(phone.dump, phone.layout, out, {.source_identity = "phone", .only = {}}, {});
    ASSERT_TRUE(is_ok(report));
    ASSERT_EQ(report->parts.size(), 2U);
    EXPECT_EQ(report->parts[0].file, "boot.img");
    EXPECT_EQ(test::read_file(out / "boot.img"), phone.slice(512 * 7, mib));
    EXPECT_EQ(test::read_file(out / "userdata.img"), phone.slice(2 * mib, 3 * mib));
    EXPECT_EQ(report->parts[1].sha256, sha256_hex(phone.slice(2 * mib, 3 * mib)));
    EXPECT_EQ(report->sha256, sha256_hex(phone.bytes));
    EXPECT_TRUE(sums_agree(out));
}

TEST(Split, LeavesZerosAsHoles)
{
    const Phone phone;
    const test::TemporaryFolder folder;
    ASSERT_TRUE(
        is_ok(split(phone.dump, phone.layout, folder.path() / "p", {.source_identity = "phone", .only = {}}, {})));
    struct stat status{};
    ASSERT_EQ(::stat((folder.path() / "p/userdata.img").c_str(), &status), 0);
    EXPECT_EQ(status.st_size, 3 * mib);
    EXPECT_LE(static_cast<std::uint64_t>(status.st_blocks) * 512, (2 * mib) + 65536);
}

TEST(Split, NamesGapsThatHoldDataAndWritesAllWhereAsked)
{
    const Phone phone;
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "parts";
    const auto report =
        split(phone.dump, phone.layout, out, {.source_identity = "phone", .write_gaps = true, .only = {}}, {});
    ASSERT_TRUE(is_ok(report));
    // [0, 3584) holds data, [3584 + 1 MiB, 2 MiB) begins with data, the rest behind userdata too.
    ASSERT_EQ(report->gaps.size(), 3U);
    EXPECT_EQ(report->gaps.front(), *ByteRange::make(ByteOffset{0}, ByteCount{512 * 7}));
    EXPECT_EQ(test::read_file(out / "gap-0x0.bin"), phone.slice(0, 512 * 7));
    EXPECT_EQ(test::read_file(out / "gap-0x500000.bin"), phone.slice(5 * mib, mib + 512));
    EXPECT_TRUE(sums_agree(out));
}

TEST(Split, DoesNotNameGapsOfZeros)
{
    const Bytes zeros(mib);
    const test::TemporaryFolder folder;
    const auto report = split(io::make_memory(zeros, "dump"), layout_of({partition_at("a", 4096, 4096)}),
                              folder.path() / "p", {.source_identity = "x", .only = {}}, {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_TRUE(report->gaps.empty());
}

TEST(Split, CutsPartitionsThatOverlap)
{
    const Phone phone;
    const auto layout =
        layout_of({partition_at("all", 0, 4 * mib), partition_at("a", mib, 2 * mib), partition_at("b", 2 * mib, mib)});
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "p";
    ASSERT_TRUE(is_ok(split(phone.dump, layout, out, {.source_identity = "phone", .only = {}}, {})));
    EXPECT_EQ(test::read_file(out / "all.img"), phone.slice(0, 4 * mib));
    EXPECT_EQ(test::read_file(out / "a.img"), phone.slice(mib, 2 * mib));
    EXPECT_EQ(test::read_file(out / "b.img"), phone.slice(2 * mib, mib));
    EXPECT_TRUE(sums_agree(out));
}

TEST(Split, BoundsHowManyOverlapAtOnce)
{
    const Phone phone;
    std::vector<partition::Partition> many;
    for (int i = 0; i < 200; ++i) {
        many.push_back(partition_at("p", 0, 8192));
    }
    const test::TemporaryFolder folder;
    const auto report =
        split(phone.dump, layout_of(many), folder.path() / "p", {.source_identity = "phone", .only = {}}, {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->parts.size(), 64U);
    EXPECT_EQ(report->not_written.size(), 136U);
    std::set<std::string> names;
    for (const auto& part : report->parts) {
        names.insert(part.file);
    }
    EXPECT_EQ(names.size(), 64U);
}

TEST(Split, SaysWhatTheDumpsEndCutsOff)
{
    const Phone phone;
    const auto layout = layout_of({partition_at("userdata", 5 * mib, 10 * mib), partition_at("beyond", 20 * mib, mib)});
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "p";
    const auto report = split(phone.dump, layout, out, {.source_identity = "phone", .only = {}}, {});
    ASSERT_TRUE(is_ok(report));
    ASSERT_EQ(report->parts.size(), 1U);
    EXPECT_TRUE(report->parts[0].is_cut);
    EXPECT_EQ(report->parts[0].lost.value, (10 * mib) - (mib + 512));
    EXPECT_EQ(report->parts[0].sha256, "");
    EXPECT_EQ(std::filesystem::file_size(out / "userdata.img"), 10 * mib);
    ASSERT_EQ(report->not_written.size(), 1U);
    EXPECT_NE(report->not_written[0].find("beyond"), std::string::npos);
    EXPECT_TRUE(sums_agree(out));
}

TEST(Split, LeavesUnreadableAreasAsHolesAndNamesThem)
{
    const Phone phone;
    const auto bad = *ByteRange::make(ByteOffset{(4 * mib) + 1024}, ByteCount{1024});
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "p";
    const auto report = split(io::make_with_bad_areas(phone.dump, {bad}), phone.layout, out,
                              {.source_identity = "phone", .only = {}}, {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->sha256, "");
    EXPECT_EQ(report->parts[0].sha256, sha256_hex(phone.slice(512 * 7, mib)));
    EXPECT_EQ(report->parts[1].lost.value, 1024U);
    EXPECT_EQ(report->parts[1].sha256, "");
    auto expected = phone.slice(2 * mib, 3 * mib);
    std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>((2 * mib) + 1024), 1024, std::byte{0});
    EXPECT_EQ(test::read_file(out / "userdata.img"), expected);
    const auto manifest = manifest_of(out);
    EXPECT_EQ(manifest["parts"][1]["lost"][0]["start"], (4 * mib) + 1024);
    EXPECT_TRUE(manifest["sha256"].is_null());
}

TEST(Split, MakesNamesThatAnyFolderHolds)
{
    const Phone phone;
    const auto layout =
        layout_of({partition_at("../../etc/passwd", 0, 512), partition_at("Boot", 512, 512),
                   partition_at("boot", 1024, 512), partition_at("", 1536, 512), partition_at("a b\n\xFF", 2048, 512),
                   partition_at(std::string(500, 'n'), 2560, 512)});
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "p";
    const auto report = split(phone.dump, layout, out, {.source_identity = "phone", .only = {}}, {});
    ASSERT_TRUE(is_ok(report));
    std::vector<std::string> names;
    for (const auto& part : report->parts) {
        names.push_back(part.file);
        EXPECT_TRUE(std::filesystem::exists(out / part.file));
    }
    names.pop_back();
    EXPECT_EQ(names,
              (std::vector<std::string>{"_._.._etc_passwd.img", "Boot.img", "boot-2.img", "unnamed.img", "a_b__.img"}));
    EXPECT_TRUE(sums_agree(out));
}

TEST(Split, TellsWhichPartitionsItCannotCut)
{
    const Phone phone;
    auto boot1 = partition_at("preloader", 0, 4096);
    boot1.region = "boot1";
    auto placeless = partition_at("flashinfo", 0, 4096);
    placeless.is_start_known = false;
    const auto layout = layout_of({boot1, placeless, partition_at("huge", 0, ~0ULL), partition_at("none", 0, 0)});
    const test::TemporaryFolder folder;
    const auto report = split(phone.dump, layout, folder.path() / "p", {.source_identity = "phone", .only = {}}, {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_TRUE(report->parts.empty());
    ASSERT_EQ(report->not_written.size(), 4U);
    EXPECT_NE(report->not_written[0].find("boot1"), std::string::npos);
}

TEST(Split, WritesOnlyWhatIsAskedForAndTheRestLater)
{
    const Phone phone;
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "p";
    const auto some = split(phone.dump, phone.layout, out, {.source_identity = "phone", .only = {"BOOT"}}, {});
    ASSERT_TRUE(is_ok(some));
    EXPECT_EQ(some->parts.size(), 1U);
    EXPECT_EQ(some->sha256, "");
    EXPECT_FALSE(std::filesystem::exists(out / "userdata.img"));
    const auto inode = [&] {
        struct stat status{};
        return ::stat((out / "boot.img").c_str(), &status) == 0 ? status.st_ino : 0;
    };
    const auto before = inode();
    const auto all = split(phone.dump, phone.layout, out, {.source_identity = "phone", .only = {}}, {});
    ASSERT_TRUE(is_ok(all));
    EXPECT_EQ(all->parts.size(), 2U);
    EXPECT_EQ(inode(), before) << "what was finished was written again";
    const auto again = split(phone.dump, phone.layout, out, {.source_identity = "phone", .only = {"userdata"}}, {});
    ASSERT_TRUE(is_ok(again));
    EXPECT_EQ(again->parts.size(), 1U);
    EXPECT_EQ(manifest_of(out)["parts"].size(), 2U) << "the manifest forgot what an earlier run wrote";
    EXPECT_TRUE(
        test::fails_with(split(phone.dump, phone.layout, out, {.source_identity = "phone", .only = {"nowhere"}}, {}),
                         ErrorCode::not_found));
}

TEST(Split, WithoutHashesItWritesTheSameAndSaysThatNothingCanBeVerified)
{
    const Phone phone;
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "p";
    const SplitOptions options{.source_identity = "phone", .only = {}, .hashing = Hashing::no};
    for (int round = 0; round < 2; ++round) { // the second finds everything done
        const auto report = split(phone.dump, phone.layout, out, options, {});
        ASSERT_TRUE(is_ok(report));
        ASSERT_EQ(report->parts.size(), 2U);
        EXPECT_EQ(report->sums + report->sha256 + report->parts[0].sha256, "");
        EXPECT_FALSE(std::filesystem::exists(out / "SHA256SUMS"));
        EXPECT_TRUE(manifest_of(out)["parts"][0]["stored_sha256"].is_null());
        EXPECT_EQ(test::read_file(out / "boot.img"), phone.slice(512 * 7, mib));
        EXPECT_EQ(test::read_file(out / "userdata.img"), phone.slice(2 * mib, 3 * mib));
    }
    EXPECT_TRUE(test::fails_with(split(phone.dump, phone.layout, out, {.source_identity = "phone", .only = {}}, {}),
                                 ErrorCode::already_exists))
        << "parts without hashes were taken for verified ones";
}

TEST(Split, RefusesAFolderThatHoldsSomethingElse)
{
    const Phone phone;
    const test::TemporaryFolder folder;
    const SplitOptions options{.source_identity = "phone", .only = {}};
    static_cast<void>(folder.write("letter.txt", {}));
    EXPECT_TRUE(
        test::fails_with(split(phone.dump, phone.layout, folder.path(), options, {}), ErrorCode::already_exists));
    const auto file = folder.path() / "letter.txt";
    EXPECT_TRUE(test::fails_with(split(phone.dump, phone.layout, file, options, {}), ErrorCode::already_exists));
    const auto out = folder.path() / "p";
    ASSERT_TRUE(is_ok(split(phone.dump, phone.layout, out, options, {})));
    EXPECT_TRUE(test::fails_with(split(phone.dump, phone.layout, out, {.source_identity = "another", .only = {}}, {}),
                                 ErrorCode::already_exists));
    std::ofstream{out / ".salvage-split.json"} << "{\"schema\":17";
    EXPECT_TRUE(test::fails_with(split(phone.dump, phone.layout, out, options, {}), ErrorCode::already_exists));
}

TEST(Split, DoesNotBelieveAPartThatWasChangedSince)
{
    const Phone phone;
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "p";
    const SplitOptions options{.source_identity = "phone", .only = {}};
    ASSERT_TRUE(is_ok(split(phone.dump, phone.layout, out, options, {})));
    {
        std::fstream file{out / "boot.img", std::ios::in | std::ios::out | std::ios::binary};
        file.seekp(1000);
        file << "changed";
    }
    EXPECT_TRUE(test::fails_with(split(phone.dump, phone.layout, out, options, {}), ErrorCode::already_exists));
}

TEST(Split, GoesOnWhereItWasStopped)
{
    const Phone phone;
    for (std::uint64_t stop_at = mib; stop_at < 7 * mib; stop_at += mib) {
        const test::TemporaryFolder folder;
        const auto out = folder.path() / "p";
        const SplitOptions options{.source_identity = "phone", .only = {}};
        std::stop_source stop;
        StopAt progress{stop, stop_at};
        RunContext context;
        context.progress = &progress;
        context.stop = stop.get_token();
        const auto first = split(phone.dump, phone.layout, out, options, context);
        EXPECT_TRUE(test::fails_with(first, ErrorCode::cancelled));
        const auto second = split(phone.dump, phone.layout, out, options, {});
        ASSERT_TRUE(is_ok(second));
        EXPECT_EQ(second->sha256, sha256_hex(phone.bytes));
        EXPECT_EQ(test::read_file(out / "userdata.img"), phone.slice(2 * mib, 3 * mib));
        EXPECT_TRUE(sums_agree(out));
    }
}

TEST(Split, EndsWellWhicheverReadFails)
{
    const Phone phone;
    for (std::uint64_t failing = 1; failing < 11; ++failing) {
        const test::TemporaryFolder folder;
        const auto out = folder.path() / "p";
        const SplitOptions options{.source_identity = "phone", .only = {}};
        const auto report = split(io::make_faulty(phone.dump, failing), phone.layout, out, options, {});
        if (report.has_value()) {
            EXPECT_GT(failing, 7U) << "a failed read went unnoticed";
            continue;
        }
        EXPECT_TRUE(test::fails_with(report, ErrorCode::io));
        EXPECT_TRUE(is_ok(split(phone.dump, phone.layout, out, options, {}))) << "and then it goes on";
        EXPECT_TRUE(sums_agree(out));
    }
}

TEST(Split, SaysTheSameAgainWithoutReadingTheDump)
{
    const Phone phone;
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "p";
    const SplitOptions options{.source_identity = "phone \xFF", .only = {}};
    const auto first = split(phone.dump, phone.layout, out, options, {});
    ASSERT_TRUE(is_ok(first));
    io::ReadCounters counters;
    const auto second = split(io::make_counting(phone.dump, counters), phone.layout, out, options, {});
    ASSERT_TRUE(is_ok(second));
    EXPECT_EQ(counters.bytes.load(), 0U);
    EXPECT_EQ(first->sha256, second->sha256);
    EXPECT_EQ(first->gaps, second->gaps);
    EXPECT_EQ(first->parts.size(), second->parts.size());
}

TEST(Split, TakesADumpOfNothing)
{
    const test::TemporaryFolder folder;
    const auto report = split(io::make_memory({}, "dump"), layout_of({partition_at("a", 0, 512)}), folder.path() / "p",
                              {.source_identity = "x", .only = {}}, {});
    ASSERT_TRUE(is_ok(report));
    EXPECT_TRUE(report->parts.empty());
    EXPECT_EQ(report->not_written.size(), 1U);
}

} // namespace
} // namespace salvage::rescue
