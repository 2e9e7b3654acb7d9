#include "salvage/artifact/extraction.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace salvage::artifact {
namespace {

struct Ending {
    std::string_view ending;
    MediaKind kind;
};
// What Android's media scanner takes for pictures, films and sound: frameworks/base, MediaFile.java.
constexpr std::array endings{
    Ending{".jpg", MediaKind::image},  Ending{".jpeg", MediaKind::image}, Ending{".png", MediaKind::image},
    Ending{".gif", MediaKind::image},  Ending{".bmp", MediaKind::image},  Ending{".webp", MediaKind::image},
    Ending{".heic", MediaKind::image}, Ending{".heif", MediaKind::image}, Ending{".dng", MediaKind::image},
    Ending{".mp4", MediaKind::video},  Ending{".3gp", MediaKind::video},  Ending{".3gpp", MediaKind::video},
    Ending{".3g2", MediaKind::video},  Ending{".mkv", MediaKind::video},  Ending{".webm", MediaKind::video},
    Ending{".avi", MediaKind::video},  Ending{".mov", MediaKind::video},  Ending{".m4v", MediaKind::video},
    Ending{".mp3", MediaKind::audio},  Ending{".m4a", MediaKind::audio},  Ending{".ogg", MediaKind::audio},
    Ending{".opus", MediaKind::audio}, Ending{".amr", MediaKind::audio},  Ending{".aac", MediaKind::audio},
    Ending{".wav", MediaKind::audio}};

char lower(char letter) noexcept
{
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool ends_with(std::string_view name, std::string_view ending) noexcept
{
    return name.size() > ending.size() &&
           std::ranges::equal(name.substr(name.size() - ending.size()), ending, {}, lower);
}

/// What is the same in "+49 30 901820" and "030/901820": the last eight digits.  Other addresses without case.
std::string address_key(std::string_view address)
{
    constexpr std::size_t digits_that_tell = 8;
    constexpr std::size_t fewest_digits = 5;
    std::string digits;
    std::string letters;
    bool is_number = true;
    for (const auto letter : address) {
        if (letter >= '0' && letter <= '9') {
            digits += letter;
        } else if (!std::string_view{"+ ()-./"}.contains(letter)) {
            is_number = false;
        }
        letters += lower(letter);
    }
    if (!is_number || digits.size() < fewest_digits) {
        return letters;
    }
    return digits.size() > digits_that_tell ? digits.substr(digits.size() - digits_that_tell) : digits;
}

} // namespace

MediaKind media_kind_of(std::string_view mime_type, std::string_view name) noexcept
{
    constexpr std::array types{std::pair{std::string_view{"image/"}, MediaKind::image},
                               std::pair{std::string_view{"video/"}, MediaKind::video},
                               std::pair{std::string_view{"audio/"}, MediaKind::audio}};
    for (const auto& [type, kind] : types) {
        if (mime_type.starts_with(type)) {
            return kind;
        }
    }
    const auto* const found =
        std::ranges::find_if(endings, [&](const Ending& ending) { return ends_with(name, ending.ending); });
    return found == endings.end() ? MediaKind::other : found->kind;
}

std::string to_string(const Origin& origin)
{
    if (origin.table.empty()) {
        return origin.file;
    }
    return origin.row ? fmt::format("{}, {}, row {}", origin.file, origin.table, *origin.row)
                      : fmt::format("{}, {}", origin.file, origin.table);
}

void NameBook::add(std::string_view address, const std::string& name)
{
    // A phone has some thousand contacts.
    constexpr std::size_t most_names = 200'000;
    if (!address.empty() && !name.empty() && names_.size() < most_names) {
        names_.emplace(address_key(address), name);
    }
}

std::string NameBook::find(std::string_view address) const
{
    const auto found = names_.find(address_key(address));
    return found == names_.end() ? std::string{} : found->second;
}

} // namespace salvage::artifact
