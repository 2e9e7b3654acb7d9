// The journal of ext3 and ext4, read in two passes: which transactions are whole, then their blocks into the overlay.
#include "salvage/filesystem/jbd2.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "ext/library.hpp"
#include "salvage/core/bytes.hpp"

namespace salvage::filesystem {
namespace {

constexpr std::uint32_t magic = 0xC03B3998;
constexpr std::size_t header_bytes = 12;                 // magic, type, sequence
constexpr std::uint64_t max_journal_blocks = 10'240'000; // what mke2fs makes at most
constexpr std::uint32_t default_fast_commit_blocks = 256;
constexpr std::uint64_t smallest_log = 1;

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
bool is_later(std::uint32_t left, std::uint32_t right) noexcept
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

Error bad_superblock(std::size_t at, std::string_view why)
{
    return malformed(ByteOffset{at}, "the journal's superblock contradicts itself", why);
}

std::uint32_t be32(ByteView bytes, std::size_t at) noexcept
{
    return load_be<std::uint32_t>(bytes.subspan(at));
}

/// crc32c of `bytes` with the four at `field` taken as zero.
std::uint32_t checksum_without(std::uint32_t seed, ByteView bytes, std::size_t field) noexcept
{
    constexpr std::array<std::byte, 4> zero{};
    return ext::crc32c(ext::crc32c(ext::crc32c(seed, bytes.first(field)), zero), bytes.subspan(field + zero.size()));
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

Result<Log> read_log(const io::ByteSource& journal, const JournaledVolume& volume)
{
    if (volume.block_bytes < 1024) {
        return invalid_argument("the blocks of a journal have 1024 bytes at least");
    }
    const auto bytes =
        SALVAGE_TRY(io::read_bytes(journal, ByteOffset{0}, ByteCount{1024}).in("reading the journal's superblock"));
    return io::lifted(parse_superblock(bytes, journal.size(), volume), journal);
}

/// One block of a transaction: where it lies in the log and where it belongs.
struct LoggedBlock {
    std::uint64_t in_log{};
    std::uint64_t on_volume{};
    bool is_escaped{false}; ///< its first four bytes were the magic and are zero in the log
};

struct Transaction {
    std::uint32_t sequence{};
    std::vector<LoggedBlock> blocks;
    std::vector<std::uint64_t> revoked;
};

/// First pass: follows the log and hands out each transaction that is whole.
class Scanner {
public:
    Scanner(const io::ByteSource& journal, const Log& log, const JournaledVolume& volume)
        : journal_{journal}, log_{log}, volume_{volume}, at_{log.start}, sequence_{log.sequence}, left_{log.length()}
    {
    }

    /// The next transaction; nothing where the log ends.  Errors: why one that is there does not verify.
    Result<std::optional<Transaction>> next()
    {
        Transaction out{.sequence = sequence_, .blocks = {}, .revoked = {}};
        running_crc_ = ~0U;
        while (left_ > 0) {
            const auto here = at_;
            const auto block = SALVAGE_TRY(take_block());
            if (be32(block, 0) != magic || be32(block, 8) != sequence_) {
                return std::optional<Transaction>{}; // what an older turn of the log left here
            }
            const auto type = be32(block, 4);
            if (type == block_type::commit) {
                SALVAGE_TRY(check_commit(block, here));
                ++sequence_;
                return out;
            }
            SALVAGE_TRY(take_control_block(type, block, here, out));
        }
        return std::optional<Transaction>{};
    }

    [[nodiscard]] std::uint32_t sequence() const noexcept { return sequence_; }

private:
    Result<Bytes> take_block()
    {
        const auto at = at_;
        --left_;
        at_ = log_.wrapped(at_ + 1);
        return io::read_bytes(journal_, ByteOffset{at * log_.block_bytes}, ByteCount{log_.block_bytes});
    }

    [[nodiscard]] Error damage(ErrorCode code, std::string_view what, std::string_view why, std::uint64_t block,
                               std::size_t within = 0) const
    {
        return Error{code,
                     std::string{what},
                     fmt::format("transaction {}: {}", sequence_, why),
                     journal_.locate(ByteOffset{block * log_.block_bytes + within}),
                     {},
                     {}};
    }

    Result<> take_control_block(std::uint32_t type, ByteView block, std::uint64_t here, Transaction& out)
    {
        switch (type) {
        case block_type::descriptor: return take_descriptor(block, here, out);
        case block_type::revoke: return take_revokes(block, here, out);
        default:
            return damage(ErrorCode::malformed, "the journal has a block of an unknown type",
                          fmt::format("type {}", type), here, 4);
        }
    }

    /// The checksum at the end of descriptor and revoke blocks.
    Result<> check_tail(ByteView block, std::uint64_t here) const
    {
        if (!log_.has_checksums()) {
            return {};
        }
        const auto field = block.size() - 4;
        const auto computed = checksum_without(log_.checksum_seed, block, field);
        if (be32(block, field) == computed) {
            return {};
        }
        return damage(ErrorCode::mismatch, "a checksum in the journal is wrong",
                      fmt::format("found {:08x}, computed {:08x}", be32(block, field), computed), here, field);
    }

    [[nodiscard]] std::size_t tail_bytes() const noexcept { return log_.has_checksums() ? 4 : 0; }

    // Spec: Linux, fs/jbd2/journal.c, journal_tag_bytes(): the parts of a tag come and go with the features.
    [[nodiscard]] std::size_t tag_bytes() const noexcept
    {
        if (log_.has(journal_feature::checksum_v3)) {
            return 16;
        }
        return 8U + (log_.has(journal_feature::checksum_v2) ? 2U : 0U) +
               (log_.has(journal_feature::has_64bit) ? 4U : 0U);
    }

    struct Tag {
        std::uint64_t block;
        std::uint32_t flags;
        std::uint32_t checksum;
    };

    [[nodiscard]] Tag parse_tag(ByteView bytes) const noexcept
    {
        const bool is_v3 = log_.has(journal_feature::checksum_v3);
        const std::uint64_t high = log_.has(journal_feature::has_64bit) ? be32(bytes, 8) : 0;
        return {.block = be32(bytes, 0) | high << 32U,
                .flags = is_v3 ? be32(bytes, 4) : load_be<std::uint16_t>(bytes.subspan(6)),
                .checksum = is_v3 ? be32(bytes, 12) : load_be<std::uint16_t>(bytes.subspan(4))};
    }

    Result<> take_descriptor(ByteView block, std::uint64_t here, Transaction& out)
    {
        SALVAGE_TRY(check_tail(block, here));
        running_crc_ = ext::crc32_be(running_crc_, block);
        const auto end = block.size() - tail_bytes();
        for (std::size_t at = header_bytes; at + tag_bytes() <= end;) {
            const auto tag = parse_tag(block.subspan(at));
            SALVAGE_TRY(take_data(tag, out));
            at += tag_bytes() + ((tag.flags & tag_flag::same_uuid) != 0 ? 0U : 16U);
            if ((tag.flags & tag_flag::last) != 0) {
                break;
            }
        }
        return {};
    }

    Result<> take_data(const Tag& tag, Transaction& out)
    {
        const auto here = at_;
        if (left_ == 0) {
            return damage(ErrorCode::malformed, "a transaction is longer than the journal", "no block is left", here);
        }
        if (tag.block >= volume_.blocks) {
            return damage(ErrorCode::malformed, "the journal holds a block outside the volume",
                          fmt::format("block {} of {}", tag.block, volume_.blocks), here);
        }
        const auto data = SALVAGE_TRY(take_block());
        SALVAGE_TRY(check_data(tag, data, here));
        running_crc_ = ext::crc32_be(running_crc_, data);
        out.blocks.push_back(
            {.in_log = here, .on_volume = tag.block, .is_escaped = (tag.flags & tag_flag::escaped) != 0});
        return {};
    }

    Result<> check_data(const Tag& tag, ByteView data, std::uint64_t here) const
    {
        if (!log_.has_checksums()) {
            return {};
        }
        std::array<std::byte, 4> sequence{};
        store_be(sequence, sequence_);
        auto computed = ext::crc32c(ext::crc32c(log_.checksum_seed, sequence), data);
        if (!log_.has(journal_feature::checksum_v3)) {
            computed &= 0xFFFFU; // there is room for half of it
        }
        if (computed == tag.checksum) {
            return {};
        }
        return damage(ErrorCode::mismatch, "the checksum of a logged block is wrong",
                      fmt::format("found {:08x}, computed {:08x}", tag.checksum, computed), here);
    }

    Result<> take_revokes(ByteView block, std::uint64_t here, Transaction& out)
    {
        SALVAGE_TRY(check_tail(block, here));
        constexpr std::size_t records_at = 16;
        const std::size_t used = be32(block, 12);
        if (used < records_at || used > block.size() - tail_bytes()) {
            return damage(ErrorCode::malformed, "a revoke block has an impossible length",
                          fmt::format("{} bytes", used), here, 12);
        }
        const std::size_t record = log_.has(journal_feature::has_64bit) ? 8 : 4;
        for (auto at = records_at; at + record <= used; at += record) {
            out.revoked.push_back(record == 8 ? load_be<std::uint64_t>(block.subspan(at)) : be32(block, at));
        }
        return {};
    }

    Result<> check_commit(ByteView block, std::uint64_t here) const
    {
        constexpr std::size_t field = 0x10;
        const auto stored = be32(block, field);
        if (log_.has_checksums()) {
            const auto computed = checksum_without(log_.checksum_seed, block, field);
            return stored == computed ? Result<>{} : wrong_commit(stored, computed, here);
        }
        constexpr std::byte crc32_type{1};
        const bool has_crc32 = log_.has_compat_checksum && block[0xC] == crc32_type && block[0xD] == std::byte{4};
        if (has_crc32 && stored != running_crc_) {
            return wrong_commit(stored, running_crc_, here);
        }
        return {};
    }

    [[nodiscard]] Error wrong_commit(std::uint32_t stored, std::uint32_t computed, std::uint64_t here) const
    {
        return damage(ErrorCode::mismatch, "the checksum of a commit is wrong",
                      fmt::format("found {:08x}, computed {:08x}", stored, computed), here, 0x10);
    }

    const io::ByteSource& journal_;
    Log log_;
    JournaledVolume volume_;
    std::uint64_t at_;
    std::uint32_t sequence_;
    std::uint64_t left_; ///< blocks of the log not yet visited: it is followed round once
    std::uint32_t running_crc_{~0U};
};

/// What the whole transactions come to: the last copy of each block.
class Outcome {
public:
    void add(const Transaction& transaction)
    {
        for (const auto block : transaction.revoked) {
            auto& latest = revoked_.try_emplace(block, transaction.sequence).first->second;
            latest = is_later(transaction.sequence, latest) ? transaction.sequence : latest;
        }
        for (const auto& block : transaction.blocks) {
            logged_.push_back({.sequence = transaction.sequence, .block = block});
        }
        ++transactions;
    }

    std::uint64_t transactions{0};

    Result<> write(const io::ByteSource& journal, std::uint32_t block_bytes, io::Overlay& into, JournalReport& report)
    {
        std::unordered_map<std::uint64_t, LoggedBlock> last;
        for (const auto& logged : logged_) {
            const auto revoke = revoked_.find(logged.block.on_volume);
            if (revoke != revoked_.end() && !is_later(logged.sequence, revoke->second)) {
                ++report.blocks_revoked;
                continue;
            }
            last.insert_or_assign(logged.block.on_volume, logged.block);
        }
        for (const auto& [target, block] : last) {
            auto bytes =
                SALVAGE_TRY(io::read_bytes(journal, ByteOffset{block.in_log * block_bytes}, ByteCount{block_bytes}));
            if (block.is_escaped) {
                store_be(bytes, magic);
            }
            SALVAGE_TRY(into.write_at(ByteOffset{target * block_bytes}, bytes).in("replaying the journal"));
            ++report.blocks_written;
        }
        return {};
    }

private:
    struct Logged {
        std::uint32_t sequence;
        LoggedBlock block;
    };
    std::vector<Logged> logged_; ///< bounded by the blocks of the log
    std::unordered_map<std::uint64_t, std::uint32_t> revoked_;
};

/// True where a fast commit that follows transaction `sequence` - 1 begins in its area.
/// Spec: Linux, fs/ext4/fast_commit.h: a head tag (9) of 8 bytes: features and the transaction's number.
bool has_fast_commit(const io::ByteSource& journal, const Log& log, std::uint32_t sequence)
{
    constexpr std::uint16_t head_tag = 9;
    // The kernel counts the area from one block behind its nominal start.
    for (auto block = log.end; block < std::min(log.end + 2, log.fast_commit_end); ++block) {
        const auto bytes = io::read_bytes(journal, ByteOffset{block * log.block_bytes}, ByteCount{12});
        if (bytes.has_value() && load_le<std::uint16_t>(*bytes) == head_tag &&
            load_le<std::uint32_t>(ByteView{*bytes}.subspan(8)) == sequence) {
            return true;
        }
    }
    return false;
}

} // namespace

Result<JournalState> probe_journal(const io::ByteSource& journal, const JournaledVolume& volume)
{
    const auto log = SALVAGE_TRY(read_log(journal, volume));
    return JournalState{.is_dirty = log.start != 0, .blocks = log.fast_commit_end};
}

Result<JournalReport> replay_journal(const io::ByteSource& journal, const JournaledVolume& volume, io::Overlay& into)
{
    const auto log = SALVAGE_TRY(read_log(journal, volume));
    JournalReport report;
    report.first_sequence = log.sequence;
    if (log.start == 0) {
        return report;
    }
    Scanner scanner{journal, log, volume};
    Outcome outcome;
    while (true) {
        const auto transaction = scanner.next();
        if (!transaction.has_value()) {
            report.stopped = transaction.error();
            break;
        }
        if (!*transaction) {
            break;
        }
        outcome.add(**transaction);
    }
    report.transactions = outcome.transactions;
    report.has_fast_commits = !report.stopped && has_fast_commit(journal, log, scanner.sequence());
    SALVAGE_TRY(outcome.write(journal, log.block_bytes, into, report));
    return report;
}

} // namespace salvage::filesystem
