// The scatter file of MT6573 to MT6589: `NAME 0xADDRESS`, `{`, `}`.  Linear addresses alone, no sizes.
#include "probes.hpp"
#include "scatter.hpp"
#include "text_lines.hpp"

namespace salvage::partition {
namespace {

constexpr std::string_view not_downloadable{"__NODL_"};
constexpr std::string_view reserved{"RSV_"}; // MT6589, as "__NODL_RSV_…" as well

/// A name as it is on the phone, and what its prefixes said.
void set_name(ScatterBlock& block, std::string_view name)
{
    const bool is_downloadable = !name.starts_with(not_downloadable);
    auto bare = is_downloadable ? name : name.substr(not_downloadable.size());
    const bool is_reserved = bare.starts_with(reserved);
    bare = is_reserved ? bare.substr(reserved.size()) : bare;
    block.keys.emplace_back("partition_name", bare.empty() ? name : bare);
    block.keys.emplace_back("is_download", is_downloadable ? "true" : "false");
    if (is_reserved) {
        block.keys.emplace_back("is_reserved", "true");
    }
}

struct Header {
    std::string_view name;
    std::string_view address;
};

/// `NAME 0xADDRESS`, perhaps with the brace on the same line.
std::optional<Header> parse_header(std::string_view text)
{
    if (text.ends_with('{')) {
        text = trimmed(text.substr(0, text.size() - 1));
    }
    const auto [name, address] = split_word(text);
    const bool is_hex = address.starts_with("0x") || address.starts_with("0X");
    return is_hex && parse_address(address) ? std::optional{Header{.name = name, .address = address}} : std::nullopt;
}

} // namespace

Result<ProbeResults> probe_scatter_text(const Input& input)
{
    if (!input.is_small() || !looks_like_text(input.small_file) || input.text().find('{') == std::string_view::npos) {
        return ProbeResults{};
    }
    ScatterFile file{.kind = "scatter-text", .dialect = "NAME 0xADDRESS { }", .general = {}, .blocks = {}};
    std::size_t foreign = 0;
    Lines lines{input.text()};
    for (auto line = lines.next(); line && file.blocks.size() < max_scatter_blocks; line = lines.next()) {
        if (line->text.empty() || line->text.starts_with('#') || line->text == "{" || line->text == "}" ||
            line->text == "{}") {
            continue;
        }
        const auto header = parse_header(line->text);
        if (!header) {
            ++foreign;
            continue;
        }
        ScatterBlock block{.keys = {}, .section = {}, .at = line->at, .line = line->number};
        set_name(block, header->name);
        block.keys.emplace_back("linear_start_addr", header->address);
        file.blocks.push_back(std::move(block));
    }
    if (file.blocks.empty() || foreign > file.blocks.size()) {
        return ProbeResults{};
    }
    return scatter_of_lines(input, file, foreign);
}

} // namespace salvage::partition
