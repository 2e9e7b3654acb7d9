// ddrescue's mapfile, read and written.  Lines: comments ('#'), one status line "current_pos status [pass]", then "pos
// size status".
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

/// "pos size status"
Result<MapBlock> parse_block(const Line& line)
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
    return MapBlock{.range = *range, .status = static_cast<BlockStatus>(status.front())};
}

/// Collects the blocks; as ddrescue does, they must follow one another.
class Blocks {
public:
    Result<> add(const Line& line)
    {
        const auto block = SALVAGE_TRY(parse_block(line));
        if (has_blocks_ && block.range.start().value != map.size().value) {
            return malformed(line.at, "the blocks of the ddrescue map do not follow one another",
                             fmt::format("found a block at {}, the one before ends at {}",
                                         format_offset(block.range.start()),
                                         format_offset(ByteOffset{map.size().value})));
        }
        // What lies before the first block was never tried.
        map.resize(ByteCount{block.range.end().value});
        map.set(block.range, block.status);
        has_blocks_ = true;
        return {};
    }

    RescueMap map;

private:
    bool has_blocks_{false};
};

} // namespace

Result<RescueMap> parse_rescue_map(std::string_view mapfile)
{
    Blocks blocks;
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
        SALVAGE_TRY(has_status_line ? blocks.add(line) : check_status_line(line));
        has_status_line = true;
    }
    if (!has_status_line) {
        return malformed(ByteOffset{0}, "this ddrescue map is empty", "it has no status line");
    }
    return std::move(blocks.map);
}

Result<std::vector<ByteRange>> parse_bad_areas(std::string_view mapfile)
{
    const auto map = SALVAGE_TRY(parse_rescue_map(mapfile));
    return map.unfinished(ByteRange::first(map.size()));
}

std::string to_mapfile(const RescueMap& map, const MapState& state, std::string_view heading)
{
    std::string out;
    for (std::size_t at = 0; at < heading.size();) {
        const auto end = std::min(heading.find('\n', at), heading.size());
        out += fmt::format("# {}\n", heading.substr(at, end - at));
        at = end + 1;
    }
    out += fmt::format("# current_pos  current_status  current_pass\n0x{:08X}     {}               {}\n"
                       "#      pos        size  status\n",
                       state.position.value, state.status, state.pass);
    for (const auto& block : map.blocks()) {
        out += fmt::format("0x{:08X}  0x{:08X}  {}\n", block.range.start().value, block.range.size().value,
                           static_cast<char>(block.status));
    }
    return out;
}

} // namespace salvage::io
