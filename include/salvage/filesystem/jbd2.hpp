// The journal of ext3 and ext4: committed transactions written into an overlay, the volume untouched.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/io/byte_source.hpp"
#include "salvage/io/views.hpp"

namespace salvage::filesystem {

/// The filesystem that a journal belongs to.
struct JournaledVolume {
    std::uint32_t block_bytes{};
    std::uint64_t blocks{};
};

struct JournalReport {
    std::uint64_t transactions{};   ///< committed and verified
    std::uint64_t blocks_written{}; ///< distinct blocks of the volume that the overlay now holds
    std::uint64_t blocks_revoked{}; ///< logged blocks that a revoke record held back
    std::uint32_t first_sequence{}; ///< of the first transaction, whether or not there was one
    std::optional<Error> stopped;   ///< the transaction that did not verify; those after it were not replayed either
    bool has_fast_commits{false};   ///< newer changes lie in the fast-commit area, in a form that is not replayed
};

/// What the log needs first: its own superblock.  `is_dirty` says that there may be something to replay.
struct JournalState {
    bool is_dirty{false};
    std::uint64_t blocks{};
};
/// Errors: as replay_journal.
[[nodiscard]] Result<JournalState> probe_journal(const io::ByteSource& journal, const JournaledVolume& volume);

/// Replays the committed transactions of `journal` (the content of the journal's inode) into `into`, an overlay over
/// the volume.  A transaction counts when its commit block is there and all checksums that the journal has agree; the
/// log ends at the first that does not.  The last logged copy of a block wins, unless the block was revoked later.
/// Memory: 32 bytes a logged block, besides the overlay.  Reads the log twice.
/// Errors: malformed, mismatch (superblock of the journal), unsupported (features, the overlay's limit), io.
/// Spec: Linux, Documentation/filesystems/ext4/journal.rst.
[[nodiscard]] Result<JournalReport> replay_journal(const io::ByteSource& journal, const JournaledVolume& volume,
                                                   io::Overlay& into);

/// A block of the volume as the log still holds it: what it was when a transaction was committed.
struct LoggedCopy {
    std::uint64_t on_volume{}; ///< block of the volume
    std::uint64_t in_log{};    ///< block of the journal
    std::uint32_t sequence{};  ///< number of the transaction
    std::int32_t age{};        ///< the same as a number that grows with time; 0: the next transaction to be replayed
    bool is_escaped{false};    ///< its first four bytes were the journal's magic and are zero in the log
    bool is_verified{false};   ///< by the journal's own checksum; a journal without them is taken at its word
};

/// All copies that lie in the log, those that were written back to their places long ago among them: the log is
/// overwritten, never cleared.  What a later turn of the log overwrote and what fails its checksum is left out.  In the
/// order of their blocks on the volume, the oldest of a block first.
/// Memory: 80 bytes a block of the log.  Reads the log twice.
/// Errors: as replay_journal; cancelled.
[[nodiscard]] Result<std::vector<LoggedCopy>>
find_logged_copies(const io::ByteSource& journal, const JournaledVolume& volume, const RunContext& context = {});

/// The bytes of a copy as they were on the volume.  Errors: those of the source.
[[nodiscard]] Result<Bytes> read_logged_copy(const io::ByteSource& journal, const JournaledVolume& volume,
                                             const LoggedCopy& copy);

} // namespace salvage::filesystem
