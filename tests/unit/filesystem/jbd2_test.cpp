// The journal: debugfs writes transactions that were never checkpointed, e2fsck judges what they come to.
#include <set>

#include "salvage/filesystem/jbd2.hpp"
#include "trees.hpp"

namespace salvage::test {
namespace {

using filesystem::JournaledVolume;
using filesystem::JournalReport;

constexpr std::uint64_t journal_inode = 8;

const Tree& tree()
{
    static const Tree instance;
    return instance;
}

void write_image(const std::filesystem::path& path, ByteView bytes)
{
    std::ofstream file{path, std::ios::binary | std::ios::trunc};
    file.write(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size()));
}

std::uint32_t block_bytes_of(const Bytes& image)
{
    return 1024U << load_le<std::uint32_t>(ByteView{image}.subspan(1024 + 0x18));
}

ByteView block_of(const Bytes& image, std::uint64_t block)
{
    const auto size = block_bytes_of(image);
    return ByteView{image}.subspan(static_cast<std::size_t>(block * size), size);
}

/// Blocks that differ, without the one that holds the superblock.
std::vector<std::uint64_t> changed_blocks(const Bytes& before, const Bytes& after)
{
    std::vector<std::uint64_t> out;
    const auto size = block_bytes_of(before);
    for (std::uint64_t block = 1024 / size + 1; block < before.size() / size; ++block) {
        if (!std::ranges::equal(block_of(before, block), block_of(after, block))) {
            out.push_back(block);
        }
    }
    return out;
}

std::string list_of(const std::vector<std::uint64_t>& blocks)
{
    std::string out;
    for (const auto block : blocks) {
        out += (out.empty() ? "" : ",") + std::to_string(block);
    }
    return out;
}

/// Blocks of the volume that the journal itself takes.
std::set<std::uint64_t> blocks_of_journal(const io::ByteSource& journal, std::uint32_t block_bytes)
{
    std::set<std::uint64_t> out;
    for (std::uint64_t at = 0; at < journal.size().value; at += block_bytes) {
        out.insert(journal.locate(ByteOffset{at}).chain.front().at.value / block_bytes);
    }
    return out;
}

/// A volume as a phone leaves it that lost its power, and the same volume had it not.
struct Dirty {
    Bytes image;
    Bytes intended;
};

class Journals {
public:
    /// `open` goes to debugfs's journal_open.
    static Dirty make(const std::string& options, const std::string& open, const std::string& more = {})
    {
        const auto path = tree().image(options, "8M");
        const auto before = read_file(path);
        const auto copy = tree().folder() / "copy";
        write_image(copy, before);
        change(copy);
        Dirty out{.image = {}, .intended = read_file(copy)};
        const TemporaryFolder scratch;
        const auto blocks = changed_blocks(before, out.intended);
        Bytes stale;
        Bytes data;
        for (const auto block : blocks) {
            const auto bytes = block_of(out.intended, block);
            data.insert(data.end(), bytes.begin(), bytes.end());
            const auto old = noise(bytes.size(), block);
            stale.insert(stale.end(), old.begin(), old.end());
        }
        const auto data_path = scratch.write("data", data).string();
        const auto stale_path = scratch.write("stale", stale).string();
        const auto revoked = std::to_string(first_block_of(path, "/large"));
        auto commands = "jo " + open + "\njw -b " + list_of(blocks) + " " + stale_path + "\n";
        // debugfs gives a transaction of nothing but a revoke a checksum of the first kind that e2fsck itself rejects.
        const bool has_revoke = open != "-c -v 1";
        commands += has_revoke ? "jw -b " + revoked + " " + stale_path + "\n" : "";
        commands += "jw -b " + list_of(blocks) + " " + data_path + "\n";
        commands += has_revoke ? "jw -r " + revoked + " /dev/null\n" : "";
        Tree::debugfs(path, commands + more + "jc\n");
        out.image = read_file(path);
        return out;
    }

    /// What e2fsck makes of the journal and of nothing else.
    static Bytes judged(const Bytes& image)
    {
        const TemporaryFolder scratch;
        const auto path = scratch.write("image", image);
        ignore_status("e2fsck -y -E journal_only " + path.string() + " >/dev/null 2>&1");
        return read_file(path);
    }

private:
    static void ignore_status(const std::string& line) { must_run(tools(line + "; test $? -le 1")); }

    static void change(const std::filesystem::path& image)
    {
        const TemporaryFolder scratch;
        auto escaped = noise(3000, 3);
        std::ranges::copy(*from_hex("C03B3998"), escaped.begin()); // the journal's own magic must be escaped
        const auto file = scratch.write("file", escaped);
        Tree::debugfs(image, "mkdir late\nwrite " + file.string() + " late/escaped\nrm one-more\n");
    }

    static std::uint64_t first_block_of(const std::filesystem::path& image, const std::string& file)
    {
        return std::stoull(Tree::ask(image, "blocks " + file));
    }
};

Result<JournalReport> replay(const Bytes& image, io::Overlay& overlay,
                             std::set<std::uint64_t>* journal_blocks = nullptr)
{
    const auto fs = open_image(image);
    const auto journal = fs->open(journal_inode).value();
    const auto block_bytes = block_bytes_of(image);
    if (journal_blocks != nullptr) {
        *journal_blocks = blocks_of_journal(*journal, block_bytes);
    }
    const JournaledVolume volume{.block_bytes = block_bytes, .blocks = image.size() / block_bytes};
    return filesystem::replay_journal(*journal, volume, overlay);
}

/// Ours against e2fsck's, block by block, outside superblock and journal.
void expect_as_judged(const Bytes& image)
{
    const auto overlay = io::make_overlay(in_memory(image), ByteCount{1U << 26U});
    std::set<std::uint64_t> journal;
    const auto report = replay(image, *overlay, &journal);
    ASSERT_TRUE(is_ok(report));
    const auto ours = io::read_all(*overlay->view(), ByteCount{1U << 26U}).value();
    const auto theirs = Journals::judged(image);
    EXPECT_FALSE(changed_blocks(image, theirs).empty());
    for (const auto block : changed_blocks(ours, theirs)) {
        EXPECT_TRUE(journal.contains(block)) << "block " << block << " differs from e2fsck's";
    }
}

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

class Jbd2Replay : public ::testing::Test {
protected:
    void SetUp() override
    {
        if (!have_e2fsprogs()) {
            GTEST_SKIP() << "e2fsprogs is not installed";
        }
    }
};

constexpr auto plain = "-t ext4 -b 1024 -O none,has_journal,extent,filetype";

JournalReport report_of(const Bytes& image)
{
    const auto overlay = io::make_overlay(in_memory(image), ByteCount{1U << 26U});
    return replay(image, *overlay).value();
}

/// The byte of the image where byte `at` of the journal lies.
std::size_t place_of(const Bytes& image, std::uint64_t at)
{
    const auto fs = open_image(image);
    return static_cast<std::size_t>(fs->open(journal_inode).value()->locate(ByteOffset{at}).chain.front().at.value);
}

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

TEST_F(Jbd2Replay, EveryFlippedByteOfTheLogsHeadIsSurvived)
{
    const auto dirty = Journals::make(plain, "-c -v 3");
    const auto base = open_image(dirty.image);
    const auto journal = io::read_all(*base->open(journal_inode).value(), ByteCount{1U << 24U}).value();
    const JournaledVolume volume{.block_bytes = 1024, .blocks = 8192};
    for (std::size_t at = 0; at < 3 * 1024; at += at < 256 || at >= 1024 ? 1 : 16) {
        auto copy = journal;
        copy[at] ^= std::byte{0xFF};
        const auto overlay = io::make_overlay(in_memory(dirty.image), ByteCount{1U << 26U});
        const auto report = filesystem::replay_journal(*in_memory(std::move(copy)), volume, *overlay);
        if (!report.has_value()) {
            EXPECT_FALSE(report.error().what.empty());
            EXPECT_TRUE(report.error().where.has_value() || report.error().code == ErrorCode::unsupported) << at;
        }
    }
}

TEST_F(Jbd2Replay, ACutLogIsSurvivedAtEveryLength)
{
    const auto dirty = Journals::make(plain, "");
    const auto base = open_image(dirty.image);
    const auto journal = io::read_all(*base->open(journal_inode).value(), ByteCount{1U << 24U}).value();
    const JournaledVolume volume{.block_bytes = 1024, .blocks = 8192};
    for (std::size_t length = 0; length < 64 * 1024; length += 251) {
        const auto overlay = io::make_overlay(in_memory(dirty.image), ByteCount{1U << 26U});
        const auto cut = in_memory(Bytes{journal.begin(), journal.begin() + static_cast<std::ptrdiff_t>(length)});
        EXPECT_FALSE(filesystem::replay_journal(*cut, volume, *overlay).has_value()); // it claims more than it has
    }
}

TEST_F(Jbd2Replay, EveryReadMayFail)
{
    const auto dirty = Journals::make(plain, "");
    const auto base = open_image(dirty.image);
    const auto journal = io::read_all(*base->open(journal_inode).value(), ByteCount{1U << 24U}).value();
    const JournaledVolume volume{.block_bytes = 1024, .blocks = 8192};
    bool has_succeeded = false;
    for (std::uint64_t n = 1; n < 2000 && !has_succeeded; ++n) {
        const auto overlay = io::make_overlay(in_memory(dirty.image), ByteCount{1U << 26U});
        const auto report = filesystem::replay_journal(*io::make_faulty(in_memory(journal), n), volume, *overlay);
        has_succeeded = report.has_value() && report->transactions == 4;
        if (report.has_value() && !has_succeeded) {
            EXPECT_TRUE(report->stopped.has_value());
        }
    }
    EXPECT_TRUE(has_succeeded);
}

} // namespace
} // namespace salvage::test
