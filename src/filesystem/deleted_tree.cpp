// The tree is made whole on first use: deleted files come in no order, and folders before or after what lies in them.
#include "salvage/filesystem/deleted_tree.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "salvage/io/sources.hpp"

namespace salvage::filesystem {
namespace {

constexpr std::uint64_t root_number = 1;
// What no kernel lets anybody name: a made-up path does not fill the memory.
constexpr std::size_t max_parts = 2048;
constexpr std::size_t max_name_bytes = 255;

struct Node {
    Entry entry;
    std::map<std::string, std::uint64_t, std::less<>> children{};
    std::optional<DeletedFile> file{}; ///< nothing: a folder that only leads somewhere
};

bool is_name(std::string_view name)
{
    return !name.empty() && name.size() <= max_name_bytes && name != "." && name != ".." &&
           name.find('\0') == std::string_view::npos && name.find('/') == std::string_view::npos;
}

std::vector<std::string_view> parts_of(std::string_view path)
{
    std::vector<std::string_view> out;
    for (std::size_t at = 0; at < path.size() && out.size() < max_parts;) {
        const auto end = std::min(path.find('/', at), path.size());
        if (const auto part = path.substr(at, end - at); is_name(part)) {
            out.push_back(part);
        }
        at = end + 1;
    }
    return out;
}

/// "IMG_1.jpg", 2 → "IMG_1~2.jpg": programs go by the ending.
std::string numbered(std::string_view name, unsigned number)
{
    const auto dot = name.rfind('.');
    const auto cut = dot == std::string_view::npos || dot == 0 ? name.size() : dot;
    return fmt::format("{}~{}{}", name.substr(0, cut), number, name.substr(cut));
}

class Nodes {
public:
    Nodes()
    {
        add_folder({}); // the root
    }

    void add(DeletedFile file)
    {
        const auto folder = folder_at(file.folder);
        auto name = is_name(file.entry.name) ? file.entry.name : fmt::format("inode-{}", file.entry.inode);
        if (file.entry.type == EntryType::directory && become_folder(folder, name, file)) {
            return;
        }
        const auto stem = name;
        auto& names = nodes_[folder].children;
        for (auto& again = last_number_[{folder, stem}]; names.contains(name);) {
            again = std::max(again + 1, 2U);
            name = numbered(stem, again);
        }
        names.emplace(name, nodes_.size() + root_number);
        auto entry = file.entry;
        entry.name = std::move(name);
        entry.inode = nodes_.size() + root_number;
        entry.deleted = file.confidence;
        nodes_.push_back({.entry = std::move(entry), .children = {}, .file = std::move(file)});
    }

    [[nodiscard]] const Node* find(std::uint64_t number) const
    {
        return number < root_number || number - root_number >= nodes_.size() ? nullptr : &nodes_[number - root_number];
    }

private:
    std::uint64_t add_folder(std::string name)
    {
        Node node;
        node.entry.name = std::move(name);
        node.entry.inode = nodes_.size() + root_number;
        node.entry.type = EntryType::directory;
        node.entry.mode = 0755;
        node.entry.links = 2;
        nodes_.push_back(std::move(node));
        return nodes_.size() - 1;
    }

    std::size_t folder_at(std::string_view path)
    {
        std::size_t here = 0;
        for (const auto part : path.empty() ? std::vector{unknown_folder} : parts_of(path)) {
            here = folder_in(here, part);
        }
        return here;
    }

    std::size_t folder_in(std::size_t parent, std::string_view name)
    {
        for (unsigned number = 1;; ++number) {
            auto wanted = number == 1 ? std::string{name} : numbered(name, number);
            const auto found = nodes_[parent].children.find(wanted);
            if (found == nodes_[parent].children.end()) {
                nodes_[parent].children.emplace(wanted, nodes_.size() + root_number);
                return add_folder(std::move(wanted));
            }
            const auto index = found->second - root_number;
            if (nodes_[index].entry.type == EntryType::directory) {
                return index;
            }
        }
    }

    /// A folder that leads somewhere turns out to be a deleted one: false where it is one already.
    bool become_folder(std::size_t parent, std::string_view name, DeletedFile& file)
    {
        const auto index = folder_in(parent, name);
        auto& node = nodes_[index];
        if (node.file) {
            return false;
        }
        auto own_name = std::move(node.entry.name);
        const auto number = node.entry.inode;
        node.entry = file.entry;
        node.entry.name = std::move(own_name);
        node.entry.inode = number;
        node.entry.deleted = file.confidence;
        node.file = std::move(file);
        return true;
    }

    std::vector<Node> nodes_;
    std::map<std::pair<std::size_t, std::string>, unsigned> last_number_;
};

/// Deleted files come in no order; the same volume gives the same tree.
Nodes tree_of(std::vector<DeletedFile> files)
{
    const auto key = [](const DeletedFile& file) {
        return std::tuple<const std::string&, const std::string&, Timestamp, std::uint64_t, const std::string&>{
            file.folder, file.entry.name, file.deleted_at.value_or(Timestamp{}), file.entry.inode, file.proof};
    };
    std::ranges::sort(files, {}, key);
    Nodes out;
    for (auto& file : files) {
        out.add(std::move(file));
    }
    return out;
}

class DeletedTree final : public FileSystem {
public:
    DeletedTree(std::shared_ptr<const FileSystem> live, RunContext context)
        : live_{std::move(live)}, context_{std::move(context)}, kind_{fmt::format("deleted files of {}", live_->kind())}
    {
    }

    [[nodiscard]] std::string_view kind() const noexcept override { return kind_; }
    [[nodiscard]] std::string label() const override { return live_->label(); }

    [[nodiscard]] Entry root() const override
    {
        Entry out;
        out.inode = root_number;
        out.type = EntryType::directory;
        out.mode = 0755;
        out.links = 2;
        return out;
    }

    Result<std::vector<Entry>> list(std::uint64_t inode, std::vector<Entry>* /*read_so_far*/) const override
    {
        const auto* const node = SALVAGE_TRY(find(inode));
        if (node->entry.type != EntryType::directory) {
            return invalid_argument("only a folder can be listed");
        }
        std::vector<Entry> out;
        out.reserve(node->children.size());
        for (const auto& [name, number] : node->children) {
            out.push_back(nodes_->find(number)->entry);
        }
        return out;
    }

    [[nodiscard]] Result<Entry> stat(std::uint64_t inode) const override
    {
        const auto* const node = SALVAGE_TRY(find(inode));
        return node->entry;
    }

    [[nodiscard]] Result<std::string> read_link(std::uint64_t inode) const override
    {
        const auto* const node = SALVAGE_TRY(find(inode));
        if (node->entry.type != EntryType::symlink || !node->file || node->file->target.empty()) {
            return not_found("where this deleted link pointed is not held any more");
        }
        return node->file->target;
    }

    [[nodiscard]] Result<ExtendedAttributes> extended_attributes(std::uint64_t inode) const override
    {
        const auto* const node = SALVAGE_TRY(find(inode));
        ExtendedAttributes out;
        const auto add = [&out](std::string_view name, std::string_view value) {
            const auto bytes = as_bytes(value);
            out.emplace_back(name, Bytes{bytes.begin(), bytes.end()});
        };
        if (node->file) {
            add(confidence_attribute, to_string(node->file->confidence));
            add(proof_attribute, node->file->proof);
        }
        return out;
    }

    [[nodiscard]] Result<io::SourcePtr> open(std::uint64_t inode) const override
    {
        const auto* const node = SALVAGE_TRY(find(inode));
        if (node->entry.type != EntryType::file) {
            return invalid_argument("only a file has content");
        }
        if (node->file->content) {
            return node->file->content;
        }
        if (node->entry.size.value == 0) {
            return io::make_memory({}, "empty file");
        }
        return not_found("nothing of this deleted file's content is held any more", node->file->proof,
                         "`salvage carve` looks for what lies in unused areas");
    }

    [[nodiscard]] const std::vector<Finding>& findings() const noexcept override { return findings_; }

private:
    Result<const Node*> find(std::uint64_t number) const
    {
        const std::scoped_lock lock{mutex_};
        if (!nodes_ && !problem_) {
            auto files = live_->deleted_files(context_);
            if (files.has_value()) {
                nodes_ = tree_of(*std::move(files));
            } else if (files.error().code == ErrorCode::cancelled) {
                return std::move(files).error();
            } else {
                problem_ = std::move(files).error();
            }
        }
        if (problem_) {
            return *problem_;
        }
        const auto* const node = nodes_->find(number);
        if (node == nullptr) {
            return not_found(fmt::format("there is no deleted file of number {}", number));
        }
        return node;
    }

    std::shared_ptr<const FileSystem> live_;
    RunContext context_;
    std::string kind_;
    std::vector<Finding> findings_;
    mutable std::mutex mutex_;
    mutable std::optional<Nodes> nodes_; ///< constant once it is there
    mutable std::optional<Error> problem_;
};

} // namespace

std::unique_ptr<const FileSystem> make_deleted_tree(std::shared_ptr<const FileSystem> live, const RunContext& context)
{
    return std::make_unique<DeletedTree>(std::move(live), context);
}

} // namespace salvage::filesystem
