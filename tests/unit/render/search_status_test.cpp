// Status of a search: hashcat's keys and numbers for programs, one line for people.
#include "salvage/render/search_status.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace salvage::render {
namespace {

SearchStatus some_status()
{
    SearchStatus out;
    out.session = "a.session";
    out.target = "phone.img+0x0";
    out.attack = "4-digit PIN";
    out.devices = "2 threads";
    out.begin = 100;
    out.next = 350;
    out.done = 300;
    out.end = 1100;
    out.rejected = 7;
    out.targets = 2;
    out.found = 1;
    out.rate = 10;
    out.started = std::chrono::seconds{1000};
    out.now = std::chrono::seconds{1030};
    return out;
}

TEST(SearchStatus, IsOneLineOfJsonWithHashcatsKeys)
{
    const auto text = status_json(some_status());
    EXPECT_EQ(text.find('\n'), text.size() - 1);
    const auto json = nlohmann::json::parse(text);
    EXPECT_EQ(json.at("status"), 3);
    EXPECT_EQ(json.at("progress"), (nlohmann::json{300, 1000}));
    EXPECT_EQ(json.at("restore_point"), 350);
    EXPECT_EQ(json.at("recovered_hashes"), (nlohmann::json{1, 2}));
    EXPECT_EQ(json.at("rejected"), 7);
    EXPECT_EQ(json.at("devices").at(0).at("speed"), 10);
    EXPECT_EQ(json.at("time_start"), 1000);
    EXPECT_EQ(json.at("estimated_stop"), 1030 + 70) << "700 candidates at 10 a second";
    EXPECT_EQ(json.at("session"), "a.session");
}

TEST(SearchStatus, SaysNullWhereTheEndIsNotKnown)
{
    auto status = some_status();
    status.end.reset();
    EXPECT_TRUE(nlohmann::json::parse(status_json(status)).at("estimated_stop").is_null());
    status = some_status();
    status.rate = 0;
    EXPECT_TRUE(nlohmann::json::parse(status_json(status)).at("estimated_stop").is_null());
}

TEST(SearchStatus, KeepsToValidJsonWhateverTheNamesAre)
{
    auto status = some_status();
    status.target = "\xFF\x01\"";
    EXPECT_TRUE(nlohmann::json::accept(status_json(status)));
}

TEST(SearchStatus, IsALineForAPerson)
{
    EXPECT_EQ(status_text(some_status()),
              "running: 4-digit PIN; 300 of 1,000 candidates, 10.0 a second, about 70 seconds left at most; "
              "found 1 of 2; goes on from number 350\n");
}

} // namespace
} // namespace salvage::render
