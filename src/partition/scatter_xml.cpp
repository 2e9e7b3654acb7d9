// The XML scatter file: flat (V1.1.8) and with a section for each storage (V2.1.0).  pugixml knows no external
// entities and keeps what it read before an error, which is what a cut file needs.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "probes.hpp"
#include "scatter.hpp"
#include "text_lines.hpp"

namespace salvage::partition {
namespace {

class XmlScatter {
public:
    explicit XmlScatter(Notes& notes) : notes_{&notes} { file_.kind = "scatter-xml"; }

    ScatterFile take(const pugi::xml_node& root)
    {
        for (const auto& child : root.children()) {
            const std::string_view name{child.name()};
            if (name == "storage_type") {
                add_section(child);
            } else {
                add_child(child, {});
            }
        }
        return std::move(file_);
    }

private:
    void add_section(const pugi::xml_node& section)
    {
        for (const auto& child : section.children()) {
            add_child(child, section.attribute("name").value());
        }
    }

    void add_child(const pugi::xml_node& child, const std::string& section)
    {
        const std::string_view name{child.name()};
        if (name == "partition_index") {
            add_block(child, section);
        } else if (name == "general") {
            add_general(child, section);
        } else {
            notes_->note(
                "scatter-foreign-element",
                fmt::format("The element <{}> is no part of a scatter file and was passed over.", name.substr(0, 64)));
        }
    }

    /// <general><config_version name="V1.1.8"><platform>…: the inner element's attribute is a value, its children are
    /// more.
    void add_general(const pugi::xml_node& general, const std::string& section)
    {
        for (const auto& item : general.children()) {
            if (section.empty()) {
                file_.general.emplace_back(item.name(), item.attribute("name").value());
            }
            for (const auto& key : item.children()) {
                file_.general.emplace_back(section.empty() ? std::string{key.name()}
                                                           : fmt::format("{}.{}", section, key.name()),
                                           trimmed(key.text().get()));
            }
        }
    }

    void add_block(const pugi::xml_node& node, const std::string& section)
    {
        if (file_.blocks.size() == max_scatter_blocks) {
            notes_->warn(
                "scatter-too-many",
                fmt::format("Reading stopped: no scatter file has more than {} partitions.", max_scatter_blocks));
            return;
        }
        const auto at = std::max<std::ptrdiff_t>(node.offset_debug(), 0);
        ScatterBlock block{.keys = {{"partition_index", node.attribute("name").value()}},
                           .section = section,
                           .at = ByteOffset{static_cast<std::uint64_t>(at)},
                           .line = 0};
        for (const auto& key : node.children()) {
            block.keys.emplace_back(key.name(), std::string{trimmed(key.text().get())});
        }
        file_.blocks.push_back(std::move(block));
    }

    Notes* notes_;
    ScatterFile file_;
};

} // namespace

Result<ProbeResults> probe_scatter_xml(const Input& input)
{
    const auto text = input.text();
    const auto first = text.find_first_not_of("\xEF\xBB\xBF \t\r\n");
    const bool is_xml = first != std::string_view::npos && text[first] == '<';
    const bool has_blocks = text.find("<partition_index") != std::string_view::npos ||
                            text.find("<config_version") != std::string_view::npos;
    if (!input.is_small() || !looks_like_text(input.small_file) || !is_xml || !has_blocks) {
        return ProbeResults{};
    }
    pugi::xml_document document;
    const auto parsed = document.load_buffer(text.data(), text.size());
    Notes notes{input.path};
    const auto file = XmlScatter{notes}.take(document.document_element());
    note_text_form(input, Tabs::usual, notes);
    auto table = make_scatter_table(file, input.path, notes);
    table.findings = notes.take();
    const ByteOffset stopped_at{static_cast<std::uint64_t>(std::max<std::ptrdiff_t>(parsed.offset, 0))};
    if (!parsed) {
        return ProbeResults{found_damaged(
            std::move(table), malformed(stopped_at, "the XML scatter file is damaged", parsed.description()))};
    }
    if (table.partitions.empty()) {
        return ProbeResults{
            found_damaged(std::move(table), malformed(stopped_at, "the XML scatter file holds no partition",
                                                      "there is no <partition_index> where one is expected"))};
    }
    return ProbeResults{found(std::move(table))};
}

} // namespace salvage::partition
