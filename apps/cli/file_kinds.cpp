#include "file_kinds.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::cli {
namespace {

using rescue::FileKind;

struct KindName {
    std::string_view name;
    FileKind kind;
};
constexpr std::array kind_names{KindName{"image", FileKind::image}, KindName{"video", FileKind::video},
                                KindName{"audio", FileKind::audio}, KindName{"document", FileKind::document},
                                KindName{"database", FileKind::database}};

} // namespace

void add_kind_option(CLI::App& command, std::vector<std::string>& kinds)
{
    command.add_option("--kind", kinds, "only image, video, audio, document, database (repeatable)")
        ->check(CLI::IsMember({"image", "video", "audio", "document", "database"}));
}

Result<FileKind> file_kind_from(std::string_view name)
{
    const auto* const found = std::ranges::find(kind_names, name, &KindName::name);
    if (found == kind_names.end()) {
        return invalid_argument(fmt::format("there is no kind {}", printable(name)), {},
                                "image, video, audio, document or database");
    }
    return found->kind;
}

} // namespace salvage::cli
