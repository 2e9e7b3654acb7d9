// Inside render: the pieces of a page.  Whatever comes from a dump passes through `escaped` before it becomes markup.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace salvage::render {

/// Bytes of one string that a page shows; what is longer is cut, and its whole length said.
inline constexpr std::size_t longest_shown = 256;
/// Rows of one table; further ones are counted.  The JSON report has all of them.
inline constexpr std::size_t most_rows = 1000;

/// `text` as content of an element or of an attribute in double quotes: one line of well-formed XML characters.
///
/// Control characters, bytes that are not UTF-8, what turns the direction of writing, what cannot be seen and piles of
/// combining marks are shown as \xNN or \u{NNNN}, so that no name disturbs what stands beside it.
[[nodiscard]] std::string escaped(std::string_view text);
/// `text` escaped, in an element of its own: a name in a right-to-left script leaves its neighbours in place.
[[nodiscard]] std::string name_html(std::string_view text);
/// `text` escaped, in the type of bytes and commands.
[[nodiscard]] std::string code_html(std::string_view text);
/// A paragraph of escaped text.
[[nodiscard]] std::string paragraph(std::string_view text);
/// An unordered list of what is markup already; empty where there is none.  At most most_rows, then the rest counted.
[[nodiscard]] std::string list_html(const std::vector<std::string>& items);
/// <section> with its heading; `id` and `title` are ours.
[[nodiscard]] std::string section(std::string_view id, std::string_view title, const std::string& content);

/// A table that becomes one card a row on a narrow screen; its roles survive that.
class HtmlTable {
public:
    enum class Align : bool { start, end };
    struct Column {
        std::string title; ///< ours
        Align align{Align::start};
    };

    HtmlTable(std::string_view caption, std::vector<Column> columns);
    /// `cells` is markup, one a column; the first is the row's heading.
    void add_row(const std::vector<std::string>& cells);
    /// The whole table; after most_rows the rest is only counted.
    [[nodiscard]] std::string html() const;

private:
    std::vector<Column> columns_;
    std::string caption_;
    std::string rows_;
    std::size_t count_{0};
};

} // namespace salvage::render
