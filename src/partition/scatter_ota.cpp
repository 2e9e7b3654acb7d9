// The scatter.txt of over-the-air packages: `name 0xstart` lines.  Physical addresses, no sizes, no regions.
#include "names.hpp"
#include "probes.hpp"
#include "scatter.hpp"
#include "text_lines.hpp"

namespace salvage::partition {
namespace {

struct Entry {
    std::string_view name;
    std::string_view address;
};

std::optional<Entry> parse_entry(std::string_view text)
{
    const auto words = words_of(text, 3);
    const bool is_entry =
        words.size() == 2 && (words[1].starts_with("0x") || words[1].starts_with("0X")) && parse_address(words[1]);
    return is_entry ? std::optional{Entry{.name = words[0], .address = words[1]}} : std::nullopt;
}

} // namespace

Result<ProbeResults> probe_scatter_ota(const Input& input)
{
    if (!input.is_small() || !looks_like_text(input.small_file)) {
        return ProbeResults{};
    }
    ScatterFile file{.kind = "scatter-ota", .dialect = "name 0xstart", .general = {}, .blocks = {}};
    std::size_t foreign = 0;
    Lines lines{input.text()};
    for (auto line = lines.next(); line && file.blocks.size() < max_scatter_blocks; line = lines.next()) {
        if (line->text.empty() || line->text.starts_with('#')) {
            continue;
        }
        const auto entry = parse_entry(line->text);
        if (!entry) {
            ++foreign;
            continue;
        }
        // The preloader is the one entry outside the user area; it may stand at any address (0x40000 on an Archos).
        const bool is_preloader = canonical_name(entry->name).starts_with("preloader");
        file.blocks.push_back({.keys = {{"partition_name", std::string{entry->name}},
                                        {"physical_start_addr", std::string{entry->address}},
                                        {"region", is_preloader ? "EMMC_BOOT_1" : "EMMC_USER"}},
                               .section = {},
                               .at = line->at,
                               .line = line->number});
    }
    if (file.blocks.size() < 2 || foreign * 4 > file.blocks.size()) {
        return ProbeResults{}; // some other text with a number here and there
    }
    return scatter_of_lines(input, file, foreign);
}

} // namespace salvage::partition
