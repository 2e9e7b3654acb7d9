// The patterns that are looked for where nobody names others.
#include <array>
#include <map>

#include <gtest/gtest.h>

#include "one_pass_support.hpp"
#include "support/assert_result.hpp"

namespace salvage::scan {
namespace {

using test::bytes_of;
using test::is_ok;
using test::looking_for;
using test::plant;

TEST(DefaultPatterns, AreManyAndNamedApart)
{
    const auto& patterns = default_patterns();
    EXPECT_GE(patterns.size(), 30U);
    std::map<std::string, int> names;
    for (const auto& pattern : patterns) {
        EXPECT_EQ(++names[pattern.name], 1) << pattern.name;
    }
}

TEST(DefaultPatterns, MatchRandomDataOfAPhonesSizeLessThanOnce)
{
    // Expected hits in 64 GiB of random bytes, from the sizes and alignments alone.
    double expected = 0;
    for (const auto& pattern : default_patterns()) {
        expected +=
            std::ldexp(1.0, 36) / pattern.alignment * std::ldexp(1.0, -8 * static_cast<int>(pattern.bytes.size()));
    }
    EXPECT_LT(expected, 1.0);
}

TEST(DefaultPatterns, AreNotFoundInText)
{
    // Decoys: what system images hold plenty of, and what looks like a magic at the wrong place.
    Bytes bytes(1U << 20U, std::byte{' '});
    constexpr std::array decoys{
        "aes",     "AES-CBC",          "essiv",          "cbc(aes)", "ANDROID_ROOT",  "EFI PARTITION",
        "sqlite3", "android.hardware", "FAT filesystem", "LUKSmeta", "cipher aes-gcm"};
    std::size_t at = 512;
    for (const auto* const decoy : decoys) {
        plant(bytes, at, bytes_of(decoy));
        at += 512;
    }
    for (const auto& pattern : default_patterns()) {
        if (pattern.alignment > 1) { // at a sector's start + 1
            at += 512;
            plant(bytes, at + pattern.offset_in_unit + 1, pattern.bytes);
        }
    }
    const auto result = scan(*io::make_memory(bytes, "m"), looking_for(default_patterns()), {});
    ASSERT_TRUE(is_ok(result));
    EXPECT_TRUE(result->hits.empty()) << default_patterns().at(result->hits.front().pattern).name;
}

} // namespace
} // namespace salvage::scan
