// The same life read from the shapes of Android 4.4, 5, 7 and 9, and judged by other people's readers.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "generations.hpp"
#include "support/assert_result.hpp"

namespace salvage::artifact {
namespace {

using nlohmann::json;
using test::ask_python;
using test::phone_of;
using test::take_out;

class EachAndroid : public ::testing::TestWithParam<int> {};

bool has_vobject()
{
    return ask_python("import vobject", "").has_value();
}

TEST_P(EachAndroid, ContactsAreReadByVobject)
{
    const auto taken = take_out(*phone_of(GetParam()), "contacts");
    EXPECT_EQ(taken->report.items, 2U);
    EXPECT_EQ(taken->report.damaged, 0U);
    if (!has_vobject()) {
        GTEST_SKIP() << "python3-vobject is not installed";
    }
    const auto said = ask_python(R"(
import sys, vobject
cards = list(vobject.readComponents(open(sys.argv[1], encoding='utf-8', newline='').read()))
assert len(cards) == 2, len(cards)
a = [c for c in cards if c.fn.value.startswith('Jörg')][0]
assert a.version.value == '4.0'
assert a.fn.value == 'Jörg Müller; jr', a.fn.value
assert a.n.value.family == 'Müller' and a.n.value.given == 'Jörg', a.n.value
tels = {t.value: t.params.get('TYPE') for t in a.contents['tel']}
assert tels['+49 30 901820'] == ['cell'], tels
assert '030 111' in tels
assert a.email.value == 'joerg@example.org'
assert a.note.value == 'Zeile 1\nZeile 2', repr(a.note.value)
assert a.adr.value.street == 'Hafenstr. 1' and a.adr.value.city == 'Kiel' and a.adr.value.code == '24103', a.adr.value
assert a.org.value == ['Werft GmbH', 'Dock'], a.org.value
assert a.title.value == 'Kapitän'
assert a.bday.value == '19800229'
assert a.url.value.replace('\\,', ',') == 'https://example.org/?a=1,2'
assert a.contents['categories'][0].value in (['Family, close'], 'Family, close'), a.contents['categories'][0].value
assert 'PHOTO:data:image/jpeg;base64,/9j/' in open(sys.argv[1], encoding='utf-8', newline='').read().replace('\r\n ', '')
b = [c for c in cards if c is not a][0]
assert b.fn.value == '山田 花子 🌸', b.fn.value
print('ok'))",
                                 taken->sink.texts.at("contacts/contacts.vcf"));
    EXPECT_EQ(said, "ok\n");
}

TEST_P(EachAndroid, ContactsTellWhereTheyComeFromAndWhatWasLeftOut)
{
    const auto taken = take_out(*phone_of(GetParam()), "contacts");
    const auto document = json::parse(taken->sink.texts.at("contacts/contacts.json"));
    ASSERT_EQ(document["contacts"].size(), 2U);
    const auto& first = document["contacts"][0];
    EXPECT_EQ(first["origin"].size(), 2U); // two entries that the phone showed as one person
    EXPECT_EQ(first["origin"][0]["table"], "raw_contacts");
    EXPECT_EQ(first["others"][0]["label"], "vnd.com.example.app/secret");
    EXPECT_EQ(document["contacts"][1]["starred"], GetParam() >= 7); // what only the WAL says
    ASSERT_EQ(taken->report.notes.size(), 1U);
    EXPECT_NE(taken->report.notes[0].find("deleted"), std::string::npos);
    EXPECT_EQ(taken->sink.stored.size(), 1U);
}

TEST_P(EachAndroid, MessagesAreWhole)
{
    const auto taken = take_out(*phone_of(GetParam()), "messages");
    EXPECT_EQ(taken->report.items, 5U);
    const auto document = json::parse(taken->sink.texts.at("messages/messages.json"));
    ASSERT_EQ(document["conversations"].size(), 2U);
    const auto& chat = document["conversations"][0]["messages"];
    ASSERT_EQ(chat.size(), 4U);
    EXPECT_EQ(chat[0]["text"], "Kommst du? \xF0\x9F\x9A\xA2 <script>alert(1)</script>");
    EXPECT_EQ(chat[0]["time"], "2017-08-12T17:00:00Z");
    EXPECT_EQ(chat[0]["origin"]["row"], 1);
    EXPECT_EQ(chat[2]["box"], "draft");
    const auto& group = document["conversations"][1];
    EXPECT_EQ(group["addresses"].size(), 3U);
    EXPECT_EQ(group["names"][0], "J\xC3\xB6rg M\xC3\xBCller; jr");
    EXPECT_EQ(group["messages"][0]["subject"], "Gr\xC3\xBC\xC3\x9F"
                                               "e");
    EXPECT_EQ(group["messages"][0]["text"], "das Meer heute");
    EXPECT_EQ(group["messages"][0]["address"], "+81300000000");
    ASSERT_EQ(taken->sink.stored.size(), 1U);
    EXPECT_EQ(taken->sink.stored.begin()->first, "messages/attachments/evil.jpg");
    ASSERT_EQ(taken->sink.conversations.size(), 2U);
    EXPECT_TRUE(taken->sink.conversations[0].bubbles[1].is_own);
    EXPECT_EQ(taken->sink.conversations[1].bubbles[0].from,
              "\xE5\xB1\xB1\xE7\x94\xB0 \xE8\x8A\xB1\xE5\xAD\x90 \xF0\x9F\x8C\xB8");
}

// The attributes that the program's authors document; those without which it takes nothing back have to be there.
TEST_P(EachAndroid, TheXmlOfMessagesHasWhatItsReaderAsksFor)
{
    const auto taken = take_out(*phone_of(GetParam()), "messages");
    pugi::xml_document document;
    const auto& text = taken->sink.texts.at("messages/sms-backup.xml");
    ASSERT_TRUE(document.load_buffer(text.data(), text.size(), pugi::parse_full));
    const auto root = document.child("smses");
    EXPECT_EQ(root.attribute("count").as_int(), 5);
    int sms = 0;
    for (const auto& node : root.children("sms")) {
        ++sms;
        for (const auto* const name : {"protocol", "address", "date", "type", "subject", "body", "toa", "sc_toa",
                                       "service_center", "read", "status", "locked", "date_sent"}) {
            EXPECT_TRUE(node.attribute(name)) << name;
        }
    }
    EXPECT_EQ(sms, 4);
    EXPECT_STREQ(root.child("sms").attribute("body").value(), "Kommst du? \xF0\x9F\x9A\xA2 <script>alert(1)</script>");
    EXPECT_STREQ(root.child("sms").attribute("contact_name").value(), "J\xC3\xB6rg M\xC3\xBCller; jr");
    const auto mms = root.child("mms");
    EXPECT_STREQ(mms.attribute("address").value(), "+4930901820~+81300000000~+15550100");
    EXPECT_STREQ(mms.attribute("m_type").value(), "132");
    EXPECT_STREQ(mms.attribute("date").value(), "1502568000000");
    EXPECT_EQ(std::distance(mms.child("parts").begin(), mms.child("parts").end()), 3);
    EXPECT_STREQ(mms.child("parts").last_child().attribute("data").value(), "/9j/2SBhIHBpY3R1cmU=");
    EXPECT_EQ(std::distance(mms.child("addrs").begin(), mms.child("addrs").end()), 3);
}

TEST_P(EachAndroid, CallsAreRead)
{
    const auto taken = take_out(*phone_of(GetParam()), "calls");
    EXPECT_EQ(taken->report.items, 3U);
    const auto document = json::parse(taken->sink.texts.at("calls/calls.json"));
    EXPECT_EQ(document["calls"][0]["name"], "J\xC3\xB6rg M\xC3\xBCller; jr"); // by his number
    EXPECT_EQ(document["calls"][0]["direction"], "incoming");
    EXPECT_EQ(document["calls"][1]["hidden"], "number withheld");
    const auto said =
        ask_python("import sys, csv\nrows = list(csv.reader(open(sys.argv[1], newline='')))\nassert len(rows) == 4 and "
                   "all(len(r) == len(rows[0]) for r in rows), rows\nprint(rows[3][1])",
                   taken->sink.texts.at("calls/calls.csv"));
    EXPECT_EQ(said, "'=1+1\n"); // no formula
}

TEST_P(EachAndroid, TheCalendarIsReadByVobject)
{
    const auto taken = take_out(*phone_of(GetParam()), "calendar");
    EXPECT_EQ(taken->report.items, 4U);
    if (!has_vobject()) {
        GTEST_SKIP() << "python3-vobject is not installed";
    }
    const auto said = ask_python(R"(
import sys, vobject, datetime
text = open(sys.argv[1], encoding='utf-8', newline='').read()
assert 'ATTACH' not in text
c = vobject.readOne(text)
events = {e.summary.value: e for e in c.vevent_list}
assert len(events) == 4, events.keys()
d = events['Dentist, again; really']
assert d.dtstart.value == datetime.datetime(2017, 8, 12, 8, 20, tzinfo=d.dtstart.value.tzinfo), d.dtstart.value
assert d.description.value == 'Bring: card\nand X', repr(d.description.value)
s = events['Swimming']
assert s.rrule.value == 'FREQ=WEEKLY;BYDAY=MO' and (s.dtend.value - s.dtstart.value).total_seconds() == 3600
assert len(s.rruleset[:3]) == 3
b = events['Birthday']
assert b.dtstart.value == datetime.date(2017, 8, 12) and not isinstance(b.dtstart.value, datetime.datetime)
assert not hasattr(events['Injected'], 'rrule')
print('ok'))",
                                 taken->sink.texts.at("calendar/calendar.ics"));
    EXPECT_EQ(said, "ok\n");
}

TEST_P(EachAndroid, TheRestIsRead)
{
    const auto phone = phone_of(GetParam());
    const auto wifi = json::parse(take_out(*phone, "wifi")->sink.texts.at("wifi/wifi.json"))["wifi"];
    ASSERT_EQ(wifi.size(), 1U);
    EXPECT_EQ(wifi[0]["name"], "Caf\xC3\xA9");
    EXPECT_EQ(wifi[0]["password"], "latte macchiato");
    const auto apps = json::parse(take_out(*phone, "apps")->sink.texts.at("apps/apps.json"))["apps"];
    EXPECT_EQ(apps[0]["package"], "com.example");
    EXPECT_EQ(apps[0]["installed"], "2017-08-11T20:22:49.600Z");
    const auto accounts = take_out(*phone, "accounts")->sink.texts.at("accounts/accounts.json");
    EXPECT_NE(accounts.find("ada@example.org"), std::string::npos);
    EXPECT_EQ(accounts.find("hunter2"), std::string::npos);
    const auto browser = json::parse(take_out(*phone, "browser")->sink.texts.at("browser/browser.json"))["browser"];
    EXPECT_EQ(browser[0]["url"], "https://maps.example/");
    const auto identity = take_out(*phone, "phone")->sink.texts.at("phone/phone.json");
    for (const auto* const word : {"MT6750 phone", "maker/phone:7.0/X", "Europe/Paris"}) {
        EXPECT_NE(identity.find(word), std::string::npos) << word;
    }
    EXPECT_EQ(identity.find("ro.secret"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Extract, EachAndroid, ::testing::Values(4, 5, 7, 9),
                         [](const auto& android) { return "Android" + std::to_string(android.param); });

TEST(ArtifactContacts, ReadsOtherPeoplesContacts)
{
    SALVAGE_FOREIGN_OR_SKIP(database, "sqlite/log2timeline__plaso__contacts2.db");
    test::FakePhone phone;
    phone.add("/data/com.android.providers.contacts/databases/contacts2.db", io::open_file(database).value());
    const auto calls = take_out(phone, "calls");
    EXPECT_GT(calls->report.items, 0U);
    const auto contacts = take_out(phone, "contacts");
    EXPECT_TRUE(contacts->report.problems.empty());
    ASSERT_FALSE(contacts->report.databases.empty());
    EXPECT_TRUE(contacts->report.databases[0].problems.empty());
}

TEST(ArtifactKinds, FindNothingOnAnEmptyPhone)
{
    const test::FakePhone phone;
    for (const auto& kind : kinds()) {
        const auto taken = take_out(phone, kind.name);
        EXPECT_EQ(taken->report.items, 0U) << kind.name;
        EXPECT_TRUE(taken->report.problems.empty()) << kind.name;
        EXPECT_TRUE(taken->report.page.empty()) << kind.name;
        EXPECT_TRUE(taken->report.notes.empty()) << kind.name << ": " << taken->report.notes.front();
        EXPECT_TRUE(taken->report.outputs.empty() && taken->sink.texts.empty()) << kind.name;
    }
}

// Databases are there and hold nothing: as on a phone whose owner never used it.
TEST(ArtifactKinds, FindNothingInEmptyDatabases)
{
    test::FakePhone phone;
    phone.add_database(
        "/data/com.android.providers.contacts/databases/contacts2.db",
        "CREATE TABLE raw_contacts(contact_id, deleted, display_name); CREATE TABLE calls(number, date);");
    phone.add_database("/data/com.android.providers.telephony/databases/mmssms.db",
                       "CREATE TABLE sms(thread_id, date);");
    phone.add_database("/data/com.android.providers.calendar/databases/calendar.db", "CREATE TABLE Events(title);");
    for (const auto* const name : {"contacts", "calls", "messages", "calendar"}) {
        const auto taken = take_out(phone, name);
        EXPECT_TRUE(taken->report.page.empty() && taken->sink.texts.empty()) << name;
        EXPECT_TRUE(taken->report.notes.empty()) << name;
        EXPECT_EQ(taken->report.databases.size(), 1U) << name;
    }
}

TEST(ArtifactKinds, NameADatabaseThatCannotBeReadAndGoOn)
{
    test::FakePhone phone;
    for (const auto* const path : {"/data/com.android.providers.contacts/databases/contacts2.db",
                                   "/data/com.android.providers.telephony/databases/mmssms.db",
                                   "/data/com.whatsapp/databases/msgstore.db", "/system/users/0/accounts.db"}) {
        phone.add(path, std::string(8192, 'x'));
    }
    for (const auto* const name : {"contacts", "messages", "whatsapp", "accounts"}) {
        const auto taken = take_out(phone, name);
        ASSERT_EQ(taken->report.problems.size(), 1U) << name;
        EXPECT_NE(taken->report.problems[0].find("encrypted"), std::string::npos) << taken->report.problems[0];
    }
}

} // namespace
} // namespace salvage::artifact
