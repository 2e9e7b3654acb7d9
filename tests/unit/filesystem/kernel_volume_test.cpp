// A volume that a stock kernel wrote through dm-crypt: every file must be as the kernel saw it.
#include <algorithm>
#include <sstream>

#include "images.hpp"

namespace salvage::test {
namespace {

using filesystem::Entry;
using filesystem::EntryType;

constexpr std::string_view master_key_hex = "aa9c2dd12dcfb9d9b83bb4a83d9a7034";
constexpr std::size_t mapped_bytes = 16760832;

void crypt(const EVP_CIPHER* cipher, ByteView key, const unsigned char* iv, int is_encryption, ByteView in,
           std::span<std::byte> out)
{
    auto* const context = EVP_CIPHER_CTX_new();
    int count = 0;
    EVP_CipherInit_ex(context, cipher, nullptr, as_uchar(key), iv, is_encryption);
    EVP_CIPHER_CTX_set_padding(context, 0);
    EVP_CipherUpdate(context, as_uchar(out), &count, as_uchar(in), static_cast<int>(in.size()));
    EVP_CIPHER_CTX_free(context);
}

/// aes-cbc-essiv:sha256: the IV of a sector is its number, encrypted under the hash of the key.
Bytes decrypted(ByteView cipher_text, ByteView key)
{
    const auto salt = *from_hex(sha256(key));
    Bytes out(cipher_text.size());
    for (std::size_t sector = 0; sector * 512 < out.size(); ++sector) {
        std::array<std::byte, 16> number{};
        std::array<std::byte, 16> iv{};
        store_le<std::uint64_t>(number, sector);
        crypt(EVP_aes_256_ecb(), salt, nullptr, 1, number, iv);
        crypt(EVP_aes_128_cbc(), key, as_uchar(ByteView{iv}), 0, cipher_text.subspan(sector * 512, 512),
              std::span{out}.subspan(sector * 512, 512));
    }
    return out;
}

std::vector<std::vector<std::string>> table(const std::filesystem::path& path)
{
    std::ifstream file{path};
    std::vector<std::vector<std::string>> out;
    for (std::string line; std::getline(file, line);) {
        std::vector<std::string> fields;
        std::istringstream stream{line};
        for (std::string field; std::getline(stream, field, '\t');) {
            fields.push_back(field);
        }
        out.push_back(fields);
    }
    out.erase(out.begin()); // heading
    return out;
}

class KernelVolume : public ::testing::Test {
protected:
    void SetUp() override
    {
        const auto image = foreign("dmcrypt/small-cbc-essiv-128.ext4.img.zst");
        if (!image) {
            GTEST_SKIP() << "other people's sample files are not present: dmcrypt";
        }
        const auto packed = unpacked(*image);
        plain = decrypted(ByteView{packed}.first(mapped_bytes), *from_hex(master_key_hex));
        // From the sample's .json: what the kernel itself decrypted.
        ASSERT_EQ(sha256(plain), "7a44317e161015101eadd7b72124f43fe70b3b14e3671d4bdcf1b49c06013260");
        fs = open_image(plain);
    }
    Bytes plain;
    std::unique_ptr<const filesystem::FileSystem> fs;
};

char letter_of(EntryType type)
{
    switch (type) {
    case EntryType::file: return 'f';
    case EntryType::directory: return 'd';
    case EntryType::symlink: return 'l';
    case EntryType::fifo: return 'p';
    default: return '?';
    }
}

std::string attributes_text(const filesystem::ExtendedAttributes& attributes)
{
    std::string out;
    for (const auto& [name, value] : attributes) {
        out += (out.empty() ? "" : ",") + name + "=0x" + to_hex(value);
    }
    return out.empty() ? "-" : out;
}

TEST_F(KernelVolume, EveryRowOfTheListingIsEqual)
{
    const auto rows = table(*foreign("dmcrypt/small-cbc-essiv-128.ext4.files.tsv"));
    const auto entries = walk_all(*fs);
    EXPECT_EQ(entries.size(), rows.size());
    for (const auto& row : rows) {
        const auto& path = row.at(9);
        const auto found = entries.find(path);
        ASSERT_NE(found, entries.end()) << path;
        const auto& entry = found->second;
        EXPECT_EQ(std::string(1, letter_of(entry.type)), row.at(0)) << path;
        EXPECT_EQ(std::to_string(entry.size.value), row.at(1)) << path;
        EXPECT_EQ(entry.mode, std::stoul(row.at(3), nullptr, 8)) << path;
        EXPECT_EQ(std::to_string(entry.uid), row.at(4)) << path;
        EXPECT_EQ(std::to_string(entry.gid), row.at(5)) << path;
        EXPECT_EQ(std::to_string(entry.modified.seconds), row.at(6)) << path;
        EXPECT_EQ(std::to_string(entry.links), row.at(7)) << path;
        if (entry.type == EntryType::file) {
            EXPECT_EQ(sha256(content_of(*fs, entry.inode)), row.at(2)) << path;
        }
        if (entry.type == EntryType::symlink) {
            EXPECT_EQ(fs->read_link(entry.inode).value(), row.at(10)) << path;
        }
        if (const auto attributes = fs->extended_attributes(entry.inode); row.size() > 11) {
            ASSERT_TRUE(is_ok(attributes)) << path;
            EXPECT_EQ(attributes_text(*attributes), row.at(11)) << path;
        }
    }
}

TEST_F(KernelVolume, DeletedNamesAreAbsent)
{
    const auto entries = walk_all(*fs);
    for (const auto& row : table(*foreign("dmcrypt/small-cbc-essiv-128.ext4.deleted.tsv"))) {
        EXPECT_FALSE(entries.contains(row.at(0))) << row.at(0);
    }
}

TEST_F(KernelVolume, HasNothingToReport)
{
    EXPECT_EQ(fs->kind(), "ext4");
    for (const auto& finding : fs->findings()) {
        ADD_FAILURE() << finding.code << ": " << finding.text;
    }
}

} // namespace
} // namespace salvage::test
