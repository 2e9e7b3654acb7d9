// One tree in every form that mkfs.erofs writes: all of it as the kernel showed it when the images were made.
#include <fmt/format.h>

#include "erofs_images.hpp"

namespace salvage::test {
namespace {

using filesystem::Entry;
using filesystem::EntryType;

/// A row of tests/data/erofs/tree.tsv.
struct Row {
    std::string path;
    unsigned mode;
    unsigned uid;
    unsigned gid;
    unsigned links;
    std::string size;
    std::int64_t time;
    std::string device;
    std::string digest;
    std::string target;
    AttributeMap attributes;
};

AttributeMap attributes_in(const std::string& text)
{
    AttributeMap out;
    std::istringstream stream{text};
    for (std::string part; std::getline(stream, part, ',') && part != "-";) {
        const auto equals = part.find('=');
        out.emplace(part.substr(0, equals), part.substr(equals + 1));
    }
    return out;
}

std::vector<Row> rows()
{
    std::vector<Row> out;
    const auto lines = rows_of(sample("erofs/tree.tsv"));
    for (const auto& field : lines) {
        out.push_back({.path = field.at(0),
                       .mode = static_cast<unsigned>(std::stoul(field.at(1), nullptr, 8)),
                       .uid = static_cast<unsigned>(std::stoul(field.at(2))),
                       .gid = static_cast<unsigned>(std::stoul(field.at(3))),
                       .links = static_cast<unsigned>(std::stoul(field.at(4))),
                       .size = field.at(5),
                       .time = std::stoll(field.at(6)),
                       .device = field.at(7),
                       .digest = field.at(8),
                       .target = field.at(9),
                       .attributes = attributes_in(field.at(10))});
    }
    return out;
}

class ErofsSamples : public ::testing::TestWithParam<const char*> {
protected:
    std::unique_ptr<const filesystem::FileSystem> fs = open_image(erofs_sample(GetParam()));
    bool is_plain = std::string_view{GetParam()} == "compact-inodes"; ///< all of root's, of one time, no attributes

    void compare(const Row& row, const Entry& entry) const
    {
        EXPECT_EQ(entry.mode, row.mode & 07777U);
        EXPECT_EQ(entry.links, row.links);
        EXPECT_EQ(entry.uid, is_plain ? 0 : row.uid);
        EXPECT_EQ(entry.gid, is_plain ? 0 : row.gid);
        EXPECT_EQ(entry.modified.total_nanoseconds(), is_plain ? 1'500'000'000'000'000'000 : row.time);
        EXPECT_EQ(attributes_of(*fs, entry.inode), is_plain ? AttributeMap{} : row.attributes);
        const bool is_device = entry.type == EntryType::character_device;
        EXPECT_EQ(is_device ? fmt::format("{}:{}", entry.device >> 32U, entry.device & 0xFFFFFFFFU) : "0:0",
                  row.device);
        if (row.size != "-") {
            EXPECT_EQ(std::to_string(entry.size.value), row.size);
        }
        if (entry.type == EntryType::file) {
            EXPECT_EQ(sha256(content_of(*fs, entry.inode)), row.digest);
        }
        if (entry.type == EntryType::symlink) {
            EXPECT_EQ(fs->read_link(entry.inode).value(), row.target);
        }
    }
};

TEST_P(ErofsSamples, AreAsTheTreeWas)
{
    EXPECT_EQ(fs->kind(), "erofs");
    for (const auto& finding : fs->findings()) {
        ADD_FAILURE() << finding.code << ": " << finding.text;
    }
    const auto all = rows();
    ASSERT_GT(all.size(), 20U);
    const auto entries = walk_all(*fs);
    EXPECT_EQ(entries.size(), all.size());
    for (const auto& row : all) {
        SCOPED_TRACE(row.path);
        const auto found = entries.find(row.path);
        ASSERT_NE(found, entries.end());
        compare(row, found->second);
    }
}

TEST_P(ErofsSamples, AreTheSameReadInPieces)
{
    for (const auto& [path, entry] : walk_all(*fs)) {
        if (entry.type != EntryType::file) {
            continue;
        }
        const auto source = fs->open(entry.inode).value();
        const auto whole = content_of(*fs, entry.inode);
        for (std::uint64_t at = 0; at < whole.size(); at += 997) {
            const auto count = std::min<std::uint64_t>(1500, whole.size() - at);
            const auto piece = io::read_bytes(*source, ByteOffset{at}, ByteCount{count});
            ASSERT_TRUE(is_ok(piece)) << path << " at " << at;
            ASSERT_TRUE(std::ranges::equal(*piece, ByteView{whole}.subspan(at, count))) << path << " at " << at;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Forms, ErofsSamples,
                         ::testing::Values("plain", "no-tails", "compact-inodes", "shared", "chunks", "chunk-indexes",
                                           "lz4", "lz4-large", "lz4-tails", "lz4-full", "lz4-fragments",
                                           "lz4-all-fragments", "lz4-dedupe", "lz4-blocks-of-512", "lz4-blocks-of-16k",
                                           "lzma", "lzma-dedupe", "deflate", "zstd", "zstd-dedupe", "two-algorithms",
                                           "prefixes", "fragment-prefixes"),
                         [](const auto& name) {
                             std::string out{name.param};
                             std::ranges::replace(out, '-', '_');
                             return out;
                         });

TEST(ErofsRefused, FortyEightBits)
{
    const auto opened = filesystem::open(in_memory(erofs_sample("refused-48bit")));
    ASSERT_TRUE(fails_with(opened, ErrorCode::unsupported));
    EXPECT_NE(opened.error().why.find("48bit"), std::string::npos) << to_string(opened.error());
    EXPECT_FALSE(opened.error().hint.empty());
}

TEST(ErofsHoles, AreHoles)
{
    const auto fs = open_image(erofs_sample("chunks"));
    const auto file = fs->open(filesystem::find_path(*fs, "folder/deeper/holes")->inode).value();
    const auto extents = file->extents(io::whole(*file)).value();
    ASSERT_EQ(extents.size(), 2U);
    EXPECT_EQ(extents[0].kind, io::ExtentKind::hole);
    EXPECT_EQ(extents[0].range.size().value, 8192U);
}

TEST(ErofsUnused, NothingWasEverDeleted)
{
    const auto fs = open_image(erofs_sample("plain"));
    EXPECT_TRUE(fs->unused_areas().value().empty());
}

TEST(ErofsLocate, NamesThePlaceInTheImage)
{
    const auto fs = open_image(erofs_sample("plain"));
    const auto file = fs->open(filesystem::find_path(*fs, "noise")->inode).value();
    const auto where = file->locate(ByteOffset{1000}).chain.front();
    const auto image = erofs_sample("plain");
    const auto expected = io::read_bytes(*file, ByteOffset{1000}, ByteCount{100}).value();
    EXPECT_TRUE(std::ranges::equal(ByteView{image}.subspan(where.at.value, 100), expected));
}

} // namespace
} // namespace salvage::test
