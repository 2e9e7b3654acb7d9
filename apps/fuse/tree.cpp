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
// Inode numbers of phones have 32 bits, those of SD cards less than 56.
constexpr NodeNumber first_of_deleted = 1ULL << 62U;
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
Tree::Tree(Content content, const Owner& owner) : size_{content.userdata ? content.userdata->size() : ByteCount{}}
{
    add_fixed(0, make_entry({}, EntryType::directory, {}, owner), {}); // the root, number 1
    if (content.userdata) {
        add_fixed(root_node, make_entry("userdata.img", EntryType::file, content.userdata->size(), owner),
                  content.userdata);
    }
    add_partitions(std::move(content.partitions), owner);
    add_mounted("deleted", first_of_deleted, std::move(content.deleted));
    add_mounted("files", first_of_files, std::move(content.files));
}

void Tree::add_mounted(std::string_view name, NodeNumber first, std::shared_ptr<const filesystem::FileSystem> files)
{
    if (files) {
        mounted_.push_back({.name = name, .first = first, .files = std::move(files)});
        ++fixed_.at(root_node).entry.links;
    }
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

const Tree::Mounted* Tree::mounted_with(NodeNumber number) const noexcept
{
    const auto found = std::ranges::find_if(mounted_, [&](const Mounted& mounted) { return number >= mounted.first; });
    return found == mounted_.end() ? nullptr : &*found;
}

Node Tree::node_of(const Mounted& mounted, Entry entry)
{
    Node out{.number = 0, .entry = std::move(entry), .is_lost = false};
    const auto number = checked_add(out.entry.inode, mounted.first);
    out.is_lost = !number || (has_type_only(out.entry) && !mounted.files->stat(out.entry.inode).has_value());
    out.number = number.value_or(0);
    return out;
}

Result<Node> Tree::stat(NodeNumber number) const
{
    if (const auto* const mounted = mounted_with(number)) {
        auto entry = SALVAGE_TRY(mounted->files->stat(number - mounted->first));
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
    for (const auto& mounted : folder == root_node ? mounted_ : std::vector<Mounted>{}) {
        out.push_back(node_of(mounted, mounted.files->root()));
        out.back().entry.name = mounted.name;
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
    const auto* const mounted = mounted_with(folder);
    if (mounted == nullptr) {
        const auto found = fixed_.find(folder);
        if (found == fixed_.end() || found->second.entry.type != EntryType::directory) {
            return invalid_argument("only a folder can be listed");
        }
    }
    auto listed = mounted != nullptr ? SALVAGE_TRY(list_files(*mounted, folder))
                                     : std::make_shared<const Folder>(fixed_in(folder), std::nullopt);
    folders_.add(folder, listed);
    return listed;
}

Result<FolderPtr> Tree::list_files(const Mounted& mounted, NodeNumber folder)
{
    std::vector<Entry> read_so_far;
    auto listed = mounted.files->list(folder - mounted.first, &read_so_far);
    if (!listed.has_value() && listed.error().code == ErrorCode::unsupported && mounted.first == first_of_deleted) {
        listed = std::vector<Entry>{}; // a format whose deleted files are not looked for
    }
    if (!listed.has_value() && listed.error().code == ErrorCode::invalid_argument) {
        return std::move(listed).error();
    }
    auto& entries = listed.has_value() ? *listed : read_so_far;
    std::vector<Node> nodes;
    nodes.reserve(entries.size());
    for (auto& entry : entries) {
        if (is_name(entry.name)) {
            nodes.push_back(node_of(mounted, std::move(entry)));
        }
    }
    return std::make_shared<const Folder>(std::move(nodes),
                                          listed.has_value() ? std::nullopt : std::optional{std::move(listed).error()});
}

Result<io::SourcePtr> Tree::open(NodeNumber file) const
{
    if (const auto* const mounted = mounted_with(file)) {
        return mounted->files->open(file - mounted->first);
    }
    const auto found = fixed_.find(file);
    if (found == fixed_.end() || !found->second.source) {
        return invalid_argument("only a file has content");
    }
    return found->second.source;
}

Result<std::string> Tree::read_link(NodeNumber link) const
{
    const auto* const mounted = mounted_with(link);
    if (mounted == nullptr) {
        return invalid_argument("only a symbolic link has a target");
    }
    return mounted->files->read_link(link - mounted->first);
}

Result<filesystem::ExtendedAttributes> Tree::extended_attributes(NodeNumber number) const
{
    const auto* const mounted = mounted_with(number);
    if (mounted == nullptr) {
        return filesystem::ExtendedAttributes{};
    }
    return mounted->files->extended_attributes(number - mounted->first);
}

} // namespace salvage::fuse
