// Records of the master file table, and what stands in them: attributes, names, runs of clusters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/filesystem/filesystem.hpp"

namespace salvage::filesystem::ntfs {

namespace attribute_type { // Linux, fs/ntfs/layout.h, AT_…
constexpr std::uint32_t standard_information = 0x10;
constexpr std::uint32_t attribute_list = 0x20;
constexpr std::uint32_t file_name = 0x30;
constexpr std::uint32_t volume_name = 0x60;
constexpr std::uint32_t volume_information = 0x70;
constexpr std::uint32_t data = 0x80;
constexpr std::uint32_t index_root = 0x90;
constexpr std::uint32_t index_allocation = 0xA0;
constexpr std::uint32_t bitmap = 0xB0;
constexpr std::uint32_t reparse_point = 0xC0;
constexpr std::uint32_t end = 0xFFFFFFFF;
} // namespace attribute_type

namespace attribute_flag {
constexpr std::uint16_t compression_mask = 0x00FF;
constexpr std::uint16_t encrypted = 0x4000;
} // namespace attribute_flag

/// A record by number, and the sequence that tells its lives apart.
struct Reference {
    std::uint64_t record{};
    std::uint16_t sequence{};
    bool operator==(const Reference&) const = default;
};
[[nodiscard]] Reference reference_at(ByteView eight) noexcept;

/// Whether a record whose sequence is `found` is the one that had the sequence `meant`: the same life, or where it is
/// not in use any more, that life ended.  Freeing a record counts its sequence up, past zero.
[[nodiscard]] bool is_same_life(std::uint16_t found, std::uint16_t meant, bool is_in_use) noexcept;

/// Neighbouring clusters of an attribute.
struct ClusterRun {
    std::uint64_t first{}; ///< in the attribute
    std::uint64_t count{};
    std::optional<std::uint64_t> on_volume; ///< nothing: a hole
    bool operator==(const ClusterRun&) const = default;
};

struct Attribute {
    std::uint32_t type{};
    std::string name;
    std::uint16_t flags{};
    bool is_resident{true};
    Bytes value; ///< of a resident one
    // Of others:
    std::uint64_t first_cluster{}; ///< of this part, where several records hold parts of one attribute
    std::uint64_t size{};
    std::uint64_t initialised{}; ///< what lies behind reads as zeros
    unsigned unit_shift{};       ///< clusters in a unit of compression, as a power of two; 0: none
    std::vector<ClusterRun> runs;
    std::optional<Error> damage; ///< why there are no more runs

    [[nodiscard]] std::uint64_t bytes() const noexcept { return is_resident ? value.size() : size; }
    [[nodiscard]] bool is_compressed() const noexcept
    {
        return !is_resident && (flags & attribute_flag::compression_mask) != 0 && unit_shift != 0;
    }
};

struct FileRecord {
    std::uint16_t sequence{};
    bool is_in_use{};
    bool is_directory{};
    Reference base; ///< of an extension: the record that it extends
    std::vector<Attribute> attributes;
    std::optional<Error> damage; ///< why there are no more attributes
};

/// Undoes the update sequence of a record or index block in place.
/// Errors: malformed (it does not fit, or a sector was not written with the others: where = offset in `block`).
[[nodiscard]] Result<> apply_fixups(std::span<std::byte> block);

/// Whether `bytes` begin as a record does.
[[nodiscard]] bool has_record_magic(ByteView bytes) noexcept;

/// Errors: malformed (magic, update sequence).  Damage behind the header is in the result.
/// Spec: Linux, fs/ntfs/layout.h, MFT_RECORD and ATTR_RECORD.
[[nodiscard]] Result<FileRecord> parse_record(Bytes bytes);

/// A list of runs: lengths and differences of places.  `first` is the cluster of the attribute that it begins with.
/// Errors: malformed (where = offset in `bytes`).
[[nodiscard]] Result<std::vector<ClusterRun>> parse_runs(ByteView bytes, std::uint64_t first);

/// The value of $FILE_NAME, which is the key of directories, too.
struct FileName {
    enum class Space : std::uint8_t { posix, windows, dos, windows_and_dos };
    Reference parent;
    Timestamp created;
    Timestamp modified;
    Timestamp changed;
    Timestamp accessed;
    std::uint64_t size{};
    std::uint32_t flags{};
    Space space{Space::posix};
    std::string name;
};
/// Nothing where the value is too short or the name none.
[[nodiscard]] std::optional<FileName> parse_file_name(ByteView value);

/// Steps of 100 ns since 1601 UTC.
[[nodiscard]] Timestamp time_from_windows(std::uint64_t ticks) noexcept;

} // namespace salvage::filesystem::ntfs
