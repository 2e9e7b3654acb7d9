// A small case for tests, made without a dump.
#pragma once

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "rescue/case_record.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/rescue/case_log.hpp"
#include "salvage/rescue/case_verify.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::rescue::test_case {

class FixedClock final : public Clock {
public:
    [[nodiscard]] std::chrono::nanoseconds now() const override { return {}; }
    [[nodiscard]] std::chrono::seconds wall_time() const override { return std::chrono::seconds{1'500'000'000}; }
};

inline void put(const std::filesystem::path& path, std::string_view content)
{
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path, std::ios::binary} << content;
}

inline std::string get(const std::filesystem::path& path)
{
    return std::string{as_text(test::read_file(path))};
}

inline std::string sum_of(std::string_view content)
{
    return to_hex(crypto::sha256(as_bytes(content)));
}

/// A folder with a log, a part, and three exported entries.
class SmallCase {
public:
    SmallCase()
    {
        put(path() / "parts" / "boot.img", "boot");
        put(path() / "parts" / "SHA256SUMS", "");
        put(path() / "parts" / "manifest.json",
            R"({"parts":[{"file":"boot.img","size":4,"stored_sha256":")" + sum_of("boot") + "\"}]}");
        put(path() / "files" / "photo", "photo");
        std::filesystem::create_directory(path() / "files" / "folder");
        std::filesystem::create_symlink("/etc/passwd", path() / "files" / "link");
        put(path() / "files" / "manifest.jsonl",
            R"({"path":"/photo","type":"file","size":5,"sha256":")" + sum_of("photo") + "\",\"stored\":\"photo\"}\n" +
                R"({"path":"/folder","type":"directory","size":0,"sha256":null,"stored":"folder"})" + "\n" +
                R"({"path":"/fifo","type":"fifo","size":0,"sha256":null,"stored":null})" + "\n" +
                R"({"path":"/link","type":"symlink","size":0,"target":"/etc/passwd","stored":"link"})" + "\n");
        const auto log = open();
        begin_folder(*log, "parts");
        EXPECT_TRUE(test::is_ok(record_parts(*log, path())));
        finish_folder(*log, "parts", "done");
        EXPECT_TRUE(test::is_ok(record_files(*log, path(), std::array<std::string, 1>{"files/manifest.jsonl"})));
        EXPECT_TRUE(test::is_ok(replace_recorded(*log, path(), {.name = "report.txt", .content = "all is well\n"})));
        log->write("rescue.done", "verdict open");
    }

    [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "case"; }
    [[nodiscard]] std::filesystem::path log() const { return path() / "log.jsonl"; }

    [[nodiscard]] std::unique_ptr<CaseLog> open()
    {
        std::filesystem::create_directories(path());
        auto log = CaseLog::open(log_path(), clock_);
        EXPECT_TRUE(test::is_ok(log));
        return *std::move(log);
    }

    [[nodiscard]] CaseVerifyReport verify(std::string head = {}) const
    {
        auto report = verify_case({.case_folder = path(), .public_key = {}, .head = std::move(head)}, {});
        EXPECT_TRUE(test::is_ok(report));
        return report.has_value() ? *std::move(report) : CaseVerifyReport{};
    }

private:
    [[nodiscard]] std::filesystem::path log_path() const { return path() / "log.jsonl"; }

    test::TemporaryFolder folder_;
    FixedClock clock_;
};

/// Lines without their newlines.
inline std::vector<std::string> lines_of(const std::string& text)
{
    std::vector<std::string> out;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        out.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

inline std::string joined(const std::vector<std::string>& lines)
{
    std::string out;
    for (const auto& line : lines) {
        out += line + "\n";
    }
    return out;
}

/// A record as the oldest logs have it: without `data`.
inline std::string old_record(std::string_view event, const std::string& previous)
{
    return R"({"time":1500000000,"event":")" + std::string{event} + R"(","text":"a sentence","previous":")" + previous +
           "\"}";
}

} // namespace salvage::rescue::test_case
