// Photos by day, WhatsApp in both of its forms, and phones that mean harm.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "artifact/browser.hpp"
#include "artifact/chat_store.hpp"
#include "artifact/forms.hpp"
#include "artifact/phone.hpp"
#include "artifact/wifi.hpp"
#include "generations.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"

namespace salvage::artifact {
namespace {

using nlohmann::json;
using test::FakePhone;
using test::take_out;

TEST(ArtifactPhotos, GoByDayAndSayHowItIsKnown)
{
    FakePhone phone;
    phone.add("/media/0/DCIM/Camera/IMG_20170601_143059.jpg", "\xFF\xD8\xFF\xD9");
    phone.add("/media/0/WhatsApp/Media/WhatsApp Video/VID-20160229-WA0001.mp4", "a film");
    phone.add("/media/0/Pictures/holiday.png", "no picture");
    phone.add("/media/0/DCIM/.thumbnails/1.jpg", "a copy");
    phone.add("/media/0/DCIM/Camera/notes.txt", "no photo");
    phone.add("/DCIM/card.jpg", io::make_memory(Bytes(3), "card.jpg"), 0);
    const auto taken = take_out(phone, "photos");
    EXPECT_EQ(taken->report.items, 4U);
    EXPECT_TRUE(taken->sink.stored.contains("photos/2017-06-01/IMG_20170601_143059.jpg"));
    EXPECT_TRUE(taken->sink.stored.contains("photos/2016-02-29/VID-20160229-WA0001.mp4"));
    EXPECT_TRUE(taken->sink.stored.contains("photos/2017-07-14/holiday.png"));
    EXPECT_TRUE(taken->sink.stored.contains("photos/undated/card.jpg"));
    const auto photos = json::parse(taken->sink.texts.at("photos/photos.json"))["photos"];
    ASSERT_EQ(photos.size(), 4U);
    EXPECT_EQ(photos[0]["time"], "2017-06-01T14:30:59");
    EXPECT_EQ(photos[0]["time_source"], "name");
    EXPECT_EQ(photos[1]["time"], "2017-07-14T02:40:00Z");
    ASSERT_EQ(taken->sink.galleries.size(), 4U);
    EXPECT_EQ(taken->sink.galleries[0].title, "2016-02-29");
    EXPECT_EQ(taken->sink.galleries[0].next, "photos/days/2017-06-01.html");
    EXPECT_EQ(taken->sink.galleries[3].title, "No day known");
}

TEST(ArtifactPhotos, KeepDamagedOnesApart)
{
    FakePhone phone;
    const auto whole = io::make_memory(Bytes(4096, std::byte{1}), "a.jpg");
    phone.add("/media/0/DCIM/a.jpg",
              io::make_with_bad_areas(whole, {ByteRange::make(ByteOffset{512}, ByteCount{512}).value()}));
    const auto taken = take_out(phone, "photos");
    ASSERT_EQ(taken->report.items, 1U);
    EXPECT_EQ(taken->report.damaged, 1U); // the fake folder takes none of it: it is named
    EXPECT_EQ(taken->report.problems.size(), 1U);
}

TEST(ArtifactWhatsApp, ReadsTheOlderForm)
{
    FakePhone phone;
    // A string of Java's serialization: its length in two bytes, then the path.
    phone.add_database("/data/com.whatsapp/databases/msgstore.db",
                       "CREATE TABLE chat_list(_id INTEGER PRIMARY KEY, key_remote_jid TEXT, subject TEXT); INSERT "
                       "INTO chat_list VALUES(1,'1-2@g.us','Urlaub');"
                       "CREATE TABLE messages(_id INTEGER PRIMARY KEY, key_remote_jid TEXT, key_from_me INTEGER, data "
                       "TEXT, timestamp INTEGER, remote_resource TEXT, media_mime_type TEXT,"
                       "latitude REAL, longitude REAL, thumb_image BLOB);"
                       "INSERT INTO messages "
                       "VALUES(1,'-1',0,NULL,0,NULL,NULL,0,0,NULL),(2,'4930901820@s.whatsapp.net',0,'Hallo',"
                       "1503300000000,NULL,NULL,0,0,NULL),"
                       "(3,'4930901820@s.whatsapp.net',1,NULL,1503300060000,NULL,'image/"
                       "jpeg',0,0,x'ACED00057400144D656469612F496D616765732F494D472E6A7067'),"
                       "(4,'1-2@g.us',0,'Los',1503300120000,'81300000000@s.whatsapp.net',NULL,48.1,11.5,NULL);");
    phone.add_database("/data/com.whatsapp/databases/wa.db",
                       "CREATE TABLE wa_contacts(_id INTEGER PRIMARY KEY, jid TEXT, display_name TEXT, wa_name TEXT);"
                       "INSERT INTO wa_contacts VALUES(1,'4930901820@s.whatsapp.net','J\xC3\xB6rg',NULL);");
    phone.add("/media/0/WhatsApp/Media/Images/IMG.jpg", "a picture");
    phone.add("/media/0/WhatsApp/Databases/msgstore.db.crypt12", "closed");
    const auto taken = take_out(phone, "whatsapp");
    EXPECT_EQ(taken->report.items, 3U);
    ASSERT_EQ(taken->sink.conversations.size(), 2U);
    const auto& group = taken->sink.conversations[0];
    EXPECT_EQ(group.title, "Urlaub");
    EXPECT_EQ(group.bubbles[0].from, "+81300000000");
    EXPECT_EQ(group.bubbles[0].note, "a place: 48.10000, 11.50000");
    const auto& chat = taken->sink.conversations[1];
    EXPECT_EQ(chat.title, "J\xC3\xB6rg");
    ASSERT_EQ(chat.bubbles[1].attachments.size(), 1U);
    EXPECT_EQ(chat.bubbles[1].attachments[0].path, "whatsapp/media/IMG.jpg");
    ASSERT_EQ(taken->report.notes.size(), 2U);
    EXPECT_NE(taken->report.notes[0].find("crypt12"), std::string::npos);
    EXPECT_NE(taken->report.notes[1].find("UTC"), std::string::npos);
}

TEST(ArtifactWhatsApp, ReadsTheNewerForm)
{
    FakePhone phone;
    phone.add_database("/data/com.whatsapp/databases/msgstore.db",
                       "CREATE TABLE jid(_id INTEGER PRIMARY KEY, raw_string TEXT); INSERT INTO jid "
                       "VALUES(7,'4930901820@s.whatsapp.net');"
                       "CREATE TABLE chat(_id INTEGER PRIMARY KEY, jid_row_id INTEGER, subject TEXT); INSERT INTO chat "
                       "VALUES(3,7,NULL);"
                       "CREATE TABLE message(_id INTEGER PRIMARY KEY, chat_row_id INTEGER, from_me INTEGER, "
                       "sender_jid_row_id INTEGER, timestamp INTEGER, message_type INTEGER, text_data TEXT);"
                       "INSERT INTO message VALUES(1,3,0,0,1503300000000,0,'Moin'),(2,3,1,0,1503300060000,1,NULL);"
                       "CREATE TABLE message_media(message_row_id INTEGER PRIMARY KEY, file_path TEXT, mime_type TEXT, "
                       "media_name TEXT, media_caption TEXT);"
                       "INSERT INTO message_media VALUES(2,'../../../../etc/passwd','image/jpeg','x.jpg','Bild');");
    const auto taken = take_out(phone, "whatsapp");
    ASSERT_EQ(taken->sink.conversations.size(), 1U);
    const auto& bubbles = taken->sink.conversations[0].bubbles;
    ASSERT_EQ(bubbles.size(), 2U);
    EXPECT_EQ(bubbles[0].text, "Moin");
    EXPECT_EQ(bubbles[1].text, "Bild");
    EXPECT_TRUE(bubbles[1].attachments.at(0).path.empty());
    EXPECT_TRUE(taken->sink.stored.empty());
}

TEST(ArtifactWhatsApp, FindsAPathOnlyWhereItsLengthFits)
{
    EXPECT_EQ(media_path_in(as_bytes(std::string_view{"\0\x09Media/a.b", 11})), "Media/a.b");
    EXPECT_EQ(media_path_in(as_bytes(std::string_view{"\0\x7FMedia/a.b", 11})), "");
    EXPECT_EQ(media_path_in(as_bytes("Media/")), "");
}

TEST(ArtifactForms, TextsOfAnyKind)
{
    EXPECT_EQ(as_utf8("a\xFF\xED\xA0\x80z"), "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz");
    EXPECT_EQ(undo_latin1("Gr\xC3\x83\xC2\xBC"), "Gr\xC3\xBC");
    EXPECT_EQ(undo_latin1("Gr\xC3\xBC"), "Gr\xC3\xBC"); // it is right as it is
    EXPECT_EQ(xml_text(std::string_view{"<&\0\n", 4}), "&lt;&amp;\xEF\xBF\xBD&#10;");
    EXPECT_EQ(card_value("a;b,c\\d\ne\r"), "a\\;b\\,c\\\\d\\ne");
    EXPECT_EQ(shown_time(1'502'557'200'000), "2017-08-12 17:00:00 UTC");
    EXPECT_EQ(shown_time(std::numeric_limits<std::int64_t>::max()), "");
    EXPECT_EQ(iso_time(-1), "1969-12-31T23:59:59.999Z");
    const auto folded = card_line("NOTE:" + std::string(100, 'x') + "\xF0\x9F\x9A\xA2");
    EXPECT_EQ(folded.find("\r\n "), 75U);
}

TEST(ArtifactParsers, PassOverWhatTheyDoNotKnow)
{
    const auto networks = parse_wpa_supplicant(
        "psk=\"outside\"\nnetwork={\n ssid=\"a \\\"b\\\"\"\n nonsense\n}\nnetwork={\n}\nnetwork={\n ssid=\"cut");
    ASSERT_EQ(networks.size(), 2U);
    EXPECT_EQ(networks[0].name, "a \\\"b\\\"");
    EXPECT_TRUE(networks[0].password.empty());
    EXPECT_TRUE(test::fails_with(parse_wifi_config_store("<a><b></a>"), ErrorCode::malformed));
    EXPECT_TRUE(test::fails_with(parse_chrome_bookmarks("[]"), ErrorCode::malformed));
    const auto deep = std::string(100'000, '[') + std::string(100'000, ']');
    EXPECT_TRUE(test::is_ok(parse_chrome_bookmarks("{\"roots\":" + deep + "}")));
    EXPECT_TRUE(parse_persistent_properties(as_bytes("\x0A\xFF\xFF\xFF\xFF\x0F")).empty());
    EXPECT_EQ(parse_build_prop("#a=b\n = c\nx=y=z").size(), 1U);
}

// A database in which every text is made up to break out of what it is put into.
TEST(ArtifactMessages, HostileTextsStayTexts)
{
    FakePhone phone;
    phone.add_database("/data/com.android.providers.telephony/databases/mmssms.db",
                       "CREATE TABLE sms(_id INTEGER PRIMARY KEY, thread_id, address, date, type, body);"
                       "INSERT INTO sms VALUES(1,'x','\"/><script>',9223372036854775807,'2',x'0001ff'),(2,NULL,'a' || "
                       "char(0) || 'b',-1,99,'\xFF\xFE' || char(8238) || ']]>');"
                       "CREATE TABLE pdu(_id INTEGER PRIMARY KEY, thread_id, date, msg_box); INSERT INTO pdu "
                       "VALUES(3,1,9223372036854775807,1);"
                       "CREATE TABLE part(_id INTEGER PRIMARY KEY, mid, ct, cl, _data); INSERT INTO part "
                       "VALUES(1,3,'image/jpeg','..','/a/../..'),(2,3,'image/jpeg','','/x/../../../../etc/passwd');");
    phone.add("/etc/passwd", "secret");
    const auto taken = take_out(phone, "messages");
    EXPECT_EQ(taken->report.items, 3U);
    EXPECT_TRUE(taken->sink.stored.empty());
    const auto document = json::parse(taken->sink.texts.at("messages/messages.json"));
    EXPECT_EQ(document["conversations"].size(), 2U);
    const auto said = test::ask_python(
        "import sys, xml.dom.minidom as m\nprint(len(m.parse(sys.argv[1]).getElementsByTagName('sms')))",
        taken->sink.texts.at("messages/sms-backup.xml"));
    EXPECT_EQ(said, "2\n");
}

} // namespace
} // namespace salvage::artifact
