// Inodes that no directory names: what a damaged directory held.
#include "unnamed.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "inode_data.hpp"
#include "inode_tables.hpp"

namespace salvage::filesystem::ext {
namespace {

constexpr std::uint16_t extent_magic = 0xF30A;

/// Findings of opening that mean that names may be missing.
constexpr std::array<std::string_view, 6> signs{"ext-backup-superblock",    "ext-group-descriptors", "ext-errors",
                                                "ext-journal-not-replayed", "ext-journal-damaged",   "ext-cut"};

bool makes_sense(const Volume& volume, const Inode& inode)
{
    if (volume.superblock.has_checksums()) {
        return !inode.is_doubtful;
    }
    const auto type = inode.type();
    if (type == EntryType::unknown || inode.size > (1ULL << 62U)) {
        return false;
    }
    const bool has_map = type == EntryType::file || type == EntryType::directory;
    if (!has_map || inode.has(inode_flag::inline_data)) {
        return true;
    }
    if (inode.has(inode_flag::extents)) {
        return load_le<std::uint16_t>(inode.block) == extent_magic;
    }
    for (std::size_t i = 0; i < inode.block.size(); i += 4) {
        if (load_le<std::uint32_t>(ByteView{inode.block}.subspan(i)) >= volume.superblock.blocks) {
            return false;
        }
    }
    return true;
}

/// Blocks that a directory has, with those of its map.
std::uint64_t blocks_of_directory(const Volume& volume, const Inode& directory)
{
    if (directory.has(inode_flag::inline_data)) {
        return 1;
    }
    const auto map = volume.map_of(directory);
    if (!map.has_value()) {
        return 1;
    }
    std::uint64_t out = map->nodes.size();
    for (const auto& run : map->runs) {
        out += run.is_lost() ? 0 : run.blocks;
    }
    return out;
}

/// True where one of the directories near the root cannot be read whole.
bool is_tree_damaged(const Volume& volume)
{
    std::deque<std::uint32_t> waiting{root_inode};
    std::unordered_set<std::uint32_t> seen{root_inode};
    std::uint64_t blocks = 0;
    for (std::size_t i = 0; i < directories_looked_at && !waiting.empty(); ++i) {
        const auto inode = volume.inode(waiting.front());
        waiting.pop_front();
        if (!inode.has_value() || !inode->is_directory() || inode->is_doubtful) {
            return true;
        }
        blocks += blocks_of_directory(volume, *inode);
        if (blocks > blocks_looked_at) {
            return false;
        }
        const auto names = read_names(volume, *inode);
        if (!names.has_value() || names->damage) {
            return true;
        }
        for (const auto& entry : names->entries) {
            const bool is_folder = entry_type_of(entry.file_type) == EntryType::directory;
            if (is_folder && seen.size() < directories_looked_at && seen.insert(entry.inode).second) {
                waiting.push_back(entry.inode);
            }
        }
    }
    return false;
}

bool has_unreadable_areas(const io::ByteSource& source)
{
    const auto extents = source.extents(io::whole(source));
    return !extents.has_value() || std::ranges::any_of(*extents, [](const io::Extent& extent) {
        return extent.kind == io::ExtentKind::unreadable;
    });
}

class NameCount {
public:
    NameCount(const Volume& volume, const RunContext& context) : volume_{volume}, context_{context} {}

    Result<std::vector<std::uint32_t>> run()
    {
        SALVAGE_TRY(scan());
        SALVAGE_TRY(read_directories());
        std::ranges::sort(named_);
        std::ranges::sort(edges_);
        std::vector<std::uint32_t> out;
        for (const auto number : alive_) {
            if (!std::ranges::binary_search(named_, number)) {
                SALVAGE_TRY(take(number, out));
            }
        }
        // Folders that name each other and that nothing else names.
        reach(root_inode);
        for (const auto number : out) {
            reach(number);
        }
        for (const auto folder : folders_) {
            if (!reached_.contains(folder)) {
                SALVAGE_TRY(take(folder, out));
                reach(folder);
            }
        }
        std::ranges::sort(out);
        return out;
    }

private:
    Result<> scan()
    {
        SALVAGE_TRY(InodeTables{volume_}.for_each(volume_, context_, [&](std::uint32_t number, ByteView bytes) {
            const auto inode = volume_.parse(number, bytes);
            const bool is_internal = number < volume_.superblock.first_inode ||
                                     number == volume_.superblock.orphan_file || inode.has(inode_flag::ea_inode);
            if (inode.is_alive() && !is_internal && makes_sense(volume_, inode)) {
                alive_.push_back(number);
                if (inode.is_directory()) {
                    folders_.push_back(number);
                }
            }
            return Result<>{};
        }));
        std::ranges::sort(alive_);
        std::ranges::sort(folders_);
        return {};
    }

    Result<> read_directories()
    {
        SALVAGE_TRY(read_directory_of(root_inode));
        for (const auto folder : folders_) {
            if (context_.is_stopped()) {
                return cancelled("looking for files without a name");
            }
            SALVAGE_TRY(read_directory_of(folder));
        }
        return {};
    }

    Result<> read_directory_of(std::uint32_t number)
    {
        const auto inode = volume_.inode(number);
        if (!inode.has_value() || !inode->is_directory()) {
            return {};
        }
        blocks_ += blocks_of_directory(volume_, *inode);
        if (blocks_ > std::min(volume_.superblock.blocks, max_blocks_of_directories)) {
            return unsupported("the directories claim more blocks than there can be", fmt::format("inode {}", number));
        }
        const auto names = read_names(volume_, *inode);
        if (!names.has_value()) {
            return names.error().code == ErrorCode::io ? Result<>{names.error()} : Result<>{};
        }
        if (named_.size() + names->entries.size() > max_names_of_all) {
            return unsupported("the directories have more names than are counted",
                               fmt::format("more than {}", max_names_of_all));
        }
        for (const auto& entry : names->entries) {
            named_.push_back(entry.inode);
            if (std::ranges::binary_search(folders_, entry.inode)) {
                edges_.emplace_back(number, entry.inode);
            }
        }
        return {};
    }

    static Result<> take(std::uint32_t number, std::vector<std::uint32_t>& out)
    {
        if (out.size() >= max_unnamed) {
            return unsupported("more files have lost their name than are listed",
                               fmt::format("more than {}", max_unnamed));
        }
        out.push_back(number);
        return {};
    }

    void reach(std::uint32_t from)
    {
        std::vector<std::uint32_t> waiting{from};
        while (!waiting.empty()) {
            const auto folder = waiting.back();
            waiting.pop_back();
            if (!reached_.insert(folder).second) {
                continue;
            }
            const auto below =
                std::ranges::equal_range(edges_, folder, {}, &std::pair<std::uint32_t, std::uint32_t>::first);
            for (const auto& edge : below) {
                waiting.push_back(edge.second);
            }
        }
    }

    const Volume& volume_;
    const RunContext& context_;
    std::vector<std::uint32_t> alive_;
    std::vector<std::uint32_t> folders_;
    std::vector<std::uint32_t> named_;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> edges_; ///< from folder to folder
    std::unordered_set<std::uint32_t> reached_;
    std::uint64_t blocks_{0};
};

/// True for a directory that begins with its own number under ".".
bool is_true_directory(const Volume& volume, std::uint32_t number)
{
    const auto inode = volume.inode(number);
    if (!inode.has_value() || !inode->is_directory() || inode->has(inode_flag::inline_data)) {
        return false;
    }
    const auto content = volume.blocks_of(*inode);
    if (!content.has_value()) {
        return false;
    }
    const auto head = io::read_bytes(**content, ByteOffset{0}, ByteCount{12});
    constexpr std::uint32_t one_dot = 1U << 16U | 12U; // length of the entry, length of the name
    return head.has_value() && load_le<std::uint32_t>(*head) == number &&
           (load_le<std::uint32_t>(ByteView{*head}.subspan(4)) & 0xFFFFFFU) == one_dot && (*head)[8] == std::byte{'.'};
}

/// The volume's own lost+found, if its root names one.
std::uint64_t own_lost_found(const Volume& volume)
{
    const auto root = volume.inode(root_inode);
    if (!root.has_value() || !root->is_directory()) {
        return 0;
    }
    const auto names = read_names(volume, *root);
    if (!names.has_value()) {
        return 0;
    }
    const auto found = std::ranges::find(names->entries, "lost+found", &DirectoryEntry::name);
    if (found == names->entries.end()) {
        return 0;
    }
    const auto inode = volume.inode(found->inode);
    return inode.has_value() && inode->is_directory() ? found->inode : 0;
}

Finding unnamed_finding(std::size_t count)
{
    Finding out;
    out.code = "ext-unnamed-inodes";
    out.severity = Severity::warning;
    out.text =
        fmt::format("{} that no readable folder names: under /lost+found as #NUMBER, with what folders hold",
                    count == 1 ? "1 file or folder is here" : fmt::format("{} files and folders are here", count));
    out.numbers = {{"unnamed", count}};
    return out;
}

Finding lost_root_finding(const Error& damage)
{
    Finding out;
    out.code = "ext-root-lost";
    out.severity = Severity::warning;
    out.text = fmt::format("the root directory is lost, and with it the names of what lay in it: {} ({})", damage.what,
                           damage.why);
    return out;
}

} // namespace

std::string name_of_unnamed(std::uint32_t inode)
{
    return fmt::format("#{}", inode);
}

Result<LostFound> open_lost_found(Volume& volume)
{
    LostFound out;
    if (!volume.root_damage && !may_lack_names(volume)) {
        return out;
    }
    auto unnamed = find_unnamed(volume, {});
    if (!unnamed.has_value()) {
        if (unnamed.error().code == ErrorCode::io) {
            return unnamed.error();
        }
        unnamed = std::vector<std::uint32_t>{};
    }
    const bool is_proven =
        std::ranges::any_of(*unnamed, [&](std::uint32_t number) { return is_true_directory(volume, number); });
    if (volume.root_damage && !is_proven) {
        return *volume.root_damage;
    }
    if (volume.root_damage) {
        volume.findings.push_back(lost_root_finding(*volume.root_damage));
    }
    if (unnamed->empty()) {
        return out;
    }
    out.inodes = std::move(*unnamed);
    out.folder = own_lost_found(volume);
    if (out.folder == 0) {
        out.is_ours = true;
        out.folder = std::uint64_t{volume.superblock.inodes} + 1;
    }
    volume.findings.push_back(unnamed_finding(out.inodes.size()));
    return out;
}

bool may_lack_names(const Volume& volume)
{
    const bool has_sign = std::ranges::any_of(
        volume.findings, [](const Finding& finding) { return std::ranges::find(signs, finding.code) != signs.end(); });
    return has_sign || has_unreadable_areas(*volume.source) || is_tree_damaged(volume);
}

Result<std::vector<std::uint32_t>> find_unnamed(const Volume& volume, const RunContext& context)
{
    return NameCount{volume, context}.run();
}

} // namespace salvage::filesystem::ext
