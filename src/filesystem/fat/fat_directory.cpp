// Directories of FAT12, FAT16 and FAT32: short entries and the long names before them, live and deleted.
#include <algorithm>

#include <fmt/format.h>

#include "filesystem/utf16.hpp"
#include "names.hpp"
#include "record.hpp"

namespace salvage::filesystem::fat {
namespace {

constexpr std::byte deleted_mark{0xE5};
constexpr std::byte last_of_long_name{0x40};
constexpr std::size_t max_name_slots = 20; // 255 units

std::uint8_t attributes_of(ByteView slot) noexcept
{
    return std::to_integer<std::uint8_t>(slot[11]);
}

bool is_long_name(ByteView slot) noexcept
{
    return (attributes_of(slot) & 0x3FU) == attribute::long_name;
}

bool is_dot(ByteView slot) noexcept
{
    const auto name = as_text(slot.first(11));
    return name == ".          " || name == "..         ";
}

/// The thirteen units of a slot, in order.
Bytes units_of(ByteView slot)
{
    Bytes out;
    for (const auto& [at, bytes] : {std::pair{1U, 10U}, std::pair{14U, 12U}, std::pair{28U, 4U}}) {
        const auto part = slot.subspan(at, bytes);
        out.insert(out.end(), part.begin(), part.end());
    }
    return out;
}

/// The slots of a long name as they come: the last part of the name first.
class LongName {
public:
    void clear() { *this = {}; }

    void add(ByteView slot, bool is_deleted)
    {
        const auto checksum = std::to_integer<std::uint8_t>(slot[13]);
        const auto order = std::to_integer<unsigned>(slot[0]) & 0x3FU;
        const bool begins = !is_deleted && (slot[0] & last_of_long_name) != std::byte{0};
        if (begins) {
            clear();
            next_ = order;
        }
        const bool continues =
            is_deleted ? (slots_ == 0 || (is_deleted_ && checksum == checksum_))
                       : (!is_deleted_ && order != 0 && order == next_ && (begins || checksum == checksum_));
        if (!continues || slots_ == max_name_slots) {
            clear();
            if (!is_deleted) {
                return;
            }
        }
        is_deleted_ = is_deleted;
        checksum_ = checksum;
        const auto units = units_of(slot);
        units_.insert(units_.begin(), units.begin(), units.end());
        ++slots_;
        next_ = order == 0 ? 0 : order - 1;
    }

    /// The name that stands before the live short entry `slot`; empty where none belongs to it.
    [[nodiscard]] std::string of(ByteView slot) const
    {
        const bool is_whole = slots_ != 0 && !is_deleted_ && next_ == 0 && checksum_ == short_name_checksum(slot);
        return is_whole ? text() : std::string{};
    }

    /// The name that stands before a deleted short entry, whose first letter follows from the checksum: exactly one
    /// value fits, and only of a name that belongs here it is the first letter of the long one.
    [[nodiscard]] std::string of_deleted(ByteView slot) const
    {
        if (slots_ == 0 || !is_deleted_) {
            return {};
        }
        Bytes eleven{slot.begin(), slot.begin() + 11};
        for (unsigned first = 0; first < 256; ++first) {
            eleven[0] = static_cast<std::byte>(first);
            if (short_name_checksum(eleven) == checksum_) {
                auto name = text();
                return is_likely_first(first, name) ? name : std::string{};
            }
        }
        return {};
    }

private:
    /// Short names are made of the capitals of long ones; other letters become '_' or a letter of the code page.
    static bool is_likely_first(unsigned letter, const std::string& name)
    {
        if (name.empty()) {
            return false;
        }
        const auto first = name.find_first_not_of(". ");
        const auto long_first = static_cast<unsigned char>(name[first == std::string::npos ? 0 : first]);
        const bool is_lower = long_first >= 'a' && long_first <= 'z';
        const unsigned capital = is_lower ? long_first - 32U : long_first;
        return letter == capital || letter == '_' || letter >= 0x80 || letter == 0x05;
    }

    [[nodiscard]] std::string text() const
    {
        std::size_t end = 0;
        while (end + 2 <= units_.size()) {
            const auto unit = load_le<std::uint16_t>(ByteView{units_}.subspan(end));
            if (unit == 0 || unit == 0xFFFF) {
                break;
            }
            end += 2;
        }
        return name_from_utf16(ByteView{units_}.first(end));
    }

    Bytes units_;
    std::size_t slots_{0};
    unsigned next_{0};
    std::uint8_t checksum_{0};
    bool is_deleted_{false};
};

Record record_of(ByteView slot, std::uint64_t at, Variant variant)
{
    Record out;
    out.at = at;
    out.attributes = attributes_of(slot);
    out.name = short_name(slot.first(11), std::to_integer<std::uint8_t>(slot[12]));
    out.first_cluster = first_cluster_of(slot, variant);
    out.size = out.is_directory() ? 0 : load_le<std::uint32_t>(slot.subspan(28));
    out.valid_size = out.size;
    out.created = time_of(load_le<std::uint16_t>(slot.subspan(16)), load_le<std::uint16_t>(slot.subspan(14)),
                          std::to_integer<std::uint8_t>(slot[13]));
    out.accessed = time_of(load_le<std::uint16_t>(slot.subspan(18)), 0);
    out.modified = time_of(load_le<std::uint16_t>(slot.subspan(24)), load_le<std::uint16_t>(slot.subspan(22)));
    return out;
}

/// Not every slot that begins with 0xE5 was an entry: names are printable, unused bits of the attributes zero.
bool is_plausible_deleted(ByteView slot) noexcept
{
    const auto name = slot.subspan(1, 10);
    const bool is_printable = std::ranges::all_of(name, [](std::byte byte) { return byte >= std::byte{0x20}; });
    const bool is_label = (attributes_of(slot) & attribute::volume_label) != 0;
    return is_printable && !is_label && (attributes_of(slot) & 0xC0U) == 0;
}

std::optional<Record> deleted_record(ByteView slot, std::uint64_t at, Variant variant, const LongName& long_name)
{
    if (!is_plausible_deleted(slot)) {
        return std::nullopt;
    }
    auto out = record_of(slot, at, variant);
    out.is_deleted = true;
    auto name = long_name.of_deleted(slot);
    if (!name.empty()) {
        out.name = std::move(name);
        return out;
    }
    Bytes eleven{slot.begin(), slot.begin() + 11};
    eleven[0] = std::byte{'_'};
    out.name = short_name(eleven, std::to_integer<std::uint8_t>(slot[12]));
    out.has_whole_name = false;
    return out;
}

bool is_possible_name(const std::string& name) noexcept
{
    return !name.empty() && name != "." && name != "..";
}

void add_live(ByteView slot, std::uint64_t at, Variant variant, const LongName& long_name, Listing& out)
{
    auto record = record_of(slot, at, variant);
    const bool is_label =
        (record.attributes & attribute::volume_label) != 0 && (record.attributes & attribute::directory) == 0;
    if (is_label) {
        out.label = from_code_page(trimmed_field(slot.first(11)));
        return;
    }
    auto name = long_name.of(slot);
    if (is_possible_name(name)) {
        record.name = std::move(name);
    }
    if (is_possible_name(record.name)) {
        out.records.push_back(std::move(record));
    }
}

} // namespace

std::uint32_t first_cluster_of(ByteView slot, Variant variant) noexcept
{
    const std::uint32_t lower = load_le<std::uint16_t>(slot.subspan(26));
    const std::uint32_t upper = variant == Variant::fat32 ? load_le<std::uint16_t>(slot.subspan(20)) : 0;
    return upper << 16U | lower;
}

Result<Record> parse_fat_slot(ByteView slot, std::uint64_t at, Variant variant)
{
    if (slot[0] == std::byte{0} || slot[0] == deleted_mark || is_long_name(slot) || is_dot(slot)) {
        return malformed({}, "there is no file at this entry of a directory",
                         fmt::format("found {}", to_spaced_hex(slot.first(12))));
    }
    return record_of(slot, at, variant);
}

Listing parse_fat_directory(const DirectoryBytes& directory)
{
    Listing out;
    out.damage = directory.damage;
    LongName long_name;
    for (std::size_t i = 0; i < directory.slots(); ++i) {
        const auto slot = directory.slot(i);
        if (directory.is_slot_lost(i)) {
            long_name.clear();
            continue;
        }
        if (slot[0] == std::byte{0}) { // never used.  As Linux does, the rest is looked at all the same.
            long_name.clear();
            continue;
        }
        const bool is_deleted = slot[0] == deleted_mark;
        if (is_long_name(slot)) {
            long_name.add(slot, is_deleted);
            continue;
        }
        if (!is_deleted && !is_dot(slot)) {
            add_live(slot, directory.slot_at(i), directory.variant, long_name, out);
        }
        if (is_deleted) {
            if (auto record = deleted_record(slot, directory.slot_at(i), directory.variant, long_name)) {
                out.records.push_back(std::move(*record));
            }
        }
        long_name.clear();
    }
    return out;
}

} // namespace salvage::filesystem::fat
