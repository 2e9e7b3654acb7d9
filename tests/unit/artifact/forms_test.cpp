// What texts of a phone become in CSV, XML, vCard and iCalendar: other people's readers give the same texts back.
#include "artifact/forms.hpp"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "artifact/contact_store.hpp"
#include "artifact/sms_xml.hpp"
#include "fake_phone.hpp"

#include "salvage/core/utf8.hpp"

namespace salvage::artifact {
namespace {

using test::ask_python;

std::string csv_cell(const std::string& text)
{
    return csv_line(std::vector<std::string>{text});
}

TEST(ArtifactForms, NoCellOfACsvIsAFormula)
{
    for (const auto* const text : {"=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0",
                                   "+1\n+cmd|' /C calc'!A0", "\t=1", "\r=1", "\n=1", "+A1", "-A1", "+",
                                   "\xEF\xBC\x9D"
                                   "1+1",
                                   "\xEF\xBC\x8B"
                                   "A1",
                                   "\xEF\xBC\x8D"
                                   "A1",
                                   "\xEF\xBC\xA0"
                                   "A1"}) {
        const auto line = csv_cell(text);
        EXPECT_TRUE(line.starts_with("'") || line.starts_with("\"'")) << line;
        EXPECT_NE(line.find("'"), std::string::npos);
    }
}

TEST(ArtifactForms, NumbersOfTheCsvCanBeDialledAsTheyStand)
{
    for (const auto* const text : {"+4930901820", "+49 (30) 90-18.20", "+49 30/901820", "-5", "-52.5167", "030 901820",
                                   "*100#", "1=2", "mobile: +49 30 901820"}) {
        EXPECT_EQ(csv_cell(text), std::string{text} + "\r\n");
    }
}

TEST(ArtifactForms, ACsvGivesEveryValueBack)
{
    const std::vector<std::string> cells{"a,b", "say \"hi\"", "two\nlines", "", "\xF0\x9F\x9A\xA2", "=1+1"};
    const auto said = ask_python("import sys, csv\nrows = list(csv.reader(open(sys.argv[1], newline='', "
                                 "encoding='utf-8')))\nassert rows == [['a,b', 'say \"hi\"', 'two\\nlines', '', '🚢', "
                                 "\"'=1+1\"]], rows\nprint('ok')",
                                 csv_line(cells));
    EXPECT_EQ(said, "ok\n");
}

TEST(ArtifactForms, APhoneNumberOfAContactIsNoFormulaAndKeepsItsPlus)
{
    test::FakePhone phone;
    phone.add_database(
        "/data/com.android.providers.contacts/databases/contacts2.db",
        "CREATE TABLE mimetypes(_id INTEGER PRIMARY KEY, mimetype TEXT);"
        "INSERT INTO mimetypes VALUES(5,'vnd.android.cursor.item/phone_v2');"
        "CREATE TABLE raw_contacts(_id INTEGER PRIMARY KEY, contact_id INTEGER, deleted INTEGER, display_name TEXT);"
        "INSERT INTO raw_contacts VALUES(1,1,0,'=HYPERLINK(\"http://x\")');"
        "CREATE TABLE data(_id INTEGER PRIMARY KEY, mimetype_id INTEGER, raw_contact_id INTEGER, data1 TEXT, data2 "
        "TEXT);"
        "INSERT INTO data VALUES(1,5,1,'+49 30 901820','2');");
    const auto taken = test::take_out(phone, "contacts");
    const auto said =
        ask_python("import sys, csv\nrow = list(csv.reader(open(sys.argv[1], newline='')))[1]\nprint(row[0], row[1])",
                   taken->sink.texts.at("contacts/contacts.csv"));
    EXPECT_EQ(said, "'=HYPERLINK(\"http://x\") mobile: +49 30 901820\n");
}

/// Every control character, quotes, an emoji, U+FFFE, a byte that is no text.
std::string all_that_hurts()
{
    std::string out;
    for (char letter = 0; letter < 0x20; ++letter) {
        out += letter;
    }
    return out + "\x7F\"'<>&]]>\xC2\x85\xE2\x80\xA8\xF0\x9F\x9A\xA2\xEF\xBF\xBE\xFF end";
}

TEST(ArtifactForms, TheXmlOfMessagesIsXmlWhateverAMessageHolds)
{
    Message message{};
    message.address = all_that_hurts();
    message.body = all_that_hurts();
    message.head.is_mms = false;
    const auto xml = sms_xml_head(1) + sms_xml(message, all_that_hurts()) + sms_xml_tail();
    const auto said =
        ask_python("import sys, xml.etree.ElementTree as t\nbody = "
                   "t.parse(sys.argv[1]).getroot()[0].get('body')\nassert '\\t\\n' in body and '\\r' in "
                   "body and '🚢' in body and body.endswith(' end'), repr(body)\nprint(body.count('\\ufffd'))",
                   xml);
    EXPECT_EQ(said, "31\n"); // 29 control characters, U+FFFE, the byte
    EXPECT_EQ(xml.find("&#5"), std::string::npos) << "an emoji is one character, not two halves";
}

TEST(ArtifactForms, NoTextEndsALineOfAVcard)
{
    Contact contact;
    const auto hostile = all_that_hurts() + "\r\nEND:VCARD\r\nBEGIN:VCARD\r\nX-EVIL:1";
    contact.display_name = hostile;
    contact.family = hostile;
    contact.phones = {{.value = hostile, .label = hostile}};
    contact.emails = {{.value = hostile, .label = "home"}};
    PostalAddress address;
    address.formatted = address.street = address.label = hostile;
    contact.addresses.push_back(std::move(address));
    contact.organisations.push_back({.company = hostile, .department = hostile, .title = hostile});
    contact.websites = {{.value = hostile, .label = {}}};
    contact.messengers = {{.value = hostile, .label = hostile}};
    contact.relations = {{.value = hostile, .label = hostile}};
    contact.events = {{.value = hostile, .label = hostile}, {.value = hostile, .label = "birthday"}};
    contact.nicknames = {hostile};
    contact.notes = {hostile};
    contact.groups = {hostile};
    const auto said =
        ask_python("import sys, re\nraw = open(sys.argv[1], 'rb').read()\nassert raw.endswith(b'\\r\\n')\n"
                   "lines = raw[:-2].split(b'\\r\\n')\n"
                   "assert all(len(l) <= 75 for l in lines), max(map(len, lines))\n"
                   "assert not re.search(rb'[\\x00-\\x08\\x0a-\\x1f\\x7f]', b''.join(lines))\n"
                   "whole = raw.replace(b'\\r\\n ', b'').decode('utf-8')\n" // a cut character does not decode
                   "for l in lines: l.decode('utf-8')\n"
                   "names = [l.split(':')[0].split(';')[0].split('.')[-1] for l in whole.split('\\r\\n')[:-1]]\n"
                   "assert names.count('BEGIN') == 1 and names.count('END') == 1 and 'X-EVIL' not in names, names\n"
                   "print('ok')",
                   to_vcard(contact, {}));
    EXPECT_EQ(said, "ok\n");
}

TEST(ArtifactForms, LinesAreFoldedAfter75BytesAndNeverInACharacter)
{
    for (std::size_t before = 60; before < 80; ++before) {
        const auto line = card_line(std::string(before, 'a') + "\xF0\x9F\x9A\xA2\xC3\xA4" + std::string(200, 'b'));
        std::string unfolded;
        for (std::string_view rest{line}; !rest.empty();) {
            const auto end = rest.find("\r\n");
            ASSERT_NE(end, std::string_view::npos);
            EXPECT_LE(end, 75U);
            EXPECT_TRUE(is_utf8(rest.substr(0, end)));
            unfolded += unfolded.empty() ? rest.substr(0, end) : rest.substr(1, end - 1);
            rest.remove_prefix(end + 2);
        }
        EXPECT_EQ(unfolded, std::string(before, 'a') + "\xF0\x9F\x9A\xA2\xC3\xA4" + std::string(200, 'b'));
    }
}

TEST(ArtifactForms, NoTextEndsALineOfACalendar)
{
    test::FakePhone phone;
    const std::string columns = "(_id INTEGER PRIMARY KEY, calendar_id INTEGER, title TEXT, eventLocation TEXT, "
                                "eventTimezone TEXT, rrule TEXT, exdate TEXT, dtstart INTEGER, dtend INTEGER)";
    const std::string evil = "'x' || char(13,10) || 'END:VEVENT' || char(13,10) || 'ATTACH:file:///etc/passwd' || "
                             "char(1,127)";
    phone.add_database("/data/com.android.providers.calendar/databases/calendar.db",
                       "CREATE TABLE Events" + columns + ";INSERT INTO Events VALUES(1,1," + evil + "," + evil + "," +
                           evil + "," + evil + "," + evil + ",1502526000000,1502529600000);");
    phone.add_database("/user/10/com.android.providers.calendar/databases/calendar.db",
                       "CREATE TABLE Events" + columns +
                           ";INSERT INTO Events VALUES(1,1,'other',NULL,NULL,NULL,NULL,1502526000000,NULL);");
    const auto text = test::take_out(phone, "calendar")->sink.texts.at("calendar/calendar.ics");
    EXPECT_EQ(text.find("\r\nATTACH"), std::string::npos);
    EXPECT_EQ(text.find_first_of("\x01\x7F"), std::string::npos);
    EXPECT_EQ(text.find("RRULE"), std::string::npos);
    // The same row of two users' databases: two appointments.
    EXPECT_NE(text.find("UID:event-1-1@"), std::string::npos);
    EXPECT_NE(text.find("UID:event-2-1@"), std::string::npos);
}

TEST(ArtifactForms, TextIsCutWhereACharacterEnds)
{
    EXPECT_EQ(cut_text("abc", 3), "abc");
    EXPECT_EQ(cut_text("a\xF0\x9F\x9A\xA2z", 4), "a");
    EXPECT_EQ(cut_text("a\xF0\x9F\x9A\xA2z", 5), "a\xF0\x9F\x9A\xA2");
    EXPECT_EQ(cut_text("\x80\x80\x80\x80\x80\x80", 5).size(), 2U); // no text: three bytes less at most
}

} // namespace
} // namespace salvage::artifact
