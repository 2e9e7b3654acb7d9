// A folder tree that a hostile source is written into: nothing ever lands outside of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "salvage/core/bytes.hpp"
#include "salvage/core/owned_descriptor.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/units.hpp"
#include "salvage/filesystem/filesystem.hpp"

namespace salvage::rescue {

/// Where an entry is in the tree: folders from the top, "" the top itself, and the name in there.
struct TreePlace {
    std::string folder;
    std::string name;
    [[nodiscard]] std::string path() const { return folder.empty() ? name : folder + '/' + name; }
};

/// A file's content on its way: it has a name in the hidden folder of unfinished files only.
struct UnfinishedFile {
    OwnedDescriptor descriptor;
    std::string name;
};

/// What an existing file is like.
struct ExistingFile {
    ByteCount size;
    std::int64_t mtime_seconds{};
};

/// The target folder.  Every step goes from a folder's descriptor to one name in it, and follows no symbolic link.
/// Modes keep the permission bits only: a program that its owner may run as another user stays in the manifest.
/// Not thread safe.
class TargetTree {
public:
    /// `root` is an open folder at `path`.  Unfinished files of an earlier run are removed.
    /// Errors: io.
    [[nodiscard]] static Result<TargetTree> open(int root, const std::filesystem::path& path,
                                                 std::string unfinished_folder);

    /// Makes a folder that its owner can write to, or takes the one that is there.
    /// Errors: already_exists (something else has that name), invalid_argument (the name cannot be held), io, no_space.
    Result<> make_folder(const TreePlace& place);
    /// Errors: already_exists, invalid_argument (the name, or the target, cannot be held), unsupported (the medium
    /// knows no such thing), io, no_space.
    Result<> make_symlink(const TreePlace& place, const std::string& target, const filesystem::Entry& entry);
    [[nodiscard]] std::optional<std::string> existing_symlink(const TreePlace& place);
    /// A second name for a finished file.  Errors: as make_symlink.
    Result<> make_link(const TreePlace& first, const TreePlace& second);

    [[nodiscard]] Result<UnfinishedFile> start_file();
    static Result<> write_sparse(const UnfinishedFile& file, ByteOffset at, ByteView bytes);
    static Result<> set_size(const UnfinishedFile& file, ByteCount size);
    /// Owner, mode, extended attributes of the user's own kind, times.  Best effort: what the medium cannot keep is in
    /// the manifest.
    void dress(const UnfinishedFile& file, const filesystem::Entry& entry,
               const filesystem::ExtendedAttributes& attributes) const;
    void drop(const UnfinishedFile& file);
    /// Everything written so far is on the medium when this returns.
    Result<> flush();
    /// Gives it its name.  Errors: already_exists, invalid_argument (the name cannot be held), io, no_space.
    Result<> finish(const UnfinishedFile& file, const TreePlace& place);

    /// A regular file there; nothing where there is none.
    [[nodiscard]] std::optional<ExistingFile> existing(const TreePlace& place);
    /// SHA-256 of a regular file there, as hex.  Errors: not_found, io.
    [[nodiscard]] Result<std::string> sha256_of(const TreePlace& place);
    void remove_file(const TreePlace& place);

    /// Owner, mode and times of a folder, once nothing more goes into it.
    void dress_folder(const std::string& folder, const filesystem::Entry& entry);
    /// Removes the hidden folder of unfinished files.
    void close();

private:
    TargetTree(int root, std::filesystem::path path, std::string unfinished_folder);
    Result<int> folder(const std::string& folder);
    [[nodiscard]] Result<OwnedDescriptor> walk_down(const std::string& folder) const;
    [[nodiscard]] Error failed(int number, std::string_view what, const std::string& place) const;

    int root_;
    std::filesystem::path path_;
    std::string unfinished_name_;
    OwnedDescriptor unfinished_;
    std::uint64_t next_number_{0};
    bool is_root_;
    std::string current_name_; ///< the folder that current_ is; meaningless while that is not open
    OwnedDescriptor current_;
};

/// A name that a folder can hold: not "", ".", ".."; no '/' or NUL; 255 bytes at most.
[[nodiscard]] bool is_holdable(std::string_view name) noexcept;

} // namespace salvage::rescue
