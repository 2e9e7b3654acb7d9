// The content of an inode of EROFS as a byte source.
#include "content.hpp"

#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

namespace salvage::filesystem::erofs {
namespace {

using Unpacked = std::shared_ptr<const Bytes>;

class Content final : public io::ByteSource {
public:
    // cppcheck-suppress passedByValue
    Content(io::SourcePtr volume, io::SourcePtr packed_inode, ContentMap map, std::string name)
        : volume_{std::move(volume)}, packed_inode_{std::move(packed_inode)}, map_{std::move(map)},
          name_{std::move(name)}
    {
    }

    [[nodiscard]] ByteCount size() const noexcept override { return ByteCount{map_.end()}; }

    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(io::check_range(*this, at, ByteCount{into.size()}));
        while (!into.empty()) {
            const auto& piece = piece_at(at);
            const auto count = std::min<std::uint64_t>(into.size(), piece.end() - at.value);
            const auto part = into.first(static_cast<std::size_t>(count));
            SALVAGE_TRY(read_piece(piece, at.value - piece.start, part));
            into = into.subspan(part.size());
            at = at + ByteCount{count};
        }
        return {};
    }

    [[nodiscard]] Result<std::vector<io::Extent>> extents(ByteRange range) const override
    {
        SALVAGE_TRY(io::check_range(*this, range.start(), range.size()));
        std::vector<io::Extent> out;
        for (auto at = range.start(); at < range.end();) {
            const auto& piece = piece_at(at);
            const auto part = ByteRange::between(at, std::min(range.end(), ByteOffset{piece.end()}));
            SALVAGE_TRY(append_extents(piece, part, out));
            at = part.end();
        }
        return io::merged(std::move(out));
    }

    [[nodiscard]] Location locate(ByteOffset at) const override
    {
        Location out;
        if (at.value < map_.end()) {
            const auto& piece = piece_at(at);
            if (piece.kind == PieceKind::stored) {
                out = volume_->locate(below(piece, at));
            } else if (piece.kind == PieceKind::packed) {
                out = volume_->locate(ByteOffset{piece.at});
            } else if (piece.kind == PieceKind::fragment) {
                out = packed_inode_->locate(below(piece, at));
            }
        }
        out.chain.push_back({.source = name_, .at = at});
        return out;
    }

private:
    /// Requires: `at` lies within.
    [[nodiscard]] const Piece& piece_at(ByteOffset at) const
    {
        return *std::ranges::upper_bound(map_.pieces(), at.value, {}, &Piece::end);
    }
    [[nodiscard]] static ByteOffset below(const Piece& piece, ByteOffset at) noexcept
    {
        return ByteOffset{piece.at + (at.value - piece.start)};
    }

    Result<> read_piece(const Piece& piece, std::uint64_t within, std::span<std::byte> into) const
    {
        switch (piece.kind) {
        case PieceKind::hole: std::ranges::fill(into, std::byte{0}); return {};
        case PieceKind::stored: return volume_->read_at(ByteOffset{piece.at + within}, into);
        case PieceKind::fragment: return packed_inode_->read_at(ByteOffset{piece.at + within}, into);
        case PieceKind::packed: return read_packed(piece, within, into);
        case PieceKind::lost: break;
        }
        return lost(piece, map_.damages()[piece.damage]);
    }

    Result<> read_packed(const Piece& piece, std::uint64_t within, std::span<std::byte> into) const
    {
        if (into.size() == piece.size) {
            auto result = unpack_into(piece, into);
            return result.has_value() ? Result<>{} : Result<>{lost(piece, std::move(result).error())};
        }
        const auto unpacked = SALVAGE_TRY(unpack_and_keep(piece));
        std::ranges::copy(ByteView{*unpacked}.subspan(static_cast<std::size_t>(within), into.size()), into.begin());
        return {};
    }

    Result<> append_extents(const Piece& piece, ByteRange part, std::vector<io::Extent>& out) const
    {
        if (piece.kind == PieceKind::stored || piece.kind == PieceKind::fragment) {
            const auto& source = piece.kind == PieceKind::stored ? *volume_ : *packed_inode_;
            const auto from = below(piece, part.start());
            const auto beneath = SALVAGE_TRY(source.extents(ByteRange::between(from, from + part.size())));
            for (const auto& extent : beneath) {
                const auto start = part.start() + (extent.range.start() - from);
                out.push_back({.range = ByteRange::between(start, start + extent.range.size()), .kind = extent.kind});
            }
            return {};
        }
        auto kind = piece.kind == PieceKind::hole ? io::ExtentKind::hole : io::ExtentKind::unreadable;
        if (piece.kind == PieceKind::packed && SALVAGE_TRY(can_be_unpacked(piece))) {
            kind = io::ExtentKind::data;
        }
        out.push_back({.range = part, .kind = kind});
        return {};
    }

    [[nodiscard]] Result<bool> can_be_unpacked(const Piece& piece) const
    {
        {
            const std::lock_guard lock{mutex_};
            if (const auto known = verdicts_.find(piece.start); known != verdicts_.end()) {
                return known->second;
            }
        }
        const auto unpacked = unpack_and_keep(piece);
        if (!unpacked.has_value() && unpacked.error().code != ErrorCode::unreadable) {
            return unpacked.error();
        }
        const std::lock_guard lock{mutex_};
        verdicts_.emplace(piece.start, unpacked.has_value());
        return unpacked.has_value();
    }

    [[nodiscard]] Result<Unpacked> unpack_and_keep(const Piece& piece) const
    {
        {
            const std::lock_guard lock{mutex_};
            if (last_ && last_start_ == piece.start) {
                return last_;
            }
        }
        auto out = std::make_shared<Bytes>(static_cast<std::size_t>(piece.size)); // max_unpacked_bytes at most
        auto result = unpack_into(piece, *out);
        if (!result.has_value()) {
            return lost(piece, std::move(result).error());
        }
        const std::lock_guard lock{mutex_};
        last_ = std::move(out);
        last_start_ = piece.start;
        return last_;
    }

    [[nodiscard]] Result<> unpack_into(const Piece& piece, std::span<std::byte> out) const
    {
        const auto packed = SALVAGE_TRY(io::read_bytes(*volume_, ByteOffset{piece.at}, ByteCount{piece.packed_bytes}));
        return io::lifted(unpack(packed, piece.packing, out), *volume_, ByteOffset{piece.at});
    }

    /// All damage is an unreadable part of the file; failures to read at all stay what they are.
    [[nodiscard]] Error lost(const Piece& piece, const Error& why) const
    {
        if (why.code == ErrorCode::io) {
            return why;
        }
        Error out{ErrorCode::unreadable, "a part of the file is lost", why.what, why.where, {}, {}};
        if (!why.why.empty()) {
            out.why += fmt::format(" ({})", why.why);
        }
        if (!out.where) {
            out.where = locate(ByteOffset{piece.start});
        }
        return out;
    }

    io::SourcePtr volume_;
    io::SourcePtr packed_inode_;
    ContentMap map_;
    std::string name_;
    mutable std::mutex mutex_;
    mutable Unpacked last_;
    mutable std::uint64_t last_start_{0};
    mutable std::unordered_map<std::uint64_t, bool> verdicts_; ///< one a piece at most
};

} // namespace

void ContentMap::add(Piece piece)
{
    if (piece.size == 0) {
        return;
    }
    piece.start = end();
    if (!pieces_.empty()) {
        auto& last = pieces_.back();
        const bool is_same = last.kind == piece.kind;
        const bool is_next = piece.kind == PieceKind::stored && last.at + last.size == piece.at;
        const bool is_empty =
            piece.kind == PieceKind::hole || (piece.kind == PieceKind::lost && last.damage == piece.damage);
        if (is_same && (is_next || is_empty)) {
            last.size += piece.size;
            return;
        }
    }
    pieces_.push_back(piece);
}

void ContentMap::lose(std::uint64_t size, const Error& why)
{
    if (damages_.size() < max_damages) {
        damages_.push_back(why);
    }
    add({.size = size, .damage = static_cast<std::uint32_t>(damages_.size() - 1), .kind = PieceKind::lost});
}

io::SourcePtr make_content(io::SourcePtr volume, io::SourcePtr packed_inode, ContentMap map, std::string name)
{
    return std::make_shared<Content>(std::move(volume), std::move(packed_inode), std::move(map), std::move(name));
}

} // namespace salvage::filesystem::erofs
