// dm-crypt cipher names.
#include <gtest/gtest.h>

#include <string>

#include "salvage/crypto/cipher.hpp"
#include "support/assert_result.hpp"

namespace salvage::crypto {
namespace {

using test::fails_with;
using test::is_ok;

TEST(CipherName, SaysModeAndIvRule)
{
    struct Case {
        std::string_view name;
        CipherMode mode;
        IvRule iv;
    };
    for (const auto& [name, mode, iv] :
         {Case{"aes-cbc-essiv:sha256", CipherMode::cbc, IvRule::essiv_sha256},
          Case{"aes-cbc-plain", CipherMode::cbc, IvRule::plain},
          Case{"aes-cbc-plain:sha1", CipherMode::cbc, IvRule::plain},
          Case{"aes-cbc-plain64", CipherMode::cbc, IvRule::plain64},
          Case{"aes-xts-plain", CipherMode::xts, IvRule::plain},
          Case{"aes-xts-plain64", CipherMode::xts, IvRule::plain64},
          Case{"xchacha12,aes-adiantum-plain64", CipherMode::adiantum_xchacha12, IvRule::plain64},
          Case{"xchacha12,aes-adiantum-plain", CipherMode::adiantum_xchacha12, IvRule::plain},
          Case{"xchacha20,aes-adiantum-plain64", CipherMode::adiantum_xchacha20, IvRule::plain64}}) {
        const auto spec = parse_cipher_name(name);
        ASSERT_TRUE(is_ok(spec)) << name;
        EXPECT_EQ(*spec, (SectorCipherSpec{.mode = mode, .iv = iv})) << name;
        if (name != "aes-cbc-plain:sha1") {
            EXPECT_EQ(to_string(*spec), name);
        }
    }
}

TEST(CipherName, NamesTheHardwareThatKeepsTheKey)
{
    struct Case {
        std::string_view name;
        std::string_view whose;
    };
    for (const auto& [name, whose] : {Case{"aes-xts", "Qualcomm"}, Case{"aes-xts-fmp", "Samsung"},
                                      Case{"aes-xts-disk", "Samsung"}, Case{"speck128-xts-plain64", "Speck"}}) {
        const auto spec = parse_cipher_name(name);
        ASSERT_TRUE(fails_with(spec, ErrorCode::unsupported)) << name;
        EXPECT_NE(spec.error().what.find(name), std::string::npos);
        EXPECT_NE(spec.error().why.find(whose), std::string::npos) << spec.error().why;
        EXPECT_FALSE(spec.error().hint.empty());
    }
}

TEST(CipherName, RefusesWhatItDoesNotKnow)
{
    const std::string long_name(4000, 'a');
    for (const std::string_view name :
         {std::string_view{""}, std::string_view{"aes"}, std::string_view{"aes-cbc-essiv:sha2566"},
          std::string_view{"AES-CBC-ESSIV:SHA256"}, std::string_view{"aes-cbc-essiv:sha256\0", 21},
          std::string_view{"\x1b[2J\xff"}, std::string_view{long_name}}) {
        const auto spec = parse_cipher_name(name);
        ASSERT_TRUE(fails_with(spec, ErrorCode::unsupported));
        EXPECT_EQ(spec.error().what.find('\x1b'), std::string::npos) << "a terminal would obey it";
        EXPECT_LT(spec.error().what.size(), 400U);
    }
}

TEST(CipherName, ShowsWhatDiffersFromTheUsual)
{
    const SectorCipherSpec spec{.mode = CipherMode::xts,
                                .iv = IvRule::plain64,
                                .sector = sector_4096(),
                                .iv_counts_large_sectors = true,
                                .iv_base = SectorIndex{2048}};
    EXPECT_EQ(to_string(spec),
              "aes-xts-plain64, 4096-byte sectors counted as such in the IV, IV counted from sector 2048");
}

} // namespace
} // namespace salvage::crypto
