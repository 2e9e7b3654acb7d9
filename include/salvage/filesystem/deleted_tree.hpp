// What was deleted, as a filesystem of its own: what lists, exports and mounts live files does so with these.
#pragma once

#include <memory>

#include "salvage/core/run_context.hpp"
#include "salvage/filesystem/filesystem.hpp"

namespace salvage::filesystem {

/// Names of what is ours in the tree.
inline constexpr std::string_view unknown_folder = "folder-unknown"; ///< on top: what lay nobody knows where
inline constexpr std::string_view confidence_attribute = "user.salvage.confidence";
inline constexpr std::string_view proof_attribute = "user.salvage.proof";

/// A tree of what live->deleted_files() tells, never of live files.  Each lies at the path that it had; one without a
/// name is "inode-N"; of several with one path the later ones are "name~2.jpg".  Folders that lead there and still live
/// stand there without times.  Inode numbers are the tree's own; confidence and proof are extended attributes, and
/// Entry::deleted is set.
///
/// The first call that needs it looks for the files: list() of the root and stat() give its errors.  Thread safe.
/// Memory: a few hundred bytes a deleted file.  `context` is used as long as the tree is.
[[nodiscard]] std::unique_ptr<const FileSystem> make_deleted_tree(std::shared_ptr<const FileSystem> live,
                                                                  const RunContext& context);

} // namespace salvage::filesystem
