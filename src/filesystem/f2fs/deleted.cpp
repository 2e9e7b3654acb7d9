// Deleted files of f2fs.
#include "deleted.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "filesystem/posix.hpp"
#include "history.hpp"
#include "late_content.hpp"
#include "names.hpp"

namespace salvage::filesystem::f2fs {
namespace {

constexpr unsigned max_depth = 512; // of folders; a path of Linux has 4096 bytes

/// The name that an inode has of itself; empty where it has no sense.
std::string own_name(const Inode& inode)
{
    if (inode.name.empty()) {
        return {};
    }
    if (inode.has_advice(advice::encrypted_name)) {
        return ext::name_of_ciphertext(inode.name);
    }
    return is_possible_name(inode.name) ? inode.name : std::string{};
}

/// A folder that is gone.
struct OldFolder {
    NameInFolder where;
    std::uint32_t age{};
};

class Finder {
public:
    Finder(std::shared_ptr<const Volume> volume, const RunContext& context)
        : volume_{std::move(volume)}, context_{context}
    {
    }

    Result<std::vector<DeletedFile>> run()
    {
        history_ = std::make_shared<const History>(volume_, SALVAGE_TRY(find_old_nodes(*volume_, context_)));
        tree_ = SALVAGE_TRY(walk_names(*volume_, context_));
        SALVAGE_TRY(find_lives());
        std::ranges::sort(tree_.emptied, {}, &EmptiedName::inode);
        for (const auto& life : lives_) {
            SALVAGE_TRY(check());
            SALVAGE_TRY(add_life(life));
        }
        SALVAGE_TRY(add_orphans());
        add_names();
        return std::move(out_);
    }

private:
    [[nodiscard]] Result<> check() const
    {
        return context_.is_stopped() ? Result<>{cancelled("looking for deleted files")} : Result<>{};
    }

    /// Folders first: files name them.
    Result<> find_lives()
    {
        std::uint32_t before = 0;
        for (const auto& node : history_->nodes().all()) {
            if (!node.is_inode() || node.node == before) {
                continue;
            }
            before = node.node;
            SALVAGE_TRY(check());
            for (const auto& life : history_->lives_of(node.node)) {
                lives_.push_back(life);
                known_.insert(life.inode);
                SALVAGE_TRY(note_folder(life));
            }
        }
        return {};
    }

    Result<> note_folder(const Life& life)
    {
        const auto inode = history_->inode_of(life);
        if (!inode.has_value() || !inode->is_directory()) {
            return {};
        }
        if (old_folders_.size() < max_folders) {
            old_folders_.emplace(life.inode, OldFolder{{inode->parent, own_name(*inode)}, life.age});
        }
        const auto content = history_->content_of(life, *inode);
        if (!content.has_value()) {
            return content.error().code == ErrorCode::io ? Result<>{content.error()} : Result<>{};
        }
        const auto names =
            content->source ? emptied_names(*volume_, *inode, *content->source) : std::vector<ext::DirectoryEntry>{};
        for (const auto& entry : names) {
            if (tree_.emptied.size() < max_emptied_names) {
                tree_.emptied.push_back({{life.inode, entry.name}, entry.inode, entry.file_type});
            }
        }
        return {};
    }

    /// The folder with that number, at a time so many checkpoints ago: one that is gone if it was there then.
    [[nodiscard]] const NameInFolder* folder_at(std::uint32_t number, std::uint32_t age) const
    {
        const OldFolder* then = nullptr;
        const OldFolder* any = nullptr;
        for (auto [at, end] = old_folders_.equal_range(number); at != end; ++at) {
            any = &at->second;
            if (at->second.age <= age && (then == nullptr || at->second.age > then->age)) {
                then = &at->second;
            }
        }
        if (then != nullptr) {
            return &then->where;
        }
        const auto today = tree_.folders.find(number);
        if (today != tree_.folders.end()) {
            return &today->second;
        }
        return any == nullptr ? nullptr : &any->where;
    }

    /// Empty where a folder on the way is not known.
    [[nodiscard]] std::string path_of(std::uint32_t folder, std::uint32_t age) const
    {
        std::string out;
        for (unsigned depth = 0; depth < max_depth; ++depth) {
            if (folder == volume_->superblock().root_inode) {
                return out.empty() ? "/" : out;
            }
            const auto* const where = folder_at(folder, age);
            if (where == nullptr || where->name.empty()) {
                return {};
            }
            out = fmt::format("/{}{}", where->name, out);
            folder = where->folder;
        }
        return {};
    }

    [[nodiscard]] std::span<const EmptiedName> emptied_of(std::uint32_t inode) const
    {
        const auto found = std::ranges::equal_range(tree_.emptied, inode, {}, &EmptiedName::inode);
        return {found.begin(), found.end()};
    }

    /// A file that was renamed over another keeps its earlier name in its inode: then the slot that no version of the
    /// inode names is the right one.
    void name(const Life& life, const Inode& inode, DeletedFile& out) const
    {
        const auto own = own_name(inode);
        const EmptiedName* same = nullptr;
        const EmptiedName* other = nullptr;
        std::size_t others = 0;
        const auto earlier = inode.has_advice(advice::lost_parent)
                                 ? history_->earlier_names(life)
                                 : std::vector<std::pair<std::uint32_t, std::string>>{};
        for (const auto& slot : emptied_of(life.inode)) {
            const bool is_earlier = std::ranges::any_of(earlier, [&](const auto& before) {
                return before.first == slot.where.folder && before.second == slot.where.name;
            });
            if (slot.where.folder == inode.parent && slot.where.name == own) {
                same = &slot;
            } else if (!is_earlier && entry_type_of(slot.file_type) == inode.type()) {
                const bool is_again = other != nullptr && other->where.name == slot.where.name &&
                                      other->where.folder == slot.where.folder;
                others += is_again ? 0U : 1U;
                other = &slot;
            }
        }
        const bool is_slot_right = others == 1 && (own.empty() || inode.has_advice(advice::lost_parent));
        out.entry.name = is_slot_right ? other->where.name : own;
        out.folder = path_of(is_slot_right ? other->where.folder : inode.parent, life.age);
        if (is_slot_right) {
            out.proof +=
                fmt::format("; its name is that of an emptied slot of its folder: it was renamed, before it was "
                            "\"{}\"",
                            own);
        } else if (!own.empty()) {
            out.proof += same != nullptr ? "; name and folder are in it, and in an emptied slot of the folder"
                                         : "; name and folder are in it";
        }
    }

    Result<> add_life(const Life& life)
    {
        const auto inode = history_->inode_of(life);
        if (!inode.has_value()) {
            return inode.error().code == ErrorCode::io ? Result<>{inode.error()} : Result<>{};
        }
        DeletedFile out;
        out.confidence = Confidence::high;
        out.proof = fmt::format("an inode that is in use no more, in block {} ({:#x})", life.block, life.block);
        if (life.age == 0 && !volume_->checkpoint().has(checkpoint_flag::unmounted)) {
            out.proof += ", written after the last checkpoint and never synced: the phone lost it when it went off";
        }
        out.entry = make_entry({}, *inode);
        name(life, *inode, out);
        if (inode->links == 0) {
            out.deleted_at = inode->changed;
        }
        if (out.entry.name.empty()) {
            out.confidence = Confidence::medium;
        }
        SALVAGE_TRY(add_content(life, *inode, out));
        out_.push_back(std::move(out));
        return {};
    }

    Result<> add_content(const Life& life, const Inode& inode, DeletedFile& out)
    {
        if (inode.type() != EntryType::file && inode.type() != EntryType::symlink) {
            return {};
        }
        const auto content = history_->content_of(life, inode);
        if (!content.has_value()) {
            out.confidence = Confidence::medium;
            out.proof += fmt::format("; its content cannot be followed: {}", content.error().what);
            return content.error().code == ErrorCode::io ? Result<>{content.error()} : Result<>{};
        }
        judge(*content, inode, out);
        if (content->source == nullptr) {
            return {};
        }
        if (inode.type() == EntryType::symlink) {
            set_target(*content->source, inode, out);
            return {};
        }
        out.content =
            make_late(opened_, next_key_++, ByteCount{inode.size}, fmt::format("deleted inode {}", life.inode),
                      [history = history_, life]() -> Result<io::SourcePtr> {
                          const auto again = SALVAGE_TRY(history->inode_of(life));
                          auto found = SALVAGE_TRY(history->content_of(life, again));
                          return std::move(found.source);
                      });
        return {};
    }

    static void judge(const OldContent& content, const Inode& inode, DeletedFile& out)
    {
        if (inode.has_inline(inline_flag::data)) {
            out.proof += "; the content stands in the inode";
            return;
        }
        if (content.lost != 0) {
            out.confidence = Confidence::medium;
            out.proof += fmt::format("; of the {} blocks of its content {} were written to since or their node is lost",
                                     content.blocks, content.lost);
        }
        if (content.reserved != 0) {
            out.confidence = Confidence::medium;
            out.proof += fmt::format("; {} blocks had not been written yet when the inode was", content.reserved);
        }
        if (content.uncertain != 0) {
            out.confidence = Confidence::low;
            out.proof += fmt::format("; of the {} blocks of its content {} may have been written to since",
                                     content.blocks, content.uncertain);
        }
        if (content.lost == 0 && content.uncertain == 0 && content.blocks != 0) {
            out.proof +=
                fmt::format("; the {} blocks of its content are free, and were last written for it", content.blocks);
        }
    }

    static void set_target(const io::ByteSource& content, const Inode& inode, DeletedFile& out)
    {
        const auto bytes = io::read_up_to(content, {}, ByteCount{std::min<std::uint64_t>(inode.size, block_bytes)});
        if (bytes.has_value() && !inode.is_encrypted()) {
            const auto text = as_text(*bytes);
            out.target = text.substr(0, text.find('\0'));
        }
    }

    Result<> add_orphans()
    {
        std::unordered_set<std::uint32_t> seen;
        for (const auto number : volume_->checkpoint().orphans) {
            if (seen.insert(number).second && volume_->recovered().file(number) == nullptr) {
                SALVAGE_TRY(check());
                SALVAGE_TRY(add_whole(number, nullptr,
                                      "deleted while it was open: the checkpoint lists its inode, and its blocks are "
                                      "still kept for it"));
            }
        }
        for (const auto& [number, where] : tree_.replaced) {
            if (seen.insert(number).second) {
                SALVAGE_TRY(add_whole(number, &where,
                                      "its name was given to another file that was synced after the last checkpoint; "
                                      "its blocks are still kept for it"));
            }
        }
        return {};
    }

    /// An inode that the tables still have.
    Result<> add_whole(std::uint32_t number, const NameInFolder* where, std::string_view why)
    {
        const auto inode = volume_->inode(number);
        if (!inode.has_value()) {
            return inode.error().code == ErrorCode::io ? Result<>{inode.error()} : Result<>{};
        }
        if (where != nullptr && inode->links > 1) {
            return {}; // it has another name
        }
        DeletedFile out;
        out.entry = make_entry(where != nullptr ? where->name : own_name(*inode), *inode);
        out.folder = path_of(where != nullptr ? where->folder : inode->parent, 0);
        out.confidence = out.entry.name.empty() ? Confidence::medium : Confidence::high;
        out.proof = why;
        if (inode->links == 0) {
            out.deleted_at = inode->changed;
        }
        add_whole_content(*inode, out);
        known_.insert(number);
        out_.push_back(std::move(out));
        return {};
    }

    void add_whole_content(const Inode& inode, DeletedFile& out)
    {
        if (inode.type() != EntryType::file && inode.type() != EntryType::symlink) {
            return;
        }
        const auto content = volume_->content_of(inode);
        if (!content.has_value()) {
            out.confidence = Confidence::medium;
            out.proof += fmt::format("; its content cannot be followed: {}", content.error().what);
            return;
        }
        if (inode.type() == EntryType::symlink) {
            set_target(**content, inode, out);
            return;
        }
        out.content = make_late(opened_, next_key_++, ByteCount{inode.size}, fmt::format("inode {}", inode.number),
                                [volume = volume_, number = inode.number]() -> Result<io::SourcePtr> {
                                    const auto again = SALVAGE_TRY(volume->inode(number));
                                    return volume->content_of(again);
                                });
    }

    /// Names of which nothing else is left.
    void add_names()
    {
        const EmptiedName* before = nullptr;
        std::ranges::sort(tree_.emptied, [](const EmptiedName& a, const EmptiedName& b) {
            return std::tie(a.inode, a.where.folder, a.where.name) < std::tie(b.inode, b.where.folder, b.where.name);
        });
        for (const auto& slot : tree_.emptied) {
            const bool is_again = before != nullptr && before->inode == slot.inode &&
                                  before->where.folder == slot.where.folder && before->where.name == slot.where.name;
            before = &slot;
            if (is_again || known_.contains(slot.inode) || is_in_use(slot.inode)) {
                continue;
            }
            DeletedFile out;
            out.entry.name = slot.where.name;
            out.entry.inode = slot.inode;
            out.entry.type = entry_type_of(slot.file_type);
            out.folder = path_of(slot.where.folder, 0);
            out.confidence = Confidence::medium;
            out.proof = "an emptied slot of its folder has its name; its inode was written over";
            out_.push_back(std::move(out));
        }
    }

    /// The name may be one that the file had before it was renamed.
    [[nodiscard]] bool is_in_use(std::uint32_t inode) const
    {
        const auto place = volume_->nodes().find(inode);
        return !place.has_value() || place->block != no_block || volume_->recovered().file(inode) != nullptr;
    }

    std::shared_ptr<const Volume> volume_;
    const RunContext& context_;
    std::shared_ptr<const History> history_;
    std::shared_ptr<OpenedContents> opened_{std::make_shared<OpenedContents>()};
    std::uint64_t next_key_{0};
    NameTree tree_;
    std::vector<Life> lives_;
    std::unordered_set<std::uint32_t> known_; ///< inodes of which more than a name is left
    std::unordered_multimap<std::uint32_t, OldFolder> old_folders_;
    std::vector<DeletedFile> out_;
};

} // namespace

Result<std::vector<DeletedFile>> find_deleted(std::shared_ptr<const Volume> volume, const RunContext& context)
{
    return Finder{std::move(volume), context}.run();
}

} // namespace salvage::filesystem::f2fs
