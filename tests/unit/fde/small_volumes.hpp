// Volumes for proofs: ext as mke2fs makes it; f2fs and FAT as their specifications have them, as far as a probe looks.
#pragma once

#include <gtest/gtest.h>

#include "fde_support.hpp"
#include "salvage/io/sources.hpp"
#include "support/files.hpp"

namespace salvage::fde::test_support {

constexpr std::size_t mebibyte = 1U << 20U;

/// What mke2fs makes of an empty file.
inline Bytes make_ext(const std::string& options, std::size_t mebibytes)
{
    const test::TemporaryFolder folder;
    const auto path = (folder.path() / "ext.img").string();
    const auto command = "truncate -s " + std::to_string(mebibytes) + "M '" + path +
                         "' && E2FSPROGS_FAKE_TIME=1500000000 mke2fs -q -F " + options + " '" + path + "' 2>&1";
    EXPECT_TRUE(test::run_command(command).has_value()) << command;
    return test::read_file(path);
}

/// An ext4 as Android has it, small: 1 KiB blocks, four groups, backups of the superblock in groups 1 and 3.
inline const Bytes& small_ext4()
{
    static const auto image = make_ext("-t ext4 -b 1024 -O metadata_csum,64bit -L data", 32);
    return image;
}
/// One with 4 KiB blocks and so without backups.
inline const Bytes& large_blocks_ext4()
{
    static const auto image = make_ext("-t ext4 -b 4096 -O ^64bit,metadata_csum", 8);
    return image;
}

inline io::SourcePtr memory(Bytes bytes)
{
    return io::make_memory(std::move(bytes), "userdata");
}

/// The superblocks alone.
inline Bytes f2fs_image(std::size_t size)
{
    Bytes superblock(3072);
    put_le<std::uint32_t>(superblock, 0x00, 0xF2F52010);
    put_le<std::uint16_t>(superblock, 0x04, 1);
    put_le<std::uint16_t>(superblock, 0x06, 14);
    put_le<std::uint32_t>(superblock, 0x08, 9);
    put_le<std::uint32_t>(superblock, 0x0C, 3);
    put_le<std::uint32_t>(superblock, 0x10, 12);
    put_le<std::uint32_t>(superblock, 0x14, 9);
    put_le<std::uint32_t>(superblock, 0x18, 1);
    put_le<std::uint32_t>(superblock, 0x1C, 1);
    put_le<std::uint64_t>(superblock, 0x24, size / 4096);
    put_le<std::uint32_t>(superblock, 0x60, 3);
    put_le<std::uint32_t>(superblock, 0x64, 1);
    put_le<std::uint32_t>(superblock, 0x68, 2);
    Bytes out(size);
    put(out, 1024, superblock);
    put(out, 5120, superblock);
    return out;
}

/// The boot sector alone.
inline Bytes fat32_image(std::size_t size)
{
    Bytes out(size);
    put(out, 0x00, from_hex("eb5890").unwrap());
    put(out, 0x03, as_bytes("MSDOS5.0"));
    put_le<std::uint16_t>(out, 0x0B, 512);
    put_le<std::uint8_t>(out, 0x0D, 8);
    put_le<std::uint16_t>(out, 0x0E, 32);
    put_le<std::uint8_t>(out, 0x10, 2);
    put_le<std::uint8_t>(out, 0x15, 0xF8);
    put_le(out, 0x20, static_cast<std::uint32_t>(size / 512));
    put_le<std::uint8_t>(out, 0x42, 0x29);
    put(out, 0x47, as_bytes("CARD       FAT32   "));
    put_le<std::uint16_t>(out, 0x1FE, 0xAA55);
    return out;
}

} // namespace salvage::fde::test_support
