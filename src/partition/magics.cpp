// What a partition's first bytes say.
#include "magics.hpp"

#include <algorithm>
#include <array>

namespace salvage::partition {
namespace {

// Linux, fs/ext4/ext4.h, struct ext4_super_block; offsets in the superblock.
constexpr std::size_t ext4_magic_at = 0x38;
constexpr std::uint16_t ext4_magic = 0xEF53;
constexpr std::uint32_t ext4_has_64bit = 0x80;
constexpr std::uint32_t ext4_has_extents = 0x40;
constexpr std::uint32_t ext4_has_journal = 0x4;
// Linux, include/linux/f2fs_fs.h, struct f2fs_super_block.
constexpr std::uint32_t f2fs_magic = 0xF2F52010;
// Linux, fs/erofs/erofs_fs.h.
constexpr std::uint32_t erofs_magic = 0xE0F5E1E2;
constexpr std::uint32_t mtk_image_magic = 0x58881688; // lk, logo, tee images
constexpr std::uint32_t aosp_footer_magic = 0xD0B5B1C4;
constexpr std::uint32_t samsung_footer_magic = 0xD0B5B1C5;
constexpr std::uint32_t max_log_block = 6; // 64 KiB blocks

bool is_printable(std::string_view text) noexcept
{
    return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
}

std::string fixed_name(ByteView field)
{
    auto text = as_text(field);
    text = text.substr(0, text.find('\0'));
    return is_printable(text) ? std::string{text} : std::string{};
}

std::optional<Recognised> recognise_ext4(ByteView bytes)
{
    const auto log_block = load_le<std::uint32_t>(bytes.subspan(0x18));
    const auto group = load_le<std::uint16_t>(bytes.subspan(0x5A)); // of this copy of the superblock
    const auto low = load_le<std::uint32_t>(bytes.subspan(0x04));
    if (log_block > max_log_block || group != 0 || low == 0) {
        return std::nullopt;
    }
    const auto incompatible = load_le<std::uint32_t>(bytes.subspan(0x60));
    const auto compatible = load_le<std::uint32_t>(bytes.subspan(0x5C));
    const std::uint64_t high = (incompatible & ext4_has_64bit) != 0 && bytes.size() >= 0x154
                                   ? load_le<std::uint32_t>(bytes.subspan(0x150))
                                   : 0;
    const auto size = checked_multiply<std::uint64_t>((high << 32U) | low, std::uint64_t{1024} << log_block);
    std::string_view what{"ext2"};
    if ((incompatible & ext4_has_extents) != 0) {
        what = "ext4";
    } else if ((compatible & ext4_has_journal) != 0) {
        what = "ext3";
    }
    return Recognised{.what = std::string{what},
                      .name = fixed_name(bytes.subspan(0x78, 16)),
                      .size = size ? std::optional{ByteCount{*size}} : std::nullopt};
}

std::optional<Recognised> recognise_f2fs(ByteView bytes)
{
    const auto log_block = load_le<std::uint32_t>(bytes.subspan(0x10));
    const auto blocks = load_le<std::uint64_t>(bytes.subspan(0x24));
    const auto size =
        log_block >= 9 && log_block <= 16 ? checked_multiply(blocks, std::uint64_t{1} << log_block) : std::nullopt;
    return size ? std::optional{Recognised{.what = "f2fs", .name = {}, .size = ByteCount{*size}}} : std::nullopt;
}

/// AOSP bootimg.h, version 0 to 2: a page of header, then kernel, ramdisk and second stage, each filled up to a page.
std::optional<ByteCount> boot_image_size(ByteView bytes)
{
    const std::uint64_t page = load_le<std::uint32_t>(bytes.subspan(36));
    if (page < 2048 || page > 16384 || (page & (page - 1)) != 0) {
        return std::nullopt; // version 3 and later keep other things here
    }
    auto size = page;
    for (const std::size_t at : {8U, 16U, 24U}) {
        size += (load_le<std::uint32_t>(bytes.subspan(at)) + page - 1) / page * page;
    }
    return ByteCount{size};
}

} // namespace

std::optional<Recognised> recognise_front(ByteView front)
{
    if (front.size() < 64) {
        return std::nullopt;
    }
    if (as_text(front).starts_with("ANDROID!")) {
        return Recognised{
            .what = "boot image", .name = fixed_name(front.subspan(48, 16)), .size = boot_image_size(front)};
    }
    const auto magic = load_le<std::uint32_t>(front);
    if (magic == mtk_image_magic) {
        constexpr std::uint64_t header_bytes = 512;
        return Recognised{.what = "image",
                          .name = fixed_name(front.subspan(8, 32)),
                          .size = ByteCount{header_bytes + load_le<std::uint32_t>(front.subspan(4))}};
    }
    const bool is_footer =
        (magic == aosp_footer_magic || magic == samsung_footer_magic) && load_le<std::uint16_t>(front.subspan(4)) == 1;
    if (is_footer) {
        return Recognised{.what = "crypto footer", .name = {}, .size = ByteCount{0x4000}};
    }
    return std::nullopt;
}

std::optional<Recognised> recognise_superblock(ByteView superblock)
{
    if (superblock.size() < 0x100) {
        return std::nullopt;
    }
    const auto magic = load_le<std::uint32_t>(superblock);
    if (magic == f2fs_magic) {
        return recognise_f2fs(superblock);
    }
    if (magic == erofs_magic) {
        return Recognised{.what = "erofs", .name = {}, .size = std::nullopt};
    }
    return load_le<std::uint16_t>(superblock.subspan(ext4_magic_at)) == ext4_magic ? recognise_ext4(superblock)
                                                                                   : std::nullopt;
}

std::optional<Recognised> recognise(ByteView head)
{
    auto front = recognise_front(head);
    return front || head.size() <= superblock_at ? front : recognise_superblock(head.subspan(superblock_at));
}

} // namespace salvage::partition
