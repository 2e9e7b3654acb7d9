// The page of a report, read by a parser that we did not write.
#include "salvage/render/html.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>
#include <pugixml.hpp>

#include "salvage/io/sources.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "support/partitions.hpp"

namespace salvage::render {
namespace {

using test::partition_at;

const PageRun some_run{.written = std::chrono::seconds{1'700'000'000}, .version = {}};

rescue::FoundFooter some_footer()
{
    rescue::FoundFooter out;
    const auto source = io::open_any(test::sample("fde/article.hexdump.txt"));
    EXPECT_TRUE(test::is_ok(source));
    out.raw = io::read_up_to(**source, ByteOffset{0}, fde::footer_area).value_or(Bytes{});
    auto parsed = fde::parse_footer(out.raw);
    EXPECT_TRUE(test::is_ok(parsed));
    out.footer = std::move(*parsed);
    out.offset = ByteOffset{0x1000};
    out.place = "metadata+0x0";
    out.found_by = "known place";
    return out;
}

/// A dump of 4 blocks and three partitions, `name` wherever a dump can put a text of its own.
rescue::RescueReport some_report(const std::string& name)
{
    rescue::RescueReport out;
    auto& inspect = out.inspect;
    inspect.source = {.path = name, .container = "raw", .size = ByteCount{4096}, .sha256 = std::string(64, 'a')};
    inspect.layout.partitions = {partition_at("boot", 0, 1024), partition_at(name, 1024, 512),
                                 partition_at("userdata", 1536, 2560)};
    inspect.partitions = {{.filesystem = name, .looks = "mixed", .entropy = 5},
                          {.filesystem = {}, .looks = "empty", .entropy = 0},
                          {.filesystem = {}, .looks = "looks encrypted", .entropy = 7.99}};
    auto& table = inspect.layout.tables.emplace_back();
    table.kind = table.dialect = table.path = name;
    inspect.completeness = {.is_complete = true, .expected = {}, .present = {}, .unreadable = {}, .text = name};
    inspect.scan.range = ByteRange::first(ByteCount{4096});
    inspect.scan.block = ByteCount{1024};
    inspect.scan.blocks = {{.entropy = 5}, {.entropy = 0, .is_zero = true}, {.entropy = 7.99F}, {.entropy = 7.99F}};
    inspect.scan.extents = {{.range = inspect.scan.range, .kind = io::ExtentKind::data}};
    inspect.outcome.verdict = {.code = rescue::VerdictCode::needs_secret,
                               .headline = {},
                               .text = name,
                               .proof = {name},
                               .next = name,
                               .cost = {{.attack = name, .candidates = 10'000, .seconds = 60}}};
    inspect.outcome.footers.footers.push_back(some_footer());
    inspect.outcome.footers.footers.front().persist.push_back({.key = name, .value = name});
    inspect.outcome.footers.decoys.push_back({.offset = ByteOffset{7}, .partition = name, .reason = name});
    inspect.outcome.footers.searched = {name};
    auto finding = make_finding("copies-differ", Severity::warning, name);
    finding.where = {.source = name, .offset = ByteOffset{1}, .partition = name};
    finding.words = {{name, name}, {"taken", name}};
    inspect.findings = {finding, make_finding(name, Severity::note, name)};
    out.split.emplace();
    out.split->parts.push_back({.name = name, .file = name, .range = {}, .sha256 = name, .lost = {}, .is_cut = false});
    out.split->not_written = {name};
    out.exported.emplace();
    out.exported->failed.push_back({.path = name, .reason = name, .lost = ByteCount{512}, .is_partial = true});
    out.searched = {name};
    out.case_folder = out.parts_path = out.files_path = out.secret_file = name;
    out.log = {.records = 3, .sha256 = std::string(64, 'b')};
    return out;
}

/// Walks the page's elements: only those a report needs, and no attribute that loads or runs anything.
class Harmless final : public pugi::xml_tree_walker {
public:
    bool for_each(pugi::xml_node& node) override
    {
        static const std::set<std::string> known{
            "html", "head",   "meta",  "title", "style",   "body", "svg",    "defs", "pattern", "rect",      "path",
            "g",    "circle", "text",  "desc",  "header",  "main", "footer", "nav",  "section", "h1",        "h2",
            "h3",   "p",      "ul",    "ol",    "li",      "a",    "b",      "bdi",  "code",    "div",       "span",
            "br",   "table",  "thead", "tbody", "caption", "tr",   "th",     "td",   "figure",  "figcaption"};
        if (node.type() == pugi::node_element) {
            EXPECT_TRUE(known.contains(node.name())) << node.name();
        }
        for (const auto& attribute : node.attributes()) {
            const std::string name{attribute.name()};
            EXPECT_FALSE(name.starts_with("on") || name == "src" || name == "action" || name == "xlink:href") << name;
            EXPECT_TRUE(name != "href" || std::string_view{attribute.value()}.starts_with("#")) << attribute.value();
            if (name == "id") {
                EXPECT_TRUE(ids.insert(attribute.value()).second) << attribute.value() << " is there twice";
            }
            if (name == "href") {
                wanted.insert(std::string{attribute.value()}.substr(1));
            }
        }
        return true;
    }

    std::set<std::string> ids;
    std::set<std::string> wanted;
};

std::string without(std::string page, std::string_view id)
{
    const auto start = page.find("<section id=\"" + std::string{id} + "\"");
    EXPECT_NE(start, std::string::npos);
    return page.erase(start, page.find("</section>", start) - start);
}

void expect_harmless(const std::string& name)
{
    const auto page = html(some_report(name), some_run);
    pugi::xml_document document;
    const auto parsed = document.load_string(page.c_str(), pugi::parse_full);
    ASSERT_TRUE(parsed) << parsed.description() << ": " << page.substr(static_cast<std::size_t>(parsed.offset), 200);
    Harmless harmless;
    document.traverse(harmless);
    for (const auto& id : harmless.wanted) {
        EXPECT_TRUE(harmless.ids.contains(id)) << "a link leads to " << id;
    }
    EXPECT_LT(page.size(), 200'000U);
    EXPECT_EQ(document.child("html").attribute("lang").value(), std::string{"en"});
}

TEST(HtmlReportPage, IsWellFormedAndHarmlessWhateverTheNames)
{
    constexpr std::size_t megabyte = 1U << 20U;
    for (const auto& name :
         {std::string{"plain"}, std::string{}, std::string{"<script>alert(1)</script>"},
          std::string{"\"/><img src=x onerror=alert(1)>"}, std::string{"]]></style></svg></main>--><!--"},
          std::string{"\u202egnp.\u2066exe"}, std::string{"\x01\x02\x1b[2J\xff\xc3"},
          std::string{"https://example.org/?a=1&b=2"}, std::string(megabyte, '<'), std::string(megabyte, '\xcc')}) {
        SCOPED_TRACE(name.substr(0, 40));
        expect_harmless(name);
    }
}

TEST(HtmlReportPage, SaysTheSameTwiceButForThisRun)
{
    auto report = some_report("phone.img");
    const auto first = html(report, some_run);
    EXPECT_EQ(first, html(report, some_run));
    report.log.sha256 = std::string(64, 'c');
    report.searched = {"something else"};
    report.inspect.outcome.verdict.cost.front().seconds = 61 * 60;
    const auto second = html(report, {.written = std::chrono::seconds{1'800'000'000}, .version = "9"});
    EXPECT_NE(first, second);
    EXPECT_EQ(without(first, "this-run"), without(second, "this-run"));
}

TEST(HtmlReportPage, LoadsAndRunsNothing)
{
    const auto page = html(some_report("phone.img"), some_run);
    for (const auto* const word : {"<script", "http:", "https:", "src=", "url(h", "@import", "javascript"}) {
        EXPECT_EQ(page.find(word), std::string::npos) << word;
    }
    EXPECT_NE(page.find("default-src 'none'; style-src 'unsafe-inline'"), std::string::npos);
}

TEST(HtmlReportPage, NamesEveryPartitionAndEveryField)
{
    const auto page = html(some_report("vendor"), some_run);
    for (const auto* const name : {"boot", "vendor", "userdata"}) {
        EXPECT_NE(page.find("<b><bdi>" + std::string{name} + "</bdi></b>"), std::string::npos) << name << ": no tile";
        EXPECT_NE(page.find("<title>" + std::string{name} + ": "), std::string::npos) << name << ": not drawn";
    }
    const auto fields = fde::describe_footer(some_footer().raw);
    ASSERT_TRUE(test::is_ok(fields));
    ASSERT_FALSE(fields->empty());
    for (const auto& field : *fields) {
        EXPECT_NE(page.find("<code>" + field.name + "</code>"), std::string::npos) << field.name;
    }
    EXPECT_NE(page.find("c5 b1 b5 d0"), std::string::npos) << "the footer's bytes";
}

TEST(HtmlReportPage, SaysWhatIsNotKnown)
{
    auto report = some_report("phone.img");
    report.inspect.source.sha256.reset();
    report.inspect.scan.unreadable_bytes = ByteCount{512};
    report.inspect.layout.partitions.front().region = "boot1";
    report.exported.reset();
    const auto page = html(report, some_run);
    for (const auto* const words :
         {"512 bytes could not be read", "no SHA-256, because", "in another region of the chip", "No file was exported",
          "Whether the dump is whole cannot be known"}) {
        EXPECT_NE(page.find(words), std::string::npos) << words;
    }
}

TEST(HtmlReportPage, IsBoundedWhateverTheDumpHolds)
{
    const std::string name(5000, '\'');
    auto report = some_report(name);
    constexpr std::size_t many = 5000;
    report.inspect.layout.partitions.assign(many, partition_at(name, 1024, 1));
    report.inspect.partitions.assign(many, {.filesystem = name, .looks = name, .entropy = 1});
    report.inspect.findings.assign(many, report.inspect.findings.front());
    report.exported->failed.assign(many, report.exported->failed.front());
    report.split->parts.assign(many, report.split->parts.front());
    report.inspect.outcome.verdict.proof.assign(many, name);
    report.inspect.outcome.footers.footers.assign(many, some_footer());
    report.inspect.outcome.footers.decoys.assign(many, report.inspect.outcome.footers.decoys.front());
    EXPECT_LT(html(report, some_run).size(), 32U << 20U);
}

TEST(HtmlReportPage, OfAnInspectionTakesNothingOut)
{
    const auto page = html(some_report("phone.img").inspect, some_run);
    EXPECT_EQ(page.find("id=\"taken-out\""), std::string::npos);
    EXPECT_NE(page.find("No file was read: inspecting looks at the dump, and takes nothing out."), std::string::npos);
}

TEST(HtmlReportPage, OfABareImageHasNoTableAndSaysSo)
{
    auto report = some_report("userdata.img").inspect;
    report.layout = {};
    report.partitions.clear();
    report.outcome.footers = {};
    const auto page = html(report, some_run);
    EXPECT_NE(page.find("No partition table was found"), std::string::npos);
    EXPECT_NE(page.find("No crypto footer was found."), std::string::npos);
    EXPECT_EQ(page.find("id=\"partitions\""), std::string::npos);
}

} // namespace
} // namespace salvage::render
