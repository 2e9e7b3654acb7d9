// Lines of a mask file: `[?1,][?2,][?3,][?4,]mask`.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "password/mask_list.hpp"
#include "password/take_line.hpp"

namespace salvage::password {
namespace {

constexpr std::size_t max_fields = custom_charsets + 1;

/// Splits at commas; a backslash makes the next byte an ordinary one and goes away.
Result<std::vector<std::string>> split_fields(std::string_view line)
{
    std::vector<std::string> out(1);
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '\\' && i + 1 < line.size()) {
            out.back().push_back(line[++i]);
        } else if (line[i] != ',') {
            out.back().push_back(line[i]);
        } else if (out.size() == max_fields) {
            return invalid_argument("the line has too many fields",
                                    fmt::format("column {}: found a comma after {} fields", i + 1, max_fields),
                                    "a line has four charsets and a mask at most; a comma in them is written \\,");
        } else {
            out.emplace_back();
        }
    }
    return out;
}

Result<> add_line(MaskList& list, std::string_view line, MaskNotation notation,
                  const std::optional<MaskIncrement>& increment)
{
    auto fields = SALVAGE_TRY(split_fields(line));
    const auto mask = std::move(fields.back());
    fields.pop_back();
    CustomCharsets typed;
    std::ranges::move(fields, typed.begin());
    const auto custom = SALVAGE_TRY(parse_charsets(typed, notation));
    return list.add(mask, notation, custom, increment);
}

} // namespace

Result<MaskList> parse_mask_lines(std::string_view text, MaskNotation notation,
                                  const std::optional<MaskIncrement>& increment)
{
    MaskList out;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto line = take_line(text);
        if (!line.empty() && line.front() != '#') {
            SALVAGE_TRY(add_line(out, line, notation, increment).in(fmt::format("reading line {}", number)));
        }
    }
    if (out.masks() == 0) {
        return invalid_argument("the mask file has no mask", "every line is empty or a comment");
    }
    return out;
}

} // namespace salvage::password
