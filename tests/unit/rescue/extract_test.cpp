#include "salvage/rescue/extract.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "export_support.hpp"
#include "fake_filesystem.hpp"
#include "salvage/io/views.hpp"
#include "salvage/rescue/case_run.hpp"
#include "stop_at.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {
namespace {

using test::fails_with;
using test::FakeFileSystem;
using test::is_ok;

/// Draws nothing but paths.
class PlainPages final : public ExtractPages {
public:
    [[nodiscard]] std::vector<DrawnPage> draw(const artifact::TablePage& page) const override
    {
        return {{.path = page.path, .html = page.title}};
    }
    [[nodiscard]] DrawnPage draw(const artifact::ConversationPage& page) const override
    {
        return {.path = page.path, .html = page.title};
    }
    [[nodiscard]] DrawnPage draw(const artifact::GalleryPage& page) const override
    {
        return {.path = page.path, .html = page.title};
    }
    [[nodiscard]] DrawnPage draw_front(const ExtractReport& /*report*/,
                                       const std::vector<artifact::IndexEntry>& /*entries*/) const override
    {
        return {.path = "index.html", .html = "front"};
    }
    [[nodiscard]] std::string json(const ExtractReport& /*report*/) const override { return "{}"; }
};

Result<ExtractReport> extract_all(const FakeFileSystem& files, const std::filesystem::path& out,
                                  const std::string& identity = "phone", const RunContext& context = {})
{
    const PlainPages pages;
    return extract(files, out, {.source = "phone.img", .source_identity = identity}, pages, context);
}

struct Camera {
    FakeFileSystem files;
    std::uint64_t folder{};
    Camera()
    {
        const auto media = files.add_folder(FakeFileSystem::root_inode, "media");
        const auto user = files.add_folder(media, "0");
        folder = files.add_folder(files.add_folder(user, "DCIM"), "Camera");
    }
};

std::vector<nlohmann::json> manifest_lines(const std::filesystem::path& folder)
{
    std::vector<nlohmann::json> out;
    std::ifstream lines{folder / "manifest.jsonl"};
    for (std::string line; std::getline(lines, line);) {
        out.push_back(nlohmann::json::parse(line));
    }
    return out;
}

TEST(Extract, CopiesNamesHashesAndLinks)
{
    Camera camera;
    camera.files.add_file(camera.folder, "IMG_20170601_120000.jpg", "one");
    camera.files.add_file(camera.folder, "IMG_20170601_120001.jpg", "two");
    camera.files.add_file(camera.folder, "copy of 20170601.jpg", "one");
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "out";
    const auto report = extract_all(camera.files, out);
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->duplicates, 1U);
    EXPECT_TRUE(test::sums_agree(out));
    const auto day = out / "photos" / "2017-06-01";
    EXPECT_EQ(test::text_of(day / "IMG_20170601_120001.jpg"), "two");
    EXPECT_EQ(test::stat_of(day / "IMG_20170601_120000.jpg").st_ino,
              test::stat_of(day / "copy of 20170601.jpg").st_ino);
    EXPECT_EQ(test::stat_of(day / "IMG_20170601_120001.jpg").st_mtime, FakeFileSystem::some_time);
    EXPECT_EQ(report->files, manifest_lines(out).size());
    EXPECT_FALSE(std::filesystem::exists(out / ".salvage-extract.partial"));
}

TEST(Extract, HostileNamesStayInTheFolder)
{
    Camera camera;
    for (const auto* const name : {"..", ".", "a\nb.jpg", "<img src=x onerror=alert(1)>.jpg", "C:\\x.jpg", "A.JPG",
                                   "a.jpg", ".hidden.jpg", "\xFF.jpg"}) {
        camera.files.add_file(camera.folder, name, name);
    }
    camera.files.add_file(camera.folder, std::string(255, 'n') + ".jpg", "long");
    camera.files.add_file(camera.folder, "../../../escape.jpg", "slash");
    camera.files.add_symlink(camera.folder, "link.jpg", "/etc/passwd");
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "out";
    ASSERT_TRUE(is_ok(extract_all(camera.files, out)));
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "escape.jpg"));
    std::size_t photos = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{out / "photos"}) {
        EXPECT_FALSE(entry.is_symlink());
        photos += entry.is_regular_file() && entry.path().extension() == ".jpg" ? 1U : 0U;
    }
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator{folder.path()}, {}), 1);
    EXPECT_GE(photos, 7U);
    EXPECT_TRUE(test::sums_agree(out));
    // FAT and exFAT refuse a name that is no text; where it came from is in the manifest, byte for byte.
    for (const auto& entry : std::filesystem::recursive_directory_iterator{out}) {
        EXPECT_FALSE(entry.path().string().contains('\xFF')) << entry.path();
    }
    const auto lines = manifest_lines(out);
    EXPECT_TRUE(std::ranges::any_of(
        lines, [](const auto& line) { return line["stored"].template get<std::string>().ends_with("/_.jpg"); }));
}

TEST(Extract, ALongNameIsCutWhereACharacterEnds)
{
    Camera camera;
    std::string name = "a";
    for (int i = 0; i < 80; ++i) {
        name += "\xE5\xB1\xB1";
    }
    camera.files.add_file(camera.folder, name + ".jpg", "photo");
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "out";
    ASSERT_TRUE(is_ok(extract_all(camera.files, out)));
    const auto lines = manifest_lines(out);
    const auto found = std::ranges::find_if(lines, [](const auto& line) { return !line["path"].is_null(); });
    ASSERT_NE(found, lines.end());
    const auto stored = (*found)["stored"].get<std::string>();
    // "a", then as many of three bytes as fit before ".jpg" in 200.
    EXPECT_TRUE(stored.ends_with("/a" + name.substr(1, 65 * 3) + ".jpg")) << stored;
    EXPECT_TRUE(std::filesystem::exists(out / stored));
}

TEST(Extract, TellsWhatIsLostAndKeepsItApart)
{
    Camera camera;
    const auto content = io::make_memory(test::noise(100'000), "noise");
    camera.files.add_file(
        camera.folder, "IMG_20170601_120000.jpg",
        io::make_with_bad_areas(content, {ByteRange::make(ByteOffset{4096}, ByteCount{1024}).value()}));
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "out";
    const auto report = extract_all(camera.files, out);
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->lossy, 1U);
    EXPECT_TRUE(std::filesystem::exists(out / "photos" / "damaged" / "IMG_20170601_120000.jpg"));
    const auto lines = manifest_lines(out);
    const auto found = std::ranges::find_if(lines, [](const auto& line) { return line["lost_bytes"] == 1024; });
    ASSERT_NE(found, lines.end());
    EXPECT_TRUE((*found)["sha256"].is_null());
    EXPECT_EQ((*found)["path"], "/media/0/DCIM/Camera/IMG_20170601_120000.jpg");
    EXPECT_TRUE(test::sums_agree(out));
}

TEST(Extract, RefusesAFolderThatIsNotItsOwn)
{
    Camera camera;
    const test::TemporaryFolder folder;
    static_cast<void>(folder.write("mine.txt", as_bytes("mine")));
    EXPECT_TRUE(fails_with(extract_all(camera.files, folder.path()), ErrorCode::already_exists));
    const auto out = folder.path() / "out";
    ASSERT_TRUE(is_ok(extract_all(camera.files, out, "one phone")));
    EXPECT_TRUE(fails_with(extract_all(camera.files, out, "another"), ErrorCode::already_exists));
    EXPECT_TRUE(is_ok(extract_all(camera.files, out, "one phone")));
    const PlainPages pages;
    EXPECT_TRUE(fails_with(extract(camera.files, folder.path() / "third",
                                   {.source = {}, .source_identity = {}, .only = {"photo"}}, pages, {}),
                           ErrorCode::invalid_argument));
}

TEST(Extract, AnInterruptedOneLooksUnfinishedAndGoesOn)
{
    Camera camera;
    for (int i = 0; i < 50; ++i) {
        camera.files.add_file(camera.folder, "IMG_20170601_1200" + std::to_string(10 + i) + ".jpg",
                              "photo " + std::to_string(i));
    }
    const test::TemporaryFolder folder;
    const auto out = folder.path() / "out";
    std::stop_source stop;
    StopAt stopping{stop, 20};
    RunContext context;
    context.progress = &stopping;
    context.stop = stop.get_token();
    EXPECT_TRUE(fails_with(extract_all(camera.files, out, "phone", context), ErrorCode::cancelled));
    EXPECT_FALSE(std::filesystem::exists(out / "manifest.jsonl"));
    EXPECT_FALSE(std::filesystem::exists(out / "index.html"));
    const auto report = extract_all(camera.files, out);
    ASSERT_TRUE(is_ok(report));
    EXPECT_TRUE(test::sums_agree(out));
    // A rerun over a whole one gives the same, and replaces what was changed meanwhile.
    std::ofstream{out / "extract.json"} << "changed";
    ASSERT_TRUE(is_ok(extract_all(camera.files, out)));
    EXPECT_TRUE(test::sums_agree(out));
    EXPECT_EQ(test::text_of(out / "extract.json"), "{}");
}

TEST(Extract, WritesIntoTheLogOfACaseAndNowhereElse)
{
    Camera camera;
    const test::TemporaryFolder folder;
    const CaseRunRequest request{.name = "extract",
                                 .source = folder.path(),
                                 .outputs = {{.path = folder.path() / "out"}},
                                 .invocation = {.version = "1", .verb = "extract", .options = {"-o", "out"}}};
    auto none = CaseRun::begin(request, {});
    ASSERT_TRUE(is_ok(none));
    ASSERT_TRUE(is_ok(none->end({}, {}, {})));
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "log.jsonl"));
    static_cast<void>(folder.write("case.json", as_bytes("{}")));
    const auto report = extract_all(camera.files, folder.path() / "out");
    ASSERT_TRUE(is_ok(report));
    auto run = CaseRun::begin(request, {});
    ASSERT_TRUE(is_ok(run));
    RunOutcome outcome;
    describe(*report, outcome);
    ASSERT_TRUE(is_ok(run->end({}, outcome, {})));
    const auto text = test::text_of(folder.path() / "log.jsonl");
    EXPECT_NE(text.find("\"event\":\"extract.start\""), std::string::npos);
    EXPECT_NE(text.find("\"manifest_sha256\":\""), std::string::npos);
}

} // namespace
} // namespace salvage::rescue
