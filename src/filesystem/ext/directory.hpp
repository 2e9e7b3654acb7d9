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
};

/// Reads one block (or inline part), of which the first `readable` bytes are known, up to its end or to damage: behind
/// that it is not known where an entry begins.  An index block holds no names and looks like one unused entry, so an
/// indexed directory reads like any other.  Spec: Linux, Documentation/filesystems/ext4/directory.rst.
void parse_directory_block(ByteView block, std::size_t readable, const DirectoryShape& shape, Directory& into);

/// All blocks of a directory up to `most` bytes; damage in one block does not hide the others.
[[nodiscard]] Directory read_directory(const io::ByteSource& content, const DirectoryShape& shape, ByteCount most);

/// A name that is ciphertext may hold any byte: it is shown in base64url, cut where it would be too long for a file.
[[nodiscard]] std::string name_of_ciphertext(std::string_view name);

} // namespace salvage::filesystem::ext
