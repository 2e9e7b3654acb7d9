// Every sample cut at every length, and every byte of its front flipped: a value, or an error that says something.
#include <chrono>

#include <gtest/gtest.h>

#include "partition_support.hpp"

namespace salvage::partition {
namespace {

using namespace testing;

std::vector<std::filesystem::path> samples()
{
    std::vector<std::filesystem::path> out;
    for (const auto* const folder : {"gpt", "mbr", "pmt", "scatter", "fstab", "evil"}) {
        for (const auto& entry : std::filesystem::directory_iterator{test::sample(folder)}) {
            // Sparse images are tested where they are read; to this box they are bytes of no table.
            if (entry.path().extension() != ".simg") {
                out.push_back(entry.path());
            }
        }
    }
    std::ranges::sort(out);
    return out;
}

/// Reads, reconciles and asks; whatever fails must say so in words.
void exercise(Bytes bytes, std::string_view what)
{
    const auto tables = tables_of_bytes(std::move(bytes), "damaged");
    if (!tables.has_value()) {
        EXPECT_FALSE(tables.error().what.empty()) << what;
        EXPECT_FALSE(tables.error().why.empty()) << what;
        return;
    }
    const auto layout = reconcile(*tables, ByteCount{1ULL << 30U});
    for (const auto& partition : layout.partitions) {
        EXPECT_FALSE(partition.name.empty()) << what;
        EXPECT_TRUE(checked_add(partition.start.value, partition.size.value).has_value()) << what;
    }
    static_cast<void>(describe_offset(layout, ByteOffset{0x3BC8024}));
    ignore(resolve_offset(layout, "metadata+0x24"), "any outcome is right");
}

TEST(Damage, NoCutBreaksAReader)
{
    for (const auto& path : samples()) {
        const auto whole = test::read_file(path);
        // Every length near the front, where headers are; then every prime step to the end.
        for (std::size_t length = 0; length <= whole.size(); length += length < 2048 ? 1 : 61) {
            exercise(Bytes{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)},
                     path.filename().string());
        }
    }
}

TEST(Damage, NoFlippedByteBreaksAReader)
{
    for (const auto& path : samples()) {
        const auto whole = test::read_file(path);
        for (std::size_t at = 0; at < std::min<std::size_t>(whole.size(), 1536); ++at) {
            auto damaged = whole;
            damaged[at] ^= std::byte{0xFF};
            exercise(std::move(damaged), path.filename().string());
        }
    }
}

TEST(Damage, EveryReadMayFail)
{
    for (const auto& path : samples()) {
        const auto source = io::make_memory(test::read_file(path), "sample");
        bool has_succeeded = false;
        for (std::uint64_t n = 1; n < 500 && !has_succeeded; ++n) {
            const auto tables = read_tables(*io::make_faulty(source, n), "sample");
            has_succeeded = tables.has_value() || tables.error().code != ErrorCode::io;
        }
        EXPECT_TRUE(has_succeeded) << path;
    }
}

} // namespace
} // namespace salvage::partition
