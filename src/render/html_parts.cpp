// Pieces of a page, and what makes a hostile name harmless.
#include "render/html_parts.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::render {
namespace {

struct CodePoints {
    char32_t first;
    char32_t last;
};

// Unicode 15: what turns the direction (Bidi_Control), what cannot be seen (Default_Ignorable without the joiners that
// Persian and emoji need), line ends that are none in HTML, and what XML 1.0 forbids.
constexpr std::array unseen{
    CodePoints{0x00AD, 0x00AD}, CodePoints{0x034F, 0x034F}, CodePoints{0x061C, 0x061C}, CodePoints{0x115F, 0x1160},
    CodePoints{0x17B4, 0x17B5}, CodePoints{0x180B, 0x180F}, CodePoints{0x200B, 0x200B}, CodePoints{0x200E, 0x200F},
    CodePoints{0x2028, 0x202E}, CodePoints{0x2060, 0x206F}, CodePoints{0x3164, 0x3164}, CodePoints{0xFEFF, 0xFEFF},
    CodePoints{0xFFA0, 0xFFA0}, CodePoints{0xFFF0, 0xFFFB}, CodePoints{0xFFFE, 0xFFFF}, CodePoints{0xE0000, 0xE0FFF},
};
// Blocks of combining marks that stack without end.
constexpr std::array marks{
    CodePoints{0x0300, 0x036F}, CodePoints{0x0483, 0x0489}, CodePoints{0x1AB0, 0x1AFF},
    CodePoints{0x1DC0, 0x1DFF}, CodePoints{0x20D0, 0x20FF}, CodePoints{0xFE20, 0xFE2F},
};
constexpr std::size_t most_marks = 3; // on one letter; Vietnamese and transliterations have two

template <std::size_t Size>
bool is_in(const std::array<CodePoints, Size>& ranges, char32_t point) noexcept
{
    return std::ranges::any_of(ranges, [&](CodePoints range) { return point >= range.first && point <= range.last; });
}

bool is_continuation(char byte) noexcept
{
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// Takes the next code point off `text`, which is well-formed UTF-8 and not empty.
std::string_view take_sequence(std::string_view& text) noexcept
{
    std::size_t length = 1;
    while (length < text.size() && is_continuation(text[length])) {
        ++length;
    }
    const auto out = text.substr(0, length);
    text.remove_prefix(length);
    return out;
}

char32_t code_point(std::string_view sequence) noexcept
{
    const auto lead = static_cast<unsigned char>(sequence.front());
    if (sequence.size() == 1) {
        return lead;
    }
    char32_t out = lead & (0x7FU >> sequence.size());
    for (const auto byte : sequence.substr(1)) {
        out = (out << 6U) | (static_cast<unsigned char>(byte) & 0x3FU);
    }
    return out;
}

std::string_view entity(char letter) noexcept
{
    switch (letter) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return {};
    }
}

/// The first `longest_shown` bytes, to a whole code point where it is UTF-8.
std::string_view shortened(std::string_view text) noexcept
{
    if (text.size() <= longest_shown) {
        return text;
    }
    auto length = longest_shown;
    while (length > longest_shown - 4 && is_continuation(text[length])) {
        --length;
    }
    return text.substr(0, length);
}

std::string rest_row(std::size_t count)
{
    return fmt::format("{} more are not shown here; the JSON report has them.", format_count(count));
}

} // namespace

std::string escaped(std::string_view text)
{
    const auto shown = printable(shortened(text));
    std::string out;
    out.reserve(shown.size() + (shown.size() / 8));
    std::size_t marks_in_a_row = 0;
    for (std::string_view rest{shown}; !rest.empty();) {
        const auto sequence = take_sequence(rest);
        const auto point = code_point(sequence);
        marks_in_a_row = is_in(marks, point) ? marks_in_a_row + 1 : 0;
        const auto named = entity(sequence.front());
        if (!named.empty()) {
            out += named;
        } else if (is_in(unseen, point) || marks_in_a_row > most_marks) {
            out += fmt::format("\\u{{{:04x}}}", static_cast<std::uint32_t>(point));
        } else {
            out += sequence;
        }
    }
    if (text.size() > longest_shown) {
        out += fmt::format("… ({} bytes in all)", format_count(text.size()));
    }
    return out;
}

std::string name_html(std::string_view text)
{
    return "<bdi>" + escaped(text) + "</bdi>";
}

std::string code_html(std::string_view text)
{
    return "<code>" + escaped(text) + "</code>";
}

std::string paragraph(std::string_view text)
{
    return "<p>" + escaped(text) + "</p>\n";
}

std::string list_html(const std::vector<std::string>& items)
{
    if (items.empty()) {
        return {};
    }
    std::string out{"<ul>\n"};
    for (std::size_t i = 0; i < std::min(items.size(), most_rows); ++i) {
        out += "<li>" + items[i] + "</li>\n";
    }
    if (items.size() > most_rows) {
        out += "<li>" + rest_row(items.size() - most_rows) + "</li>\n";
    }
    return out + "</ul>\n";
}

std::string section(std::string_view id, std::string_view title, const std::string& content)
{
    return fmt::format("<section id=\"{0}\" aria-labelledby=\"{0}-title\">\n<h2 id=\"{0}-title\">{1}</h2>\n{2}"
                       "</section>\n",
                       id, title, content);
}

HtmlTable::HtmlTable(std::string_view caption, std::vector<Column> columns)
    : columns_{std::move(columns)}, caption_{caption}
{
}

void HtmlTable::add_row(const std::vector<std::string>& cells)
{
    ++count_;
    if (count_ > most_rows) {
        return;
    }
    rows_ += "<tr role=\"row\">";
    for (std::size_t i = 0; i < std::min(cells.size(), columns_.size()); ++i) {
        const std::string_view element = i == 0 ? "th" : "td";
        const std::string_view role = i == 0 ? R"(scope="row" role="rowheader")" : R"(role="cell")";
        rows_ += fmt::format("<{0} {1} data-label=\"{2}\"{3}><div>{4}</div></{0}>", element, role, columns_[i].title,
                             columns_[i].align == Align::end ? " class=\"n\"" : "", cells[i]);
    }
    rows_ += "</tr>\n";
}

std::string HtmlTable::html() const
{
    auto out = fmt::format("<table role=\"table\">\n<caption>{}</caption>\n<thead role=\"rowgroup\"><tr role=\"row\">",
                           caption_);
    for (const auto& column : columns_) {
        out += fmt::format(R"(<th scope="col" role="columnheader"{}>{}</th>)",
                           column.align == Align::end ? " class=\"n\"" : "", column.title);
    }
    out += "</tr></thead>\n<tbody role=\"rowgroup\">\n" + rows_ + "</tbody>\n</table>\n";
    if (count_ > most_rows) {
        out += paragraph(rest_row(count_ - most_rows));
    }
    return out;
}

} // namespace salvage::render
