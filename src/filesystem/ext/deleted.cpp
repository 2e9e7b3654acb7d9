// Deleted files of an ext volume, from inode table, directories and journal.
#include "deleted.hpp"

#include <algorithm>
#include <ranges>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "dead_names.hpp"
#include "inode_data.hpp"
#include "lives.hpp"
#include "past_content.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::filesystem::ext {
namespace {

constexpr std::size_t max_folder_depth = 128;
constexpr std::size_t max_path_bytes = 16384;
/// Pieces of the content of all deleted files; what comes after has none.  128 MiB.
constexpr std::size_t max_runs_of_all = 1U << 22U;

/// Paths of folders, live ones and deleted ones.
class Folders {
public:
    Folders(const Volume& volume, const Lives& lives, const DeadNames& names)
        : volume_{volume}, lives_{lives}, names_{names}
    {
    }

    /// The names that lives had; to be told before any path is asked for.
    void know(std::size_t life, const DeadEntry& entry) { named_.emplace(life, &entry); }

    /// Nothing where some folder above is not known.
    [[nodiscard]] std::optional<std::string> path_of(FolderRef folder) const
    {
        std::vector<std::string_view> parts;
        for (std::size_t depth = 0; folder.inode != root_inode; ++depth) {
            const auto step = step_up(folder);
            if (!step || depth == max_folder_depth) {
                return std::nullopt;
            }
            parts.push_back(step->second);
            folder = step->first;
        }
        std::string out;
        for (const auto part : parts | std::views::reverse) {
            out += '/';
            out += part;
        }
        if (out.size() > max_path_bytes) {
            return std::nullopt;
        }
        return out.empty() ? "/" : out;
    }

private:
    /// The folder above, and the name in it.
    [[nodiscard]] std::optional<std::pair<FolderRef, std::string_view>> step_up(const FolderRef& folder) const
    {
        if (const auto parent = names_.parents.find(folder.inode); parent != names_.parents.end() && is_live(folder)) {
            return std::pair{FolderRef{.inode = parent->second.inode, .generation = {}},
                             std::string_view{parent->second.name}};
        }
        const auto all = lives_.of(folder.inode);
        for (const auto& life : std::ranges::reverse_view{all}) {
            const bool is_it =
                life.type() == EntryType::directory && (!folder.generation || *folder.generation == life.generation);
            const auto named = named_.find(static_cast<std::size_t>(&life - lives_.all().data()));
            if (is_it && named != named_.end()) {
                return std::pair{named->second->folder, std::string_view{named->second->name}};
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] bool is_live(const FolderRef& folder) const
    {
        if (!folder.generation) {
            return true;
        }
        const auto inode = volume_.inode(folder.inode);
        return inode.has_value() && inode->generation == *folder.generation;
    }

    const Volume& volume_;
    const Lives& lives_;
    const DeadNames& names_;
    std::unordered_map<std::size_t, const DeadEntry*> named_;
};

std::string transaction_of(const LoggedCopy& copy)
{
    return fmt::format("transaction {} of the journal (its block {})", copy.sequence, copy.in_log);
}

std::string proof_of_name(const DeadEntry& entry)
{
    const auto place = entry.block == 0 ? std::string{"inside the inode of its folder"}
                                        : fmt::format("in block {} ({:#x}) of the volume, offset {} ({:#x})",
                                                      entry.block, entry.block, entry.at, entry.at);
    const auto* const what = entry.was_entry ? "name: entry" : "name: remainder of an entry";
    return entry.copy ? fmt::format("{} {}, as {} has it", what, place, transaction_of(*entry.copy))
                      : fmt::format("{} {}", what, place);
}

std::string proof_of_inode(const Life& life, const Origin& origin)
{
    if (life.is_orphan) {
        return fmt::format("inode {} is in the list of files that were deleted while they were open", life.number);
    }
    if (origin.kind == Origin::Kind::table) {
        return fmt::format("inode {} in its table, deleted, with its content still named", life.number);
    }
    return fmt::format("inode {} (generation {:08x}) in block {} ({:#x}) of the volume, as {} has it", life.number,
                       life.generation, origin.copy.on_volume, origin.copy.on_volume, transaction_of(origin.copy));
}

class Finder {
public:
    Finder(const Volume& volume, const RunContext& context)
        : volume_{volume}, context_{context}, tables_{volume}, use_{volume, context}, claims_{use_}
    {
    }

    Result<std::vector<DeletedFile>> run()
    {
        history_ = SALVAGE_TRY(History::read(volume_, context_));
        lives_ = SALVAGE_TRY(Lives::collect(volume_, tables_, history_, context_));
        names_ = SALVAGE_TRY(collect_names(volume_, tables_, history_, lives_, use_, context_));
        choose_names();
        std::vector<DeletedFile> out;
        for (const auto index : youngest_first()) {
            if (context_.is_stopped()) {
                return cancelled("looking for deleted files");
            }
            auto file = SALVAGE_TRY(file_of(index));
            if (file) {
                out.push_back(std::move(*file));
            }
        }
        add_bare_names(out);
        return out;
    }

private:
    /// A life may have had several names: the last one counts.
    void choose_names()
    {
        for (const auto& entry : names_.entries) {
            if (!entry.life) {
                continue;
            }
            auto& best = name_of_life_.try_emplace(*entry.life, &entry).first->second;
            if (std::pair{entry.was_entry, entry.age()} > std::pair{best->was_entry, best->age()}) {
                best = &entry;
            }
        }
        folders_.emplace(volume_, lives_, names_);
        for (const auto& [life, entry] : name_of_life_) {
            folders_->know(life, *entry);
        }
    }

    [[nodiscard]] std::vector<std::size_t> youngest_first() const
    {
        std::vector<std::size_t> out;
        const auto all = lives_.all();
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (all[i].is_deleted()) {
                out.push_back(i);
            }
        }
        std::ranges::sort(out, {}, [&](std::size_t index) {
            const auto& life = all[index];
            const auto age = life.best().kind == Origin::Kind::table ? now_on_volume : life.last_age;
            return std::tuple{!life.is_orphan, -std::int64_t{age}, -std::int64_t{life.deleted}, index};
        });
        return out;
    }

    Result<std::optional<DeletedFile>> file_of(std::size_t index)
    {
        const auto& life = lives_.all()[index];
        const auto named = name_of_life_.find(index);
        const auto* const name = named == name_of_life_.end() ? nullptr : named->second;
        const auto& origin = life.best();
        if (!origin.is_known() && name == nullptr) {
            return std::optional<DeletedFile>{};
        }
        DeletedFile out;
        SALVAGE_TRY(add_inode(life, origin, out));
        if (out.proof.empty() && name == nullptr) {
            return std::optional<DeletedFile>{}; // where its inode was can no longer be read
        }
        if (name != nullptr) {
            add_name(*name, out);
        } else if (out.confidence == Confidence::high) {
            out.confidence = Confidence::medium;
        }
        return std::optional{std::move(out)};
    }

    void add_name(const DeadEntry& name, DeletedFile& out) const
    {
        out.entry.name = name.name;
        out.folder = folders_->path_of(name.folder).value_or("");
        out.proof = proof_of_name(name) + (out.proof.empty() ? "" : "; ") + out.proof;
    }

    Result<> add_inode(const Life& life, const Origin& origin, DeletedFile& out)
    {
        out.entry.inode = life.number;
        out.entry.type = life.type();
        if (life.deleted != 0) {
            out.deleted_at = Timestamp{.seconds = life.deleted, .nanoseconds = 0};
        }
        if (!origin.is_known()) {
            out.proof = fmt::format("inode {} is deleted and no longer says where its content was", life.number);
            return {};
        }
        const auto inode = lives_.inode(volume_, tables_, history_, life, origin);
        if (!inode.has_value()) {
            return inode.error().code == ErrorCode::io ? Result<>{inode.error()} : Result<>{};
        }
        out.entry = make_entry({}, *inode);
        out.proof = proof_of_inode(life, origin);
        out.confidence = Confidence::high;
        return add_content(life, *inode, out);
    }

    Result<> add_content(const Life& life, const Inode& inode, DeletedFile& out)
    {
        const auto type = inode.type();
        if (inode.has(inode_flag::inline_data) && type != EntryType::directory) {
            add_inline_content(inode, out);
            return {};
        }
        const bool has_blocks = type == EntryType::file || type == EntryType::directory ||
                                (type == EntryType::symlink && !is_link_in_inode(inode));
        if (has_blocks) {
            SALVAGE_TRY(add_blocks(life, inode, out));
        }
        if (type == EntryType::symlink) {
            add_target(inode, out);
        }
        if (type != EntryType::file) {
            out.content = nullptr;
        }
        return {};
    }

    void add_inline_content(const Inode& inode, DeletedFile& out) const
    {
        auto content = inline_content(volume_, inode);
        if (!content.has_value()) {
            lose_content(content.error(), out);
        } else if (inode.type() == EntryType::file) {
            out.content = io::make_memory(std::move(*content), fmt::format("deleted inode {}", inode.number));
        } else {
            add_target(inode, out);
        }
    }

    static void lose_content(const Error& why, DeletedFile& out)
    {
        out.confidence = Confidence::medium;
        out.proof += fmt::format("; its content cannot be found: {} ({})", why.what, why.why);
    }

    Result<> add_blocks(const Life& life, const Inode& inode, DeletedFile& out)
    {
        const auto age = life.best().kind == Origin::Kind::table ? now_on_volume : life.last_age;
        auto map = map_of_past(volume_, history_, use_, inode, age);
        if (!map.has_value()) {
            if (map.error().code == ErrorCode::io) {
                return map.error();
            }
            lose_content(map.error(), out);
            return {};
        }
        runs_ += map->runs.size() + map->nodes.size();
        if (runs_ > max_runs_of_all) {
            out.confidence = Confidence::medium;
            out.proof += "; its content was not followed: the deleted files lie in more pieces than that";
            return {};
        }
        auto remains = SALVAGE_TRY(claims_.take(*map, life.is_orphan));
        judge(remains, life.is_orphan, out);
        if (remains.blocks != 0 && remains.taken == remains.blocks) {
            return {}; // nothing is left
        }
        out.content = make_content(volume_.source, volume_.shape(), std::move(remains.map), ByteCount{inode.size},
                                   fmt::format("deleted inode {}", inode.number));
        return {};
    }

    static void judge(const Remains& remains, bool is_orphan, DeletedFile& out)
    {
        if (remains.taken != 0) {
            out.confidence = Confidence::medium;
            out.proof += fmt::format("; {} of its {} blocks are lost or belong to other files now", remains.taken,
                                     remains.blocks);
        } else if (remains.blocks != 0 && !is_orphan) {
            out.proof += fmt::format("; none of its {} blocks belongs to another file", remains.blocks);
        }
        if (remains.is_unsure) {
            out.confidence = Confidence::low;
            out.proof += "; the block bitmap there is damaged, other files may have taken some";
        }
    }

    void add_target(const Inode& link, DeletedFile& out) const
    {
        const bool is_in_blocks = !is_link_in_inode(link) && !link.has(inode_flag::inline_data);
        if (link.has(inode_flag::encrypt) || (is_in_blocks && !out.content)) {
            return;
        }
        auto target = link_target(volume_, link, out.content);
        if (target.has_value()) {
            out.target = std::move(*target);
        } else {
            lose_content(target.error(), out);
        }
    }

    /// Names of which nothing else is left; not where a file of that name was found already.
    void add_bare_names(std::vector<DeletedFile>& out) const
    {
        std::unordered_set<std::string> known;
        for (const auto& file : out) {
            known.insert(file.folder + '/' + file.entry.name);
        }
        for (const auto& entry : names_.entries) {
            if (entry.life) {
                continue;
            }
            DeletedFile file;
            file.entry.inode = entry.inode;
            file.entry.type = entry_type_of(entry.file_type);
            add_name(entry, file);
            if (known.insert(file.folder + '/' + file.entry.name).second) {
                out.push_back(std::move(file));
            }
        }
    }

    const Volume& volume_;
    const RunContext& context_;
    InodeTables tables_;
    BlockUse use_;
    Claims claims_;
    History history_;
    Lives lives_;
    DeadNames names_;
    std::unordered_map<std::size_t, const DeadEntry*> name_of_life_;
    std::optional<Folders> folders_;
    std::size_t runs_{0};
};

} // namespace

Result<std::vector<DeletedFile>> find_deleted(const Volume& volume, const RunContext& context)
{
    return Finder{volume, context}.run();
}

} // namespace salvage::filesystem::ext
