// ext2, ext3 and ext4 as a FileSystem.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "attributes.hpp"
#include "block_use.hpp"
#include "deleted.hpp"
#include "directory.hpp"
#include "filesystem/probes.hpp"
#include "inode_data.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/sources.hpp"
#include "unnamed.hpp"
#include "volume.hpp"

namespace salvage::filesystem {
namespace ext {
namespace {

constexpr ByteCount max_attributes_total{16U << 20U}; // a block has room for some thousand values of 64 KiB

class ExtFileSystem final : public FileSystem {
public:
    ExtFileSystem(Volume volume, Entry root, LostFound lost)
        : volume_{std::move(volume)}, root_{std::move(root)}, lost_{std::move(lost)}
    {
    }

    [[nodiscard]] std::string_view kind() const noexcept override { return volume_.superblock.kind(); }
    [[nodiscard]] std::string label() const override { return volume_.superblock.label; }
    [[nodiscard]] Entry root() const override { return root_; }
    [[nodiscard]] const std::vector<Finding>& findings() const noexcept override { return volume_.findings; }

    Result<std::vector<Entry>> list(std::uint64_t inode, std::vector<Entry>* read_so_far) const override
    {
        std::vector<Entry> out;
        const auto whole = is_our_folder(inode) ? Result<>{} : list_directory(inode, out);
        if (inode == root_inode && lost_.is_ours) {
            out.push_back(our_folder());
        }
        if (inode == lost_.folder) {
            append_unnamed(out);
        }
        if (whole.has_value()) {
            return out;
        }
        if (read_so_far != nullptr) {
            *read_so_far = std::move(out);
        }
        return whole.error();
    }

    [[nodiscard]] Result<Entry> stat(std::uint64_t inode) const override
    {
        if (is_our_folder(inode)) {
            return our_folder();
        }
        if (inode == root_inode) {
            return root_;
        }
        return make_entry({}, SALVAGE_TRY(volume_.inode(inode)));
    }

    [[nodiscard]] Result<std::string> read_link(std::uint64_t inode) const override
    {
        const auto link = SALVAGE_TRY(volume_.inode(inode));
        SALVAGE_TRY(check_type(EntryType::symlink, link.type(), inode));
        if (link.has(inode_flag::encrypt)) {
            return unsupported("the target of the link is encrypted",
                               "file-based encryption keeps its key in the phone's user data");
        }
        return link_target(volume_, link, is_link_in_inode(link) ? io::SourcePtr{} : content_of(link));
    }

    [[nodiscard]] Result<ExtendedAttributes> extended_attributes(std::uint64_t inode) const override
    {
        const auto owner = SALVAGE_TRY(volume_.inode(inode));
        ExtendedAttributes out;
        ByteCount total;
        for (auto& attribute : SALVAGE_TRY(attributes_of(volume_, owner))) {
            if (is_inline_data(attribute)) {
                continue;
            }
            total = total + ByteCount{attribute.value_bytes};
            if (total > max_attributes_total) {
                return unsupported("the extended attributes of a file are larger than is read",
                                   fmt::format("inode {} has more than {}", inode, format_size(max_attributes_total)));
            }
            auto value = SALVAGE_TRY(value_of(volume_, attribute));
            out.emplace_back(full_name(attribute), value_for_people(attribute, std::move(value)));
        }
        return out;
    }

    [[nodiscard]] Result<io::SourcePtr> open(std::uint64_t inode) const override
    {
        const auto file = SALVAGE_TRY(volume_.inode(inode));
        SALVAGE_TRY(check_type(EntryType::file, file.type(), inode));
        return content_of(file);
    }

    [[nodiscard]] Result<std::vector<DeletedFile>> deleted_files(const RunContext& context) const override
    {
        return find_deleted(volume_, context);
    }

    [[nodiscard]] Result<std::vector<ByteRange>> unused_areas() const override
    {
        return find_unused_areas(volume_, {});
    }

private:
    [[nodiscard]] bool is_our_folder(std::uint64_t inode) const noexcept
    {
        return lost_.is_ours && inode == lost_.folder;
    }

    [[nodiscard]] Entry our_folder() const
    {
        Entry out;
        out.name = "lost+found";
        out.inode = lost_.folder;
        out.type = EntryType::directory;
        out.mode = 0700;
        return out;
    }

    /// e2fsck may have put files there before, under the numbers that they had then: ours give way.
    void append_unnamed(std::vector<Entry>& out) const
    {
        std::unordered_set<std::string> taken;
        for (const auto& entry : out) {
            taken.insert(entry.name);
        }
        for (const auto number : lost_.inodes) {
            auto name = name_of_unnamed(number);
            while (!taken.insert(name).second) {
                name += '~';
            }
            if (const auto inode = volume_.inode(number); inode.has_value()) {
                out.push_back(make_entry(std::move(name), *inode));
            }
        }
    }

    /// Errors: what is damaged; the entries that could be read are in `out` all the same.
    Result<> list_directory(std::uint64_t inode, std::vector<Entry>& out) const
    {
        if (inode == root_inode && volume_.root_damage) {
            return *volume_.root_damage;
        }
        const auto directory = SALVAGE_TRY(volume_.inode(inode));
        SALVAGE_TRY(check_type(EntryType::directory, directory.type(), inode));
        auto content = SALVAGE_TRY(read_names(volume_, directory));
        out.reserve(content.entries.size());
        for (auto& entry : content.entries) {
            out.push_back(entry_of(std::move(entry), content.damage));
        }
        if (content.damage) {
            return std::move(*content.damage).in(fmt::format("reading the directory of inode {}", inode));
        }
        return {};
    }

    /// The name as the directory has it; what the inode says where it can be read, else the type that the directory
    /// keeps: whoever opens the entry learns why.  An inode that fails its checksum is damage of the directory, too.
    [[nodiscard]] Entry entry_of(DirectoryEntry entry, std::optional<Error>& damage) const
    {
        const auto inode = volume_.inode(entry.inode);
        if (inode.has_value()) {
            if (inode->is_doubtful && !damage) {
                damage = doubt(*inode, entry.name);
            }
            return make_entry(std::move(entry.name), *inode);
        }
        Entry out;
        out.name = std::move(entry.name);
        out.inode = entry.inode;
        out.type = entry_type_of(entry.file_type);
        return out;
    }

    [[nodiscard]] Error doubt(const Inode& inode, std::string_view name) const
    {
        return Error{
            ErrorCode::malformed,
            "an inode fails its checksum: what is said of its file, and which blocks are its content, is not sure",
            fmt::format("inode {}, \"{}\"", inode.number, printable(name)),
            volume_.place_of(inode.number),
            {},
            {}};
    }

    [[nodiscard]] Result<io::SourcePtr> content_of(const Inode& inode) const
    {
        if (inode.has(inode_flag::inline_data)) {
            return io::make_memory(SALVAGE_TRY(inline_content(volume_, inode)), fmt::format("inode {}", inode.number));
        }
        return volume_.blocks_of(inode);
    }

    Volume volume_;
    Entry root_;
    LostFound lost_;
};

Result<Entry> root_of(const Volume& volume)
{
    if (!volume.root_damage) {
        return make_entry({}, SALVAGE_TRY(volume.inode(root_inode).in("reading the root directory")));
    }
    Entry out;
    out.inode = root_inode;
    out.type = EntryType::directory;
    out.mode = 0755;
    return out;
}

Result<std::unique_ptr<const FileSystem>> make_filesystem(Result<Volume> opened)
{
    auto volume = SALVAGE_TRY(std::move(opened));
    auto lost = SALVAGE_TRY(open_lost_found(volume));
    auto root = SALVAGE_TRY(root_of(volume));
    return std::make_unique<const ExtFileSystem>(std::move(volume), std::move(root), std::move(lost));
}

} // namespace
} // namespace ext

ProbeResult probe_ext(const io::SourcePtr& source)
{
    if (source->size() < ByteCount{ext::primary_superblock_at.value + ext::superblock_bytes.value}) {
        return nullptr;
    }
    const auto bytes = io::read_bytes(*source, ext::primary_superblock_at, ext::superblock_bytes);
    if (!bytes.has_value()) {
        if (bytes.error().code == ErrorCode::unreadable) {
            return nullptr; // the backups are asked later
        }
        return bytes.error();
    }
    if (!ext::has_ext_magic(*bytes)) {
        return nullptr;
    }
    auto superblock = io::lifted(ext::parse_superblock(*bytes), *source, ext::primary_superblock_at);
    if (superblock.has_value()) {
        return ext::make_filesystem(ext::open_volume(source, *superblock, {}));
    }
    if (superblock.error().code == ErrorCode::unsupported) {
        return superblock.error();
    }
    return ext::make_filesystem(ext::open_volume(source, {}, superblock.error()));
}

ProbeResult probe_ext_by_backups(const io::SourcePtr& source)
{
    if (ext::find_backups(*source).empty()) {
        return nullptr;
    }
    Error why{ErrorCode::malformed,
              "the superblock at the start is missing",
              "only backups were found",
              source->locate(ext::primary_superblock_at),
              {},
              {}};
    return ext::make_filesystem(ext::open_volume(source, {}, std::move(why)));
}

} // namespace salvage::filesystem
