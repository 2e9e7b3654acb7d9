// Archives, as the programs that people unpack them with see them: GNU tar, Python's tarfile and zipfile.
#include "salvage/rescue/export_archive.hpp"

#include <gtest/gtest.h>

#include "export_support.hpp"
#include "salvage/io/missing.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"

namespace salvage::rescue {
namespace {

using test::fails_with;
using test::FakeFileSystem;
using test::is_ok;
using test::quoted;
using test::run_command;
using test::TemporaryFolder;

Result<ExportReport> archive(const FakeFileSystem& files, const std::filesystem::path& path, ArchiveFormat format,
                             const ExportOptions& options = {}, const RunContext& context = {})
{
    Bytes whole;
    const ByteSink sink = [&](ByteView bytes) -> Result<> {
        whole.insert(whole.end(), bytes.begin(), bytes.end());
        return {};
    };
    auto report = export_archive(files, format, sink, options, context);
    if (report.has_value()) {
        EXPECT_TRUE(is_ok(io::write_file_atomically(path, whole, io::Existing::replace)));
    }
    return report;
}

std::filesystem::path unpacked(const TemporaryFolder& folder, const std::filesystem::path& tar)
{
    const auto out = folder.path() / "unpacked";
    std::filesystem::create_directory(out);
    EXPECT_TRUE(run_command("tar -C " + quoted(out.string()) + " -xf " + quoted(tar.string()) + " 2>&1").has_value());
    return out;
}

/// What a line of Python prints, which sees the archive's path as `path`.
std::string python(const std::filesystem::path& path, const std::string& code)
{
    return run_command("python3 -c " + quoted("import sys, tarfile, zipfile\npath = sys.argv[1]\n" + code) + " " +
                       quoted(path.string()))
        .value_or("python failed");
}

TEST(ExportArchive, UnpacksWithGnuTarToTheSameTree)
{
    FakeFileSystem files;
    test::fill(files);
    const TemporaryFolder folder;
    const auto tar = folder.path() / "phone.tar";
    const auto report = archive(files, tar, ArchiveFormat::pax);
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->files, 4U);
    EXPECT_EQ(report->directories, 1U);
    EXPECT_EQ(report->symlinks, 1U);
    EXPECT_EQ(run_command("tar -tf " + quoted(tar.string()) + " 2>&1 >/dev/null"), "") << "GNU tar complains";
    const auto out = unpacked(folder, tar);
    EXPECT_EQ(test::text_of(out / "media/IMG_1.jpg"), "a photo");
    EXPECT_EQ(std::filesystem::read_symlink(out / "media/latest"), "IMG_1.jpg");
    EXPECT_EQ(test::stat_of(out / "second name").st_ino, test::stat_of(out / "media/IMG_1.jpg").st_ino);
    EXPECT_TRUE(S_ISFIFO(test::stat_of(out / "pipe").st_mode));
    EXPECT_EQ(test::stat_of(out / "big").st_size, (3 << 20) + 5);
    EXPECT_TRUE(
        run_command("cd " + quoted(out.string()) + " && sha256sum --strict --quiet -c salvage-export/SHA256SUMS 2>&1")
            .has_value());
    EXPECT_EQ(test::manifest_of(out / "salvage-export").size(), 7U);
}

TEST(ExportArchive, KeepsTimesModesOwnersAndAttributes)
{
    FakeFileSystem files;
    const auto inode = files.add_file(FakeFileSystem::root_inode, "f", "text");
    auto& node = files.node(inode);
    node.entry.mode = 06751;
    node.entry.uid = 10'123;
    node.entry.gid = 2'000'000;
    node.entry.modified = {.seconds = 1'400'000'000, .nanoseconds = 123'456'789};
    node.attributes = {{"security.selinux", test::noise(40, 1)}};
    const TemporaryFolder folder;
    const auto tar = folder.path() / "f.tar";
    ASSERT_TRUE(is_ok(archive(files, tar, ArchiveFormat::pax)));
    EXPECT_EQ(python(tar, "m = tarfile.open(path).getmember('f')\n"
                          "print(oct(m.mode), m.uid, m.gid, m.pax_headers['mtime'])"),
              "0o6751 10123 2000000 1400000000.123456789\n");
    EXPECT_NE(run_command("tar --xattrs --xattrs-include='*' -tvvf " + quoted(tar.string()) + " 2>&1")
                  .value_or("")
                  .find("security.selinux"),
              std::string::npos);
}

TEST(ExportArchive, KeepsHolesWithoutTheirZeros)
{
    const TemporaryFolder folder;
    auto sparse = io::OutputFile::create(folder.path() / "source").unwrap();
    ASSERT_TRUE(is_ok(sparse.write_at(ByteOffset{0}, test::noise(4096, 1))));
    ASSERT_TRUE(is_ok(sparse.write_at(ByteOffset{64ULL << 20U}, test::noise(4096, 2))));
    ASSERT_TRUE(is_ok(sparse.commit()));
    FakeFileSystem files;
    files.add_file(FakeFileSystem::root_inode, "sparse", io::open_file(folder.path() / "source").unwrap());
    const auto tar = folder.path() / "s.tar";
    ASSERT_TRUE(is_ok(archive(files, tar, ArchiveFormat::pax)));
    EXPECT_LT(std::filesystem::file_size(tar), 100'000U);
    const auto out = unpacked(folder, tar);
    EXPECT_EQ(std::filesystem::file_size(out / "sparse"), (64ULL << 20U) + 4096);
    EXPECT_TRUE(
        run_command("cd " + quoted(out.string()) + " && sha256sum --strict --quiet -c salvage-export/SHA256SUMS 2>&1")
            .has_value());
}

TEST(ExportArchive, TakesAnyNameAndLetsNoneLeadOutside)
{
    FakeFileSystem files;
    files.add_file(FakeFileSystem::root_inode, "\xC3\xA4\xF0\x9F\x98\x80", "unicode");
    files.add_file(FakeFileSystem::root_inode, "bad\xFF\xFE", "bytes");
    files.add_file(FakeFileSystem::root_inode, "line\nbreak", "line");
    files.add_file(FakeFileSystem::root_inode, "salvage-export", "ours");
    const auto up = files.add_folder(FakeFileSystem::root_inode, "..");
    files.add_file(up, "evil", "outside");
    files.add_file(FakeFileSystem::root_inode, std::string(255, 'n'), "long");
    const TemporaryFolder folder;
    const auto tar = folder.path() / "n.tar";
    const auto report = archive(files, tar, ArchiveFormat::pax);
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->failed.size(), 2U) << "two names were replaced";
    const auto out = unpacked(folder, tar);
    EXPECT_EQ(test::text_of(out / "\xC3\xA4\xF0\x9F\x98\x80"), "unicode");
    EXPECT_EQ(test::text_of(out / "bad\xFF\xFE"), "bytes");
    EXPECT_EQ(test::text_of(out / "line\nbreak"), "line");
    EXPECT_EQ(test::text_of(out / std::string(255, 'n')), "long");
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "evil"));
    const auto lines = test::manifest_of(out / "salvage-export");
    EXPECT_EQ(test::text_of(out / lines.at("/../evil")["stored"].get<std::string>()), "outside");
    EXPECT_EQ(test::text_of(out / lines.at("/salvage-export")["stored"].get<std::string>()), "ours");
}

TEST(ExportArchive, FillsWhatIsLostWithZerosAndSaysSo)
{
    FakeFileSystem files;
    files.add_file(FakeFileSystem::root_inode, "torn",
                   io::make_concat({io::make_memory(test::noise(512, 1), "a"), io::make_missing(ByteCount{512}, "lost"),
                                    io::make_memory(test::noise(512, 2), "b")},
                                   "torn")
                       .unwrap());
    const auto gone = files.add_file(FakeFileSystem::root_inode, "gone", "text");
    files.node(gone).damage = malformed(ByteOffset{0}, "the inode is damaged");
    const TemporaryFolder folder;
    const auto tar = folder.path() / "t.tar";
    const auto report = archive(files, tar, ArchiveFormat::pax);
    ASSERT_TRUE(is_ok(report));
    ASSERT_EQ(report->failed.size(), 2U);
    const auto out = unpacked(folder, tar);
    const auto bytes = test::read_file(out / "torn");
    ASSERT_EQ(bytes.size(), 1536U);
    EXPECT_TRUE(is_all_zero(ByteView{bytes}.subspan(512, 512)));
    EXPECT_EQ(to_hex(ByteView{bytes}.last(512)), to_hex(test::noise(512, 2)));
    const auto lines = test::manifest_of(out / "salvage-export");
    EXPECT_EQ(lines.at("/torn")["lost_bytes"], 512);
    EXPECT_TRUE(lines.at("/torn")["sha256"].is_null());
    EXPECT_TRUE(lines.at("/gone")["stored"].is_null());
    EXPECT_FALSE(std::filesystem::exists(out / "gone"));
}

TEST(ExportArchive, ZipHoldsEveryNameWithItsContent)
{
    FakeFileSystem files;
    test::fill(files);
    files.add_file(FakeFileSystem::root_inode, "\xC3\xA4.txt", "umlaut");
    const TemporaryFolder folder;
    const auto zip = folder.path() / "phone.zip";
    ASSERT_TRUE(is_ok(archive(files, zip, ArchiveFormat::zip)));
    EXPECT_EQ(python(zip,
                     "z = zipfile.ZipFile(path)\n"
                     "print(z.testzip(), z.read('second name'), z.read('media/IMG_1.jpg'), z.read('\xC3\xA4.txt'))"),
              "None b'a photo' b'a photo' b'umlaut'\n");
}

// Judge: Python's zipfile, which opens no archive in which a name is marked as UTF-8 and is not.
TEST(ExportArchive, ZipMarksOnlyThoseNamesAsUtf8ThatAre)
{
    FakeFileSystem files;
    files.add_file(FakeFileSystem::root_inode, "caf\xE9.txt", "latin");
    files.add_file(FakeFileSystem::root_inode, "\xC3\xA4.txt", "umlaut");
    const TemporaryFolder folder;
    const auto zip = folder.path() / "phone.zip";
    ASSERT_TRUE(is_ok(archive(files, zip, ArchiveFormat::zip)));
    EXPECT_EQ(python(zip, "z = zipfile.ZipFile(path)\n"
                          "print([(n.encode('cp437' if not i.flag_bits & 0x800 else 'utf-8'), z.read(i))\n"
                          "       for i in z.infolist() for n in [i.filename] if n.endswith('.txt')][:2])"),
              "[(b'caf\\xe9.txt', b'latin'), (b'\\xc3\\xa4.txt', b'umlaut')]\n");
}

TEST(ExportArchive, SeveralPathsLandBelowTheFolderThatHoldsThemAll)
{
    FakeFileSystem files;
    const auto media = files.add_folder(FakeFileSystem::root_inode, "media");
    const auto camera = files.add_folder(media, "camera");
    files.add_file(camera, "a.jpg", "photo");
    files.add_file(camera, "left-out.jpg", "not asked for");
    const auto music = files.add_folder(media, "music");
    const auto album = files.add_folder(music, "album");
    files.add_file(album, "a.mp3", "song");
    files.add_file(FakeFileSystem::root_inode, "elsewhere", "not asked for");
    const TemporaryFolder folder;
    const auto zip = folder.path() / "phone.zip";
    ExportOptions options;
    options.paths = {"/media/music/album", "/media/camera/a.jpg", "/media/music"}; // one lies in another
    const auto report = archive(files, zip, ArchiveFormat::zip, options);
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->files, 2U);
    EXPECT_EQ(python(zip, "import hashlib\nz = zipfile.ZipFile(path)\n"
                          "print([n for n in z.namelist() if not n.startswith('salvage-export/')])\n"
                          "print(hashlib.sha256(z.read('salvage-export/manifest.jsonl')).hexdigest())"),
              "['camera/', 'camera/a.jpg', 'music/', 'music/album/', 'music/album/a.mp3']\n" + report->manifest_sha256 +
                  "\n");
}

TEST(ExportArchive, OfSeveralPathsEachMustBeThere)
{
    FakeFileSystem files;
    files.add_file(FakeFileSystem::root_inode, "a", "there");
    const TemporaryFolder folder;
    ExportOptions options;
    options.paths = {"/a", "/b"};
    EXPECT_TRUE(
        fails_with(archive(files, folder.path() / "phone.zip", ArchiveFormat::zip, options), ErrorCode::not_found));
}

TEST(ExportArchive, EndsWithTheErrorOfItsTargetAndWhenStopped)
{
    FakeFileSystem files;
    test::fill(files);
    std::uint64_t taken = 0;
    const ByteSink full = [&](ByteView bytes) -> Result<> {
        taken += bytes.size();
        return taken < (1U << 20U) ? Result<>{}
                                   : Result<>{Error{ErrorCode::no_space, "the disk is full", {}, {}, {}, {}}};
    };
    EXPECT_TRUE(fails_with(export_archive(files, ArchiveFormat::pax, full, {}, {}), ErrorCode::no_space));
    std::stop_source person;
    person.request_stop();
    RunContext context;
    context.stop = person.get_token();
    const TemporaryFolder folder;
    EXPECT_TRUE(fails_with(archive(files, folder.path() / "x", ArchiveFormat::pax, {}, context), ErrorCode::cancelled));
}

/// Paths in the archive, without ours.
std::string names(const std::filesystem::path& tar)
{
    return python(tar, "print(*sorted(n for n in tarfile.open(path).getnames() if 'salvage-export' not in n))");
}

TEST(ExportFilter, TakesByPatternKindAndDay)
{
    FakeFileSystem files;
    const auto root = FakeFileSystem::root_inode;
    const auto camera = files.add_folder(files.add_folder(root, "DCIM"), "Camera");
    files.add_file(camera, "a.JPG", "photo");
    const auto old = files.add_file(camera, "old.jpg", "photo");
    files.node(old).entry.modified = {.seconds = 1'000'000'000, .nanoseconds = 0};
    files.add_file(camera, "b.mp4", "video");
    files.add_folder(root, "empty");
    files.add_file(root, "contacts2.db", "rows");
    const TemporaryFolder folder;
    const auto tar = folder.path() / "f.tar";
    const auto taken = [&](const ExportFilter& filter) {
        EXPECT_TRUE(is_ok(archive(files, tar, ArchiveFormat::pax, {.filter = filter})));
        return names(tar);
    };
    EXPECT_EQ(taken({.kinds = {FileKind::image}}), "DCIM DCIM/Camera DCIM/Camera/a.JPG DCIM/Camera/old.jpg\n");
    EXPECT_EQ(taken({.kinds = {FileKind::video, FileKind::database}}),
              "DCIM DCIM/Camera DCIM/Camera/b.mp4 contacts2.db\n");
    EXPECT_EQ(taken({.matches = {"*.db", "/DCIM/*/b.*"}}), "DCIM DCIM/Camera DCIM/Camera/b.mp4 contacts2.db\n");
    EXPECT_EQ(taken({.modified_before = filesystem::Timestamp{.seconds = 1'000'000'001, .nanoseconds = 0}}),
              "DCIM DCIM/Camera DCIM/Camera/old.jpg\n");
    EXPECT_EQ(taken({.kinds = {FileKind::image},
                     .modified_from = filesystem::Timestamp{.seconds = 1'000'000'000, .nanoseconds = 1}}),
              "DCIM DCIM/Camera DCIM/Camera/a.JPG\n");
}

TEST(ExportFilter, IsTheSameForFoldersAndFiltersAreNotMixed)
{
    FakeFileSystem files;
    files.add_file(files.add_folder(FakeFileSystem::root_inode, "DCIM"), "a.jpg", "photo");
    files.add_file(files.add_folder(FakeFileSystem::root_inode, "other"), "b.txt", "text");
    const TemporaryFolder folder;
    const auto out = folder.path() / "out";
    const ExportOptions photos{
        .source_identity = "phone", .filter = {.kinds = {FileKind::image}}, .top_folder = "data"};
    ASSERT_TRUE(is_ok(export_folder(files, out, photos, {})));
    EXPECT_EQ(test::text_of(out / "data/DCIM/a.jpg"), "photo");
    EXPECT_FALSE(std::filesystem::exists(out / "data/other"));
    EXPECT_TRUE(test::sums_agree(out));
    EXPECT_FALSE(export_folder(files, out, {.source_identity = "phone", .top_folder = "data"}, {}).has_value())
        << "an export of photos goes on as one of everything";
    EXPECT_TRUE(fails_with(export_folder(files, folder.path() / "x", {.top_folder = "../up"}, {}),
                           ErrorCode::invalid_argument));
}

} // namespace
} // namespace salvage::rescue
