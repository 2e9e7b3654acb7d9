// The log of jbd2 as a structure: its superblock, tags and checksums.
#include "jbd2_log.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "ext/library.hpp"

namespace salvage::filesystem::jbd2 {
namespace {

constexpr std::uint32_t default_fast_commit_blocks = 256;
constexpr std::uint64_t smallest_log = 1;

Error bad_superblock(std::size_t at, std::string_view why)
{
    return malformed(ByteOffset{at}, "the journal's superblock contradicts itself", why);
}

Result<> check_superblock_checksum(ByteView bytes)
{
    constexpr std::size_t field = 0xFC;
    const auto stored = be32(bytes, field);
    const auto computed = checksum_without(~0U, bytes.first(1024), field);
    if (stored == computed) {
        return {};
    }
    Error error{ErrorCode::mismatch,
                "the checksum of the journal's superblock is wrong",
                fmt::format("found {:08x}, computed {:08x}", stored, computed),
                {},
                {},
                {}};
    return std::move(error).at("", ByteOffset{field});
}

Result<> read_features(ByteView bytes, Log& out)
{
    out.has_compat_checksum = (be32(bytes, 0x24) & journal_feature::compat_checksum) != 0;
    out.incompat = be32(bytes, 0x28);
    if (const auto unknown = out.incompat & ~journal_feature::known; unknown != 0) {
        return unsupported("the journal uses a feature that is not known here", fmt::format("feature {:#x}", unknown));
    }
    if (!out.has_checksums()) {
        return {};
    }
    SALVAGE_TRY(check_superblock_checksum(bytes));
    out.checksum_seed = ext::crc32c(~0U, bytes.subspan(0x30, 16));
    return {};
}

Result<> set_end(ByteView bytes, std::uint64_t max_length, Log& out)
{
    out.end = max_length;
    out.fast_commit_end = max_length;
    if (out.has(journal_feature::fast_commit)) {
        const auto stored = be32(bytes, 0x54);
        const auto blocks = stored == 0 ? default_fast_commit_blocks : stored;
        if (blocks >= max_length || max_length - blocks <= out.first) {
            return bad_superblock(0x54, fmt::format("{} blocks for fast commits, of {}", blocks, max_length));
        }
        out.end = max_length - blocks;
    }
    if (out.first == 0 || out.first + smallest_log > out.end) {
        return bad_superblock(0x14, fmt::format("the log begins at block {} and ends at {}", out.first, out.end));
    }
    if (out.start != 0 && (out.start < out.first || out.start >= out.end)) {
        return bad_superblock(0x1C, fmt::format("the first transaction is at block {}, the log has {} to {}", out.start,
                                                out.first, out.end));
    }
    return {};
}

Result<Log> parse_superblock(ByteView bytes, ByteCount journal_size, const JournaledVolume& volume)
{
    const auto type = be32(bytes, 4);
    const bool is_ours =
        be32(bytes, 0) == magic && (type == block_type::superblock_v1 || type == block_type::superblock_v2);
    if (!is_ours) {
        return malformed(ByteOffset{0}, "the journal has no superblock",
                         fmt::format("found {}, expected C0 3B 39 98 and type 3 or 4", to_spaced_hex(bytes.first(8))));
    }
    Log out;
    out.block_bytes = be32(bytes, 0xC);
    if (out.block_bytes != volume.block_bytes) {
        return bad_superblock(0xC, fmt::format("its blocks have {} bytes, those of the filesystem {}", out.block_bytes,
                                               volume.block_bytes));
    }
    const std::uint64_t max_length = be32(bytes, 0x10);
    if (max_length > max_journal_blocks || max_length > journal_size.value / out.block_bytes) {
        return bad_superblock(0x10, fmt::format("it claims {} blocks, its file has {}", max_length,
                                                journal_size.value / out.block_bytes));
    }
    out.first = be32(bytes, 0x14);
    out.sequence = be32(bytes, 0x18);
    out.start = be32(bytes, 0x1C);
    if (type == block_type::superblock_v2) {
        SALVAGE_TRY(read_features(bytes, out));
    }
    SALVAGE_TRY(set_end(bytes, max_length, out));
    return out;
}

// Spec: Linux, fs/jbd2/journal.c, journal_tag_bytes(): the parts of a tag come and go with the features.
std::size_t tag_bytes(const Log& log) noexcept
{
    if (log.has(journal_feature::checksum_v3)) {
        return 16;
    }
    return 8U + (log.has(journal_feature::checksum_v2) ? 2U : 0U) + (log.has(journal_feature::has_64bit) ? 4U : 0U);
}

Tag parse_tag(const Log& log, ByteView bytes) noexcept
{
    const bool is_v3 = log.has(journal_feature::checksum_v3);
    const std::uint64_t high = log.has(journal_feature::has_64bit) ? be32(bytes, 8) : 0;
    return {.block = be32(bytes, 0) | high << 32U,
            .flags = is_v3 ? be32(bytes, 4) : load_be<std::uint16_t>(bytes.subspan(6)),
            .checksum = is_v3 ? be32(bytes, 12) : load_be<std::uint16_t>(bytes.subspan(4))};
}

} // namespace

Result<Log> read_log(const io::ByteSource& journal, const JournaledVolume& volume)
{
    if (volume.block_bytes < 1024) {
        return invalid_argument("the blocks of a journal have 1024 bytes at least");
    }
    const auto bytes =
        SALVAGE_TRY(io::read_bytes(journal, ByteOffset{0}, ByteCount{1024}).in("reading the journal's superblock"));
    return io::lifted(parse_superblock(bytes, journal.size(), volume), journal);
}

std::vector<Tag> parse_tags(const Log& log, ByteView descriptor)
{
    std::vector<Tag> out;
    const auto end = descriptor.size() - tail_bytes(log);
    for (std::size_t at = header_bytes; at + tag_bytes(log) <= end;) {
        out.push_back(parse_tag(log, descriptor.subspan(at)));
        const auto flags = out.back().flags;
        at += tag_bytes(log) + ((flags & tag_flag::same_uuid) != 0 ? 0U : 16U);
        if ((flags & tag_flag::last) != 0) {
            break;
        }
    }
    return out;
}

Checksums tail_checksums(const Log& log, ByteView block) noexcept
{
    if (!log.has_checksums()) {
        return {};
    }
    const auto field = block.size() - 4;
    return {.stored = be32(block, field), .computed = checksum_without(log.checksum_seed, block, field)};
}

Checksums data_checksums(const Log& log, std::uint32_t sequence, const Tag& tag, ByteView data) noexcept
{
    if (!log.has_checksums()) {
        return {};
    }
    std::array<std::byte, 4> number{};
    store_be(number, sequence);
    auto computed = ext::crc32c(ext::crc32c(log.checksum_seed, number), data);
    if (!log.has(journal_feature::checksum_v3)) {
        computed &= 0xFFFFU; // there is room for half of it
    }
    return {.stored = tag.checksum, .computed = computed};
}

std::uint32_t checksum_without(std::uint32_t seed, ByteView bytes, std::size_t field) noexcept
{
    constexpr std::array<std::byte, 4> zero{};
    return ext::crc32c(ext::crc32c(ext::crc32c(seed, bytes.first(field)), zero), bytes.subspan(field + zero.size()));
}

} // namespace salvage::filesystem::jbd2
