// Exporting: what stat(1) and sha256sum say of the result.
#include <algorithm>
#include <limits>

#include <sys/xattr.h>

#include <gtest/gtest.h>

#include "export_support.hpp"
#include "salvage/crypto/hash.hpp"
#include "support/assert_result.hpp"

namespace salvage::rescue {
namespace {

using test::export_all;
using test::fails_with;
using test::FakeFileSystem;
using test::fill;
using test::is_ok;
using test::manifest_of;
using test::noise;
using test::stat_of;
using test::sums_agree;
using test::text_of;

constexpr auto root = FakeFileSystem::root_inode;
constexpr std::uint64_t mib = 1U << 20U;

TEST(Export, WritesTheTreeWithItsContents)
{
    FakeFileSystem files;
    fill(files);
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(text_of(out / "media/IMG_1.jpg"), "a photo");
    EXPECT_EQ(test::read_file(out / "big"), noise((3 * mib) + 5));
    EXPECT_EQ(std::filesystem::read_symlink(out / "media/latest"), "IMG_1.jpg");
    EXPECT_EQ(report->files, 4U);
    EXPECT_EQ(report->directories, 1U);
    EXPECT_EQ(report->symlinks, 1U);
    EXPECT_EQ(report->others, 1U);
    EXPECT_EQ(report->bytes.value, (3 * mib) + 5 + 7);
    EXPECT_TRUE(report->failed.empty());
    EXPECT_TRUE(sums_agree(out));
    EXPECT_FALSE(std::filesystem::exists(out / "pipe"));
    EXPECT_FALSE(std::filesystem::exists(out / ".salvage-export.journal"));
    EXPECT_FALSE(std::filesystem::exists(out / ".salvage-export.partial"));
}

TEST(Export, KeepsModesTimesAndLinks)
{
    FakeFileSystem files;
    fill(files);
    files.node(11).entry.mode = 0750;
    files.node(12).entry.mode = 06755;
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    ASSERT_TRUE(is_ok(export_all(files, out)));
    const auto photo = stat_of(out / "media/IMG_1.jpg");
    EXPECT_EQ(photo.st_mode & 07777U, 0755U) << "who runs it does not become someone else";
    EXPECT_EQ(photo.st_mtim.tv_sec, FakeFileSystem::some_time);
    EXPECT_EQ(photo.st_mtim.tv_nsec, 123'456'789);
    EXPECT_EQ(photo.st_nlink, 2U);
    EXPECT_EQ(photo.st_ino, stat_of(out / "second name").st_ino);
    const auto media = stat_of(out / "media");
    EXPECT_EQ(media.st_mode & 07777U, 0750U);
    EXPECT_EQ(media.st_mtim.tv_sec, FakeFileSystem::some_time);
    EXPECT_EQ(stat_of(out / "media/latest").st_mtim.tv_sec, FakeFileSystem::some_time);
}

TEST(Export, LeavesHolesAsHoles)
{
    FakeFileSystem files;
    auto bytes = noise(64 * mib);
    std::fill(bytes.begin() + 4096, bytes.end() - 4096, std::byte{0});
    files.add_file(root, "sparse", io::make_memory(bytes, "sparse"));
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    ASSERT_TRUE(is_ok(export_all(files, out)));
    EXPECT_EQ(test::read_file(out / "sparse"), bytes);
    EXPECT_LE(stat_of(out / "sparse").st_blocks, 64);
    EXPECT_TRUE(sums_agree(out));
}

/// `size` bytes, all of them a hole.
class HoleSource final : public io::ByteSource {
public:
    explicit HoleSource(ByteCount size) : size_{size} {}
    [[nodiscard]] ByteCount size() const noexcept override { return size_; }
    Result<> read_at(ByteOffset, std::span<std::byte> into) const override
    {
        std::ranges::fill(into, std::byte{0});
        return {};
    }
    Result<std::vector<io::Extent>> extents(ByteRange range) const override
    {
        return std::vector{io::Extent{.range = range, .kind = io::ExtentKind::hole}};
    }
    [[nodiscard]] Location locate(ByteOffset at) const override { return Location{{Place{"hole", at}}}; }

private:
    ByteCount size_;
};

TEST(Export, DoesNotHashHolesForHours)
{
    FakeFileSystem files;
    files.add_file(root, "hole", std::make_shared<HoleSource>(ByteCount{200 * mib}));
    files.add_file(root, "abyss", std::make_shared<HoleSource>(ByteCount{1ULL << 50U}));
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    ASSERT_EQ(report->failed.size(), 1U);
    EXPECT_EQ(report->failed[0].path, "/abyss");
    EXPECT_EQ(stat_of(out / "hole").st_blocks, 0);
    EXPECT_TRUE(sums_agree(out));
}

TEST(Export, DescribesEveryEntryInTheManifest)
{
    FakeFileSystem files;
    fill(files);
    auto& photo = files.node(12);
    photo.entry.uid = 10123;
    photo.entry.gid = 1023;
    photo.attributes = {{"security.selinux", {std::byte{'u'}, std::byte{0}}}};
    photo.entry.modified = {.seconds = 15'000'000'000, .nanoseconds = 7}; // the year 2445
    files.node(13).entry.modified = {.seconds = -5, .nanoseconds = 7};
    files.node(14).entry.modified = {.seconds = std::numeric_limits<std::int64_t>::max(), .nanoseconds = 7};
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    ASSERT_TRUE(is_ok(export_all(files, out)));
    const auto manifest = manifest_of(out);
    EXPECT_EQ(manifest.size(), 7U);
    const auto& line = manifest.at("/media/IMG_1.jpg");
    EXPECT_EQ(line["type"], "file");
    EXPECT_EQ(line["size"], 7);
    EXPECT_EQ(line["mode"], 0640);
    EXPECT_EQ(line["uid"], 10123);
    EXPECT_EQ(line["gid"], 1023);
    EXPECT_EQ(line["mtime"], 15'000'000'000'000'000'007ULL);
    EXPECT_TRUE(line["target"].is_null());
    EXPECT_EQ(line["deleted"], false);
    EXPECT_EQ(line["lost_bytes"], 0);
    EXPECT_EQ(line["sha256"], to_hex(crypto::sha256(as_bytes("a photo"))));
    EXPECT_EQ(line["stored"], "media/IMG_1.jpg");
    EXPECT_EQ(line["xattrs"]["security.selinux"], "7500");
    EXPECT_EQ(manifest.at("/second name")["link_of"], "media/IMG_1.jpg");
    EXPECT_EQ(manifest.at("/media/empty")["mtime"], -4'999'999'993);
    EXPECT_TRUE(manifest.at("/media/latest")["mtime"].is_null());
    EXPECT_EQ(manifest.at("/media/latest")["target"], "IMG_1.jpg");
    EXPECT_TRUE(manifest.at("/pipe")["stored"].is_null());
}

TEST(Export, KeepsTheUsersOwnAttributesOnDiskAndNoOthers)
{
    FakeFileSystem files;
    const auto inode = files.add_file(root, "a", "x");
    files.node(inode).attributes = {{"user.comment", {std::byte{'h'}, std::byte{'i'}}},
                                    {"security.capability", Bytes(20)},
                                    {"trusted.x", {std::byte{'y'}}}};
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    ASSERT_TRUE(is_ok(export_all(files, out)));
    std::string value(10, '\0');
    const auto path = out / "a";
    if (const auto size = ::getxattr(path.c_str(), "user.comment", value.data(), value.size()); size >= 0) {
        EXPECT_EQ(value.substr(0, static_cast<std::size_t>(size)), "hi");
    }
    EXPECT_LT(::getxattr(path.c_str(), "security.capability", value.data(), value.size()), 0);
    EXPECT_TRUE(manifest_of(out).at("/a")["xattrs"].contains("trusted.x"));
}

TEST(Export, TellsThatFilesAreEncryptedOneByOne)
{
    FakeFileSystem files;
    const auto inode = files.add_file(root, "\x01\x02", "noise");
    files.node(inode).entry.is_encrypted = true;
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    ASSERT_EQ(report->failed.size(), 1U);
    EXPECT_NE(report->failed[0].reason.find("file-based encryption"), std::string::npos);
    EXPECT_EQ(manifest_of(out).at("/\x01\x02")["encrypted"], true);
}

TEST(Export, TakesOutOneFileOrOneFolder)
{
    FakeFileSystem files;
    fill(files);
    const test::TemporaryFolder folder;
    ASSERT_TRUE(
        is_ok(export_folder(files, folder.path() / "one", {.path = "media/IMG_1.jpg", .source_identity = "x"}, {})));
    EXPECT_EQ(text_of(folder.path() / "one/IMG_1.jpg"), "a photo");
    ASSERT_TRUE(is_ok(export_folder(files, folder.path() / "some", {.path = "/media/", .source_identity = "x"}, {})));
    EXPECT_EQ(text_of(folder.path() / "some/IMG_1.jpg"), "a photo");
    EXPECT_TRUE(manifest_of(folder.path() / "some").contains("/media/IMG_1.jpg"));
    EXPECT_TRUE(
        fails_with(export_folder(files, folder.path() / "none", {.path = "/nowhere", .source_identity = "x"}, {}),
                   ErrorCode::not_found));
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "none"));
}

TEST(Export, RefusesAFolderThatHoldsSomethingElse)
{
    FakeFileSystem files;
    fill(files);
    const test::TemporaryFolder folder;
    static_cast<void>(folder.write("letter.txt", {}));
    EXPECT_TRUE(fails_with(export_all(files, folder.path()), ErrorCode::already_exists));
    const auto out = folder.path() / "files";
    ASSERT_TRUE(is_ok(export_all(files, out)));
    EXPECT_TRUE(fails_with(export_folder(files, out, {.source_identity = "another"}, {}), ErrorCode::already_exists));
    EXPECT_TRUE(fails_with(export_folder(files, out, {.path = "/media", .source_identity = "phone"}, {}),
                           ErrorCode::already_exists));
}

} // namespace
} // namespace salvage::rescue
