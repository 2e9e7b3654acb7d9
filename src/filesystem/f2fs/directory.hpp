// Directories of f2fs: slots with a bitmap, in blocks or in the inode.
#pragma once

#include <string_view>
#include <vector>

#include "filesystem/ext/directory.hpp"
#include "inode.hpp"

namespace salvage::filesystem::f2fs {

/// What the names of a directory must be.
struct NameRules {
    bool is_encrypted{false};  ///< names are ciphertext
    bool is_casefolded{false}; ///< hashes are of the folded names
    std::uint32_t node_end{};  ///< numbers of inodes end here
};

/// `area` holds one table of names: a block of 4096 bytes, or the room in an inode.  An entry whose hash does not fit
/// its name, or that cannot be otherwise, is damage and left out. Spec: Linux, include/linux/f2fs_fs.h, struct
/// f2fs_dentry_block; fs/f2fs/f2fs.h, make_dentry_ptr_inline.
void parse_names(ByteView area, const NameRules& rules, ext::Directory& into);

/// Names whose slots are marked as free: deleted, or renamed since.  What does not hold together was overwritten and is
/// passed over.
void find_emptied(ByteView area, const NameRules& rules, std::vector<ext::DirectoryEntry>& into);

/// Whether a name that is not ciphertext can be one.
[[nodiscard]] bool is_possible_name(std::string_view name) noexcept;

/// All blocks of a directory; damage in one does not hide the others.
/// Errors: those of the source other than unreadable.
[[nodiscard]] Result<ext::Directory> read_names(const io::ByteSource& content, const NameRules& rules);

} // namespace salvage::filesystem::f2fs
