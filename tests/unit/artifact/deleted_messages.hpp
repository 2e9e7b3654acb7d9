// A phone's messages, deleted in many ways, and what is found of them again.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "artifact/deleted_rows.hpp"
#include "made_database.hpp"
#include "support/assert_result.hpp"

namespace salvage::test {

using artifact::RecoveredRow;
using artifact::RecoveredRows;
using artifact::ValueState;

inline constexpr std::array<std::string_view, 1> sms{"sms"};
inline constexpr std::size_t room_for_rows = 64U << 20U;
/// As Android has it, in short.
inline const std::string sms_table{
    "CREATE TABLE sms(_id INTEGER PRIMARY KEY, thread_id INTEGER, address TEXT, person INTEGER,"
    "date INTEGER, date_sent INTEGER DEFAULT 0, read INTEGER DEFAULT 0, type INTEGER,"
    "subject TEXT, body TEXT, service_center TEXT, locked INTEGER DEFAULT 0);"};
inline constexpr std::size_t body_field = 9;

inline RecoveredRows found_in(const artifact::DatabaseFiles& files, std::span<const std::string_view> tables = sms)
{
    auto opened = artifact::Database::open(files);
    EXPECT_TRUE(is_ok(opened));
    auto out = artifact::read_deleted_rows(*opened, files, tables, room_for_rows, {});
    EXPECT_TRUE(is_ok(out));
    return std::move(out).value_or(RecoveredRows{});
}
inline RecoveredRows found_in(const std::string& sql)
{
    return found_in(database_files(made_database("PRAGMA secure_delete=OFF;" + sql)));
}

/// What a message of that number has in its columns, as text; null is empty.
inline std::array<std::string, 12> values_of(std::int64_t id, const std::string& body)
{
    return {std::to_string(id),
            std::to_string(id % 7),
            fmt::format("+4930{:07}", id * 7919 % 10'000'000),
            "",
            std::to_string(1'500'000'000'000 + id * 61'007),
            std::to_string(1'500'000'000'000 + id * 61'000),
            "1",
            "2",
            "",
            body,
            "",
            "0"};
}

inline std::string insert(std::int64_t id, const std::string& body)
{
    std::string out = "INSERT INTO sms VALUES(";
    for (const auto& value : values_of(id, body)) {
        out += (out.back() == '(' ? "" : ",") + (value.empty() ? std::string{"NULL"} : "'" + value + "'");
    }
    return out + ");";
}

/// "confidence place rowid: text" of each row.
inline std::vector<std::string> told(const RecoveredRows& found)
{
    std::vector<std::string> out;
    for (const auto& row : found.rows) {
        out.push_back(fmt::format("{}|{}|{}|{}", to_string(row.confidence), to_string(row.place),
                                  row.rowid ? std::to_string(*row.rowid) : "?",
                                  artifact::to_text(row.values[body_field]).value_or("null")));
    }
    return out;
}
using Told = std::vector<std::string>;

/// What a phone did to its messages, and everything that ever stood in the table.
class History {
public:
    explicit History(unsigned seed) : random_{seed}
    {
        constexpr std::array page_sizes{1024, 4096, 4096, 8192};
        constexpr std::array vacuums{0, 0, 1, 2};
        // One draw a statement: the order of arguments is the compiler's choice.
        const auto page_size = page_sizes.at(below(4));
        const auto vacuum = vacuums.at(below(4));
        sql_ = fmt::format("PRAGMA page_size={}; PRAGMA auto_vacuum={}; PRAGMA secure_delete=OFF; {} CREATE INDEX i "
                           "ON sms(thread_id); BEGIN;",
                           page_size, vacuum, sms_table);
        const auto steps = 50 + below(400);
        for (std::size_t i = 0; i < steps; ++i) {
            step();
        }
        sql_ += "COMMIT;";
    }

    [[nodiscard]] const std::string& sql() const noexcept { return sql_; }
    /// Whether a row with these values was ever there: all that is known of it tells of one insertion.
    [[nodiscard]] bool was(const RecoveredRow& row) const
    {
        return std::ranges::any_of(ever_, [&](const auto& one) {
            return (!row.rowid || *row.rowid == one.first) &&
                   std::ranges::any_of(one.second, [&, id = one.first](const std::string& body) {
                       return is_of(row, values_of(id, body));
                   });
        });
    }
    [[nodiscard]] const std::map<std::int64_t, std::string>& gone() const noexcept { return gone_; }
    [[nodiscard]] const std::map<std::int64_t, std::string>& live() const noexcept { return live_; }

private:
    /// Of a value that is cut the last bytes may be of what lies over it.
    static bool is_of(const RecoveredRow& row, const std::array<std::string, 12>& all)
    {
        for (std::size_t i = 1; i < all.size(); ++i) {
            if (row.states[i] == ValueState::whole && artifact::to_text(row.values[i]).value_or("") != all.at(i)) {
                return false;
            }
        }
        return true;
    }

    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }

    std::string made_body()
    {
        auto length = 5 + below(120);
        if (below(40) == 0) {
            length = 500 + below(9000);
        }
        std::string out = fmt::format("#{} ", ++made_);
        while (out.size() < length) {
            out += static_cast<char>('a' + below(26));
        }
        return out;
    }

    void step()
    {
        const auto what = below(100);
        if (what < 55 || live_.empty()) {
            put(++last_, made_body());
        } else if (what < 65) {
            const auto id = any();
            put(id, made_body());
        } else if (what < 95) {
            drop(any());
        } else if (what < 98) {
            const auto first = any();
            for (auto id = first; id < first + 10; ++id) {
                drop(id);
            }
        } else {
            sql_ += "COMMIT; BEGIN;";
        }
    }
    std::int64_t any() { return std::next(live_.begin(), static_cast<std::ptrdiff_t>(below(live_.size())))->first; }

    void put(std::int64_t id, std::string body)
    {
        sql_ += fmt::format("DELETE FROM sms WHERE _id={};", id) + insert(id, body);
        ever_[id].insert(body);
        live_[id] = std::move(body);
    }
    void drop(std::int64_t id)
    {
        const auto found = live_.find(id);
        if (found != live_.end()) {
            sql_ += fmt::format("DELETE FROM sms WHERE _id={};", id);
            gone_[id] = found->second;
            live_.erase(found);
        }
    }

    std::mt19937 random_;
    std::string sql_;
    std::int64_t last_{0};
    int made_{0};
    std::map<std::int64_t, std::string> live_;
    std::map<std::int64_t, std::string> gone_;
    std::map<std::int64_t, std::set<std::string>> ever_;
};

} // namespace salvage::test
