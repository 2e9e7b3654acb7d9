// The names of E01 segments: .E01 to .E99, then .EAA to .ZZZ.
#include <cctype>
#include <string>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/io/e01.hpp"

namespace salvage::io {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t last_with_digits = 99;
constexpr std::uint32_t letters = 26;

/// "E01", "e01", "S01": the letter and "01", behind the last dot.
std::string first_suffix(const fs::path& path)
{
    const auto extension = path.extension().string();
    const bool is_first = extension.size() == 4 && std::isalpha(static_cast<unsigned char>(extension[1])) != 0 &&
                          extension.ends_with("01");
    return is_first ? extension.substr(1) : std::string{};
}

} // namespace

Result<fs::path> e01_segment_path(const fs::path& first, std::uint32_t number)
{
    const auto suffix = first_suffix(first);
    if (suffix.empty()) {
        return invalid_argument(fmt::format("'{}' is not named as a first segment", printable(first.string())),
                                "a name that ends in .E01 was expected");
    }
    auto out = first;
    if (number >= 1 && number <= last_with_digits) {
        return out.replace_extension(fmt::format("{}{:02}", suffix[0], number));
    }
    const auto index = number - last_with_digits - 1;
    const auto is_upper = std::isupper(static_cast<unsigned char>(suffix[0])) != 0;
    const auto leading =
        static_cast<std::uint32_t>(static_cast<unsigned char>(suffix[0])) + (index / letters / letters);
    if (number == 0 || leading > static_cast<std::uint32_t>(is_upper ? 'Z' : 'z')) {
        return invalid_argument(fmt::format("there is no name for segment {}", number),
                                "they end with .ZZZ, segment 14971", "choose larger segments");
    }
    const auto base = is_upper ? 'A' : 'a';
    const auto letter = [&](std::uint32_t n) { return static_cast<char>(base + static_cast<char>(n)); };
    return out.replace_extension(
        fmt::format("{}{}{}", static_cast<char>(leading), letter(index / letters % letters), letter(index % letters)));
}

Result<std::vector<fs::path>> find_e01_segments(const fs::path& first)
{
    std::error_code problem;
    if (!fs::exists(first, problem)) {
        return not_found("the first segment of the image is not there", printable(first.string()));
    }
    std::vector<fs::path> out{first};
    if (first_suffix(first).empty()) {
        return out; // renamed: then it has to be the only one
    }
    for (std::uint32_t number = 2;; ++number) {
        const auto path = e01_segment_path(first, number);
        if (!path.has_value() || !fs::exists(*path, problem)) {
            return out;
        }
        out.push_back(*path);
    }
}

} // namespace salvage::io
