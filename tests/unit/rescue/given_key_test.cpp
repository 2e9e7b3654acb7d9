// Volumes opened by a key that the user holds, with what the user says of their mapping.
#include <gtest/gtest.h>

#include "salvage/crypto/cipher.hpp"
#include "salvage/rescue/dm_mapping.hpp"
#include "salvage/rescue/open.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "unit/fde/small_volumes.hpp"

namespace salvage::rescue {
namespace {

using fde::test_support::DiskCipher;
using fde::test_support::encipher_volume;
using fde::test_support::f2fs_image;
using fde::test_support::noise;
using test::is_ok;

constexpr std::size_t volume_bytes = 65536;

class GivenKey : public ::testing::Test {
protected:
    OpenOutcome open_with(const DiskCipher& disk, std::optional<SectorSize> given)
    {
        DumpRequest dump;
        dump.path = folder_.write("userdata.img", encipher_volume(disk, key_, plain_));
        OpenRequest request;
        request.master_key = GivenMasterKey{.key = SecretBytes::copy_of(key_),
                                            .cipher = disk.is_xts ? "aes-xts-plain64" : "aes-cbc-essiv:sha256",
                                            .sector = given};
        auto outcome = open_userdata(open_dump(dump).value(), {}, request, {});
        EXPECT_TRUE(is_ok(outcome));
        return std::move(outcome).value();
    }

    Bytes key_ = noise(32, 3);
    Bytes plain_ = f2fs_image(volume_bytes);

private:
    test::TemporaryFolder folder_;
};

TEST_F(GivenKey, LargeSectorsAreCountedAsTheDataShow)
{
    for (const bool is_xts : {false, true}) {
        for (const bool counts_large : {false, true}) {
            const DiskCipher disk{.is_xts = is_xts, .is_essiv = !is_xts, .sector = 4096, .counts_large = counts_large};
            for (const auto& given : {std::optional<SectorSize>{}, std::optional{sector_4096()}}) {
                const auto outcome = open_with(disk, given);
                ASSERT_TRUE(outcome.volume) << is_xts << counts_large << given.has_value();
                EXPECT_EQ(io::read_all(*outcome.volume->plain, ByteCount{volume_bytes}).value(), plain_)
                    << "xts " << is_xts << ", counts large " << counts_large << ", given " << given.has_value();
            }
        }
    }
}

TEST_F(GivenKey, TheMappingForDmCryptNamesItsCipher)
{
    const test::TemporaryFolder folder;
    for (const std::string name :
         {"aes-cbc-essiv:sha256", "aes-cbc-plain64", "aes-xts-plain64", "xchacha12,aes-adiantum-plain64"}) {
        auto spec = crypto::parse_cipher_name(name).unwrap();
        spec.sector = sector_4096();
        auto volume = plain_;
        crypto::make_sector_cipher(spec, key_).unwrap()->encrypt(SectorIndex{0}, volume);
        DumpRequest dump;
        dump.path = folder.write(name, volume);
        OpenRequest request;
        request.master_key = GivenMasterKey{.key = SecretBytes::copy_of(key_), .cipher = name, .sector = sector_4096()};
        const auto opened = open_for_reading(dump, request, {});
        ASSERT_TRUE(is_ok(opened)) << name;
        const auto script = dmsetup_script(*opened, "key");
        ASSERT_TRUE(is_ok(script)) << name;
        EXPECT_NE(script->find(" crypt " + name + " $("), std::string::npos) << *script;
    }
}

} // namespace
} // namespace salvage::rescue
