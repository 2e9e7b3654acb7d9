// Deleted messages, calls and contacts as people get them.
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "fake_phone.hpp"

namespace salvage::artifact {
namespace {

using Json = nlohmann::json;

std::unique_ptr<test::Taken> take_deleted(const PhoneFiles& phone, std::string_view kind)
{
    auto out = std::make_unique<test::Taken>();
    const RunContext context;
    Extraction extraction{.files = &phone, .sink = &out->sink, .context = &context, .names = {}, .bounds = {}};
    extraction.names.add("+4930901820", "Jo");
    for (const auto& one : deleted_kinds()) {
        if (one.name == kind) {
            out->report = one.extract(extraction).value();
        }
    }
    return out;
}

/// The list of that name, of the JSON that was written.
Json listed(const test::Taken& taken, const std::string& key)
{
    const auto text = taken.sink.texts.find("deleted/" + key + ".json");
    return text == taken.sink.texts.end() ? Json{} : Json::parse(text->second).at(key);
}

TEST(DeletedKinds, TellOfMessagesWithAllThatProvesThem)
{
    test::FakePhone phone;
    const std::string path = "/data/com.android.providers.telephony/databases/mmssms.db";
    phone.add_database(
        path,
        "PRAGMA secure_delete=OFF; CREATE TABLE sms(_id INTEGER PRIMARY KEY, thread_id INTEGER, address TEXT,"
        "date INTEGER, type INTEGER, body TEXT); CREATE TABLE pdu(_id INTEGER PRIMARY KEY, date INTEGER, msg_box "
        "INTEGER, sub TEXT); CREATE TABLE part(_id INTEGER PRIMARY KEY, mid INTEGER, ct TEXT, text TEXT);"
        "INSERT INTO sms VALUES(1,1,'110',1502557200000,1,'kept'),(2,1,'+4930901820',1502560800000,2,'it <b>went</b>');"
        "INSERT INTO pdu VALUES(1,1502568000,1,'holiday'); INSERT INTO part VALUES(1,1,'text/plain','the sea'),"
        "(2,1,'image/jpeg',NULL); DELETE FROM sms WHERE _id=2; DELETE FROM pdu; DELETE FROM part;");
    const auto taken = take_deleted(phone, "messages");
    EXPECT_TRUE(taken->report.is_deleted);
    EXPECT_EQ(taken->report.items, 3U);
    EXPECT_EQ(taken->report.page, "deleted/messages.html");
    const auto rows = listed(*taken, "messages");
    ASSERT_EQ(rows.size(), 3U);
    const auto sms = std::ranges::find(rows, "SMS", [](const Json& row) { return row.at("kind"); });
    ASSERT_NE(sms, rows.end());
    EXPECT_EQ(sms->at("text"), "it <b>went</b>");
    EXPECT_EQ(sms->at("name"), "Jo");
    EXPECT_EQ(sms->at("box"), "sent");
    EXPECT_EQ(sms->at("time"), "2017-08-12T18:00:00Z");
    EXPECT_EQ(sms->at("confidence"), "start lost");
    EXPECT_EQ(sms->at("lost"), Json::array({"_id"}));
    EXPECT_EQ(sms->at("replaced"), false);
    EXPECT_EQ(sms->at("origin").at("file"), path);
    EXPECT_EQ(sms->at("origin").at("table"), "sms");
    EXPECT_EQ(sms->at("origin").at("byte"), sms->at("byte_in_file"));
    ASSERT_EQ(taken->sink.tables.size(), 1U);
    EXPECT_EQ(taken->sink.tables[0].rows.size(), 3U);
    EXPECT_EQ(taken->sink.tables[0].title, "Deleted messages");
}

TEST(DeletedKinds, TellOfCallsAndLeaveOutSamsungsMessages)
{
    test::FakePhone phone;
    phone.add_database(
        "/data/com.sec.android.provider.logsprovider/databases/logs.db",
        "PRAGMA secure_delete=OFF; CREATE TABLE logs(_id INTEGER PRIMARY KEY, number TEXT, date INTEGER,"
        "duration INTEGER, type INTEGER, name TEXT, logtype INTEGER);"
        "INSERT INTO logs VALUES(1,'110',1502560800000,61,1,'Po',100),(2,'112',1502560800000,0,1,NULL,200),"
        "(3,'115',1502560800000,5,2,NULL,500); DELETE FROM logs;");
    const auto taken = take_deleted(phone, "calls");
    const auto rows = listed(*taken, "calls");
    ASSERT_EQ(rows.size(), 2U);
    for (const auto& row : rows) {
        EXPECT_EQ(row.at("confidence"), "whole");
        EXPECT_EQ(row.at("direction"), row.at("number") == "110" ? "incoming" : "outgoing");
        EXPECT_NE(row.at("number"), "112");
    }
}

TEST(DeletedKinds, TellWhoseNumberItWas)
{
    test::FakePhone phone;
    phone.add_database(
        "/data/com.android.providers.contacts/databases/contacts2.db",
        "PRAGMA secure_delete=OFF; CREATE TABLE mimetypes(_id INTEGER PRIMARY KEY, mimetype TEXT NOT NULL);"
        "INSERT INTO mimetypes VALUES(5,'vnd.android.cursor.item/phone_v2'),(7,'vnd.android.cursor.item/name'),"
        "(10,'vnd.android.cursor.item/photo');"
        "CREATE TABLE raw_contacts(_id INTEGER PRIMARY KEY, contact_id INTEGER, deleted INTEGER NOT NULL DEFAULT 0,"
        "display_name TEXT); CREATE TABLE data(_id INTEGER PRIMARY KEY, mimetype_id INTEGER NOT NULL, raw_contact_id "
        "INTEGER NOT NULL, data1 TEXT, data2 TEXT, data15 BLOB);"
        "INSERT INTO raw_contacts VALUES(1,1,0,'Ada'),(2,2,0,'Zoe');"
        "INSERT INTO data "
        "VALUES(1,7,1,'Ada',NULL,NULL),(2,5,1,'110','2',NULL),(3,7,2,'Zoe',NULL,NULL),(4,5,2,'112','2',NULL),"
        "(5,10,2,NULL,NULL,x'ffd8');"
        "DELETE FROM data WHERE raw_contact_id=2; DELETE FROM raw_contacts WHERE _id=2;");
    const auto taken = take_deleted(phone, "contacts");
    const auto rows = listed(*taken, "contacts");
    const auto number = std::ranges::find(rows, "112", [](const Json& row) { return row.at("value"); });
    ASSERT_NE(number, rows.end());
    EXPECT_EQ(number->at("name"), "Zoe");
    EXPECT_EQ(number->at("entry"), "phone");
    EXPECT_EQ(number->at("person"), 2);
    for (const auto& row : rows) {
        EXPECT_NE(row.at("value"), "110") << "it is there";
    }
}

TEST(DeletedKinds, WriteNothingWhereNothingIsFound)
{
    test::FakePhone phone;
    phone.add_database("/data/com.android.providers.contacts/databases/calllog.db",
                       "CREATE TABLE calls(_id INTEGER PRIMARY KEY, number TEXT, date INTEGER);"
                       "INSERT INTO calls VALUES(1,'110',5);");
    const auto taken = take_deleted(phone, "calls");
    ASSERT_EQ(taken->report.notes.size(), 1U);
    EXPECT_TRUE(taken->report.notes[0].starts_with("Free parts of the phone's databases were looked through"));
    EXPECT_TRUE(take_deleted(test::FakePhone{}, "calls")->report.notes.empty()) << "there was nothing to look through";
    EXPECT_EQ(taken->report.items, 0U);
    EXPECT_TRUE(taken->sink.texts.empty());
    EXPECT_TRUE(taken->sink.tables.empty());
    EXPECT_EQ(taken->report.databases.size(), 1U);
}

TEST(DeletedKinds, SayWhatCouldNotBeLookedThrough)
{
    test::FakePhone phone;
    phone.add("/data/com.android.providers.telephony/databases/mmssms.db", "no database");
    const auto taken = take_deleted(phone, "messages");
    EXPECT_EQ(taken->report.items, 0U);
    EXPECT_EQ(taken->report.problems.size(), 1U);
}

} // namespace
} // namespace salvage::artifact
