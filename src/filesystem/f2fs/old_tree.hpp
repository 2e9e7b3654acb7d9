// The tree of nodes of an inode that is gone, as far as its nodes still stand there.
#pragma once

#include "history.hpp"

namespace salvage::filesystem::f2fs {

/// For one walk in one thread: it counts what it was asked.  Keeps references.
class OldTree final : public NodeLookup {
public:
    OldTree(const History& history, const Life& life) : history_{history}, life_{life} {}

    [[nodiscard]] Result<Bytes> node(std::uint32_t number, std::uint32_t owner, std::uint32_t place) const override;
    /// A free block was the file's when the summary of its segment says so; where no summary tells, it is counted.
    [[nodiscard]] std::optional<Error> why_not_data(std::uint32_t block, BlockOwner owner) const override;
    [[nodiscard]] std::uint64_t uncertain_blocks() const noexcept { return uncertain_; }

private:
    [[nodiscard]] bool is_of_life(const OldNode& node) const noexcept;
    [[nodiscard]] std::uint8_t version_of(std::uint32_t number) const;
    [[nodiscard]] bool may_be_written_unseen(std::uint32_t block) const;

    const History& history_;
    const Life& life_;
    mutable std::uint64_t uncertain_{0};
    mutable std::uint32_t version_node_{0}; ///< whose version was asked for last
    mutable std::uint8_t version_{0};
};

} // namespace salvage::filesystem::f2fs
