// Directories of EROFS.
#include "directory.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "filesystem/posix.hpp"
#include "layout.hpp"
#include "salvage/core/text.hpp"

namespace salvage::filesystem::erofs {
namespace {

constexpr std::size_t entry_bytes = 12;
constexpr std::size_t max_name_bytes = 255;

bool is_possible_name(std::string_view name) noexcept
{
    return !name.empty() && name.size() <= max_name_bytes && name.find('/') == std::string_view::npos &&
           name.find('\0') == std::string_view::npos;
}

/// Bytes, as positive numbers, decide.
bool is_before(std::string_view left, std::string_view right) noexcept
{
    return left < right; // char_traits<char> compares as unsigned
}

/// Bytes of the whole blocks from `at` to the end of `range`; one block at least.
std::uint64_t blocks_up_to(ByteRange range, std::uint64_t at, std::uint64_t block_bytes) noexcept
{
    return std::max(block_bytes, (range.end().value - at) / block_bytes * block_bytes);
}

class Block {
public:
    Block(ByteView bytes, std::string& last_name, Directory& into)
        : fields_{bytes}, size_{bytes.size()}, last_name_{last_name}, into_{into}
    {
    }

    void parse()
    {
        if (size_ < entry_bytes) {
            wrong(0, "a block of a directory is too short for an entry");
            return;
        }
        const std::size_t names_at = fields_.u16(8);
        if (names_at < entry_bytes || names_at % entry_bytes != 0 || names_at > size_) {
            wrong(8, "a block of a directory does not say how many entries it has",
                  fmt::format("its names begin at {}, in a block of {}", names_at, size_));
            return;
        }
        const auto count = names_at / entry_bytes;
        for (std::size_t i = 0; i < count && into_.entries.size() < max_directory_entries; ++i) {
            entry(i, i + 1 == count);
        }
    }

private:
    void wrong(std::size_t at, std::string_view what, std::string_view why = {})
    {
        into_.note(malformed(ByteOffset{at}, what, why));
    }

    void entry(std::size_t index, bool is_last)
    {
        const auto at = index * entry_bytes;
        const auto start = std::size_t{fields_.u16(at + 8)};
        const auto end = is_last ? size_ : std::size_t{fields_.u16(at + entry_bytes + 8)};
        if (start > end || end > size_) {
            wrong(at + 8, "a name in a directory lies outside its block",
                  fmt::format("it goes from {} to {} of {}", start, end, size_));
            return;
        }
        auto name = as_text(fields_.slice(start, end - start));
        if (is_last) {
            name = name.substr(0, name.find('\0')); // the rest of the block is filled with zeros
        }
        if (!is_possible_name(name)) {
            wrong(start, "a name in a directory cannot be one",
                  fmt::format(R"("{}")", printable(name.substr(0, max_name_bytes + 1))));
            return;
        }
        if (!last_name_.empty() && !is_before(last_name_, name)) {
            wrong(start, "the names of a directory are not in order",
                  fmt::format(R"("{}" stands behind "{}")", printable(name), printable(last_name_)));
        }
        last_name_ = name;
        add(at, name);
    }

    void add(std::size_t at, std::string_view name)
    {
        const auto inode = fields_.u64(at);
        const auto type = entry_type_of(fields_.u8(at + 10));
        if (name == "." || name == "..") {
            (name == "." ? into_.self : into_.parent) = inode;
            return;
        }
        if (type == EntryType::unknown) {
            wrong(at + 10, "an entry of a directory is of no known type",
                  fmt::format("\"{}\" has {}", printable(name), fields_.u8(at + 10)));
        }
        into_.entries.push_back({.name = std::string{name}, .inode = inode, .type = type});
    }

    Fields fields_;
    std::size_t size_;
    std::string& last_name_;
    Directory& into_;
};

} // namespace

void parse_directory_block(ByteView block, std::string& last_name, Directory& into)
{
    Block{block, last_name, into}.parse();
}

Result<Directory> read_directory(const io::ByteSource& content, std::uint64_t block_bytes)
{
    Directory out;
    std::string last_name;
    const auto size = std::min(content.size(), max_directory_bytes).value;
    if (content.size() > max_directory_bytes) {
        out.note(unsupported("a directory is larger than is read", fmt::format("{} bytes", content.size().value)));
    }
    const auto extents = SALVAGE_TRY(content.extents(ByteRange::first(ByteCount{size})));
    auto extent = extents.begin();
    std::uint64_t step = block_bytes;
    for (std::uint64_t at = 0; at < size; at += step) {
        extent = std::find_if(extent, extents.end(), [&](const auto& one) { return one.range.end().value > at; });
        step = extent->kind == io::ExtentKind::data ? block_bytes : blocks_up_to(extent->range, at, block_bytes);
        const auto block = io::read_up_to(content, ByteOffset{at}, ByteCount{block_bytes});
        if (!block.has_value()) {
            if (block.error().code != ErrorCode::unreadable) {
                return block.error();
            }
            out.note(block.error());
            continue;
        }
        Directory part;
        part.entries = std::move(out.entries);
        parse_directory_block(*block, last_name, part);
        out.entries = std::move(part.entries);
        out.self = part.self ? part.self : out.self;
        out.parent = part.parent ? part.parent : out.parent;
        if (part.damage) {
            out.note(io::lifted(std::move(*part.damage), content, ByteOffset{at}));
        }
        if (out.entries.size() >= max_directory_entries) {
            out.note(unsupported("a directory has more names than are read", fmt::format("{}", max_directory_entries)));
            break;
        }
    }
    return out;
}

std::optional<std::uint64_t> find_parent(const io::ByteSource& content, std::uint64_t block_bytes)
{
    // ".." stands in the first block but for folders with hundreds of names that begin with '!', '#' or '-'.
    constexpr std::uint64_t most_blocks = 16;
    Directory out;
    std::string last_name;
    for (std::uint64_t i = 0; i < most_blocks && i * block_bytes < content.size().value && !out.parent; ++i) {
        const auto block = io::read_up_to(content, ByteOffset{i * block_bytes}, ByteCount{block_bytes});
        if (block.has_value()) {
            parse_directory_block(*block, last_name, out);
        }
    }
    return out.parent;
}

} // namespace salvage::filesystem::erofs
