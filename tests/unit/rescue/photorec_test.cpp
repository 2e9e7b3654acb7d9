// PhotoRec, played: what is made of what it leaves, also where it failed on the way.
#include <fstream>
#include <optional>

#include <gtest/gtest.h>

#include "rescue/photorec.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {
namespace {

using test::fails_with;
using test::is_ok;

constexpr ByteCount image_bytes{65536};

/// Leaves files where PhotoRec would, and ends as it is told.
class PlayedPhotorec final : public CommandRunner {
public:
    explicit PlayedPhotorec(test::TemporaryFolder& folder) : folder_{&folder} {}

    std::vector<std::pair<std::string, std::string>> files; ///< path below the folder, content
    int exit_code{0};
    bool takes_image_away{false};

    Result<CommandAnswer> run(const std::vector<std::string>& /*command*/, const RunContext& /*context*/) override
    {
        for (const auto& [path, content] : files) {
            std::filesystem::create_directories((folder_->path() / path).parent_path());
            EXPECT_FALSE(folder_->write(path, as_bytes(content)).empty());
        }
        if (takes_image_away) {
            std::filesystem::remove(folder_->path() / "image");
        }
        return CommandAnswer{.exit_code = exit_code, .out = {}, .complaint = {}};
    }

private:
    test::TemporaryFolder* folder_;
};

std::string report_of(std::string_view objects)
{
    return "<?xml version='1.0'?><dfxml>" + std::string{objects} + "</dfxml>";
}

std::string object(std::string_view name, std::string_view runs)
{
    return "<fileobject><filename>" + std::string{name} + "</filename><byte_runs>" + std::string{runs} +
           "</byte_runs></fileobject>";
}

class Photorec : public ::testing::Test {
protected:
    Result<PhotorecResult> run()
    {
        return run_photorec(
            {.image = folder_.path() / "image", .folder = folder_.path(), .families = {}, .block = ByteCount{4096}},
            photorec_, {});
    }

    test::TemporaryFolder folder_;
    std::filesystem::path image_ = folder_.write("image", Bytes(image_bytes.value));
    PlayedPhotorec photorec_{folder_};
};

TEST_F(Photorec, GivesFilesWithTheirRuns)
{
    photorec_.files = {{"found.1/f8.jpg", "a"},
                       {"found.2/f16.JPG", "b"},
                       {"found.1/report.xml", report_of(object("f8.jpg", "<byte_run img_offset='4096' len='512'/>"))}};
    const auto result = run();
    ASSERT_TRUE(is_ok(result));
    ASSERT_EQ(result->files.size(), 2U);
    EXPECT_EQ(result->files[0].runs.size(), 1U);
    EXPECT_EQ(result->files[1].ending, "jpg");
    EXPECT_TRUE(result->files[1].runs.empty());
    EXPECT_TRUE(result->incomplete.empty());
}

TEST_F(Photorec, ThatEndsEarlyKeepsWhatItFound)
{
    photorec_.files = {{"found.1/f8.jpg", "a"}, {"found.1/report.xml", "<dfxml><fileobject><filename>f8.jpg"}};
    photorec_.exit_code = 139;
    const auto result = run();
    ASSERT_TRUE(is_ok(result));
    EXPECT_EQ(result->files.size(), 1U);
    ASSERT_EQ(result->incomplete.size(), 2U);
    EXPECT_NE(result->incomplete[0].find("139"), std::string::npos) << result->incomplete[0];
    EXPECT_NE(result->incomplete[1].find("report is damaged"), std::string::npos) << result->incomplete[1];
}

TEST_F(Photorec, ThatFindsNothingAndFailsIsAnError)
{
    photorec_.exit_code = 1;
    EXPECT_TRUE(fails_with(run(), ErrorCode::unsupported));
    photorec_.exit_code = 127;
    EXPECT_TRUE(fails_with(run(), ErrorCode::not_found));
}

TEST_F(Photorec, WhoseImageIsGoneIsAnError)
{
    photorec_.files = {{"found.1/f8.jpg", "a"}, {"found.1/report.xml", report_of("")}};
    photorec_.takes_image_away = true;
    EXPECT_FALSE(run().has_value());
}

TEST_F(Photorec, IsNotRunOverTheResultsOfAnother)
{
    std::filesystem::create_directory(folder_.path() / "found.1");
    EXPECT_TRUE(fails_with(run(), ErrorCode::already_exists));
}

TEST_F(Photorec, FilesOfOneNameAreAllKeptAndHaveNoPlace)
{
    photorec_.files = {{"found.1/f8.jpg", "a"},
                       {"found.2/f8.jpg", "b"},
                       {"found.1/report.xml", report_of(object("f8.jpg", "<byte_run img_offset='4096' len='512'/>"))}};
    const auto result = run();
    ASSERT_TRUE(is_ok(result));
    ASSERT_EQ(result->files.size(), 2U);
    EXPECT_TRUE(result->files[0].runs.empty() && result->files[1].runs.empty());
}

TEST(PhotorecReport, RunsOutsideOfTheImageAreLeftOut)
{
    const auto report = parse_photorec_report(
        report_of(object("f1.jpg",
                         "<byte_run img_offset='-1' len='512'/><byte_run img_offset='0' len='0'/>"
                         "<byte_run img_offset='18446744073709551615' len='18446744073709551615'/>"
                         "<byte_run img_offset='65536' len='512'/><byte_run img_offset='65024' len='4096'/>") +
                  object("&lt;b&gt;../../etc", "<byte_run/>")),
        image_bytes);
    EXPECT_FALSE(report.damage.has_value());
    ASSERT_EQ(report.entries.size(), 2U);
    ASSERT_EQ(report.entries[0].runs.size(), 1U) << "the last block may reach over the end";
    EXPECT_EQ(report.entries[0].runs[0].in_image.start().value, 65024U);
    EXPECT_EQ(report.entries[0].runs[0].in_image.end(), ByteOffset{image_bytes.value});
    EXPECT_TRUE(report.entries[1].runs.empty());
}

TEST(PhotorecReport, EveryCutIsDamageOrWhole)
{
    const auto whole = report_of(object("f1.jpg", "<byte_run img_offset='0' len='512'/>"));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto report = parse_photorec_report(std::string_view{whole}.substr(0, size), image_bytes);
        EXPECT_TRUE(report.damage.has_value()) << size;
        EXPECT_LE(report.entries.size(), 1U);
    }
}

} // namespace
} // namespace salvage::rescue
