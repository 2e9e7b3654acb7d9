// Volumes of f2fs have 40 MB at least, most of it nothing: a seed holds the blocks that are something.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "salvage/io/byte_source.hpp"

namespace salvage::fuzz {

/// A seed is the number of blocks of the volume, then the number and the 4096 bytes of each block that is not zero, all
/// numbers with 4 bytes, little-endian.  A last block that is cut short goes on with zeros.
class SeedVolume final : public io::ByteSource {
public:
    static constexpr std::size_t block_bytes = 4096;

    explicit SeedVolume(ByteView seed)
    {
        constexpr std::uint32_t most_blocks = 1U << 20U;
        if (seed.size() < 4) {
            return;
        }
        blocks_ = std::min(load_le<std::uint32_t>(seed), most_blocks);
        for (seed = seed.subspan(4); seed.size() > 4;) {
            const auto number = load_le<std::uint32_t>(seed);
            seed = seed.subspan(4);
            auto& block = held_[number];
            block.assign(block_bytes, std::byte{0});
            const auto count = std::min(seed.size(), block_bytes);
            std::ranges::copy(seed.first(count), block.begin());
            seed = seed.subspan(count);
        }
    }

    [[nodiscard]] std::uint32_t blocks() const noexcept { return blocks_; }
    [[nodiscard]] const std::map<std::uint32_t, Bytes>& held() const noexcept { return held_; }
    [[nodiscard]] std::map<std::uint32_t, Bytes>& held() noexcept { return held_; }
    /// From now on this block cannot be read.
    void lose(std::uint32_t block) { lost_.push_back(block); }
    /// All blocks can be read again.
    void mend() { lost_.clear(); }

    [[nodiscard]] ByteCount size() const noexcept override { return ByteCount{std::uint64_t{blocks_} * block_bytes}; }

    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(io::check_range(*this, at, ByteCount{into.size()}));
        while (!into.empty()) {
            const auto within = static_cast<std::size_t>(at.value % block_bytes);
            const auto part = into.first(std::min(into.size(), block_bytes - within));
            const auto number = static_cast<std::uint32_t>(at.value / block_bytes);
            if (is_lost(number)) {
                return io::unreadable_at(*this, at);
            }
            const auto found = held_.find(number);
            if (found == held_.end()) {
                std::ranges::fill(part, std::byte{0});
            } else {
                std::ranges::copy(ByteView{found->second}.subspan(within, part.size()), part.begin());
            }
            into = into.subspan(part.size());
            at = at + ByteCount{part.size()};
        }
        return {};
    }

    [[nodiscard]] Result<std::vector<io::Extent>> extents(ByteRange range) const override
    {
        SALVAGE_TRY(io::check_range(*this, range.start(), range.size()));
        std::vector<io::Extent> out;
        for (auto at = range.start(); at < range.end();) {
            const auto number = static_cast<std::uint32_t>(at.value / block_bytes);
            const auto end = std::min(range.end(), ByteOffset{(std::uint64_t{number} + 1) * block_bytes});
            out.push_back({.range = ByteRange::between(at, end),
                           .kind = is_lost(number) ? io::ExtentKind::unreadable : io::ExtentKind::data});
            at = end;
        }
        return io::merged(std::move(out));
    }

    [[nodiscard]] Location locate(ByteOffset at) const override { return {.chain = {{.source = "seed", .at = at}}}; }

private:
    [[nodiscard]] bool is_lost(std::uint32_t block) const { return std::ranges::find(lost_, block) != lost_.end(); }

    std::uint32_t blocks_{0};
    std::map<std::uint32_t, Bytes> held_;
    std::vector<std::uint32_t> lost_;
};

} // namespace salvage::fuzz
