// Exporting: what stat(1) and sha256sum say of the result; hostile names, damage, resuming.
#include "salvage/rescue/export.hpp"

#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <sstream>

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "salvage/crypto/hash.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "unit/rescue/fake_filesystem.hpp"
#include "unit/rescue/small_disk.hpp"
#include "unit/rescue/stop_at.hpp"

namespace salvage::rescue {
namespace {

using filesystem::EntryType;
using test::fails_with;
using test::FakeFileSystem;
using test::is_ok;
using test::noise;
using test::quoted;

constexpr auto root = FakeFileSystem::root_inode;
constexpr std::uint64_t mib = 1U << 20U;

Result<ExportReport> export_all(const FakeFileSystem& files, const std::filesystem::path& out,
                                const RunContext& context = {})
{
    return export_folder(files, out, {.source_identity = "phone"}, context);
}

bool sums_agree(const std::filesystem::path& folder)
{
    return test::run_command("cd " + quoted(folder.string()) + " && sha256sum --strict --quiet -c SHA256SUMS 2>&1")
        .has_value();
}

std::string text_of(const std::filesystem::path& path)
{
    return std::string{as_text(test::read_file(path))};
}

/// The manifest's lines by path; every one of them is strict JSON.
std::map<std::string, nlohmann::json> manifest_of(const std::filesystem::path& folder)
{
    std::map<std::string, nlohmann::json> out;
    std::istringstream lines{text_of(folder / "manifest.jsonl")};
    for (std::string line; std::getline(lines, line);) {
        auto json = nlohmann::json::parse(line);
        const auto path = json["path"].get<std::string>();
        out.emplace(path, std::move(json));
    }
    return out;
}

struct stat stat_of(const std::filesystem::path& path)
{
    struct stat status{};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return status;
}

/// A folder with photos, a link, a pipe, and a file with two names.
void fill(FakeFileSystem& files)
{
    const auto media = files.add_folder(root, "media");
    const auto photo = files.add_file(media, "IMG_1.jpg", "a photo");
    files.add_file(media, "empty", "");
    files.add_symlink(media, "latest", "IMG_1.jpg");
    files.link(root, "second name", photo);
    files.add(root, "pipe", EntryType::fifo);
    files.add_file(root, "big", io::make_memory(noise((3 * mib) + 5), "big"));
}

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

TEST(Export, LosesOnlyWhatCannotBeRead)
{
    FakeFileSystem files;
    auto bytes = noise(8192);
    const auto bad = *ByteRange::make(ByteOffset{1024}, ByteCount{1024});
    files.add_file(root, "damaged", io::make_with_bad_areas(io::make_memory(bytes, "damaged"), {bad}));
    files.add_file(root, "whole", "whole");
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    ASSERT_EQ(report->failed.size(), 1U);
    EXPECT_EQ(report->failed[0].path, "/damaged");
    EXPECT_EQ(report->failed[0].reason, "2 sectors (1024 bytes) of it could not be read");
    EXPECT_EQ(report->failed[0].lost.value, 1024U);
    EXPECT_TRUE(report->failed[0].is_partial);
    std::fill_n(bytes.begin() + 1024, 1024, std::byte{0});
    EXPECT_EQ(test::read_file(out / "damaged"), bytes);
    auto manifest = manifest_of(out);
    EXPECT_EQ(manifest["/damaged"]["lost_bytes"], 1024);
    EXPECT_TRUE(manifest["/damaged"]["sha256"].is_null());
    EXPECT_TRUE(sums_agree(out)) << "the sums are of the files as they are";
}

/// Fails without having said so: what a dying disk does.
class DyingSource final : public io::ByteSource {
public:
    DyingSource(Bytes bytes, ByteRange bad, ErrorCode code) : bytes_{std::move(bytes)}, bad_{bad}, code_{code} {}
    [[nodiscard]] ByteCount size() const noexcept override { return ByteCount{bytes_.size()}; }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        if (ByteRange::between(at, at + ByteCount{into.size()}).overlaps(bad_)) {
            return Error{code_, "the disk does not answer", {}, std::nullopt, {}, {}};
        }
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at.value), into.size(), into.begin());
        return {};
    }
    [[nodiscard]] Location locate(ByteOffset at) const override { return Location{{Place{"dying", at}}}; }

private:
    Bytes bytes_;
    ByteRange bad_;
    ErrorCode code_;
};

TEST(Export, NarrowsAnUnannouncedBadAreaDownToItsSectors)
{
    FakeFileSystem files;
    const auto bad = *ByteRange::make(ByteOffset{(mib) + 700}, ByteCount{10});
    files.add_file(root, "dying", std::make_shared<DyingSource>(noise((2 * mib) + 77), bad, ErrorCode::unreadable));
    const test::TemporaryFolder folder;
    const auto report = export_all(files, folder.path() / "files");
    ASSERT_TRUE(is_ok(report));
    ASSERT_EQ(report->failed.size(), 1U);
    EXPECT_EQ(report->failed[0].reason, "1 sector (512 bytes) of it could not be read");
}

TEST(Export, GoesOnBehindAFileWhoseMapIsDamaged)
{
    FakeFileSystem files;
    const auto bad = *ByteRange::make(ByteOffset{0}, ByteCount{10});
    files.add_file(root, "a", std::make_shared<DyingSource>(noise(3 * mib), bad, ErrorCode::malformed));
    const auto closed = files.add_file(root, "b", "x");
    files.node(closed).damage = malformed(ByteOffset{0}, "the inode is damaged");
    files.add_file(root, "c", "good");
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    ASSERT_EQ(report->failed.size(), 2U);
    EXPECT_EQ(report->failed[0].lost.value, mib);
    EXPECT_FALSE(report->failed[1].is_partial);
    EXPECT_FALSE(std::filesystem::exists(out / "b"));
    EXPECT_EQ(text_of(out / "c"), "good");
}

TEST(Export, TakesAFewIoFailuresForDamageAndManyForALostSource)
{
    FakeFileSystem files;
    const auto bad = *ByteRange::make(ByteOffset{0}, ByteCount{10});
    for (int i = 0; i < 15; ++i) {
        files.add_file(root, fmt::format("{:02}", i), std::make_shared<DyingSource>(noise(100), bad, ErrorCode::io));
    }
    files.add_file(root, "99", "good");
    {
        const test::TemporaryFolder folder;
        const auto report = export_all(files, folder.path() / "files");
        ASSERT_TRUE(is_ok(report));
        EXPECT_EQ(report->failed.size(), 15U);
        EXPECT_EQ(report->files, 1U);
    }
    files.add_file(root, "16", std::make_shared<DyingSource>(noise(100), bad, ErrorCode::io));
    const test::TemporaryFolder folder;
    EXPECT_TRUE(fails_with(export_all(files, folder.path() / "files"), ErrorCode::io));
}

TEST(Export, NeverWritesOutsideOfItsFolder)
{
    const test::TemporaryFolder folder;
    const auto outside = folder.path() / "outside";
    std::filesystem::create_directory(outside);
    FakeFileSystem files;
    files.add_file(root, "..", "dot dot");
    files.add_file(root, ".", "dot");
    files.add_file(root, "", "nameless");
    files.add_file(root, "../outside/escaped", "slash");
    files.add_file(root, "/etc/salvage-test-escaped", "absolute");
    files.add_file(root, std::string{"nul\0name", 8}, "nul");
    files.add_file(root, std::string(300, 'n'), "long");
    // A link and a folder of one name: what is in the folder must not follow the link.
    files.add_symlink(root, "trap", outside.string());
    const auto trap = files.add_folder(root, "trap");
    files.add_file(trap, "escaped", "trapped");
    const auto up = files.add_folder(root, "..");
    files.add_file(up, "outside", "up");
    const auto out = folder.path() / "files";
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    EXPECT_TRUE(std::filesystem::is_empty(outside));
    EXPECT_FALSE(std::filesystem::exists("/etc/salvage-test-escaped"));
    EXPECT_EQ(report->files, 9U) << "all of them were saved, under other names";
    EXPECT_EQ(report->failed.size(), 9U) << "and each other name was told";
    EXPECT_TRUE(sums_agree(out));
    std::set<std::string> top;
    for (const auto& entry : std::filesystem::directory_iterator{folder.path()}) {
        top.insert(entry.path().filename().string());
    }
    EXPECT_EQ(top, (std::set<std::string>{"files", "outside"}));
    EXPECT_EQ(text_of(out / "_inode_11"), "dot dot");
}

TEST(Export, DoesNotLetFilesTakeTheNamesOfItsOwn)
{
    FakeFileSystem files;
    for (const auto* const name : {"manifest.jsonl", "SHA256SUMS", ".salvage-export.json", ".salvage-export.journal",
                                   "manifest.jsonl.partial", ".salvage-export.partial"}) {
        files.add_file(root, name, "mine");
    }
    const auto inner = files.add_folder(root, "inner");
    files.add_file(inner, "SHA256SUMS", "not on top");
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->files, 7U);
    EXPECT_EQ(report->failed.size(), 6U);
    EXPECT_EQ(text_of(out / "inner/SHA256SUMS"), "not on top");
    EXPECT_TRUE(sums_agree(out));
}

TEST(Export, KeepsTheFirstOfTwoFilesWithOneName)
{
    FakeFileSystem files;
    files.add_file(root, "twice", "first");
    files.add_file(root, "twice", "second");
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(text_of(out / "twice"), "first");
    ASSERT_EQ(report->failed.size(), 1U);
    EXPECT_FALSE(report->failed[0].is_partial);
}

TEST(Export, WritesOddNamesSoThatSha256sumReadsThem)
{
    FakeFileSystem files;
    for (const auto* const name : {"back\\slash", "new\nline", "carriage\rreturn", "ends\r", "not utf8 \xFF\xFE",
                                   " spaces ", "*star", "-dash", "quote'\"", "\\", "ünï"}) {
        files.add_file(root, name, name);
    }
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    EXPECT_TRUE(report->failed.empty());
    EXPECT_TRUE(sums_agree(out));
    EXPECT_EQ(text_of(out / "not utf8 \xFF\xFE"), "not utf8 \xFF\xFE");
    const auto manifest = manifest_of(out);
    const auto line = manifest.at("/not utf8 \xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_EQ(line["path_hex"], "2f6e6f74207574663820fffe");
    EXPECT_EQ(line["stored_hex"], "6e6f74207574663820fffe");
    EXPECT_FALSE(manifest.at("/new\nline").contains("path_hex"));
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

TEST(Export, GoesOnWhereItWasStopped)
{
    FakeFileSystem files;
    for (int i = 0; i < 6; ++i) {
        files.add_file(root, fmt::format("file {}", i), io::make_memory(noise(mib, static_cast<unsigned>(i)), "f"));
    }
    const auto first = files.add_file(root, "linked 1", "linked");
    files.link(root, "linked 2", first);
    for (std::uint64_t stop_at = mib; stop_at <= 6 * mib; stop_at += mib) {
        const test::TemporaryFolder folder;
        const auto out = folder.path() / "files";
        std::stop_source stop;
        StopAt progress{stop, stop_at};
        RunContext context;
        context.progress = &progress;
        context.stop = stop.get_token();
        ASSERT_TRUE(fails_with(export_all(files, out, context), ErrorCode::cancelled));
        EXPECT_FALSE(std::filesystem::exists(out / "manifest.jsonl"));
        const auto report = export_all(files, out);
        ASSERT_TRUE(is_ok(report));
        EXPECT_GE(report->resumed, (stop_at / mib) - 1);
        EXPECT_EQ(report->files, 8U);
        EXPECT_TRUE(sums_agree(out));
        EXPECT_EQ(manifest_of(out).size(), 8U);
        EXPECT_EQ(stat_of(out / "linked 1").st_ino, stat_of(out / "linked 2").st_ino);
        const auto again = export_all(files, out);
        ASSERT_TRUE(is_ok(again));
        EXPECT_EQ(again->resumed, 8U) << "a finished export is copied again";
        EXPECT_EQ(again->bytes, report->bytes);
    }
}

TEST(Export, CopiesAgainWhatChangedInTheSourceOrInTheFolder)
{
    FakeFileSystem files;
    files.add_file(root, "a", "one");
    files.add_file(root, "b", "two");
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    ASSERT_TRUE(is_ok(export_all(files, out)));
    std::filesystem::remove(out / "a");
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->resumed, 1U);
    EXPECT_EQ(text_of(out / "a"), "one");
    std::ofstream{out / "b"} << "changed by someone";
    const auto changed = export_all(files, out);
    ASSERT_TRUE(is_ok(changed));
    ASSERT_EQ(changed->failed.size(), 1U) << "what someone else wrote stays, and it is said";
    EXPECT_EQ(text_of(out / "b"), "changed by someone");
}

TEST(Export, TriesAgainWhatCouldNotBeRead)
{
    const auto bytes = noise(8192);
    const auto bad = *ByteRange::make(ByteOffset{1024}, ByteCount{1024});
    FakeFileSystem files;
    const auto inode = files.add_file(root, "a", io::make_with_bad_areas(io::make_memory(bytes, "a"), {bad}));
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    ASSERT_TRUE(is_ok(export_all(files, out)));
    const auto same = export_all(files, out);
    ASSERT_TRUE(is_ok(same));
    EXPECT_EQ(same->resumed, 1U);
    EXPECT_EQ(same->failed.size(), 1U) << "the loss was forgotten";
    files.node(inode).content = io::make_memory(bytes, "a"); // read once more, with more luck
    const auto better = export_all(files, out);
    ASSERT_TRUE(is_ok(better));
    EXPECT_TRUE(better->failed.empty());
    EXPECT_EQ(test::read_file(out / "a"), bytes);
}

TEST(Export, SurvivesATornJournal)
{
    FakeFileSystem files;
    fill(files);
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    ASSERT_TRUE(is_ok(export_all(files, out)));
    const auto manifest = text_of(out / "manifest.jsonl");
    for (std::size_t cut = 0; cut < manifest.size(); cut += 97) {
        std::filesystem::remove(out / "manifest.jsonl");
        std::ofstream{out / ".salvage-export.journal"} << manifest.substr(0, cut) << "\xFF{]";
        const auto report = export_all(files, out);
        ASSERT_TRUE(is_ok(report)) << cut;
        EXPECT_TRUE(report->failed.empty()) << cut;
        EXPECT_TRUE(sums_agree(out)) << cut;
    }
}

TEST(Export, GoesOnInFoldersThatWereClosedToTheirOwner)
{
    FakeFileSystem files;
    const auto closed = files.add_folder(root, "closed");
    files.node(closed).entry.mode = 0;
    files.add_file(closed, "a", "x");
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "files";
    ASSERT_TRUE(is_ok(export_all(files, out)));
    EXPECT_EQ(stat_of(out / "closed").st_mode & 0777U, 0700U) << "the owner must see what was saved";
    ASSERT_EQ(::chmod((out / "closed").c_str(), 0), 0);
    EXPECT_TRUE(is_ok(export_all(files, out)));
}

TEST(Export, SaysHowMuchRoomIsMissingAndGoesOnWhenThereIsMore)
{
    const test::TemporaryFolder folder;
    const test::SmallDisk disk{folder.path() / "disk"};
    if (!disk.is_mounted()) {
        GTEST_SKIP() << "mounting a small filesystem is not permitted here";
    }
    FakeFileSystem files;
    for (int i = 0; i < 8; ++i) {
        files.add_file(root, fmt::format("{}", i), io::make_memory(noise(mib / 2, static_cast<unsigned>(i)), "f"));
    }
    const auto out = folder.path() / "disk/files";
    const auto full = export_all(files, out);
    ASSERT_TRUE(fails_with(full, ErrorCode::no_space));
    EXPECT_NE(full.error().what.find("bytes) more are needed"), std::string::npos) << full.error().what;
    EXPECT_NE(full.error().hint.find("safe"), std::string::npos);
    disk.enlarge();
    const auto report = export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->files, 8U);
    EXPECT_GT(report->resumed, 0U) << "what was finished is safe";
    EXPECT_TRUE(sums_agree(out));
}

} // namespace
} // namespace salvage::rescue
