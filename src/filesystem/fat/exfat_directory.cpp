// Directories of exFAT: sets of entries, live and deleted, and what the root has beside files.
#include <algorithm>

#include <fmt/format.h>

#include "filesystem/utf16.hpp"
#include "names.hpp"
#include "record.hpp"

namespace salvage::filesystem::fat {
namespace {

// exFAT specification, 6.2.1: bit 7 of a type says that the entry is in use.
constexpr std::byte in_use{0x80};
constexpr std::byte type_bitmap{0x81};
constexpr std::byte type_label{0x83};
constexpr std::byte type_file{0x85};
constexpr std::byte type_stream{0xC0};
constexpr std::byte type_name{0xC1};
constexpr std::size_t units_a_slot = 15;
constexpr std::byte no_fat_chain{0x02};

std::byte type_of(ByteView slot, bool is_deleted) noexcept
{
    return is_deleted ? slot[0] | in_use : slot[0];
}

std::optional<Timestamp> time_at(ByteView slot, std::size_t at, std::optional<std::size_t> tens_at, std::size_t zone_at)
{
    const auto tens = tens_at ? std::to_integer<std::uint8_t>(slot[*tens_at]) : std::uint8_t{0};
    const auto local =
        time_of(load_le<std::uint16_t>(slot.subspan(at + 2)), load_le<std::uint16_t>(slot.subspan(at)), tens);
    if (!local) {
        return std::nullopt;
    }
    return to_utc(*local, std::to_integer<std::uint8_t>(slot[zone_at]));
}

std::string name_of(ByteView slots, std::size_t units)
{
    Bytes name;
    for (std::size_t at = 2 * slot_bytes; at < slots.size() && name.size() < units * 2; at += slot_bytes) {
        const auto part = slots.subspan(at + 2, std::min(units * 2 - name.size(), units_a_slot * 2));
        name.insert(name.end(), part.begin(), part.end());
    }
    return name_from_utf16(name);
}

/// Takes the set that begins at slot `i`; answers how many slots that was.
std::size_t take_set(const DirectoryBytes& directory, std::size_t i, bool is_deleted, Listing& out)
{
    const auto slots = exfat_set_slots(directory.slot(i), is_deleted);
    if (slots == 0 || i + slots > directory.slots()) {
        return 0;
    }
    for (std::size_t k = i; k < i + slots; ++k) {
        if (directory.is_slot_lost(k)) {
            return 0;
        }
    }
    const auto set = ByteView{directory.bytes}.subspan(i * slot_bytes, slots * slot_bytes);
    const bool is_right = has_right_set_checksum(set, is_deleted);
    auto record = parse_exfat_set(set, directory.slot_at(i), is_deleted);
    if (is_deleted && (!is_right || !record.has_value())) {
        return 0; // its slots were taken in part
    }
    if (!is_right && !out.damage) {
        out.damage = malformed({}, "the checksum of a directory entry is wrong",
                               fmt::format("the entry at byte {} of the volume", directory.slot_at(i)));
    }
    if (!record.has_value()) {
        out.damage = out.damage.value_or(record.error());
        return 0;
    }
    out.records.push_back(std::move(*record));
    return slots;
}

void take_other(ByteView slot, std::uint64_t at, Listing& out)
{
    if (slot[0] == type_bitmap && (slot[1] & std::byte{1}) == std::byte{0}) {
        Record bitmap;
        bitmap.at = at;
        bitmap.first_cluster = load_le<std::uint32_t>(slot.subspan(20));
        bitmap.size = load_le<std::uint64_t>(slot.subspan(24));
        bitmap.valid_size = bitmap.size;
        out.bitmap = std::move(bitmap);
    }
    if (slot[0] == type_label) {
        const auto units = std::min(std::to_integer<std::size_t>(slot[1]), std::size_t{11});
        out.label = name_from_utf16(slot.subspan(2, units * 2));
    }
}

/// Parts of a set without its beginning, and whatever stands behind the slot that says that nothing follows.
void note_stray(ByteView slot, std::uint64_t at, std::size_t taken, bool is_behind_end, Listing& out)
{
    const bool is_part = slot[0] == type_file || slot[0] == type_stream || slot[0] == type_name;
    if (out.damage || (taken != 0 && !is_behind_end) || (taken == 0 && !is_part)) {
        return;
    }
    out.damage = malformed({},
                           taken == 0 ? "a directory has parts of an entry that is not whole"
                                      : "a directory has an entry behind its end",
                           fmt::format("at byte {} of the volume", at));
}

} // namespace

std::size_t exfat_set_slots(ByteView slot, bool is_deleted) noexcept
{
    const bool is_state_right = is_deleted == ((slot[0] & in_use) == std::byte{0});
    if (!is_state_right || type_of(slot, is_deleted) != type_file) {
        return 0;
    }
    const auto slots = std::to_integer<std::size_t>(slot[1]) + 1;
    return slots < 3 || slots > max_set_slots ? 0 : slots;
}

bool has_right_set_checksum(ByteView slots, bool is_deleted) noexcept
{
    std::uint16_t sum = 0;
    for (std::size_t i = 0; i < slots.size(); ++i) {
        if (i == 2 || i == 3) { // the checksum itself
            continue;
        }
        const bool is_type = i % slot_bytes == 0;
        const auto byte = is_type && is_deleted ? slots[i] | in_use : slots[i];
        sum = static_cast<std::uint16_t>(((sum & 1U) << 15U) + (sum >> 1U) + std::to_integer<std::uint16_t>(byte));
    }
    return sum == load_le<std::uint16_t>(slots.subspan(2));
}

Result<Record> parse_exfat_set(ByteView slots, std::uint64_t at, bool is_deleted)
{
    if (slots.size() < 3 * slot_bytes || type_of(slots, is_deleted) != type_file) {
        return malformed({}, "there is no file at this entry of a directory",
                         fmt::format("found {}", to_spaced_hex(slots.first(std::min<std::size_t>(12, slots.size())))));
    }
    const auto stream = slots.subspan(slot_bytes, slot_bytes);
    if (type_of(stream, is_deleted) != type_stream) {
        return malformed(ByteOffset{slot_bytes}, "a file's entry is not followed by its stream",
                         fmt::format("found type {:02X}, expected C0", std::to_integer<unsigned>(stream[0])));
    }
    const auto units = std::to_integer<std::size_t>(stream[3]);
    const auto name_slots = (units + units_a_slot - 1) / units_a_slot;
    if (units == 0 || slots.size() < (2 + name_slots) * slot_bytes) {
        return malformed(ByteOffset{slot_bytes + 3}, "a file's name is longer than its entries",
                         fmt::format("{} characters in {} entries", units, slots.size() / slot_bytes - 2));
    }
    for (std::size_t i = 0; i < name_slots; ++i) {
        const auto slot_at = (2 + i) * slot_bytes;
        if (type_of(slots.subspan(slot_at), is_deleted) != type_name) {
            return malformed(ByteOffset{slot_at}, "a part of a file's name is missing",
                             fmt::format("found type {:02X}, expected C1", std::to_integer<unsigned>(slots[slot_at])));
        }
    }
    Record out;
    out.at = at;
    out.name = name_of(slots, units);
    if (out.name == "." || out.name == "..") {
        return malformed(ByteOffset{2 * slot_bytes}, "a file has a name that no file can have", out.name);
    }
    out.is_deleted = is_deleted;
    out.attributes = load_le<std::uint16_t>(slots.subspan(4));
    out.created = time_at(slots, 8, 20, 22);
    out.modified = time_at(slots, 12, 21, 23);
    out.accessed = time_at(slots, 16, std::nullopt, 24);
    out.is_contiguous = (stream[1] & no_fat_chain) != std::byte{0};
    out.valid_size = load_le<std::uint64_t>(stream.subspan(8));
    out.first_cluster = load_le<std::uint32_t>(stream.subspan(20));
    out.size = load_le<std::uint64_t>(stream.subspan(24));
    if (out.valid_size > out.size) {
        return malformed(ByteOffset{slot_bytes + 8}, "more of a file is said to be valid than it has",
                         fmt::format("{} of {} bytes", out.valid_size, out.size));
    }
    return out;
}

Listing parse_exfat_directory(const DirectoryBytes& directory)
{
    Listing out;
    out.damage = directory.damage;
    bool is_behind_end = false;
    for (std::size_t i = 0; i < directory.slots();) {
        const auto slot = directory.slot(i);
        std::size_t taken = 0;
        if (!directory.is_slot_lost(i)) {
            is_behind_end = is_behind_end || slot[0] == std::byte{0};
            const bool is_deleted = (slot[0] & in_use) == std::byte{0};
            taken = take_set(directory, i, is_deleted, out);
            if (!is_deleted) {
                note_stray(slot, directory.slot_at(i), taken, is_behind_end, out);
                take_other(slot, directory.slot_at(i), out);
            }
        }
        i += std::max<std::size_t>(taken, 1);
    }
    return out;
}

} // namespace salvage::filesystem::fat
