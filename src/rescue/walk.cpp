// Walking a tree that may be damaged or made to mislead.
#include "salvage/rescue/walk.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "rescue/walk_path.hpp"
#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

// Linux cannot name what lies deeper than PATH_MAX / 2 folders (4096 bytes, a name and a slash each take 2).
constexpr std::size_t max_depth = 2048;
// Eight times PATH_MAX: keeps a tree of long names from filling the memory with paths.
constexpr std::size_t max_path_bytes = 32768;

class Walker {
public:
    Walker(const filesystem::FileSystem& filesystem, Recursive recursive,
           const std::function<Result<>(const ListedEntry&)>& visit, const RunContext& context)
        : filesystem_{&filesystem}, recursive_{recursive}, visit_{&visit}, context_{&context}
    {
    }

    Result<> run(std::string path, filesystem::Entry top)
    {
        if (top.type != filesystem::EntryType::directory) {
            top.name = path.substr(path.rfind('/') + 1);
            return visit_one(std::move(path), std::move(top));
        }
        ListedEntry listed{
            .path = path.empty() ? "/" : path, .entry = std::move(top), .target = {}, .lost = {}, .problem = {}};
        auto folder = enter(listed, path);
        if (listed.problem) {
            // The folder itself is not listed, unless it is where the damage is.
            SALVAGE_TRY((*visit_)(listed));
        }
        open_.push_back(std::move(folder));
        return run_open_folders();
    }

private:
    /// A folder whose entries are being visited, first to last.
    struct Folder {
        std::string path;
        std::vector<filesystem::Entry> entries;
        std::size_t next{0};
    };

    Result<> run_open_folders()
    {
        while (!open_.empty()) {
            if (context_->is_stopped()) {
                return cancelled("listing files");
            }
            auto& folder = open_.back();
            if (folder.next == folder.entries.size()) {
                open_.pop_back();
                continue;
            }
            auto entry = std::move(folder.entries[folder.next]);
            ++folder.next;
            auto path = folder.path + '/' + entry.name; // `folder` may move when another one is entered
            SALVAGE_TRY(visit_one(std::move(path), std::move(entry)));
        }
        return {};
    }

    Result<> visit_one(std::string path, filesystem::Entry entry)
    {
        ListedEntry listed{.path = std::move(path), .entry = std::move(entry), .target = {}, .lost = {}, .problem = {}};
        if (listed.entry.type == filesystem::EntryType::symlink) {
            read_target(listed);
        }
        if (listed.entry.type != filesystem::EntryType::directory || recursive_ == Recursive::no) {
            return (*visit_)(listed);
        }
        auto folder = enter(listed, listed.path);
        SALVAGE_TRY((*visit_)(listed));
        open_.push_back(std::move(folder));
        return {};
    }

    void read_target(ListedEntry& listed) const
    {
        auto target = filesystem_->read_link(listed.entry.inode);
        if (target.has_value()) {
            listed.target = *std::move(target);
        } else {
            listed.problem = std::move(target).error().in("reading where the link points");
        }
    }

    /// What the folder holds, as far as it can be known; why not all of it goes into `listed.problem`.
    Folder enter(ListedEntry& listed, const std::string& path)
    {
        Folder folder{.path = path, .entries = {}};
        if (!entered_.insert(listed.entry.inode).second) {
            listed.problem =
                malformed_tree(fmt::format("inode {} is listed under another name already", listed.entry.inode));
            return folder;
        }
        if (open_.size() >= max_depth || path.size() > max_path_bytes) {
            listed.problem = malformed_tree(fmt::format("folders lie {} deep in each other", open_.size()));
            return folder;
        }
        std::vector<filesystem::Entry> read_so_far;
        auto entries = filesystem_->list(listed.entry.inode, &read_so_far);
        if (entries.has_value()) {
            folder.entries = *std::move(entries);
        } else {
            folder.entries = std::move(read_so_far);
            listed.problem = std::move(entries).error().in("listing " + printable(listed.path));
        }
        std::ranges::sort(folder.entries, {}, [](const filesystem::Entry& entry) {
            return std::pair<std::string_view, std::uint64_t>{entry.name, entry.inode};
        });
        return folder;
    }

    static Error malformed_tree(std::string why)
    {
        return Error{ErrorCode::malformed, "this folder is not gone into",    std::move(why),
                     std::nullopt,         "the folder tree is damaged here", {}};
    }

    const filesystem::FileSystem* filesystem_;
    Recursive recursive_;
    const std::function<Result<>(const ListedEntry&)>* visit_;
    const RunContext* context_;
    std::vector<Folder> open_; ///< from the top down to where the walk is
    /// Folders that were gone into: a healthy one has one name only.
    std::unordered_set<std::uint64_t> entered_;
};

} // namespace

std::string normal_path(std::string_view path)
{
    std::string out;
    for (std::size_t at = 0; at < path.size();) {
        const auto end = std::min(path.find('/', at), path.size());
        if (end > at) {
            out += '/';
            out += path.substr(at, end - at);
        }
        at = end + 1;
    }
    return out;
}

Result<> walk(const filesystem::FileSystem& filesystem, std::string_view path, Recursive recursive,
              const std::function<Result<>(const ListedEntry&)>& visit, const RunContext& context)
{
    auto top = SALVAGE_TRY(filesystem::find_path(filesystem, path));
    return Walker{filesystem, recursive, visit, context}.run(normal_path(path), std::move(top));
}

} // namespace salvage::rescue
