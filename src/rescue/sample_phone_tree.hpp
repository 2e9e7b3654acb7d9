// A file tree on its way into an ext4 volume: staged on disk for mke2fs, with a list of what must come out again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/rescue/sample_phone.hpp"

namespace salvage::rescue::sample {

/// Owner and times of an entry; users as Android numbers them.
struct Attributes {
    std::uint32_t mode{0660};
    std::uint32_t owner{1023}; ///< media_rw; group the same
    std::int64_t mtime{1502560000};
    std::string_view selinux{};
};

/// Collects entries: each is made below `root` at once, owners and times follow when the volume exists.
class Tree {
public:
    explicit Tree(std::filesystem::path root);

    Result<> folder(std::string_view path, const Attributes& attributes);
    Result<> file(std::string_view path, ByteView bytes, const Attributes& attributes);
    Result<> text(std::string_view path, std::string_view content, const Attributes& attributes);
    /// A file of `size` bytes with data only in `pieces`.
    struct Piece {
        std::uint64_t at{};
        ByteView bytes;
    };
    Result<> sparse_file(std::string_view path, std::uint64_t size, const std::vector<Piece>& pieces,
                         const Attributes& attributes);
    Result<> symlink(std::string_view path, std::string_view target, const Attributes& attributes);
    /// A second name of a file that is already in the tree.
    Result<> hard_link(std::string_view path, std::string_view existing);
    Result<> fifo(std::string_view path, const Attributes& attributes);
    /// A file made by someone else at staged(path).
    Result<> adopt(std::string_view path, const Attributes& attributes);

    [[nodiscard]] std::filesystem::path staged(std::string_view path) const;
    [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }
    [[nodiscard]] std::vector<ExpectedFile>& entries() noexcept { return entries_; }
    [[nodiscard]] const std::vector<ExpectedFile>& entries() const noexcept { return entries_; }

private:
    ExpectedFile& add(std::string_view path, ExpectedFile::Type type, const Attributes& attributes);

    std::filesystem::path root_;
    std::vector<ExpectedFile> entries_;
};

/// Commands for debugfs that give an entry its owner, mode, times and attributes.
[[nodiscard]] std::string debugfs_commands_for(const ExpectedFile& entry);

/// What userdata of a phone holds: photos, messages, contacts, apps, and awkward names.
Result<> stage_userdata(Tree& tree, const SamplePhoneSpec& spec);
/// What is left to see with file-based encryption: key folders, and names and contents that say nothing.
Result<> stage_encrypted_files(Tree& tree, const SamplePhoneSpec& spec);
/// contacts2.db, calllog.db, mmssms.db, msgstore.db.  Their folders must be in the tree.
Result<> stage_databases(Tree& tree);
/// system: build.prop, fstab, and a vold that names the cipher in a string table, as the first rescue met it.
Result<> stage_system(Tree& tree, std::string_view fstab);

} // namespace salvage::rescue::sample
