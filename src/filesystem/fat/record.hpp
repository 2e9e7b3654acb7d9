// What the entries of a directory say of one file: the same value for FAT and exFAT.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "geometry.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/filesystem/filesystem.hpp"

namespace salvage::filesystem::fat {

namespace attribute { // FAT specification, DIR_Attr; exFAT specification, 7.4.4
constexpr std::uint32_t read_only = 0x01;
constexpr std::uint32_t hidden = 0x02;
constexpr std::uint32_t system = 0x04;
constexpr std::uint32_t volume_label = 0x08;
constexpr std::uint32_t directory = 0x10;
constexpr std::uint32_t archive = 0x20;
constexpr std::uint32_t long_name = 0x0F;
} // namespace attribute

constexpr std::size_t slot_bytes = 32;

struct Record {
    std::string name;
    std::uint64_t at{}; ///< byte of the volume where its (first) entry lies
    std::uint32_t attributes{};
    std::uint32_t first_cluster{};
    std::uint64_t size{};
    std::uint64_t valid_size{}; ///< exFAT: what lies behind reads as zeros
    bool is_contiguous{false};  ///< exFAT: the table says nothing of its clusters
    bool is_deleted{false};
    bool has_whole_name{true}; ///< false: the first letter was lost with the deletion, '_' stands for it
    std::optional<Timestamp> modified;
    std::optional<Timestamp> accessed;
    std::optional<Timestamp> created;

    [[nodiscard]] bool is_directory() const noexcept { return (attributes & attribute::directory) != 0; }
    [[nodiscard]] EntryType type() const noexcept { return is_directory() ? EntryType::directory : EntryType::file; }
};

/// The bytes of a directory, and where each part of them lies on the volume.
struct DirectoryBytes {
    Variant variant{Variant::fat32};
    std::size_t part_bytes{512};
    Bytes bytes; ///< parts that are lost are zeros; of neighbours beyond the end of the dump there is one
    std::vector<std::uint64_t> parts_at; ///< byte of the volume, for each part
    std::vector<bool> is_lost;           ///< for each part
    std::optional<Error> damage;         ///< the first thing that was wrong

    [[nodiscard]] std::size_t slots() const noexcept { return bytes.size() / slot_bytes; }
    [[nodiscard]] ByteView slot(std::size_t number) const noexcept
    {
        return ByteView{bytes}.subspan(number * slot_bytes, slot_bytes);
    }
    [[nodiscard]] bool is_slot_lost(std::size_t number) const { return is_lost[number * slot_bytes / part_bytes]; }
    [[nodiscard]] std::uint64_t slot_at(std::size_t number) const
    {
        const auto at = number * slot_bytes;
        return parts_at[at / part_bytes] + at % part_bytes;
    }
};

/// What a directory says.
struct Listing {
    std::vector<Record> records; ///< in their order, deleted ones among them; without "." and ".."
    std::optional<std::string> label;
    std::optional<Record> bitmap; ///< exFAT: of the clusters that are taken
    std::optional<Error> damage;
    std::uint64_t bytes_read{}; ///< of the directory, and of the table that told where it lies
};

/// Directories of FAT12, FAT16 and FAT32.  Spec: FAT specification, "FAT Directory Structure", "Long Directory
/// Entries".
[[nodiscard]] Listing parse_fat_directory(const DirectoryBytes& directory);

/// The short entry in `slot`, which lies at `at`.  Errors: malformed (unused, deleted or part of a long name).
[[nodiscard]] Result<Record> parse_fat_slot(ByteView slot, std::uint64_t at, Variant variant);

/// The first cluster that the short entry in `slot` names.  Only FAT32 has an upper half of it: of others, systems keep
/// other things there.  Spec: Linux, fs/fat/fat.h, fat_get_start.
[[nodiscard]] std::uint32_t first_cluster_of(ByteView slot, Variant variant) noexcept;

/// Directories of exFAT.  Spec: exFAT specification, 6 and 7.
[[nodiscard]] Listing parse_exfat_directory(const DirectoryBytes& directory);

constexpr std::size_t max_set_slots = 19;
/// Slots of the set whose first is `slot`, at most max_set_slots; 0: it begins none.  `is_deleted` sets lack the bit
/// that says that they are in use.
[[nodiscard]] std::size_t exfat_set_slots(ByteView slot, bool is_deleted) noexcept;
/// The set of entries in `slots`, a File entry first.  Errors: malformed (where = offset in `slots`).
[[nodiscard]] Result<Record> parse_exfat_set(ByteView slots, std::uint64_t at, bool is_deleted);
/// SetChecksum agrees with the bytes of the set.
[[nodiscard]] bool has_right_set_checksum(ByteView slots, bool is_deleted) noexcept;

} // namespace salvage::filesystem::fat
