// Flat content and chunks.
#include "map.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::filesystem::erofs {
namespace {

/// `i_u` of an inode with chunks.
struct ChunkForm {
    unsigned chunk_bits;
    std::uint64_t entry_bytes;
};

Result<ChunkForm> parse_chunk_form(const Superblock& superblock, const Inode& inode)
{
    constexpr std::uint32_t bits_mask = 0x1F;
    constexpr std::uint32_t has_indexes = 0x20;
    constexpr std::uint32_t has_wide_addresses = 0x40;
    const auto form = inode.word & 0xFFFFU;
    if ((form & has_wide_addresses) != 0) {
        return unsupported("a file has chunks with block numbers of 48 bits",
                           fmt::format("inode {}: form {:#x}", inode.number, form));
    }
    if ((form & ~(bits_mask | has_indexes)) != 0) {
        return malformed(
            ByteOffset{16}, "a file has chunks of an unknown form",
            fmt::format("inode {}: form {:#x}, known are the bits {:#x}", inode.number, form, bits_mask | has_indexes));
    }
    return ChunkForm{.chunk_bits = superblock.block_bits + (form & bits_mask),
                     .entry_bytes = (form & has_indexes) != 0 ? 8U : 4U};
}

void add_stored(const Superblock& superblock, std::uint64_t at, std::uint64_t count, ContentMap& out)
{
    if (const auto why = why_not_there(superblock, at, count)) {
        out.lose(count, *why);
        return;
    }
    out.add({.size = count, .at = at, .kind = PieceKind::stored});
}

/// One chunk of `count` bytes.  Errors: unsupported (another device).
Result<> add_chunk(const Superblock& superblock, ByteView entry, std::uint64_t count, ContentMap& out)
{
    const bool has_device = entry.size() == 8;
    const auto block = load_le<std::uint32_t>(entry.subspan(has_device ? 4 : 0));
    if (block == no_block) {
        out.add({.size = count, .kind = PieceKind::hole});
        return {};
    }
    if (has_device && load_le<std::uint16_t>(entry.subspan(2)) != 0) {
        return unsupported("a part of the file lies on another device",
                           fmt::format("device {} of the volume", load_le<std::uint16_t>(entry.subspan(2))),
                           "it was made with --blobdev, and that file is needed as well");
    }
    add_stored(superblock, superblock.offset_of_block(block), count, out);
    return {};
}

} // namespace

std::optional<Error> why_not_there(const Superblock& superblock, std::uint64_t at, std::uint64_t count)
{
    const auto end = superblock.size().value;
    if (at < superblock_at.value + superblock_bytes) {
        return malformed({}, "a file points at the superblock", format_offset(ByteOffset{at}));
    }
    if (at <= end && count <= end - at) {
        return std::nullopt;
    }
    return malformed({}, "a file points outside the volume",
                     fmt::format("{} bytes at {}, the volume ends at {}", count, format_offset(ByteOffset{at}),
                                 format_offset(ByteOffset{end})));
}

Error too_many_pieces(const Inode& inode)
{
    return unsupported("a file is in more pieces than are kept in memory",
                       fmt::format("inode {}: more than {}", inode.number, max_pieces));
}

Result<ContentMap> map_content(const MapSource& source, const Inode& inode)
{
    switch (inode.layout) {
    case DataLayout::plain:
    case DataLayout::inline_tail: return map_flat(source, inode);
    case DataLayout::chunks: return map_chunks(source, inode);
    case DataLayout::full_index:
    case DataLayout::compact_index: break;
    }
    return map_clusters(source, inode);
}

Result<ContentMap> map_flat(const MapSource& source, const Inode& inode)
{
    const auto& superblock = source.superblock;
    const auto block_bytes = superblock.block_bytes();
    const auto tail = inode.layout == DataLayout::inline_tail && inode.size != 0
                          ? inode.size - (inode.size - 1) / block_bytes * block_bytes
                          : 0;
    ContentMap out;
    if (inode.size != tail) {
        // What lies behind the end of the volume is lost, not the whole file.
        const auto at = superblock.offset_of_block(inode.word);
        const auto end = superblock.size().value;
        const auto here = at > superblock_at.value && at < end ? std::min(inode.size - tail, end - at) : 0;
        add_stored(superblock, at, here, out);
        if (here < inode.size - tail) {
            out.lose(inode.size - tail - here, *why_not_there(superblock, at, inode.size - tail));
        }
    }
    if (tail == 0) {
        return out;
    }
    if (inode.end() % block_bytes + tail > block_bytes) {
        out.lose(tail, malformed({}, "the end of a file is said to lie behind its inode, and does not fit there",
                                 fmt::format("inode {}: {} bytes at {} in a block of {}", inode.number, tail,
                                             inode.end() % block_bytes, block_bytes)));
        return out;
    }
    add_stored(superblock, inode.end(), tail, out);
    return out;
}

Result<ContentMap> map_chunks(const MapSource& source, const Inode& inode)
{
    const auto form = SALVAGE_TRY(parse_chunk_form(source.superblock, inode));
    const auto chunk_bytes = std::uint64_t{1} << form.chunk_bits;
    const auto chunks = inode.size / chunk_bytes + (inode.size % chunk_bytes == 0 ? 0 : 1);
    const auto table_at = round_up(inode.end(), form.entry_bytes);
    const auto table_bytes = checked_multiply(chunks, form.entry_bytes);
    if (!table_bytes || why_not_there(source.superblock, table_at, *table_bytes)) {
        return malformed({}, "the list of a file's chunks does not fit on the volume",
                         fmt::format("inode {}: {} chunks, listed from {} on", inode.number, chunks,
                                     format_offset(ByteOffset{table_at})));
    }
    ContentMap out;
    for (std::uint64_t i = 0; i < chunks; ++i) {
        const auto count = std::min(chunk_bytes, inode.size - i * chunk_bytes);
        const ByteOffset at{table_at + i * form.entry_bytes};
        const auto entry = io::read_bytes(source.metadata, at, ByteCount{form.entry_bytes});
        if (entry.has_value()) {
            SALVAGE_TRY(add_chunk(source.superblock, *entry, count, out));
        } else if (entry.error().code == ErrorCode::io) {
            return entry.error();
        } else if (at.value >= source.present.value) {
            out.lose(inode.size - i * chunk_bytes, entry.error());
            break;
        } else {
            out.lose(count, entry.error());
        }
        if (out.is_full()) {
            return too_many_pieces(inode);
        }
    }
    return out;
}

} // namespace salvage::filesystem::erofs
