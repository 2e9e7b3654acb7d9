// Whom the tree of nodes is asked of: the volume as it is, or what is left of it as it was.
#pragma once

#include <cstdint>
#include <optional>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "summaries.hpp"

namespace salvage::filesystem::f2fs {

class NodeLookup {
public:
    NodeLookup() = default;
    NodeLookup(const NodeLookup&) = delete;
    NodeLookup& operator=(const NodeLookup&) = delete;
    virtual ~NodeLookup() = default;

    /// The node of the inode `owner` at `place` in its tree.
    /// Errors: not_found, malformed (no such node, or the block is another's), those of the source.
    [[nodiscard]] virtual Result<Bytes> node(std::uint32_t number, std::uint32_t owner, std::uint32_t place) const = 0;
    /// Why data of `owner` cannot lie in `block`; nothing where it can.
    [[nodiscard]] virtual std::optional<Error> why_not_data(std::uint32_t block, BlockOwner owner) const = 0;
};

} // namespace salvage::filesystem::f2fs
