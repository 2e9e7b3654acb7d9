// Sector ciphers against qemu, which deciphers LUKS volumes with Nettle or GnuTLS: a second implementation of the same
// dm-crypt modes.  A bare volume of ours gets a LUKS header that holds its key; qemu must read our plain text.
#include <gtest/gtest.h>

#include <string>

#include "salvage/crypto/cipher.hpp"
#include "support/files.hpp"

namespace salvage::crypto {
namespace {

struct Volume {
    std::string_view cipher;
    std::size_t key_bytes;
};

class LuksVolume : public ::testing::TestWithParam<Volume> {};

Bytes noise(std::size_t size, std::uint64_t seed)
{
    Bytes bytes(size);
    for (auto& byte : bytes) {
        seed = (seed * 6364136223846793005ULL) + 1442695040888963407ULL;
        byte = static_cast<std::byte>(seed >> 56U);
    }
    return bytes;
}

TEST_P(LuksVolume, IsReadByQemuAsWeEncipheredIt)
{
    if (!test::run_command("command -v qemu-img && PATH=$PATH:/sbin:/usr/sbin command -v cryptsetup")) {
        GTEST_SKIP() << "qemu-img or cryptsetup is not installed";
    }
    const auto& [name, key_bytes] = GetParam();
    const auto key = noise(key_bytes, 11);
    const auto plain = noise(1U << 20U, 12);
    auto ciphered = plain;
    make_sector_cipher(parse_cipher_name(name).unwrap(), key).unwrap()->encrypt(SectorIndex{0}, ciphered);

    const test::TemporaryFolder folder;
    std::ignore = folder.write("key", key);
    std::ignore = folder.write("password", as_bytes("pw"));
    std::ignore = folder.write("volume", ciphered);
    const auto script = "cd '" + folder.path().string() +
                        "' && PATH=$PATH:/sbin:/usr/sbin && truncate -s 4M header && " +
                        "cryptsetup luksFormat -q --type luks1 --cipher " + std::string{name} +
                        " --hash sha256 --key-size " + std::to_string(key_bytes * 8) +
                        " --master-key-file key --key-file password --pbkdf-force-iterations 1000 header 2>&1 && " +
                        "size=$(cryptsetup luksDump header | awk '/Payload offset/{print $3*512}') && " +
                        "head -c $size header > luks && cat volume >> luks && " +
                        "qemu-img convert --object secret,id=s0,file=password -O raw --image-opts "
                        "driver=luks,key-secret=s0,file.driver=file,file.filename=luks plain 2>&1";
    ASSERT_TRUE(test::run_command(script)) << "cryptsetup or qemu-img failed: " << script;
    EXPECT_TRUE(test::read_file(folder.path() / "plain") == plain);
}

INSTANTIATE_TEST_SUITE_P(Ciphers, LuksVolume,
                         ::testing::Values(Volume{"aes-cbc-essiv:sha256", 16}, Volume{"aes-cbc-essiv:sha256", 32},
                                           Volume{"aes-cbc-plain64", 32}, Volume{"aes-cbc-plain", 16},
                                           Volume{"aes-xts-plain64", 32}, Volume{"aes-xts-plain64", 64}));

} // namespace
} // namespace salvage::crypto
