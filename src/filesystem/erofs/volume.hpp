// An EROFS volume ready to be read.
#pragma once

#include <memory>
#include <vector>

#include "attributes.hpp"
#include "inode.hpp"
#include "map.hpp"
#include "salvage/core/finding.hpp"

namespace salvage::filesystem::erofs {

/// Thread safe: nothing changes after open().
class Volume {
public:
    /// `superblock` was read from `source`.  Errors: malformed (no root directory); those of the source.
    [[nodiscard]] static Result<std::unique_ptr<const Volume>> open(const io::SourcePtr& source,
                                                                    const Superblock& superblock);

    [[nodiscard]] const Superblock& superblock() const noexcept { return superblock_; }
    [[nodiscard]] const std::vector<Finding>& findings() const noexcept { return findings_; }

    /// Errors: not_found (beyond the volume), malformed, those of the source.
    [[nodiscard]] Result<Inode> inode(std::uint64_t number) const;
    /// Errors: malformed, unsupported.
    [[nodiscard]] Result<io::SourcePtr> content_of(const Inode& inode) const;
    /// As content_of, through the cache: for directories.
    [[nodiscard]] Result<io::SourcePtr> cached_content_of(const Inode& inode) const;
    /// The own ones first, then those that are shared.  Errors: malformed, those of the source.
    [[nodiscard]] Result<std::vector<Attribute>> attributes_of(const Inode& inode) const;
    [[nodiscard]] const std::vector<LongPrefix>& long_prefixes() const noexcept { return long_prefixes_; }

private:
    Volume(io::SourcePtr source, ByteCount present, Superblock superblock);
    void open_packed_inode();
    void read_long_prefixes();
    [[nodiscard]] Result<std::vector<LongPrefix>> parse_long_prefixes(const io::ByteSource& source) const;
    [[nodiscard]] Result<Attribute> shared_attribute(std::uint32_t place) const;
    [[nodiscard]] Result<io::SourcePtr> content_over(const io::SourcePtr& source, const Inode& inode) const;

    Superblock superblock_;
    ByteCount present_;          ///< of the volume, where the dump ends before it
    io::SourcePtr source_;       ///< as large as the filesystem
    io::SourcePtr metadata_;     ///< the same, with a cache
    io::SourcePtr packed_inode_; ///< null where there are no fragments, or it is damaged
    std::vector<LongPrefix> long_prefixes_;
    std::vector<Finding> findings_;
};

} // namespace salvage::filesystem::erofs
