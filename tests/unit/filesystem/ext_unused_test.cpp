// Unused areas against dumpe2fs, on volumes whose bitmaps are whole and on such whose are not.
#include <algorithm>
#include <regex>

#include "trees.hpp"

namespace salvage::test {
namespace {

/// The free blocks that dumpe2fs lists group by group, as areas.
std::vector<ByteRange> areas_of_dumpe2fs(const std::filesystem::path& image, std::uint64_t block_bytes,
                                         std::uint64_t cluster_blocks)
{
    std::istringstream text{must_run(tools("dumpe2fs " + image.string() + " 2>/dev/null"))};
    std::vector<ByteRange> out;
    for (std::string line; std::getline(text, line);) {
        static const std::regex of_group{R"(^  Free blocks: (.*)$)"};
        std::smatch found;
        if (!std::regex_match(line, found, of_group)) {
            continue;
        }
        static const std::regex run{R"((\d+)(-(\d+))?)"};
        const auto list = found[1].str();
        for (auto at = std::sregex_iterator{list.begin(), list.end(), run}; at != std::sregex_iterator{}; ++at) {
            const auto first = std::stoull((*at)[1]);
            const auto last = (*at)[3].matched ? std::stoull((*at)[3]) : first;
            const ByteOffset start{first * block_bytes};
            const ByteOffset end{(last + cluster_blocks) * block_bytes}; // the last is the first block of its cluster
            if (!out.empty() && out.back().end() == start) {
                out.back() = ByteRange::between(out.back().start(), end);
            } else {
                out.push_back(ByteRange::between(start, end));
            }
        }
    }
    return out;
}

struct Layout {
    const char* name;
    const char* options;
    const char* size;
    std::uint64_t block_bytes;
    std::uint64_t cluster_blocks{1};
};
std::ostream& operator<<(std::ostream& out, const Layout& layout)
{
    return out << layout.options;
}

constexpr std::array layouts{
    Layout{.name = "Ext2", .options = "-t ext2 -b 1024", .size = "20M", .block_bytes = 1024},
    Layout{.name = "Ext4", .options = "-t ext4 -b 4096", .size = "20M", .block_bytes = 4096},
    Layout{.name = "SmallGroups",
           .options = "-t ext4 -b 1024 -g 1024 -O ^resize_inode",
           .size = "20M",
           .block_bytes = 1024},
    Layout{.name = "UninitGroups",
           .options = "-t ext4 -b 1024 -g 2048 -O ^metadata_csum,uninit_bg,^resize_inode",
           .size = "20M",
           .block_bytes = 1024},
    Layout{.name = "WithoutFlexGroups",
           .options = "-t ext4 -b 1024 -O ^flex_bg,^resize_inode",
           .size = "20M",
           .block_bytes = 1024},
    Layout{.name = "MetaGroups",
           .options = "-t ext4 -b 1024 -g 1024 -O meta_bg,^resize_inode",
           .size = "40M",
           .block_bytes = 1024},
    Layout{.name = "SparseSuper2", .options = "-t ext4 -b 1024 -O sparse_super2", .size = "40M", .block_bytes = 1024},
    Layout{.name = "Clusters",
           .options = "-t ext4 -b 1024 -O extent,filetype,bigalloc -C 8192",
           .size = "24M",
           .block_bytes = 1024,
           .cluster_blocks = 8},
};

class ExtUnused : public ::testing::TestWithParam<Layout> {
protected:
    void SetUp() override
    {
        if (!have_e2fsprogs()) {
            GTEST_SKIP() << "e2fsprogs is not installed";
        }
        path = tree.image(GetParam().options, GetParam().size);
        Tree::debugfs(path, "rm large\nrm one-block\n");
        image = read_file(path);
        expected = areas_of_dumpe2fs(path, GetParam().block_bytes, GetParam().cluster_blocks);
        ASSERT_FALSE(expected.empty());
    }
    /// The bitmap blocks that dumpe2fs names.
    [[nodiscard]] std::vector<std::uint64_t> bitmaps() const
    {
        const auto text = must_run(tools("dumpe2fs " + path.string() + " 2>/dev/null"));
        std::vector<std::uint64_t> out;
        static const std::regex place{R"(Block bitmap at (\d+))"};
        for (auto at = std::sregex_iterator{text.begin(), text.end(), place}; at != std::sregex_iterator{}; ++at) {
            out.push_back(std::stoull((*at)[1]));
        }
        return out;
    }
    Tree tree;
    std::filesystem::path path;
    Bytes image;
    std::vector<ByteRange> expected;
};

TEST_P(ExtUnused, AreThoseOfDumpe2fs)
{
    EXPECT_EQ(open_image(image)->unused_areas().value(), expected);
}

TEST_P(ExtUnused, AreTheSameWhenTheBitmapsAreZero)
{
    for (const auto block : bitmaps()) {
        const auto bytes = std::span{image}.subspan(block * GetParam().block_bytes, GetParam().block_bytes);
        std::ranges::fill(bytes, std::byte{0});
    }
    EXPECT_EQ(open_image(image)->unused_areas().value(), expected);
}

TEST_P(ExtUnused, AreTheSameWhenABitmapCannotBeRead)
{
    std::vector<ByteRange> bad;
    for (const auto block : bitmaps()) {
        bad.push_back(*ByteRange::make(ByteOffset{block * GetParam().block_bytes}, ByteCount{GetParam().block_bytes}));
    }
    const auto fs = filesystem::open(io::make_with_bad_areas(in_memory(image), bad)).value();
    EXPECT_EQ(fs->unused_areas().value(), expected);
}

TEST_P(ExtUnused, AreLeftOutWhereItCannotBeKnown)
{
    // No bitmap and a part of the inode table gone: what those inodes use could be anywhere in the group.
    const auto text = Tree::ask(path, "imap media");
    const auto table = std::stoull(text.substr(text.find("at block ") + 9));
    std::vector<ByteRange> bad{
        *ByteRange::make(ByteOffset{table * GetParam().block_bytes}, ByteCount{GetParam().block_bytes})};
    const auto first = bitmaps().front();
    bad.push_back(*ByteRange::make(ByteOffset{first * GetParam().block_bytes}, ByteCount{GetParam().block_bytes}));
    std::ranges::sort(bad, {}, [](const ByteRange& range) { return range.start().value; });
    const auto fs = filesystem::open(io::make_with_bad_areas(in_memory(image), bad)).value();
    const auto areas = fs->unused_areas().value();
    for (const auto& area : areas) {
        const bool is_unused = std::ranges::any_of(expected, [&](const ByteRange& range) {
            return range.start() <= area.start() && area.end() <= range.end();
        });
        EXPECT_TRUE(is_unused) << area.start().value;
        const auto group_blocks =
            std::regex_search(std::string{GetParam().options}, std::regex{"-g 1024"}) ? 1024U : 2048U;
        EXPECT_GE(area.start().value, group_blocks * GetParam().block_bytes);
    }
}

INSTANTIATE_TEST_SUITE_P(All, ExtUnused, ::testing::ValuesIn(layouts),
                         [](const auto& layout) { return std::string{layout.param.name}; });

} // namespace
} // namespace salvage::test
