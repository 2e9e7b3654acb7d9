// Every block of small volumes damaged in turn: nothing crashes or hangs, and what is unreadable makes no byte wrong.
#include <ctime>
#include <set>

#include <fmt/format.h>

#include "../fuzz/walk_filesystem.hpp"
#include "card_images.hpp"

namespace salvage::test {
namespace {

using filesystem::EntryType;

constexpr std::size_t block_bytes = 512;

enum class Damage : std::uint8_t { unreadable, zeros, ones, noise, flips };
std::ostream& operator<<(std::ostream& out, Damage damage)
{
    constexpr std::array names{"Unreadable", "Zeros", "Ones", "Noise", "Flips"};
    return out << names[static_cast<std::size_t>(damage)];
}

Bytes fat_image(const std::string& options, const std::string& size)
{
    const TemporaryFolder folder;
    const auto image = (folder.path() / "card.img").string();
    must_run(fat_tools("cd " + folder.path().string() + " && truncate -s " + size + " " + image + " && mkfs.vfat " +
                       options + " " + image + " && mmd -i " + image + " ::folder '::long folder name' && " +
                       "head -c 3000 /dev/zero | tr '\\0' x > a && cp a b && mcopy -i " + image +
                       " a ::folder && mcopy -i " + image +
                       " b '::long folder name/a long file name.txt' && mcopy -i " + image +
                       " b ::gone.txt && mdel -i " + image + " ::gone.txt"));
    return read_file(image);
}

Bytes image_of(const std::string& kind)
{
    if (kind == "fat12") {
        return fat_image("-F 12 -s 1", "160K");
    }
    if (kind == "fat32") {
        return fat_image("-F 32 -s 1", "34M");
    }
    return card_image(kind);
}

class CardDamage : public ::testing::TestWithParam<std::tuple<const char*, Damage>> {
protected:
    void SetUp() override
    {
        if (kind.starts_with("fat") && !have_fat_tools()) {
            GTEST_SKIP() << "dosfstools and mtools are not installed";
        }
        image = image_of(kind);
        const auto fs = open_image(image);
        for (const auto& [path, entry] : walk_all(*fs)) {
            if (entry.type != EntryType::file) {
                continue;
            }
            originals.emplace(path, content_of(*fs, entry.inode));
            note_content(*fs->open(entry.inode).value());
        }
        const auto deleted = fs->deleted_files({}).value();
        for (const auto& file : deleted) {
            if (file.content && file.confidence != filesystem::Confidence::low) {
                deleted_originals.emplace(file.folder + "/" + file.entry.name, content_of_deleted(file));
            }
        }
    }

    /// Blocks of plain content are no structure: changing them changes the file, and nobody can tell.
    void note_content(const io::ByteSource& file)
    {
        for (std::uint64_t at = 0; at < file.size().value; at += block_bytes) {
            content_blocks.insert(file.locate(ByteOffset{at}).chain.front().at.value / block_bytes);
        }
    }

    [[nodiscard]] std::vector<std::size_t> blocks() const
    {
        std::vector<std::size_t> out;
        for (std::size_t at = 0; at + block_bytes <= image.size(); at += block_bytes) {
            const bool is_used = !is_all_zero(ByteView{image}.subspan(at, block_bytes));
            if (is_used && !content_blocks.contains(at / block_bytes)) {
                out.push_back(at);
            }
        }
        return out;
    }

    void look(const io::SourcePtr& source)
    {
        ++tried;
        const auto fs = filesystem::open(source);
        fuzz::walk_opened(fs);
        if (!fs.has_value()) {
            return;
        }
        ++opened;
        fuzz::walk_deleted(fs);
        if (std::get<1>(GetParam()) == Damage::unreadable) {
            compare(**fs);
            compare_deleted(**fs);
        }
    }

    /// What can be read of a deleted file that is called high is what it was.
    void compare_deleted(const filesystem::FileSystem& fs)
    {
        const auto deleted = fs.deleted_files({}).value_or(std::vector<filesystem::DeletedFile>{});
        for (const auto& file : deleted) {
            const auto original = deleted_originals.find(file.folder + "/" + file.entry.name);
            if (file.confidence != filesystem::Confidence::high || !file.content) {
                continue;
            }
            ASSERT_NE(original, deleted_originals.end()) << file.entry.name;
            ASSERT_EQ(file.content->size().value, original->second.size()) << file.entry.name;
            const auto extents = file.content->extents(io::whole(*file.content)).value();
            for (const auto& extent : extents) {
                const auto bytes = io::read_bytes(*file.content, extent.range.start(), extent.range.size());
                ASSERT_TRUE(!bytes.has_value() ||
                            std::ranges::equal(
                                *bytes, ByteView{original->second}.subspan(extent.range.start().value, bytes->size())))
                    << file.entry.name;
            }
        }
    }

    static void find_files(const filesystem::FileSystem& fs, std::uint64_t folder, const std::string& path,
                           std::map<std::string, std::uint64_t>& out)
    {
        std::vector<filesystem::Entry> so_far;
        const auto listed = fs.list(folder, &so_far);
        for (const auto& entry : listed.has_value() ? *listed : so_far) {
            const auto name = path.empty() ? entry.name : path + "/" + entry.name;
            if (entry.type == EntryType::directory) {
                find_files(fs, entry.inode, name, out);
            } else {
                out.emplace(name, entry.inode);
            }
        }
    }

    /// What can be read is right.
    void compare(const filesystem::FileSystem& fs)
    {
        std::map<std::string, std::uint64_t> found;
        find_files(fs, fs.root().inode, "", found);
        for (const auto& [path, inode] : found) {
            ASSERT_TRUE(originals.contains(path)) << path;
            const auto& original = originals.at(path);
            const auto file = fs.open(inode);
            if (!file.has_value()) {
                continue;
            }
            ASSERT_EQ((*file)->size().value, original.size()) << path;
            const auto extents = (*file)->extents(io::whole(**file)).value();
            for (const auto& extent : extents) {
                const auto bytes = io::read_bytes(**file, extent.range.start(), extent.range.size());
                ASSERT_EQ(bytes.has_value(), extent.kind != io::ExtentKind::unreadable) << path;
                if (bytes.has_value()) {
                    ASSERT_TRUE(std::ranges::equal(
                        *bytes, ByteView{original}.subspan(extent.range.start().value, bytes->size())))
                        << path;
                    right += bytes->size();
                }
            }
        }
    }

    std::string kind{std::get<0>(GetParam())};
    Bytes image;
    std::map<std::string, Bytes> originals;
    std::map<std::string, Bytes> deleted_originals;
    std::set<std::uint64_t> content_blocks;
    std::size_t tried{0};
    std::size_t opened{0};
    std::uint64_t right{0};
};

TEST_P(CardDamage, EndsInAValueOrAnError)
{
    const auto damage = std::get<1>(GetParam());
    const auto whole = in_memory(image);
    // Of the largest one, noise of either kind in every third block: half a record is as good as its other half.
    const std::size_t step = kind == "ntfs" && (damage == Damage::ones || damage == Damage::noise) ? 3 : 1;
    const auto all = blocks();
    for (std::size_t i = 0; i < all.size(); i += step) {
        const auto at = all[i];
        SCOPED_TRACE(fmt::format("block at {:#x}", at));
        if (damage == Damage::unreadable) {
            look(io::make_with_bad_areas(whole, {ByteRange::between(ByteOffset{at}, ByteOffset{at + block_bytes})}));
        } else {
            auto bytes = image;
            const auto block = std::span{bytes}.subspan(at, block_bytes);
            switch (damage) {
            case Damage::zeros: std::ranges::fill(block, std::byte{0}); break;
            case Damage::ones: std::ranges::fill(block, std::byte{0xFF}); break;
            case Damage::noise: std::ranges::copy(noise(block_bytes, at), block.begin()); break;
            default: block[at / block_bytes * 37 % block_bytes] ^= std::byte{1} << at / block_bytes % 8; break;
            }
            look(in_memory(std::move(bytes)));
        }
        if (HasFatalFailure()) {
            return;
        }
    }
    EXPECT_GT(tried, 10U);
    EXPECT_GE(opened + 4, tried);
    EXPECT_TRUE(damage != Damage::unreadable || right > tried * 1000);
}

INSTANTIATE_TEST_SUITE_P(All, CardDamage,
                         ::testing::Combine(::testing::Values("fat12", "fat32", "exfat", "ntfs"),
                                            ::testing::Values(Damage::unreadable, Damage::zeros, Damage::ones,
                                                              Damage::noise, Damage::flips)),
                         [](const auto& one) {
                             return (std::ostringstream{} << std::get<0>(one.param) << std::get<1>(one.param)).str();
                         });

/// Which boot sector it is read by.
enum class Expected : std::uint8_t { own, backup };

struct Evil {
    const char* name;
    std::size_t at;
    std::uint64_t value;
    std::size_t bytes;
    Expected expected;
};

class EvilFat : public ::testing::TestWithParam<Evil> {};

TEST_P(EvilFat, IsRefusedOrReadInTime)
{
    if (!have_fat_tools()) {
        GTEST_SKIP() << "dosfstools and mtools are not installed";
    }
    auto bytes = image_of("fat32");
    for (std::size_t i = 0; i < GetParam().bytes; ++i) {
        bytes[GetParam().at + i] = static_cast<std::byte>(GetParam().value >> (8 * i) & 0xFFU);
    }
    const auto since = std::clock();
    const auto fs = filesystem::open(in_memory(std::move(bytes)));
    ASSERT_TRUE(is_ok(fs));
    EXPECT_EQ(has_finding(**fs, "fat-backup-boot-sector"), GetParam().expected == Expected::backup);
    fuzz::walk_opened(fs);
    fuzz::walk_deleted(fs);
    EXPECT_LT(static_cast<double>(std::clock() - since) / CLOCKS_PER_SEC, 10.0); // of the processor, not of the clock
}

INSTANTIATE_TEST_SUITE_P(All, EvilFat,
                         ::testing::Values(Evil{"MostSectors", 32, 0xFFFFFFFF, 4, Expected::own},
                                           Evil{"LargestTable", 36, 0x00FFFFFF, 4, Expected::backup},
                                           Evil{"RootOutside", 44, 0x0FFFFFF0, 4, Expected::backup},
                                           Evil{"ClusterOf64K", 13, 0x80, 1, Expected::own},
                                           Evil{"SectorOf4096", 11, 4096, 2, Expected::own},
                                           Evil{"NoReserved", 14, 0, 2, Expected::backup},
                                           Evil{"RootInItself", 32 * 512 + 8, 2, 4, Expected::own}),
                         [](const auto& one) { return std::string{one.param.name}; });

} // namespace
} // namespace salvage::test
