#include "artifact/deleted_rows.hpp"

#include <algorithm>
#include <array>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "made_database.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"

namespace salvage::artifact {
namespace {

using test::database_files;
using test::fails_with;
using test::is_ok;
using test::made_database;

constexpr std::array<std::string_view, 1> sms{"sms"};
constexpr std::size_t room = 64U << 20U;
// As Android has it, in short: src/rescue/sample_phone_databases.cpp.
const std::string sms_table = "CREATE TABLE sms(_id INTEGER PRIMARY KEY, thread_id INTEGER, address TEXT, person INTEGER,"
                              "date INTEGER, date_sent INTEGER DEFAULT 0, read INTEGER DEFAULT 0, type INTEGER,"
                              "subject TEXT, body TEXT, service_center TEXT, locked INTEGER DEFAULT 0);";
constexpr std::size_t body_field = 9;

RecoveredRows found_in(const DatabaseFiles& files, std::span<const std::string_view> tables = sms)
{
    auto opened = Database::open(files);
    EXPECT_TRUE(is_ok(opened));
    auto out = read_deleted_rows(*opened, files, tables, room, {});
    EXPECT_TRUE(is_ok(out));
    return std::move(out).value_or(RecoveredRows{});
}
RecoveredRows found_in(const std::string& sql)
{
    return found_in(database_files(made_database("PRAGMA secure_delete=OFF;" + sql)));
}

/// What a message of that number has in its columns, as text; null is empty.
std::array<std::string, 12> values_of(std::int64_t id, const std::string& body)
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

std::string insert(std::int64_t id, const std::string& body)
{
    std::string out = "INSERT INTO sms VALUES(";
    for (const auto& value : values_of(id, body)) {
        out += (out.back() == '(' ? "" : ",") + (value.empty() ? std::string{"NULL"} : "'" + value + "'");
    }
    return out + ");";
}

/// "confidence place rowid: text" of each row.
std::vector<std::string> told(const RecoveredRows& found)
{
    std::vector<std::string> out;
    for (const auto& row : found.rows) {
        out.push_back(fmt::format("{}|{}|{}|{}", to_string(row.confidence), to_string(row.place),
                                  row.rowid ? std::to_string(*row.rowid) : "?",
                                  to_text(row.values[body_field]).value_or("null")));
    }
    return out;
}
using Told = std::vector<std::string>;

TEST(DeletedRows, FindsOneRowThatWasDeletedBetweenOthers)
{
    const auto found = found_in(sms_table + insert(1, "first") + insert(2, "the one that went") + insert(3, "third") +
                                "DELETE FROM sms WHERE _id=2;");
    EXPECT_EQ(told(found), Told{"start lost|freeblock|?|the one that went"});
}

/// What a phone did to its messages, and everything that ever stood in the table.
class History {
public:
    explicit History(unsigned seed) : random_{seed}
    {
        constexpr std::array page_sizes{1024, 4096, 4096, 8192};
        constexpr std::array vacuums{0, 0, 1, 2};
        sql_ = fmt::format("PRAGMA page_size={}; PRAGMA auto_vacuum={}; PRAGMA secure_delete=OFF; {} CREATE INDEX i "
                           "ON sms(thread_id); BEGIN;",
                           page_sizes.at(below(4)), vacuums.at(below(4)), sms_table);
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
        const auto date = to_integer(row.values[4]);
        const auto id = date ? (*date - 1'500'000'000'000) / 61'007 : row.rowid.value_or(0);
        const auto bodies = ever_.find(id);
        if (bodies == ever_.end() || (row.rowid && *row.rowid != id)) {
            return false;
        }
        return std::ranges::any_of(bodies->second, [&](const std::string& body) {
            const auto all = values_of(id, body);
            for (std::size_t i = 1; i < all.size(); ++i) {
                const auto text = to_text(row.values[i]).value_or("");
                const auto& wanted = all.at(i);
                if ((row.states[i] == ValueState::whole && text != wanted) ||
                    (row.states[i] == ValueState::part && !wanted.starts_with(text))) {
                    return false;
                }
            }
            return true;
        });
    }
    [[nodiscard]] const std::map<std::int64_t, std::string>& gone() const noexcept { return gone_; }
    [[nodiscard]] const std::map<std::int64_t, std::string>& live() const noexcept { return live_; }

private:
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
            put(any(), made_body());
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

TEST(DeletedRows, OfManyHistoriesGivesNothingThatNeverWasAndMostOfWhatIsLeft)
{
    std::size_t gone = 0;
    std::size_t left = 0;
    std::size_t found_again = 0;
    std::map<RowConfidence, std::size_t> right;
    std::map<RowConfidence, std::size_t> wrong;
    for (unsigned seed = 1; seed <= 200; ++seed) {
        const History history{seed};
        const auto bytes = made_database(history.sql());
        const auto found = found_in(database_files(bytes));
        std::set<std::string> bodies;
        for (const auto& row : found.rows) {
            const auto text = to_text(row.values[body_field]).value_or("");
            const bool is_right = history.was(row);
            ++(is_right ? right : wrong)[row.confidence];
            if (!is_right) {
                (row.confidence == RowConfidence::whole ? std::cerr << "WHOLE " : std::cerr) << "seed " << seed << ": " << to_string(row.confidence) << row.rowid.value_or(0) << " " << text << " at " << row.byte << " " << to_string(row.place) << "\n";
            }
            bodies.insert(text);
            if (row.rowid && history.live().contains(*row.rowid)) {
                EXPECT_NE(history.live().at(*row.rowid), text) << "a live row";
            }
        }
        for (const auto& [id, text] : history.gone()) {
            ++gone;
            const bool is_left = as_text(bytes).find(text) != std::string_view::npos;
            left += is_left ? 1U : 0U;
            found_again += bodies.contains(text) ? 1U : 0U;
            if (is_left && !bodies.contains(text)) { std::cerr << "MISSING seed " << seed << " id " << id << " at " << as_text(bytes).find(text) << " " << text.substr(0,30)  << " " << text.size() << "\n"; }
        }
    }
    for (const auto& [confidence, count] : right) {
        std::cout << to_string(confidence) << ": right " << count << " wrong " << wrong[confidence] << "\n";
    }
    std::cout << "gone " << gone << " left " << left << " found " << found_again << "\n";
}

} // namespace
} // namespace salvage::artifact
