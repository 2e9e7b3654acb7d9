// All inodes of a volume in one pass, and which inodes a block of the volume holds.
#include "inode_tables.hpp"

#include <algorithm>
#include <utility>

namespace salvage::filesystem::ext {
namespace {

constexpr std::uint64_t chunk_bytes = 1U << 20U;

bool was_used(ByteView inode) noexcept
{
    return load_le<std::uint16_t>(inode) != 0 || load_le<std::uint16_t>(inode.subspan(0x1A)) != 0; // mode, links
}

/// Inodes of one table, handed on from the readable parts of it.
class TableScan {
public:
    TableScan(const Volume& volume, std::uint32_t first_number, ByteOffset start,
              const std::function<Result<>(std::uint32_t, ByteView)>& visit, InodeScan& report)
        : volume_{volume}, first_number_{first_number}, start_{start}, visit_{visit}, report_{report},
          inode_bytes_{volume.superblock.inode_bytes}
    {
    }

    Result<> run(std::uint64_t inodes)
    {
        const auto range = ByteRange::between(start_, start_ + ByteCount{inodes * inode_bytes_});
        for (const auto& extent : SALVAGE_TRY(volume_.source->extents(range))) {
            SALVAGE_TRY(take_extent(extent));
        }
        return {};
    }

private:
    /// A hole holds zeros, and no inode is all zeros.
    Result<> take_extent(const io::Extent& extent)
    {
        const auto first = (extent.range.start() - start_).value / inode_bytes_;
        const auto end = ((extent.range.end() - start_).value + inode_bytes_ - 1) / inode_bytes_;
        if (extent.kind == io::ExtentKind::unreadable) {
            report_.unreadable += end - first;
        }
        if (extent.kind != io::ExtentKind::data) {
            return {};
        }
        const auto step = chunk_bytes / inode_bytes_;
        for (auto at = first; at < end; at += step) {
            SALVAGE_TRY(take_chunk(at, std::min(step, end - at)));
        }
        return {};
    }

    Result<> take_chunk(std::uint64_t first, std::uint64_t count)
    {
        const auto bytes =
            io::read_bytes(*volume_.source, start_ + ByteCount{first * inode_bytes_}, ByteCount{count * inode_bytes_});
        if (!bytes.has_value()) {
            if (bytes.error().code == ErrorCode::io) {
                return bytes.error();
            }
            if (count == 1) {
                ++report_.unreadable;
                return {};
            }
            SALVAGE_TRY(take_chunk(first, count / 2));
            return take_chunk(first + count / 2, count - count / 2);
        }
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto inode = ByteView{*bytes}.subspan(i * inode_bytes_, inode_bytes_);
            if (was_used(inode)) {
                ++report_.seen;
                SALVAGE_TRY(visit_(first_number_ + static_cast<std::uint32_t>(first + i), inode));
            }
        }
        return {};
    }

    const Volume& volume_;
    std::uint32_t first_number_;
    ByteOffset start_;
    const std::function<Result<>(std::uint32_t, ByteView)>& visit_;
    InodeScan& report_;
    std::uint64_t inode_bytes_;
};

} // namespace

InodeTables::InodeTables(const Volume& volume)
    : inodes_per_block_{volume.superblock.block_bytes / volume.superblock.inode_bytes},
      inodes_per_group_{volume.superblock.inodes_per_group},
      table_blocks_{(std::uint64_t{inodes_per_group_} + inodes_per_block_ - 1) / inodes_per_block_}
{
    for (std::uint32_t number = 0; number < volume.superblock.groups; ++number) {
        const auto group = volume.library->group(number);
        const bool is_inside = group.inode_table != 0 && group.inode_table < volume.superblock.blocks &&
                               volume.superblock.blocks - group.inode_table >= table_blocks_;
        if (is_inside) {
            const auto used =
                group.has_inodes ? inodes_per_group_ - std::min(group.unused_inodes, inodes_per_group_) : 0;
            tables_.push_back({.block = group.inode_table, .group = number, .used = used});
        }
    }
    std::ranges::sort(tables_, {}, [](const Table& table) { return std::pair{table.block, table.group}; });
    std::uint64_t end = 0;
    std::erase_if(tables_, [&](const Table& table) {
        const bool overlaps = table.block < end;
        end = overlaps ? end : table.block + table_blocks_;
        return overlaps;
    });
}

std::optional<std::uint32_t> InodeTables::first_inode_in(std::uint64_t block) const
{
    const auto after = std::ranges::upper_bound(tables_, block, {}, &Table::block);
    if (after == tables_.begin()) {
        return std::nullopt;
    }
    const auto& table = *(after - 1);
    const auto within = block - table.block;
    if (within >= table_blocks_) {
        return std::nullopt;
    }
    return table.group * inodes_per_group_ + static_cast<std::uint32_t>(within) * inodes_per_block_ + 1;
}

Result<InodeScan> InodeTables::for_each(const Volume& volume, const RunContext& context,
                                        const std::function<Result<>(std::uint32_t, ByteView)>& visit) const
{
    InodeScan report;
    for (std::size_t i = 0; i < tables_.size(); ++i) {
        if (context.is_stopped()) {
            return cancelled("reading all inodes");
        }
        const auto& table = tables_[i];
        TableScan scan{volume, table.group * inodes_per_group_ + 1,
                       ByteOffset{table.block * volume.superblock.block_bytes}, visit, report};
        SALVAGE_TRY(scan.run(table.used));
        context.progress->update({.step = "deleted", .unit = "groups", .done = i + 1, .total = tables_.size()});
    }
    return report;
}

} // namespace salvage::filesystem::ext
