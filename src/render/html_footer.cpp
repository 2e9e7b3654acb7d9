// Crypto footers: what each says, and its bytes with the fields named.
#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "render/html_parts.hpp"
#include "render/html_sections.hpp"
#include "salvage/core/text.hpp"

namespace salvage::render {
namespace {

constexpr std::size_t most_footers = 4; // a phone has one, and a copy
constexpr std::size_t row_bytes = 16;
constexpr std::size_t half_row = 8;
constexpr std::size_t most_hex_rows = 512; // a footer with the largest keymaster blob has about 160
constexpr std::size_t tints = 5;

/// Which field each byte belongs to; the number of fields where none.
std::vector<std::size_t> field_of_each(const Bytes& raw, const std::vector<fde::FooterField>& fields)
{
    std::vector<std::size_t> out(raw.size(), fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const auto end = std::min<std::uint64_t>(fields[i].range.end().value, raw.size());
        for (auto at = fields[i].range.start().value; at < end; ++at) {
            out[static_cast<std::size_t>(at)] = i;
        }
    }
    return out;
}

/// The bytes of a footer as rows of hex, each field in a tint of its own and underlined.
class HexView {
public:
    HexView(const rescue::FoundFooter& found, const std::vector<fde::FooterField>& fields)
        : found_{&found}, fields_{&fields}, owner_{field_of_each(found.raw, fields)}
    {
    }

    [[nodiscard]] std::string html() const
    {
        std::string out{"<div class=\"hex\">\n"};
        bool is_folding = false;
        std::size_t rows = 0;
        const auto size = shown_size();
        for (std::size_t at = 0; at < size && rows < most_hex_rows; at += row_bytes) {
            if (is_dull(at) && at > 0 && at + row_bytes < size) {
                out += is_folding ? "" : "<div>*</div>\n";
                is_folding = true;
                continue;
            }
            is_folding = false;
            out += row(at);
            ++rows;
        }
        return out + "</div>\n";
    }

private:
    /// Up to the end of the last field: what follows is padding.
    [[nodiscard]] std::size_t shown_size() const
    {
        std::uint64_t end = 0;
        for (const auto& field : *fields_) {
            end = std::max(end, field.range.end().value);
        }
        return static_cast<std::size_t>(std::min<std::uint64_t>(end, found_->raw.size()));
    }

    /// A row of zeros that continues one of the same field.
    [[nodiscard]] bool is_dull(std::size_t at) const
    {
        const auto end = std::min(at + row_bytes, found_->raw.size());
        for (auto i = at; i < end; ++i) {
            if (found_->raw[i] != std::byte{0} || owner_[i] != owner_[at] || (at > 0 && owner_[at - 1] != owner_[at])) {
                return false;
            }
        }
        return true;
    }

    [[nodiscard]] std::string row(std::size_t at) const
    {
        return fmt::format("<div class=\"row\"><span class=\"at\">{:012x}</span>{}{}</div>\n",
                           (found_->offset + ByteCount{at}).value, half(at), half(at + half_row));
    }

    [[nodiscard]] std::string half(std::size_t at) const
    {
        const auto end = std::min(at + half_row, shown_size());
        std::string hex;
        std::string text;
        for (auto i = at; i < end;) {
            auto last = i + 1;
            while (last < end && owner_[last] == owner_[i]) {
                ++last;
            }
            hex += group(i, last);
            i = last;
        }
        for (auto i = at; i < end; ++i) {
            const auto value = std::to_integer<unsigned char>(found_->raw[i]);
            text += value >= 0x20 && value < 0x7F ? static_cast<char>(value) : '.';
        }
        const auto missing = end > at ? half_row - (end - at) : half_row;
        hex += std::string(missing * 3, ' ');
        text += std::string(missing, ' ');
        return fmt::format(R"(<span class="half">{} <span class="ascii">{}</span></span>)", hex, escaped(text));
    }

    /// Bytes of one field.
    [[nodiscard]] std::string group(std::size_t from, std::size_t to) const
    {
        std::string bytes;
        for (auto i = from; i < to; ++i) {
            bytes += fmt::format("{}{:02x}", i == from ? "" : " ", std::to_integer<unsigned>(found_->raw[i]));
        }
        if (owner_[from] >= fields_->size()) {
            return bytes + " ";
        }
        return fmt::format(R"(<span class="f{}" title="{}">{}</span> )", owner_[from] % tints,
                           escaped(fields_->at(owner_[from]).name), bytes);
    }

    const rescue::FoundFooter* found_;
    const std::vector<fde::FooterField>* fields_;
    std::vector<std::size_t> owner_;
};

std::string field_table(const rescue::FoundFooter& found, const std::vector<fde::FooterField>& fields)
{
    using Align = HtmlTable::Align;
    const auto usual = fields.empty() ? std::string{} : fields.front().spec;
    HtmlTable table{"Fields in the order of their bytes. Source where none is named: " + escaped(usual),
                    {{"Field"}, {"In the footer", Align::end}, {"Bytes", Align::end}, {"Value"}, {"Meaning"}}};
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const auto& field = fields[i];
        const auto source =
            field.spec == usual ? std::string{} : " <span class=\"faint\">(" + escaped(field.spec) + ")</span>";
        table.add_row({fmt::format("<span class=\"f{}\">{}</span>", i % tints, code_html(field.name)),
                       fmt::format("<code>+{:#x}</code>", field.range.start().value),
                       fmt::format("{}", field.range.size().value), code_html(field.value),
                       escaped(field.meaning) + source});
    }
    std::vector<std::string> beside;
    beside.reserve(found.persist.size());
    for (const auto& entry : found.persist) {
        beside.push_back("kept beside it: " + code_html(entry.key) + " = " + code_html(entry.value));
    }
    return table.html() + list_html(beside);
}

std::string one_footer(const rescue::FoundFooter& found)
{
    const auto& footer = found.footer;
    auto out = fmt::format("<h3>{} crypto footer {}.{} at {}</h3>\n", escaped(fde::to_string(footer.kind)),
                           footer.major, footer.minor, format_offset(found.offset));
    std::vector<std::string> facts{
        fmt::format("Place: {}{}; found by {}.", name_html(found.place),
                    found.file.empty() ? std::string{} : ", in the file " + name_html(found.file),
                    escaped(found.found_by)),
        fmt::format("Key derivation {}, cipher {}, key of {} bytes.", escaped(fde::to_string(footer.kdf)),
                    code_html(footer.cipher), footer.key_bytes)};
    if (!found.placement.text.empty()) {
        facts.push_back(escaped(found.placement.text));
    }
    out += list_html(facts);
    const auto fields = fde::describe_footer(found.raw);
    if (!fields.has_value()) {
        return out + paragraph("Its fields cannot be named: " + to_string(fields.error()));
    }
    return out + HexView{found, *fields}.html() + field_table(found, *fields);
}

} // namespace

std::string footer_section(const rescue::FooterSearch& search)
{
    std::string out;
    if (search.footers.empty()) {
        out += paragraph("No crypto footer was found.");
    } else {
        out += paragraph("These bytes and the start of userdata are all that a search for the secret needs. Give this "
                         "page only to people who may try.");
    }
    for (std::size_t i = 0; i < std::min(search.footers.size(), most_footers); ++i) {
        out += one_footer(search.footers[i]);
    }
    if (search.footers.size() > most_footers) {
        out += paragraph(fmt::format("{} more footers are in the JSON report.", search.footers.size() - most_footers));
    }
    std::vector<std::string> decoys;
    decoys.reserve(search.decoys.size());
    for (const auto& decoy : search.decoys) {
        decoys.push_back(
            fmt::format("{} {}: {}", format_offset(decoy.offset), name_html(decoy.partition), escaped(decoy.reason)));
    }
    if (!decoys.empty()) {
        out += "<h3>Looks like a footer and is none</h3>\n" + list_html(decoys);
    }
    return section("footer", "The crypto footer", out);
}

} // namespace salvage::render
