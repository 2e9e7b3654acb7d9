// Inodes of EROFS: bytes to a value.
#pragma once

#include <cstdint>
#include <string>

#include "filesystem/posix.hpp"
#include "salvage/filesystem/filesystem.hpp"
#include "superblock.hpp"

namespace salvage::filesystem::erofs {

/// How the content lies on the volume.  Spec: Linux, fs/erofs/erofs_fs.h.
enum class DataLayout : std::uint8_t { plain = 0, full_index = 1, inline_tail = 2, compact_index = 3, chunks = 4 };

constexpr std::size_t compact_inode_bytes = 32;
constexpr std::size_t extended_inode_bytes = 64;

struct Inode {
    std::uint64_t number{}; ///< counted in slots from the first block of metadata
    std::uint64_t at{};     ///< byte of the volume
    DataLayout layout{DataLayout::plain};
    std::uint32_t own_bytes{};       ///< 32 or 64
    std::uint32_t attribute_bytes{}; ///< behind it
    std::uint16_t mode{};
    std::uint32_t uid{};
    std::uint32_t gid{};
    std::uint32_t links{};
    std::uint64_t size{};
    std::uint32_t word{}; ///< first block, blocks when compressed, form of the chunks, or device
    Timestamp modified;

    [[nodiscard]] EntryType type() const noexcept { return entry_type_of_mode(mode); }
    [[nodiscard]] bool is_directory() const noexcept { return type() == EntryType::directory; }
    [[nodiscard]] bool is_compressed() const noexcept
    {
        return layout == DataLayout::full_index || layout == DataLayout::compact_index;
    }
    [[nodiscard]] std::uint64_t attributes_at() const noexcept { return at + own_bytes; }
    /// Where that begins which belongs to the layout: the tail, chunks or the index.
    [[nodiscard]] std::uint64_t end() const noexcept { return attributes_at() + attribute_bytes; }
};

/// 32 or 64, as the first two bytes of an inode tell.
[[nodiscard]] std::size_t inode_bytes(ByteView start) noexcept;

/// `bytes` are inode_bytes() of them.
/// Errors: malformed (where = offset in `bytes`): no such layout or type of file, a size beyond 63 bits.
/// Spec: Linux, fs/erofs/erofs_fs.h, struct erofs_inode_compact, struct erofs_inode_extended.
[[nodiscard]] Result<Inode> parse_inode(ByteView bytes, const Superblock& superblock);

/// The entry of this inode under `name`.
[[nodiscard]] Entry make_entry(std::string name, const Inode& inode);

} // namespace salvage::filesystem::erofs
