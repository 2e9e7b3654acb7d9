// An EROFS volume ready to be read.
#include "volume.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/io/missing.hpp"
#include "salvage/io/views.hpp"

namespace salvage::filesystem::erofs {
namespace {

constexpr std::uint64_t cache_bytes = 8U << 20U;

std::string in_words(const Error& error)
{
    return error.why.empty() ? error.what : fmt::format("{} ({})", error.what, error.why);
}

void report_size(const Superblock& superblock, ByteCount present, std::vector<Finding>& findings)
{
    if (superblock.size() <= present) {
        return;
    }
    auto out = make_finding("erofs-cut", Severity::warning,
                            fmt::format("the filesystem has {}, only {} are here; what lies beyond cannot be read",
                                        format_size_exact(superblock.size()), format_size_exact(present)));
    out.numbers = {{"filesystem_bytes", superblock.size().value}, {"present_bytes", present.value}};
    findings.push_back(std::move(out));
}

/// There is no second superblock: one whose checksum is wrong is better than none.
Result<> report_checksum(const io::ByteSource& volume, const Superblock& superblock, std::vector<Finding>& findings)
{
    if (!superblock.has_checksum()) {
        return {};
    }
    const auto covered = io::read_bytes(volume, superblock_at, checksummed_bytes(superblock));
    if (!covered.has_value() && covered.error().code == ErrorCode::io) {
        return covered.error();
    }
    const bool is_right = covered.has_value() && compute_checksum(*covered) == superblock.checksum;
    if (is_right) {
        return {};
    }
    auto out = make_finding(
        "erofs-superblock-checksum", Severity::error,
        covered.has_value() ? fmt::format("the checksum of the superblock's block is wrong (found {:08x}, computed "
                                          "{:08x}): whatever is read may be wrong, too",
                                          superblock.checksum, compute_checksum(*covered))
                            : "the rest of the superblock's block cannot be read, so that its checksum proves nothing");
    out.where.offset = superblock_at;
    findings.push_back(std::move(out));
    return {};
}

void report_devices(const Superblock& superblock, std::vector<Finding>& findings)
{
    if (superblock.extra_devices == 0) {
        return;
    }
    auto out =
        make_finding("erofs-devices", Severity::warning,
                     fmt::format("the filesystem has parts on {} other devices; files that lie there are not read",
                                 superblock.extra_devices));
    out.numbers = {{"devices", superblock.extra_devices}};
    findings.push_back(std::move(out));
}

} // namespace

Volume::Volume(io::SourcePtr source, ByteCount present, Superblock superblock)
    : superblock_{std::move(superblock)}, present_{present}, source_{std::move(source)},
      metadata_{io::make_cached(source_, ByteCount{superblock_.block_bytes()},
                                static_cast<std::size_t>(cache_bytes / superblock_.block_bytes()))}
{
}

Result<std::unique_ptr<const Volume>> Volume::open(const io::SourcePtr& source, const Superblock& superblock)
{
    auto whole = SALVAGE_TRY(io::make_subrange_or_missing(source, ByteRange::first(superblock.size()), "erofs"));
    std::unique_ptr<Volume> out{new Volume(std::move(whole), source->size(), superblock)};
    SALVAGE_TRY(report_checksum(*out->source_, superblock, out->findings_));
    report_size(superblock, source->size(), out->findings_);
    report_devices(superblock, out->findings_);
    const auto root = SALVAGE_TRY(out->inode(superblock.root).in("reading the root directory"));
    if (!root.is_directory()) {
        return malformed({}, "the EROFS volume has no root directory",
                         fmt::format("inode {} has mode {:#o}", root.number, root.mode));
    }
    out->open_packed_inode();
    out->read_long_prefixes();
    return std::unique_ptr<const Volume>{std::move(out)};
}

void Volume::open_packed_inode()
{
    if (superblock_.packed == 0) {
        return;
    }
    const auto inode = this->inode(superblock_.packed);
    auto content = inode.has_value() ? content_of(*inode) : Result<io::SourcePtr>{inode.error()};
    if (content.has_value()) {
        packed_inode_ = std::move(*content);
        return;
    }
    findings_.push_back(make_finding(
        "erofs-fragments-lost", Severity::error,
        fmt::format("the inode that holds the ends of many files cannot be read: {}", in_words(content.error()))));
}

void Volume::read_long_prefixes()
{
    if (superblock_.long_prefixes == 0) {
        return;
    }
    const bool is_on_volume =
        packed_inode_ == nullptr || (superblock_.compatible_features & compatible_feature::plain_prefixes) != 0;
    auto prefixes = parse_long_prefixes(is_on_volume ? *metadata_ : *packed_inode_);
    if (prefixes.has_value()) {
        long_prefixes_ = std::move(*prefixes);
        return;
    }
    findings_.push_back(make_finding(
        "erofs-prefixes-lost", Severity::warning,
        fmt::format("the beginnings of the names of some attributes cannot be read: {}", in_words(prefixes.error()))));
}

/// Spec: Linux, fs/erofs/xattr.c, erofs_xattr_prefixes_init.
Result<std::vector<LongPrefix>> Volume::parse_long_prefixes(const io::ByteSource& source) const
{
    std::vector<LongPrefix> out;
    std::uint64_t next = superblock_.long_prefixes_at;
    for (unsigned i = 0; i < superblock_.long_prefixes; ++i) {
        const ByteOffset at{next};
        const auto length = SALVAGE_TRY(io::read_bytes(source, at, ByteCount{2}));
        const auto bytes = load_le<std::uint16_t>(length);
        if (bytes == 0 || bytes > 256) {
            return io::lifted(malformed(ByteOffset{0}, "a long prefix has an impossible length",
                                        fmt::format("{} bytes, expected 1 to 256", bytes)),
                              source, at);
        }
        const auto prefix = SALVAGE_TRY(io::read_bytes(source, at + ByteCount{2}, ByteCount{bytes}));
        out.push_back({.base = std::to_integer<std::uint8_t>(prefix[0]),
                       .infix = std::string{as_text(ByteView{prefix}.subspan(1))}});
        next += round_up(std::uint64_t{2} + bytes, 4);
    }
    return out;
}

Result<Inode> Volume::inode(std::uint64_t number) const
{
    const auto start = superblock_.offset_of_block(superblock_.metadata_block);
    const auto slots = (superblock_.size().value - start) / slot_bytes;
    if (number >= slots) {
        return not_found("there is no such inode", fmt::format("inode {} was asked for, {} have room", number, slots));
    }
    const auto step = fmt::format("reading inode {}", number);
    const ByteOffset at{start + number * slot_bytes};
    auto bytes = SALVAGE_TRY(io::read_bytes(*metadata_, at, ByteCount{compact_inode_bytes}).in(step));
    if (inode_bytes(bytes) > bytes.size()) {
        bytes = SALVAGE_TRY(io::read_bytes(*metadata_, at, ByteCount{inode_bytes(bytes)}).in(step));
    }
    auto out = SALVAGE_TRY(io::lifted(parse_inode(bytes, superblock_), *metadata_, at).in(step));
    out.number = number;
    out.at = at.value;
    return out;
}

Result<io::SourcePtr> Volume::content_of(const Inode& inode) const
{
    return content_over(source_, inode);
}

Result<io::SourcePtr> Volume::cached_content_of(const Inode& inode) const
{
    return content_over(metadata_, inode);
}

Result<io::SourcePtr> Volume::content_over(const io::SourcePtr& source, const Inode& inode) const
{
    const MapSource from{.metadata = *metadata_,
                         .superblock = superblock_,
                         .present = present_,
                         .packed_inode = packed_inode_ ? std::optional{packed_inode_->size()} : std::nullopt};
    auto map = SALVAGE_TRY(map_content(from, inode));
    return make_content(source, packed_inode_, std::move(map), fmt::format("inode {}", inode.number));
}

Result<std::vector<Attribute>> Volume::attributes_of(const Inode& inode) const
{
    const ByteOffset at{inode.attributes_at()};
    const auto bytes = SALVAGE_TRY(io::read_bytes(*metadata_, at, ByteCount{inode.attribute_bytes}));
    auto area = SALVAGE_TRY(io::lifted(parse_attribute_area(bytes), *metadata_, at));
    auto out = std::move(area.own);
    for (const auto place : area.shared) { // 255 at most
        out.push_back(SALVAGE_TRY(shared_attribute(place)));
    }
    return out;
}

Result<Attribute> Volume::shared_attribute(std::uint32_t place) const
{
    const ByteOffset at{superblock_.offset_of_block(superblock_.attributes_block) + std::uint64_t{place} * 4};
    const auto header = SALVAGE_TRY(io::read_bytes(*metadata_, at, ByteCount{attribute_header_bytes}));
    const auto bytes = SALVAGE_TRY(io::read_bytes(*metadata_, at, ByteCount{attribute_bytes(header)}));
    return parse_attribute(bytes);
}

} // namespace salvage::filesystem::erofs
