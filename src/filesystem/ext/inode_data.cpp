// What an inode holds besides blocks: inline data, the target of a link, extended attributes.
#include "inode_data.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "checksum.hpp"

namespace salvage::filesystem::ext {
namespace {

constexpr std::size_t parent_bytes = 4;         // an inline directory begins with its parent's number
constexpr std::uint64_t max_link_bytes = 65536; // a block; Linux stops at 4096

Result<std::vector<Attribute>> attributes_in_block(const Volume& volume, const Inode& owner)
{
    const auto shape = volume.shape();
    if (owner.attributes_block >= shape.blocks) {
        return malformed({}, "the extended attributes lie outside the volume",
                         fmt::format("inode {}: block {} of {}", owner.number, owner.attributes_block, shape.blocks));
    }
    const ByteOffset at{owner.attributes_block * shape.block_bytes};
    const auto block = SALVAGE_TRY(io::read_bytes(*volume.source, at, ByteCount{shape.block_bytes}));
    auto out = SALVAGE_TRY(io::lifted(parse_block_attributes(block), *volume.source, at));
    if (!volume.superblock.has_checksums()) {
        return out;
    }
    if (const auto sums = attribute_checksums(volume.superblock, owner.attributes_block, block); !sums.agree()) {
        return Error{ErrorCode::malformed,
                     "a block of extended attributes fails its checksum",
                     fmt::format("inode {}: {}", owner.number, in_words(sums)),
                     volume.source->locate(at),
                     {},
                     {}};
    }
    return out;
}

} // namespace

Result<std::vector<Attribute>> attributes_of(const Volume& volume, const Inode& owner)
{
    auto out = SALVAGE_TRY(parse_inode_attributes(owner.rest).in("reading attributes in the inode"));
    if (owner.attributes_block != 0) {
        auto more = SALVAGE_TRY(attributes_in_block(volume, owner));
        std::ranges::move(more, std::back_inserter(out));
    }
    return out;
}

Result<Bytes> value_of(const Volume& volume, const Attribute& attribute)
{
    if (attribute.value_inode == 0) {
        return attribute.value;
    }
    const auto holder = SALVAGE_TRY(volume.inode(attribute.value_inode).in("reading an attribute's own inode"));
    const bool is_value = holder.has(inode_flag::ea_inode) && holder.size >= attribute.value_bytes;
    if (!is_value) {
        return malformed({}, "an extended attribute points to an inode that holds no value",
                         fmt::format("inode {}", holder.number));
    }
    const auto content = SALVAGE_TRY(volume.blocks_of(holder));
    return io::read_bytes(*content, ByteOffset{0}, ByteCount{attribute.value_bytes}); // 64 KiB at most
}

Result<Bytes> inline_rest(const Volume& volume, const Inode& inode)
{
    auto attributes = SALVAGE_TRY(parse_inode_attributes(inode.rest).in("looking for inline data"));
    const auto found = std::ranges::find_if(attributes, is_inline_data);
    if (found == attributes.end()) {
        return Bytes{};
    }
    return value_of(volume, *found);
}

Result<Bytes> inline_content(const Volume& volume, const Inode& inode)
{
    Bytes out{inode.block.begin(), inode.block.end()};
    const auto rest = SALVAGE_TRY(inline_rest(volume, inode));
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

bool is_link_in_inode(const Inode& link) noexcept
{
    return link.size < link.block.size() && !link.has(inode_flag::inline_data);
}

Result<std::string> link_target(const Volume& volume, const Inode& link, Result<io::SourcePtr> blocks)
{
    if (link.size == 0 || link.size > max_link_bytes) {
        return malformed({}, "the target of a symbolic link has an impossible length",
                         fmt::format("inode {}: {} bytes", link.number, link.size));
    }
    Bytes bytes{link.block.begin(), link.block.end()};
    if (link.has(inode_flag::inline_data)) {
        bytes = SALVAGE_TRY(inline_content(volume, link));
    } else if (!is_link_in_inode(link)) {
        const auto content = SALVAGE_TRY(std::move(blocks));
        bytes = SALVAGE_TRY(io::read_all(*content, ByteCount{max_link_bytes}));
    }
    const auto text = as_text(bytes).substr(0, static_cast<std::size_t>(link.size));
    return std::string{text.substr(0, text.find('\0'))};
}

Result<Directory> read_names(const Volume& volume, const Inode& directory)
{
    const auto shape = directory_shape(volume, directory);
    if (!directory.has(inode_flag::inline_data)) {
        const auto content = SALVAGE_TRY(volume.blocks_of(directory));
        return read_directory(*content, shape, std::min(volume.superblock.size(), max_directory_bytes));
    }
    Directory out;
    const auto front = ByteView{directory.block}.subspan(parent_bytes);
    parse_directory_block(front, front.size(), shape, out);
    const auto rest = SALVAGE_TRY(inline_rest(volume, directory));
    parse_directory_block(rest, rest.size(), shape, out);
    return out;
}

DirectoryShape directory_shape(const Volume& volume, const Inode& directory)
{
    return {.block_bytes = volume.superblock.block_bytes,
            .has_file_types = volume.superblock.has_incompat(feature::filetype),
            .is_encrypted = directory.has(inode_flag::encrypt),
            .checksum_seed = directory.has(inode_flag::inline_data) ? std::nullopt : volume.checksum_seed(directory)};
}

} // namespace salvage::filesystem::ext
