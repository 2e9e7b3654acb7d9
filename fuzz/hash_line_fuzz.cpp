// Hash lines: what is read can be written again, and reads the same.
#include <cstdint>

#include "require.hpp"
#include "salvage/fde/hash_lines.hpp"

using namespace salvage;
using fuzz::require;

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto line = fde::parse_hash_line(as_text(std::as_bytes(std::span{data, size})));
    if (!line.has_value()) {
        require(line.error().where.has_value() && line.error().where->chain.front().at.value <= size);
        return 0;
    }
    const auto text = as_text(std::as_bytes(std::span{data, size}));
    if (text.find("$salvage$") != std::string_view::npos) {
        // What a line of ours holds is checked by the footer's own target; it may be of a kind that has no other line.
        require(line->sectors.size() <= fde::salvage_line_userdata_bytes);
        return 0;
    }
    const auto written = fde::format_hash_line(line->footer, line->sectors);
    require(written.has_value());
    const auto again = fde::parse_hash_line(*written);
    require(again.has_value() && again->sectors == line->sectors &&
            again->footer.wrapped_key == line->footer.wrapped_key && again->footer.salts == line->footer.salts);
    return 0;
}
