// The mounted tree.
#include "tree.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace salvage::fuse {
namespace {

using filesystem::Entry;
using filesystem::EntryType;

// Numbers below are ours: the root, its folders, and one for each partition.
constexpr NodeNumber first_of_files = 1U << 16U;
constexpr std::string_view part_prefix = "part:";

Entry make_entry(std::string name, EntryType type, ByteCount size, const Owner& owner)
{
    Entry out;
    out.name = std::move(name);
    out.type = type;
    out.size = size;
    out.mode = type == EntryType::directory ? 0555 : 0444;
    out.links = type == EntryType::directory ? 2 : 1;
    out.uid = owner.uid;
    out.gid = owner.gid;
    out.modified = out.accessed = out.changed = owner.modified;
    return out;
}

/// A table's name as a file's: no path, nothing unprintable, none twice.
std::string file_name_of(std::string_view partition, std::set<std::string>& taken)
{
    std::string stem;
    for (const char c : partition) {
        const bool is_plain = c > ' ' && c < '\x7f' && c != '/';
        stem += is_plain ? c : '_';
    }
    stem = stem.empty() ? "unnamed" : stem;
    auto name = stem + ".img";
    for (unsigned again = 2; !taken.insert(name).second; ++again) {
        name = fmt::format("{}-{}.img", stem, again);
    }
    return name;
}

Error no_such_node(NodeNumber number)
{
    return not_found(fmt::format("there is no node {} in the mounted tree", number));
}

/// An entry that has nothing but its type may be one whose inode is lost.
bool has_type_only(const Entry& entry)
{
    return entry.mode == 0 && entry.size.value == 0 && entry.changed == filesystem::Timestamp{} &&
           entry.modified == filesystem::Timestamp{};
}

bool is_name(std::string_view name)
{
    return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
           name.find('\0') == std::string_view::npos;
}

} // namespace

// cppcheck-suppress passedByValue ; its parts are moved from
Tree::Tree(Content content, const Owner& owner)
    : files_{std::move(content.files)}, size_{content.userdata ? content.userdata->size() : ByteCount{}}
{
    add_fixed(0, make_entry({}, EntryType::directory, {}, owner), {}); // the root, number 1
    if (content.userdata) {
        add_fixed(root_node, make_entry("userdata.img", EntryType::file, content.userdata->size(), owner),
                  content.userdata);
    }
    add_partitions(std::move(content.partitions), owner);
}

void Tree::add_partitions(std::vector<rescue::Device> partitions, const Owner& owner)
{
    const auto folder = add_fixed(root_node, make_entry("partitions", EntryType::directory, {}, owner), {});
    std::set<std::string> taken;
    const bool is_size_open = size_.value == 0;
    for (auto& partition : partitions) {
        if (fixed_.size() + 2 >= first_of_files) {
            break; // more than any table that is read has
        }
        std::string_view name{partition.name};
        name.remove_prefix(name.starts_with(part_prefix) ? part_prefix.size() : 0);
        const auto size = partition.source->size();
        add_fixed(folder, make_entry(file_name_of(name, taken), EntryType::file, size, owner),
                  std::move(partition.source));
        if (is_size_open) {
            size_ = ByteCount{checked_add(size_.value, size.value).value_or(size_.value)};
        }
    }
}

NodeNumber Tree::add_fixed(NodeNumber parent, Entry entry, io::SourcePtr source)
{
    const NodeNumber number = root_node + fixed_.size();
    if (parent != 0 && entry.type == EntryType::directory) {
        ++fixed_.at(parent).entry.links;
    }
    fixed_.emplace(number, Fixed{.parent = parent, .entry = std::move(entry), .source = std::move(source)});
    return number;
}

bool Tree::is_of_files(NodeNumber number) const noexcept
{
    return files_ && number >= first_of_files;
}

Node Tree::node_of(Entry entry) const
{
    Node out{.number = 0, .entry = std::move(entry), .is_lost = false};
    const auto number = checked_add(out.entry.inode, first_of_files);
    out.is_lost = !number || (has_type_only(out.entry) && !files_->stat(out.entry.inode).has_value());
    out.number = number.value_or(0);
    return out;
}

Result<Node> Tree::stat(NodeNumber number) const
{
    if (is_of_files(number)) {
        auto entry = SALVAGE_TRY(files_->stat(number - first_of_files));
        return Node{.number = number, .entry = std::move(entry), .is_lost = false};
    }
    const auto found = fixed_.find(number);
    if (found == fixed_.end()) {
        return no_such_node(number);
    }
    return Node{.number = number, .entry = found->second.entry, .is_lost = false};
}

std::vector<Node> Tree::fixed_in(NodeNumber folder) const
{
    std::vector<Node> out;
    for (const auto& [number, fixed] : fixed_) {
        if (fixed.parent == folder) {
            out.push_back({.number = number, .entry = fixed.entry, .is_lost = false});
        }
    }
    if (folder == root_node && files_) {
        out.push_back(node_of(files_->root()));
        out.back().entry.name = "files";
    }
    return out;
}

Result<Node> Tree::find(NodeNumber folder, std::string_view name) const
{
    const auto listed = SALVAGE_TRY(list(folder));
    const auto* const found = listed->find(name);
    if (found == nullptr && listed->damage()) {
        return *listed->damage(); // it may be in what could not be read
    }
    if (found == nullptr) {
        return not_found("there is no such name");
    }
    return found->is_lost ? stat(found->number) : *found;
}

Result<FolderPtr> Tree::list(NodeNumber folder) const
{
    if (auto known = folders_.find(folder)) {
        return known;
    }
    if (!is_of_files(folder)) {
        const auto found = fixed_.find(folder);
        if (found == fixed_.end() || found->second.entry.type != EntryType::directory) {
            return invalid_argument("only a folder can be listed");
        }
    }
    auto listed = is_of_files(folder) ? SALVAGE_TRY(list_files(folder))
                                      : std::make_shared<const Folder>(fixed_in(folder), std::nullopt);
    folders_.add(folder, listed);
    return listed;
}

Result<FolderPtr> Tree::list_files(NodeNumber folder) const
{
    std::vector<Entry> read_so_far;
    auto listed = files_->list(folder - first_of_files, &read_so_far);
    if (!listed.has_value() && listed.error().code == ErrorCode::invalid_argument) {
        return std::move(listed).error();
    }
    auto& entries = listed.has_value() ? *listed : read_so_far;
    std::vector<Node> nodes;
    nodes.reserve(entries.size());
    for (auto& entry : entries) {
        if (is_name(entry.name)) {
            nodes.push_back(node_of(std::move(entry)));
        }
    }
    return std::make_shared<const Folder>(std::move(nodes),
                                          listed.has_value() ? std::nullopt : std::optional{std::move(listed).error()});
}

Result<io::SourcePtr> Tree::open(NodeNumber file) const
{
    if (is_of_files(file)) {
        return files_->open(file - first_of_files);
    }
    const auto found = fixed_.find(file);
    if (found == fixed_.end() || !found->second.source) {
        return invalid_argument("only a file has content");
    }
    return found->second.source;
}

Result<std::string> Tree::read_link(NodeNumber link) const
{
    if (!is_of_files(link)) {
        return invalid_argument("only a symbolic link has a target");
    }
    return files_->read_link(link - first_of_files);
}

Result<filesystem::ExtendedAttributes> Tree::extended_attributes(NodeNumber number) const
{
    if (!is_of_files(number)) {
        return filesystem::ExtendedAttributes{};
    }
    return files_->extended_attributes(number - first_of_files);
}

} // namespace salvage::fuse
