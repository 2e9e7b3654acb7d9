// Names of a volume.
#include "names.hpp"

#include <algorithm>
#include <utility>

namespace salvage::filesystem::f2fs {
namespace {

constexpr std::uint8_t directory_type = 2; // as ext4 has it

/// Without what was synced later.
Result<ext::Directory> names_of_checkpoint(const Volume& volume, const Inode& directory)
{
    const auto rules = rules_of(volume, directory);
    if (directory.has_inline(inline_flag::names)) {
        ext::Directory out;
        parse_names(directory.inline_room(), rules, out);
        return out;
    }
    const auto content = SALVAGE_TRY(volume.content_of(directory));
    return read_names(*content, rules);
}

std::string shown(const std::string& name, const Inode& directory)
{
    return directory.is_encrypted() ? ext::name_of_ciphertext(name) : name;
}

class Walk {
public:
    Walk(const Volume& volume, const RunContext& context) : volume_{volume}, context_{context} {}

    Result<NameTree> run()
    {
        waiting_.push_back(volume_.superblock().root_inode);
        while (!waiting_.empty()) {
            if (context_.is_stopped()) {
                return cancelled("looking for deleted files");
            }
            const auto number = waiting_.back();
            waiting_.pop_back();
            const auto inode = volume_.inode(number);
            if (inode.has_value() && inode->is_directory()) {
                SALVAGE_TRY(folder(*inode));
            } else if (!inode.has_value() && inode.error().code == ErrorCode::io) {
                return inode.error();
            }
        }
        return std::move(out_);
    }

private:
    Result<> folder(const Inode& directory)
    {
        const auto names = names_of(volume_, directory);
        if (!names.has_value()) {
            return names.error().code == ErrorCode::io ? Result<>{names.error()} : Result<>{};
        }
        for (const auto& entry : names->entries) {
            if (entry.file_type == directory_type || entry.file_type == 0) {
                enter(entry, directory);
            }
        }
        note_replaced(directory);
        note_emptied(directory);
        return {};
    }

    void enter(const ext::DirectoryEntry& entry, const Inode& parent)
    {
        const bool is_new = entry.inode != volume_.superblock().root_inode && out_.folders.size() < max_folders &&
                            out_.folders.try_emplace(entry.inode, NameInFolder{parent.number, entry.name}).second;
        if (is_new) {
            waiting_.push_back(entry.inode);
        }
    }

    void note_emptied(const Inode& directory)
    {
        const auto content = volume_.content_of(directory);
        if (!content.has_value()) {
            return;
        }
        for (auto& entry : emptied_names(volume_, directory, **content)) {
            if (out_.emptied.size() < max_emptied_names) {
                out_.emptied.push_back({{directory.number, std::move(entry.name)}, entry.inode, entry.file_type});
            }
        }
    }

    void note_replaced(const Inode& directory)
    {
        const auto added = volume_.recovered().names.find(directory.number);
        if (added == volume_.recovered().names.end()) {
            return;
        }
        const auto before = names_of_checkpoint(volume_, directory);
        if (!before.has_value()) {
            return;
        }
        for (const auto& later : added->second) {
            for (const auto& entry : before->entries) {
                if (entry.name == shown(later.name, directory) && entry.inode != later.inode) {
                    out_.replaced.emplace_back(entry.inode, NameInFolder{directory.number, entry.name});
                }
            }
        }
    }

    const Volume& volume_;
    const RunContext& context_;
    std::vector<std::uint32_t> waiting_;
    NameTree out_;
};

} // namespace

NameRules rules_of(const Volume& volume, const Inode& directory)
{
    return {.is_encrypted = directory.is_encrypted(),
            .is_casefolded = (directory.flags & inode_flag::casefolded) != 0,
            .node_end = volume.superblock().node_end()};
}

Result<ext::Directory> names_of(const Volume& volume, const Inode& directory)
{
    auto out = SALVAGE_TRY(names_of_checkpoint(volume, directory));
    const auto found = volume.recovered().names.find(directory.number);
    if (found == volume.recovered().names.end()) {
        return out;
    }
    for (const auto& added : found->second) {
        if (!directory.is_encrypted() && !is_possible_name(added.name)) {
            continue;
        }
        const auto name = shown(added.name, directory);
        std::erase_if(out.entries, [&](const ext::DirectoryEntry& entry) { return entry.name == name; });
        out.entries.push_back({.name = name, .inode = added.inode, .file_type = 0});
    }
    return out;
}

std::vector<ext::DirectoryEntry> emptied_names(const Volume& volume, const Inode& directory,
                                               const io::ByteSource& content)
{
    std::vector<ext::DirectoryEntry> out;
    const auto rules = rules_of(volume, directory);
    if (directory.has_inline(inline_flag::names)) {
        find_emptied(directory.inline_room(), rules, out);
        return out;
    }
    const auto bytes = std::min(content.size(), ext::max_directory_bytes);
    const auto extents = content.extents(ByteRange::first(bytes));
    if (!extents.has_value()) {
        return out;
    }
    for (const auto& extent : *extents) {
        if (extent.kind != io::ExtentKind::data) {
            continue;
        }
        for (auto at = extent.range.start(); at < extent.range.end(); at = at + ByteCount{block_bytes}) {
            const auto block = io::read_up_to(content, at, ByteCount{block_bytes});
            if (block.has_value() && block->size() == block_bytes && out.size() < max_emptied_names) {
                find_emptied(*block, rules, out);
            }
        }
    }
    return out;
}

Result<NameTree> walk_names(const Volume& volume, const RunContext& context)
{
    return Walk{volume, context}.run();
}

} // namespace salvage::filesystem::f2fs
