// FAT and exFAT whose fields lie: no folder costs more than the dump has, and nothing is surer than it can be.
#include <ctime>

#include "exfat_sets.hpp"
#include "salvage/io/views.hpp"

namespace salvage::test {
namespace {

using filesystem::Confidence;

class Memo final : public Log {
public:
    void write(std::string_view event, std::string_view /*text*/) override { events.emplace_back(event); }
    std::vector<std::string> events;
};

double processor_seconds(std::clock_t since)
{
    return static_cast<double>(std::clock() - since) / CLOCKS_PER_SEC;
}

constexpr std::size_t heap_at = 40UL * 512;

/// The kept exFAT with clusters of 32 MiB: the first of them is cut by the end of the dump, the others lie beyond.
Bytes exfat_of_large_clusters()
{
    auto image = card_image("exfat");
    image[109] = std::byte{16};
    store_le<std::uint64_t>(std::span{image}.subspan(72), 40 + 2008ULL * 65536);
    store_le<std::uint32_t>(std::span{image}.subspan(96), 2);
    store_le<std::uint32_t>(std::span{image}.subspan(exfat_link_at(image, 2)), 0xFFFFFFFF);
    std::fill(image.begin() + heap_at, image.end(), std::byte{0});
    return image;
}

void put(Bytes& image, std::size_t at, const Bytes& bytes)
{
    std::ranges::copy(bytes, image.begin() + static_cast<std::ptrdiff_t>(at));
}

TEST(ExfatLies, FoldersBeyondTheDumpAreLostInOneStep)
{
    auto image = exfat_of_large_clusters();
    constexpr std::size_t folders = 40;
    for (std::size_t i = 0; i < folders; ++i) {
        put(image, heap_at + i * 3 * exfat_slot, exfat_folder('a', static_cast<std::uint32_t>(2 + i), 256ULL << 20U));
    }
    const auto fs = open_image(std::move(image));
    const auto since = std::clock();
    std::vector<filesystem::Entry> entries;
    EXPECT_FALSE(fs->list(fs->root().inode, &entries).has_value()); // its cluster is cut
    ASSERT_EQ(entries.size(), folders);
    for (const auto& entry : entries) {
        std::vector<filesystem::Entry> so_far;
        EXPECT_TRUE(fails_with(fs->list(entry.inode, &so_far), ErrorCode::unreadable));
    }
    EXPECT_LT(processor_seconds(since), 8.0);
}

TEST(ExfatLies, FoldersOverEachOtherAreSearchedWithinABudget)
{
    auto image = card_image("exfat");
    const auto root = heap_at + 13UL * 512; // cluster 15
    std::fill_n(image.begin() + static_cast<std::ptrdiff_t>(root + 5 * exfat_slot), 10 * exfat_slot, std::byte{0});
    put(image, root + 5 * exfat_slot, exfat_folder('a', 100, 900'000));
    for (std::size_t i = 0; i < 1800; ++i) {
        put(image, heap_at + 98UL * 512 + i * 512, exfat_folder('b', static_cast<std::uint32_t>(101 + i), 900'000));
    }
    const auto fs = open_image(std::move(image));
    Memo memo;
    RunContext context;
    context.log = &memo;
    const auto since = std::clock();
    EXPECT_TRUE(is_ok(fs->deleted_files(context)));
    EXPECT_EQ(memo.events, std::vector<std::string>{"deleted.cut"});
    EXPECT_LT(processor_seconds(since), 8.0);
    Memo silent;
    context.log = &silent;
    EXPECT_TRUE(is_ok(open_image(card_image("exfat"))->deleted_files(context)));
    EXPECT_TRUE(silent.events.empty());
}

TEST(ExfatLies, WhatIsUnusedLiesInTheDump)
{
    for (const std::string kind : {"exfat", "ntfs"}) {
        auto image = card_image(kind);
        const auto size = image.size() / 4 * 3;
        image.resize(size);
        const auto areas = open_image(std::move(image))->unused_areas();
        ASSERT_TRUE(is_ok(areas)) << kind;
        ASSERT_FALSE(areas->empty()) << kind;
        EXPECT_LE(areas->back().end().value, size) << kind;
    }
}

class DeletedExfat : public ::testing::Test {
protected:
    filesystem::DeletedFile photo()
    {
        fs = open_image(image);
        deleted = fs->deleted_files({}).value();
        const auto* const found = find_deleted(deleted, "/", "deleted.jpg");
        if (found == nullptr) {
            throw std::runtime_error{"the photo is gone"};
        }
        return *found;
    }

    /// The photo's clusters as a chain in the table; `count` of them.
    void chain(std::uint32_t count)
    {
        set.set_contiguous(false);
        for (std::uint32_t i = 0; i < count; ++i) {
            store_le<std::uint32_t>(std::span{image}.subspan(exfat_link_at(image, set.first_cluster() + i)),
                                    i + 1 == count ? 0xFFFFFFFF : set.first_cluster() + i + 1);
        }
    }

    Bytes image{card_image("exfat")};
    ExfatSet set{ExfatSet::of(image, "deleted.jpg")};
    std::uint32_t clusters{static_cast<std::uint32_t>((set.size() + 511) / 512)};
    std::unique_ptr<const filesystem::FileSystem> fs;
    std::vector<filesystem::DeletedFile> deleted;
};

TEST_F(DeletedExfat, AChainInTheTableIsNoProof)
{
    chain(clusters);
    const auto file = photo();
    EXPECT_EQ(file.confidence, Confidence::medium);
    EXPECT_NE(file.proof.find("another file's by now"), std::string::npos) << file.proof;
    EXPECT_EQ(sha256(content_of_deleted(file)), card_sums("exfat").at("deleted.jpg"));
    set.set_contiguous(true);
    EXPECT_EQ(photo().confidence, Confidence::high);
}

TEST_F(DeletedExfat, AChainThatEndsBeforeTheFileIsDamage)
{
    chain(3);
    const auto file = photo();
    EXPECT_EQ(file.confidence, Confidence::low);
    EXPECT_NE(file.proof.find("fewer clusters are known than the file had"), std::string::npos) << file.proof;
    EXPECT_TRUE(is_ok(io::read_bytes(*file.content, ByteOffset{0}, ByteCount{1536})));
    EXPECT_FALSE(io::read_bytes(*file.content, ByteOffset{1536}, ByteCount{1}).has_value());
}

TEST_F(DeletedExfat, OneThatIsLargerThanItsVolumeHasNoContent)
{
    set.set_size(1ULL << 40U);
    const auto file = photo();
    EXPECT_EQ(file.confidence, Confidence::low);
    EXPECT_EQ(file.content, nullptr);
    EXPECT_NE(file.proof.find("larger than its volume"), std::string::npos) << file.proof;
}

TEST_F(DeletedExfat, WhatLiesBeyondTheDumpIsNotCalledHigh)
{
    const auto sector = std::size_t{set.first_cluster()} - 2 + 40;
    image.resize((sector + clusters / 2) * 512);
    const auto file = photo();
    EXPECT_EQ(file.confidence, Confidence::medium);
    EXPECT_NE(file.proof.find("beyond the end of the dump"), std::string::npos) << file.proof;
    EXPECT_EQ(file.proof.find("taken by live files"), std::string::npos) << file.proof;
}

TEST_F(DeletedExfat, TwoFoldersInOneClusterGiveNoName)
{
    const auto folder = ExfatSet::of(image, "deleted folder");
    auto other = ExfatSet::of(image, "deleted small.txt");
    other.set_attributes(0x10);
    other.set_first_cluster(folder.first_cluster());
    photo();
    EXPECT_EQ(find_deleted(deleted, "/deleted folder", "inner file.bin"), nullptr);
    const auto* const inner = find_deleted(deleted, "", "inner file.bin");
    ASSERT_NE(inner, nullptr);
    EXPECT_EQ(inner->confidence, Confidence::medium);
}

class SmallFat : public ::testing::Test {
protected:
    void SetUp() override
    {
        if (!have_fat_tools()) {
            GTEST_SKIP() << "dosfstools and mtools are not installed";
        }
    }

    [[nodiscard]] Bytes make(const std::string& options, const std::string& size) const
    {
        const auto image = (folder.path() / "card.img").string();
        must_run(fat_tools("cd " + folder.path().string() + " && rm -f card.img && truncate -s " + size +
                           " card.img && mkfs.vfat " + options + " card.img && mmd -i card.img ::folder && " +
                           "head -c 400 /dev/zero | tr '\\0' x > 'a file with a long name' && " +
                           "mcopy -i card.img 'a file with a long name' :: && " +
                           "mcopy -i card.img 'a file with a long name' '::folder/that is deleted' && " +
                           "mdel -i card.img '::folder/that is deleted'"));
        return read_file(image);
    }

    TemporaryFolder folder;
};

TEST_F(SmallFat, OnlyFat32HasAnUpperHalfOfTheFirstCluster)
{
    auto image = make("-F 16 -s 1", "8M");
    for (std::size_t at = 0; at < image.size(); at += 32) {
        const auto name = as_text(ByteView{image}.subspan(at, 11));
        if (name == "AFILEW~1   " || name == "FOLDER     " || name == ".          ") {
            store_le<std::uint16_t>(std::span{image}.subspan(at + 20), 0x1234);
        }
    }
    const auto fs = open_image(std::move(image));
    EXPECT_EQ(content_at(*fs, "/a file with a long name"), Bytes(400, std::byte{'x'}));
    const auto deleted = fs->deleted_files({}).value();
    EXPECT_NE(find_deleted(deleted, "/folder", "that is deleted"), nullptr);
}

TEST_F(SmallFat, AnUpperHalfThatMayBeClearedIsNeverCalledHigh)
{
    struct Case {
        const char* options;
        const char* size;
        Confidence confidence;
    };
    for (const auto& [options, size, confidence] :
         {Case{"-F 16 -s 1", "8M", Confidence::high}, Case{"-F 32 -s 1", "40M", Confidence::medium}}) {
        const auto deleted = open_image(make(options, size))->deleted_files({}).value();
        const auto* const file = find_deleted(deleted, "/folder", "that is deleted");
        ASSERT_NE(file, nullptr) << options;
        EXPECT_EQ(file->confidence, confidence) << options << ": " << file->proof;
        EXPECT_EQ(file->proof.find("upper half") != std::string::npos, confidence == Confidence::medium);
    }
}

} // namespace
} // namespace salvage::test
