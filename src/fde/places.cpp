// Places and mappings.  dm-crypt's options: Linux, Documentation/admin-guide/device-mapper/dm-crypt.rst.
#include "fde/places.hpp"

#include <algorithm>
#include <array>

namespace salvage::fde {
namespace {

void add_ext_backups(std::uint64_t end, std::vector<SuperblockPlace>& out)
{
    constexpr std::uint64_t superblock_bytes = 1024;
    for (const std::uint64_t block : {std::uint64_t{4096}, std::uint64_t{2048}, std::uint64_t{1024}}) {
        for (const unsigned group : {1U, 3U, 5U, 7U}) {
            const std::uint64_t first_block = block == superblock_at ? 1 : 0;
            const auto at = ((std::uint64_t{group} * 8 * block) + first_block) * block;
            if (at + superblock_bytes <= end) {
                out.push_back({.format = SuperblockPlace::Format::ext,
                               .at = at,
                               .size = superblock_bytes,
                               .group = group,
                               .is_backup = true});
            }
        }
    }
}

} // namespace

std::vector<SuperblockPlace> superblock_places(std::uint64_t end)
{
    using Format = SuperblockPlace::Format;
    constexpr std::uint64_t f2fs_bytes = 3072;
    constexpr std::array at_the_start{
        SuperblockPlace{.format = Format::ext, .at = superblock_at, .size = 1024},
        SuperblockPlace{.format = Format::f2fs, .at = superblock_at, .size = f2fs_bytes},
        SuperblockPlace{.format = Format::f2fs, .at = f2fs_second_at, .size = f2fs_bytes, .is_backup = true},
        SuperblockPlace{.format = Format::fat, .at = 0, .size = 512}};
    std::vector<SuperblockPlace> out;
    std::ranges::copy_if(at_the_start, std::back_inserter(out),
                         [end](const SuperblockPlace& place) { return place.at + 512 <= end; });
    add_ext_backups(end, out);
    return out;
}

Evidence judge(const SuperblockPlace& place, ByteView bytes, std::optional<ByteCount> volume)
{
    switch (place.format) {
    case SuperblockPlace::Format::ext: return judge_ext(bytes, volume, place.group);
    case SuperblockPlace::Format::f2fs: return judge_f2fs(bytes, volume);
    case SuperblockPlace::Format::fat: return judge_fat(bytes, volume);
    }
    return {};
}

std::vector<crypto::SectorCipherSpec> possible_mappings(const crypto::SectorCipherSpec& named, SectorIndex disk_lba)
{
    std::vector<crypto::IvRule> rules{named.iv};
    for (const auto rule : {crypto::IvRule::essiv_sha256, crypto::IvRule::plain64, crypto::IvRule::plain}) {
        const bool is_possible = named.mode == crypto::CipherMode::cbc || rule != crypto::IvRule::essiv_sha256;
        if (rule != named.iv && is_possible) {
            rules.push_back(rule);
        }
    }
    std::vector<SectorIndex> bases{named.iv_base};
    if (disk_lba != named.iv_base) {
        bases.push_back(disk_lba);
    }
    struct Sectors {
        SectorSize size;
        bool are_counted;
    };
    std::vector<crypto::SectorCipherSpec> out;
    for (const auto rule : rules) {
        // Android sets both at once where it uses large sectors at all (ro.crypto.fde_sector_size).
        for (const auto& sectors :
             {Sectors{sector_512(), false}, Sectors{sector_4096(), true}, Sectors{sector_4096(), false}}) {
            for (const auto base : bases) {
                out.push_back({.mode = named.mode,
                               .iv = rule,
                               .sector = sectors.size,
                               .iv_counts_large_sectors = sectors.are_counted,
                               .iv_base = base});
            }
        }
    }
    return out;
}

CipherExtent cipher_extent(const CryptoFooter& footer)
{
    CipherExtent out;
    if (footer.fs_size.value != 0) {
        out.mapped = to_bytes(footer.fs_size, sector_512());
    }
    if ((footer.flags & footer_flag::encryption_in_progress) == 0) {
        return out;
    }
    // Android 4 records no place; nor does a footer of its that vold upgraded.
    const auto upto = footer.encrypted_upto.value_or(SectorCount{});
    if (upto.value == 0) {
        out.has_unknown_end = true;
        return out;
    }
    if (upto < footer.fs_size) {
        // The number is that of the last sector under the cipher.
        out.encrypted_upto = to_bytes(SectorCount{upto.value + 1}, sector_512());
    }
    return out;
}

} // namespace salvage::fde
