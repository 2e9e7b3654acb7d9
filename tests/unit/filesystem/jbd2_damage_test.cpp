// Journals that are flipped, cut, and cannot be read.
#include "jbd2_images.hpp"

namespace salvage::test {
namespace {

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
