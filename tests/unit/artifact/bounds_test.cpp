// Databases and folders that were made to fill memory or disk: what is beyond all bounds is left out, and told of.
#include <array>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "artifact/sqlite_files.hpp"
#include "fake_phone.hpp"
#include "support/assert_result.hpp"

namespace salvage::artifact {
namespace {

using nlohmann::json;
using test::fails_with;
using test::is_ok;
using test::made_database;
using test::take_out;

constexpr std::string_view telephony = "/data/com.android.providers.telephony/databases/mmssms.db";

std::string many(const std::string& table, const std::string& columns, const std::string& row, int count)
{
    return "CREATE TABLE " + table + "(" + columns +
           ");WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<" + std::to_string(count) +
           ") INSERT INTO " + table + " SELECT " + row + " FROM n;";
}

bool has_problem(const KindReport& report, std::string_view text)
{
    const auto is_it = [&](const std::string& problem) { return problem.find(text) != std::string::npos; };
    return std::ranges::any_of(report.problems, is_it) ||
           std::ranges::any_of(report.databases, [&](const DatabaseReport& database) {
               return std::ranges::any_of(database.problems, is_it);
           });
}

/// A row's varints: three bytes for a number below 2 to the 21.
void store_varint3(std::span<std::byte> into, std::uint32_t value)
{
    into[0] = static_cast<std::byte>(0x80U | (value >> 14U));
    into[1] = static_cast<std::byte>(0x80U | ((value >> 7U) & 0x7FU));
    into[2] = static_cast<std::byte>(value & 0x7FU);
}

/// 400 rows, each of which claims the first one's megabyte as its own: 400 MB out of a file of 8.
/// Spec: sqlite.org/fileformat2.html, 1.6: a row that does not fit keeps 489 bytes of it in its page, then the number
/// of the page that goes on.
Bytes rows_that_share_a_text()
{
    constexpr std::uint32_t local = 489;
    constexpr std::uint32_t a_page = 4092;
    constexpr std::uint32_t long_payload = local + 240 * a_page;
    const auto text = [](std::uint32_t payload) { return "printf('%.*c'," + std::to_string(payload - 4) + ",'x')"; };
    auto bytes = made_database("PRAGMA page_size=4096; CREATE TABLE sms(body TEXT); INSERT INTO sms VALUES(" +
                               text(long_payload) + ");" +
                               "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<399) INSERT INTO "
                               "sms SELECT " +
                               text(local + 4 * a_page) + " FROM n;");
    auto opened = Database::open(test::database_files(bytes));
    const auto cell_of = [&](std::int64_t row) {
        return static_cast<std::size_t>(opened.value().place_of("sms", row).value().value);
    };
    // Length, rowid, the record's head, its text, the next page.
    const auto next_at = [&](std::int64_t row) { return cell_of(row) + 3 + (row < 128 ? 1 : 2) + local; };
    const auto shared = load_be<std::uint32_t>(ByteView{bytes}.subspan(next_at(1)));
    for (std::int64_t row = 2; row <= 400; ++row) {
        const auto cell = std::span{bytes}.subspan(cell_of(row));
        store_varint3(cell, long_payload);
        store_varint3(cell.subspan(3 + (row < 128 ? 1 : 2) + 1), 2 * (long_payload - 4) + 13);
        store_be<std::uint32_t>(std::span{bytes}.subspan(next_at(row)), shared);
    }
    return bytes;
}

TEST(ArtifactBounds, ADatabaseDoesNotGiveMoreTextThanItHolds)
{
    const auto bytes = rows_that_share_a_text();
    ASSERT_LT(bytes.size(), 12U << 20U);
    auto opened = Database::open(test::database_files(bytes));
    ASSERT_TRUE(is_ok(opened));
    constexpr std::array<std::string_view, 1> columns{"body"};
    std::uint64_t given = 0;
    const auto read = opened->read("sms", columns, [&](const Row& row) -> Result<> {
        given += row.text_or_empty(0).size();
        return {};
    });
    ASSERT_TRUE(is_ok(read));
    EXPECT_GT(given, 100U << 20U); // the rows are what they are meant to be
    EXPECT_LT(given, (256U << 20U) + 8 * bytes.size() + (1U << 20U));
    EXPECT_TRUE(read->is_cut);
    ASSERT_TRUE(read->problem.has_value());
    EXPECT_EQ(read->problem->code, ErrorCode::unsupported);
    EXPECT_TRUE(fails_with(opened->find_row("sms", columns, 400), ErrorCode::unsupported));
}

TEST(ArtifactBounds, FilesAreNotReadWithoutEnd)
{
    SqliteFiles files{test::database_files(Bytes(4096))};
    std::uint64_t mebibytes = 0;
    while (files.may_read(1U << 20U) && mebibytes < 10'000) {
        ++mebibytes;
    }
    EXPECT_EQ(mebibytes, 1024U); // and 128 times its own size, which is half a MiB
    EXPECT_TRUE(files.may_read(4096));
}

TEST(ArtifactBounds, OfATableOnlySoManyRowsAreTaken)
{
    test::FakePhone phone;
    phone.add_database("/data/com.android.providers.contacts/databases/calllog.db",
                       many("calls", "number, date", "i, 1502526000000", 50));
    const auto taken = take_out(phone, "calls", {.rows_a_table = 20});
    EXPECT_EQ(taken->report.items, 20U);
    EXPECT_TRUE(has_problem(taken->report, "20 rows are taken, 30 more are left out"));
    const auto all = take_out(phone, "calls", {.rows_a_table = 50});
    EXPECT_EQ(all->report.items, 50U);
    EXPECT_FALSE(has_problem(all->report, "left out"));
}

TEST(ArtifactBounds, OfADatabaseOnlySoMuchIsKeptInMemory)
{
    test::FakePhone phone;
    phone.add_database(std::string{telephony}, many("sms", "thread_id, date, body", "i % 3, i, 'text'", 1000));
    const auto taken = take_out(phone, "messages", {.kept_a_database = 50'000});
    EXPECT_GT(taken->report.items, 100U);
    EXPECT_LT(taken->report.items, 1000U);
    EXPECT_TRUE(has_problem(taken->report, fmt::format("{} entries are left out", 1000 - taken->report.items)));
}

TEST(ArtifactBounds, AMillionEntriesOfOnePersonAreNotComparedWithEachOther)
{
    test::FakePhone phone;
    phone.add_database("/data/com.android.providers.contacts/databases/contacts2.db",
                       "CREATE TABLE mimetypes(_id INTEGER PRIMARY KEY, mimetype TEXT);"
                       "INSERT INTO mimetypes VALUES(5,'vnd.android.cursor.item/phone_v2');"
                       "CREATE TABLE raw_contacts(_id INTEGER PRIMARY KEY, contact_id INTEGER, display_name TEXT);"
                       "INSERT INTO raw_contacts VALUES(1,1,'One');" +
                           many("data", "mimetype_id, raw_contact_id, data1, data2", "5, 1, 100000+i, 2", 2100));
    const auto taken = take_out(phone, "contacts");
    const auto document = json::parse(taken->sink.texts.at("contacts/contacts.json"));
    EXPECT_EQ(document["contacts"][0]["phones"].size(), 2000U);
    EXPECT_TRUE(has_problem(taken->report, "100 entries are left out"));
}

TEST(ArtifactBounds, OfATableAPageShowsWhatThereIsRoomForAndTheFilesHaveAll)
{
    test::FakePhone phone;
    phone.add_database("/data/com.android.providers.contacts/databases/calllog.db",
                       many("calls", "number, date, name", "i, 1502526000000, printf('%.*c', 9000, 'n')", 40));
    const auto taken = take_out(phone, "calls", {.shown_bytes = 50'000});
    EXPECT_EQ(taken->report.items, 40U);
    ASSERT_EQ(taken->sink.tables.size(), 1U);
    const auto& page = taken->sink.tables[0];
    EXPECT_GT(page.rows.size(), 5U);
    EXPECT_LT(page.rows.size(), 20U);
    EXPECT_EQ(page.notes.back(), fmt::format("{} more are in the CSV and JSON.", 40 - page.rows.size()));
    EXPECT_EQ(json::parse(taken->sink.texts.at("calls/calls.json"))["calls"].size(), 40U);
}

TEST(ArtifactBounds, ConversationsBeyondTheBoundHaveNoPageAndAreInTheJson)
{
    test::FakePhone phone;
    phone.add_database(std::string{telephony}, many("sms", "thread_id, date, body", "i, i, 'text ' || i", 10));
    const auto taken = take_out(phone, "messages", {.conversations = 4});
    EXPECT_EQ(taken->report.items, 10U);
    EXPECT_EQ(taken->sink.conversations.size(), 4U);
    EXPECT_EQ(json::parse(taken->sink.texts.at("messages/messages.json"))["conversations"].size(), 10U);
    EXPECT_TRUE(has_problem(taken->report, "6 conversations have no page"));
}

TEST(ArtifactBounds, APageOfLongTextsIsShort)
{
    test::FakePhone phone;
    phone.add_database(std::string{telephony},
                       many("sms", "thread_id, date, body", "1, i, printf('%.*c', 200000, 'x')", 100));
    const auto taken = take_out(phone, "messages");
    ASSERT_EQ(taken->sink.conversations.size(), 1U);
    std::size_t bytes = 0;
    for (const auto& bubble : taken->sink.conversations[0].bubbles) {
        bytes += bubble.text.size();
        EXPECT_NE(bubble.text.find("(200000 bytes in all"), std::string::npos);
    }
    EXPECT_EQ(taken->sink.conversations[0].bubbles.size(), 100U);
    EXPECT_LT(bytes, 5U << 20U);
    const auto document = json::parse(taken->sink.texts.at("messages/messages.json"));
    EXPECT_EQ(document["conversations"][0]["messages"][99]["text"].get<std::string>().size(), 200'000U);
}

/// Ten folders in each folder, without an end.
class EndlessPhone final : public PhoneFiles {
public:
    [[nodiscard]] std::vector<PhoneEntry> list(const std::string& folder) const override
    {
        std::vector<PhoneEntry> out;
        for (char letter = 'a'; folder.starts_with("/DCIM") && letter < 'k'; ++letter) {
            out.push_back({.name = {letter}, .is_folder = true, .size = {}, .modified_ns = 0});
        }
        return out;
    }
    [[nodiscard]] std::optional<PhoneEntry> find(const std::string& /*path*/) const override { return std::nullopt; }
    [[nodiscard]] Result<io::SourcePtr> open(const std::string& /*path*/) const override
    {
        return not_found("there is no file");
    }
    [[nodiscard]] io::SourcePtr system_properties() const override { return nullptr; }
};

TEST(ArtifactBounds, FoldersWithoutEndAreLeft)
{
    const auto taken = take_out(EndlessPhone{}, "photos", {.folders = 5000});
    EXPECT_TRUE(has_problem(taken->report, "after 5,000 there was no end of them"));
}

TEST(ArtifactBounds, PhotosBeyondTheBoundAreCounted)
{
    test::FakePhone phone;
    for (int i = 0; i < 10; ++i) {
        phone.add("/media/0/DCIM/IMG_2017060" + std::to_string(i) + ".jpg", "photo");
    }
    const auto taken = take_out(phone, "photos", {.photos = 7});
    EXPECT_EQ(taken->report.items, 7U);
    EXPECT_TRUE(has_problem(taken->report, "3 photos and videos are left out"));
}

} // namespace
} // namespace salvage::artifact
