// The head of a case log.
#include "salvage/rescue/log_head.hpp"

#include <gtest/gtest.h>

#include "salvage/crypto/hash.hpp"
#include "salvage/rescue/rescue.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue {
namespace {

/// The log's bytes after two records.
std::string some_log(const std::filesystem::path& path)
{
    const auto log = CaseLog::open(path, system_clock());
    EXPECT_TRUE(test::is_ok(log));
    (*log)->write("one", "first");
    (*log)->write("two", "second");
    return std::string{as_text(test::read_file(path))};
}

TEST(LogHead, IsTheLastRecordByLineAndHash)
{
    const test::TemporaryFolder folder;
    const auto path = folder.path() / "log.jsonl";
    const auto text = some_log(path);
    const auto head = head_of_log(path);
    ASSERT_TRUE(test::is_ok(head));
    ASSERT_TRUE(head->has_value());
    EXPECT_EQ((*head)->line, 2U);
    EXPECT_EQ((*head)->event, "two");
    const auto start = text.find('\n') + 1;
    EXPECT_EQ((*head)->sha256, to_hex(crypto::sha256(as_bytes(text.substr(start, text.size() - 1 - start)))));
}

TEST(LogHead, IsWhatTheNextRecordNames)
{
    const test::TemporaryFolder folder;
    const auto path = folder.path() / "log.jsonl";
    ASSERT_FALSE(some_log(path).empty());
    const auto head = head_of_log(path);
    ASSERT_TRUE(test::is_ok(head));
    const auto log = CaseLog::open(path, system_clock());
    ASSERT_TRUE(test::is_ok(log));
    (*log)->write("three", "third");
    EXPECT_NE(as_text(test::read_file(path)).find("\"previous\":\"" + (*head)->sha256 + "\""), std::string::npos);
}

TEST(LogHead, ATornLineIsNoRecord)
{
    const test::TemporaryFolder folder;
    const auto text = some_log(folder.path() / "log.jsonl");
    for (const auto* const end : {"{\"time\":1,\"ev", "{\"time\":1,\"ev\n", "\n\n", "[]\n"}) {
        const auto head = head_of_log(folder.write("torn", as_bytes(text + end)));
        ASSERT_TRUE(test::is_ok(head));
        ASSERT_TRUE(head->has_value()) << end;
        EXPECT_EQ((*head)->line, 2U) << end;
    }
}

TEST(LogHead, AnEmptyLogHasNone)
{
    const test::TemporaryFolder folder;
    for (const auto* const text : {"", "\n", "no record\n", "{\"time\":1,\"previous\":\"x\"}"}) {
        const auto head = head_of_log(folder.write("log", as_bytes(text)));
        ASSERT_TRUE(test::is_ok(head));
        EXPECT_FALSE(head->has_value()) << text;
    }
    EXPECT_TRUE(test::fails_with(head_of_log(folder.path() / "none"), ErrorCode::io) ||
                test::fails_with(head_of_log(folder.path() / "none"), ErrorCode::not_found));
}

} // namespace
} // namespace salvage::rescue
