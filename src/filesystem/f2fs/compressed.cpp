// A file with compressed clusters as a byte source.
#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "cluster.hpp"

namespace salvage::filesystem::f2fs {
namespace {

using Unpacked = std::shared_ptr<const Bytes>;

class Compressed final : public io::ByteSource {
public:
    // cppcheck-suppress passedByValue
    Compressed(io::SourcePtr volume, io::SourcePtr plain, FileMap map, const Compression& compression, std::string name)
        : volume_{std::move(volume)}, plain_{std::move(plain)}, map_{std::move(map)}, compression_{compression},
          cluster_bytes_{std::uint64_t{compression.cluster_blocks()} * block_bytes}, name_{std::move(name)}
    {
    }

    [[nodiscard]] ByteCount size() const noexcept override { return plain_->size(); }

    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(io::check_range(*this, at, ByteCount{into.size()}));
        while (!into.empty()) {
            const auto piece = piece_at(at, into.size());
            const auto part = into.first(static_cast<std::size_t>(piece.count));
            if (piece.cluster == nullptr) {
                SALVAGE_TRY(plain_->read_at(at, part));
            } else {
                const auto unpacked = SALVAGE_TRY(unpack(*piece.cluster));
                const auto within = static_cast<std::size_t>(at.value % cluster_bytes_);
                std::ranges::copy(ByteView{*unpacked}.subspan(within, part.size()), part.begin());
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
            const auto piece = piece_at(at, (range.end() - at).value);
            const auto part = ByteRange::between(at, at + ByteCount{piece.count});
            if (piece.cluster == nullptr) {
                const auto below = SALVAGE_TRY(plain_->extents(part));
                out.insert(out.end(), below.begin(), below.end());
            } else {
                const bool is_whole = SALVAGE_TRY(can_be_unpacked(*piece.cluster));
                out.push_back({.range = part, .kind = is_whole ? io::ExtentKind::data : io::ExtentKind::unreadable});
            }
            at = part.end();
        }
        return io::merged(std::move(out));
    }

    [[nodiscard]] Location locate(ByteOffset at) const override
    {
        const auto piece = piece_at(at, 1);
        if (piece.cluster == nullptr || piece.cluster->block_count == 0) {
            return plain_->locate(at);
        }
        auto out = volume_->locate(offset_of_block(map_.cluster_blocks[piece.cluster->first_block]));
        out.chain.push_back({.source = name_, .at = at});
        return out;
    }

private:
    struct Piece {
        std::uint64_t count;
        const Cluster* cluster; ///< null: not compressed
    };

    /// From `at` to where a cluster begins or ends, at most `wanted` bytes.
    [[nodiscard]] Piece piece_at(ByteOffset at, std::uint64_t wanted) const
    {
        const auto index = at.value / cluster_bytes_;
        const auto found = std::ranges::lower_bound(map_.clusters, index, {}, &Cluster::index);
        if (found == map_.clusters.end()) {
            return {.count = wanted, .cluster = nullptr};
        }
        if (found->index != index) {
            return {.count = std::min(wanted, found->index * cluster_bytes_ - at.value), .cluster = nullptr};
        }
        return {.count = std::min(wanted, (index + 1) * cluster_bytes_ - at.value), .cluster = &*found};
    }

    [[nodiscard]] Result<bool> can_be_unpacked(const Cluster& cluster) const
    {
        {
            const std::lock_guard lock{mutex_};
            if (const auto known = verdicts_.find(cluster.index); known != verdicts_.end()) {
                return known->second;
            }
        }
        const auto unpacked = unpack(cluster);
        if (!unpacked.has_value() && unpacked.error().code != ErrorCode::unreadable) {
            return unpacked.error();
        }
        const std::lock_guard lock{mutex_};
        verdicts_.emplace(cluster.index, unpacked.has_value());
        return unpacked.has_value();
    }

    [[nodiscard]] Result<Unpacked> unpack(const Cluster& cluster) const
    {
        {
            const std::lock_guard lock{mutex_};
            if (last_ && last_index_ == cluster.index) {
                return last_;
            }
        }
        auto out = std::make_shared<Bytes>(static_cast<std::size_t>(cluster_bytes_));
        auto result = unpack_into(cluster, *out);
        if (!result.has_value()) {
            return lost(cluster, std::move(result).error());
        }
        const std::lock_guard lock{mutex_};
        last_ = out;
        last_index_ = cluster.index;
        return last_;
    }

    [[nodiscard]] Result<> unpack_into(const Cluster& cluster, std::span<std::byte> out) const
    {
        if (cluster.damage != 0) {
            return map_.plain.damages[cluster.damage - 1];
        }
        Bytes packed(std::size_t{cluster.block_count} * block_bytes);
        for (std::size_t i = 0; i < cluster.block_count; ++i) {
            SALVAGE_TRY(volume_->read_at(offset_of_block(map_.cluster_blocks[cluster.first_block + i]),
                                         std::span{packed}.subspan(i * block_bytes, block_bytes)));
        }
        return unpack_cluster(packed, compression_, out);
    }

    /// All damage of a cluster is an unreadable part of the file; failures to read at all stay what they are.
    [[nodiscard]] Error lost(const Cluster& cluster, Error why) const
    {
        if (why.code == ErrorCode::io) {
            return why;
        }
        Error out{ErrorCode::unreadable, "a compressed part of the file is lost", why.what, {}, {}, {}};
        if (!why.why.empty()) {
            out.why += fmt::format(" ({})", why.why);
        }
        out.where = locate(ByteOffset{cluster.index * cluster_bytes_});
        return out;
    }

    io::SourcePtr volume_;
    io::SourcePtr plain_;
    FileMap map_;
    Compression compression_;
    std::uint64_t cluster_bytes_;
    std::string name_;
    mutable std::mutex mutex_;
    mutable Unpacked last_;
    mutable std::uint64_t last_index_{0};
    mutable std::unordered_map<std::uint64_t, bool> verdicts_; ///< one a cluster of the file at most
};

} // namespace

io::SourcePtr make_compressed(io::SourcePtr volume, io::SourcePtr plain, FileMap map, const Compression& compression,
                              std::string name)
{
    return std::make_shared<Compressed>(std::move(volume), std::move(plain), std::move(map), compression,
                                        std::move(name));
}

} // namespace salvage::filesystem::f2fs
