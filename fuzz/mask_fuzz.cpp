// Masks, mask files, templates, date formats and half-remembered patterns: whatever is typed ends in an error or in
// candidates that are numbered without a gap.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../src/password/mask_list.hpp" // private: the lines of a mask file
#include "require.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/password/dates.hpp"
#include "salvage/password/mask.hpp"
#include "salvage/password/remembered.hpp"

namespace {

using namespace salvage;
using namespace salvage::password;
using fuzz::require;

enum class Kind : std::uint8_t { mask, hex_mask, mask_file, remembered, pattern, raw_pattern, dates, count };

/// Fields are kept apart by line ends: charsets first, then what they are for.
std::vector<std::string> fields_of(std::string_view text)
{
    std::vector<std::string> out(1);
    for (const char c : text) {
        if (c == '\n' && out.size() <= custom_charsets) {
            out.emplace_back();
        } else {
            out.back().push_back(c);
        }
    }
    return out;
}

/// Charset files are the business of other tests: no name ends like one.
CustomCharsets charsets_of(const std::vector<std::string>& fields)
{
    CustomCharsets out;
    for (std::size_t i = 0; i + 1 < fields.size(); ++i) {
        out.at(i) = fields[i].ends_with(".hcchr") ? "x" : fields[i];
    }
    return out;
}

/// Much that is open on a large grid takes seconds until it is refused; that is tested, not fuzzed.
unsigned side_for(std::string_view dashed, unsigned option)
{
    const bool is_cheap = dashed.find('*') == std::string_view::npos && std::ranges::count(dashed, '?') <= 4;
    return is_cheap ? 2 + option % 6 : 3;
}

Result<KeyspacePtr> make(Kind kind, unsigned option, std::string_view text)
{
    const auto fields = fields_of(text);
    const auto increment = option % 4 == 0 ? std::nullopt : std::optional{MaskIncrement{.min = option % 4, .max = 40}};
    switch (kind) {
    case Kind::mask: return make_mask({.mask = fields.back(), .charsets = charsets_of(fields), .increment = increment});
    case Kind::hex_mask:
        return make_mask(
            {.mask = fields.back(), .charsets = charsets_of(fields), .notation = MaskNotation::hex, .increment = {}});
    case Kind::remembered: return make_remembered({.text = fields.back(), .charsets = charsets_of(fields)});
    case Kind::pattern: return make_remembered_pattern(text, side_for(text, option), PatternEncoding::digits);
    case Kind::raw_pattern: return make_remembered_pattern(text, 3, PatternEncoding::raw_zero);
    case Kind::dates: return make_dates({.from_year = 1990, .to_year = 1991 + option % 8, .formats = fields});
    case Kind::mask_file:
    case Kind::count: break;
    }
    return invalid_argument("not a keyspace");
}

/// Both ends are there, nothing is behind them, and pieces join: what two reads give, one gives.
void check(const Keyspace& keyspace)
{
    const auto size = keyspace.size().value;
    require(size > 0);
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(size, 64));
    std::vector<Candidate> at_once(count);
    require(keyspace.candidates(0, at_once).has_value());
    for (std::size_t i = 0; i < count; ++i) {
        const auto one = candidate_at(keyspace, i);
        require(one.has_value() && one->bytes == at_once[i].bytes && one->bytes.size() <= max_word_bytes);
    }
    std::sort(at_once.begin(), at_once.end(), [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
    require(std::adjacent_find(at_once.begin(), at_once.end(),
                               [](const auto& a, const auto& b) { return a.bytes == b.bytes; }) == at_once.end());
    require(candidate_at(keyspace, size - 1).has_value());
    require(!candidate_at(keyspace, size).has_value());
}

/// Lines may describe a candidate twice.
void check_mask_file(std::string_view text)
{
    if (text.find(".hcchr") != std::string_view::npos) {
        return;
    }
    const auto list = parse_mask_lines(text, MaskNotation::text, std::nullopt);
    if (list.has_value()) {
        std::string word;
        list->write(0, word);
        list->write(list->size() - 1, word);
        require(word.size() <= max_mask_places);
    }
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    constexpr std::size_t most_bytes = 8192; // twice the longest template
    const auto text = as_text(std::as_bytes(std::span{data, std::min(size, most_bytes)}));
    if (text.empty()) {
        return 0;
    }
    // The first byte is a letter in the seeds: 'a' is a mask.
    const auto first = static_cast<unsigned>(static_cast<unsigned char>(text.front())) + 259 - 'a'; // 259 = 37 * 7
    const auto kind = static_cast<Kind>(first % static_cast<unsigned>(Kind::count));
    const auto rest = text.substr(1);
    if (kind == Kind::mask_file) {
        check_mask_file(rest);
        return 0;
    }
    const auto keyspace = make(kind, first / static_cast<unsigned>(Kind::count), rest);
    if (keyspace.has_value()) {
        check(**keyspace);
    } else {
        require(!keyspace.error().what.empty());
    }
    return 0;
}
