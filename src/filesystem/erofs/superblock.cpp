// The superblock of EROFS.
#include "superblock.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "filesystem/ext/library.hpp"

namespace salvage::filesystem::erofs {
namespace {

constexpr std::size_t checksum_at = 4;
constexpr unsigned fewest_block_bits = 9;
constexpr unsigned most_block_bits = 16; // pages of 64 KiB are the largest that Linux has

struct FeatureName {
    std::uint32_t bit;
    std::string_view name;
};
/// Those that are refused, and have a name.
constexpr std::array refused_features{
    FeatureName{.bit = feature::wide_addresses, .name = "48bit (block numbers of 48 bits and lists of extents)"},
    FeatureName{.bit = feature::metadata_box, .name = "metabox (inodes are compressed)"},
};

Error impossible(std::size_t at, std::string_view field, std::uint64_t value, std::string_view expected)
{
    return malformed(ByteOffset{at}, "the EROFS superblock contradicts itself",
                     fmt::format("{} is {} ({:#x}), expected {}", field, value, value, expected));
}

Result<> check_features(const Fields& fields)
{
    std::string refused;
    auto unknown = fields.u32(80) & ~feature::all_known;
    for (const auto& [bit, name] : refused_features) {
        if ((unknown & bit) != 0) {
            refused += (refused.empty() ? "" : ", ") + std::string{name};
            unknown &= ~bit;
        }
    }
    if (unknown != 0) {
        refused += (refused.empty() ? "" : ", ") + fmt::format("unknown feature {:#x}", unknown);
    }
    if (refused.empty()) {
        return {};
    }
    return unsupported("the EROFS volume uses a feature that is not read here", refused,
                       "unpack a copy of it with `fsck.erofs --extract=DIR` of a recent erofs-utils");
}

Result<> check_sizes(const Fields& fields, const Superblock& volume)
{
    if (volume.block_bits < fewest_block_bits || volume.block_bits > most_block_bits) {
        return impossible(12, "blkszbits", volume.block_bits, "9 to 16");
    }
    if (fields.u8(90) != 0) {
        return unsupported("the EROFS volume has directory blocks of a size of their own",
                           fmt::format("dirblkbits is {}, and only 0 is in use", fields.u8(90)));
    }
    if (volume.size().value < superblock_at.value + superblock_bytes) {
        return impossible(36, "blocks", volume.blocks, "at least those of the superblock");
    }
    if (volume.metadata_block >= volume.blocks) {
        return impossible(40, "meta_blkaddr", volume.metadata_block, fmt::format("less than {}", volume.blocks));
    }
    if (volume.attributes_block >= volume.blocks) {
        return impossible(44, "xattr_blkaddr", volume.attributes_block, fmt::format("less than {}", volume.blocks));
    }
    if (volume.time_nanoseconds >= 1'000'000'000) {
        return impossible(32, "build_time_nsec", volume.time_nanoseconds, "less than a second");
    }
    return {};
}

} // namespace

bool has_erofs_magic(ByteView superblock) noexcept
{
    return superblock.size() >= 4 && load_le<std::uint32_t>(superblock) == magic;
}

Result<Superblock> parse_superblock(ByteView superblock)
{
    if (superblock.size() < superblock_bytes) {
        return truncated(ByteOffset{superblock.size()}, "the EROFS superblock is cut short", "it has 128 bytes");
    }
    if (!has_erofs_magic(superblock)) {
        return malformed(ByteOffset{0}, "the EROFS superblock has no valid magic",
                         fmt::format("found {}, expected E2 E1 F5 E0", to_spaced_hex(superblock.first(4))));
    }
    const Fields fields{superblock};
    SALVAGE_TRY(check_features(fields));
    Superblock out;
    out.checksum = fields.u32(checksum_at);
    out.compatible_features = fields.u32(8);
    out.features = fields.u32(80);
    out.block_bits = fields.u8(12);
    out.root = fields.u16(14);
    out.time_seconds = fields.u64(24);
    out.time_nanoseconds = fields.u32(32);
    out.blocks = fields.u32(36);
    out.metadata_block = fields.u32(40);
    out.attributes_block = fields.u32(44);
    std::ranges::copy(fields.slice(48, out.uuid.size()), out.uuid.begin());
    const auto name = as_text(fields.slice(64, 16));
    out.label = name.substr(0, name.find('\0'));
    // Before there was a choice of algorithms, the field held the longest distance of LZ4.
    out.algorithms = out.has(feature::large_clusters) ? fields.u16(84) : std::uint16_t{1};
    out.extra_devices = out.has(feature::devices_or_second_head) ? fields.u16(86) : std::uint16_t{0};
    out.long_prefixes = out.has(feature::long_prefixes) ? fields.u8(91) : 0U;
    out.long_prefixes_at = std::uint64_t{fields.u32(92)} * 4;
    out.packed = out.has(feature::fragments_or_dedupe) ? fields.u64(96) : 0;
    SALVAGE_TRY(check_sizes(fields, out));
    return out;
}

ByteCount checksummed_bytes(const Superblock& superblock) noexcept
{
    const auto block = superblock.block_bytes();
    return ByteCount{block > superblock_at.value ? block - superblock_at.value : block};
}

std::uint32_t compute_checksum(ByteView covered) noexcept
{
    constexpr std::array<std::byte, 4> zero{};
    const auto start = ext::crc32c(ext::crc32c(~0U, covered.first(checksum_at)), zero);
    return ext::crc32c(start, covered.subspan(checksum_at + zero.size()));
}

} // namespace salvage::filesystem::erofs
