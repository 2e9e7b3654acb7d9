// Hash lines of hashcat and john, both ways.
#include "salvage/fde/hash_lines.hpp"

#include <gtest/gtest.h>

#include "footer_builder.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "support/vectors.hpp"

namespace salvage::fde {
namespace {

using test::fails_with;
using test::is_ok;

std::string fde_line()
{
    return test::read_vectors(test::sample("fde/aosp.vec"), "Hash line").front().text("Line");
}
std::string samsung_line()
{
    return test::read_vectors(test::sample("fde/samsung.vec"), "Samsung EDK").back().text("Line");
}

TEST(HashLines, PublishedLinesComeBackAsTheyWere)
{
    for (const auto& line : {fde_line(), samsung_line()}) {
        const auto parsed = parse_hash_line(line);
        ASSERT_TRUE(is_ok(parsed));
        const auto formatted = format_hash_line(parsed->footer, parsed->sectors);
        ASSERT_TRUE(is_ok(formatted));
        EXPECT_EQ(*formatted, line);
    }
}

TEST(HashLines, WhatALineHoldsIsReadAndTheRestIsUnknown)
{
    const auto parsed = parse_hash_line("  " + fde_line() + "\r\n");
    ASSERT_TRUE(is_ok(parsed));
    EXPECT_EQ(parsed->sectors.size(), hash_line_sector_bytes);
    EXPECT_EQ(parsed->footer.kind, FooterKind::aosp);
    EXPECT_EQ(parsed->footer.kdf, Kdf::pbkdf2);
    EXPECT_EQ(parsed->footer.cipher, "aes-cbc-essiv:sha256");
    EXPECT_EQ(to_hex(parsed->footer.salts.front()), "ca56e82e7b5a9c2fc1e3b5a7d671c2f9");
    EXPECT_EQ(to_hex(parsed->footer.wrapped_key), "7c124af19ac913be0fc137b75a34b20d");
    EXPECT_EQ(parsed->footer.fs_size.value, 0U);
}

TEST(HashLines, AParsedFooterBecomesALine)
{
    const test_support::FooterPlan plan{
        .minor = 2, .ftr_size = 0xC0, .kdf = 1, .master_key = test_support::noise(32, 4)};
    const auto footer = parse_footer(build_footer(plan)).unwrap();
    const auto sectors = test_support::noise(hash_line_sector_bytes, 1);
    const auto line = format_hash_line(footer, sectors);
    ASSERT_TRUE(is_ok(line));
    const auto back = parse_hash_line(*line);
    ASSERT_TRUE(is_ok(back));
    EXPECT_EQ(back->footer.wrapped_key, footer.wrapped_key);
    EXPECT_EQ(back->footer.salts, footer.salts);
    EXPECT_EQ(back->sectors, sectors);
}

TEST(HashLines, FootersThatNoCrackerKnowsHaveNoLine)
{
    const auto sectors = test_support::noise(hash_line_sector_bytes, 1);
    const auto refused = [&](const test_support::FooterPlan& plan) {
        return fails_with(format_hash_line(parse_footer(build_footer(plan)).unwrap(), sectors), ErrorCode::unsupported);
    };
    EXPECT_TRUE(refused({.kdf = 2}));
    EXPECT_TRUE(refused({.flags = 1, .kdf = 1, .has_sik = false}));
    EXPECT_TRUE(refused({.cipher = "aes-cbc-plain64", .kdf = 1}));
    EXPECT_TRUE(refused({.cipher = "aes-xts", .kdf = 1}));
    EXPECT_TRUE(fails_with(format_hash_line({}, sectors), ErrorCode::unsupported));
    const auto footer = parse_footer(test_support::build_footer({.kdf = 1})).unwrap();
    EXPECT_TRUE(fails_with(format_hash_line(footer, {}), ErrorCode::invalid_argument));
}

TEST(HashLines, ErrorsSayWhereAndShowNoDigits)
{
    struct Case {
        std::string text;
        std::uint64_t at;
    };
    const std::string salt(32, 'a');
    const std::string key(32, 'b');
    const std::string data(3072, 'c');
    const std::array cases{Case{"", 0},
                           Case{"hello", 0},
                           Case{"$fde$", 5},
                           Case{"$fde$x$" + salt, 5},
                           Case{"$fde$17$" + salt, 5},
                           Case{"$fde$16$abc$", 8},
                           Case{"$fde$16$" + salt + "$24$" + key, 41},
                           Case{"$fde$16$" + salt + "$16$" + key, 76},
                           Case{"$fde$16$" + salt + "$16$" + key + "$" + data.substr(2), 77},
                           Case{"$fde$16$" + salt + "$16$" + key + "$" + data.substr(1) + "x", 77 + 3071},
                           Case{"$fde$16$" + salt + "$16$" + key + "$" + data + "$", 77 + 3073},
                           Case{std::string(159, 'a'), 0},
                           Case{std::string(159, 'a') + "g", 159}};
    for (const auto& [text, at] : cases) {
        const auto line = parse_hash_line(text);
        ASSERT_TRUE(fails_with(line, ErrorCode::malformed)) << text;
        ASSERT_TRUE(line.error().where.has_value()) << text;
        EXPECT_EQ(line.error().where->chain.front().at.value, at) << text << to_string(line.error());
        EXPECT_EQ(to_string(line.error()).find("aaaaaaaa"), std::string::npos);
    }
    EXPECT_TRUE(is_ok(parse_hash_line("$fde$16$" + salt + "$16$" + key + "$" + data)));
}

TEST(SalvageLine, CarriesAnyFooterWithWhatProvesItsKey)
{
    for (const std::uint8_t kdf : {std::uint8_t{1}, std::uint8_t{2}}) {
        const auto raw = test_support::build_footer({.kdf = kdf});
        const Bytes head(salvage_line_userdata_bytes, std::byte{0x5A});
        const auto line = format_salvage_line(raw, SectorIndex{2048}, head);
        ASSERT_TRUE(is_ok(line));
        const auto parsed = parse_hash_line(" " + *line + "\n");
        ASSERT_TRUE(is_ok(parsed));
        const auto footer = parse_footer(raw).unwrap();
        EXPECT_EQ(parsed->footer.kdf, footer.kdf);
        EXPECT_EQ(parsed->footer.salts, footer.salts);
        EXPECT_EQ(parsed->footer.wrapped_key, footer.wrapped_key);
        EXPECT_EQ(parsed->footer.scrypted_intermediate_key, footer.scrypted_intermediate_key);
        EXPECT_EQ(parsed->footer.fs_size, footer.fs_size);
        EXPECT_EQ(parsed->footer.is_sha256_valid, footer.is_sha256_valid);
        EXPECT_EQ(parsed->sectors, head);
        EXPECT_EQ(parsed->disk_lba, SectorIndex{2048});
    }
}

TEST(SalvageLine, WithoutUserdataEndsWithItsLastDollar)
{
    const auto raw = test_support::build_footer({.kdf = 2});
    const auto line = format_salvage_line(raw, SectorIndex{0}, {}).unwrap();
    EXPECT_TRUE(line.ends_with("$0$")) << line.substr(line.size() - 8);
    EXPECT_TRUE(parse_hash_line(line).unwrap().sectors.empty());
}

TEST(SalvageLine, OfWhatIsNoFooterOrTooLongIsRefused)
{
    EXPECT_FALSE(format_salvage_line(Bytes(4096), SectorIndex{0}, {}).has_value());
    const auto raw = test_support::build_footer({.kdf = 2});
    EXPECT_TRUE(fails_with(format_salvage_line(raw, SectorIndex{0}, Bytes(salvage_line_userdata_bytes + 1)),
                           ErrorCode::invalid_argument));
    const auto line = format_salvage_line(raw, SectorIndex{0}, {}).unwrap();
    EXPECT_TRUE(fails_with(parse_hash_line(line + "$"), ErrorCode::malformed));
    EXPECT_TRUE(fails_with(parse_hash_line("$salvage$2$00$0$"), ErrorCode::malformed));
    EXPECT_TRUE(fails_with(parse_hash_line("$salvage$1$0$0$"), ErrorCode::malformed)) << "half a byte";
    EXPECT_TRUE(fails_with(parse_hash_line("$salvage$1$00$x$"), ErrorCode::malformed));
    EXPECT_FALSE(parse_hash_line("$salvage$1$00$0$").has_value());
}

TEST(HashLines, EveryCutIsAnError)
{
    for (const auto& line : {fde_line(), samsung_line()}) {
        for (std::size_t size = 0; size < line.size(); ++size) {
            EXPECT_TRUE(fails_with(parse_hash_line(line.substr(0, size)), ErrorCode::malformed)) << size;
        }
    }
}

} // namespace
} // namespace salvage::fde
