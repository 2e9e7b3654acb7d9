#include "salvage/artifact/sqlite.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "made_database.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"

namespace salvage::artifact {
namespace {

using test::database_files;
using test::fails_with;
using test::is_ok;
using test::made_database;

constexpr std::array<std::string_view, 1> body{"body"};

struct Seen {
    std::map<std::int64_t, std::string> rows;
    RowsRead read;
};

Seen read_bodies(Database& database, std::string_view table = "sms", RowWindow window = {})
{
    Seen out;
    const auto visit = [&](const Row& row) -> Result<> {
        out.rows[row.rowid.value_or(-1)] = row.text_or_empty(0);
        return {};
    };
    auto read = database.read(table, body, visit, window);
    EXPECT_TRUE(is_ok(read));
    out.read = std::move(read).value_or(RowsRead{});
    return out;
}

/// 1000 rows over some hundred pages.
Bytes thousand_rows(const std::string& before = {})
{
    return made_database(before + "CREATE TABLE sms(_id INTEGER PRIMARY KEY, body TEXT);"
                                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<1000)"
                                  "INSERT INTO sms SELECT i, i || ':' || hex(zeroblob(400)) FROM n;");
}

TEST(ArtifactSqlite, GivesEveryKindOfValueAsItIsStored)
{
    auto opened =
        Database::open(database_files(made_database("PRAGMA user_version=67; CREATE TABLE t(a,b,c,d,e); INSERT INTO t "
                                                    "VALUES(NULL,-5,2.5,'\xC3\xA4\xF0\x9F\x98\x80',x'00ff');")));
    ASSERT_TRUE(is_ok(opened));
    EXPECT_EQ(opened->user_version(), 67);
    constexpr std::array<std::string_view, 6> columns{"A", "b", "c", "d", "e", "not there"};
    std::vector<Row> rows;
    ASSERT_TRUE(is_ok(opened->read("T", columns, [&](const Row& row) -> Result<> {
        rows.push_back(row);
        return {};
    })));
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].rowid, 1);
    EXPECT_EQ(rows[0].values[0], Value{});
    EXPECT_EQ(rows[0].values[1], Value{std::int64_t{-5}});
    EXPECT_EQ(rows[0].values[2], Value{2.5});
    EXPECT_EQ(rows[0].values[3], Value{std::string{"\xC3\xA4\xF0\x9F\x98\x80"}});
    EXPECT_EQ(rows[0].values[4], (Value{Bytes{std::byte{0}, std::byte{0xFF}}}));
    EXPECT_EQ(rows[0].values[5], Value{});
}

TEST(ArtifactSqlite, TellsTablesAndColumnsAndNoViews)
{
    auto opened =
        Database::open(database_files(made_database("CREATE TABLE zoo(a TEXT, \"b\"\"c\" INTEGER); CREATE TABLE ant(x);"
                                                    "CREATE VIEW sms AS SELECT 1 AS body;"
                                                    "CREATE VIRTUAL TABLE f USING fts4(x);")));
    ASSERT_TRUE(is_ok(opened));
    ASSERT_NE(opened->find_table("zoo"), nullptr);
    EXPECT_EQ(opened->find_table("zoo")->columns.size(), 2U);
    EXPECT_EQ(opened->find_table("zoo")->columns[1].name, "b\"c");
    EXPECT_EQ(opened->find_table("zoo")->columns[1].type, "INTEGER");
    EXPECT_EQ(opened->find_table("sms"), nullptr);
    EXPECT_EQ(opened->find_table("f"), nullptr);
    EXPECT_TRUE(fails_with(opened->count("sms"), ErrorCode::not_found));
}

TEST(ArtifactSqlite, ReadsWhatTheWalAddsAndLeavesTheFilesAlone)
{
    const test::TemporaryFolder folder;
    test::PhoneDatabase phone{folder.path() / "mmssms.db"};
    phone.run("PRAGMA journal_mode=WAL; CREATE TABLE sms(body TEXT); INSERT INTO sms VALUES('kept');"
              "PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO sms VALUES('only in the WAL');");
    auto files = phone.files();
    ASSERT_NE(files.wal, nullptr);
    ASSERT_GT(files.wal->size().value, 0U);
    auto opened = Database::open(files);
    ASSERT_TRUE(is_ok(opened));
    const auto seen = read_bodies(*opened);
    EXPECT_EQ(seen.rows, (std::map<std::int64_t, std::string>{{1, "kept"}, {2, "only in the WAL"}}));

    auto without = Database::open({.database = files.database});
    ASSERT_TRUE(is_ok(without));
    EXPECT_EQ(read_bodies(*without).rows.size(), 1U);
}

TEST(ArtifactSqlite, UndoesATransactionThatWasCutOff)
{
    const test::TemporaryFolder folder;
    test::PhoneDatabase phone{folder.path() / "mmssms.db"};
    phone.run("PRAGMA cache_size=1; CREATE TABLE sms(body TEXT); INSERT INTO sms VALUES('before');"
              "BEGIN; UPDATE sms SET body='half done';"
              "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<3000)"
              "INSERT INTO sms SELECT hex(zeroblob(500)) FROM n;");
    const auto files = phone.files();
    ASSERT_NE(files.journal, nullptr);
    auto opened = Database::open(files);
    ASSERT_TRUE(is_ok(opened));
    EXPECT_EQ(read_bodies(*opened).rows, (std::map<std::int64_t, std::string>{{1, "before"}}));
    phone.run("ROLLBACK");
}

// A journal may name another file, which SQLite then deletes when it is done: here it reaches none.
TEST(ArtifactSqlite, AJournalThatNamesAFileOfThisMachineDeletesNothing)
{
    const test::TemporaryFolder folder;
    const auto victim = folder.write("victim", as_bytes("\0\0\0\0"));
    test::PhoneDatabase phone{folder.path() / "mmssms.db"};
    phone.run("PRAGMA cache_size=1; CREATE TABLE sms(body TEXT); BEGIN;"
              "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<3000)"
              "INSERT INTO sms SELECT hex(zeroblob(500)) FROM n;");
    auto files = phone.files();
    ASSERT_NE(files.journal, nullptr);
    auto journal = io::read_all(*files.journal, ByteCount{64U << 20U}).value();
    const auto name = victim.string();
    std::uint32_t sum = 0;
    for (const auto letter : name) {
        sum += static_cast<std::uint32_t>(static_cast<signed char>(letter));
    }
    // Spec: sqlite.org/fileformat2.html is silent; pager.c, writeSuperJournal: page of the lock, name, length, sum,
    // magic.
    Bytes tail(4 + name.size() + 8);
    store_be<std::uint32_t>(tail, 0x40000000U / 4096U + 1U);
    std::memcpy(tail.data() + 4, name.data(), name.size());
    store_be<std::uint32_t>(std::span{tail}.subspan(4 + name.size()), static_cast<std::uint32_t>(name.size()));
    store_be<std::uint32_t>(std::span{tail}.subspan(8 + name.size()), sum);
    journal.insert(journal.end(), tail.begin(), tail.end());
    for (const auto byte : {0xD9U, 0xD5U, 0x05U, 0xF9U, 0x20U, 0xA1U, 0x63U, 0xD7U}) {
        journal.push_back(static_cast<std::byte>(byte));
    }
    files.journal = io::make_memory(std::move(journal), "journal");
    auto opened = Database::open(files);
    if (opened.has_value()) {
        static_cast<void>(opened->count("sms"));
    }
    EXPECT_TRUE(std::filesystem::exists(victim));
    phone.run("ROLLBACK");
}

TEST(ArtifactSqlite, PassesOverAPageThatCannotBeReadAndKeepsTheRest)
{
    const auto bytes = thousand_rows();
    const auto source = io::make_memory(bytes, "mmssms.db");
    const auto middle = ByteRange::make(ByteOffset{bytes.size() / 2 / 4096 * 4096}, ByteCount{512}).value();
    auto opened = Database::open({.database = io::make_with_bad_areas(source, {middle})});
    ASSERT_TRUE(is_ok(opened));
    const auto seen = read_bodies(*opened);
    EXPECT_GE(seen.rows.size(), 980U);
    EXPECT_LT(seen.rows.size(), 1000U);
    EXPECT_TRUE(seen.rows.contains(1) && seen.rows.contains(1000));
    EXPECT_TRUE(seen.read.is_cut);
    ASSERT_TRUE(seen.read.problem.has_value());
    EXPECT_EQ(seen.read.problem->code, ErrorCode::unreadable);
}

TEST(ArtifactSqlite, PassesOverAValueThatClaimsTwoGigabytes)
{
    const test::TemporaryFolder folder;
    auto bytes =
        made_database("CREATE TABLE sms(body); INSERT INTO sms VALUES('one'); INSERT INTO sms VALUES(zeroblob(9000));"
                      "INSERT INTO sms VALUES('three');");
    // The header of the second row: its size, and the type of its value as a varint: 2 * 9000 + 12.  Spec:
    // fileformat2.html, 2.1.
    constexpr std::array header{std::byte{0x04}, std::byte{0x81}, std::byte{0x8C}, std::byte{0x5C}};
    constexpr std::array larger{std::byte{0x06}, std::byte{0x8F}, std::byte{0xFF},
                                std::byte{0xFF}, std::byte{0xFF}, std::byte{0x7C}};
    const auto found = std::ranges::search(bytes, header);
    ASSERT_FALSE(found.empty());
    std::ranges::copy(larger, found.begin());
    auto opened = Database::open(database_files(bytes));
    ASSERT_TRUE(is_ok(opened));
    const auto seen = read_bodies(*opened);
    EXPECT_TRUE(seen.rows.contains(1) && seen.rows.contains(3));
    EXPECT_EQ(seen.read.damaged, 1U);
    EXPECT_FALSE(seen.read.is_cut);
}

TEST(ArtifactSqlite, NoticesPagesThatLeadInACircle)
{
    auto bytes = thousand_rows();
    // The table's root is an interior page: let all its children be the first one.  Spec: fileformat2.html, 1.6.
    const auto root = std::span{bytes}.subspan(4096);
    ASSERT_EQ(root[0], std::byte{5});
    const auto cells = load_be<std::uint16_t>(root.subspan(3));
    ASSERT_GT(cells, 3U);
    const auto first = load_be<std::uint16_t>(root.subspan(12));
    const auto child = load_be<std::uint32_t>(root.subspan(first));
    for (std::size_t i = 1; i < cells; ++i) {
        store_be<std::uint32_t>(root.subspan(load_be<std::uint16_t>(root.subspan(12 + 2 * i))), child);
    }
    auto opened = Database::open(database_files(bytes));
    ASSERT_TRUE(is_ok(opened));
    const auto seen = read_bodies(*opened);
    EXPECT_LT(seen.rows.size(), 100U);
    EXPECT_GT(seen.rows.size(), 0U);
    EXPECT_TRUE(seen.read.problem.has_value());
}

TEST(ArtifactSqlite, ReadsAWindowARowAndACount)
{
    auto opened = Database::open(database_files(thousand_rows()));
    ASSERT_TRUE(is_ok(opened));
    EXPECT_EQ(opened->count("sms").value(), 1000U);
    const auto seen = read_bodies(*opened, "sms", {.first = 500, .most = 3});
    ASSERT_EQ(seen.rows.size(), 3U);
    EXPECT_EQ(seen.rows.begin()->first, 501);
    const auto row = opened->find_row("sms", body, 77);
    ASSERT_TRUE(is_ok(row) && row->has_value());
    EXPECT_TRUE((*row)->text_or_empty(0).starts_with("77:"));
    const auto none = opened->find_row("sms", body, 7000);
    ASSERT_TRUE(is_ok(none));
    EXPECT_FALSE(none->has_value());
}

TEST(ArtifactSqlite, KnowsWhereEachRowBegins)
{
    const auto bytes = thousand_rows();
    auto opened = Database::open(database_files(bytes));
    ASSERT_TRUE(is_ok(opened));
    for (std::int64_t row = 1; row <= 1000; ++row) {
        const auto place = opened->place_of("sms", row);
        ASSERT_TRUE(place.has_value()) << row;
        // Its number stands in its text, some bytes behind the cell's head.
        const auto text = as_text(ByteView{bytes}.subspan(static_cast<std::size_t>(place->value), 20));
        EXPECT_NE(text.find(std::to_string(row) + ":0"), std::string_view::npos) << row;
    }
    // A WAL that was moved into the database and left behind empty changes nothing.
    auto files = database_files(bytes);
    files.wal = io::make_memory({}, "wal");
    EXPECT_EQ(Database::open(files).value().place_of("sms", 500), opened->place_of("sms", 500));
    EXPECT_FALSE(opened->place_of("sms", 1001).has_value());
    EXPECT_FALSE(opened->place_of("none", 1).has_value());
}

TEST(ArtifactSqlite, ReadsTablesWithoutRowidAndUtf16)
{
    auto opened = Database::open(
        database_files(made_database("PRAGMA encoding='UTF-16le'; CREATE TABLE sms(body TEXT PRIMARY KEY) WITHOUT "
                                     "ROWID; INSERT INTO sms VALUES('\xD7\xA9\xD7\x9C');")));
    ASSERT_TRUE(is_ok(opened));
    const auto seen = read_bodies(*opened);
    EXPECT_EQ(seen.rows, (std::map<std::int64_t, std::string>{{-1, "\xD7\xA9\xD7\x9C"}}));
}

TEST(ArtifactSqlite, RefusesWhatIsNoDatabase)
{
    EXPECT_TRUE(fails_with(Database::open(database_files(Bytes(8192, std::byte{0x5A}))), ErrorCode::malformed));
    EXPECT_TRUE(fails_with(Database::open({}), ErrorCode::invalid_argument));
    EXPECT_FALSE(is_database(Bytes(16)));
    EXPECT_TRUE(is_database(thousand_rows()));
}

TEST(ArtifactSqlite, StopsWhenAsked)
{
    std::stop_source stop;
    auto opened = Database::open(database_files(thousand_rows("CREATE TABLE x(y);")), stop.get_token());
    ASSERT_TRUE(is_ok(opened));
    stop.request_stop();
    const auto read = opened->read("sms", body, [](const Row&) -> Result<> { return {}; });
    EXPECT_TRUE(fails_with(read, ErrorCode::cancelled));
}

// Every byte of the first page, and every cut: a value or an error, and an end.
TEST(ArtifactSqlite, SurvivesEveryDamagedByteOfTheFirstPages)
{
    const auto bytes = made_database("CREATE TABLE sms(body TEXT); INSERT INTO sms VALUES('one'),('two'),('three');");
    for (std::size_t at = 0; at < bytes.size(); at += at < 256 ? 1 : 7) {
        auto damaged = bytes;
        damaged[at] ^= std::byte{0xA5};
        auto opened = Database::open(database_files(std::move(damaged)));
        if (opened.has_value() && opened->find_table("sms") != nullptr) {
            EXPECT_LE(read_bodies(*opened).rows.size(), 1000U);
        }
    }
    for (std::size_t size = 0; size < bytes.size(); size += 97) {
        auto opened =
            Database::open(database_files(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size))));
        if (opened.has_value() && opened->find_table("sms") != nullptr) {
            EXPECT_LE(read_bodies(*opened).rows.size(), 3U);
        }
    }
}

TEST(ArtifactSqlite, ReadsOtherPeoplesWal)
{
    SALVAGE_FOREIGN_OR_SKIP(database, "sqlite/log2timeline__plaso__wal_database.db");
    SALVAGE_FOREIGN_OR_SKIP(wal, "sqlite/log2timeline__plaso__wal_database.db-wal");
    auto with = Database::open({.database = io::open_file(database).value(), .wal = io::open_file(wal).value()});
    auto without = Database::open({.database = io::open_file(database).value()});
    ASSERT_TRUE(is_ok(with));
    ASSERT_TRUE(is_ok(without));
    ASSERT_FALSE(with->tables().empty());
    std::uint64_t with_rows = 0;
    std::uint64_t without_rows = 0;
    for (const auto& table : with->tables()) {
        with_rows += with->count(table.name).value();
        without_rows += without->count(table.name).value_or(0);
    }
    EXPECT_GT(with_rows, without_rows);
}

} // namespace
} // namespace salvage::artifact
