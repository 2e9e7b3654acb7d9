// The checked cursor, hex in both directions, and secrets.
#include <algorithm>
#include <array>
#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>

#include <gtest/gtest.h>

#include "salvage/core/bytes.hpp"
#include "salvage/core/secret.hpp"
#include "support/assert_result.hpp"

namespace salvage {
namespace {

using test::fails_with;
using test::is_ok;

Bytes bytes(std::initializer_list<unsigned> values)
{
    Bytes out;
    for (const auto value : values) {
        out.push_back(static_cast<std::byte>(value));
    }
    return out;
}

TEST(Reader, TakesNumbersOfBothOrders)
{
    const auto data = bytes({0x12, 0x34, 0x12, 0x34, 0xC4, 0xB1, 0xB5, 0xD0, 1, 2, 3, 4, 5, 6, 7, 8, 0xFE});
    ByteReader reader{data};
    EXPECT_EQ(reader.le<std::uint16_t>().value(), 0x3412U);
    EXPECT_EQ(reader.be<std::uint16_t>().value(), 0x1234U);
    EXPECT_EQ(reader.le<std::uint32_t>().value(), 0xD0B5B1C4U);
    EXPECT_EQ(reader.be<std::uint64_t>().value(), 0x0102030405060708U);
    EXPECT_EQ(reader.le<std::uint8_t>().value(), 0xFEU);
    EXPECT_EQ(reader.remaining(), 0U);
}

TEST(Reader, RefusesToGoBeyondTheEndAndStaysWhereItWas)
{
    const auto data = bytes({1, 2, 3});
    ByteReader reader{data};
    ASSERT_TRUE(is_ok(reader.skip(1)));
    const auto result = reader.le<std::uint32_t>();
    ASSERT_TRUE(fails_with(result, ErrorCode::truncated));
    EXPECT_EQ(result.error().where->chain.front().at, ByteOffset{1});
    EXPECT_EQ(reader.position(), ByteOffset{1});
    EXPECT_TRUE(fails_with(reader.take(static_cast<std::size_t>(-1)), ErrorCode::truncated));
    EXPECT_TRUE(fails_with(reader.seek(ByteOffset{4}), ErrorCode::truncated));
    EXPECT_TRUE(is_ok(reader.seek(ByteOffset{3})));
    EXPECT_TRUE(is_ok(reader.take(0)));
    EXPECT_TRUE(fails_with(reader.array<1>(), ErrorCode::truncated));
}

TEST(Reader, CutsFixedTextAtItsFirstNul)
{
    const auto data = bytes({'a', 'b', 0, 'c', 'd', 'e'});
    ByteReader reader{data};
    EXPECT_EQ(reader.fixed_text(4).value(), "ab");
    EXPECT_EQ(reader.fixed_text(2).value(), "de") << "a full field needs no NUL";
    EXPECT_TRUE(fails_with(reader.fixed_text(1), ErrorCode::truncated));
}

TEST(Numbers, AreStoredAsTheyAreLoaded)
{
    std::array<std::byte, 8> memory{};
    store_le(std::span<std::byte>{memory}, std::uint64_t{0x0102030405060708});
    EXPECT_EQ(to_hex(memory), "0807060504030201");
    EXPECT_EQ(load_le<std::uint64_t>(memory), 0x0102030405060708U);
    store_be(std::span<std::byte>{memory}, std::uint32_t{0xDEADBEEF});
    EXPECT_EQ(to_hex(memory), "deadbeef04030201");
    EXPECT_EQ(load_be<std::uint32_t>(memory), 0xDEADBEEFU);
}

TEST(Hex, GoesThereAndBack)
{
    Bytes all;
    for (unsigned i = 0; i < 256; ++i) {
        all.push_back(static_cast<std::byte>(i));
    }
    EXPECT_EQ(from_hex(to_hex(all)).value(), all);
    EXPECT_EQ(from_hex(" C4 b1\tB5\r\nd0 ").value(), bytes({0xC4, 0xB1, 0xB5, 0xD0}));
    EXPECT_TRUE(from_hex("").value().empty());
}

TEST(Hex, SaysWhereItIsNone)
{
    for (const auto& [text, at] : {std::pair{"abc", 2U}, std::pair{"0x12", 0U}, std::pair{"12 3 4", 3U},
                                   std::pair{"zz", 0U}, std::pair{"12\x80", 2U}}) {
        const auto result = from_hex(text);
        ASSERT_TRUE(fails_with(result, ErrorCode::malformed)) << text;
        EXPECT_EQ(result.error().where->chain.front().at, ByteOffset{at}) << text;
    }
}

TEST(Hex, IsCutInMessages)
{
    EXPECT_EQ(to_spaced_hex(bytes({0xC4, 0xB1})), "C4 B1");
    EXPECT_EQ(to_spaced_hex(bytes({1, 2, 3}), 2), "01 02 …");
    EXPECT_EQ(to_spaced_hex({}), "");
}

TEST(Zeros, AreSeenToTheLastByte)
{
    EXPECT_TRUE(is_all_zero({}));
    for (std::size_t size = 1; size < 40; ++size) {
        Bytes zeros(size);
        EXPECT_TRUE(is_all_zero(zeros));
        zeros.back() = std::byte{1};
        EXPECT_FALSE(is_all_zero(zeros));
        zeros.back() = std::byte{0};
        zeros.front() = std::byte{1};
        EXPECT_FALSE(is_all_zero(zeros));
    }
}

// Secrets move and nothing else.
template <typename T>
concept Comparable = requires(const T& left, const T& right) { left == right; };
static_assert(!std::is_copy_constructible_v<SecretBytes> && !std::is_copy_assignable_v<SecretBytes>);
static_assert(!std::is_copy_constructible_v<Secret<32>> && !std::is_copy_assignable_v<Secret<32>>);
static_assert(std::is_nothrow_move_constructible_v<SecretBytes> && std::is_nothrow_move_constructible_v<Secret<32>>);
static_assert(!Comparable<SecretBytes> && !Comparable<Secret<16>>);
static_assert(!std::is_convertible_v<SecretBytes, ByteView> && !std::is_convertible_v<Secret<16>, ByteView>);

// RFC 4648, section 10.
TEST(Base64, GivesTheStandardsVectors)
{
    const auto of = [](std::string_view text) { return to_base64(as_bytes(text)); };
    EXPECT_EQ(of(""), "");
    EXPECT_EQ(of("f"), "Zg==");
    EXPECT_EQ(of("fo"), "Zm8=");
    EXPECT_EQ(of("foo"), "Zm9v");
    EXPECT_EQ(of("foob"), "Zm9vYg==");
    EXPECT_EQ(of("fooba"), "Zm9vYmE=");
    EXPECT_EQ(of("foobar"), "Zm9vYmFy");
    EXPECT_EQ(of("\xFB\xFF\xFE"), "+//+");
}

TEST(Secrets, AreWipedWhereTheyMovedAwayFrom)
{
    Secret<4> key;
    store_le(std::span<std::byte>{key.expose_for_writing()}, std::uint32_t{0x11223344});
    Secret<4> moved{std::move(key)};
    EXPECT_EQ(to_hex(moved.expose()), "44332211");
    EXPECT_TRUE(is_all_zero(key.expose())); // NOLINT(bugprone-use-after-move): that is what is tested
    key = std::move(moved);
    EXPECT_EQ(to_hex(key.expose()), "44332211");
    EXPECT_TRUE(is_all_zero(moved.expose())); // NOLINT(bugprone-use-after-move)

    auto password = SecretBytes::copy_of(as_bytes("test123"));
    SecretBytes taken{std::move(password)};
    EXPECT_TRUE(password.is_empty()); // NOLINT(bugprone-use-after-move)
    password = std::move(taken);
    EXPECT_EQ(as_text(password.expose()), "test123");
    EXPECT_TRUE(taken.is_empty()); // NOLINT(bugprone-use-after-move)
}

TEST(Secrets, AreWipedInPlaceWhenTheyEnd)
{
    // Storage of our own, so that looking at it afterwards is allowed.
    alignas(Secret<16>) std::array<std::byte, sizeof(Secret<16>)> storage{};
    auto* const key = std::construct_at(static_cast<Secret<16>*>(static_cast<void*>(storage.data())));
    std::ranges::fill(key->expose_for_writing(), std::byte{0x5A});
    EXPECT_FALSE(is_all_zero(storage));
    std::destroy_at(key);
    EXPECT_TRUE(is_all_zero(storage));
}

TEST(Secrets, AreComparedByContentAndSize)
{
    EXPECT_TRUE(equal_constant_time(as_bytes("key"), as_bytes("key")));
    EXPECT_FALSE(equal_constant_time(as_bytes("key"), as_bytes("kez")));
    EXPECT_FALSE(equal_constant_time(as_bytes("key"), as_bytes("keys")));
    EXPECT_TRUE(equal_constant_time({}, {}));
    const auto secret = SecretBytes::copy_of(as_bytes("abc"));
    EXPECT_TRUE(equal_constant_time(secret.clone().expose(), secret.expose()));
    EXPECT_EQ(secret.size(), 3U);
}

} // namespace
} // namespace salvage
