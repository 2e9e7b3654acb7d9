// Directories of f2fs.
#include "directory.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::filesystem::f2fs {
namespace {

constexpr std::size_t entry_bytes = 11;
constexpr std::size_t slot_bytes = 8;
constexpr std::size_t max_name_bytes = 255;
constexpr std::uint8_t last_file_type = 7;

/// Where the parts of a table lie; its size tells how many slots it has.
struct Shape {
    std::size_t slots;
    std::size_t entries_at;
    std::size_t names_at;
};
constexpr Shape shape_of(std::size_t bytes) noexcept
{
    const auto slots = bytes * 8 / ((entry_bytes + slot_bytes) * 8 + 1);
    const auto entries_at = bytes - slots * (entry_bytes + slot_bytes);
    return {.slots = slots, .entries_at = entries_at, .names_at = entries_at + slots * entry_bytes};
}
static_assert(shape_of(block_bytes).slots == 214);

bool is_slot_used(ByteView area, std::size_t slot) noexcept
{
    return (std::to_integer<unsigned>(area[slot / 8]) >> (slot % 8) & 1U) != 0;
}

bool is_plain_ascii(std::string_view name) noexcept
{
    return std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

std::string folded(std::string_view name)
{
    std::string out{name};
    std::ranges::transform(out, out.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

/// Folding other than that of ASCII needs Unicode's tables, and a key where names are encrypted: there any hash will
/// do.
bool has_right_hash(std::string_view name, std::uint32_t hash, const NameRules& rules)
{
    if (rules.is_casefolded) {
        return rules.is_encrypted || !is_plain_ascii(name) || hash == name_hash(folded(name), NameBytes::positive) ||
               hash == name_hash(name, NameBytes::positive);
    }
    return hash == name_hash(name, NameBytes::positive) || hash == name_hash(name, NameBytes::negative);
}

void note(ext::Directory& into, Error damage)
{
    if (!into.damage) {
        into.damage = std::move(damage);
    }
}

struct Slots {
    std::size_t count{1};
    std::optional<ext::DirectoryEntry> entry; ///< nothing for "." and ".."; the name as it is on the volume
};

/// The name that begins in `slot`.
Result<Slots> parse_entry(ByteView area, const Shape& shape, std::size_t slot, const NameRules& rules)
{
    const auto at = shape.entries_at + slot * entry_bytes;
    const auto entry = area.subspan(at, entry_bytes);
    const auto hash = load_le<std::uint32_t>(entry);
    const auto inode = load_le<std::uint32_t>(entry.subspan(4));
    const std::size_t name_bytes = load_le<std::uint16_t>(entry.subspan(8));
    const auto file_type = std::to_integer<std::uint8_t>(entry[10]);
    const auto slots = (name_bytes + slot_bytes - 1) / slot_bytes;
    if (name_bytes == 0 || name_bytes > max_name_bytes || slots > shape.slots - slot) {
        return malformed(ByteOffset{at}, "a name in a directory has an impossible length",
                         fmt::format("{} bytes in slot {} of {}", name_bytes, slot, shape.slots));
    }
    const auto name = as_text(area.subspan(shape.names_at + slot * slot_bytes, name_bytes));
    if (name == "." || name == "..") {
        return Slots{.count = slots, .entry = std::nullopt};
    }
    if (!(rules.is_encrypted || is_possible_name(name)) || file_type > last_file_type || inode < first_inode ||
        inode >= rules.node_end) {
        return malformed(ByteOffset{at}, "an entry of a directory cannot be",
                         fmt::format("\"{}\", inode {}, type {}", printable(name), inode, file_type));
    }
    if (!has_right_hash(name, hash, rules)) {
        return malformed(ByteOffset{at}, "a name in a directory does not have the hash that stands beside it",
                         fmt::format("\"{}\" with {:08x}", printable(name), hash));
    }
    return Slots{.count = slots, .entry = ext::DirectoryEntry{std::string{name}, inode, file_type}};
}

/// Takes the name that begins in `slot`; the number of slots it has.
std::size_t take_entry(ByteView area, const Shape& shape, std::size_t slot, const NameRules& rules,
                       ext::Directory& into)
{
    auto parsed = parse_entry(area, shape, slot, rules);
    if (!parsed.has_value()) {
        note(into, std::move(parsed).error());
        return 1;
    }
    if (!parsed->entry) {
        return parsed->count;
    }
    if (into.entries.size() >= ext::max_directory_entries) {
        note(into, unsupported("a directory has more names than are read",
                               fmt::format("at most {}", ext::max_directory_entries)));
        return parsed->count;
    }
    if (rules.is_encrypted) {
        parsed->entry->name = ext::name_of_ciphertext(parsed->entry->name);
    }
    into.entries.push_back(std::move(*parsed->entry));
    return parsed->count;
}

/// An emptied block is given back, so one of zeros was lost.
void parse_block(ByteView block, const NameRules& rules, ext::Directory& into)
{
    if (is_all_zero(block)) {
        note(into, malformed(ByteOffset{0}, "a block of a directory is all zero", "it had names once"));
        return;
    }
    parse_names(block, rules, into);
}

Result<> read_part(const io::ByteSource& content, ByteRange part, const NameRules& rules, ext::Directory& into)
{
    for (auto at = part.start(); at < part.end(); at = at + ByteCount{block_bytes}) {
        const auto block = io::read_up_to(content, at, ByteCount{block_bytes});
        if (!block.has_value()) {
            if (block.error().code != ErrorCode::unreadable) {
                return block.error();
            }
            note(into, block.error());
            continue;
        }
        if (block->size() < block_bytes) {
            return {}; // a directory has whole blocks
        }
        const bool had_damage = into.damage.has_value();
        parse_block(*block, rules, into);
        if (into.damage && !had_damage) {
            into.damage = io::lifted(std::move(*into.damage), content, at);
        }
    }
    return {};
}

} // namespace

bool is_possible_name(std::string_view name) noexcept
{
    return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
           name.find('\0') == std::string_view::npos;
}

void find_emptied(ByteView area, const NameRules& rules, std::vector<ext::DirectoryEntry>& into)
{
    const auto shape = shape_of(area.size());
    for (std::size_t slot = 0; slot < shape.slots; ++slot) {
        if (is_slot_used(area, slot)) {
            continue;
        }
        auto parsed = parse_entry(area, shape, slot, rules);
        if (!parsed.has_value() || !parsed->entry) {
            continue;
        }
        if (rules.is_encrypted) {
            parsed->entry->name = ext::name_of_ciphertext(parsed->entry->name);
        }
        into.push_back(std::move(*parsed->entry));
    }
}

void parse_names(ByteView area, const NameRules& rules, ext::Directory& into)
{
    const auto shape = shape_of(area.size());
    for (std::size_t slot = 0; slot < shape.slots;) {
        slot += is_slot_used(area, slot) ? take_entry(area, shape, slot, rules, into) : 1;
    }
}

Result<ext::Directory> read_names(const io::ByteSource& content, const NameRules& rules)
{
    ext::Directory out;
    const auto bytes = std::min(content.size(), ext::max_directory_bytes);
    for (const auto& extent : SALVAGE_TRY(content.extents(ByteRange::first(bytes)))) {
        if (extent.kind == io::ExtentKind::hole) {
            continue;
        }
        SALVAGE_TRY(read_part(content, extent.range, rules, out));
    }
    return out;
}

} // namespace salvage::filesystem::f2fs
