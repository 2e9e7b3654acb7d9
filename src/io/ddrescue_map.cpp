// Reading ddrescue's mapfile.  Lines: comments ('#'), one status line "current_pos status [pass]", then "pos size
// status".
#include "salvage/io/ddrescue_map.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::io {
namespace {

std::string_view next_word(std::string_view& line)
{
    const auto start = line.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) {
        line = {};
        return {};
    }
    line.remove_prefix(start);
    const auto end = std::min(line.find_first_of(" \t\r"), line.size());
    const auto word = line.substr(0, end);
    line.remove_prefix(end);
    return word;
}

std::optional<std::uint64_t> number(std::string_view word)
{
    int base = 10;
    if (word.starts_with("0x") || word.starts_with("0X")) {
        word.remove_prefix(2);
        base = 16;
    }
    std::uint64_t value = 0;
    const auto* const first = word.data();
    const auto* const end = first + word.size();
    const auto [stop, problem] = std::from_chars(first, end, value, base);
    return problem == std::errc{} && stop == end && !word.empty() ? std::optional{value} : std::nullopt;
}

struct Line {
    std::string_view text;
    ByteOffset at; ///< in the mapfile
};

Error no_map_line(const Line& line, std::string_view expected)
{
    return malformed(line.at, "this is no line of a ddrescue map",
                     fmt::format("found '{}', expected {}", printable(line.text.substr(0, 60)), expected));
}

/// "current_pos current_status [current_pass]"
Result<> check_status_line(const Line& line)
{
    auto rest = line.text;
    const auto position = number(next_word(rest));
    const auto status = next_word(rest);
    const auto pass = next_word(rest);
    const bool is_status = status.size() == 1 && std::string_view{"?*/-FG+"}.contains(status.front());
    if (!position || !is_status || (!pass.empty() && !number(pass)) || !next_word(rest).empty()) {
        return no_map_line(line, "ddrescue's position, status and pass");
    }
    return {};
}

struct Block {
    ByteRange range;
    bool is_finished{false};
};

/// "pos size status"
Result<Block> parse_block(const Line& line)
{
    auto rest = line.text;
    const auto start = number(next_word(rest));
    const auto size = number(next_word(rest));
    const auto status = next_word(rest);
    const auto range = start && size ? ByteRange::make(ByteOffset{*start}, ByteCount{*size}) : std::nullopt;
    const bool is_status = status.size() == 1 && std::string_view{"?*/-+"}.contains(status.front());
    if (!range || !is_status || !next_word(rest).empty()) {
        return no_map_line(line, "position, size and one of ? * / - +");
    }
    return Block{.range = *range, .is_finished = status.front() == '+'};
}

/// Collects what is not finished; as ddrescue does, blocks must follow one another.
class BadAreas {
public:
    Result<> add(const Line& line)
    {
        const auto block = SALVAGE_TRY(parse_block(line));
        if (has_blocks_ && block.range.start() != end_) {
            return malformed(line.at, "the blocks of the ddrescue map do not follow one another",
                             fmt::format("found a block at {}, the one before ends at {}",
                                         format_offset(block.range.start()), format_offset(end_)));
        }
        // What lies before the first block was never tried.
        push(ByteRange::between(end_, block.range.start()));
        if (!block.is_finished) {
            push(block.range);
        }
        end_ = block.range.end();
        has_blocks_ = true;
        return {};
    }

    std::vector<ByteRange> areas;

private:
    void push(ByteRange range)
    {
        if (range.is_empty()) {
            return;
        }
        if (!areas.empty() && areas.back().end() == range.start()) {
            areas.back() = ByteRange::between(areas.back().start(), range.end());
        } else {
            areas.push_back(range);
        }
    }

    ByteOffset end_;
    bool has_blocks_{false};
};

} // namespace

Result<std::vector<ByteRange>> parse_bad_areas(std::string_view mapfile)
{
    BadAreas bad;
    bool has_status_line = false;
    for (std::size_t at = 0; at < mapfile.size();) {
        const auto end = std::min(mapfile.find('\n', at), mapfile.size());
        const Line line{.text = mapfile.substr(at, end - at), .at = ByteOffset{at}};
        at = end + 1;
        auto rest = line.text;
        const auto first = next_word(rest);
        if (first.empty() || first.front() == '#') {
            continue;
        }
        SALVAGE_TRY(has_status_line ? bad.add(line) : check_status_line(line));
        has_status_line = true;
    }
    if (!has_status_line) {
        return malformed(ByteOffset{0}, "this ddrescue map is empty", "it has no status line");
    }
    return std::move(bad.areas);
}

} // namespace salvage::io
