// Where a superblock may stand under a key, and how userdata may be mapped.
#pragma once

#include <optional>
#include <vector>

#include "fde/superblock.hpp"
#include "salvage/core/result.hpp"
#include "salvage/crypto/cipher.hpp"
#include "salvage/fde/footer.hpp"

namespace salvage::fde {

/// A place of a superblock.
struct SuperblockPlace {
    enum class Format : std::uint8_t { ext, f2fs, fat };
    Format format{Format::ext};
    std::uint64_t at{};   ///< in the volume; a multiple of 512
    std::uint64_t size{}; ///< bytes a judgement likes to have; 512 are enough
    unsigned group{};     ///< of an ext backup
    bool is_backup{};
};

/// First those at the start, then ext backups in groups 1, 3, 5 and 7, which every ext has (sparse_super or not), for
/// blocks of 4, 2 and 1 KiB.  Only those below `end`.
[[nodiscard]] std::vector<SuperblockPlace> superblock_places(std::uint64_t end);
[[nodiscard]] Evidence judge(const SuperblockPlace& place, ByteView bytes, std::optional<ByteCount> volume);

/// The footer's own cipher first; then other sector sizes, IV bases and IV rules of the same mode.
[[nodiscard]] std::vector<crypto::SectorCipherSpec> possible_mappings(const crypto::SectorCipherSpec& named,
                                                                      SectorIndex disk_lba);

/// How much of a volume is under the cipher.
struct CipherExtent {
    std::optional<ByteCount> mapped;         ///< fs_size in bytes; nothing where the footer does not say
    std::optional<ByteCount> encrypted_upto; ///< where an interrupted encryption ended
    bool has_unknown_end{};                  ///< interrupted, and the footer does not say where
};
[[nodiscard]] CipherExtent cipher_extent(const CryptoFooter& footer);

} // namespace salvage::fde
