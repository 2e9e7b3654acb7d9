// Secrets and keys as files hold them.
#include "salvage/rescue/secrets.hpp"

#include <gtest/gtest.h>

#include "fake_filesystem.hpp"
#include "salvage/io/output_file.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {
namespace {

using test::fails_with;
using test::is_ok;

class SecretFileTest : public ::testing::Test {
protected:
    std::filesystem::path file_with(ByteView bytes)
    {
        const auto path = folder_.path() / "file";
        EXPECT_TRUE(is_ok(io::write_file_atomically(path, bytes, io::Existing::replace)));
        return path;
    }

private:
    test::TemporaryFolder folder_;
};

TEST_F(SecretFileTest, OneNewlineAtTheEndOfASecretIsDropped)
{
    EXPECT_EQ(as_text(read_secret_file(file_with(as_bytes("1234\n"))).unwrap().expose()), "1234");
    EXPECT_EQ(as_text(read_secret_file(file_with(as_bytes("1234\n\n"))).unwrap().expose()), "1234\n");
    EXPECT_EQ(as_text(read_secret_file(file_with(as_bytes("12 34"))).unwrap().expose()), "12 34");
}

TEST_F(SecretFileTest, ARawKeyKeepsALastByteThatIsANewline)
{
    for (const std::size_t size : {16U, 32U, 64U}) {
        auto key = test::noise(size, 7);
        key.back() = std::byte{'\n'};
        const auto read = read_key_file(file_with(key));
        ASSERT_TRUE(is_ok(read)) << size;
        EXPECT_EQ(to_hex(read->expose()), to_hex(key));
        auto followed = key;
        followed.push_back(std::byte{'\n'});
        EXPECT_EQ(to_hex(read_key_file(file_with(followed)).unwrap().expose()), to_hex(key)) << "and one more";
    }
}

TEST_F(SecretFileTest, AKeyMayBeHexText)
{
    for (const std::size_t size : {16U, 32U, 64U}) {
        const auto key = test::noise(size, 8);
        EXPECT_EQ(to_hex(read_key_file(file_with(as_bytes(to_hex(key)))).unwrap().expose()), to_hex(key));
        EXPECT_EQ(to_hex(read_key_file(file_with(as_bytes(to_hex(key) + "\n"))).unwrap().expose()), to_hex(key));
    }
    const auto digits = as_bytes("0123456789abcdef");
    EXPECT_EQ(to_hex(read_key_file(file_with(digits)).unwrap().expose()), to_hex(digits)) << "no key has 8 bytes";
}

TEST_F(SecretFileTest, AnythingElseIsNoKey)
{
    EXPECT_TRUE(fails_with(read_key_file(file_with({})), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(read_key_file(file_with(test::noise(17, 9))), ErrorCode::invalid_argument));
}

} // namespace
} // namespace salvage::rescue
