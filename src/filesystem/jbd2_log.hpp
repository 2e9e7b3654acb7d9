// The log of jbd2 as a structure: its superblock, the kinds of its blocks, tags and checksums.  Private to jbd2*.cpp.
#pragma once

#include <cstdint>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/filesystem/jbd2.hpp"

namespace salvage::filesystem::jbd2 {

constexpr std::uint32_t magic = 0xC03B3998;
constexpr std::size_t header_bytes = 12;                 // magic, type, sequence
constexpr std::uint64_t max_journal_blocks = 10'240'000; // what mke2fs makes at most

namespace block_type {
constexpr std::uint32_t descriptor = 1;
constexpr std::uint32_t commit = 2;
constexpr std::uint32_t superblock_v1 = 3;
constexpr std::uint32_t superblock_v2 = 4;
constexpr std::uint32_t revoke = 5;
} // namespace block_type

namespace journal_feature {
constexpr std::uint32_t compat_checksum = 0x1;
constexpr std::uint32_t revoke = 0x1;
constexpr std::uint32_t has_64bit = 0x2;
constexpr std::uint32_t async_commit = 0x4;
constexpr std::uint32_t checksum_v2 = 0x8;
constexpr std::uint32_t checksum_v3 = 0x10;
constexpr std::uint32_t fast_commit = 0x20;
constexpr std::uint32_t known = revoke | has_64bit | async_commit | checksum_v2 | checksum_v3 | fast_commit;
} // namespace journal_feature

namespace tag_flag {
constexpr std::uint32_t escaped = 1;
constexpr std::uint32_t same_uuid = 2;
constexpr std::uint32_t last = 8;
} // namespace tag_flag

/// Sequence numbers wrap: the one that is at most half the range ahead is the later.
[[nodiscard]] inline bool is_later(std::uint32_t left, std::uint32_t right) noexcept
{
    return static_cast<std::int32_t>(left - right) > 0;
}

struct Log {
    std::uint32_t block_bytes{};
    std::uint64_t first{};           ///< first block of the log
    std::uint64_t end{};             ///< block behind its last
    std::uint64_t fast_commit_end{}; ///< behind the fast-commit area, which begins at `end`
    std::uint32_t sequence{};        ///< of the first transaction
    std::uint64_t start{};           ///< its block; 0: the log is empty
    bool has_compat_checksum{false};
    std::uint32_t incompat{};
    std::uint32_t checksum_seed{};

    [[nodiscard]] bool has(std::uint32_t bit) const noexcept { return (incompat & bit) != 0; }
    [[nodiscard]] bool has_checksums() const noexcept
    {
        return has(journal_feature::checksum_v2 | journal_feature::checksum_v3);
    }
    [[nodiscard]] std::uint64_t length() const noexcept { return end - first; }
    [[nodiscard]] std::uint64_t wrapped(std::uint64_t block) const noexcept
    {
        return block >= end ? block - length() : block;
    }
};

/// Errors: malformed, mismatch (checksum), unsupported (features), those of the source.
[[nodiscard]] Result<Log> read_log(const io::ByteSource& journal, const JournaledVolume& volume);

/// One record of a descriptor block: which block of the volume the data block in its turn belongs to.
struct Tag {
    std::uint64_t block{};
    std::uint32_t flags{};
    std::uint32_t checksum{};
    [[nodiscard]] bool is_escaped() const noexcept { return (flags & tag_flag::escaped) != 0; }
};

/// Those of a whole descriptor block, in order.
[[nodiscard]] std::vector<Tag> parse_tags(const Log& log, ByteView descriptor);

/// Bytes at the end of descriptor and revoke blocks that hold their checksum.
[[nodiscard]] inline std::size_t tail_bytes(const Log& log) noexcept
{
    return log.has_checksums() ? 4 : 0;
}

struct Checksums {
    std::uint32_t stored{};
    std::uint32_t computed{};
    [[nodiscard]] bool agree() const noexcept { return stored == computed; }
};
/// Of a descriptor or revoke block, and of a data block as it is logged.  They agree where the log keeps none.
[[nodiscard]] Checksums tail_checksums(const Log& log, ByteView block) noexcept;
[[nodiscard]] Checksums data_checksums(const Log& log, std::uint32_t sequence, const Tag& tag, ByteView data) noexcept;

[[nodiscard]] inline std::uint32_t be32(ByteView bytes, std::size_t at) noexcept
{
    return load_be<std::uint32_t>(bytes.subspan(at));
}
/// crc32c of `bytes` with the four at `field` taken as zero.
[[nodiscard]] std::uint32_t checksum_without(std::uint32_t seed, ByteView bytes, std::size_t field) noexcept;

} // namespace salvage::filesystem::jbd2
