// Directories of ext2, ext3 and ext4: names in blocks, in a list or under an index.
#include "directory.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "checksum.hpp"
#include "library.hpp"
#include "salvage/core/text.hpp"

namespace salvage::filesystem::ext {
namespace {

constexpr std::size_t header_bytes = 8;

struct RawEntry {
    std::uint32_t inode;
    std::size_t record_bytes;
    std::size_t name_bytes;
    std::uint8_t file_type;
};

/// In blocks of 64 KiB the length of a whole block does not fit into 16 bits and is written as 65535 or 0.
std::size_t record_length(std::uint16_t stored, std::size_t block_bytes) noexcept
{
    if (block_bytes < 65536) {
        return stored;
    }
    if (stored == 65535 || stored == 0) {
        return block_bytes;
    }
    return (stored & 65532U) | (stored & 3U) << 16U;
}

Result<RawEntry> parse_header(ByteView block, std::size_t at, const DirectoryShape& shape)
{
    const auto bytes = block.subspan(at);
    if (bytes.size() < header_bytes) {
        return malformed(ByteOffset{at}, "a directory entry is cut short");
    }
    RawEntry out{.inode = load_le<std::uint32_t>(bytes),
                 .record_bytes = record_length(load_le<std::uint16_t>(bytes.subspan(4)), block.size()),
                 .name_bytes = std::to_integer<std::size_t>(bytes[6]),
                 .file_type = 0};
    if (shape.has_file_types) {
        out.file_type = std::to_integer<std::uint8_t>(bytes[7]);
    }
    const bool is_sane = out.record_bytes >= header_bytes && out.record_bytes % 4 == 0 &&
                         out.record_bytes <= bytes.size() &&
                         (out.inode == 0 || header_bytes + out.name_bytes <= out.record_bytes);
    if (!is_sane) {
        return malformed(ByteOffset{at}, "a directory entry has an impossible length",
                         fmt::format("{} bytes for a name of {}, {} left in the block", out.record_bytes,
                                     out.name_bytes, bytes.size()));
    }
    return out;
}

/// Ciphertext may be any bytes, but it is never empty.
bool is_possible_name(std::string_view name, const DirectoryShape& shape) noexcept
{
    return !name.empty() && (shape.is_encrypted ||
                             (name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos));
}

void note(Directory& into, Error damage)
{
    if (!into.damage) {
        into.damage = std::move(damage);
    }
}

void take_entry(const RawEntry& raw, std::string_view name, ByteOffset at, const DirectoryShape& shape, Directory& into)
{
    if (raw.inode == 0 || name == "." || name == "..") {
        return;
    }
    if (!is_possible_name(name, shape)) {
        note(into, malformed(at, "a directory entry has an impossible name", fmt::format("\"{}\"", printable(name))));
        return;
    }
    if (into.entries.size() >= max_directory_entries) {
        note(into, unsupported("a directory has more entries than are listed",
                               fmt::format("the limit is {}", format_count(max_directory_entries))));
        return;
    }
    into.entries.push_back({.name = shape.is_encrypted ? name_of_ciphertext(name) : std::string{name},
                            .inode = raw.inode,
                            .file_type = raw.file_type,
                            .at = static_cast<std::size_t>(at.value)});
}

struct PartlyRead {
    Bytes bytes;
    std::size_t readable; ///< bytes before the first that cannot be read
    std::optional<Error> failure;
};

/// A block sector by sector where it cannot be read at once.
PartlyRead read_block(const io::ByteSource& content, ByteOffset at, std::size_t count)
{
    constexpr std::size_t sector = 512;
    PartlyRead out{.bytes = Bytes(count), .readable = count, .failure = {}};
    const auto whole = content.read_at(at, out.bytes);
    if (whole.has_value()) {
        return out;
    }
    out.failure = whole.error();
    out.readable = 0;
    while (out.readable < count) {
        const auto part = std::span{out.bytes}.subspan(out.readable, std::min(sector, count - out.readable));
        if (!content.read_at(at + ByteCount{out.readable}, part).has_value()) {
            break;
        }
        out.readable += part.size();
    }
    return out;
}

/// The numbers of the blocks that are not holes, in order.
Result<std::vector<ByteOffset>> blocks_of(const io::ByteSource& content, std::size_t block_bytes, ByteCount most)
{
    std::vector<ByteOffset> out;
    std::uint64_t next = 0;
    for (const auto& extent : SALVAGE_TRY(content.extents(io::whole(content)))) {
        if (extent.kind == io::ExtentKind::hole) {
            continue;
        }
        for (next = std::max(next, extent.range.start().value / block_bytes * block_bytes);
             next < extent.range.end().value; next += block_bytes) {
            if (out.size() >= most.value / block_bytes) {
                return malformed(ByteOffset{next}, "a directory is larger than can be",
                                 fmt::format("more than {}", format_size(most)));
            }
            out.emplace_back(next);
        }
    }
    return out;
}

/// Damage of a block that was read whole and is not what was written.
std::optional<Error> failed_checksum(ByteView block, const DirectoryShape& shape)
{
    if (!shape.checksum_seed || block.size() != shape.block_bytes) {
        return std::nullopt;
    }
    const auto checksums = directory_checksums(*shape.checksum_seed, block);
    if (checksums && checksums->agree()) {
        return std::nullopt;
    }
    Error error{ErrorCode::malformed,
                "a block of a directory fails its checksum: its names are not sure",
                checksums ? in_words(*checksums) : "there is none in its last bytes",
                {},
                {},
                {}};
    return std::move(error).at("", ByteOffset{0});
}

/// An entry that may have been one, at `at` of a part of a block that no entry uses.
std::optional<DeadName> plausible_entry(ByteView block, std::size_t at, std::size_t end, const DirectoryShape& shape,
                                        std::uint32_t inodes)
{
    if (end - at < header_bytes + 1) {
        return std::nullopt;
    }
    const auto raw = parse_header(block, at, shape);
    if (!raw.has_value() || raw->inode == 0 || raw->inode > inodes || raw->name_bytes == 0 ||
        (shape.has_file_types && (raw->file_type == 0 || raw->file_type > 7)) || raw->record_bytes < header_bytes + 4 ||
        at + header_bytes + raw->name_bytes > end) {
        return std::nullopt;
    }
    const auto name = as_text(block.subspan(at + header_bytes, raw->name_bytes));
    if (!is_possible_name(name, shape) || name == "." || name == "..") {
        return std::nullopt;
    }
    return DeadName{.name = shape.is_encrypted ? name_of_ciphertext(name) : std::string{name},
                    .inode = raw->inode,
                    .file_type = raw->file_type,
                    .at = at};
}

std::size_t needed_bytes(std::size_t name_bytes) noexcept
{
    return (header_bytes + name_bytes + 3) / 4 * 4;
}

} // namespace

std::vector<DeadName> find_dead_names(ByteView block, const DirectoryShape& shape, std::uint32_t inodes)
{
    std::vector<DeadName> out;
    for (std::size_t at = 0; at + header_bytes <= block.size();) {
        const auto raw = parse_header(block, at, shape);
        if (!raw.has_value()) {
            break;
        }
        const auto end = at + raw->record_bytes;
        auto dead =
            at + needed_bytes(raw->name_bytes); // an unused entry keeps its name and not its inode: it is passed over
        while (dead + header_bytes < end) {
            auto found = plausible_entry(block, dead, end, shape, inodes);
            dead += found ? needed_bytes(std::to_integer<std::size_t>(block[dead + 6])) : 4;
            if (found) {
                out.push_back(std::move(*found));
            }
        }
        at = end;
    }
    return out;
}

bool looks_like_directory(ByteView block, const DirectoryShape& shape, std::uint32_t inodes)
{
    std::size_t at = 0;
    std::size_t names = 0;
    while (at + header_bytes <= block.size()) {
        const auto raw = parse_header(block, at, shape);
        if (!raw.has_value() || raw->inode > inodes) {
            return false;
        }
        names += raw->inode != 0 ? 1U : 0U;
        at += raw->record_bytes;
    }
    return at == block.size() && names > 0;
}

void parse_directory_block(ByteView block, std::size_t readable, const DirectoryShape& shape, Directory& into)
{
    for (std::size_t at = 0; at + header_bytes <= readable;) {
        const auto raw = parse_header(block, at, shape);
        if (!raw.has_value()) {
            note(into, raw.error());
            return;
        }
        const auto name_bytes = raw->inode == 0 ? 0 : raw->name_bytes;
        if (at + header_bytes + name_bytes > readable) {
            return;
        }
        take_entry(*raw, as_text(block.subspan(at + header_bytes, name_bytes)), ByteOffset{at}, shape, into);
        at += raw->record_bytes;
    }
}

Directory read_directory(const io::ByteSource& content, const DirectoryShape& shape, ByteCount most)
{
    Directory out;
    const auto blocks = blocks_of(content, shape.block_bytes, most);
    if (!blocks.has_value()) {
        note(out, io::lifted(blocks.error(), content));
        return out;
    }
    for (const auto at : *blocks) {
        const auto left = content.size() - ByteCount{at.value};
        const auto block = read_block(content, at, std::min<std::size_t>(shape.block_bytes, left.value));
        if (block.failure) {
            note(out, *block.failure);
        }
        const bool was_whole = !out.damage;
        if (auto failed = block.failure ? std::nullopt : failed_checksum(block.bytes, shape)) {
            note(out, std::move(*failed));
        }
        parse_directory_block(block.bytes, block.readable, shape, out);
        if (was_whole && out.damage) {
            out.damage = io::lifted(std::move(*out.damage), content, at);
        }
    }
    return out;
}

std::string name_of_ciphertext(std::string_view name)
{
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    constexpr std::size_t most = 180; // 240 digits, and room for what tells two long names apart
    std::string out;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const auto byte : name.substr(0, most)) {
        bits = bits << 8U | static_cast<unsigned char>(byte);
        for (count += 8; count >= 6; count -= 6) {
            out += digits[(bits >> (count - 6)) & 63U];
        }
    }
    if (count > 0) {
        out += digits[(bits << (6 - count)) & 63U];
    }
    if (name.size() > most) {
        out += fmt::format("~{:08x}", crc32c(~0U, as_bytes(name)));
    }
    return out;
}

} // namespace salvage::filesystem::ext
