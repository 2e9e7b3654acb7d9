// Entropy, block by block.
#include <gtest/gtest.h>

#include "one_pass_support.hpp"
#include "support/assert_result.hpp"

namespace salvage::scan {
namespace {

using test::fails_with;
using test::is_ok;
using test::plant;
using test::random_bytes;

TEST(Scan, MeasuresTheEntropyOfKnownDistributions)
{
    constexpr std::size_t block = 1U << 20U;
    Bytes bytes(5 * block, std::byte{0});
    plant(bytes, block, random_bytes(block, 12));
    plant(bytes, 2 * block, random_bytes(block, 13, 2));
    plant(bytes, 3 * block, random_bytes(block, 14, 16));
    // Half zeros, a quarter ones, an eighth each twos and threes: 1.75 bits.
    std::mt19937_64 random{15};
    for (std::size_t i = 4 * block; i < bytes.size(); ++i) {
        const auto draw = random() % 8;
        bytes.at(i) = static_cast<std::byte>(draw < 4 ? 0 : draw < 6 ? 1 : draw - 4);
    }
    const auto result = scan(*io::make_memory(bytes, "m"), {}, {});
    ASSERT_TRUE(is_ok(result));
    ASSERT_EQ(result->blocks.size(), 5U);
    EXPECT_EQ(result->blocks.at(0).entropy, 0);
    EXPECT_NEAR(result->blocks.at(1).entropy, 8, 0.01);
    EXPECT_NEAR(result->blocks.at(2).entropy, 1, 0.01);
    EXPECT_NEAR(result->blocks.at(3).entropy, 4, 0.01);
    EXPECT_NEAR(result->blocks.at(4).entropy, 1.75, 0.01);
}

TEST(Scan, SamplesABlockEvenlyWhateverItsSize)
{
    // The first half of each block is random, the second zero: h(1/2) + 1/2 * 8 bits = 5 bits.
    for (const std::size_t block : {std::size_t{65536}, std::size_t{1} << 20U, std::size_t{3} << 20U}) {
        Bytes bytes(2 * block, std::byte{0});
        plant(bytes, 0, random_bytes(block / 2, 16));
        plant(bytes, block, random_bytes(block / 2, 17));
        const auto result = scan(*io::make_memory(bytes, "m"), {.block = ByteCount{block}}, {});
        ASSERT_TRUE(is_ok(result));
        ASSERT_EQ(result->blocks.size(), 2U);
        for (const auto& summary : result->blocks) {
            EXPECT_NEAR(summary.entropy, 5, 0.05) << block;
        }
    }
}

TEST(Scan, TellsNoEntropyWhereNoneWasAskedFor)
{
    const auto result = scan(*io::make_memory(random_bytes(100, 1), "m"), {.with_entropy = false}, {});
    ASSERT_TRUE(is_ok(result));
    EXPECT_LT(result->blocks.at(0).entropy, 0);
    EXPECT_FALSE(result->blocks.at(0).is_zero);
}

TEST(Scan, TakesABlockSizeThatItCanHold)
{
    // A file of 8 EiB that takes no room: the map of its blocks must not grow with it.
    class Vast final : public io::ByteSource {
    public:
        [[nodiscard]] ByteCount size() const noexcept override { return ByteCount{1ULL << 62U}; }
        Result<> read_at(ByteOffset /*at*/, std::span<std::byte> /*into*/) const override { return {}; }
        [[nodiscard]] Location locate(ByteOffset /*at*/) const override { return {}; }
        Result<std::vector<io::Extent>> extents(ByteRange /*range*/) const override
        {
            return Error{ErrorCode::io, "enough was seen", {}, {}, {}, {}};
        }
    };
    EXPECT_TRUE(fails_with(scan(Vast{}, {}, {}), ErrorCode::io));
    const auto small = scan(*io::make_memory(Bytes(3U << 20U), "m"), {.block = ByteCount{1}}, {});
    ASSERT_TRUE(is_ok(small));
    EXPECT_EQ(small->block.value, 4U);
    EXPECT_EQ(small->blocks.size(), (3U << 20U) / 4);
}

} // namespace
} // namespace salvage::scan
