// Inodes that were deleted while they were open: the list through the inodes, and the file of newer kernels.
#include "orphans.hpp"

#include <algorithm>

namespace salvage::filesystem::ext {
namespace {

constexpr std::uint32_t orphan_magic = 0x0B10CA04;
constexpr std::size_t tail_bytes = 8; // magic and checksum

void follow_list(const Volume& volume, std::unordered_set<std::uint32_t>& out)
{
    for (auto number = volume.superblock.first_orphan; number != 0 && out.size() < max_orphans;) {
        const auto inode = volume.inode(number);
        if (!inode.has_value() || !out.insert(number).second) {
            return;
        }
        number = inode->deleted; // i_dtime is the link
    }
}

void read_file(const Volume& volume, std::unordered_set<std::uint32_t>& out)
{
    const auto inode = volume.inode(volume.superblock.orphan_file);
    if (!inode.has_value()) {
        return;
    }
    const auto content = volume.blocks_of(*inode);
    if (!content.has_value()) {
        return;
    }
    const std::uint64_t block_bytes = volume.superblock.block_bytes;
    const auto end = std::min<std::uint64_t>(inode->size, max_orphans * sizeof(std::uint32_t));
    for (std::uint64_t at = 0; at + block_bytes <= end; at += block_bytes) {
        const auto block = io::read_bytes(**content, ByteOffset{at}, ByteCount{block_bytes});
        if (!block.has_value() || load_le<std::uint32_t>(ByteView{*block}.last(tail_bytes)) != orphan_magic) {
            continue;
        }
        for (std::size_t i = 0; i + tail_bytes < block->size(); i += sizeof(std::uint32_t)) {
            if (const auto number = load_le<std::uint32_t>(ByteView{*block}.subspan(i)); number != 0) {
                out.insert(number);
            }
        }
    }
}

} // namespace

std::unordered_set<std::uint32_t> find_orphans(const Volume& volume)
{
    std::unordered_set<std::uint32_t> out;
    follow_list(volume, out);
    if (volume.superblock.orphan_file != 0) {
        read_file(volume, out);
    }
    return out;
}

} // namespace salvage::filesystem::ext
