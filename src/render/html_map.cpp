// The pictures: the whole dump to scale, and a strip in which the small partitions can be read.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "render/html_parts.hpp"
#include "render/html_sections.hpp"
#include "salvage/core/text.hpp"
#include "salvage/rescue/content_map.hpp"

namespace salvage::render {
namespace {

using rescue::Content;
using rescue::content_kinds;
using rescue::ContentMap;
using rescue::Mixture;

constexpr std::size_t most_cells = 1000;    // of the whole dump: about as many as a screen has columns
constexpr std::size_t most_tile_cells = 32; // of a partition's tile
constexpr std::size_t most_tiles = 256;     // real tables have at most 160 partitions
constexpr std::size_t most_bars = 1000;     // partitions drawn to scale
constexpr double narrowest_label = 0.05;    // of the bar: below it a name has no room

struct ContentWords {
    std::string_view style; ///< class in the style sheet
    std::string_view words;
};
constexpr std::array<ContentWords, content_kinds> content_words{{
    {"c-enc", "looks encrypted (or compressed: the bytes alone do not tell)"},
    {"c-plain", "text, code or other plain data"},
    {"c-zero", "empty: zeros, or one byte repeated"},
    {"c-hole", "hole: not stored in the dump, reads as zeros"},
    {"c-bad", "could not be read"},
    {"c-none", "read, but not measured"},
}};

struct RoleWords {
    partition::Role role;
    std::string_view style;
    std::string_view words;
};
constexpr std::array role_table{
    RoleWords{partition::Role::boot_chain, "r-boot", "boot chain"},
    RoleWords{partition::Role::system, "r-system", "system"},
    RoleWords{partition::Role::user_data, "r-data", "user data"},
    RoleWords{partition::Role::keys_and_footers, "r-keys", "keys and footers"},
    RoleWords{partition::Role::radio_calibration, "r-radio", "radio and calibration"},
    RoleWords{partition::Role::reserved, "r-reserved", "reserved"},
    RoleWords{partition::Role::unknown, "r-unknown", "purpose unknown"},
};

const RoleWords& words_of(partition::Role role) noexcept
{
    const auto* const found = std::ranges::find(role_table, role, &RoleWords::role);
    return found != role_table.end() ? *found : role_table.back();
}

std::optional<ByteRange> place_of(const partition::Partition& partition)
{
    const bool is_placed = partition.is_start_known && partition.is_size_known && partition.region == "user";
    return is_placed ? ByteRange::make(partition.start, partition.size) : std::nullopt;
}

/// Places on a bar that stands for `whole`, in percent of its width.
class Scale {
public:
    explicit Scale(ByteRange whole) : whole_{whole} {}

    [[nodiscard]] double share(ByteCount size) const noexcept
    {
        return whole_.is_empty() ? 0 : static_cast<double>(size.value) / static_cast<double>(whole_.size().value);
    }
    /// x and width of a <rect> or an inner <svg>; empty where nothing of `range` is on the bar.
    [[nodiscard]] std::string place(ByteRange range) const
    {
        const auto part = range.intersection(whole_);
        if (part.is_empty()) {
            return {};
        }
        return fmt::format(R"(x="{:.3f}%" width="{:.3f}%")", 100 * share(part.start() - whole_.start()),
                           100 * share(part.size()));
    }

private:
    ByteRange whole_;
};

constexpr int least_height = 2; // of a mark: what is written shows, however little of a cell it is

/// How high each kind stands in a cell of `height`, by its share of the cell's bytes.
std::array<int, content_kinds> heights_of(const Mixture& cell, int height)
{
    std::array<int, content_kinds> out{};
    const auto total = static_cast<double>(std::max<std::uint64_t>(cell.total().value, 1));
    const auto tallest = static_cast<std::size_t>(cell.main_kind());
    auto left = height;
    for (std::size_t i = 0; i < content_kinds; ++i) {
        if (i != tallest && cell.bytes.at(i).value > 0) {
            const auto share = static_cast<double>(cell.bytes.at(i).value) / total;
            out.at(i) = std::max(least_height, static_cast<int>(std::lround(share * height)));
            left -= out.at(i);
        }
    }
    out.at(tallest) = std::max(left, least_height);
    return out;
}

/// Cells as columns of what they hold; neighbours that look the same are one column.
std::string content_marks(const std::vector<Mixture>& cells, const Scale& scale, int top, int height)
{
    std::string out;
    for (std::size_t i = 0; i < cells.size();) {
        const auto heights = heights_of(cells[i], height);
        auto last = i;
        while (last + 1 < cells.size() && heights_of(cells[last + 1], height) == heights) {
            ++last;
        }
        const auto place = scale.place(ByteRange::between(cells[i].range.start(), cells[last].range.end()));
        auto bottom = top + height;
        for (std::size_t kind = 0; kind < content_kinds; ++kind) {
            const auto high = std::min(heights.at(kind), bottom - top);
            if (high > 0) {
                bottom -= high;
                out += fmt::format("<rect class=\"{}\" {} y=\"{}\" height=\"{}\"/>\n", content_words.at(kind).style,
                                   place, bottom, high);
            }
        }
        i = last + 1;
    }
    return out;
}

/// A mark under each cell of which anything could not be read, however little.
std::string trouble_marks(const std::vector<Mixture>& cells, const Scale& scale, int top)
{
    std::string out;
    for (const auto& cell : cells) {
        if (cell.of(Content::unreadable).value > 0) {
            out += fmt::format("<rect class=\"trouble\" {} y=\"{}\" height=\"8\"/>\n", scale.place(cell.range), top);
        }
    }
    return out;
}

/// Columns as high as the entropy, 0 to 8 bits a byte; neighbours of one height are one column.
std::string entropy_marks(const std::vector<Mixture>& cells, const Scale& scale, int bottom, int height)
{
    const auto height_of = [&](const Mixture& cell) {
        return cell.entropy < 0 ? 0 : static_cast<int>(std::lround(cell.entropy / 8.0 * height));
    };
    std::string out;
    for (std::size_t i = 0; i < cells.size();) {
        const auto high = height_of(cells[i]);
        auto last = i;
        while (last + 1 < cells.size() && height_of(cells[last + 1]) == high) {
            ++last;
        }
        if (high > 0) {
            const auto run = ByteRange::between(cells[i].range.start(), cells[last].range.end());
            out += fmt::format("<rect class=\"entropy\" {} y=\"{}\" height=\"{}\"/>\n", scale.place(run), bottom - high,
                               high);
        }
        i = last + 1;
    }
    return out;
}

std::string title_of(const partition::Partition& partition)
{
    return fmt::format("{}: {}, {}, {}", escaped(partition.name), format_offset(partition.start),
                       format_size_exact(partition.size), words_of(partition.role).words);
}

std::string partition_marks(const partition::Layout& layout, const Scale& scale)
{
    std::string out;
    std::size_t drawn = 0;
    ByteOffset labelled; // names stand side by side, even where partitions overlap
    for (const auto& partition : layout.partitions) {
        const auto range = place_of(partition);
        const auto where = range ? scale.place(*range) : std::string{};
        if (where.empty() || ++drawn > most_bars) {
            continue;
        }
        out += fmt::format("<g><title>{}</title><rect class=\"{}\" {} y=\"18\" height=\"30\"/></g>\n",
                           title_of(partition), words_of(partition.role).style, where);
        if (scale.share(range->size()) >= narrowest_label && range->start() >= labelled) {
            labelled = range->end();
            out += fmt::format("<svg {} y=\"0\" height=\"16\"><text x=\"2\" y=\"12\">{}</text></svg>\n", where,
                               escaped(partition.name));
        }
    }
    return out;
}

/// What the bar stands for: the dump, or the flash where that is known to be larger.
ByteRange whole_of(const rescue::InspectReport& report)
{
    return ByteRange::first(std::max(report.source.size, report.layout.device_size.value_or(ByteCount{0})));
}

std::string axis(ByteRange whole)
{
    std::string out{R"(<div class="axis" aria-hidden="true">)"};
    constexpr std::uint64_t steps = 4;
    for (std::uint64_t i = 0; i <= steps; ++i) {
        out += fmt::format("<span>{}</span>", i == 0 ? "0" : format_size(ByteCount{whole.size().value / steps * i}));
    }
    return out + "</div>\n";
}

std::string to_scale(const rescue::InspectReport& report, const std::vector<Mixture>& cells)
{
    const auto whole = whole_of(report);
    const Scale scale{whole};
    auto out = fmt::format(
        "<figure>\n<svg class=\"bar\" role=\"img\" aria-labelledby=\"bar-title bar-desc\" width=\"100%\" "
        "height=\"148\">\n"
        "<title id=\"bar-title\">The whole flash to scale</title>\n"
        "<desc id=\"bar-desc\">{} from left to right. First row: partitions by role. Second row: what the bytes look "
        "like, {} cells. Third row: where something could not be read. Fourth row: entropy. The tables below say the "
        "same in numbers.</desc>\n",
        format_size_exact(whole.size()), cells.size());
    out += "<rect class=\"ground\" x=\"0\" width=\"100%\" y=\"18\" height=\"30\"/>\n" +
           partition_marks(report.layout, scale);
    out += "<rect class=\"c-none\" x=\"0\" width=\"100%\" y=\"54\" height=\"36\"/>\n" +
           content_marks(cells, scale, 54, 36) + trouble_marks(cells, scale, 94);
    out += "<rect class=\"ground\" x=\"0\" width=\"100%\" y=\"107\" height=\"40\"/>\n" +
           entropy_marks(cells, scale, 147, 40);
    out += "<g class=\"frame\"><rect x=\"0\" width=\"100%\" y=\"18\" height=\"30\"/>"
           "<rect x=\"0\" width=\"100%\" y=\"54\" height=\"36\"/></g>\n</svg>\n";
    out += axis(whole);
    const auto cell = cells.empty() ? ByteCount{0} : cells.front().range.size();
    return out + fmt::format("<figcaption>Top: partitions. Middle: what the bytes look like, a column for every {}, as "
                             "high as each kind's share; a red mark under a cell says that some of it could not be "
                             "read. Bottom: entropy, 0 to 8 bits a byte.</figcaption>\n</figure>\n",
                             format_size(cell));
}

std::string swatch(std::string_view style)
{
    return fmt::format(
        "<svg class=\"swatch\" width=\"28\" height=\"16\" aria-hidden=\"true\"><rect class=\"{}\" x=\"0\" "
        "width=\"28\" y=\"0\" height=\"16\"/></svg> ",
        style);
}

std::string content_legend(const ContentMap& map, ByteRange whole)
{
    const auto all = map.mixture(map.range());
    const Scale scale{map.range()};
    std::string out{"<h3>What the bytes look like</h3>\n<ul class=\"legend\">\n"};
    for (std::size_t i = 0; i < content_kinds; ++i) {
        const auto count = all.bytes.at(i);
        if (count.value == 0 && static_cast<Content>(i) == Content::unmeasured) {
            continue;
        }
        out += fmt::format("<li>{}<span>{}: <b>{}</b>, {:.1f} % of the dump</span></li>\n",
                           swatch(content_words.at(i).style), content_words.at(i).words, format_size_exact(count),
                           100 * scale.share(count));
    }
    if (const auto rest = whole.size() - map.range().size(); map.range().size() < whole.size()) {
        out += fmt::format("<li>{}<span>not in this dump, which ends before the flash does: <b>{}</b></span></li>\n",
                           swatch("c-none"), format_size_exact(rest));
    }
    return out + "</ul>\n";
}

std::string role_legend()
{
    std::string out{"<ul class=\"legend roles\">\n"};
    for (const auto& role : role_table) {
        out += fmt::format("<li>{}{}</li>\n", swatch(role.style), role.words);
    }
    return out + "</ul>\n";
}

/// Width of a tile: 4 KiB and less are the narrowest, each doubling adds as much again.
double tile_width(ByteCount size)
{
    constexpr double narrowest = 6.5;
    constexpr double a_doubling = 0.3;
    return narrowest + (a_doubling * std::log2(std::max(1.0, static_cast<double>(size.value) / 4096)));
}

std::string tile_map(const ContentMap& map, const partition::Partition& partition)
{
    const auto range = place_of(partition);
    const auto cells = range ? map.cells(*range, most_tile_cells) : std::vector<Mixture>{};
    if (cells.empty()) {
        return {};
    }
    const Scale scale{*range};
    return fmt::format("<svg width=\"100%\" height=\"18\" aria-hidden=\"true\"><rect class=\"c-none\" x=\"0\" "
                       "width=\"100%\" y=\"0\" height=\"18\"/>\n{}{}</svg>",
                       content_marks(cells, scale, 0, 12), trouble_marks(cells, scale, 11));
}

std::string tile(const ContentMap& map, const partition::Partition& partition, const rescue::PartitionFacts* facts)
{
    const auto& role = words_of(partition.role);
    const auto width = partition.is_size_known ? tile_width(partition.size) : tile_width(ByteCount{0});
    return fmt::format("<li class=\"tile\" style=\"width:{:.2f}rem\"><svg class=\"band\" width=\"100%\" height=\"6\" "
                       "aria-hidden=\"true\"><rect class=\"{}\" "
                       "x=\"0\" width=\"100%\" y=\"0\" height=\"6\"/></svg><b>{}</b>{}"
                       "<span>{}</span><span class=\"faint\">{}{}</span></li>\n",
                       width, role.style, name_html(partition.name), tile_map(map, partition),
                       partition.is_size_known ? format_size(partition.size) : "size unknown", role.words,
                       facts != nullptr ? "; " + escaped(facts->looks) : std::string{});
}

std::string strip(const rescue::InspectReport& report, const ContentMap& map)
{
    const auto& partitions = report.layout.partitions;
    if (partitions.empty()) {
        return paragraph("No partition table was found: the whole source is one piece.");
    }
    std::string out{"<h3>Every partition, wide enough to read</h3>\n<p class=\"faint\">A tile's width grows with the "
                    "logarithm of the partition's size; its picture shows what is in it from start to end.</p>\n"
                    "<ol class=\"strip\">\n"};
    for (std::size_t i = 0; i < std::min(partitions.size(), most_tiles); ++i) {
        out += tile(map, partitions[i], i < report.partitions.size() ? &report.partitions[i] : nullptr);
    }
    out += "</ol>\n";
    if (partitions.size() > most_tiles) {
        out += paragraph(fmt::format("{} more partitions are not drawn.", partitions.size() - most_tiles));
    }
    return out;
}

std::string hex_and_decimal(bool is_known, ByteOffset at)
{
    return is_known ? fmt::format("<code>{:#x}</code><br/><span class=\"faint\">{}</span>", at.value, at.value) : "?";
}

std::string content_words_of(const partition::Partition& partition, const rescue::PartitionFacts* facts)
{
    if (facts == nullptr) {
        return name_html(partition.filesystem);
    }
    auto out = facts->filesystem.empty() ? std::string{} : name_html(facts->filesystem) + ", ";
    out += escaped(facts->looks);
    return facts->entropy < 0 ? out : out + fmt::format(" ({:.2f} bits a byte)", facts->entropy);
}

} // namespace

std::string_view role_words(partition::Role role) noexcept
{
    return words_of(role).words;
}

std::string map_section(const rescue::InspectReport& report)
{
    const ContentMap map{report.scan};
    const auto cells = map.cells(map.range(), most_cells);
    return section("map", "The map",
                   to_scale(report, cells) + role_legend() + content_legend(map, whole_of(report)) +
                       strip(report, map));
}

std::string partitions_section(const rescue::InspectReport& report)
{
    const auto& partitions = report.layout.partitions;
    if (partitions.empty()) {
        return {};
    }
    using Align = HtmlTable::Align;
    HtmlTable table{"Partitions by region and start; offsets in hex and decimal",
                    {{"Name"},
                     {"For"},
                     {"Region"},
                     {"Start", Align::end},
                     {"End", Align::end},
                     {"Size", Align::end},
                     {"Known from"},
                     {"Content"}}};
    for (std::size_t i = 0; i < partitions.size(); ++i) {
        const auto& each = partitions[i];
        const bool is_end_known = each.is_start_known && each.is_size_known;
        table.add_row({name_html(each.name), std::string{role_words(each.role)}, name_html(each.region),
                       hex_and_decimal(each.is_start_known, each.start),
                       hex_and_decimal(is_end_known, each.start + each.size),
                       each.is_size_known ? format_size(each.size) : "?", name_html(each.source),
                       content_words_of(each, i < report.partitions.size() ? &report.partitions[i] : nullptr)});
    }
    return section("partitions", "Partitions", table.html());
}

} // namespace salvage::render
