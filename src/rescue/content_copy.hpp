// One file's content on its way from a filesystem into an export folder: holes stay holes, losses are counted, all is
// hashed.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "rescue/hash_lane.hpp"
#include "rescue/pieces.hpp"
#include "rescue/target_tree.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::rescue {

/// Copies `source` into `file` once.  Everything it is given outlives it.
class ContentCopy {
public:
    ContentCopy(const io::ByteSource& source, const UnfinishedFile& file, BufferPool& pool, HashLane& lane,
                const RunContext& context)
        : source_{&source}, file_{&file}, pool_{&pool}, lane_{&lane}, context_{&context}
    {
    }

    /// What made the source's file unreadable as a whole, or nothing.  Errors: those of the target; cancelled.
    [[nodiscard]] Result<std::optional<Error>> run(const std::function<void(ByteCount)>& advance);

    /// Hex; empty where the file claims more holes than are worth hashing.
    [[nodiscard]] std::string take_sha256() { return is_hashed_ ? to_hex(hash_.finish()) : std::string{}; }
    [[nodiscard]] Losses take_losses() { return std::move(losses_); }

private:
    struct Step {
        ByteRange range;
        bool is_hole{false};
    };
    Step next_step(ByteOffset at, ByteOffset end);
    void skip_hole(ByteRange range);
    Result<std::optional<Error>> copy(ByteRange range);

    const io::ByteSource* source_;
    const UnfinishedFile* file_;
    BufferPool* pool_;
    HashLane* lane_;
    const RunContext* context_;
    crypto::Sha256 hash_;
    Losses losses_;
    ByteRange hole_; ///< the one the last look at the extents began in
    ByteCount holes_;
    bool is_hashed_{true};
};

} // namespace salvage::rescue
