// What was found in databases, leafed through while it is put away.
#include "web/item_shelf.hpp"

#include <atomic>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "salvage/io/sources.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "web/fold.hpp"

namespace salvage::web {
namespace {

using artifact::Attachment;
using artifact::Bubble;
using artifact::ConversationPage;
using artifact::TablePage;
using test::fails_with;
using test::is_ok;
using test::TemporaryFolder;

artifact::KindReport kind_of(std::string name, std::string page, std::uint64_t items)
{
    artifact::KindReport out;
    out.name = std::move(name);
    out.title = "A title";
    out.items = items;
    out.page = std::move(page);
    return out;
}

TablePage table_of(std::size_t rows)
{
    TablePage out{
        .path = "contacts/contacts.html", .title = "Contacts", .columns = {"Name", "Number"}, .rows = {}, .notes = {}};
    for (std::size_t i = 0; i < rows; ++i) {
        out.rows.push_back({{.text = fmt::format("Person {}", i)}, {.text = fmt::format("+44 {}", 1000 + i)}});
    }
    return out;
}

ConversationPage part_of(std::size_t number, std::size_t count)
{
    const auto path = [](std::size_t part) { return fmt::format("messages/conversations/1-{}.html", part); };
    ConversationPage out{
        .path = path(number), .title = "Ada", .people = "+44", .number = number, .count = count, .bubbles = {}};
    out.previous = number > 1 ? path(number - 1) : "";
    out.next = number < count ? path(number + 1) : "";
    out.bubbles.push_back({.from = "Ada",
                           .time = "2017",
                           .text = fmt::format("part {}", number),
                           .note = {},
                           .attachments = {},
                           .origin = "row 1"});
    return out;
}

TEST(Folded, KnowsManyScriptsAndLeavesWhatIsNoText)
{
    EXPECT_EQ(folded("MÜLLER Ådal ΣΟΦΙΑ ЖУК 山田 42"), "müller ådal σοφια жук 山田 42");
    EXPECT_EQ(folded(std::string_view{"A\0B\xFF\xC3", 5}), (std::string_view{"a\0b\xFF\xC3", 5}));
    EXPECT_EQ(folded(""), "");
}

TEST(ItemShelf, GivesRowsInPagesAndThoseThatHaveAText)
{
    const TemporaryFolder folder;
    const auto shelf = ItemShelf::create(folder.path());
    ASSERT_TRUE(is_ok(shelf));
    EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "its file has no name";
    EXPECT_TRUE(fails_with((*shelf)->table({.kind = "contacts", .limit = 10, .text = {}}), ErrorCode::not_found));
    ASSERT_TRUE(is_ok((*shelf)->sink()->page(table_of(250))));
    (*shelf)->add_kind(kind_of("contacts", "contacts/contacts.html", 250));
    (*shelf)->add_kind(kind_of("calls", "", 0));

    const auto some = (*shelf)->table({.kind = "contacts", .offset = 245, .limit = 10, .text = {}});
    ASSERT_TRUE(is_ok(some));
    EXPECT_EQ(some->at("total"), 250);
    ASSERT_EQ(some->at("rows").size(), 5U);
    EXPECT_EQ(some->at("rows")[4][0][0], "Person 249");
    EXPECT_EQ(some->at("columns"), (Json{"Name", "Number"}));

    const auto found = (*shelf)->table({.kind = "contacts", .offset = 1, .limit = 2, .text = "pERSON 24"});
    ASSERT_TRUE(is_ok(found));
    EXPECT_EQ(found->at("total"), 11) << "24 and 240 to 249";
    ASSERT_EQ(found->at("rows").size(), 2U);
    EXPECT_EQ(found->at("rows")[0][0][0], "Person 240");

    EXPECT_EQ((*shelf)->table({.kind = "contacts", .offset = 4'000'000'000, .limit = 2, .text = {}})->at("rows").size(),
              0U);
    EXPECT_TRUE(fails_with((*shelf)->table({.kind = "calls", .limit = 10, .text = {}}), ErrorCode::not_found));
    const auto overview = (*shelf)->overview();
    EXPECT_EQ(overview.at("state"), "looking");
    EXPECT_TRUE(overview.at("kinds")[0].at("has_table") && !overview.at("kinds")[1].at("has_table"));
}

TEST(ItemShelf, LinksThePartsOfAConversationWhicheverComesFirst)
{
    const TemporaryFolder folder;
    const auto shelf = *ItemShelf::create(folder.path());
    const auto sink = shelf->sink();
    ASSERT_TRUE(is_ok(sink->page(part_of(1, 3))));
    EXPECT_TRUE(fails_with(shelf->conversation(1), ErrorCode::not_found)) << "it is only promised";
    ASSERT_TRUE(is_ok(sink->page(part_of(2, 3))));
    ASSERT_TRUE(is_ok(sink->page(part_of(3, 3))));
    auto overview = table_of(1);
    overview.path = "messages/messages.html";
    overview.rows[0][0].link = "messages/conversations/1-1.html";
    overview.rows[0][1].link = "nothing/there.html";
    ASSERT_TRUE(is_ok(sink->page(overview)));
    shelf->add_kind(kind_of("messages", overview.path, 3));

    const auto table = shelf->table({.kind = "messages", .limit = 1, .text = {}});
    ASSERT_TRUE(is_ok(table));
    EXPECT_TRUE(table->at("rows")[0][1][1].is_null());
    std::vector<std::string> texts;
    for (auto next = table->at("rows")[0][0][1]; !next.is_null();) {
        const auto part = Json::parse(*shelf->conversation(next.get<std::uint64_t>()));
        texts.push_back(part.at("messages")[0].at("text"));
        next = part.at("next");
    }
    EXPECT_EQ(texts, (std::vector<std::string>{"part 1", "part 2", "part 3"}));
    const auto said = shelf->said("PART", 2);
    ASSERT_TRUE(is_ok(said));
    EXPECT_EQ(said->at("total"), 3);
    ASSERT_EQ(said->at("messages").size(), 2U);
    EXPECT_EQ(said->at("messages")[1].at("conversation"), 1);
    EXPECT_EQ(shelf->said("title", 2)->at("total"), 0) << "only what was said counts";
}

TEST(ItemShelf, NamesFilesOfThePhoneAndKeepsPicturesOfRows)
{
    const TemporaryFolder folder;
    const auto shelf = *ItemShelf::create(folder.path());
    const auto sink = shelf->sink();
    const auto picture = io::make_memory(Bytes(100, std::byte{0x5A}), "photo");
    const auto file = sink->store(*picture, "attachments", "../sea.jpg", {}, {.file = "/data/parts/PART_1 ü"});
    const auto again = sink->store(*picture, "attachments", "../sea.jpg", {}, {.file = "/data/parts/PART_2"});
    const auto portrait =
        sink->store(*picture, "photos", "Ada.jpg", {}, {.file = "/contacts2.db", .table = "data", .row = 4});
    ASSERT_TRUE(is_ok(file) && is_ok(again) && is_ok(portrait));
    auto part = part_of(1, 1);
    part.bubbles[0].attachments = {{.name = "sea.jpg", .path = file->path},
                                   {.name = "two.jpg", .path = again->path},
                                   {.name = "lost.jpg", .path = {}, .problem = "gone"}};
    ASSERT_TRUE(is_ok(sink->page(part)));
    const auto attachments = Json::parse(*shelf->conversation(0)).at("messages")[0].at("attachments");
    EXPECT_EQ(attachments[0].at("key"), "/data/parts/PART_1%20%C3%BC");
    EXPECT_EQ(attachments[1].at("key"), "/data/parts/PART_2");
    EXPECT_TRUE(attachments[2].at("key").is_null() && attachments[2].at("problem") == "gone");

    auto people = table_of(1);
    people.rows[0][0].picture = portrait->path;
    ASSERT_TRUE(is_ok(sink->page(people)));
    shelf->add_kind(kind_of("contacts", people.path, 1));
    const auto number = shelf->table({.kind = "contacts", .limit = 1, .text = {}})->at("rows")[0][0][2];
    ASSERT_TRUE(number.is_number());
    EXPECT_EQ(*shelf->picture(number.get<std::uint64_t>()), std::string(100, '\x5A'));
    EXPECT_TRUE(fails_with(shelf->picture(number.get<std::uint64_t>() + 1), ErrorCode::not_found));

    // Nobody's portrait has 5 MiB: it is not kept, and the rest goes on.
    const auto large = io::make_memory(Bytes(5U << 20U), "photo");
    const auto unkept =
        sink->store(*large, "photos", "Eve.jpg", {}, {.file = "/contacts2.db", .table = "data", .row = 5});
    ASSERT_TRUE(is_ok(unkept));
    people.rows[0][0].picture = unkept->path;
    ASSERT_TRUE(is_ok(sink->page(people)));
    EXPECT_TRUE(shelf->table({.kind = "contacts", .limit = 1, .text = {}})->at("rows")[0][0][2].is_null());
}

TEST(ItemShelf, KeepsBytesThatAreNoTextWithinJson)
{
    const TemporaryFolder folder;
    const auto shelf = *ItemShelf::create(folder.path());
    auto page = table_of(1);
    page.rows[0][0].text = std::string{"\"\xFF\0]}</script>\n", 15};
    ASSERT_TRUE(is_ok(shelf->sink()->page(page)));
    shelf->add_kind(kind_of("contacts", page.path, 1));
    const auto table = shelf->table({.kind = "contacts", .limit = 1, .text = "</SCRIPT>"});
    ASSERT_TRUE(is_ok(table));
    ASSERT_EQ(table->at("rows").size(), 1U);
    EXPECT_TRUE(table->at("rows")[0][0][0].get<std::string>().ends_with("]}</script>\n"));
}

TEST(ItemShelf, IsReadWhileItIsFilled)
{
    const TemporaryFolder folder;
    const auto shelf = *ItemShelf::create(folder.path());
    std::atomic<bool> is_ended{false};
    std::thread reader{[&] {
        while (!is_ended) {
            static_cast<void>(shelf->overview());
            static_cast<void>(shelf->table({.kind = "contacts", .offset = 10, .limit = 50, .text = "7"}));
            static_cast<void>(shelf->conversation(3));
        }
    }};
    const auto sink = shelf->sink();
    for (std::size_t i = 1; i <= 200; ++i) {
        EXPECT_TRUE(is_ok(sink->page(part_of(i, 200))));
        EXPECT_TRUE(is_ok(sink->page(table_of(i))));
        shelf->add_kind(kind_of("contacts", "contacts/contacts.html", i));
    }
    shelf->finish(Error{ErrorCode::io, "the dump is gone", {}, std::nullopt, {}, {}});
    is_ended = true;
    reader.join();
    EXPECT_EQ(shelf->overview().at("state"), "failed");
    EXPECT_EQ(shelf->table({.kind = "contacts", .limit = 1, .text = {}})->at("total"), 200);
}

} // namespace
} // namespace salvage::web
