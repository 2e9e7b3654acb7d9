// What an inode holds besides blocks: inline data, the target of a link, extended attributes.
#pragma once

#include <string>
#include <vector>

#include "attributes.hpp"
#include "directory.hpp"
#include "volume.hpp"

namespace salvage::filesystem::ext {

/// Those in the inode and in its block.  Errors: malformed, those of the source.
[[nodiscard]] Result<std::vector<Attribute>> attributes_of(const Volume& volume, const Inode& owner);
/// Of an attribute, which may lie in an inode of its own.
[[nodiscard]] Result<Bytes> value_of(const Volume& volume, const Attribute& attribute);

/// The part of inline data that lies behind i_block; empty where there is none.
[[nodiscard]] Result<Bytes> inline_rest(const Volume& volume, const Inode& inode);
/// All of it, as long as the file.  Errors: malformed (shorter than the file).
[[nodiscard]] Result<Bytes> inline_content(const Volume& volume, const Inode& inode);

/// Requires: not encrypted.  `blocks` is the content for targets too long for the inode.
/// Errors: malformed, those of `blocks`.
[[nodiscard]] Result<std::string> link_target(const Volume& volume, const Inode& link, Result<io::SourcePtr> blocks);
[[nodiscard]] bool is_link_in_inode(const Inode& link) noexcept;

/// All names of a directory, in blocks or inline.  Errors: as Volume::blocks_of and inline_rest.
[[nodiscard]] Result<Directory> read_names(const Volume& volume, const Inode& directory);

/// How the blocks of a directory are to be read.
[[nodiscard]] DirectoryShape directory_shape(const Volume& volume, const Inode& directory);

} // namespace salvage::filesystem::ext
