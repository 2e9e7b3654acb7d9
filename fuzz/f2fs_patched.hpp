// A volume of f2fs with changes laid over it: the base stays as it is and is shared.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "f2fs_seed.hpp"
#include "filesystem/f2fs/layout.hpp"

namespace salvage::fuzz {

class PatchedVolume final : public io::ByteSource {
public:
    explicit PatchedVolume(std::shared_ptr<const SeedVolume> base) : base_{std::move(base)} {}

    /// `changes` are up to 64 of: kind (1), which of `blocks` (2), and by kind: 0 to 4 bytes to write there: offset
    /// (2), their number (1), bytes; 5 a field of the node's or checkpoint's head: offset (1), 4 bytes; 6 the whole
    /// block from another (2); 7 unreadable.  The highest bit of the kind: its checksum stays wrong.
    void apply(ByteView changes, std::span<const std::uint32_t> blocks)
    {
        std::set<std::uint32_t> repaired;
        for (std::size_t count = 0; changes.size() >= 5 && count < 64; ++count) {
            const auto kind = std::to_integer<unsigned>(changes[0]);
            const auto block = blocks[load_le<std::uint16_t>(changes.subspan(1)) % blocks.size()];
            const std::size_t at = load_le<std::uint16_t>(changes.subspan(3));
            changes = changes.subspan(5);
            change(kind & 7U, block, at, blocks, changes);
            if ((kind & 0x80U) == 0) {
                repaired.insert(block);
            }
        }
        for (const auto block : repaired) {
            repair(block);
        }
    }

    [[nodiscard]] ByteCount size() const noexcept override { return base_->size(); }

    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(base_->read_at(at, into));
        const auto first = at.value / SeedVolume::block_bytes;
        const auto last = (at.value + into.size() + SeedVolume::block_bytes - 1) / SeedVolume::block_bytes;
        for (auto next = patched_.lower_bound(static_cast<std::uint32_t>(first));
             next != patched_.end() && next->first < last; ++next) {
            const auto start = std::max<std::uint64_t>(at.value, std::uint64_t{next->first} * SeedVolume::block_bytes);
            const auto end = std::min<std::uint64_t>(at.value + into.size(),
                                                     (std::uint64_t{next->first} + 1) * SeedVolume::block_bytes);
            if (start >= end) {
                continue;
            }
            if (next->second.empty()) {
                return io::unreadable_at(*this, ByteOffset{start});
            }
            const auto from = ByteView{next->second}.subspan(start % SeedVolume::block_bytes, end - start);
            std::ranges::copy(from, into.begin() + static_cast<std::ptrdiff_t>(start - at.value));
        }
        return {};
    }

    [[nodiscard]] Result<std::vector<io::Extent>> extents(ByteRange range) const override
    {
        SALVAGE_TRY(io::check_range(*this, range.start(), range.size()));
        std::vector<io::Extent> out;
        auto at = range.start();
        const auto up_to = [&](ByteOffset end, io::ExtentKind kind) {
            end = std::min(end, range.end());
            if (at < end) {
                out.push_back({.range = ByteRange::between(at, end), .kind = kind});
                at = end;
            }
        };
        const auto first = static_cast<std::uint32_t>(at.value / SeedVolume::block_bytes);
        for (auto next = base_->held().lower_bound(first); next != base_->held().end() && at < range.end(); ++next) {
            const auto start = std::uint64_t{next->first} * SeedVolume::block_bytes;
            const auto patch = patched_.find(next->first);
            const bool is_lost = patch != patched_.end() && patch->second.empty();
            up_to(ByteOffset{start}, io::ExtentKind::hole);
            up_to(ByteOffset{start + SeedVolume::block_bytes},
                  is_lost ? io::ExtentKind::unreadable : io::ExtentKind::data);
        }
        up_to(range.end(), io::ExtentKind::hole);
        return io::merged(std::move(out));
    }

    [[nodiscard]] Location locate(ByteOffset at) const override { return {.chain = {{.source = "seed", .at = at}}}; }

private:
    void change(unsigned kind, std::uint32_t block, std::size_t at, std::span<const std::uint32_t> blocks,
                ByteView& rest)
    {
        if (kind == 7) {
            patched_[block].clear();
            return;
        }
        auto& bytes = held(block);
        if (kind == 6) {
            const auto other = base_->held().find(blocks[at % blocks.size()]);
            bytes = other->second;
            return;
        }
        std::size_t count = 4;
        if (kind == 5) {
            at %= 256;
        } else {
            at %= SeedVolume::block_bytes;
            count = rest.empty() ? 0 : 1 + std::to_integer<std::size_t>(rest[0]) % 32;
            rest = rest.subspan(std::min<std::size_t>(1, rest.size()));
        }
        count = std::min({count, rest.size(), bytes.size() - at});
        std::ranges::copy(rest.first(count), bytes.begin() + static_cast<std::ptrdiff_t>(at));
        rest = rest.subspan(count);
    }

    Bytes& held(std::uint32_t block)
    {
        auto& out = patched_[block];
        if (out.empty()) {
            out = base_->held().at(block);
        }
        return out;
    }

    /// Superblocks, heads and feet of checkpoints, and inodes have checksums.
    void repair(std::uint32_t number)
    {
        namespace f2fs = filesystem::f2fs;
        auto& bytes = patched_[number];
        if (bytes.empty()) {
            return;
        }
        const std::span block{bytes};
        const auto superblock = ByteView{base_->held().at(0)}.subspan(1024, 3072);
        if (number < 2) {
            const auto part = block.subspan(1024, 3072);
            store_le<std::uint32_t>(part.subspan(3068), f2fs::checksum(f2fs::magic, part.first(3068)));
            return;
        }
        const auto main_at = load_le<std::uint32_t>(superblock.subspan(92));
        const auto packs_at = load_le<std::uint32_t>(superblock.subspan(76));
        const std::size_t sum_at = load_le<std::uint32_t>(block.subspan(164));
        if (number >= packs_at && number < packs_at + 1024 && sum_at >= 192 && sum_at <= 4092) {
            auto sum = f2fs::checksum(f2fs::magic, block.first(sum_at));
            if (sum_at < 4092) {
                sum = f2fs::checksum(sum, block.subspan(sum_at + 4));
            }
            store_le<std::uint32_t>(block.subspan(sum_at), sum);
        }
        const bool is_inode =
            load_le<std::uint32_t>(block.subspan(4072)) == load_le<std::uint32_t>(block.subspan(4076));
        if (number >= main_at && is_inode) {
            store_le<std::uint32_t>(block.subspan(368), 0);
            auto sum = f2fs::checksum(0xFFFFFFFFU, superblock.subspan(108, 16));
            sum = f2fs::checksum(sum, block.subspan(4076, 4));
            sum = f2fs::checksum(sum, block.subspan(68, 4));
            store_le<std::uint32_t>(block.subspan(368), f2fs::checksum(sum, block));
        }
    }

    std::shared_ptr<const SeedVolume> base_;
    std::map<std::uint32_t, Bytes> patched_; ///< empty: unreadable
};

} // namespace salvage::fuzz
