// The journal of ext3 and ext4: committed transactions written into an overlay, the volume untouched.
#pragma once

#include <cstdint>
#include <optional>

#include "salvage/core/result.hpp"
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

} // namespace salvage::filesystem
