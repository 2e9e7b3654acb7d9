// A case folder that is worked in: whose it is, and what its log says when it is opened again and by many at once.
#include "salvage/rescue/case_folder.hpp"

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "case_support.hpp"
#include "rescue/log_reader.hpp"

namespace salvage::rescue {
namespace {

using test::fails_with;
using test::is_ok;

class CaseFolderTest : public ::testing::Test {
protected:
    Result<std::unique_ptr<CaseFolder>> opened(std::uint64_t size = 4096, const std::string& statement = {})
    {
        return CaseFolder::open({.folder = path(), .dump = dump, .size = ByteCount{size}, .statement = statement},
                                clock);
    }
    [[nodiscard]] std::filesystem::path path() const { return folder.path() / "case"; }
    [[nodiscard]] long records_of(std::string_view event) const
    {
        std::vector<std::string> events;
        EXPECT_TRUE(
            is_ok(list_case_log(path(), [&events](const ShownRecord& record) { events.emplace_back(record.event); })));
        return std::ranges::count(events, event);
    }

    test::TemporaryFolder folder;
    test_case::FixedClock clock;
    DumpRequest dump{
        .path = "/dumps/phone.img", .layout_files = {}, .footer_file = std::nullopt, .map_file = std::nullopt};
};

TEST_F(CaseFolderTest, GoesOnWithTheSameDumpAlone)
{
    {
        const auto first = opened(4096, "It is mine.").unwrap();
        ASSERT_TRUE(is_ok(first->note()));
        EXPECT_TRUE(is_ok(first->note_source(std::string(64, 'a'))));
        EXPECT_TRUE(fails_with(opened(), ErrorCode::already_exists)); // one program at a time
    }
    EXPECT_TRUE(fails_with(opened(8192), ErrorCode::already_exists));
    const auto again = opened().unwrap();
    EXPECT_EQ(again->statement(), "It is mine.");
    EXPECT_TRUE(fails_with(again->note_source(std::string(64, 'b')), ErrorCode::already_exists));
    EXPECT_TRUE(is_ok(again->note_source(std::string(64, 'a'))));
}

TEST_F(CaseFolderTest, TakesNoFolderThatHoldsSomethingElse)
{
    test_case::put(path() / "holiday.jpg", "a photo");
    EXPECT_TRUE(fails_with(opened(), ErrorCode::already_exists));
    EXPECT_FALSE(std::filesystem::exists(path() / "log.jsonl"));
}

TEST_F(CaseFolderTest, TellsOfAnInterruptedRunOnce)
{
    opened().unwrap()->log().write("rescue.start", "a run that is killed now");
    static_cast<void>(opened().unwrap());
    static_cast<void>(opened().unwrap());
    EXPECT_EQ(records_of("rescue.interrupted"), 1);
    opened().unwrap()->log().write("rescue.start", "and another");
    static_cast<void>(opened().unwrap());
    EXPECT_EQ(records_of("rescue.interrupted"), 2);
}

TEST_F(CaseFolderTest, ItsLogIsOneChainWhoeverWritesAtOnce)
{
    constexpr int writers = 8;
    constexpr int each = 10;
    {
        const auto open = opened(4096, "It is mine.").unwrap();
        std::vector<std::jthread> threads;
        threads.reserve(writers);
        for (int writer = 0; writer < writers; ++writer) {
            threads.emplace_back([&open] {
                for (int i = 0; i < each; ++i) {
                    open->log().write("test.record", std::string(2000, 'x'));
                    EXPECT_TRUE(is_ok(open->note_verdict(i % 2 == 0 ? "open" : "needs-secret")));
                }
            });
        }
    }
    EXPECT_EQ(records_of("test.record"), writers * each);
    const auto verified = verify_case({.case_folder = path(), .public_key = std::nullopt, .head = {}}, {});
    ASSERT_TRUE(is_ok(verified));
    EXPECT_TRUE(verified->is_sound());
}

} // namespace
} // namespace salvage::rescue
