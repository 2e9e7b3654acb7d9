// Checkpoint packs of f2fs.
#include "checkpoint.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "filesystem/fields.hpp"
#include "journals.hpp"

namespace salvage::filesystem::f2fs {
namespace {

constexpr std::size_t bitmaps_at = 192; // also the least offset of the checksum
constexpr std::size_t default_checksum_at = block_bytes - 4;
constexpr std::uint32_t head_and_foot = 2;
constexpr std::size_t log_kinds = 3; // hot, warm and cold, for data and for nodes

Error impossible(std::size_t at, std::string_view field, std::uint64_t value, std::string_view expected)
{
    return malformed(ByteOffset{at}, "a checkpoint of f2fs contradicts itself",
                     fmt::format("{} is {} ({:#x}), expected {}", field, value, value, expected));
}

/// The checksum that stands in a head or foot, when it is right.
Result<std::uint32_t> check_block(ByteView block)
{
    const std::size_t at = Fields{block}.u32(164);
    if (at < bitmaps_at || at > default_checksum_at) {
        return impossible(164, "checksum_offset", at, "192 to 4092");
    }
    auto computed = checksum(magic, block.first(at));
    if (at < default_checksum_at) {
        computed = checksum(computed, block.subspan(at + 4));
    }
    const auto found = Fields{block}.u32(at);
    if (computed != found) {
        return malformed(ByteOffset{at}, "the checksum of a checkpoint is wrong",
                         fmt::format("found {:08x}, computed {:08x}", found, computed));
    }
    return found;
}

Result<Bytes> slice_of(ByteView bytes, std::size_t at, std::size_t count, std::string_view what)
{
    if (at > bytes.size() || count > bytes.size() - at) {
        return impossible(156, what, count, fmt::format("what fits into {} bytes", bytes.size()));
    }
    const auto part = bytes.subspan(at, count);
    return Bytes{part.begin(), part.end()};
}

class PackReader {
public:
    PackReader(const io::ByteSource& source, const Superblock& superblock, unsigned pack)
        : source_{source}, superblock_{superblock}, pack_{pack},
          start_{superblock.checkpoint_at + pack * blocks_per_segment}
    {
    }

    Result<Checkpoint> read()
    {
        const auto head = SALVAGE_TRY(read_block(source_, start_));
        Checkpoint out;
        out.pack = pack_;
        out.checksum = SALVAGE_TRY(io::lifted(check_block(head), source_, offset_of_block(start_)));
        const auto checked = io::lifted(check_numbers(Fields{head}, out), source_, offset_of_block(start_));
        if (!checked.has_value()) {
            return checked.error();
        }
        SALVAGE_TRY(check_foot());
        SALVAGE_TRY(read_bitmaps(head, out));
        SALVAGE_TRY(read_journals(Fields{head}, out));
        SALVAGE_TRY(read_orphans(Fields{head}, out));
        return out;
    }

private:
    Result<> check_numbers(const Fields& fields, Checkpoint& out)
    {
        out.version = fields.u64(0);
        version_ = out.version;
        out.flags = fields.u32(132);
        blocks_ = fields.u32(136);
        if (blocks_ <= head_and_foot || blocks_ > blocks_per_segment) {
            return impossible(136, "cp_pack_total_block_count", blocks_, "3 to 512");
        }
        const auto sums = fields.u32(140);
        if (sums < 1 + superblock_.checkpoint_payload || sums >= blocks_) {
            return impossible(140, "cp_pack_start_sum", sums, "a block within the pack");
        }
        if (fields.u32(160) != superblock_.nat_blocks() / 8 || fields.u32(156) != superblock_.sit_blocks() / 8) {
            return impossible(
                160, "nat_ver_bitmap_bytesize", fields.u32(160),
                fmt::format("{}, and {} for segments", superblock_.nat_blocks() / 8, superblock_.sit_blocks() / 8));
        }
        constexpr std::size_t warm = 1;
        const auto segment = fields.u32(36 + 4 * warm);
        const auto offset = fields.u16(68 + 2 * warm);
        const bool has_one = !superblock_.has(feature::read_only);
        if (has_one && (segment >= superblock_.main_segments || offset > blocks_per_segment)) {
            return impossible(36 + 4 * warm, "cur_node_segno", segment, "a segment of the volume");
        }
        out.next_warm_node_block = has_one ? superblock_.main_at + segment * blocks_per_segment + offset : 0;
        return {};
    }

    Result<> check_foot() const
    {
        const auto at = start_ + blocks_ - 1;
        const auto foot = SALVAGE_TRY(read_block(source_, at));
        SALVAGE_TRY(io::lifted(check_block(foot), source_, offset_of_block(at)));
        if (Fields{foot}.u64(0) != version_) {
            const auto error = malformed(ByteOffset{0}, "head and foot of a checkpoint are of two versions",
                                         fmt::format("{} and {}", version_, Fields{foot}.u64(0)));
            return io::lifted(error, source_, offset_of_block(at));
        }
        return {};
    }

    /// Spec: Linux, fs/f2fs/f2fs.h, __bitmap_ptr.
    Result<> read_bitmaps(ByteView head, Checkpoint& out) const
    {
        Bytes all{head.begin(), head.end()};
        for (std::uint32_t i = 1; i <= superblock_.checkpoint_payload; ++i) {
            const auto more = SALVAGE_TRY(read_block(source_, start_ + i));
            all.insert(all.end(), more.begin(), more.end());
        }
        const std::size_t nat = superblock_.nat_blocks() / 8;
        const std::size_t sit = superblock_.sit_blocks() / 8;
        std::size_t nat_at = bitmaps_at + sit;
        std::size_t sit_at = bitmaps_at;
        if (out.has(checkpoint_flag::large_nat_bitmap)) { // behind a checksum
            nat_at = bitmaps_at + 4;
            sit_at = nat_at + nat;
        } else if (superblock_.checkpoint_payload > 0) {
            nat_at = bitmaps_at;
            sit_at = block_bytes;
        }
        out.nat_bitmap = SALVAGE_TRY(slice_of(all, nat_at, nat, "nat_ver_bitmap_bytesize"));
        out.sit_bitmap = SALVAGE_TRY(slice_of(all, sit_at, sit, "sit_ver_bitmap_bytesize"));
        return {};
    }

    /// With compact summaries both journals stand at the front of one block, and the summaries of the three segments
    /// for data behind them, without gaps; else each segment has a block, with a journal at the end of the first and
    /// third.
    Result<> read_journals(const Fields& fields, Checkpoint& out) const
    {
        for (std::size_t i = 0; i < log_kinds; ++i) {
            out.node_segments.push_back(fields.u32(36 + 4 * i));
        }
        return out.has(checkpoint_flag::compact_summaries) ? read_compact(fields, out) : read_normal(fields, out);
    }

    /// They stand between the head and the summaries.  A block of them that is lost hides deleted files and nothing
    /// else.
    Result<> read_orphans(const Fields& fields, Checkpoint& out) const
    {
        if (!out.has(checkpoint_flag::orphans)) {
            return {};
        }
        for (auto i = 1 + superblock_.checkpoint_payload; i < fields.u32(140); ++i) {
            const auto block = read_block(source_, start_ + i);
            if (!block.has_value()) {
                if (block.error().code == ErrorCode::io) {
                    return block.error();
                }
                continue;
            }
            const auto more = parse_orphans(*block, superblock_);
            out.orphans.insert(out.orphans.end(), more.begin(), more.end());
        }
        return {};
    }

    Result<> read_compact(const Fields& fields, Checkpoint& out) const
    {
        auto at = start_ + fields.u32(140);
        auto block = SALVAGE_TRY(read_block(source_, at));
        out.nat_journal = SALVAGE_TRY(lift(parse_nat_journal(ByteView{block}.first(journal_bytes), superblock_), at));
        out.sit_journal = SALVAGE_TRY(
            lift(parse_sit_journal(ByteView{block}.subspan(journal_bytes, journal_bytes), superblock_), at));
        const auto first = block;
        std::size_t within = 2 * journal_bytes;
        bool has_entries = false;
        for (std::size_t i = 0; i < log_kinds; ++i) {
            CurrentSegment segment{.segment = fields.u32(84 + 4 * i), .summaries = {}};
            const auto count = blocks_of_log(fields, i);
            for (std::uint32_t k = 0; k < count; ++k) {
                if (within + summary_entry_bytes > summary_type_at) {
                    block = SALVAGE_TRY(read_block(source_, ++at));
                    within = 0;
                }
                const auto entry = ByteView{block}.subspan(within, summary_entry_bytes);
                segment.summaries.insert(segment.summaries.end(), entry.begin(), entry.end());
                within += summary_entry_bytes;
            }
            has_entries = has_entries || count != 0;
            out.data_segments.push_back(std::move(segment));
        }
        SALVAGE_TRY(lift(check_not_empty(first, has_entries), start_ + fields.u32(140)));
        return {};
    }

    Result<> read_normal(const Fields& fields, Checkpoint& out) const
    {
        const bool has_node_summaries = out.has(checkpoint_flag::unmounted) || out.has(checkpoint_flag::fast_boot);
        const std::uint32_t from_end = has_node_summaries ? 7 : 4; // the summaries, and the foot
        if (blocks_ < from_end + 1) {
            return lift(Result<>{impossible(136, "cp_pack_total_block_count", blocks_, "room for summaries")}, start_);
        }
        for (std::size_t i = 0; i < log_kinds; ++i) {
            const auto at = start_ + blocks_ - from_end + i;
            const auto block = SALVAGE_TRY(read_block(source_, at));
            SALVAGE_TRY(lift(check_summary_footer(block), at));
            const auto journal = ByteView{block}.subspan(journal_at, journal_bytes);
            if (i == 0) {
                out.nat_journal = SALVAGE_TRY(lift(parse_nat_journal(journal, superblock_), at));
            }
            if (i == 2) {
                out.sit_journal = SALVAGE_TRY(lift(parse_sit_journal(journal, superblock_), at));
            }
            const auto entries = ByteView{block}.first(blocks_of_log(fields, i) * summary_entry_bytes);
            SALVAGE_TRY(lift(check_not_empty(block, !entries.empty()), at));
            out.data_segments.push_back(
                {.segment = fields.u32(84 + 4 * i), .summaries = Bytes{entries.begin(), entries.end()}});
        }
        return {};
    }

    /// Blocks that a segment for data has summaries of: those written, or all where its gaps are being filled.
    static std::uint32_t blocks_of_log(const Fields& fields, std::size_t log)
    {
        constexpr std::uint8_t fills_gaps = 1; // SSR
        const bool is_full = fields.u8(176 + log) == fills_gaps;
        return is_full ? blocks_per_segment : std::min<std::uint32_t>(fields.u16(116 + 2 * log), blocks_per_segment);
    }

    template <typename T>
    Result<T> lift(Result<T> result, std::uint64_t block) const
    {
        return io::lifted(std::move(result), source_, offset_of_block(block));
    }

    const io::ByteSource& source_;
    const Superblock& superblock_;
    unsigned pack_;
    std::uint64_t start_;
    std::uint64_t version_{0};
    std::uint32_t blocks_{0};
};

/// The version of a pack that does not hold together, as far as its head says; to tell what was lost.
std::optional<std::uint64_t> claimed_version(const io::ByteSource& source, const Superblock& superblock, unsigned pack)
{
    const auto head = read_block(source, superblock.checkpoint_at + pack * blocks_per_segment);
    if (!head.has_value() || !check_block(*head).has_value()) {
        return std::nullopt;
    }
    return Fields{*head}.u64(0);
}

Finding damaged_pack(const io::ByteSource& source, const Superblock& superblock, const Checkpoint& taken,
                     const Error& error)
{
    const auto other = 1 - taken.pack;
    const auto claimed = claimed_version(source, superblock, other);
    const bool is_older = claimed && *claimed < taken.version;
    const auto* const consequence = is_older ? "it is older than the one that was used"
                                             : "it may have been the newer one: the last changes may be missing";
    Finding out{
        .code = "f2fs-checkpoint-damaged",
        .severity = is_older ? Severity::note : Severity::warning,
        .text = fmt::format("one of the two checkpoints is not whole: {} ({}); {}", error.what, error.why, consequence),
        .where = {},
        .numbers = {{"pack", other + 1}, {"used_version", taken.version}},
        .words = {}};
    out.where.offset = offset_of_block(superblock.checkpoint_at + other * blocks_per_segment);
    if (claimed) {
        out.numbers.emplace_back("damaged_version", *claimed);
    }
    return out;
}

/// Versions run on past the end of their range.
bool is_newer(std::uint64_t one, std::uint64_t than) noexcept
{
    return std::bit_cast<std::int64_t>(one - than) > 0;
}

/// mkfs leaves the second pack at version 0.
bool was_never_written(const io::ByteSource& source, const Superblock& superblock, unsigned pack)
{
    return claimed_version(source, superblock, pack) == 0;
}

} // namespace

bool SegmentEntry::is_consistent() const noexcept
{
    unsigned count = 0;
    for (const auto byte : map) {
        count += static_cast<unsigned>(std::popcount(std::to_integer<unsigned char>(byte)));
    }
    return count == in_use;
}

Result<Checkpoint> choose_checkpoint(const io::ByteSource& source, const Superblock& superblock,
                                     std::vector<Finding>& findings)
{
    auto first = PackReader{source, superblock, 0}.read();
    auto second = PackReader{source, superblock, 1}.read();
    for (const auto* const pack : {&first, &second}) {
        if (!pack->has_value() && pack->error().code == ErrorCode::io) {
            return pack->error();
        }
    }
    if (first.has_value() && second.has_value()) {
        return is_newer(second->version, first->version) ? std::move(second) : std::move(first);
    }
    if (!first.has_value() && !second.has_value()) {
        auto error = std::move(first).error();
        error.why +=
            fmt::format("{}the other: {} ({})", error.why.empty() ? "" : "; ", second.error().what, second.error().why);
        return std::move(error).in("reading the checkpoints of f2fs");
    }
    auto& taken = first.has_value() ? first : second;
    const auto& bad = first.has_value() ? second : first;
    if (!was_never_written(source, superblock, 1 - taken->pack)) {
        findings.push_back(damaged_pack(source, superblock, *taken, bad.error()));
    }
    return std::move(taken);
}

} // namespace salvage::filesystem::f2fs
