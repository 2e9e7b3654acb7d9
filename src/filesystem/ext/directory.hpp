// Directories of ext2, ext3 and ext4: names in blocks, in a list or under an index.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::filesystem::ext {

struct DirectoryEntry {
    std::string name;
    std::uint32_t inode{};
    std::uint8_t file_type{}; ///< 0 where the filesystem keeps none
    std::size_t at{};         ///< offset in its block
};

/// More names than Android keeps in one folder by three orders of magnitude.
constexpr std::size_t max_directory_entries = 1U << 20U;

/// Room for as many of the longest names, twice over.
constexpr ByteCount max_directory_bytes{512U << 20U};

/// What a directory says, and the first thing that was wrong with it.
struct Directory {
    std::vector<DirectoryEntry> entries; ///< without "." and ".."
    std::optional<Error> damage;
};

struct DirectoryShape {
    std::size_t block_bytes{};
    bool has_file_types{true};
    bool is_encrypted{false}; ///< names are ciphertext
    /// Of the directory's blocks; nothing: they have no checksums.
    std::optional<std::uint32_t> checksum_seed;
};

/// Reads one block (or inline part), of which the first `readable` bytes are known, up to its end or to damage: behind
/// that it is not known where an entry begins.  An index block holds no names and looks like one unused entry, so an
/// indexed directory reads like any other.  Spec: Linux, Documentation/filesystems/ext4/directory.rst.
void parse_directory_block(ByteView block, std::size_t readable, const DirectoryShape& shape, Directory& into);

/// A name that is no longer one: in the room that an entry has beyond its own name, or in an unused entry.
struct DeadName {
    std::string name;
    std::uint32_t inode{}; ///< 0: not known
    std::uint8_t file_type{};
    std::size_t at{}; ///< offset in the block
};
/// Those of one block.  Each is an entry that its inode, type and length make plausible.
[[nodiscard]] std::vector<DeadName> find_dead_names(ByteView block, const DirectoryShape& shape, std::uint32_t inodes);

/// A block of a directory from its first byte to its last, entry after entry.
[[nodiscard]] bool looks_like_directory(ByteView block, const DirectoryShape& shape, std::uint32_t inodes);

/// All blocks of a directory up to `most` bytes; damage in one block does not hide the others.  A
/// block that fails its checksum is read as it is, and is damage.
[[nodiscard]] Directory read_directory(const io::ByteSource& content, const DirectoryShape& shape, ByteCount most);

/// A name that is ciphertext may hold any byte: it is shown in base64url, cut where it would be too long for a file.
[[nodiscard]] std::string name_of_ciphertext(std::string_view name);

} // namespace salvage::filesystem::ext
