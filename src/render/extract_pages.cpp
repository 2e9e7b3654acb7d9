// The pages of an extraction.  Texts of a phone become text, never markup: each passes through `prose` or `escaped`;
// paths become links by `href`, which leaves only letters, digits and a few marks.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "render/colours.hpp"
#include "render/extract_style.hpp"
#include "render/html_parts.hpp"
#include "render/json_parts.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/render/extract.hpp"

namespace salvage::render {
namespace {

using artifact::MediaKind;
using rescue::DrawnPage;

constexpr std::size_t rows_a_page = 1000;
// A message that is longer is cut in its page; the JSON has all of it.
constexpr std::size_t longest_prose = 64U << 10U;

/// Text as content of an element: lines stay lines, all else is as `printable` shows it.
std::string prose(std::string_view text)
{
    const bool is_cut = text.size() > longest_prose;
    std::string out;
    for (auto rest = text.substr(0, longest_prose); !rest.empty();) {
        const auto end = std::min(rest.find('\n'), rest.size());
        for (const auto letter : printable(rest.substr(0, end))) {
            switch (letter) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += letter;
            }
        }
        out += end < rest.size() ? "\n" : "";
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return is_cut ? out + fmt::format("… ({} bytes in all)", format_count(text.size())) : out;
}

std::string href(std::string_view path)
{
    std::string out;
    for (const auto letter : path) {
        const bool is_plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                              (letter >= '0' && letter <= '9') || std::string_view{"/-_.~"}.contains(letter);
        out += is_plain ? std::string{letter} : fmt::format("%{:02X}", static_cast<unsigned char>(letter));
    }
    return out;
}

/// The way from a page back to the folder: "../../".
std::string way_up(std::string_view path)
{
    std::string out;
    for (auto depth = std::ranges::count(path, '/'); depth > 0; --depth) {
        out += "../";
    }
    return out;
}

std::string head(std::string_view title, std::string_view script_source)
{
    return fmt::format("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src 'self' "
                       "file:; media-src 'self' file:; "
                       "style-src 'unsafe-inline'; script-src {}; form-action 'none'; base-uri 'none'\"/>"
                       "<meta name=\"referrer\" content=\"no-referrer\"/><meta name=\"viewport\" "
                       "content=\"width=device-width, initial-scale=1\"/>"
                       "<title>{}</title><style>{}{}</style></head>\n<body>\n",
                       script_source, escaped(title), colour_tokens(), extract_style());
}

std::string page_of(std::string_view path, std::string_view title, const std::string& nav, const std::string& content)
{
    return head(title, "'none'") +
           fmt::format("<header><nav><a href=\"{}index.html\">Everything</a>{}</nav></header>\n<main>\n<h1 "
                       "dir=\"auto\">{}</h1>\n{}</main>\n</body></html>\n",
                       way_up(path), nav, escaped(title), content);
}

std::string turn_links(std::string_view path, const std::string& previous, const std::string& next)
{
    std::string out;
    for (const auto& [target, word] : {std::pair{&previous, "Earlier"}, std::pair{&next, "Later"}}) {
        out +=
            target->empty() ? std::string{} : fmt::format("<a href=\"{}{}\">{}</a>", way_up(path), href(*target), word);
    }
    return out;
}

std::string media_html(const std::string& up, const std::string& path, MediaKind kind, const std::string& name)
{
    const auto target = up + href(path);
    switch (kind) {
    case MediaKind::image:
        return fmt::format(R"(<a href="{0}"><img loading="lazy" src="{0}" alt="{1}"/></a>)", target, escaped(name));
    case MediaKind::video:
        return fmt::format(R"(<video controls="controls" preload="none" src="{}" title="{}"></video>)", target,
                           escaped(name));
    case MediaKind::audio:
        return fmt::format(R"(<audio controls="controls" preload="none" src="{}" title="{}"></audio>)", target,
                           escaped(name));
    default: return fmt::format("<a href=\"{}\">{}</a>", target, name_html(name));
    }
}

std::string notes_html(const std::vector<std::string>& notes)
{
    std::string out;
    for (const auto& note : notes) {
        out += "<p class=\"faint\">" + escaped(note) + "</p>\n";
    }
    return out;
}

std::string numbered(const std::string& path, std::size_t number)
{
    const auto dot = path.rfind('.');
    return number == 0 ? path : fmt::format("{}-{}{}", path.substr(0, dot), number + 1, path.substr(dot));
}

std::string cell_html(const artifact::Cell& cell, const std::string& up)
{
    const std::string out = cell.picture.empty()
                                ? std::string{}
                                : fmt::format(R"(<img loading="lazy" src="{}{}" alt=""/>)", up, href(cell.picture));
    const auto text = R"(<span class="pre" dir="auto">)" + prose(cell.text) + "</span>";
    return out + (cell.link.empty()
                      ? text
                      : fmt::format("<a href=\"{}{}\">{}</a>", up, href(cell.link), cell.text.empty() ? "open" : text));
}

std::string table_html(const artifact::TablePage& page, std::span<const std::vector<artifact::Cell>> rows)
{
    std::string out = "<table><thead><tr>";
    for (const auto& column : page.columns) {
        out += "<th scope=\"col\">" + escaped(column) + "</th>";
    }
    out += "</tr></thead><tbody>\n";
    for (const auto& row : rows) {
        out += "<tr>";
        for (std::size_t i = 0; i < std::min(row.size(), page.columns.size()); ++i) {
            const auto* const element = i == 0 ? "th" : "td";
            out += fmt::format("<{0}{1} data-label=\"{2}\">{3}</{0}>", element, i == 0 ? " scope=\"row\"" : "",
                               escaped(page.columns[i]), cell_html(row[i], way_up(page.path)));
        }
        out += "</tr>\n";
    }
    return out + "</tbody></table>\n";
}

std::string bubble_html(const artifact::Bubble& bubble, const std::string& up)
{
    std::string out = bubble.is_own ? "<li class=\"own\">" : "<li>";
    out += bubble.from.empty() ? std::string{} : fmt::format("<p class=\"who\">{}</p>", name_html(bubble.from));
    out += bubble.text.empty() ? std::string{}
                               : fmt::format(R"(<div class="pre" dir="auto">{}</div>)", prose(bubble.text));
    for (const auto& attachment : bubble.attachments) {
        out += attachment.path.empty() ? fmt::format("<p>{}</p>", name_html(attachment.name))
                                       : media_html(up, attachment.path, attachment.kind, attachment.name);
        out +=
            attachment.problem.empty() ? std::string{} : "<p class=\"problem\">" + escaped(attachment.problem) + "</p>";
    }
    out += bubble.note.empty() ? std::string{} : "<p class=\"faint\">" + escaped(bubble.note) + "</p>";
    return out + fmt::format("<details><summary>{}</summary><span class=\"faint\">{}</span></details></li>\n",
                             bubble.time.empty() ? "time not known" : escaped(bubble.time), escaped(bubble.origin));
}

std::string tile_html(const artifact::Tile& tile, const std::string& up)
{
    constexpr double height = 160.0;
    const double width = tile.width && tile.height && *tile.height > 0
                             ? std::clamp(height * *tile.width / *tile.height, 80.0, 480.0)
                             : 213.0;
    return fmt::format("<li{} style=\"flex:{:.0f} 1 {:.0f}px\">{}<p class=\"faint\">{}<br/>{}</p>{}</li>\n",
                       tile.problem.empty() ? "" : " class=\"broken\"", width, width,
                       media_html(up, tile.path, tile.kind, tile.name), name_html(tile.name), escaped(tile.detail),
                       tile.problem.empty() ? std::string{} : "<p class=\"problem\">" + escaped(tile.problem) + "</p>");
}

/// A list of texts in a page: JSON in which nothing can end the element that it stands in.
std::string island(const std::vector<artifact::IndexEntry>& entries)
{
    auto list = Json::array();
    for (const auto& entry : entries) {
        list.push_back({entry.title, entry.detail, href(entry.path)});
    }
    std::string out;
    for (const auto letter : list.dump(-1, ' ', false, Json::error_handler_t::replace)) {
        switch (letter) {
        case '<': out += "\\u003c"; break;
        case '>': out += "\\u003e"; break;
        case '&': out += "\\u0026"; break;
        default: out += letter;
        }
    }
    return out;
}

std::string card_html(const artifact::KindReport& kind)
{
    const auto title = kind.page.empty() ? escaped(kind.title)
                                         : fmt::format("<a href=\"{}\">{}</a>", href(kind.page), escaped(kind.title));
    std::string out = fmt::format("<li>{}<b>{}</b>", title, kind.items == 0 ? "none" : format_count(kind.items));
    if (kind.damaged > 0) {
        out += fmt::format("<p class=\"problem\">{} of them not whole</p>", format_count(kind.damaged));
    }
    out += notes_html(kind.notes);
    for (const auto& output : kind.outputs) {
        out += fmt::format(R"(<p class="faint"><a href="{}">{}</a></p>)", href(output), escaped(output));
    }
    for (const auto& problem : kind.problems) {
        out += "<p class=\"problem\">" + escaped(problem) + "</p>";
    }
    return out + "</li>\n";
}

/// Which databases everything came from, and what was not understood of them.
std::string sources_html(const rescue::ExtractReport& report)
{
    HtmlTable table{"Databases that were read",
                    {{.title = "File"},
                     {.title = "Schema"},
                     {.title = "Tables read"},
                     {.title = "Tables not read"},
                     {.title = "Columns that are not there"},
                     {.title = "Damage"}}};
    const auto joined = [](const std::vector<std::string>& names) {
        std::string out;
        for (const auto& name : names) {
            out += (out.empty() ? "" : ", ") + escaped(name);
        }
        return out;
    };
    for (const auto& kind : report.kinds) {
        for (const auto& database : kind.databases) {
            const auto damage = database.damaged_rows > 0
                                    ? fmt::format("{} rows could not be read. ", database.damaged_rows)
                                    : std::string{};
            table.add_row({code_html(database.file), std::to_string(database.schema), joined(database.read),
                           joined(database.unread), joined(database.missing), damage + joined(database.problems)});
        }
    }
    return section("sources", "Where it comes from", table.html());
}

class Pages final : public rescue::ExtractPages {
public:
    Pages() : script_source_{"'sha256-" + to_base64(crypto::sha256(as_bytes(extract_script()))) + "'"} {}

    [[nodiscard]] std::vector<DrawnPage> draw(const artifact::TablePage& page) const override
    {
        std::vector<DrawnPage> out;
        const auto count = std::max<std::size_t>(1, (page.rows.size() + rows_a_page - 1) / rows_a_page);
        out.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            const auto first = i * rows_a_page;
            const auto rows = std::span{page.rows}.subspan(first, std::min(rows_a_page, page.rows.size() - first));
            const auto nav = turn_links(page.path, i == 0 ? std::string{} : numbered(page.path, i - 1),
                                        i + 1 == count ? std::string{} : numbered(page.path, i + 1));
            const auto where =
                count == 1 ? std::string{} : fmt::format("<p class=\"faint\">Page {} of {}</p>\n", i + 1, count);
            out.push_back(
                {.path = numbered(page.path, i),
                 .html = page_of(page.path, page.title, nav, notes_html(page.notes) + where + table_html(page, rows))});
        }
        return out;
    }

    [[nodiscard]] DrawnPage draw(const artifact::ConversationPage& page) const override
    {
        const auto up = way_up(page.path);
        std::string content = R"(<p class="faint" dir="auto">)" + escaped(page.people) + "</p>\n";
        if (page.count > 1) {
            content += fmt::format("<p class=\"faint\">Page {} of {}</p>\n", page.number, page.count);
        }
        content += "<ol class=\"talk\">\n";
        for (const auto& bubble : page.bubbles) {
            content += bubble_html(bubble, up);
        }
        const auto nav = turn_links(page.path, page.previous, page.next);
        return {.path = page.path,
                .html = page_of(page.path, page.title, nav, content + "</ol>\n<nav>" + nav + "</nav>\n")};
    }

    [[nodiscard]] DrawnPage draw(const artifact::GalleryPage& page) const override
    {
        const auto up = way_up(page.path);
        std::string content = "<ul class=\"tiles\">\n";
        for (const auto& tile : page.tiles) {
            content += tile_html(tile, up);
        }
        const auto nav = turn_links(page.path, page.previous, page.next);
        return {.path = page.path,
                .html = page_of(page.path, page.title, nav,
                                content + "<li class=\"end\"></li></ul>\n<nav>" + nav + "</nav>\n")};
    }

    [[nodiscard]] DrawnPage draw_front(const rescue::ExtractReport& report,
                                       const std::vector<artifact::IndexEntry>& entries) const override
    {
        std::string content = "<h1>What was on the phone</h1>\n";
        content += "<div id=\"search\" hidden=\"hidden\"><label for=\"q\">Search names, numbers, conversations, "
                   "days</label><br/>"
                   "<input type=\"search\" id=\"q\" autocomplete=\"off\"/><p class=\"faint\" id=\"count\" "
                   "role=\"status\"></p><ul class=\"hits\" id=\"hits\"></ul></div>\n";
        if (report.unlisted > 0) {
            content +=
                fmt::format("<p class=\"faint\">The search has no room for {} more: their own pages have them.</p>\n",
                            format_count(report.unlisted));
        }
        content += report.is_empty() ? fmt::format("<p>{}</p>\n", nothing_found) : std::string{};
        content += "<ul class=\"cards\">\n";
        for (const auto& kind : report.kinds) {
            content += card_html(kind);
        }
        content += "</ul>\n" + sources_html(report);
        content += fmt::format("<footer><p>From {}. All times are UTC unless a page says otherwise. <a "
                               "href=\"manifest.jsonl\">manifest.jsonl</a> has every file with its place on the phone, "
                               "<a href=\"SHA256SUMS\">SHA256SUMS</a> its hash, <a "
                               "href=\"extract.json\">extract.json</a> this page for programs.</p></footer>\n",
                               code_html(report.source));
        const auto scripts =
            fmt::format("<script type=\"application/json\" id=\"entries\">{}</script>\n<script>{}</script>\n",
                        island(entries), extract_script());
        return {.path = "index.html",
                .html = head("What was on the phone", script_source_) + "<main>\n" + content + "</main>\n" + scripts +
                        "</body></html>\n"};
    }

    [[nodiscard]] std::string json(const rescue::ExtractReport& report) const override { return render::json(report); }

private:
    std::string script_source_;
};

} // namespace

std::unique_ptr<rescue::ExtractPages> make_extract_pages()
{
    return std::make_unique<Pages>();
}

} // namespace salvage::render
