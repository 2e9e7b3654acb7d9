// Node blocks of f2fs, and those of them that are inodes: bytes to a value.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "filesystem/posix.hpp"
#include "salvage/filesystem/filesystem.hpp"
#include "superblock.hpp"

namespace salvage::filesystem::f2fs {

/// The last 24 bytes of every node block.  Spec: Linux, include/linux/f2fs_fs.h, struct node_footer.
struct NodeFooter {
    std::uint32_t node{};
    std::uint32_t inode{};
    std::uint32_t flags{};
    std::uint64_t version{}; ///< of the checkpoint before it
    std::uint32_t next{};    ///< block of the node that was written next

    /// Place in the tree of the inode's nodes; 0 is the inode itself.
    [[nodiscard]] std::uint32_t offset() const noexcept { return flags >> 3U; }
    [[nodiscard]] bool is_synced() const noexcept { return (flags & 2U) != 0; }
    [[nodiscard]] bool has_new_name() const noexcept { return (flags & 4U) != 0; }
    [[nodiscard]] bool is_inode() const noexcept { return node == inode; }
};
constexpr std::size_t footer_at = block_bytes - 24;
constexpr std::uint32_t attributes_offset = 0x1FFFFFFF; ///< offset() of a node that holds extended attributes
constexpr std::size_t changed_at = 40;                  ///< i_ctime, of inodes
constexpr std::size_t generation_at = 68;               ///< i_generation, of inodes
[[nodiscard]] NodeFooter parse_footer(ByteView block) noexcept;

namespace inode_flag {
constexpr std::uint32_t compressed = 0x4;
constexpr std::uint32_t casefolded = 0x40000000;
} // namespace inode_flag
namespace inline_flag {
constexpr std::uint8_t attributes = 0x1;
constexpr std::uint8_t data = 0x2;
constexpr std::uint8_t names = 0x4;
constexpr std::uint8_t extra_fields = 0x20;
} // namespace inline_flag
namespace advice {
constexpr std::uint8_t lost_parent = 0x2; ///< was renamed or linked: `parent` may be out of date
constexpr std::uint8_t encrypted = 0x4;
constexpr std::uint8_t encrypted_name = 0x8;
constexpr std::uint8_t keeps_size = 0x10;
} // namespace advice

struct Compression {
    std::uint8_t algorithm{};
    std::uint8_t log_cluster_blocks{}; ///< 2 to 8
    bool has_checksums{false};
    [[nodiscard]] std::uint32_t cluster_blocks() const noexcept { return 1U << log_cluster_blocks; }
};

constexpr std::size_t addresses_in_inode = 923;
constexpr std::size_t addresses_in_node = 1018;
constexpr std::size_t node_pointers = 5; ///< two direct, two indirect, one doubly indirect

struct Inode {
    std::uint32_t number{};
    std::uint16_t mode{};
    std::uint8_t advise{};
    std::uint8_t inline_flags{};
    std::uint32_t uid{};
    std::uint32_t gid{};
    std::uint32_t links{};
    std::uint64_t size{};
    std::uint32_t generation{}; ///< differs between the lives of one number
    std::uint32_t flags{};
    std::uint32_t attributes_node{}; ///< 0: none
    std::uint32_t parent{};
    std::string name; ///< in `parent`, when the inode was last written; empty where it has no sense
    Timestamp accessed;
    Timestamp changed;
    Timestamp modified;
    std::optional<Timestamp> created;
    std::optional<Compression> compression;
    std::size_t extra_words{};            ///< of the addresses, taken by further fields
    std::size_t inline_attribute_words{}; ///< of the addresses, kept for attributes
    std::array<std::uint32_t, node_pointers> nodes{};
    Bytes block;

    [[nodiscard]] EntryType type() const noexcept { return entry_type_of_mode(mode); }
    [[nodiscard]] bool is_directory() const noexcept { return type() == EntryType::directory; }
    [[nodiscard]] bool is_encrypted() const noexcept { return (advise & advice::encrypted) != 0; }
    [[nodiscard]] bool has_advice(std::uint8_t flag) const noexcept { return (advise & flag) != 0; }
    [[nodiscard]] bool has_inline(std::uint8_t flag) const noexcept { return (inline_flags & flag) != 0; }
    /// Addresses of blocks in the inode itself.
    [[nodiscard]] std::size_t own_addresses() const noexcept;
    [[nodiscard]] std::uint32_t address(std::size_t index) const noexcept;
    /// Room for content or names in place of the addresses.
    [[nodiscard]] ByteView inline_room() const noexcept;
    /// What is kept in the inode of extended attributes; empty where none are.
    [[nodiscard]] ByteView inline_attributes() const noexcept;
};

/// `block` is a whole node block whose footer names inode `number`.
/// Errors: malformed (where = offset in `block`): checksum, sizes that do not fit, no known type.
[[nodiscard]] Result<Inode> parse_inode(std::uint32_t number, Bytes block, const Superblock& superblock);

/// Content that stands in the inode itself.  Errors: malformed (the inode has less room than the file has bytes).
[[nodiscard]] Result<io::SourcePtr> inline_content(const Inode& inode);

/// The entry of this inode under `name`.
[[nodiscard]] Entry make_entry(std::string name, const Inode& inode);

} // namespace salvage::filesystem::f2fs
