// The list of a copy, as anyone may have edited it, and how a check of it is cut into parts.
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rescue/backup_check.hpp"
#include "rescue/backup_list.hpp"
#include "salvage/rescue/backup.hpp"
#include "support/assert_result.hpp"

namespace salvage::rescue {
namespace {

const std::string hash(64, 'a');

BackupFile file_of(const std::string& path, std::uint64_t size)
{
    BackupFile out;
    out.path = path;
    out.size = size;
    out.mtime = -1'500'000'000'123'456'789;
    out.sha256 = hash;
    out.pieces.assign(static_cast<std::size_t>((size + backup_piece.value - 1) / backup_piece.value), hash);
    return out;
}

std::string line_with(const std::string& path, const std::string& rest)
{
    return R"({"path":")" + path + "\"," + rest + "}";
}

std::string facts(std::uint64_t size, const std::string& pieces)
{
    return R"("size":)" + std::to_string(size) + R"(,"mtime":1,"sha256":")" + hash + R"(","pieces":)" + pieces;
}

TEST(BackupLine, GivesBackWhatWasWritten)
{
    for (const auto size : {0ULL, 1ULL, (16ULL << 20U) - 1, 16ULL << 20U, (16ULL << 20U) + 1, 100ULL << 20U}) {
        auto file = file_of("files/DCIM/caf\xC3\xA9 \xFF\n.jpg", size);
        const auto back = parse_backup_line(backup_line(file));
        ASSERT_TRUE(back.has_value()) << size;
        EXPECT_EQ(back->path, file.path);
        EXPECT_EQ(back->size, size);
        EXPECT_EQ(back->mtime, file.mtime);
        EXPECT_EQ(back->sha256, hash);
        EXPECT_EQ(back->pieces, file.pieces);
    }
    BackupFile link;
    link.path = "files/newest";
    link.link = "../\xFF";
    const auto back = parse_backup_line(backup_line(link));
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->link, link.link);
}

TEST(BackupLine, TakesNoPathThatLeadsOutOfTheCaseOrIsNoCopy)
{
    const auto rest = facts(0, "[]");
    ASSERT_TRUE(parse_backup_line(line_with("files/a", rest)));
    for (const auto* const path : {"",
                                   "/etc/passwd",
                                   "..",
                                   "../a",
                                   "files/../../a",
                                   "files//a",
                                   "./a",
                                   "a/",
                                   "a/.",
                                   "a\\u0000b",
                                   "backups/x.json",
                                   "backups",
                                   "thumbnails/1.jpg",
                                   "report.txt.partial",
                                   "parts/.lock",
                                   "salvage-backup.json",
                                   "salvage-backup.jsonl",
                                   "salvage-backup.new.partial",
                                   "SHA256SUMS",
                                   "files/.salvage-export.partial/0"}) {
        EXPECT_FALSE(parse_backup_line(line_with(path, rest))) << path;
    }
}

TEST(BackupLine, TakesFilesOfThePhoneWhateverTheyAreCalled)
{
    for (const auto* const path : {"files/data/app.lock", "files/download/film.mp4.partial", "files/SHA256SUMS",
                                   "extracted/photos/a.lock", "files/thumbnails/a", "files/backups/a"}) {
        EXPECT_TRUE(parse_backup_line(line_with(path, facts(0, "[]")))) << path;
    }
}

TEST(BackupLine, TakesNoPiecesThatDoNotFitTheSize)
{
    const auto one = "[\"" + hash + "\"]";
    const auto two = "[\"" + hash + "\",\"" + hash + "\"]";
    EXPECT_TRUE(parse_backup_line(line_with("a", facts(1, one))));
    EXPECT_FALSE(parse_backup_line(line_with("a", facts(0, one))));
    EXPECT_FALSE(parse_backup_line(line_with("a", facts(1, "[]"))));
    EXPECT_FALSE(parse_backup_line(line_with("a", facts(1, two))));
    EXPECT_FALSE(parse_backup_line(line_with("a", facts(~0ULL, one)))) << "the largest size does not overflow";
    EXPECT_FALSE(parse_backup_line(line_with("a", facts(1, R"(["AB"])"))));
    EXPECT_FALSE(parse_backup_line(line_with("a", facts(1, "[1]"))));
    EXPECT_FALSE(parse_backup_line(line_with("a", facts(1, R"({"0":"x"})"))));
}

TEST(BackupLine, TakesNothingElse)
{
    for (const auto* const line :
         {"", "{", "null", "[]", "\"path\"", R"({"path":1,"size":0})", R"({"path":"a"})",
          R"({"path":"a","size":-1,"mtime":0})", R"({"path":"a","size":1.5,"mtime":0})",
          R"({"path":"a","size":0,"mtime":"0"})", R"({"path_hex":"zz","size":0})", R"({"path":"a","link":""})"}) {
        EXPECT_FALSE(parse_backup_line(line)) << line;
    }
    EXPECT_FALSE(parse_backup_line(std::string(100'000, '['))) << "depth is no trouble";
}

TEST(BackupPart, IsTheNthOfM)
{
    const auto part = parse_backup_part("3/30");
    ASSERT_TRUE(test::is_ok(part));
    EXPECT_EQ(part->number, 3U);
    EXPECT_EQ(part->of, 30U);
    EXPECT_TRUE(test::is_ok(parse_backup_part("10000/10000")));
    for (const auto* const text : {"", "/", "1", "1/", "/1", "0/1", "2/1", "1/0", "1/10001", "-1/2", "+1/2", " 1/2",
                                   "1/2 ", "1/2/3", "a/b", "4294967297/4294967298", "1.0/2"}) {
        EXPECT_TRUE(test::fails_with(parse_backup_part(text), ErrorCode::invalid_argument)) << text;
    }
}

BackupFiles mixed_files()
{
    BackupFiles out;
    std::uint64_t size = 1;
    for (int number = 0; number < 60; ++number) {
        size = size * 7919 % (200ULL << 20U);
        auto file = file_of("files/" + std::to_string(number), number % 5 == 0 ? 0 : size);
        out.emplace(file.path, std::move(file));
    }
    return out;
}

TEST(PartOfBytes, HasEachPieceInOnePartAndPartsOfLikeSize)
{
    const auto files = mixed_files();
    for (const std::uint32_t of : {1U, 2U, 3U, 7U, 30U}) {
        std::map<std::pair<std::string, std::size_t>, unsigned> taken;
        std::vector<std::uint64_t> bytes(of);
        std::uint64_t pieces = 0;
        for (std::uint32_t number = 1; number <= of; ++number) {
            PartOfBytes part{files, {.number = number, .of = of}};
            pieces = 0;
            for (const auto& [path, file] : files) {
                for (std::size_t piece = 0; piece < std::max<std::size_t>(file.pieces.size(), 1); ++piece) {
                    ++pieces;
                    if (part.takes(file.piece(piece).size())) {
                        ++taken[{path, piece}];
                        bytes[number - 1] += file.piece(piece).size().value;
                    }
                }
            }
        }
        EXPECT_EQ(taken.size(), pieces) << of;
        for (const auto& [place, times] : taken) {
            EXPECT_EQ(times, 1U) << place.first << " piece " << place.second << " of " << of << " parts";
        }
        const auto fair = std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{0}) / of;
        for (const auto part : bytes) {
            EXPECT_LE(part, fair + backup_piece.value) << of;
            EXPECT_GE(part + backup_piece.value, fair) << of;
        }
    }
}

TEST(PartOfBytes, LeavesPartsEmptyWhereThereAreMorePartsThanPieces)
{
    BackupFiles files;
    files.emplace("a", file_of("a", 10));
    unsigned taken = 0;
    for (std::uint32_t number = 1; number <= 100; ++number) {
        PartOfBytes part{files, {.number = number, .of = 100}};
        taken += part.takes(ByteCount{10}) ? 1U : 0U;
    }
    EXPECT_EQ(taken, 1U);
}

} // namespace
} // namespace salvage::rescue
