// Folders that were listed last, shared by all who look at them.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "salvage/core/error.hpp"
#include "salvage/filesystem/filesystem.hpp"

namespace salvage::fuse {

/// Number of a file or folder in the mounted tree: the same as long as the dump is, across mounts.
using NodeNumber = std::uint64_t;

struct Node {
    NodeNumber number{};
    filesystem::Entry entry;
    bool is_lost{false}; ///< the folder names it, what it is cannot be read
};

/// A folder as it was listed.  Immutable.
class Folder {
public:
    Folder(std::vector<Node> nodes, std::optional<Error> damage);
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() = default;

    [[nodiscard]] const std::vector<Node>& nodes() const noexcept { return nodes_; }
    /// Null: no such name.  Of several with one name the first.
    [[nodiscard]] const Node* find(std::string_view name) const;
    /// Why there may be more than nodes().
    [[nodiscard]] const std::optional<Error>& damage() const noexcept { return damage_; }

private:
    std::vector<Node> nodes_;
    std::unordered_map<std::string_view, std::size_t> by_name_; ///< names are those of nodes_
    std::optional<Error> damage_;
};
using FolderPtr = std::shared_ptr<const Folder>;

/// Least recently used first out.  Thread safe.
class FolderCache {
public:
    /// Null: not known.
    [[nodiscard]] FolderPtr find(NodeNumber number) const;
    void add(NodeNumber number, FolderPtr folder);

private:
    struct Slot {
        FolderPtr folder;
        std::list<NodeNumber>::iterator age;
    };

    mutable std::mutex mutex_;
    mutable std::list<NodeNumber> ages_; ///< youngest first
    std::map<NodeNumber, Slot> slots_;
    std::size_t nodes_{0}; ///< of all folders kept
};

} // namespace salvage::fuse
