// The mounted tree: userdata.img, partitions/…, files/… and deleted/… under one root.  Knows nothing of FUSE.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "folder_cache.hpp"
#include "salvage/core/result.hpp"
#include "salvage/filesystem/filesystem.hpp"
#include "salvage/io/byte_source.hpp"
#include "salvage/rescue/open_volume.hpp"

namespace salvage::fuse {

inline constexpr NodeNumber root_node = 1;

/// Whose the folders and images are that no filesystem of the phone has.
struct Owner {
    std::uint32_t uid{};
    std::uint32_t gid{};
    filesystem::Timestamp modified; ///< their times: those of the dump
};

/// What the tree shows; each part may be absent.
struct Content {
    io::SourcePtr userdata; ///< in the clear
    std::vector<rescue::Device> partitions;
    std::shared_ptr<const filesystem::FileSystem> files;
    std::shared_ptr<const filesystem::FileSystem> deleted; ///< what was deleted of files, see make_deleted_tree
};

/// A read-only tree of numbered nodes.  const, thread safe.  Memory: the folders looked at last, see FolderCache.
///
/// Numbers depend on nothing but the dump: the phone's inode numbers plus a constant, and small ones for what is ours.
class Tree {
public:
    Tree(Content content, const Owner& owner);

    /// Errors: not_found; those of the filesystem.
    [[nodiscard]] Result<Node> stat(NodeNumber number) const;
    /// Errors: not_found (no such name), those of stat() for a node that is lost, those of list().
    [[nodiscard]] Result<Node> find(NodeNumber folder, std::string_view name) const;
    /// A damaged folder is a value, too: it says so itself.  Errors: invalid_argument (not a folder), io …
    [[nodiscard]] Result<FolderPtr> list(NodeNumber folder) const;
    [[nodiscard]] Result<io::SourcePtr> open(NodeNumber file) const;
    [[nodiscard]] Result<std::string> read_link(NodeNumber link) const;
    [[nodiscard]] Result<filesystem::ExtendedAttributes> extended_attributes(NodeNumber number) const;
    /// Bytes of userdata, or of all partitions where there is none.
    [[nodiscard]] ByteCount size() const noexcept { return size_; }

private:
    /// A folder or image of ours.
    struct Fixed {
        NodeNumber parent{};
        filesystem::Entry entry;
        io::SourcePtr source; ///< of an image
    };

    NodeNumber add_fixed(NodeNumber parent, filesystem::Entry entry, io::SourcePtr source);
    void add_partitions(std::vector<rescue::Device> partitions, const Owner& owner);
    [[nodiscard]] std::vector<Node> fixed_in(NodeNumber folder) const;
    /// A filesystem whose inodes are the nodes from `first` on.
    struct Mounted {
        std::string_view name;
        NodeNumber first{};
        std::shared_ptr<const filesystem::FileSystem> files;
    };

    void add_mounted(std::string_view name, NodeNumber first, std::shared_ptr<const filesystem::FileSystem> files);
    /// Null: the node is of ours.
    [[nodiscard]] const Mounted* mounted_with(NodeNumber number) const noexcept;
    [[nodiscard]] static Result<FolderPtr> list_files(const Mounted& mounted, NodeNumber folder);
    [[nodiscard]] static Node node_of(const Mounted& mounted, filesystem::Entry entry);

    std::map<NodeNumber, Fixed> fixed_;
    std::vector<Mounted> mounted_; ///< highest first
    ByteCount size_;
    mutable FolderCache folders_;
};

/// Reads of at most 16 KiB go through blocks of 64 KiB that are kept: what a filesystem asks for its own books, and the
/// small files beside each other.  Longer reads go straight to `source`, for they would only push the others out.
[[nodiscard]] io::SourcePtr make_small_reads_cached(io::SourcePtr source);

} // namespace salvage::fuse
