// Checksums, hashes and codecs of f2fs by themselves.
#include "filesystem/f2fs/cluster.hpp"
#include "filesystem/f2fs/directory.hpp"
#include "filesystem/f2fs/lzo.hpp"
#include "images.hpp"

namespace salvage::test {
namespace {

using namespace filesystem;

TEST(F2fsChecksum, IsTheUsualPolynomialWithoutTheLastInversion)
{
    // The check value of CRC-32/ISO-HDLC in the catalogue of CRC algorithms is CBF43926.
    EXPECT_EQ(f2fs::checksum(0xFFFFFFFFU, as_bytes("123456789")) ^ 0xFFFFFFFFU, 0xCBF43926U);
}

TEST(F2fsNameHash, TakesHighBytesBothWays)
{
    EXPECT_EQ(f2fs::name_hash(".", f2fs::NameBytes::positive), 0U);
    EXPECT_EQ(f2fs::name_hash("..", f2fs::NameBytes::positive), 0U);
    EXPECT_EQ(f2fs::name_hash("plain", f2fs::NameBytes::positive), f2fs::name_hash("plain", f2fs::NameBytes::negative));
    EXPECT_NE(f2fs::name_hash("\xC3\xA4", f2fs::NameBytes::positive),
              f2fs::name_hash("\xC3\xA4", f2fs::NameBytes::negative));
}

Bytes lzo(std::string_view hex, std::size_t size)
{
    Bytes out(size);
    const auto result = f2fs::unpack_lzo(from_hex(hex).value(), out);
    if (!result.has_value()) {
        throw std::runtime_error{to_string(result.error())};
    }
    return out;
}

// Streams made by hand from Linux, Documentation/staging/lzo.rst.
TEST(F2fsLzo, CopiesLiteralsAndWhatWasThere)
{
    EXPECT_EQ(as_text(lzo("15 61 62 63 64 11 00 00", 4)), "abcd");
    EXPECT_EQ(as_text(lzo("15 61 62 63 64 6C 00 11 00 00", 8)), "abcdabcd");               // 4 bytes from 4 back
    EXPECT_EQ(as_text(lzo("15 61 62 63 64 2C 00 00 11 00 00", 18)), "abcddddddddddddddd"); // overlapping itself
    EXPECT_EQ(as_text(lzo("01 61 62 63 64 11 00 00", 4)), "abcd");
}

TEST(F2fsLzo, UnpacksRunsOfZerosOfTheNewerForm)
{
    const auto out = lzo("11 01 15 61 62 63 64 1F FC FF 01 11 00 00", 4 + 19);
    EXPECT_EQ(as_text(ByteView{out}.first(4)), "abcd");
    EXPECT_TRUE(is_all_zero(ByteView{out}.subspan(4)));
}

TEST(F2fsLzo, RefusesWhatCannotBe)
{
    Bytes out(8);
    for (const auto* hex : {"", "15", "15 61 62 63 64", "15 61 62 63 64 11 00", "15 61 62 63 64 11 00 00",
                            "15 61 62 63 64 6C 01 11 00 00", "15 61 62 63 64 6C 00 11 00 00 00", "00 00 00 00",
                            "1F FC FF 01", "FF", "15 61 62 63 64 2C 00 00 11 00 00"}) {
        EXPECT_TRUE(fails_with(f2fs::unpack_lzo(from_hex(hex).value(), out), ErrorCode::malformed)) << hex;
    }
}

TEST(F2fsCluster, RefusesImpossibleLengthsAndUnknownCodecs)
{
    Bytes packed(4096);
    Bytes out(std::size_t{4} * 4096);
    for (const std::uint32_t length : {0U, 4073U, 0xFFFFFFFFU}) {
        store_le(packed, length);
        EXPECT_TRUE(fails_with(f2fs::unpack_cluster(packed, {.algorithm = 1, .log_cluster_blocks = 2}, out),
                               ErrorCode::malformed));
    }
    store_le<std::uint32_t>(packed, 100);
    for (std::uint8_t algorithm = 0; algorithm < 4; ++algorithm) {
        EXPECT_FALSE(f2fs::unpack_cluster(packed, {.algorithm = algorithm, .log_cluster_blocks = 2}, out).has_value());
    }
    EXPECT_TRUE(fails_with(f2fs::unpack_cluster(packed, {.algorithm = 9, .log_cluster_blocks = 2}, out),
                           ErrorCode::unsupported));
    EXPECT_TRUE(
        fails_with(f2fs::unpack_cluster(packed, {.algorithm = 1, .log_cluster_blocks = 2, .has_checksums = true}, out),
                   ErrorCode::malformed));
}

TEST(F2fsNames, AreRefusedWithoutTheirHash)
{
    constexpr std::size_t entries_at = 30;
    constexpr std::size_t names_at = entries_at + std::size_t{214} * 11;
    Bytes block(4096);
    block[0] = std::byte{1};
    const auto entry = std::span{block}.subspan(entries_at);
    store_le(entry, f2fs::name_hash("photo.jpg", f2fs::NameBytes::positive));
    store_le<std::uint32_t>(entry.subspan(4), 7);
    store_le<std::uint16_t>(entry.subspan(8), 9);
    entry[10] = std::byte{1};
    std::ranges::copy(as_bytes("photo.jpg"), block.begin() + names_at);
    const f2fs::NameRules rules{.is_encrypted = false, .is_casefolded = false, .node_end = 100};
    ext::Directory good;
    f2fs::parse_names(block, rules, good);
    ASSERT_EQ(good.entries.size(), 1U);
    EXPECT_EQ(good.entries[0].name, "photo.jpg");
    EXPECT_FALSE(good.damage.has_value());
    block[names_at] = std::byte{'q'};
    ext::Directory bad;
    f2fs::parse_names(block, rules, bad);
    EXPECT_TRUE(bad.entries.empty());
    EXPECT_TRUE(bad.damage.has_value());
}

} // namespace
} // namespace salvage::test
