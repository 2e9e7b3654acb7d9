// A filesystem as the rest of the house sees it: entries, content, and what of it is lost.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "salvage/core/finding.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::filesystem {

enum class EntryType : std::uint8_t { file, directory, symlink, fifo, socket, character_device, block_device, unknown };
[[nodiscard]] std::string_view to_string(EntryType type) noexcept;

/// Seconds and nanoseconds since 1970 UTC; ext4's 34-bit seconds fit.
struct Timestamp {
    std::int64_t seconds{};
    std::uint32_t nanoseconds{};
    auto operator<=>(const Timestamp&) const = default;
    /// What does not fit in 64 bits (years before 1678 and after 2262) becomes the smallest or largest that does.
    [[nodiscard]] std::int64_t total_nanoseconds() const noexcept
    {
        constexpr std::int64_t most_seconds = std::numeric_limits<std::int64_t>::max() / 1'000'000'000 - 1;
        if (seconds > most_seconds) {
            return std::numeric_limits<std::int64_t>::max();
        }
        if (seconds < -most_seconds) {
            return std::numeric_limits<std::int64_t>::min();
        }
        return seconds * 1'000'000'000 + nanoseconds;
    }
};

/// How sure it is that a deleted file is what it is said to be.
enum class Confidence : std::uint8_t {
    high,   ///< name, inode and blocks fit each other, and no live file has taken any of the blocks
    medium, ///< one of them is missing or was taken: no name, or parts of the content are lost
    low,    ///< the blocks may have held other things since
};
[[nodiscard]] std::string_view to_string(Confidence confidence) noexcept;

/// One name in a directory.  Names are bytes: any but '/' and NUL.
struct Entry {
    std::string name;
    std::uint64_t inode{};
    EntryType type{EntryType::unknown};
    ByteCount size;
    std::uint32_t mode{}; ///< permission bits with setuid, setgid, sticky
    std::uint32_t uid{};
    std::uint32_t gid{};
    std::uint32_t links{1};
    std::uint64_t device{}; ///< major << 32 | minor, for device nodes
    Timestamp modified;
    Timestamp accessed;
    Timestamp changed;
    std::optional<Timestamp> created;
    bool is_encrypted{false};          ///< file-based encryption: name and content are ciphertext
    std::optional<Confidence> deleted; ///< set: it was deleted, and this is how sure it is
};

using ExtendedAttributes = std::vector<std::pair<std::string, Bytes>>;

/// A file, folder or link that was deleted and of which something is still there.
struct DeletedFile {
    Entry entry;        ///< its name is empty where it is not known
    std::string folder; ///< path of the folder that it lay in ("/media/0/DCIM"); empty where it is not known
    Confidence confidence{Confidence::low};
    std::string proof; ///< where name and content were found, in words
    std::optional<Timestamp> deleted_at;
    /// Null where nothing of the content is held.  What live files have taken since is unreadable in it.
    io::SourcePtr content;
    std::string target; ///< of a symlink
};

/// A read-only filesystem.  Methods may be called from many threads; implementations lock where their library must.
class FileSystem {
public:
    FileSystem() = default;
    FileSystem(const FileSystem&) = delete;
    FileSystem& operator=(const FileSystem&) = delete;
    virtual ~FileSystem() = default;

    [[nodiscard]] virtual std::string_view kind() const noexcept = 0; ///< "ext4"
    [[nodiscard]] virtual std::string label() const = 0;
    [[nodiscard]] virtual Entry root() const = 0;
    /// Entries of a directory without "." and "..", in the order of the directory.
    /// An entry whose inode is lost has what the directory keeps, its type and on NTFS size and times; stat() says why.
    /// Errors: malformed, unreadable, io; with them, what could be read before and behind the damage is in
    /// `read_so_far` where that is given.
    virtual Result<std::vector<Entry>> list(std::uint64_t inode, std::vector<Entry>* read_so_far = nullptr) const = 0;
    [[nodiscard]] virtual Result<Entry> stat(std::uint64_t inode) const = 0;
    [[nodiscard]] virtual Result<std::string> read_link(std::uint64_t inode) const = 0;
    [[nodiscard]] virtual Result<ExtendedAttributes> extended_attributes(std::uint64_t inode) const = 0;
    /// A file's content: holes are holes, unreadable areas of the volume are unreadable areas of the file.
    [[nodiscard]] virtual Result<io::SourcePtr> open(std::uint64_t inode) const = 0;
    /// What was deleted and is still held by inodes, directories or the journal; in no order, a deleted inode once in
    /// each of its lives.  May take as long as reading all inodes.
    /// Errors: unsupported (not looked for in this format), io, cancelled.  Damage is passed over.
    [[nodiscard]] virtual Result<std::vector<DeletedFile>> deleted_files(const RunContext& context) const;
    /// Areas of the volume that belong to no file and no table, ascending, neighbours joined: where deleted content may
    /// lie.  Errors: unsupported (not known for this format), malformed (the tables that tell), io.
    [[nodiscard]] virtual Result<std::vector<ByteRange>> unused_areas() const;
    /// What was seen on opening: journal replayed in an overlay, checksum errors …
    [[nodiscard]] virtual const std::vector<Finding>& findings() const noexcept = 0;
};

/// Recognises and opens.  A dirty journal is replayed in an overlay; the source is never written.
/// Errors: not_found (no filesystem: says what was looked for), unsupported (FAT …: named), malformed, io.
[[nodiscard]] Result<std::unique_ptr<const FileSystem>> open(const io::SourcePtr& source);

/// The entry at `path` ("/media/0/DCIM"), symbolic links not followed.  Empty and "/" are the root.
/// Errors: not_found (names the part that is missing), as list().
[[nodiscard]] Result<Entry> find_path(const FileSystem& filesystem, std::string_view path);

} // namespace salvage::filesystem
