// The listings beside an export, as the tools they are made for read them: Python's XML parser, The Sleuth Kit's
// mactime.
#include <gtest/gtest.h>

#include "export_support.hpp"
#include "rescue/export_listings.hpp"
#include "salvage/crypto/hash.hpp"
#include "support/assert_result.hpp"

namespace salvage::rescue {
namespace {

using test::FakeFileSystem;
using test::is_ok;
using test::quoted;
using test::run_command;

/// A folder exported from a tree with awkward names.
class ExportListings : public ::testing::Test {
protected:
    void SetUp() override
    {
        test::fill(files_);
        const auto root = FakeFileSystem::root_inode;
        const auto odd = files_.add_file(root, "a|b\n<&>\x01\xFF\xEF\xBF\xBE\xC3\xA4", "odd");
        auto& entry = files_.node(odd).entry;
        entry.mode = 06755;
        entry.uid = 10'001;
        entry.modified = {.seconds = 1'000'000'000, .nanoseconds = 5};
        entry.created = filesystem::Timestamp{.seconds = -1, .nanoseconds = 999'999'999};
        ASSERT_TRUE(is_ok(test::export_all(files_, out_)));
    }

    FakeFileSystem files_;
    test::TemporaryFolder folder_;
    std::filesystem::path out_{folder_.path() / "out"};
};

TEST_F(ExportListings, DfxmlIsWellFormedAndHasEveryEntry)
{
    const std::string code =
        "import sys, xml.etree.ElementTree as e\n"
        "n = {'d': 'http://www.forensicswiki.org/wiki/Category:Digital_Forensics_XML'}\n"
        "o = e.parse(sys.argv[1]).getroot().findall('.//d:fileobject', n)\n"
        "t = lambda f, k: f.findtext('d:' + k, None, n)\n"
        "print(len(o))\n"
        "for f in o:\n"
        "    if t(f, 'filename').startswith(('a|b', 'media/IMG', 'media/latest')):\n"
        "        print(ascii(t(f, 'filename')), t(f, 'name_type'), t(f, 'filesize'), t(f, 'mtime'),\n"
        "              t(f, 'crtime'), t(f, 'hashdigest'), t(f, 'link_target'))\n";
    const auto said = run_command("python3 -c " + quoted(code) + " " + quoted((out_ / dfxml_name).string()));
    ASSERT_TRUE(said.has_value());
    const auto sum_of = [](std::string_view text) { return to_hex(crypto::sha256(as_bytes(text))); };
    EXPECT_EQ(*said, "8\n"
                     "'a|b\\\\x0a<&>\\\\x01\\\\xff\\ufffd\\xe4' r 3 2001-09-09T01:46:40.000000005Z "
                     "1969-12-31T23:59:59.999999999Z " +
                         sum_of("odd") +
                         " None\n"
                         "'media/IMG_1.jpg' r 7 2017-07-14T02:40:00.123456789Z None " +
                         sum_of("a photo") +
                         " None\n"
                         "'media/latest' l 0 2017-07-14T02:40:00.123456789Z None None IMG_1.jpg\n");
}

TEST_F(ExportListings, BodyFileHasElevenColumnsALine)
{
    std::istringstream lines{test::text_of(out_ / body_name)};
    std::size_t count = 0;
    bool has_odd = false;
    for (std::string line; std::getline(lines, line); ++count) {
        EXPECT_EQ(std::ranges::count(line, '|'), 10) << line;
        has_odd = has_odd || line.find("|r/rrwsr-sr-x|10001|") != std::string::npos;
    }
    EXPECT_EQ(count, 8U);
    EXPECT_TRUE(has_odd);
}

TEST_F(ExportListings, MactimeMakesATimelineOfTheBodyFile)
{
    if (!run_command("command -v mactime").has_value()) {
        GTEST_SKIP() << "mactime is not here: apt-get install sleuthkit";
    }
    const auto said = run_command("mactime -b " + quoted((out_ / body_name).string()) + " -d -z UTC -y");
    ASSERT_TRUE(said.has_value());
    EXPECT_NE(said->find("2001-09-09T01:46:40Z,3,m..."), std::string::npos) << *said;
    EXPECT_NE(said->find("/media/latest -> IMG_1.jpg"), std::string::npos) << *said;
}

TEST_F(ExportListings, NamesOfTheListsThemselvesAreReplacedOnTop)
{
    FakeFileSystem files;
    files.add_file(FakeFileSystem::root_inode, "bodyfile.txt", "the phone's");
    const auto out = folder_.path() / "other";
    const auto report = test::export_all(files, out);
    ASSERT_TRUE(is_ok(report));
    EXPECT_EQ(report->failed.size(), 1U);
    EXPECT_EQ(test::text_of(out / body_name).find("the phone's"), std::string::npos);
}

} // namespace
} // namespace salvage::rescue
