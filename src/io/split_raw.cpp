// The parts of a split raw image, found by their numbered names: ".001" (FTK, X-Ways), ".000", ".00", or split's ".aa".
#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "split_raw.hpp"

namespace salvage::io {
namespace {

namespace fs = std::filesystem;

// Six digits number a million parts; longer suffixes are dates and serial numbers.
constexpr std::size_t max_suffix = 6;

bool is_all(std::string_view text, char first, char last)
{
    return std::ranges::all_of(text, [&](char c) { return c >= first && c <= last; });
}

bool is_number(std::string_view suffix)
{
    return suffix.size() >= 2 && suffix.size() <= max_suffix && is_all(suffix, '0', '9');
}

bool is_letters(std::string_view suffix)
{
    return suffix.size() >= 2 && suffix.size() <= max_suffix && is_all(suffix, 'a', 'z');
}

/// The name after `suffix`: "009" → "010", "999" → "1000", "az" → "ba"; nothing after "zz".
std::optional<std::string> next_suffix(std::string suffix)
{
    const bool is_decimal = is_number(suffix);
    const auto first = is_decimal ? '0' : 'a';
    const auto last = is_decimal ? '9' : 'z';
    for (auto at = suffix.size(); at > 0; --at) {
        auto& c = suffix[at - 1];
        if (c != last) {
            ++c;
            return suffix;
        }
        c = first;
    }
    return is_decimal ? std::optional{"1" + suffix} : std::nullopt;
}

/// Suffix without its dot, of a file beside `first` that has the same stem.
std::string suffix_of(const fs::path& path)
{
    const auto extension = path.extension().string();
    return extension.empty() ? extension : extension.substr(1);
}

/// "010" comes after "009", "1000" after "999", "ba" after "az".
bool is_before(const std::string& left, const std::string& right)
{
    return left.size() != right.size() ? left.size() < right.size() : left < right;
}

/// Of "dump.001", "dump.000": some tools number from zero.
std::optional<fs::path> part_before(const fs::path& first, std::string suffix)
{
    if (suffix.back() != '1') {
        return std::nullopt;
    }
    suffix.back() = '0';
    auto path = first;
    path.replace_extension(suffix);
    return path;
}

/// A part that lies beyond the first missing one.
std::optional<fs::path> part_after(const fs::path& first, const std::string& missing)
{
    const auto folder = first.has_parent_path() ? first.parent_path() : fs::path{"."};
    const auto is_decimal = is_number(missing);
    std::error_code problem;
    for (fs::directory_iterator entry{folder, problem}, end; !problem && entry != end; entry.increment(problem)) {
        const auto& path = entry->path();
        const auto suffix = suffix_of(path);
        if (path.stem() == first.stem() && (is_decimal ? is_number(suffix) : is_letters(suffix)) &&
            is_before(missing, suffix)) {
            return path;
        }
    }
    return std::nullopt;
}

} // namespace

bool names_first_part(const fs::path& path)
{
    const auto suffix = suffix_of(path);
    if (is_letters(suffix)) {
        return is_all(suffix, 'a', 'a');
    }
    return is_number(suffix) && is_all(suffix.substr(0, suffix.size() - 1), '0', '0') && suffix.back() <= '1';
}

Result<std::vector<fs::path>> find_split_parts(const fs::path& first)
{
    if (!names_first_part(first)) {
        return invalid_argument(fmt::format("'{}' is not the first part of a split image", printable(first.string())),
                                "its name does not end in .001, .000, .01, .00 or .aa", "name the first part");
    }
    std::vector<fs::path> parts;
    std::error_code problem;
    auto suffix = std::optional{suffix_of(first)};
    if (const auto zeroth = part_before(first, *suffix); zeroth && fs::exists(*zeroth, problem)) {
        return invalid_argument(fmt::format("'{}' is not the first part of its split image", printable(first.string())),
                                fmt::format("{} is there too and comes before it", printable(zeroth->string())),
                                "name that one");
    }
    auto path = first;
    while (suffix && fs::exists(path, problem)) {
        parts.push_back(path);
        suffix = next_suffix(*suffix);
        if (suffix) {
            path.replace_extension(*suffix);
        }
    }
    if (parts.empty()) {
        return not_found("the first part of the split image is not there", printable(first.string()));
    }
    const auto later = suffix ? part_after(first, *suffix) : std::nullopt;
    if (later) {
        return not_found(fmt::format("a part of the split image is missing: {}", printable(path.string())),
                         fmt::format("{} is there, so the image goes on beyond the gap", printable(later->string())),
                         "put the missing part beside the others");
    }
    return parts;
}

} // namespace salvage::io
