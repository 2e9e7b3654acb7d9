#include "artifact/deleted_rows.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string>
#include <vector>

#include "deleted_messages.hpp"
#include "salvage/io/views.hpp"

namespace salvage::artifact {
namespace {

using test::body_field;
using test::database_files;
using test::fails_with;
using test::found_in;
using test::insert;
using test::is_ok;
using test::made_database;
using test::room_for_rows;
using test::sms;
using test::sms_table;
using test::told;
using Told = std::vector<std::string>;

std::string body_of(int id, std::size_t body_bytes)
{
    auto out = fmt::format("#{} ", id);
    out.resize(body_bytes, static_cast<char>('a' + id % 26));
    return out;
}

std::string rows_from(int first, int last, std::size_t body_bytes = 60)
{
    std::string out = "BEGIN;";
    for (int id = first; id <= last; ++id) {
        out += insert(id, body_of(id, body_bytes));
    }
    return out + "COMMIT;";
}

struct Share {
    std::size_t left{0};  ///< deleted rows whose text is in the file in one piece
    std::size_t found{0}; ///< those that were found with all of their text
};
/// Of rows_from(first, last), all of which were deleted.
Share share_of(const Bytes& bytes, int first, int last)
{
    std::set<std::string> texts;
    for (const auto& row : found_in(database_files(bytes)).rows) {
        const auto text = to_text(row.values[body_field]).value_or("");
        int id = 0;
        std::from_chars(text.data() + std::min<std::size_t>(1, text.size()), text.data() + text.size(), id);
        const bool is_gone = id >= first && id <= last && text == body_of(id, 60) && row.rowid.value_or(id) == id;
        EXPECT_TRUE(is_gone || row.confidence == RowConfidence::cut) << text;
        texts.insert(text);
    }
    Share out;
    for (auto id = first; id <= last; ++id) {
        out.left += as_text(bytes).contains(body_of(id, 60)) ? 1U : 0U;
        out.found += texts.contains(body_of(id, 60)) ? 1U : 0U;
    }
    return out;
}
Share share_of(const std::string& sql, int first, int last)
{
    return share_of(made_database("PRAGMA secure_delete=OFF;" + sql), first, last);
}

TEST(DeletedRows, FindsOneThatWentFromBetweenOthers)
{
    const auto found = found_in(sms_table + insert(1, "first") + insert(2, "it went") + insert(3, "third") +
                                "DELETE FROM sms WHERE _id=2;");
    ASSERT_EQ(told(found), Told{"start lost|freeblock|?|it went"});
    const auto& row = found.rows[0];
    EXPECT_EQ(row.page, 2U);
    EXPECT_EQ(row.byte / 4096, 1U);
    EXPECT_FALSE(row.is_in_wal);
    EXPECT_EQ(row.values[2], Value{std::string{"+49300015838"}});
    EXPECT_EQ(row.values[4], Value{std::int64_t{1'500'000'122'014}});
    EXPECT_EQ(row.states[0], ValueState::lost);
    EXPECT_EQ(row.states[3], ValueState::whole); // a null that is known
    EXPECT_EQ(row.values[3], Value{});
}

TEST(DeletedRows, NamesTheByteWhereARowBegins)
{
    const auto bytes = made_database("PRAGMA secure_delete=OFF;" + sms_table + rows_from(1, 300) +
                                     "DELETE FROM sms WHERE _id BETWEEN 100 AND 200;");
    std::size_t found_rows = 0;
    for (const auto& row : found_in(database_files(bytes)).rows) {
        const auto text = to_text(row.values[body_field]).value_or("");
        const auto at = as_text(bytes).substr(static_cast<std::size_t>(row.byte), 160).find(text);
        EXPECT_NE(at, std::string_view::npos) << text;
        EXPECT_EQ(row.byte / 4096 + 1, row.page);
        found_rows += row.confidence == RowConfidence::cut ? 0U : 1U;
    }
    EXPECT_GT(found_rows, 40U);
}

TEST(DeletedRows, FindsManyInFreePages)
{
    const auto share =
        share_of(sms_table + rows_from(1, 1000) + "DELETE FROM sms WHERE _id BETWEEN 201 AND 800;", 201, 800);
    EXPECT_GT(share.left, 500U);
    EXPECT_GE(share.found * 100, share.left * 99);
}

TEST(DeletedRows, FindsAWholeTablesRows)
{
    const auto share = share_of(sms_table + rows_from(1, 1000) + "DELETE FROM sms;", 1, 1000);
    EXPECT_EQ(share.left, 1000U);
    EXPECT_GE(share.found, 990U);
}

TEST(DeletedRows, FindsEverySecondRow)
{
    const auto share = share_of(sms_table + rows_from(1, 1000) + "DELETE FROM sms WHERE _id%2=0;", 1, 1000);
    EXPECT_GE(share.found, 480U);
}

TEST(DeletedRows, TellsWhatNewRowsLeftOfOldOnes)
{
    const auto found = found_in(sms_table + rows_from(1, 20, 90) + "DELETE FROM sms WHERE _id=10;" + insert(21, "new"));
    ASSERT_EQ(found.rows.size(), 1U);
    EXPECT_EQ(found.rows[0].confidence, RowConfidence::cut);
    EXPECT_EQ(found.rows[0].values[2], Value{std::string{"+49300079190"}});
    EXPECT_NE(found.rows[0].states[body_field], ValueState::whole);
    EXPECT_EQ(found.rows[0].states[11], ValueState::whole); // a 0 needs no bytes but its type's
}

TEST(DeletedRows, FollowsALongTextIntoFreePages)
{
    // The first page that is freed gets the list of the others; so it is one of row 1's, and all of row 3's are as they
    // were.
    const auto found =
        found_in(sms_table + rows_from(1, 3, 20'000) + "DELETE FROM sms WHERE _id=1; DELETE FROM sms WHERE _id=3;");
    ASSERT_EQ(found.rows.size(), 1U);
    EXPECT_EQ(found.rows[0].values[body_field], Value{body_of(3, 20'000)});
    EXPECT_EQ(found.rows[0].rowid, 3);
    EXPECT_EQ(found.rows[0].confidence, RowConfidence::chained);
}

TEST(DeletedRows, CutsALongTextWhosePagesAreUsedAgain)
{
    const auto found = found_in(sms_table + "CREATE TABLE other(b);" + rows_from(1, 3, 20'000) +
                                "DELETE FROM sms WHERE _id=3; INSERT INTO other VALUES(zeroblob(5000));");
    ASSERT_EQ(found.rows.size(), 1U);
    EXPECT_EQ(found.rows[0].confidence, RowConfidence::cut);
    EXPECT_EQ(found.rows[0].states[body_field], ValueState::part);
    const auto text = to_text(found.rows[0].values[body_field]).value_or("");
    EXPECT_TRUE(text.size() > 3000 && body_of(3, 20'000).starts_with(text)) << text;
}

TEST(DeletedRows, FindsNothingWhereRowsAreWipedAsTheyGo)
{
    for (const auto* const rest :
         {"DELETE FROM sms WHERE _id%2=0;", "DELETE FROM sms;", "DELETE FROM sms WHERE _id=500;"}) {
        auto bytes = made_database("PRAGMA secure_delete=ON;" + sms_table + rows_from(1, 1000) + rest);
        EXPECT_TRUE(found_in(database_files(std::move(bytes))).rows.empty()) << rest;
    }
}

TEST(DeletedRows, LeavesOutEverythingThatIsThere)
{
    // Pages that were split and joined are full of copies of rows that are there.
    std::string shuffled = "BEGIN;";
    for (int id = 1; id <= 1500; ++id) {
        const int mixed_id = id * 7 % 1501;
        shuffled += insert(mixed_id, fmt::format("#{} kept", mixed_id));
    }
    EXPECT_EQ(told(found_in(sms_table + shuffled + "COMMIT;")), Told{});
}

TEST(DeletedRows, SayWhereAPartOfTheTableCannotBeRead)
{
    auto bytes = made_database("PRAGMA secure_delete=OFF; PRAGMA page_size=1024;" + sms_table + rows_from(1, 100) +
                               "DELETE FROM sms WHERE _id BETWEEN 40 AND 60;");
    EXPECT_FALSE(found_in(database_files(bytes)).is_live_unknown);
    // A page of rows that are there loses its kind: no table leads to its rows any more.
    const auto at = as_text(ByteView{bytes}).find(body_of(10, 60));
    ASSERT_NE(at, std::string_view::npos);
    bytes.at(at / 1024 * 1024) = std::byte{0x77};
    const auto found = found_in(database_files(bytes));
    EXPECT_TRUE(found.is_live_unknown);
    EXPECT_TRUE(std::ranges::any_of(found.rows, [](const auto& row) { return row.rowid == 10; }));
}

TEST(DeletedRows, WorksWithEverySizeOfPages)
{
    for (int page_bytes = 512; page_bytes <= 65'536; page_bytes *= 2) {
        const auto share = share_of(fmt::format("PRAGMA page_size={};", page_bytes) + sms_table + rows_from(1, 1000) +
                                        "DELETE FROM sms WHERE _id BETWEEN 300 AND 700;",
                                    300, 700);
        EXPECT_GT(share.left, 100U) << page_bytes;
        EXPECT_GE(share.found * 100, share.left * 98) << page_bytes << ": " << share.found << " of " << share.left;
    }
}

TEST(DeletedRows, PassesOverTheMapOfADatabaseThatShrinks)
{
    for (const int vacuum : {1, 2}) {
        const auto share = share_of(fmt::format("PRAGMA auto_vacuum={};", vacuum) + sms_table + rows_from(1, 3000) +
                                        "DELETE FROM sms WHERE _id BETWEEN 1000 AND 2000;",
                                    1000, 2000);
        EXPECT_GT(share.left, vacuum == 2 ? 900U : 10U) << vacuum;
        EXPECT_GE(share.found * 100, share.left * 98) << vacuum << ": " << share.found << " of " << share.left;
    }
}

TEST(DeletedRows, ReadsBothKindsOfUtf16)
{
    for (const auto* const encoding : {"UTF-16le", "UTF-16be"}) {
        const auto found =
            found_in(fmt::format("PRAGMA encoding='{}';", encoding) + sms_table + insert(1, "first") +
                     insert(2, "gr\xC3\xBC\xC3\x9F dich \xF0\x9F\x9A\x80") + "DELETE FROM sms WHERE _id=2;");
        EXPECT_EQ(told(found), Told{"start lost|gap|?|gr\xC3\xBC\xC3\x9F dich \xF0\x9F\x9A\x80"}) << encoding;
    }
}

TEST(DeletedRows, MindsBytesThatAreKeptForExtensions)
{
    const test::TemporaryFolder folder;
    {
        test::PhoneDatabase phone{folder.path() / "a.db"};
        int kept = 64;
        ASSERT_EQ(sqlite3_file_control(phone.connection(), "main", SQLITE_FCNTL_RESERVE_BYTES, &kept), SQLITE_OK);
        phone.run("PRAGMA secure_delete=OFF;" + sms_table + rows_from(1, 500) + rows_from(501, 502, 15'000) +
                  "DELETE FROM sms WHERE _id>100;");
    }
    auto bytes = test::read_file(folder.path() / "a.db");
    ASSERT_EQ(bytes[20], std::byte{64});
    std::size_t long_ones = 0;
    for (const auto& row : found_in(database_files(std::move(bytes))).rows) {
        long_ones += to_text(row.values[body_field]).value_or("").size() == 15'000 ? 1U : 0U;
    }
    EXPECT_EQ(long_ones, 2U);
}

TEST(DeletedRows, FindsWhatOnlyTheWalHasDeleted)
{
    const test::TemporaryFolder folder;
    test::PhoneDatabase phone{folder.path() / "a.db"};
    phone.run("PRAGMA secure_delete=ON; PRAGMA journal_mode=WAL;" + sms_table + insert(1, "stays") + insert(2, "went") +
              "PRAGMA wal_checkpoint(TRUNCATE); DELETE FROM sms WHERE _id=2;" + insert(3, "came and went") +
              "UPDATE sms SET body='stays, but other' WHERE _id=1; DELETE FROM sms WHERE _id=3;");
    const auto found = found_in(phone.files());
    EXPECT_EQ(told(found),
              (Told{"whole|older state|2|went", "whole|older state|1|stays", "whole|older state|3|came and went"}));
    ASSERT_EQ(found.rows.size(), 3U);
    EXPECT_FALSE(found.rows[0].is_in_wal);
    EXPECT_TRUE(found.rows[1].is_replaced);
    EXPECT_FALSE(found.rows[1].is_in_wal);
    EXPECT_TRUE(found.rows[2].is_in_wal);
}

TEST(DeletedRows, KnowsRowsFromBeforeColumnsWereAdded)
{
    const auto found = found_in(sms_table + insert(1, "first") + insert(2, "old") +
                                "ALTER TABLE sms ADD COLUMN sub_id INTEGER DEFAULT -1; DELETE FROM sms;");
    ASSERT_EQ(told(found), (Told{"whole|gap|2|old", "whole|gap|1|first"}));
    EXPECT_EQ(found.rows[0].states[12], ValueState::lost);
}

TEST(DeletedRows, KeepsTablesApart)
{
    const std::string tables = sms_table + "CREATE TABLE calls(_id INTEGER PRIMARY KEY, number TEXT, date INTEGER);"
                                           "CREATE TABLE notes(_id INTEGER PRIMARY KEY, title TEXT, at INTEGER);";
    const auto sql = tables +
                     "INSERT INTO calls VALUES(1,'110',5),(2,'112',6); INSERT INTO notes VALUES(1,'a',5),(2,'b',6);" +
                     insert(1, "x") + insert(2, "y") + "DELETE FROM calls WHERE _id=2; DELETE FROM notes WHERE _id=2;";
    constexpr std::array<std::string_view, 2> asked{"CALLS", "not there"};
    const auto found = found_in(database_files(made_database("PRAGMA secure_delete=OFF;" + sql)), asked);
    ASSERT_EQ(found.rows.size(), 1U);
    EXPECT_EQ(found.rows[0].table, "calls");
    EXPECT_EQ(found.rows[0].values[1], Value{std::string{"112"}});
}

TEST(DeletedRows, StopsWhenAskedAndKeepsWithinItsRoom)
{
    const auto files = database_files(
        made_database("PRAGMA secure_delete=OFF;" + sms_table + rows_from(1, 1000) + "DELETE FROM sms;"));
    auto opened = Database::open(files);
    ASSERT_TRUE(is_ok(opened));
    std::stop_source stop;
    const auto some = read_deleted_rows(*opened, files, sms, 100'000, stop.get_token());
    ASSERT_TRUE(is_ok(some));
    EXPECT_GT(some->left_out, 500U);
    EXPECT_GT(some->rows.size(), 50U);
    stop.request_stop();
    EXPECT_TRUE(
        fails_with(read_deleted_rows(*opened, files, sms, room_for_rows, stop.get_token()), ErrorCode::cancelled));
}

TEST(DeletedRows, SurvivesEveryCutAndEveryChangedByte)
{
    const auto bytes =
        made_database("PRAGMA page_size=512; PRAGMA secure_delete=OFF;" + sms_table + rows_from(1, 12, 40) +
                      rows_from(13, 13, 900) + "DELETE FROM sms WHERE _id IN (3,4,7,13);");
    const auto look = [](Bytes changed) {
        const auto files = database_files(std::move(changed));
        auto opened = Database::open(files);
        if (!opened.has_value()) {
            return;
        }
        const auto found = read_deleted_rows(*opened, files, sms, room_for_rows, {});
        for (const auto& row : found.has_value() ? found->rows : std::vector<RecoveredRow>{}) {
            EXPECT_LT(row.byte, files.database->size().value);
            EXPECT_EQ(row.values.size(), row.states.size());
        }
    };
    for (std::size_t length = 0; length < bytes.size(); length += 3) {
        look({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)});
    }
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        for (const auto mask : {std::byte{0xFF}, std::byte{0x01}, std::byte{0x80}}) {
            auto changed = bytes;
            changed[at] ^= mask;
            look(std::move(changed));
        }
    }
}

} // namespace
} // namespace salvage::artifact
