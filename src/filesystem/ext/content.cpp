// The content of an inode as a byte source: read without the library and without its lock.
#include "content.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace salvage::filesystem::ext {
namespace {

class Content final : public io::ByteSource {
public:
    Content(io::SourcePtr volume, VolumeShape shape, ContentMap map, ByteCount size, std::string name)
        : volume_{std::move(volume)}, shape_{shape}, map_{std::move(map)}, size_{size}, name_{std::move(name)}
    {
    }

    [[nodiscard]] ByteCount size() const noexcept override { return size_; }

    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(io::check_range(*this, at, ByteCount{into.size()}));
        while (!into.empty()) {
            const auto piece = piece_at(at, into.size());
            const auto part = into.first(static_cast<std::size_t>(piece.count));
            SALVAGE_TRY(read_piece(piece, at, part));
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
            const auto piece = piece_at(at, (range.end() - at).value);
            SALVAGE_TRY(append_extents(piece, at, out));
            at = at + ByteCount{piece.count};
        }
        return io::merged(std::move(out));
    }

    [[nodiscard]] Location locate(ByteOffset at) const override
    {
        Location out;
        const auto piece = piece_at(at, 1);
        if (piece.run != nullptr && !piece.run->is_lost()) {
            out = volume_->locate(piece.on_volume);
        }
        out.chain.push_back({.source = name_, .at = at});
        return out;
    }

private:
    struct Piece {
        std::uint64_t count{0};
        const Run* run{nullptr}; ///< null: a hole
        ByteOffset on_volume;
    };

    /// The longest piece at `at` of one kind, at most `wanted` bytes.
    [[nodiscard]] Piece piece_at(ByteOffset at, std::uint64_t wanted) const
    {
        const auto block = at.value / shape_.block_bytes;
        const auto after = std::ranges::upper_bound(map_.runs, block, {}, &Run::end); // the first that ends behind it
        if (after == map_.runs.end()) {
            return {.count = wanted, .run = nullptr, .on_volume = {}};
        }
        if (block < after->first) {
            return {.count = std::min(wanted, after->first * shape_.block_bytes - at.value),
                    .run = nullptr,
                    .on_volume = {}};
        }
        const auto within = at.value - after->first * shape_.block_bytes;
        return {.count = std::min(wanted, after->blocks * shape_.block_bytes - within),
                .run = &*after,
                .on_volume = ByteOffset{after->on_volume * shape_.block_bytes + within}};
    }

    Result<> read_piece(const Piece& piece, ByteOffset at, std::span<std::byte> into) const
    {
        if (piece.run == nullptr) {
            std::ranges::fill(into, std::byte{0});
            return {};
        }
        if (piece.run->is_lost()) {
            return lost(*piece.run, at);
        }
        return volume_->read_at(piece.on_volume, into);
    }

    Result<> append_extents(const Piece& piece, ByteOffset at, std::vector<io::Extent>& out) const
    {
        const auto range = ByteRange::between(at, at + ByteCount{piece.count});
        if (piece.run == nullptr || piece.run->is_lost()) {
            out.push_back(
                {.range = range, .kind = piece.run == nullptr ? io::ExtentKind::hole : io::ExtentKind::unreadable});
            return {};
        }
        const auto below = SALVAGE_TRY(
            volume_->extents(ByteRange::between(piece.on_volume, piece.on_volume + ByteCount{piece.count})));
        for (const auto& extent : below) {
            const auto start = at + (extent.range.start() - piece.on_volume);
            out.push_back({.range = ByteRange::between(start, start + extent.range.size()), .kind = extent.kind});
        }
        return {};
    }

    [[nodiscard]] Error lost(const Run& run, ByteOffset at) const
    {
        const auto& damage = map_.damages[run.damage - 1];
        Error out{ErrorCode::unreadable, "where this part of the file lies is lost", damage.what, damage.where, {}, {}};
        if (!damage.why.empty()) {
            out.why += fmt::format(" ({})", damage.why);
        }
        if (!out.where) {
            out.where = locate(at);
        }
        return out;
    }

    io::SourcePtr volume_;
    VolumeShape shape_;
    ContentMap map_;
    ByteCount size_;
    std::string name_;
};

} // namespace

io::SourcePtr make_content(io::SourcePtr volume, VolumeShape shape, ContentMap map, ByteCount size, std::string name)
{
    return std::make_shared<Content>(std::move(volume), shape, std::move(map), size, std::move(name));
}

} // namespace salvage::filesystem::ext
