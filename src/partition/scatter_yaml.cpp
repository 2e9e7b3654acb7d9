// The YAML-like scatter file, V1.1.1 to V2.2.0.  Read line by line: real ones are often no valid YAML.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "probes.hpp"
#include "salvage/core/text.hpp"
#include "scatter.hpp"
#include "text_lines.hpp"

namespace salvage::partition {
namespace {

struct KeyLine {
    std::string_view key;
    std::string_view value;
    bool is_item{false}; ///< began with "- "
};

bool is_key(std::string_view text) noexcept
{
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
}

std::optional<KeyLine> parse_line(std::string_view text)
{
    KeyLine out;
    if (text.starts_with('-')) {
        out.is_item = true;
        text = trimmed(text.substr(1));
    }
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || !is_key(trimmed(text.substr(0, colon)))) {
        return std::nullopt;
    }
    out.key = trimmed(text.substr(0, colon));
    out.value = trimmed(text.substr(colon + 1));
    if (const auto comment = out.value.find(" #"); comment != std::string_view::npos) {
        out.value = trimmed(out.value.substr(0, comment));
    }
    return out;
}

class YamlScatter {
public:
    YamlScatter(std::string_view text, Notes& notes) : lines_{text}, notes_{&notes} { file_.kind = "scatter-yaml"; }

    ScatterFile take()
    {
        while (const auto line = lines_.next()) {
            if (line->text.empty() || line->text.starts_with('#')) {
                continue;
            }
            const auto parsed = parse_line(line->text);
            if (!parsed) {
                note_foreign(*line);
            } else if (!put(*parsed, *line)) {
                break;
            }
        }
        if (foreign_lines_ > 0) {
            notes_->note("scatter-foreign-lines",
                         fmt::format("{} line{} no part of a scatter file and passed over, the first is line {}.",
                                     foreign_lines_, foreign_lines_ == 1 ? " is" : "s are", first_foreign_),
                         {.numbers = {{"lines", foreign_lines_}, {"first_line", first_foreign_}}});
        }
        return std::move(file_);
    }

private:
    enum class Part : std::uint8_t { nothing, general, block, foreign };

    /// False where the file has more blocks than any honest one.
    bool put(const KeyLine& line, const Line& from)
    {
        if (line.key == "partition_index") {
            return begin_block(line, from);
        }
        if (line.is_item && (line.key == "general" || line.key == "storage_type")) {
            part_ = Part::general;
            section_ = line.key == "storage_type" ? std::string{line.value} : section_;
            return true;
        }
        const bool is_item_of_general = line.key == "config_version" || line.key == "storage";
        if (line.is_item && part_ != Part::nothing && (part_ != Part::general || !is_item_of_general)) {
            part_ = Part::foreign;
        }
        add_key(line, from);
        return true;
    }

    bool begin_block(const KeyLine& line, const Line& from)
    {
        if (file_.blocks.size() == max_scatter_blocks) {
            notes_->warn("scatter-too-many",
                         fmt::format("Reading stopped at line {}: no scatter file has more than {} partitions.",
                                     from.number, max_scatter_blocks),
                         {.where = {.source = {}, .offset = from.at, .partition = {}}});
            return false;
        }
        file_.blocks.push_back({.keys = {{std::string{line.key}, std::string{line.value}}},
                                .section = section_,
                                .at = from.at,
                                .line = from.number});
        part_ = Part::block;
        return true;
    }

    void add_key(const KeyLine& line, const Line& from)
    {
        switch (part_) {
        case Part::block: add_block_key(line, from); break;
        // What a section's own general block says holds for that section alone.
        case Part::nothing:
        case Part::general:
            file_.general.emplace_back(
                section_.empty() ? std::string{line.key} : fmt::format("{}.{}", section_, line.key), line.value);
            break;
        case Part::foreign: note_foreign(from); break;
        }
    }

    void add_block_key(const KeyLine& line, const Line& from)
    {
        auto& block = file_.blocks.back();
        if (const auto before = block.value(line.key); before && *before != line.value) {
            notes_->warn(
                "scatter-duplicate-key",
                fmt::format("Line {} gives '{}' a second time; the first value was taken.", from.number, line.key),
                {.where = {.source = {}, .offset = from.at, .partition = {}},
                 .words = {{"first", std::string{*before}}, {"second", std::string{line.value}}}});
        }
        block.keys.emplace_back(line.key, line.value);
    }

    void note_foreign(const Line& line)
    {
        first_foreign_ = foreign_lines_ == 0 ? line.number : first_foreign_;
        ++foreign_lines_;
    }

    Lines lines_;
    Notes* notes_;
    ScatterFile file_;
    Part part_{Part::nothing};
    std::string section_;
    std::size_t foreign_lines_{0};
    std::size_t first_foreign_{0};
};

} // namespace

Result<ProbeResults> probe_scatter_yaml(const Input& input)
{
    const auto text = input.text();
    const bool has_blocks = text.find("partition_index:") != std::string_view::npos;
    const bool has_general = text.find("config_version:") != std::string_view::npos;
    if (!input.is_small() || !looks_like_text(input.small_file) || (!has_blocks && !has_general)) {
        return ProbeResults{};
    }
    Notes notes{input.path};
    const auto file = YamlScatter{text, notes}.take();
    note_text_form(input, Tabs::unusual, notes);
    auto table = make_scatter_table(file, input.path, notes);
    table.findings = notes.take();
    if (table.partitions.empty()) {
        return ProbeResults{
            found_damaged(std::move(table), malformed(ByteOffset{text.size()}, "the scatter file holds no partition",
                                                      "it ends before the first 'partition_index'"))};
    }
    return ProbeResults{found(std::move(table))};
}

} // namespace salvage::partition
