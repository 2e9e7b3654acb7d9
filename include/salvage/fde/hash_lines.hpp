// Footers as the one-line hashes of password crackers.
#pragma once

#include <string>
#include <string_view>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/fde/footer.hpp"

namespace salvage::fde {

/// Bytes of userdata that a `$fde$` line carries: sectors 0 to 2.
inline constexpr std::size_t hash_line_sector_bytes = 1536;

/// Most bytes of userdata that a `$salvage$` line carries: a large sector with the superblock in it.
inline constexpr std::size_t salvage_line_userdata_bytes = 4096;

/// What a line holds.
struct HashLine {
    CryptoFooter footer;  ///< with what the line does not tell at its defaults: fs_size is 0, which means unknown
    Bytes sectors;        ///< the first bytes of userdata, raw; empty with Samsung's lines
    SectorIndex disk_lba; ///< where userdata starts on the disk, in 512-byte sectors; `$salvage$` lines say
};

/// `$salvage$1$<footer>$<disk sector>$<first bytes of userdata>` (ours, for every footer: docs/formats/hash-lines.md),
/// `$fde$16$<salt>$16$<wrapped key>$<sectors>` (hashcat 8800, john "fde"; also with a 32-byte key), or Samsung's 160
/// hex digits EDK, HMAC, salt (hashcat 12900, john "sandcrypt").  White space around the line is passed over.
/// Errors: malformed (where = position in the text).
[[nodiscard]] Result<HashLine> parse_hash_line(std::string_view text);

/// The reverse.  Errors: unsupported (no cracker has a line for this footer: another kdf or cipher, a key in the clear,
/// a key of another size); invalid_argument (`sectors` are not three).
[[nodiscard]] Result<std::string> format_hash_line(const CryptoFooter& footer, ByteView sectors);

/// Ours: `footer` are its raw bytes, as many as parse_footer takes; zeros at their end are left out of the line.
/// `userdata` are the first salvage_line_userdata_bytes or fewer, or none: the footer is judged by its own check value
/// then.  Errors: those of parse_footer; invalid_argument (`userdata` too long).
[[nodiscard]] Result<std::string> format_salvage_line(ByteView footer, SectorIndex disk_lba, ByteView userdata);

} // namespace salvage::fde
