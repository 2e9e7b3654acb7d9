// ddrescue maps: blocks follow one another, what is written is read again, and bad areas come in order.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "require.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/io/ddrescue_map.hpp"

namespace {

using namespace salvage;

void check_blocks(const io::RescueMap& map)
{
    ByteOffset at;
    const io::MapBlock* before = nullptr;
    for (const auto& block : map.blocks()) {
        fuzz::require(!block.range.is_empty() && block.range.start() == at);
        fuzz::require(before == nullptr || before->status != block.status);
        at = block.range.end();
        before = &block;
    }
    fuzz::require(map.size().value == at.value);
}

/// Changes steered by the input itself.
void check_changes(io::RescueMap map, ByteView bytes)
{
    constexpr std::size_t change_bytes = 5;
    for (std::size_t at = 0; at + change_bytes <= bytes.size() && at < 64 * change_bytes; at += change_bytes) {
        const auto change = bytes.subspan(at, change_bytes);
        const ByteOffset start{load_le<std::uint16_t>(change)};
        const auto range = ByteRange::between(start, start + ByteCount{load_le<std::uint16_t>(change.subspan(2))});
        map.set(range, static_cast<io::BlockStatus>("?*/-+"[std::to_integer<unsigned>(change[4]) % 5]));
        check_blocks(map);
    }
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto bytes = std::as_bytes(std::span{data, size});
    check_changes(io::RescueMap{ByteCount{40000}}, bytes);
    const auto map = io::parse_rescue_map(as_text(bytes));
    if (!map.has_value()) {
        fuzz::require(map.error().where.has_value());
        return 0;
    }
    check_blocks(*map);
    const auto again = io::parse_rescue_map(io::to_mapfile(*map, {}, as_text(bytes)));
    fuzz::require(again.has_value() && again->blocks() == map->blocks());
    const auto bad = io::parse_bad_areas(as_text(bytes));
    fuzz::require(bad.has_value());
    ByteOffset at;
    bool is_first = true;
    for (const auto& area : *bad) {
        fuzz::require(!area.is_empty() && (is_first || area.start() > at));
        at = area.end();
        is_first = false;
    }
    return 0;
}
