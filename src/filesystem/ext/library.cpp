// libext2fs over a byte source: an I/O manager that reads from it and refuses every write.
#include "library.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <mutex>
#include <string>
#include <utility>

#include <ext2fs/ext2fs.h>
#include <fmt/format.h>

namespace salvage::filesystem::ext {
namespace {

// read_inode() hands on what the library gives: on a little-endian machine the bytes of the disk.
static_assert(std::endian::native == std::endian::little, "inodes would need to be turned round");

// The library reads group descriptors and inode tables; no single call of ours needs more than all descriptors.
constexpr std::uint64_t max_read_bytes = 128ULL << 20U;

/// The channel and what it reads from: one object, so that the library's pointers to it need no owner of their own.
struct Channel {
    struct_io_channel channel{};
    io::SourcePtr source;
    std::string name{"salvage"};
    std::optional<Error> failure; ///< why the last read failed
};

Channel& channel_of(io_channel channel)
{
    return *static_cast<Channel*>(channel->private_data);
}

/// The library's open callback gets a name and nothing else; this carries the channel through that one call.
Channel*& channel_being_opened()
{
    thread_local Channel* channel = nullptr;
    return channel;
}

errcode_t fail(Channel& channel, Error error)
{
    channel.failure = std::move(error);
    return EIO;
}

errcode_t read_bytes_at(Channel& channel, std::uint64_t block, std::uint64_t count, void* into)
{
    const auto at = checked_multiply<std::uint64_t>(block, static_cast<std::uint64_t>(channel.channel.block_size));
    if (!at || count > max_read_bytes) {
        return fail(channel, malformed({}, "the filesystem points far outside the volume",
                                       fmt::format("block {} was to be read", block)));
    }
    const auto result = channel.source->read_at(
        ByteOffset{*at}, std::span{static_cast<std::byte*>(into), static_cast<std::size_t>(count)});
    return result.has_value() ? 0 : fail(channel, result.error());
}

errcode_t open_channel(const char* /*name*/, int /*flags*/, io_channel* out)
{
    auto* const channel = std::exchange(channel_being_opened(), nullptr);
    if (channel == nullptr) {
        return EXT2_ET_BAD_DEVICE_NAME;
    }
    *out = &channel->channel;
    return 0;
}

errcode_t close_channel(io_channel channel)
{
    --channel->refcount; // its memory belongs to the Library
    return 0;
}

errcode_t set_block_size(io_channel channel, int block_size)
{
    channel->block_size = block_size;
    return 0;
}

/// `count` blocks, or as many bytes where it is negative: the library's convention.
errcode_t read_block_64(io_channel channel, unsigned long long block, int count, void* into)
{
    const auto wide = static_cast<std::int64_t>(count);
    const auto bytes = wide < 0 ? -wide : wide * channel->block_size;
    return read_bytes_at(channel_of(channel), block, static_cast<std::uint64_t>(bytes), into);
}

errcode_t read_block(io_channel channel, unsigned long block, int count, void* into)
{
    return read_block_64(channel, block, count, into);
}

errcode_t refuse_write(io_channel /*channel*/, unsigned long /*block*/, int /*count*/, const void* /*bytes*/)
{
    return EXT2_ET_RO_FILSYS;
}

errcode_t refuse_write_64(io_channel /*channel*/, unsigned long long /*block*/, int /*count*/, const void* /*bytes*/)
{
    return EXT2_ET_RO_FILSYS;
}

errcode_t refuse_change(io_channel /*channel*/, unsigned long long /*block*/, unsigned long long /*count*/)
{
    return EXT2_ET_RO_FILSYS;
}

errcode_t flush_nothing(io_channel /*channel*/)
{
    return 0;
}

io_manager manager()
{
    static struct_io_manager instance = [] {
        struct_io_manager out{};
        out.magic = EXT2_ET_MAGIC_IO_MANAGER;
        out.name = "salvage byte source";
        out.open = open_channel;
        out.close = close_channel;
        out.set_blksize = set_block_size;
        out.read_blk = read_block;
        out.read_blk64 = read_block_64;
        out.write_blk = refuse_write;
        out.write_blk64 = refuse_write_64;
        out.write_byte = refuse_write;
        out.flush = flush_nothing;
        out.discard = refuse_change;
        out.zeroout = refuse_change;
        return out;
    }();
    return &instance;
}

/// The library's sentence for a code, looked up in its table: com_err's own way would register it process-wide.
std::string words_of(errcode_t code)
{
    const auto index = code - et_ext2_error_table.base;
    if (index >= 0 && index < et_ext2_error_table.n_msgs) {
        return et_ext2_error_table.msgs[index];
    }
    return fmt::format("libext2fs error {}", code);
}

/// What went wrong in a call: the source's own error where reading failed, else the library's words.
Error error_of(Channel& channel, errcode_t code, std::string_view what)
{
    if (auto failure = std::exchange(channel.failure, std::nullopt)) {
        return std::move(*failure).in(what);
    }
    Error out{ErrorCode::malformed, std::string{what}, words_of(code), channel.source->locate(ByteOffset{0}), {}, {}};
    if (code == EXT2_ET_UNSUPP_FEATURE || code == EXT2_ET_RO_UNSUPP_FEATURE) {
        out.code = ErrorCode::unsupported;
    }
    return out;
}

void fill_channel(Channel& channel)
{
    channel.channel.magic = EXT2_ET_MAGIC_IO_CHANNEL;
    channel.channel.manager = manager();
    channel.channel.name = channel.name.data();
    channel.channel.block_size = 1024;
    channel.channel.refcount = 1;
    channel.channel.private_data = &channel;
}

bool is_table_inside(ext2_filsys fs, dgrp_t group)
{
    const auto table = ext2fs_inode_table_loc(fs, group);
    const auto blocks = ext2fs_blocks_count(fs->super);
    return table >= fs->super->s_first_data_block && table < blocks && blocks - table >= fs->inode_blocks_per_group;
}

/// Copies of superblock and descriptors in a group: with meta_bg a block of descriptors of its own, else all of them.
std::vector<BlockRange> copies_in(ext2_filsys fs, dgrp_t group)
{
    blk64_t superblock = 0;
    blk64_t descriptors = 0;
    blk64_t own_descriptors = 0;
    ext2fs_super_and_bgd_loc2(fs, group, &superblock, &descriptors, &own_descriptors, nullptr);
    std::vector<BlockRange> out;
    if (superblock != 0 || group == 0) {
        out.push_back({.first = superblock, .count = 1});
    }
    if (descriptors != 0) {
        const bool has_own = ext2fs_has_feature_meta_bg(fs->super) != 0;
        // cppcheck-suppress redundantAssignment ; it is read
        const std::uint64_t count =
            has_own ? fs->super->s_first_meta_bg : std::uint64_t{fs->desc_blocks} + fs->super->s_reserved_gdt_blocks;
        out.push_back({.first = descriptors, .count = count});
    }
    if (own_descriptors != 0) {
        out.push_back({.first = own_descriptors, .count = 1});
    }
    return out;
}

} // namespace

struct Library::State {
    Channel channel;
    ext2_filsys fs{nullptr};
    mutable std::mutex mutex;

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State()
    {
        if (fs != nullptr) {
            ext2fs_free(fs); // not ext2fs_close: that would try to write
        }
    }
};

Library::Library(std::unique_ptr<State> state) noexcept : state_{std::move(state)} {}
Library::~Library() = default;

Result<std::unique_ptr<const Library>> Library::open(io::SourcePtr source, StartFrom start)
{
    auto state = std::make_unique<State>();
    state->channel.source = std::move(source);
    fill_channel(state->channel);
    if (start.superblock_block > static_cast<std::uint64_t>(std::numeric_limits<int>::max())) {
        return unsupported("the backup superblock lies too far behind", "the library counts its place in 31 bits");
    }
    channel_being_opened() = &state->channel;
    const auto code =
        ext2fs_open2("salvage", nullptr,
                     EXT2_FLAG_64BITS | EXT2_FLAG_IGNORE_CSUM_ERRORS | EXT2_FLAG_SKIP_MMP | EXT2_FLAG_SOFTSUPP_FEATURES,
                     static_cast<int>(start.superblock_block), start.superblock_block == 0 ? 0 : start.block_bytes,
                     manager(), &state->fs);
    channel_being_opened() = nullptr;
    if (code != 0) {
        state->fs = nullptr; // the library freed it
        return error_of(state->channel, code, "the ext filesystem cannot be opened");
    }
    return std::unique_ptr<const Library>{new Library{std::move(state)}};
}

Result<Bytes> Library::read_inode(std::uint32_t number) const
{
    const std::scoped_lock lock{state_->mutex};
    auto* const fs = state_->fs;
    if (number == 0 || number > fs->super->s_inodes_count) {
        return not_found("there is no such inode", fmt::format("inode {} was asked for, the filesystem has {}", number,
                                                               fs->super->s_inodes_count));
    }
    Bytes out(std::max<std::size_t>(EXT2_INODE_SIZE(fs->super), sizeof(ext2_inode_large)));
    state_->channel.failure.reset();
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the library's view of a buffer of bytes.
    auto* const inode = reinterpret_cast<ext2_inode*>(out.data());
    const auto code = ext2fs_read_inode2(fs, number, inode, EXT2_INODE_SIZE(fs->super), READ_INODE_NOCSUM);
    if (code != 0) {
        return error_of(state_->channel, code, fmt::format("inode {} cannot be read", number));
    }
    out.resize(EXT2_INODE_SIZE(fs->super));
    return out;
}

Health Library::check_health() const
{
    const std::scoped_lock lock{state_->mutex};
    auto* const fs = state_->fs;
    Health out{.is_superblock_checksum_right = ext2fs_superblock_csum_verify(fs, fs->super) != 0};
    for (dgrp_t group = 0; group < fs->group_desc_count; ++group) {
        if (!is_table_inside(fs, group)) {
            ++out.groups_out_of_range;
        } else if (ext2fs_group_desc_csum_verify(fs, group) == 0) {
            ++out.groups_with_wrong_checksum;
        }
    }
    return out;
}

Group Library::group(std::uint32_t number) const
{
    const std::scoped_lock lock{state_->mutex};
    auto* const fs = state_->fs;
    Group out;
    out.block_bitmap = ext2fs_block_bitmap_loc(fs, number);
    out.inode_bitmap = ext2fs_inode_bitmap_loc(fs, number);
    out.inode_table = ext2fs_inode_table_loc(fs, number);
    out.block_bitmap_checksum = ext2fs_block_bitmap_checksum(fs, number);
    out.is_doubtful = !is_table_inside(fs, number) || ext2fs_group_desc_csum_verify(fs, number) == 0;
    out.copies = copies_in(fs, number);
    if (ext2fs_has_group_desc_csum(fs) != 0 && !out.is_doubtful) {
        out.unused_inodes = ext2fs_bg_itable_unused(fs, number);
        out.has_block_bitmap = ext2fs_bg_flags_test(fs, number, EXT2_BG_BLOCK_UNINIT) == 0;
        out.has_inodes = ext2fs_bg_flags_test(fs, number, EXT2_BG_INODE_UNINIT) == 0;
    }
    return out;
}

std::uint32_t crc32c(std::uint32_t start, ByteView bytes) noexcept
{
    return ext2fs_crc32c_le(start, as_uchar(bytes), bytes.size());
}

std::uint32_t crc32_be(std::uint32_t start, ByteView bytes) noexcept
{
    return ext2fs_crc32_be(start, as_uchar(bytes), bytes.size());
}

} // namespace salvage::filesystem::ext
