// The journal of ext3 and ext4, read in two passes: which transactions are whole, then their blocks into the overlay.
#include "salvage/filesystem/jbd2.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "ext/library.hpp"
#include "jbd2_log.hpp"
#include "salvage/core/bytes.hpp"

namespace salvage::filesystem {
namespace jbd2 {
namespace {
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
        const auto checksums = tail_checksums(log_, block);
        if (checksums.agree()) {
            return {};
        }
        return damage(ErrorCode::mismatch, "a checksum in the journal is wrong",
                      fmt::format("found {:08x}, computed {:08x}", checksums.stored, checksums.computed), here,
                      block.size() - 4);
    }

    Result<> take_descriptor(ByteView block, std::uint64_t here, Transaction& out)
    {
        SALVAGE_TRY(check_tail(block, here));
        running_crc_ = ext::crc32_be(running_crc_, block);
        for (const auto& tag : parse_tags(log_, block)) {
            SALVAGE_TRY(take_data(tag, out));
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
        const auto checksums = data_checksums(log_, sequence_, tag, data);
        if (!checksums.agree()) {
            return damage(ErrorCode::mismatch, "the checksum of a logged block is wrong",
                          fmt::format("found {:08x}, computed {:08x}", checksums.stored, checksums.computed), here);
        }
        running_crc_ = ext::crc32_be(running_crc_, data);
        out.blocks.push_back({.in_log = here, .on_volume = tag.block, .is_escaped = tag.is_escaped()});
        return {};
    }

    Result<> take_revokes(ByteView block, std::uint64_t here, Transaction& out)
    {
        SALVAGE_TRY(check_tail(block, here));
        constexpr std::size_t records_at = 16;
        const std::size_t used = be32(block, 12);
        if (used < records_at || used > block.size() - tail_bytes(log_)) {
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
} // namespace jbd2

Result<JournalState> probe_journal(const io::ByteSource& journal, const JournaledVolume& volume)
{
    const auto log = SALVAGE_TRY(jbd2::read_log(journal, volume));
    return JournalState{.is_dirty = log.start != 0, .blocks = log.fast_commit_end};
}

Result<JournalReport> replay_journal(const io::ByteSource& journal, const JournaledVolume& volume, io::Overlay& into)
{
    const auto log = SALVAGE_TRY(jbd2::read_log(journal, volume));
    JournalReport report;
    report.first_sequence = log.sequence;
    if (log.start == 0) {
        return report;
    }
    jbd2::Scanner scanner{journal, log, volume};
    jbd2::Outcome outcome;
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
    report.has_fast_commits = !report.stopped && jbd2::has_fast_commit(journal, log, scanner.sequence());
    SALVAGE_TRY(outcome.write(journal, log.block_bytes, into, report));
    return report;
}

} // namespace salvage::filesystem
