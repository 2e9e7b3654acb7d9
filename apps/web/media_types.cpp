#include "media_types.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace salvage::web {
namespace {

constexpr std::string_view unknown = "application/octet-stream";
constexpr std::string_view plain = "text/plain; charset=utf-8";

struct Type {
    std::string_view ending;
    std::string_view type;
};
/// Registered types (IANA) of what Android's apps write.  SVG is missing on purpose: it holds scripts.
constexpr auto types = std::to_array<Type>({
    {"jpg", "image/jpeg"}, {"jpeg", "image/jpeg"}, {"mpo", "image/jpeg"},  {"png", "image/png"},
    {"gif", "image/gif"},  {"webp", "image/webp"}, {"bmp", "image/bmp"},   {"mp4", "video/mp4"},
    {"m4v", "video/mp4"},  {"3gp", "video/3gpp"},  {"3g2", "video/3gpp2"}, {"webm", "video/webm"},
    {"mov", "video/mp4"},  {"mp3", "audio/mpeg"},  {"m4a", "audio/mp4"},   {"aac", "audio/aac"},
    {"ogg", "audio/ogg"},  {"opus", "audio/ogg"},  {"wav", "audio/wav"},   {"flac", "audio/flac"},
    {"amr", "audio/amr"},  {"txt", plain},         {"log", plain},         {"csv", plain},
    {"json", plain},       {"xml", plain},         {"htm", plain},         {"html", plain},
    {"md", plain},         {"ini", plain},         {"conf", plain},        {"cfg", plain},
    {"prop", plain},       {"properties", plain},  {"vcf", plain},         {"ics", plain},
    {"sh", plain},         {"rc", plain},          {"yaml", plain},        {"yml", plain},
    {"css", plain},        {"js", plain},          {"svg", plain},         {"nomedia", plain},
});

} // namespace

std::string media_type(std::string_view name)
{
    const auto dot = name.rfind('.');
    if (dot == std::string_view::npos) {
        return std::string{unknown};
    }
    std::string ending{name.substr(dot + 1)};
    std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto* const found = std::ranges::find(types, ending, &Type::ending);
    return std::string{found == types.end() ? unknown : found->type};
}

} // namespace salvage::web
