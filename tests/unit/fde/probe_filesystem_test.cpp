// Filesystems in the clear, known by their first bytes.
#include <gtest/gtest.h>

#include "salvage/fde/unlock.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "small_volumes.hpp"
#include "support/files.hpp"

namespace salvage::fde {
namespace {

using test_support::f2fs_image;
using test_support::fat32_image;
using test_support::make_ext;
using test_support::mebibyte;
using test_support::memory;
using test_support::noise;
using test_support::small_ext4;

TEST(ProbeFilesystem, NamesWhatItSees)
{
    const auto ext4 = probe_filesystem(*memory(small_ext4()));
    ASSERT_TRUE(ext4.has_value());
    EXPECT_EQ(ext4->name, "ext4");
    EXPECT_EQ(ext4->label, "data");
    EXPECT_EQ(ext4->size.value, small_ext4().size());
    EXPECT_FALSE(ext4->has_encrypt_feature);
    EXPECT_TRUE(probe_filesystem(*memory(make_ext("-t ext4 -O encrypt", 8)))->has_encrypt_feature);
    EXPECT_EQ(probe_filesystem(*memory(make_ext("-t ext3", 8)))->name, "ext3");
    EXPECT_EQ(probe_filesystem(*memory(make_ext("-t ext2", 8)))->name, "ext2");
    const auto f2fs = probe_filesystem(*memory(f2fs_image(mebibyte)));
    ASSERT_TRUE(f2fs.has_value());
    EXPECT_EQ(f2fs->name, "f2fs");
    EXPECT_EQ(f2fs->size.value, mebibyte);
    const auto fat = probe_filesystem(*memory(fat32_image(mebibyte)));
    ASSERT_TRUE(fat.has_value());
    EXPECT_EQ(fat->name, "fat");
    EXPECT_EQ(fat->label, "CARD");
    EXPECT_EQ(fat->size.value, mebibyte);
}

TEST(ProbeFilesystem, KnowsErofsAndSquashfs)
{
    Bytes erofs(8192);
    test_support::put_le<std::uint32_t>(erofs, 1024, 0xE0F5E1E2);
    test_support::put_le<std::uint8_t>(erofs, 1024 + 0x0C, 12);
    test_support::put_le<std::uint32_t>(erofs, 1024 + 0x24, 100);
    EXPECT_EQ(probe_filesystem(*memory(erofs))->name, "erofs");
    EXPECT_EQ(probe_filesystem(*memory(erofs))->size.value, 409600U);
    Bytes squashfs(4096);
    test_support::put(squashfs, 0, as_bytes("hsqs"));
    test_support::put_le<std::uint32_t>(squashfs, 0x0C, 131072);
    test_support::put_le<std::uint16_t>(squashfs, 0x1C, 4);
    test_support::put_le<std::uint64_t>(squashfs, 0x28, 1234567);
    EXPECT_EQ(probe_filesystem(*memory(squashfs))->name, "squashfs");
    EXPECT_EQ(probe_filesystem(*memory(squashfs))->size.value, 1234567U);
}

TEST(ProbeFilesystem, SeesNothingInNoiseZerosAndShortFiles)
{
    EXPECT_FALSE(probe_filesystem(*memory({})).has_value());
    EXPECT_FALSE(probe_filesystem(*memory(Bytes(65536))).has_value());
    auto decoy = noise(65536, 1);
    test_support::put_le<std::uint16_t>(decoy, 0x438, 0xEF53);
    EXPECT_FALSE(probe_filesystem(*memory(decoy)).has_value()) << "one ciphertext in 65536 has the magic";
    for (std::size_t size = 0; size < 6000; size += 7) {
        const auto& whole = small_ext4();
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_EQ(probe_filesystem(*memory(cut)).has_value(), size >= 1536) << size;
    }
}

TEST(ProbeFilesystem, AnUnreadableSectorBehindTheSuperblockHidesNothing)
{
    const auto whole = memory(small_ext4());
    const auto damaged = io::make_with_bad_areas(whole, {ByteRange::between(ByteOffset{4096}, ByteOffset{8192})});
    EXPECT_EQ(probe_filesystem(*damaged)->name, "ext4");
    EXPECT_FALSE(probe_filesystem(*io::make_with_bad_areas(whole, {io::whole(*whole)})).has_value());
}

TEST(ProbeFilesystem, NamesWhatPhonesHave)
{
    SALVAGE_FOREIGN_OR_SKIP(path, "sparse/melekpro__Smartec-Mica__userdata.img");
    const auto plain = probe_filesystem(**io::open_any(path));
    ASSERT_TRUE(plain.has_value());
    EXPECT_EQ(plain->name, "f2fs");
}

} // namespace
} // namespace salvage::fde
