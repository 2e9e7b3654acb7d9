// CRC-32, judged by its published check value and by cksum-style joining laws.
#include <gtest/gtest.h>

#include "salvage/io/crc32.hpp"

namespace salvage::io {
namespace {

std::uint32_t crc_of(ByteView bytes)
{
    Crc32 crc;
    crc.update(bytes);
    return crc.value();
}

TEST(Crc32, HasItsPublishedCheckValue)
{
    // The catalogue of parametrised CRC algorithms, CRC-32/ISO-HDLC.
    EXPECT_EQ(crc_of(as_bytes("123456789")), 0xCBF43926U);
    EXPECT_EQ(crc_of({}), 0U);
}

TEST(Crc32, TakesRepeatedPatternsAsIfTheyWereWrittenOut)
{
    for (const std::string_view pattern : {"\0", "ab", "1234", "a longer pattern than a word"}) {
        for (const std::uint64_t count : {0U, 1U, 2U, 3U, 7U, 8U, 1000U, 1025U}) {
            Crc32 quick;
            quick.update(as_bytes("before"));
            quick.update_repeated(as_bytes(pattern), count);
            quick.update(as_bytes("after"));
            Crc32 slow;
            slow.update(as_bytes("before"));
            for (std::uint64_t i = 0; i < count; ++i) {
                slow.update(as_bytes(pattern));
            }
            slow.update(as_bytes("after"));
            EXPECT_EQ(quick.value(), slow.value()) << pattern << " times " << count;
        }
    }
}

} // namespace
} // namespace salvage::io
