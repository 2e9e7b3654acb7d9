// Several files at once, whatever they are: read, reconciled, and rendered in both forms.
//
// The input is cut at each separator line; each piece is a file.
#include <nlohmann/json.hpp>

#include "salvage/render/render.hpp"
#include "table_walk.hpp"

namespace {

constexpr std::string_view separator{"\n=== next file ===\n"};
constexpr std::size_t max_files = 4;

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace salvage;
    auto rest = as_text(std::as_bytes(std::span{data, size}));
    std::vector<partition::Table> tables;
    for (std::size_t i = 0; i < max_files; ++i) {
        const auto end = std::min(rest.find(separator), rest.size());
        const auto name = i == 1 ? std::string{"EBR1"} : "file " + std::to_string(i);
        auto more = partition::read_tables(*io::make_memory(fuzz::copied(as_bytes(rest.substr(0, end))), name), name);
        if (more.has_value()) {
            std::ranges::move(*more, std::back_inserter(tables));
        } else {
            fuzz::require_sound(more.error());
        }
        rest.remove_prefix(std::min(end + separator.size(), rest.size()));
        if (rest.empty()) {
            break;
        }
    }
    const auto layout = fuzz::walk(std::move(tables), std::nullopt);
    const auto text = render::text(layout, {.colour = render::Colour::off});
    fuzz::require(text.empty() || text.ends_with('\n'));
    fuzz::require(std::ranges::none_of(text, [](char c) { return c != '\n' && c >= 0 && c < 0x20; }));
    const auto json = nlohmann::json::parse(render::json(layout), nullptr, false);
    fuzz::require(!json.is_discarded() && json.at("schema") == "salvage.layout/1");
    fuzz::require(json.at("partitions").size() == layout.partitions.size());
    return 0;
}
