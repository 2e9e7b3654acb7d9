// The inner loops alone: every buffer of theirs between pages that may not be touched.
#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/kdf/selection.hpp"
#include "support/guarded_pages.hpp"
#include "unit/crypto/kdf_bulk_support.hpp"

namespace salvage::crypto::kdf {
namespace {

class Kernels : public test::EveryIsa {};
SALVAGE_FOR_EVERY_ISA(Kernels);

enum class Side : bool { start, end };

/// Words between two guard pages.
class GuardedWords {
public:
    GuardedWords(std::size_t count, Side side, std::uint64_t seed)
        : memory_{count * sizeof(std::uint32_t)},
          bytes_{side == Side::start ? memory_.at_start(count * sizeof(std::uint32_t))
                                     : memory_.at_end(count * sizeof(std::uint32_t))}
    {
        std::ranges::copy(test::noise(bytes_.size(), seed), bytes_.begin());
    }
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): fresh memory that only ever holds words.
    [[nodiscard]] std::uint32_t* get() const { return reinterpret_cast<std::uint32_t*>(bytes_.data()); }
    [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }

private:
    test::GuardedMemory memory_;
    std::span<std::byte> bytes_;
};

/// The output blocks that a kernel makes from noise.
Bytes sums_of(const Pbkdf2Kernel& kernel, std::size_t digest_words, std::size_t message_blocks, Side side)
{
    const GuardedWords keys{block_words * kernel.lanes, side, 1};
    const GuardedWords messages{message_blocks * block_words * kernel.lanes, side, 2};
    const GuardedWords sums{digest_words * kernel.lanes, side, 3};
    kernel.run({.keys = keys.get(),
                .messages = messages.get(),
                .message_blocks = message_blocks,
                .iterations = 3,
                .sums = sums.get()});
    return {sums.bytes().begin(), sums.bytes().end()};
}

TEST_P(Kernels, OfPbkdf2StayWithinTheirBuffers)
{
    const auto selection = select_kernels(GetParam());
    struct Case {
        const Pbkdf2Kernel* kernel;
        std::size_t digest_words;
    };
    for (const auto& [kernel, digest_words] : {Case{.kernel = selection.sha1.kernels, .digest_words = 5},
                                               Case{.kernel = selection.sha256.kernels, .digest_words = 8}}) {
        for (const std::size_t message_blocks : {1U, 2U}) {
            const auto at_start = sums_of(*kernel, digest_words, message_blocks, Side::start);
            const auto at_end = sums_of(*kernel, digest_words, message_blocks, Side::end);
            EXPECT_EQ(to_hex(at_start), to_hex(at_end));
            EXPECT_NE(at_start, test::noise(at_start.size(), 3)) << "nothing was written";
        }
    }
}

TEST_P(Kernels, OfScryptStayWithinTheirBuffers)
{
    constexpr unsigned n_log2 = 4;
    constexpr unsigned r_log2 = 1;
    constexpr std::size_t block_bytes = std::size_t{128} << r_log2;
    for (const auto& kernel : select_kernels(GetParam()).scrypt.kernels->by_lanes) {
        if (kernel.run == nullptr) {
            continue;
        }
        for (std::size_t slots = 1; slots <= kernel.lanes; slots *= 2) {
            std::array<Bytes, 2> mixed;
            for (const auto side : {Side::start, Side::end}) {
                const GuardedWords table{(slots << n_log2) * block_bytes / 4, side, 5};
                const GuardedWords blocks{kernel.lanes * block_bytes / 4, side, 0};
                std::ranges::fill(blocks.bytes(), std::byte{0x5A}); // lanes beyond the slots repeat the last one
                kernel.run({.blocks = blocks.get(),
                            .table = table.bytes().data(),
                            .slots = slots,
                            .n_log2 = n_log2,
                            .r_log2 = r_log2});
                mixed.at(side == Side::end ? 1 : 0) = {blocks.bytes().begin(), blocks.bytes().end()};
            }
            EXPECT_EQ(to_hex(mixed[0]), to_hex(mixed[1])) << kernel.lanes << " lanes, " << slots << " slots";
        }
    }
}

} // namespace
} // namespace salvage::crypto::kdf
