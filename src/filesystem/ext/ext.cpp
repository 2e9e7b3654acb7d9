// ext2, ext3 and ext4 as a FileSystem.
#include <algorithm>
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
#include "volume.hpp"

namespace salvage::filesystem {
namespace ext {
namespace {

constexpr ByteCount max_attributes_total{16U << 20U}; // a block has room for some thousand values of 64 KiB
constexpr std::size_t parent_bytes = 4;               // an inline directory begins with its parent's number

class ExtFileSystem final : public FileSystem {
public:
    ExtFileSystem(Volume volume, Entry root) : volume_{std::move(volume)}, root_{std::move(root)} {}

    [[nodiscard]] std::string_view kind() const noexcept override { return volume_.superblock.kind(); }
    [[nodiscard]] std::string label() const override { return volume_.superblock.label; }
    [[nodiscard]] Entry root() const override { return root_; }
    [[nodiscard]] const std::vector<Finding>& findings() const noexcept override { return volume_.findings; }

    Result<std::vector<Entry>> list(std::uint64_t inode, std::vector<Entry>* read_so_far) const override
    {
        const auto directory = SALVAGE_TRY(volume_.inode(inode));
        if (!directory.is_directory()) {
            return invalid_argument("only a directory can be listed",
                                    fmt::format("inode {} is a {}", inode, to_string(directory.type())));
        }
        auto content = SALVAGE_TRY(read_names(directory));
        std::vector<Entry> out;
        out.reserve(content.entries.size());
        for (auto& entry : content.entries) {
            out.push_back(entry_of(std::move(entry), content.damage));
        }
        if (!content.damage) {
            return out;
        }
        if (read_so_far != nullptr) {
            *read_so_far = std::move(out);
        }
        return std::move(*content.damage).in(fmt::format("reading the directory of inode {}", inode));
    }

    [[nodiscard]] Result<Entry> stat(std::uint64_t inode) const override
    {
        return make_entry({}, SALVAGE_TRY(volume_.inode(inode)));
    }

    [[nodiscard]] Result<std::string> read_link(std::uint64_t inode) const override
    {
        const auto link = SALVAGE_TRY(volume_.inode(inode));
        if (link.type() != EntryType::symlink) {
            return invalid_argument("only a symbolic link has a target",
                                    fmt::format("inode {} is a {}", inode, to_string(link.type())));
        }
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
        if (file.type() != EntryType::file) {
            return invalid_argument("only a file has content",
                                    fmt::format("inode {} is a {}", inode, to_string(file.type())));
        }
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
    [[nodiscard]] Result<Directory> read_names(const Inode& directory) const
    {
        const auto shape = directory_shape(volume_, directory);
        if (directory.has(inode_flag::inline_data)) {
            return read_inline_names(directory, shape);
        }
        const auto content = SALVAGE_TRY(volume_.blocks_of(directory));
        return read_directory(*content, shape, std::min(volume_.superblock.size(), max_directory_bytes));
    }

    [[nodiscard]] Result<Directory> read_inline_names(const Inode& directory, const DirectoryShape& shape) const
    {
        Directory out;
        const auto front = ByteView{directory.block}.subspan(parent_bytes);
        parse_directory_block(front, front.size(), shape, out);
        const auto rest = SALVAGE_TRY(inline_rest(volume_, directory));
        parse_directory_block(rest, rest.size(), shape, out);
        return out;
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
};

Result<std::unique_ptr<const FileSystem>> make_filesystem(Result<Volume> opened)
{
    auto volume = SALVAGE_TRY(std::move(opened));
    auto root = make_entry({}, SALVAGE_TRY(volume.inode(root_inode).in("reading the root directory")));
    return std::make_unique<const ExtFileSystem>(std::move(volume), std::move(root));
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
