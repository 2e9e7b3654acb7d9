// ext2, ext3 and ext4 as a FileSystem.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "attributes.hpp"
#include "directory.hpp"
#include "filesystem/probes.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/sources.hpp"
#include "volume.hpp"

namespace salvage::filesystem {
namespace ext {
namespace {

constexpr std::uint64_t max_link_bytes = 65536;       // a block; Linux stops at 4096
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
            out.push_back(entry_of(std::move(entry)));
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
        return link_target(link);
    }

    [[nodiscard]] Result<ExtendedAttributes> extended_attributes(std::uint64_t inode) const override
    {
        const auto owner = SALVAGE_TRY(volume_.inode(inode));
        ExtendedAttributes out;
        ByteCount total;
        for (auto& attribute : SALVAGE_TRY(attributes_of(owner))) {
            if (is_inline_data(attribute)) {
                continue;
            }
            total = total + ByteCount{attribute.value_bytes};
            if (total > max_attributes_total) {
                return unsupported("the extended attributes of a file are larger than is read",
                                   fmt::format("inode {} has more than {}", inode, format_size(max_attributes_total)));
            }
            auto value = SALVAGE_TRY(value_of(attribute));
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

private:
    [[nodiscard]] DirectoryShape directory_shape(const Inode& directory) const
    {
        return {.block_bytes = volume_.superblock.block_bytes,
                .has_file_types = volume_.superblock.has_incompat(feature::filetype),
                .is_encrypted = directory.has(inode_flag::encrypt)};
    }

    [[nodiscard]] Result<Directory> read_names(const Inode& directory) const
    {
        const auto shape = directory_shape(directory);
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
        const auto rest = SALVAGE_TRY(inline_rest(directory));
        parse_directory_block(rest, rest.size(), shape, out);
        return out;
    }

    /// The name as the directory has it; what the inode says where it can be read, else the type that the directory
    /// keeps: whoever opens the entry learns why.
    [[nodiscard]] Entry entry_of(DirectoryEntry entry) const
    {
        const auto inode = volume_.inode(entry.inode);
        if (inode.has_value()) {
            return make_entry(std::move(entry.name), *inode);
        }
        Entry out;
        out.name = std::move(entry.name);
        out.inode = entry.inode;
        out.type = entry_type_of(entry.file_type);
        return out;
    }

    [[nodiscard]] Result<io::SourcePtr> content_of(const Inode& inode) const
    {
        if (inode.has(inode_flag::inline_data)) {
            return io::make_memory(SALVAGE_TRY(inline_content(inode)), fmt::format("inode {}", inode.number));
        }
        return volume_.blocks_of(inode);
    }

    [[nodiscard]] Result<Bytes> inline_content(const Inode& inode) const
    {
        Bytes out{inode.block.begin(), inode.block.end()};
        const auto rest = SALVAGE_TRY(inline_rest(inode));
        out.insert(out.end(), rest.begin(), rest.end());
        if (inode.size > out.size()) {
            Error error{ErrorCode::malformed,
                        "inline data is shorter than the file",
                        fmt::format("inode {} has {} of {} bytes", inode.number, out.size(), inode.size),
                        {},
                        {},
                        {}};
            return error;
        }
        out.resize(static_cast<std::size_t>(inode.size));
        return out;
    }

    [[nodiscard]] Result<Bytes> inline_rest(const Inode& inode) const
    {
        auto attributes = SALVAGE_TRY(parse_inode_attributes(inode.rest).in("looking for inline data"));
        const auto found = std::ranges::find_if(attributes, is_inline_data);
        if (found == attributes.end()) {
            return Bytes{};
        }
        return value_of(*found);
    }

    [[nodiscard]] Result<std::string> link_target(const Inode& link) const
    {
        if (link.size == 0 || link.size > max_link_bytes) {
            return malformed({}, "the target of a symbolic link has an impossible length",
                             fmt::format("inode {}: {} bytes", link.number, link.size));
        }
        const bool is_in_inode = link.size < link.block.size() && !link.has(inode_flag::inline_data);
        const auto bytes = is_in_inode ? Bytes{link.block.begin(), link.block.end()} : SALVAGE_TRY(link_block(link));
        const auto text = as_text(bytes).substr(0, static_cast<std::size_t>(link.size));
        return std::string{text.substr(0, text.find('\0'))};
    }

    [[nodiscard]] Result<Bytes> link_block(const Inode& link) const
    {
        const auto content = SALVAGE_TRY(content_of(link));
        return io::read_all(*content, ByteCount{max_link_bytes});
    }

    [[nodiscard]] Result<std::vector<Attribute>> attributes_of(const Inode& owner) const
    {
        auto out = SALVAGE_TRY(parse_inode_attributes(owner.rest).in("reading attributes in the inode"));
        if (owner.attributes_block == 0) {
            return out;
        }
        const auto shape = volume_.shape();
        if (owner.attributes_block >= shape.blocks) {
            return malformed(
                {}, "the extended attributes lie outside the volume",
                fmt::format("inode {}: block {} of {}", owner.number, owner.attributes_block, shape.blocks));
        }
        const ByteOffset at{owner.attributes_block * shape.block_bytes};
        const auto block = SALVAGE_TRY(io::read_bytes(*volume_.source, at, ByteCount{shape.block_bytes}));
        auto more = SALVAGE_TRY(io::lifted(parse_block_attributes(block), *volume_.source, at));
        std::ranges::move(more, std::back_inserter(out));
        return out;
    }

    [[nodiscard]] Result<Bytes> value_of(const Attribute& attribute) const
    {
        if (attribute.value_inode == 0) {
            return attribute.value;
        }
        const auto holder = SALVAGE_TRY(volume_.inode(attribute.value_inode).in("reading an attribute's own inode"));
        const bool is_value = holder.has(inode_flag::ea_inode) && holder.size >= attribute.value_bytes;
        if (!is_value) {
            return malformed({}, "an extended attribute points to an inode that holds no value",
                             fmt::format("inode {}", holder.number));
        }
        const auto content = SALVAGE_TRY(volume_.blocks_of(holder));
        return io::read_bytes(*content, ByteOffset{0}, ByteCount{attribute.value_bytes}); // 64 KiB at most
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
