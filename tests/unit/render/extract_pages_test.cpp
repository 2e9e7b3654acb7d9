#include "salvage/render/extract.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

namespace salvage::render {
namespace {

const std::string hostile{"</script><script>alert(1)</script>\"' onerror=x \xE2\x80\xAE \xFF\n<img src=x>&"};

/// No element of a page is one that a text has made.
void expect_harmless(const std::string& html, std::size_t scripts)
{
    pugi::xml_document document;
    const auto head = html.find('\n'); // the doctype is no XML
    ASSERT_TRUE(document.load_buffer(html.data() + head, html.size() - head, pugi::parse_full)) << html.substr(0, 2000);
    EXPECT_EQ(document.select_nodes("//script").size(), scripts);
    EXPECT_TRUE(document.select_nodes("//img[@onerror]").empty());
    EXPECT_TRUE(document.select_nodes("//*[starts-with(@href,'javascript') or starts-with(@href,'http')]").empty());
    for (const auto& node : document.select_nodes("//*[@src]")) {
        EXPECT_EQ(std::string{node.node().attribute("src").value()}.find(':'), std::string::npos);
    }
}

TEST(ExtractPages, TablesOfHostileTexts)
{
    const auto pages = make_extract_pages();
    artifact::TablePage page{.path = "contacts/contacts.html",
                             .title = hostile,
                             .columns = {"Name", hostile},
                             .rows = {},
                             .notes = {hostile}};
    page.rows.push_back(
        {{.text = hostile, .link = "javascript:alert(1)", .picture = "a/\"><b>.jpg"}, {.text = hostile}});
    const auto drawn = pages->draw(page);
    ASSERT_EQ(drawn.size(), 1U);
    EXPECT_EQ(drawn[0].path, "contacts/contacts.html");
    expect_harmless(drawn[0].html, 0);
    EXPECT_NE(drawn[0].html.find("href=\"../javascript%3Aalert%281%29\""), std::string::npos);
}

TEST(ExtractPages, LongTablesAreCutIntoPagesThatKnowEachOther)
{
    const auto pages = make_extract_pages();
    artifact::TablePage page{
        .path = "calls/calls.html", .title = "Calls", .columns = {"Name"}, .rows = {}, .notes = {}};
    page.rows.assign(2001, {{.text = "x"}});
    const auto drawn = pages->draw(page);
    ASSERT_EQ(drawn.size(), 3U);
    EXPECT_EQ(drawn[2].path, "calls/calls-3.html");
    EXPECT_NE(drawn[1].html.find("href=\"../calls/calls.html\""), std::string::npos);
    EXPECT_NE(drawn[1].html.find("href=\"../calls/calls-3.html\""), std::string::npos);
}

TEST(ExtractPages, ConversationsAndGalleriesOfHostileTexts)
{
    const auto pages = make_extract_pages();
    artifact::ConversationPage talk{.path = "messages/conversations/00001-1.html",
                                    .title = hostile,
                                    .people = hostile,
                                    .number = 1,
                                    .count = 2,
                                    .bubbles = {}};
    talk.next = "messages/conversations/00001-2.html";
    talk.bubbles.push_back({.from = hostile,
                            .is_own = false,
                            .time = "2017-08-12 17:00:00 UTC",
                            .text = hostile + "second line",
                            .note = hostile,
                            .attachments = {{.name = hostile,
                                             .path = "messages/attachments/" + hostile,
                                             .kind = artifact::MediaKind::image,
                                             .problem = hostile}},
                            .origin = hostile});
    const auto drawn = pages->draw(talk);
    expect_harmless(drawn.html, 0);
    EXPECT_NE(drawn.html.find("../../messages/attachments/%3C/script%3E"), std::string::npos);
    EXPECT_NE(drawn.html.find("\n&lt;img src=x&gt;"), std::string::npos) << "lines stay lines";
    EXPECT_NE(drawn.html.find("<img loading"), std::string::npos);

    artifact::GalleryPage day{.path = "photos/days/2017-06-01.html", .title = hostile};
    day.tiles.push_back({.path = "photos/" + hostile,
                         .name = hostile,
                         .detail = hostile,
                         .kind = artifact::MediaKind::video,
                         .width = 0U,
                         .height = 0U,
                         .problem = hostile});
    expect_harmless(pages->draw(day).html, 0);
}

TEST(ExtractPages, TheFirstPageHasOneScriptThatItsPolicyNames)
{
    const auto pages = make_extract_pages();
    rescue::ExtractReport report;
    report.source = hostile;
    report.kinds.push_back({.name = "contacts",
                            .title = "Contacts",
                            .items = 1,
                            .damaged = 1,
                            .page = "contacts/contacts.html",
                            .outputs = {"contacts/contacts.vcf"}});
    report.kinds[0].notes = {hostile};
    report.kinds[0].problems = {hostile};
    report.kinds[0].databases.push_back({.file = hostile,
                                         .schema = 1,
                                         .read = {hostile},
                                         .unread = {hostile},
                                         .missing = {},
                                         .damaged_rows = 0,
                                         .problems = {hostile}});
    const auto drawn =
        pages->draw_front(report, {{.title = hostile, .detail = hostile, .path = "contacts/contacts.html"}});
    EXPECT_EQ(drawn.path, "index.html");
    EXPECT_NE(drawn.html.find("script-src 'sha256-"), std::string::npos);
    const auto island_at = drawn.html.find("id=\"entries\">");
    ASSERT_NE(island_at, std::string::npos);
    const auto start = island_at + 13;
    const auto island = drawn.html.substr(start, drawn.html.find("</script>", start) - start);
    const auto entries = nlohmann::json::parse(island);
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(entries[0][0].get<std::string>().substr(0, 17), "</script><script>");
    EXPECT_EQ(island.find('<'), std::string::npos);
    // Two script elements, ours; what a text says makes none.
    std::size_t count = 0;
    for (auto at = drawn.html.find("<script"); at != std::string::npos; at = drawn.html.find("<script", at + 1)) {
        ++count;
    }
    EXPECT_EQ(count, 2U);
}

TEST(ExtractReport, IsTextAndJson)
{
    rescue::ExtractReport report;
    report.kinds.push_back({.name = "calls", .title = "Calls", .items = 1234});
    report.files = 7;
    const auto document = nlohmann::json::parse(json(report));
    EXPECT_EQ(document["schema"], "salvage.extract/1");
    EXPECT_EQ(document["kinds"][0]["items"], 1234);
    EXPECT_TRUE(document["kinds"][0]["page"].is_null());
    EXPECT_NE(text(report, {}).find("1,234"), std::string::npos);
}

TEST(ExtractPages, SayWhatToDoWhereNothingWasFound)
{
    rescue::ExtractReport report;
    report.kinds.push_back({.name = "contacts", .title = "Contacts"});
    const std::string advice{"\"salvage ls\" shows what is here"};
    const auto front = [&] { return make_extract_pages()->draw_front(report, {}).html; };
    EXPECT_NE(text(report, TextStyle{}).find(advice), std::string::npos);
    EXPECT_NE(front().find(advice), std::string::npos);
    report.kinds[0].items = 1;
    EXPECT_EQ(text(report, TextStyle{}).find(advice), std::string::npos);
    EXPECT_EQ(front().find(advice), std::string::npos);
}

} // namespace
} // namespace salvage::render
