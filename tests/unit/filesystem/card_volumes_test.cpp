// exFAT and NTFS as exfat-fuse and ntfs-3g wrote them: every file by its hash, deleted ones as they were.
#include "card_images.hpp"

namespace salvage::test {
namespace {

using filesystem::Confidence;
using filesystem::EntryType;

class CardVolume : public ::testing::TestWithParam<const char*> {
protected:
    std::string kind{GetParam()};
    std::unique_ptr<const filesystem::FileSystem> fs{open_image(card_image(kind))};
    std::map<std::string, std::string> sums{card_sums(kind)};
};

TEST_P(CardVolume, EveryFileHasItsHash)
{
    EXPECT_EQ(fs->kind(), kind);
    EXPECT_EQ(fs->label(), "CARD \xE2\x9C\x93");
    std::size_t files = 0;
    for (const auto& [path, entry] : walk_all(*fs)) {
        const bool is_stream = path.find(':') != std::string::npos;
        if (entry.type != EntryType::file || is_stream) {
            continue;
        }
        ASSERT_TRUE(sums.contains(path)) << path;
        EXPECT_EQ(sha256(content_of(*fs, entry.inode)), sums.at(path)) << path;
        ++files;
    }
    const auto deleted = std::ranges::count_if(sums, [](const auto& one) { return is_deleted_of_card(one.first); });
    EXPECT_EQ(deleted, 3);
    EXPECT_EQ(files, sums.size() - static_cast<std::size_t>(deleted));
    const auto photo = filesystem::find_path(*fs, "/DCIM/Camera/IMG_0001.jpg").value();
    EXPECT_EQ(photo.modified.seconds, 1'551'675'968);
}

TEST_P(CardVolume, DeletedFilesAreWhatTheyWere)
{
    const auto deleted = fs->deleted_files({});
    ASSERT_TRUE(is_ok(deleted));
    std::size_t found = 0;
    for (const auto& [path, sum] : sums) {
        if (!is_deleted_of_card(path)) {
            continue;
        }
        const auto slash = path.rfind('/');
        const auto folder = slash == std::string::npos ? "/" : "/" + path.substr(0, slash);
        const auto* const file =
            find_deleted(*deleted, folder, path.substr(slash == std::string::npos ? 0 : slash + 1));
        ASSERT_NE(file, nullptr) << path;
        ASSERT_NE(file->content, nullptr) << path;
        EXPECT_EQ(sha256(content_of_deleted(*file)), sum) << path;
        EXPECT_EQ(file->confidence, Confidence::high) << path << ": " << file->proof;
        ++found;
    }
    EXPECT_EQ(found, 3U);
    const auto* const gone = find_deleted(*deleted, "/", "deleted folder");
    ASSERT_NE(gone, nullptr);
    EXPECT_EQ(gone->entry.type, EntryType::directory);
}

TEST_P(CardVolume, DeletedContentLiesInUnusedAreas)
{
    const auto areas = fs->unused_areas().value();
    const auto deleted = fs->deleted_files({}).value();
    const auto* const file = find_deleted(deleted, "/", "deleted.jpg");
    ASSERT_NE(file, nullptr);
    const auto at = file->content->locate(ByteOffset{0}).chain.front().at;
    EXPECT_TRUE(std::ranges::any_of(areas, [&](const ByteRange& area) { return area.contains(at); }));
    const auto live = filesystem::find_path(*fs, "/one in pieces").value();
    const auto live_at = fs->open(live.inode).value()->locate(ByteOffset{0}).chain.front().at;
    EXPECT_TRUE(std::ranges::none_of(areas, [&](const ByteRange& area) { return area.contains(live_at); }));
}

TEST_P(CardVolume, AnUnreadableAreaIsUnreadableInTheFileAndNowhereElse)
{
    const auto inode = filesystem::find_path(*fs, "/one in pieces").value().inode;
    const auto place = fs->open(inode).value()->locate(ByteOffset{20'000}).chain.front().at;
    const ByteOffset bad{place.value / 512 * 512};
    const auto damaged = filesystem::open(io::make_with_bad_areas(in_memory(card_image(kind)),
                                                                  {ByteRange::between(bad, bad + ByteCount{512})}))
                             .value();
    const auto file = damaged->open(inode).value();
    std::uint64_t lost = 0;
    const auto extents = file->extents(io::whole(*file)).value();
    for (const auto& extent : extents) {
        lost += extent.kind == io::ExtentKind::unreadable ? extent.range.size().value : 0;
    }
    EXPECT_EQ(lost, 512U);
    EXPECT_TRUE(fails_with(io::read_bytes(*file, ByteOffset{20'000}, ByteCount{1}), ErrorCode::unreadable));
    EXPECT_EQ(sha256(content_at(*damaged, "/other in pieces")), sums.at("other in pieces"));
}

TEST_P(CardVolume, ACopyServesForADamagedBootSector)
{
    for (const std::size_t from : {0U, 64U}) {
        auto bytes = card_image(kind);
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(from), 512 - from, std::byte{0});
        const auto again = open_image(std::move(bytes));
        EXPECT_TRUE(has_finding(*again, kind == "ntfs" ? "ntfs-boot-sector-copy" : "fat-backup-boot-sector")) << from;
        EXPECT_EQ(sha256(content_at(*again, "/one in pieces")), sums.at("one in pieces"));
    }
}

INSTANTIATE_TEST_SUITE_P(Kinds, CardVolume, ::testing::Values("exfat", "ntfs"),
                         [](const auto& kind) { return std::string{kind.param}; });

class Ntfs : public ::testing::Test {
protected:
    std::unique_ptr<const filesystem::FileSystem> fs{open_image(card_image("ntfs"))};
};

TEST_F(Ntfs, CompressedFilesHaveHolesAndAreMarked)
{
    const auto mixed = filesystem::find_path(*fs, "/packed/mixed.bin").value();
    const auto content = fs->open(mixed.inode).value();
    const auto extents = content->extents(io::whole(*content)).value();
    EXPECT_EQ(extents.front(), (io::Extent{ByteRange::first(ByteCount{65536}), io::ExtentKind::hole}));
    const auto attributes = fs->extended_attributes(mixed.inode).value();
    ASSERT_EQ(attributes.size(), 1U);
    EXPECT_NE(as_text(attributes[0].second).find("compressed"), std::string::npos);
    const auto sparse = filesystem::find_path(*fs, "/sparse").value();
    const auto holes = fs->open(sparse.inode).value();
    EXPECT_EQ(holes->extents(io::whole(*holes)).value().front().kind, io::ExtentKind::hole);
}

TEST_F(Ntfs, StreamsStandBesideTheirFile)
{
    const auto stream = filesystem::find_path(*fs, "/DCIM/Camera/IMG_0001.jpg:Zone.Identifier").value();
    EXPECT_EQ(as_text(content_of(*fs, stream.inode)), "[ZoneTransfer]");
    EXPECT_EQ(fs->stat(stream.inode).value().size.value, 14U);
}

TEST_F(Ntfs, HardLinksTimesAndAttributesAreKept)
{
    const auto empty = filesystem::find_path(*fs, "/empty").value();
    const auto second = filesystem::find_path(*fs, "/second name").value();
    EXPECT_EQ(empty.inode, second.inode);
    EXPECT_EQ(empty.links, 2U);
    EXPECT_EQ(empty.mode, 0444U);
    EXPECT_EQ(as_text(fs->extended_attributes(empty.inode).value().at(0).second), "read-only,hidden,archive");
    EXPECT_EQ(filesystem::find_path(*fs, "/DCIM/Camera/IMG_0001.jpg").value().modified.nanoseconds, 123'456'700U);
}

TEST_F(Ntfs, TheFilesOfTheFilesystemAreNotAmongTheFiles)
{
    for (const auto& [path, entry] : walk_all(*fs)) {
        EXPECT_FALSE(path.starts_with("$")) << path;
    }
}

TEST_F(Ntfs, ALostCompressedClusterTakesItsUnitAlone)
{
    const auto inode = filesystem::find_path(*fs, "/packed/text.txt").value().inode;
    const auto file = fs->open(inode).value();
    const auto size = file->size();
    const auto place = file->locate(ByteOffset{70'000}).chain.front().at;
    const auto damaged = filesystem::open(io::make_with_bad_areas(in_memory(card_image("ntfs")),
                                                                  {ByteRange::between(place, place + ByteCount{512})}))
                             .value();
    const auto again = damaged->open(inode).value();
    const auto whole = content_of(*fs, inode);
    std::uint64_t lost = 0;
    const auto extents = again->extents(io::whole(*again)).value();
    for (const auto& extent : extents) {
        const auto bytes = io::read_bytes(*again, extent.range.start(), extent.range.size());
        ASSERT_EQ(bytes.has_value(), extent.kind != io::ExtentKind::unreadable);
        lost += bytes.has_value() ? 0 : extent.range.size().value;
        if (bytes.has_value()) {
            EXPECT_TRUE(std::ranges::equal(*bytes, ByteView{whole}.subspan(extent.range.start().value, bytes->size())));
        }
    }
    EXPECT_GT(lost, 0U);
    EXPECT_LE(lost, 65536U);
    EXPECT_LT(lost, size.value);
}

TEST_F(Ntfs, TheMirrorServesForTheFirstRecordOfTheTable)
{
    auto bytes = card_image("ntfs");
    const auto table = load_le<std::uint64_t>(ByteView{bytes}.subspan(48)) * 512;
    bytes[table] ^= std::byte{1};
    const auto again = open_image(std::move(bytes));
    EXPECT_TRUE(has_finding(*again, "ntfs-table-mirror"));
    EXPECT_EQ(sha256(content_at(*again, "/one in pieces")), card_sums("ntfs").at("one in pieces"));
}

} // namespace
} // namespace salvage::test
