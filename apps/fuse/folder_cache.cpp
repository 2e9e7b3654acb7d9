// Folders that were listed last.
#include "folder_cache.hpp"

#include <utility>

namespace salvage::fuse {
namespace {

// About 250 bytes a node: 50 MiB.
constexpr std::size_t max_nodes = 200'000;

} // namespace

Folder::Folder(std::vector<Node> nodes, std::optional<Error> damage)
    : nodes_{std::move(nodes)}, damage_{std::move(damage)}
{
    by_name_.reserve(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        by_name_.emplace(nodes_.at(i).entry.name, i);
    }
}

const Node* Folder::find(std::string_view name) const
{
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &nodes_.at(found->second);
}

FolderPtr FolderCache::find(NodeNumber number) const
{
    const std::scoped_lock lock{mutex_};
    const auto known = slots_.find(number);
    if (known == slots_.end()) {
        return nullptr;
    }
    ages_.splice(ages_.begin(), ages_, known->second.age);
    return known->second.folder;
}

void FolderCache::add(NodeNumber number, FolderPtr folder)
{
    const std::scoped_lock lock{mutex_};
    if (slots_.contains(number)) {
        return; // someone else listed it meanwhile
    }
    ages_.push_front(number);
    nodes_ += folder->nodes().size();
    slots_.emplace(number, Slot{.folder = std::move(folder), .age = ages_.begin()});
    while (nodes_ > max_nodes && ages_.size() > 1) {
        const auto oldest = slots_.find(ages_.back());
        nodes_ -= oldest->second.folder->nodes().size();
        slots_.erase(oldest);
        ages_.pop_back();
    }
}

} // namespace salvage::fuse
