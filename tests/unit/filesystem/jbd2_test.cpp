// The journal: debugfs writes transactions that were never checkpointed, e2fsck judges what they come to.
#include "jbd2_images.hpp"

namespace salvage::test {
namespace {

struct Variant {
    const char* name;
    const char* options;
    const char* open;
    const char* feature; ///< as dumpe2fs calls it; empty: not asked
};
std::ostream& operator<<(std::ostream& out, const Variant& variant)
{
    return out << variant.options << " / jo " << variant.open;
}

constexpr std::array variants{
    Variant{.name = "Ext3", .options = "-t ext3 -b 1024 -O none,has_journal,filetype", .open = "", .feature = ""},
    Variant{.name = "Ext3With4k", .options = "-t ext3 -b 4096 -O none,has_journal,filetype", .open = "", .feature = ""},
    Variant{
        .name = "Ext4", .options = "-t ext4 -b 1024 -O none,has_journal,extent,filetype", .open = "", .feature = ""},
    Variant{.name = "Checksum1",
            .options = "-t ext4 -b 1024 -O none,has_journal,extent,filetype",
            .open = "-c -v 1",
            .feature = "journal_checksum"},
    Variant{.name = "Checksum2",
            .options = "-t ext4 -b 1024 -O none,has_journal,extent,filetype,metadata_csum",
            .open = "-c -v 2",
            .feature = "journal_checksum_v2"},
    Variant{.name = "Checksum3",
            .options = "-t ext4 -b 1024 -O none,has_journal,extent,filetype,metadata_csum",
            .open = "-c -v 3",
            .feature = "journal_checksum_v3"},
    Variant{.name = "With64bit",
            .options = "-t ext4 -b 1024 -O none,has_journal,extent,filetype,64bit",
            .open = "",
            .feature = "journal_64bit"},
    Variant{.name = "With64bitChecksum1",
            .options = "-t ext4 -b 4096 -O none,has_journal,extent,filetype,64bit",
            .open = "-c -v 1",
            .feature = "journal_checksum"},
    Variant{.name = "With64bitChecksum2",
            .options = "-t ext4 -b 4096 -O none,has_journal,extent,filetype,64bit,metadata_csum",
            .open = "-c -v 2",
            .feature = "journal_checksum_v2"},
    Variant{.name = "With64bitChecksum3",
            .options = "-t ext4 -b 4096 -O none,has_journal,extent,filetype,64bit,metadata_csum",
            .open = "-c -v 3",
            .feature = "journal_checksum_v3"},
    Variant{.name = "WithFastCommitArea",
            .options = "-t ext4 -b 1024 -O none,has_journal,extent,filetype,fast_commit",
            .open = "",
            .feature = ""},
};

class JournalVariants : public ::testing::TestWithParam<Variant> {
protected:
    void SetUp() override
    {
        if (!have_e2fsprogs()) {
            GTEST_SKIP() << "e2fsprogs is not installed";
        }
    }
};

TEST_P(JournalVariants, AreReplayedAsE2fsckReplaysThem)
{
    const auto dirty = Journals::make(GetParam().options, GetParam().open);
    const TemporaryFolder scratch;
    const auto described = must_run(tools("dumpe2fs -h " + scratch.write("image", dirty.image).string() + " 2>&1"));
    EXPECT_NE(described.find(GetParam().feature), std::string::npos) << described;
    expect_as_judged(dirty.image);
}

TEST_P(JournalVariants, ShowTheFilesThatWereOnlyInTheJournal)
{
    const auto dirty = Journals::make(GetParam().options, GetParam().open);
    const auto source = in_memory(dirty.image);
    const auto fs = filesystem::open(source).value();
    ASSERT_TRUE(has_finding(*fs, "ext-journal-replayed"));
    EXPECT_EQ(fs->findings().size(), 1U);
    const auto entries = walk_all(*fs);
    EXPECT_FALSE(entries.contains("one-more"));
    ASSERT_TRUE(entries.contains("late/escaped"));
    const auto expected = open_image(dirty.intended);
    EXPECT_EQ(sha256(content_at(*fs, "late/escaped")), sha256(content_at(*expected, "late/escaped")));
    EXPECT_EQ(sha256(content_at(*fs, "large")), sha256(content_at(*expected, "large")))
        << "a revoked block was written";
    EXPECT_EQ(sha256(io::read_all(*source, ByteCount{1U << 26U}).value()), sha256(dirty.image)) << "the source changed";
}

INSTANTIATE_TEST_SUITE_P(All, JournalVariants, ::testing::ValuesIn(variants),
                         [](const auto& variant) { return std::string{variant.param.name}; });

TEST_F(Jbd2Replay, CountsWhatItDid)
{
    const auto report = report_of(Journals::make(plain, "").image);
    EXPECT_EQ(report.transactions, 4U);
    EXPECT_EQ(report.blocks_revoked, 1U);
    EXPECT_GT(report.blocks_written, 3U);
    EXPECT_EQ(report.first_sequence, 1U);
    EXPECT_FALSE(report.stopped.has_value());
    EXPECT_FALSE(report.has_fast_commits);
}

TEST_F(Jbd2Replay, LeavesATransactionWithoutACommitAlone)
{
    const TemporaryFolder scratch;
    const auto file = scratch.write("garbage", noise(1024, 99));
    const auto dirty = Journals::make(plain, "", "jw -b 1000 -c " + file.string() + "\n");
    EXPECT_EQ(report_of(dirty.image).transactions, 4U);
    expect_as_judged(dirty.image);
}

TEST_F(Jbd2Replay, StopsAtTheFirstTransactionThatDoesNotVerify)
{
    for (const auto* const open : {"-c -v 1", "-c -v 2", "-c -v 3"}) {
        const auto dirty = Journals::make(std::string{plain} + ",metadata_csum", open);
        // The first transaction is a descriptor, a block for each target and a commit; the second begins alike.
        const auto whole = report_of(dirty.image);
        const auto second = 1 + whole.blocks_written + 2;
        auto image = dirty.image;
        image[place_of(image, (second + 1) * 1024 + 500)] ^= std::byte{1};
        const auto report = report_of(image);
        EXPECT_GE(whole.transactions, 2U) << open;
        EXPECT_EQ(report.transactions, 1U) << open;
        ASSERT_TRUE(report.stopped.has_value()) << open;
        EXPECT_EQ(report.stopped->code, ErrorCode::mismatch) << to_string(*report.stopped);
        EXPECT_TRUE(report.stopped->where.has_value());
    }
}

TEST_F(Jbd2Replay, SaysThatADamagedJournalIsNotTheWholeStory)
{
    auto image = Journals::make(std::string{plain} + ",metadata_csum", "-c -v 3").image;
    image[place_of(image, 2 * 1024 + 500)] ^= std::byte{1}; // in the first logged block
    const auto fs = open_image(image);
    EXPECT_TRUE(has_finding(*fs, "ext-journal-damaged"));
    EXPECT_FALSE(filesystem::find_path(*fs, "late").has_value());
    EXPECT_TRUE(filesystem::find_path(*fs, "one-more").has_value());
}

TEST_F(Jbd2Replay, FollowsALogRoundItsEnd)
{
    const auto dirty = Journals::make(plain, "");
    auto image = dirty.image;
    const auto fs = open_image(image);
    const auto journal = fs->open(journal_inode).value();
    const auto blocks = static_cast<std::uint32_t>(journal->size().value / 1024);
    // The log is turned so that it begins three blocks before its end; block 0 is the superblock.
    const auto turn = blocks - 1 - 3;
    for (std::uint64_t block = 1; block < blocks; ++block) {
        const auto target = (block - 1 + turn) % (blocks - 1) + 1;
        const auto bytes = io::read_bytes(*journal, ByteOffset{block * 1024}, ByteCount{1024}).value();
        std::ranges::copy(
            bytes, image.begin() +
                       static_cast<std::ptrdiff_t>(journal->locate(ByteOffset{target * 1024}).chain.front().at.value));
    }
    store_be(std::span{image}.subspan(place_of(image, 0x1C)), turn + 1);
    EXPECT_EQ(report_of(image).transactions, 4U);
    expect_as_judged(image);
}

TEST_F(Jbd2Replay, SequenceNumbersMayWrap)
{
    auto image = Journals::make(plain, "").image;
    // Numbers 1 to 4 become FFFFFFFE to 1: in the superblock and in every block that the log wrote.
    const auto shift = [&](std::uint64_t at) {
        const auto field = std::span{image}.subspan(place_of(image, at));
        store_be(field, load_be<std::uint32_t>(field) - 3);
    };
    shift(0x18);
    for (std::uint64_t block = 1; block < 100; ++block) {
        const auto field = ByteView{image}.subspan(place_of(image, block * 1024), 4);
        if (load_be<std::uint32_t>(field) == 0xC03B3998) {
            shift(block * 1024 + 8);
        }
    }
    const auto report = report_of(image);
    EXPECT_EQ(report.first_sequence, 0xFFFFFFFEU);
    EXPECT_EQ(report.transactions, 4U);
    EXPECT_EQ(report.blocks_revoked, 1U);
    expect_as_judged(image);
}

TEST_F(Jbd2Replay, RefusesABlockOutsideTheVolume)
{
    auto image = Journals::make(plain, "").image;
    store_be(std::span{image}.subspan(place_of(image, 1024 + 12)), std::uint32_t{0x00FFFFFF}); // first tag
    const auto report = report_of(image);
    EXPECT_EQ(report.transactions, 0U);
    EXPECT_EQ(report.blocks_written, 0U);
    ASSERT_TRUE(report.stopped.has_value());
    EXPECT_NE(report.stopped->what.find("outside the volume"), std::string::npos);
}

TEST_F(Jbd2Replay, ReportsFastCommitsThatAreNotReplayed)
{
    auto image = Journals::make("-t ext4 -b 1024 -O none,has_journal,extent,filetype,fast_commit", "").image;
    store_be(std::span{image}.subspan(place_of(image, 0x28)), std::uint32_t{0x20}); // as the kernel sets it on mounting
    const auto journal_blocks = load_be<std::uint32_t>(ByteView{image}.subspan(place_of(image, 0x10)));
    store_be(std::span{image}.subspan(place_of(image, 0x54)), std::uint32_t{64}); // blocks for fast commits
    EXPECT_FALSE(report_of(image).has_fast_commits);
    // A head tag (9) of 8 bytes: features 0, transaction 5; Linux, fs/ext4/fast_commit.h.
    const auto head = from_hex("0900 0800 00000000 05000000").value();
    std::ranges::copy(head,
                      image.begin() + static_cast<std::ptrdiff_t>(place_of(image, (journal_blocks - 64ULL) * 1024)));
    const auto report = report_of(image);
    EXPECT_EQ(report.transactions, 4U);
    EXPECT_TRUE(report.has_fast_commits);
    EXPECT_TRUE(has_finding(*open_image(image), "ext-fast-commits"));
}

TEST_F(Jbd2Replay, AFlagWithoutTransactionsIsSaid)
{
    auto image = read_file(tree().image(plain, "8M"));
    image.at(1024 + 0x60) |= std::byte{4}; // needs_recovery
    const auto fs = open_image(image);
    ASSERT_TRUE(has_finding(*fs, "ext-journal-replayed"));
    EXPECT_NE(fs->findings().front().text.find("nothing"), std::string::npos);
}

TEST_F(Jbd2Replay, AJournalThatBringsABadSuperblockIsNotUsed)
{
    for (const std::size_t field : {0x18U, 0x38U}) { // an impossible block size, a wrong magic
        const auto path = tree().image(plain, "8M");
        const auto image = read_file(path);
        const auto superblock = block_of(image, 1);
        Bytes bad{superblock.begin(), superblock.end()};
        bad.at(field) = std::byte{0x77};
        const TemporaryFolder scratch;
        Tree::debugfs(path, "jo\njw -b 1 " + scratch.write("bad", bad).string() + "\njc\n");
        const auto fs = open_image(read_file(path));
        EXPECT_TRUE(has_finding(*fs, "ext-journal-not-replayed"));
        EXPECT_TRUE(filesystem::find_path(*fs, "small.txt").has_value());
    }
}

TEST_F(Jbd2Replay, AJournalElsewhereIsSaidToBeMissing)
{
    auto image = Journals::make(plain, "").image;
    store_le(std::span{image}.subspan(1024 + 0xE0), std::uint32_t{0}); // s_journal_inum
    store_le(std::span{image}.subspan(1024 + 0xE4), std::uint32_t{0x801});
    const auto fs = open_image(image);
    ASSERT_TRUE(has_finding(*fs, "ext-journal-not-replayed"));
    EXPECT_NE(fs->findings().front().text.find("another device"), std::string::npos);
}

TEST_F(Jbd2Replay, AnExternalJournalIsRefusedByName)
{
    const TemporaryFolder scratch;
    const auto path = (scratch.path() / "journal").string();
    must_run(tools("mke2fs -q -F -b 1024 -O journal_dev " + path + " 1M 2>&1"));
    const auto opened = filesystem::open(in_memory(read_file(path)));
    ASSERT_TRUE(fails_with(opened, ErrorCode::unsupported));
    EXPECT_NE(opened.error().what.find("external journal"), std::string::npos);
}

TEST_F(Jbd2Replay, TheCopyOfTheJournalInodeIsUsedWhenTheInodeIsLost)
{
    const auto path = tree().image(plain, "8M");
    auto image = Journals::make(plain, "").image;
    const auto where = Tree::ask(path, "imap <8>"); // "… located at block N, offset 0xNNN"
    const auto block = std::stoull(where.substr(where.find("at block ") + 9));
    const auto offset = std::stoull(where.substr(where.find("offset ") + 7), nullptr, 16);
    std::ranges::fill(std::span{image}.subspan(block * 1024 + offset, 128), std::byte{0});
    const auto fs = open_image(image);
    EXPECT_TRUE(has_finding(*fs, "ext-journal-replayed"));
    EXPECT_TRUE(filesystem::find_path(*fs, "late/escaped").has_value());
}

} // namespace
} // namespace salvage::test
