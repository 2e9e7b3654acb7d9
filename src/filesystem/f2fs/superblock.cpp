// The superblock of f2fs.
#include "superblock.hpp"

#include <algorithm>

#include "filesystem/fields.hpp"
#include <fmt/format.h>

#include "salvage/core/utf8.hpp"

namespace salvage::filesystem::f2fs {
namespace {

constexpr std::uint32_t most_segments = 16U * 1024 * 1024 / 2; // block addresses have 32 bits; F2FS_MAX_SEGMENT
constexpr std::size_t checksum_at = 3068;
constexpr std::size_t devices_at = 2201;
constexpr std::size_t device_bytes = 68;
constexpr std::size_t max_devices = 8;
constexpr std::size_t name_at = 124;
constexpr std::size_t name_units = 512;

struct FeatureName {
    std::uint32_t bit;
    std::string_view name;
};
/// Those that are refused, and have a name.
constexpr std::array refused_features{
    FeatureName{.bit = feature::zoned, .name = "blkzoned (a zoned device keeps the rest of its state elsewhere)"},
    FeatureName{.bit = feature::device_alias, .name = "device_alias (the volume spans several devices)"},
    FeatureName{.bit = 0x10000, .name = "packed_ssa"},
};

Error impossible(std::size_t at, std::string_view field, std::uint64_t value, std::string_view expected)
{
    return malformed(ByteOffset{at}, "the f2fs superblock contradicts itself",
                     fmt::format("{} is {} ({:#x}), expected {}", field, value, value, expected));
}

Result<> check_checksum(ByteView superblock)
{
    const Fields fields{superblock};
    if ((fields.u32(2180) & feature::superblock_checksum) == 0) {
        return {};
    }
    if (fields.u32(32) != checksum_at) {
        return impossible(32, "checksum_offset", fields.u32(32), "3068");
    }
    const auto computed = checksum(magic, superblock.first(checksum_at));
    if (computed != fields.u32(checksum_at)) {
        return malformed(ByteOffset{checksum_at}, "the checksum of the f2fs superblock is wrong",
                         fmt::format("found {:08x}, computed {:08x}", fields.u32(checksum_at), computed));
    }
    return {};
}

Result<> check_sizes(const Fields& fields)
{
    const auto log_block = fields.u32(16);
    if (log_block == 14) {
        return unsupported("the f2fs volume has blocks of 16 KiB", "only blocks of 4 KiB are read",
                           "mount a copy with a kernel that has pages of 16 KiB");
    }
    if (log_block != 12) {
        return impossible(16, "log_blocksize", log_block, "12");
    }
    if (fields.u32(20) != 9) {
        return impossible(20, "log_blocks_per_seg", fields.u32(20), "9");
    }
    const auto log_sector = fields.u32(8);
    if (log_sector < 9 || log_sector > 12 || log_sector + fields.u32(12) != 12) {
        return impossible(8, "log_sectorsize", log_sector, "9 to 12, and 12 with log_sectors_per_block");
    }
    return {};
}

Result<> check_features(const Fields& fields)
{
    const auto features = fields.u32(2180);
    std::string refused;
    auto unknown = features & ~feature::all_known;
    for (const auto& [bit, name] : refused_features) {
        if ((features & bit) != 0) {
            refused += (refused.empty() ? "" : ", ") + std::string{name};
            unknown &= ~bit;
        }
    }
    if (unknown != 0) {
        refused += (refused.empty() ? "" : ", ") + fmt::format("unknown feature {:#x}", unknown);
    }
    if (!refused.empty()) {
        return unsupported("the f2fs volume uses a feature that is not read here", refused);
    }
    const auto devices = std::ranges::count_if(std::array{0, 1, 2, 3, 4, 5, 6, 7}, [&](int i) {
        return fields.slice(devices_at + static_cast<std::size_t>(i) * device_bytes, 1)[0] != std::byte{0};
    });
    static_assert(max_devices == 8);
    if (devices > 1) {
        return unsupported("the f2fs volume spans several devices",
                           fmt::format("its superblock names {} of them, and this is one", devices));
    }
    return {};
}

/// Areas follow each other without a gap, and end within the volume.
Result<> check_areas(const Fields& fields, const Superblock& volume)
{
    const auto end_of = [](std::uint32_t at, std::uint32_t segments) {
        return at + std::uint64_t{segments} * blocks_per_segment;
    };
    const auto segments = fields.u32(48);
    if (segments > most_segments || volume.blocks / blocks_per_segment < segments ||
        volume.blocks > std::uint64_t{most_segments} * blocks_per_segment) {
        return impossible(48, "segment_count", segments, fmt::format("at most those of {} blocks", volume.blocks));
    }
    if (fields.u32(72) != volume.checkpoint_at || fields.u32(52) != 2) {
        return impossible(72, "segment0_blkaddr", fields.u32(72), "that of two segments of checkpoints");
    }
    const bool is_in_order = end_of(volume.checkpoint_at, 2) == volume.sit_at &&
                             end_of(volume.sit_at, volume.sit_segments) == volume.nat_at &&
                             end_of(volume.nat_at, volume.nat_segments) == volume.ssa_at &&
                             end_of(volume.ssa_at, fields.u32(64)) == volume.main_at;
    if (!is_in_order) {
        return impossible(76, "cp_blkaddr", volume.checkpoint_at, "areas that follow each other");
    }
    const auto end = end_of(volume.checkpoint_at, segments);
    if (volume.main_segments == 0 || volume.main_end() > end || end > volume.blocks) {
        return impossible(68, "segment_count_main", volume.main_segments, "segments that end within the volume");
    }
    const bool has_pairs = volume.nat_segments != 0 && volume.nat_segments % 2 == 0 && volume.sit_segments != 0 &&
                           volume.sit_segments % 2 == 0;
    if (!has_pairs) {
        return impossible(60, "segment_count_nat", volume.nat_segments, "two copies of both tables");
    }
    if (volume.checkpoint_payload >= blocks_per_segment - 8) {
        return impossible(1664, "cp_payload", volume.checkpoint_payload, "less than a segment");
    }
    return {};
}

/// UTF-16, little-endian, up to the first zero; halves of a pair that stand alone become U+FFFD.
std::string label_of(ByteView units)
{
    std::string out;
    for (std::size_t i = 0; i < name_units; ++i) {
        std::uint32_t code = load_le<std::uint16_t>(units.subspan(2 * i));
        if (code == 0) {
            break;
        }
        if (code >= 0xD800 && code < 0xE000) {
            const auto low = i + 1 < name_units ? load_le<std::uint16_t>(units.subspan(2 * i + 2)) : std::uint16_t{0};
            const bool is_pair = code < 0xDC00 && low >= 0xDC00 && low < 0xE000;
            code = is_pair ? 0x10000U + ((code - 0xD800U) << 10U) + (low - 0xDC00U) : 0xFFFDU;
            i += is_pair ? 1 : 0;
        }
        append_character(out, code);
    }
    return out;
}

} // namespace

bool has_f2fs_magic(ByteView superblock) noexcept
{
    return superblock.size() >= 4 && load_le<std::uint32_t>(superblock) == magic;
}

Result<Superblock> parse_superblock(ByteView superblock)
{
    if (superblock.size() < superblock_bytes.value) {
        return truncated(ByteOffset{superblock.size()}, "the f2fs superblock is cut short", "it has 3072 bytes");
    }
    if (!has_f2fs_magic(superblock)) {
        return malformed(ByteOffset{0}, "the f2fs superblock has no valid magic",
                         fmt::format("found {}, expected 10 20 F5 F2", to_spaced_hex(superblock.first(4))));
    }
    SALVAGE_TRY(check_checksum(superblock));
    const Fields fields{superblock};
    SALVAGE_TRY(check_sizes(fields));
    SALVAGE_TRY(check_features(fields));
    Superblock out;
    out.blocks = fields.u64(36);
    out.features = fields.u32(2180);
    out.checkpoint_at = fields.u32(76);
    out.sit_at = fields.u32(80);
    out.nat_at = fields.u32(84);
    out.ssa_at = fields.u32(88);
    out.main_at = fields.u32(92);
    out.sit_segments = fields.u32(56);
    out.nat_segments = fields.u32(60);
    out.main_segments = fields.u32(68);
    out.checkpoint_payload = fields.u32(1664);
    out.root_inode = fields.u32(96);
    std::ranges::copy(fields.slice(108, out.uuid.size()), out.uuid.begin());
    out.label = label_of(fields.slice(name_at, 2 * name_units));
    SALVAGE_TRY(check_areas(fields, out));
    return out;
}

} // namespace salvage::filesystem::f2fs
