// fstab: which entry says how /data is encrypted.
#include <gtest/gtest.h>

#include "partition_support.hpp"

namespace salvage::partition {
namespace {

using namespace testing;
using test::fails_with;

TEST(Fstab, FindsThePlaceOfTheFooter)
{
    const auto table = table_of(test::sample("fstab/fstab.mt6755"));
    EXPECT_EQ(table.kind, "fstab");
    EXPECT_EQ(table.data_encryption, "forceencrypt");
    EXPECT_EQ(table.footer_place, "/dev/block/platform/mtk-msdc.0/11230000.msdc0/by-name/metadata");
    const auto* const userdata = find(table.partitions, "userdata");
    ASSERT_NE(userdata, nullptr);
    EXPECT_EQ(userdata->filesystem, "ext4");
    EXPECT_EQ(attribute(*userdata, "mount_point"), "/data");
    EXPECT_FALSE(userdata->is_start_known);
}

TEST(Fstab, NamesThePartitionOfTheFooter)
{
    const auto partition_of = [](std::string_view sample) {
        const auto table = table_of(test::sample(sample));
        const auto* const finding = find_code(table.findings, "fstab-footer-place");
        return finding == nullptr ? std::string{} : finding->words.back().second;
    };
    EXPECT_EQ(partition_of("fstab/fstab.mt6755"), "metadata");
    EXPECT_EQ(partition_of("fstab/fstab.mt6582"), "usrdata"); // encryptable=footer: in the last 16 KiB of /data itself
    const auto files = table_of_text("/dev/block/by-name/userdata /data f2fs rw wait,fileencryption=aes-256-xts\n");
    EXPECT_EQ(find_code(files.findings, "fstab-footer-place"), nullptr);
    EXPECT_NE(find_code(files.findings, "fstab-encryption"), nullptr);
}

TEST(Fstab, NamesADeviceWithoutAName)
{
    const auto table = table_of_text("/dev/block/ /system ext4 ro wait\n/dev/block/a /data ext4 rw wait\n");
    ASSERT_EQ(table.partitions.size(), 2U);
    EXPECT_EQ(table.partitions.front().name, "unnamed-1");
}

TEST(Fstab, IgnoresWhatVoldManages)
{
    const auto table = table_of_text("/devices/a auto vfat defaults voldmanaged=sdcard1:auto,encryptable=userdata\n"
                                     "/dev/block/by-name/userdata /data f2fs rw wait,fileencryption=aes-256-xts\n");
    EXPECT_EQ(table.data_encryption, "fileencryption");
    EXPECT_TRUE(table.footer_place.empty());
}

TEST(Fstab, ReadsLengthAndFooter)
{
    for (const auto* const file : {"fstab/fstab.mt6582", "fstab/recovery.fstab"}) {
        const auto table = table_of(test::sample(file));
        EXPECT_EQ(table.data_encryption, "encryptable") << file;
        EXPECT_EQ(table.footer_place, "footer") << file;
        EXPECT_NE(find_code(table.findings, "fstab-length"), nullptr) << file;
    }
}

TEST(Fstab, TakesTheFirstOfTwoAndNamesTheOther)
{
    const auto table = table_of_text("/dev/block/a /data ext4 rw wait,encryptable=footer\n/dev/block/a /data f2fs rw "
                                     "wait,forceencrypt=/dev/block/b\n");
    EXPECT_EQ(table.data_encryption, "encryptable");
    EXPECT_NE(find_code(table.findings, "fstab-encryption-differs"), nullptr);
}

TEST(Fstab, SaysNothingWhereOnlyCommentsDo)
{
    const auto table =
        table_of_text("#/dev/block/a /data ext4 rw wait,encryptable=footer\n/dev/block/a /data ext4 rw wait,check\n");
    EXPECT_TRUE(table.data_encryption.empty());
}

TEST(Fstab, IsNotSeenInOtherTexts)
{
    EXPECT_TRUE(fails_with(tables_of_text("Dear diary,\ntoday I wrote / about the weather.\n"), ErrorCode::not_found));
    EXPECT_TRUE(fails_with(tables_of_text("a=1\nb=2\n/ c d e f\n"), ErrorCode::not_found));
    EXPECT_TRUE(fails_with(tables_of_text(""), ErrorCode::not_found));
}

} // namespace
} // namespace salvage::partition
