// Images by other people: each opens and can be read whole, or is refused with a reason.
#include "trees.hpp"

namespace salvage::test {
namespace {

struct Foreign {
    const char* name;
    const char* outcome; ///< kind(), or a part of the refusal
};
std::ostream& operator<<(std::ostream& out, const Foreign& foreign)
{
    return out << foreign.name;
}

class ForeignImages : public ::testing::TestWithParam<Foreign> {};

TEST_P(ForeignImages, AreReadWholeOrRefusedByName)
{
    SALVAGE_FOREIGN_OR_SKIP(path, GetParam().name);
    const auto opened = filesystem::open(in_memory(unpacked(path)));
    if (!opened.has_value()) {
        EXPECT_EQ(opened.error().code, ErrorCode::unsupported) << to_string(opened.error());
        EXPECT_NE(opened.error().what.find(GetParam().outcome), std::string::npos) << to_string(opened.error());
        return;
    }
    const auto& fs = **opened;
    EXPECT_EQ(fs.kind(), GetParam().outcome);
    std::size_t read = 0;
    for (const auto& [name, entry] : walk_all(fs)) {
        if (entry.type == filesystem::EntryType::file) {
            const auto source = fs.open(entry.inode);
            ASSERT_TRUE(is_ok(source)) << name;
            EXPECT_TRUE(is_ok(io::read_up_to(**source, ByteOffset{0}, ByteCount{1U << 24U}))) << name;
        }
        EXPECT_TRUE(is_ok(fs.extended_attributes(entry.inode))) << name;
        ++read;
    }
    EXPECT_GT(read, 1U); // more than lost+found
}

TEST(ForeignJournal, IsReplayedAsE2fsckReplaysIt)
{
    SALVAGE_FOREIGN_OR_SKIP(path, "fs/nicholasbishop__ext4-view-rs__test_disk_4k_block_journal.bin.zst");
    const auto fs = open_image(unpacked(path));
    ASSERT_TRUE(has_finding(*fs, "ext-journal-replayed"));
    // e2fsck -y -E journal_only on a copy, then debugfs -R "ls -p /": 774 names besides "." and "..".
    const auto entries = walk_all(*fs);
    EXPECT_EQ(entries.size(), 774U);
    EXPECT_TRUE(entries.contains("dir2") && entries.contains("dir499"));
}

INSTANTIATE_TEST_SUITE_P(
    All, ForeignImages,
    ::testing::Values(Foreign{"fs/danluu__fs-errors__ext3.img.gz", "ext3"},
                      Foreign{"fs/danluu__fs-errors__ext4-largefile.img.gz", "ext4"},
                      Foreign{"fs/nicholasbishop__ext4-view-rs__test_disk_4k_block_journal.bin.zst", "ext4"},
                      Foreign{"fs/sheavner__lde-testdata__test.ext2", "ext2"},
                      Foreign{"fs/N00bTree__Potter_Stock_Unpacked__fsg.mbn", "ext4"},
                      Foreign{"fs/rubikpi-ai__boot-assets__rubikpi_config.img", "ext4"}));

} // namespace
} // namespace salvage::test
