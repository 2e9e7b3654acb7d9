// A scatter file for SP Flash Tool that downloads what a plan says and nothing else.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "rescue/restore_rules.hpp"
#include "rescue/split_plan.hpp"
#include "salvage/rescue/restore.hpp"

namespace salvage::rescue {
namespace {

/// "  file_name: boot.img\r" in its parts; `value` ends before blanks and the line's CR.
struct KeyLine {
    std::string_view before; ///< up to and with the colon
    std::string_view key;
    std::string_view value;
    std::string_view after;
};

constexpr std::string_view blanks{" \t\r"};

std::optional<KeyLine> parse_line(std::string_view line)
{
    const auto colon = line.find(':');
    const auto begin = line.find_first_not_of(" \t-");
    if (colon == std::string_view::npos || begin >= colon || line[begin] == '#') {
        return std::nullopt;
    }
    KeyLine out{.before = line.substr(0, colon + 1), .key = {}, .value = {}, .after = {}};
    out.key = line.substr(begin, colon - begin);
    out.key = out.key.substr(0, out.key.find_last_not_of(blanks) + 1);
    const auto rest = line.substr(colon + 1);
    const auto value = rest.find_first_not_of(blanks);
    const auto end = rest.find_last_not_of(blanks) + 1;
    out.value = value == std::string_view::npos ? std::string_view{} : rest.substr(value, end - value);
    out.after = rest.substr(value == std::string_view::npos ? 0 : end);
    return out;
}

/// Calls `visit` for every line, without its line feed.
template <typename Visit>
void each_line(std::string_view text, Visit visit)
{
    while (!text.empty()) {
        const auto end = text.find('\n');
        visit(text.substr(0, end), end != std::string_view::npos);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
}

/// Names of the partition blocks, in order.
std::vector<std::string> block_names(std::string_view scatter)
{
    std::vector<std::string> out;
    each_line(scatter, [&](std::string_view line, bool /*has_end*/) {
        const auto parsed = parse_line(line);
        if (parsed && parsed->key == "partition_index") {
            out.emplace_back();
        } else if (parsed && parsed->key == "partition_name" && !out.empty() && out.back().empty()) {
            out.back() = parsed->value;
        }
    });
    return out;
}

const RestoreStep* step_for(const RestorePlan& plan, std::string_view partition)
{
    const auto found = std::ranges::find_if(plan.steps, [&](const RestoreStep& step) {
        return step.tool == RestoreTool::flash_tool && is_same_name(step.partition, partition);
    });
    return found != plan.steps.end() ? &*found : nullptr;
}

/// The file's name beside the scatter file: the part's own, or the one that `split` would give it.
std::string image_name(const RestorePlan& plan, const RestoreStep& step)
{
    const std::filesystem::path image{step.image.path};
    return image.parent_path() == std::filesystem::path{plan.source} ? image.filename().string()
                                                                     : file_safe(step.partition) + ".img";
}

std::string with_value(const KeyLine& line, std::string_view value)
{
    return fmt::format("{} {}{}", line.before, value, line.after);
}

} // namespace

Result<std::string> make_restore_scatter(const RestorePlan& plan, std::string_view scatter)
{
    const auto names = block_names(scatter);
    if (names.empty()) {
        return unsupported("this is no scatter file that can be rewritten",
                           "it has no 'partition_index' lines: it is of the old form, or XML",
                           "take the scatter file of the YAML-like form, V1.1.1 or later");
    }
    if (std::ranges::none_of(names, [&](const auto& name) { return step_for(plan, name) != nullptr; })) {
        return not_found("the plan has nothing for the flash tool to write in this scatter file",
                         "its steps go by another tool, or their partitions are not in the file",
                         "make the plan with --tool flash-tool");
    }
    std::string out;
    std::size_t block = 0; // from 1; 0: before the first
    each_line(scatter, [&](std::string_view line, bool has_end) {
        const auto parsed = parse_line(line);
        if (parsed && parsed->key == "partition_index") {
            ++block;
        }
        const auto* const step = block > 0 ? step_for(plan, names[block - 1]) : nullptr;
        std::string written{line};
        if (parsed && block > 0 && parsed->key == "is_download") {
            const std::string_view wanted = step != nullptr ? "true" : "false";
            written = parsed->value == wanted ? written : with_value(*parsed, wanted);
        } else if (parsed && step != nullptr && parsed->key == "file_name") {
            written = with_value(*parsed, image_name(plan, *step));
        }
        out += written;
        out += has_end ? "\n" : "";
    });
    return out;
}

} // namespace salvage::rescue
