#include "salvage/core/base64.hpp"

#include <gtest/gtest.h>

namespace salvage {
namespace {

// RFC 4648, 10.
TEST(Base64, AsTheRfcHasIt)
{
    EXPECT_EQ(to_base64(as_bytes("")), "");
    EXPECT_EQ(to_base64(as_bytes("f")), "Zg==");
    EXPECT_EQ(to_base64(as_bytes("fo")), "Zm8=");
    EXPECT_EQ(to_base64(as_bytes("foo")), "Zm9v");
    EXPECT_EQ(to_base64(as_bytes("foobar")), "Zm9vYmFy");
    EXPECT_EQ(to_base64(as_bytes("\xFB\xFF\xFE")), "+//+");
}

} // namespace
} // namespace salvage
