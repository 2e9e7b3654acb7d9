// An Android sparse image as the image it unpacks to, and its checksums.  docs/formats/android-sparse.md.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/io/crc32.hpp"
#include "salvage/io/sources.hpp"
#include "sparse_extents.hpp"
#include "sparse_table.hpp"

namespace salvage::io {
namespace {

std::array<std::byte, 4> fill_pattern(const Chunk& chunk)
{
    std::array<std::byte, 4> pattern{};
    store_le(std::span<std::byte>{pattern}, chunk.fill);
    return pattern;
}

ByteRange out_range(const Chunk& chunk)
{
    return ByteRange::between(ByteOffset{chunk.out_start}, ByteOffset{chunk.out_end()});
}

class SparseSource final : public ByteSource {
public:
    SparseSource(SourcePtr source, std::vector<Chunk> chunks)
        : source_{std::move(source)}, chunks_{std::move(chunks)}, size_{chunks_.empty() ? 0 : chunks_.back().out_end()}
    {
    }

    [[nodiscard]] ByteCount size() const noexcept override { return size_; }

    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(check_range(*this, at, ByteCount{into.size()}));
        for (auto chunk = chunk_at(at); !into.empty(); ++chunk) {
            const auto within = at.value - chunk->out_start;
            const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), chunk->out_size - within));
            SALVAGE_TRY(read_piece(*chunk, within, into.first(count)));
            into = into.subspan(count);
            at = at + ByteCount{count};
        }
        return {};
    }

    Result<std::vector<Extent>> extents(ByteRange range) const override
    {
        SALVAGE_TRY(check_range(*this, range.start(), range.size()));
        std::vector<Extent> out;
        for (auto chunk = chunk_at(range.start()); chunk != chunks_.end() && chunk->out_start < range.end().value;
             ++chunk) {
            const auto piece = out_range(*chunk).intersection(range);
            if (chunk->kind == ChunkKind::raw) {
                const Anchor body{.here = ByteOffset{chunk->out_start}, .below = ByteOffset{chunk->body_at}};
                SALVAGE_TRY(append_extents_below(*source_, piece, body, out));
            } else {
                out.push_back(
                    {.range = piece, .kind = chunk->kind == ChunkKind::hole ? ExtentKind::hole : ExtentKind::data});
            }
        }
        return merged(std::move(out));
    }

    [[nodiscard]] Location locate(ByteOffset at) const override
    {
        const auto chunk = chunk_at(at);
        auto below = source_->size();
        if (chunk != chunks_.end()) {
            const auto within = chunk->kind == ChunkKind::raw ? at.value - chunk->out_start : 0;
            below = ByteCount{chunk->body_at + within};
        }
        auto out = source_->locate(ByteOffset{below.value});
        out.chain.push_back({.source = "unpacked", .at = at});
        return out;
    }

private:
    using Position = std::vector<Chunk>::const_iterator;

    /// The chunk that holds `at`; the end where `at` is the image's end.
    [[nodiscard]] Position chunk_at(ByteOffset at) const
    {
        return std::ranges::upper_bound(chunks_, at.value, {}, &Chunk::out_end);
    }

    Result<> read_piece(const Chunk& chunk, std::uint64_t within, std::span<std::byte> into) const
    {
        if (chunk.kind == ChunkKind::raw) {
            return source_->read_at(ByteOffset{chunk.body_at + within}, into);
        }
        const auto pattern = fill_pattern(chunk); // zeros for a hole
        for (std::size_t i = 0; i < into.size(); ++i) {
            into[i] = pattern[(within + i) % pattern.size()];
        }
        return {};
    }

    SourcePtr source_;
    std::vector<Chunk> chunks_;
    ByteCount size_;
};

Result<> add_to_checksum(Crc32& crc, const ByteSource& source, const Chunk& chunk)
{
    constexpr std::uint64_t step = 1U << 20U;
    if (chunk.kind != ChunkKind::raw) {
        // Holes count as zeros.  Blocks are multiples of 4 bytes.
        const auto pattern = fill_pattern(chunk);
        crc.update_repeated(pattern, chunk.out_size / pattern.size());
        return {};
    }
    for (std::uint64_t done = 0; done < chunk.out_size; done += step) {
        const ByteCount count{std::min(step, chunk.out_size - done)};
        crc.update(SALVAGE_TRY(read_bytes(source, ByteOffset{chunk.body_at + done}, count)));
    }
    return {};
}

} // namespace

Result<SourcePtr> make_sparse(SourcePtr source)
{
    auto table = SALVAGE_TRY(read_sparse_table(*source).in("opening the sparse image"));
    return std::make_shared<SparseSource>(std::move(source), std::move(table.chunks));
}

Result<bool> verify_sparse_checksums(const SourcePtr& source)
{
    const auto table = SALVAGE_TRY(read_sparse_table(*source).in("verifying the sparse image's checksums"));
    Crc32 crc;
    auto chunk = table.chunks.begin();
    for (const auto& mark : table.checksums) {
        for (; chunk != table.chunks.end() && chunk->out_end() <= mark.out_end; ++chunk) {
            SALVAGE_TRY(add_to_checksum(crc, *source, *chunk).in("verifying the sparse image's checksums"));
        }
        if (crc.value() != mark.value) {
            return Error{ErrorCode::mismatch,
                         "the sparse image's checksum does not agree with its content",
                         fmt::format("found {:#010x}, computed {:#010x} over the first {} unpacked bytes", mark.value,
                                     crc.value(), mark.out_end),
                         source->locate(ByteOffset{mark.at}),
                         "the copy is damaged somewhere before this place",
                         {}};
        }
    }
    return !table.checksums.empty();
}

} // namespace salvage::io
