// The room of f2fs that belongs to no file.
#include <utility>

#include <fmt/format.h>

#include "deleted.hpp"
#include "history.hpp"

namespace salvage::filesystem::f2fs {

Result<std::vector<ByteRange>> find_unused(const Volume& volume)
{
    const auto& superblock = volume.superblock();
    const auto written_later = blocks_of_recovered(volume);
    std::vector<ByteRange> out;
    const auto add = [&](std::uint64_t block) {
        const auto end = offset_of_block(block + 1);
        if (!out.empty() && out.back().end() == offset_of_block(block)) {
            out.back() = ByteRange::between(out.back().start(), end);
        } else {
            out.push_back(ByteRange::between(offset_of_block(block), end));
        }
    };
    std::uint32_t damaged = 0;
    for (std::uint32_t segment = 0; segment < superblock.main_segments; ++segment) {
        const auto entry = volume.segments().segment(segment);
        damaged += entry ? 0U : 1U;
        for (std::uint32_t i = 0; entry && i < blocks_per_segment; ++i) {
            const auto block = superblock.main_at + std::uint64_t{segment} * blocks_per_segment + i;
            if (!is_bit_set(entry->map, i) && !written_later.contains(block)) {
                add(block);
            }
        }
    }
    if (damaged == superblock.main_segments && damaged != 0) {
        return malformed({}, "the table of segments of f2fs is damaged",
                         fmt::format("none of its {} entries agrees with itself", damaged));
    }
    return out;
}

} // namespace salvage::filesystem::f2fs
