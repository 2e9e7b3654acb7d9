// An f2fs volume ready to be read.
#include "volume.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/io/missing.hpp"
#include "salvage/io/views.hpp"

namespace salvage::filesystem::f2fs {
namespace {

constexpr std::size_t cached_blocks = 2048; // 8 MiB

void report_state(const Superblock& superblock, const Checkpoint& checkpoint, ByteCount present,
                  std::vector<Finding>& findings)
{
    if (checkpoint.has(checkpoint_flag::error | checkpoint_flag::needs_check)) {
        findings.push_back(make_finding("f2fs-errors", Severity::note,
                                        "the phone had noticed errors in this filesystem and marked it for a check"));
    }
    if (checkpoint.has(checkpoint_flag::disabled)) {
        findings.push_back(
            make_finding("f2fs-checkpoint-disabled", Severity::note,
                         "checkpoints were switched off when this one was written, as during an update of "
                         "the system; what was written later is only here as far as it was synced"));
    }
    if (superblock.size() > present) {
        auto out = make_finding("f2fs-cut", Severity::warning,
                                fmt::format("the filesystem has {}, only {} are here; what lies beyond cannot be read",
                                            format_size_exact(superblock.size()), format_size_exact(present)));
        out.numbers = {{"filesystem_bytes", superblock.size().value}, {"present_bytes", present.value}};
        findings.push_back(std::move(out));
    }
}

Error not_theirs(std::string_view why)
{
    return malformed({}, "a node of f2fs is lost", why);
}

} // namespace

Volume::Volume(io::SourcePtr source, Superblock superblock, Checkpoint checkpoint)
    : superblock_{std::move(superblock)}, source_{std::move(source)},
      metadata_{io::make_cached(source_, ByteCount{block_bytes}, cached_blocks)}, checkpoint_{std::move(checkpoint)},
      nodes_{metadata_, superblock_, checkpoint_}, segments_{metadata_, superblock_, checkpoint_},
      summaries_{metadata_, superblock_, checkpoint_}
{
}

Result<std::unique_ptr<const Volume>> Volume::open(const io::SourcePtr& source, const Superblock& superblock)
{
    const auto whole = SALVAGE_TRY(io::make_subrange_or_missing(source, ByteRange::first(superblock.size()), "f2fs"));
    std::vector<Finding> findings;
    auto checkpoint = SALVAGE_TRY(choose_checkpoint(*whole, superblock, findings));
    report_state(superblock, checkpoint, source->size(), findings);
    std::unique_ptr<Volume> out{new Volume(whole, superblock, std::move(checkpoint))};
    out->recovered_ = SALVAGE_TRY(roll_forward(*out, findings));
    out->findings_ = std::move(findings);
    const auto root = SALVAGE_TRY(out->inode(superblock.root_inode).in("reading the root directory"));
    if (!root.is_directory()) {
        return malformed({}, "the f2fs volume has no root directory",
                         fmt::format("inode {} has mode {:#o}", root.number, root.mode));
    }
    return std::unique_ptr<const Volume>{std::move(out)};
}

bool Volume::has_node(std::uint32_t number) const
{
    const auto place = nodes_.find(number);
    return place.has_value() ? place->block != no_block : place.error().code != ErrorCode::not_found;
}

std::optional<Error> Volume::why_not_data(std::uint32_t block, BlockOwner owner) const
{
    const auto wrong = [&](std::string_view what, std::string why) {
        auto error = malformed({}, what, fmt::format("block {}: {}", block, why));
        if (superblock_.is_in_main(block)) {
            error.where = source_->locate(offset_of_block(block));
        }
        return error;
    };
    if (!superblock_.is_in_main(block)) {
        return wrong("a file points outside the volume",
                     fmt::format("those of files are {} to {}", superblock_.main_at, superblock_.main_end() - 1));
    }
    if (segments_.is_in_use(block) == false) {
        return wrong("a file points to a block that is free", "the table of segments has it as not in use");
    }
    if (summaries_.is_among_nodes(block)) {
        return wrong("a file points to a block of nodes", "nodes were being written to its segment");
    }
    // A summary alone proves nothing: it may be the one that is damaged.
    const auto other = summaries_.owner_of(block);
    if (other && *other != owner && points_to(*other, block)) {
        return wrong("a file points to a block of another file",
                     fmt::format("it belongs to node {}, and node {} points to it, too", other->node, owner.node));
    }
    return std::nullopt;
}

bool Volume::points_to(BlockOwner owner, std::uint32_t block) const
{
    const auto place = nodes_.find(owner.node);
    if (!place.has_value() || !superblock_.is_in_main(place->block)) {
        return false;
    }
    auto node = read_block(*metadata_, place->block);
    if (!node.has_value() || parse_footer(*node).node != owner.node) {
        return false;
    }
    if (!parse_footer(*node).is_inode()) {
        return owner.index < addresses_in_node &&
               load_le<std::uint32_t>(ByteView{*node}.subspan(std::size_t{4} * owner.index)) == block;
    }
    const auto inode = parse_inode(owner.node, std::move(*node), superblock_);
    return inode.has_value() && owner.index < inode->own_addresses() && inode->address(owner.index) == block;
}

Result<Bytes> Volume::node_at(const NodePlace& place, std::uint32_t number, std::uint32_t owner,
                              std::uint32_t offset) const
{
    if (place.block == no_block || place.block == new_block) {
        return not_theirs(fmt::format("node {} of inode {} was never written", number, owner));
    }
    if (place.inode != owner || !superblock_.is_in_main(place.block)) {
        return not_theirs(fmt::format("node {} of inode {}: the table of nodes has inode {}, block {}", number, owner,
                                      place.inode, place.block));
    }
    if (segments_.is_in_use(place.block) == false) {
        return not_theirs(fmt::format("node {} of inode {}: its block {} is not in use", number, owner, place.block));
    }
    auto block = SALVAGE_TRY(read_block(*metadata_, place.block));
    const auto footer = parse_footer(block);
    if (footer.node != number || footer.inode != owner || footer.offset() != offset) {
        auto error = not_theirs(fmt::format("expected node {} of inode {} at place {}, found node {} of inode {} at {}",
                                            number, owner, offset, footer.node, footer.inode, footer.offset()));
        error.where = source_->locate(offset_of_block(place.block));
        return error;
    }
    return block;
}

Result<Bytes> Volume::node(std::uint32_t number, std::uint32_t owner, std::uint32_t offset) const
{
    const auto place = nodes_.find(number);
    auto out = place.has_value() ? node_at(*place, number, owner, offset) : Result<Bytes>{place.error()};
    if (out.has_value() || out.error().code == ErrorCode::io || out.error().code == ErrorCode::not_found) {
        return out;
    }
    // The other copy of the table may be older.  What it names is right all the same where the block is in use and says
    // itself that it is this node: of each node one block is in use.
    const auto other = nodes_.find_in_other_copy(number);
    if (!other.has_value() || !superblock_.is_in_main(other->block) || segments_.is_in_use(other->block) != true) {
        return out;
    }
    auto instead = node_at(*other, number, owner, offset);
    return instead.has_value() ? std::move(instead) : std::move(out);
}

Result<Inode> Volume::inode_of_checkpoint(std::uint32_t number) const
{
    if (!has_node(number)) {
        return not_found("the inode is not in use", fmt::format("inode {}", number));
    }
    const auto step = fmt::format("reading inode {}", number);
    auto block = SALVAGE_TRY(node(number, number, 0).in(step));
    const auto place = nodes_.find(number);
    const auto at = offset_of_block(place.has_value() ? place->block : 0);
    return io::lifted(parse_inode(number, std::move(block), superblock_), *source_, at).in(step);
}

Result<Inode> Volume::recovered_inode(std::uint32_t number, const RecoveredFile& file) const
{
    auto block = SALVAGE_TRY(read_block(*source_, file.inode_block));
    auto out = SALVAGE_TRY(
        io::lifted(parse_inode(number, std::move(block), superblock_), *source_, offset_of_block(file.inode_block)));
    // A sync writes no nodes of nodes and counts no links: these are as the checkpoint has them.
    out.links = 1;
    out.attributes_node = 0;
    out.nodes = {};
    if (!file.is_new) {
        const auto before = inode_of_checkpoint(number);
        if (before.has_value()) {
            out.links = before->links;
            out.attributes_node = before->attributes_node;
            out.nodes = before->nodes;
        }
    }
    return out;
}

Result<Inode> Volume::inode(std::uint64_t number) const
{
    if (number > std::numeric_limits<std::uint32_t>::max()) {
        return not_found("there is no such inode", fmt::format("inode {} was asked for", number));
    }
    const auto narrow = static_cast<std::uint32_t>(number);
    const auto* const file = recovered_.file(narrow);
    if (file == nullptr) {
        return inode_of_checkpoint(narrow);
    }
    auto out =
        SALVAGE_TRY(file->inode_block == no_block ? inode_of_checkpoint(narrow) : recovered_inode(narrow, *file));
    if (file->size) {
        out.size = *file->size;
    }
    return out;
}

Result<io::SourcePtr> Volume::content_of(const Inode& inode) const
{
    if (inode.has_inline(inline_flag::data)) {
        return inline_content(inode);
    }
    return mapped_content(inode, SALVAGE_TRY(map_file(*this, inode)));
}

io::SourcePtr Volume::mapped_content(const Inode& inode, FileMap map) const
{
    const auto name = fmt::format("inode {}", inode.number);
    const ext::VolumeShape shape{.block_bytes = block_bytes, .blocks = superblock_.blocks};
    if (map.clusters.empty()) {
        return ext::make_content(source_, shape, std::move(map.plain), ByteCount{inode.size}, name);
    }
    auto plain = ext::make_content(source_, shape, map.plain, ByteCount{inode.size}, name);
    return make_compressed(source_, std::move(plain), std::move(map), *inode.compression, name);
}

Result<Bytes> Volume::attribute_area(const Inode& inode) const
{
    const auto own = inode.inline_attributes();
    Bytes out{own.begin(), own.end()};
    const auto* const file = recovered_.file(inode.number);
    Bytes node;
    if (file != nullptr && file->attributes_block != no_block) {
        node = SALVAGE_TRY(read_block(*source_, file->attributes_block));
    } else if (inode.attributes_node != 0) {
        node = SALVAGE_TRY(this->node(inode.attributes_node, inode.number, attributes_offset).in("reading attributes"));
    }
    node.resize(std::min(node.size(), footer_at));
    out.insert(out.end(), node.begin(), node.end());
    return out;
}

} // namespace salvage::filesystem::f2fs
