// The databases of contacts, calls, messages and a messenger, made by sqlite3 with the tables that Android's providers
// use.
#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "sample_phone_jpeg.hpp"
#include "sample_phone_tools.hpp"
#include "sample_phone_tree.hpp"

namespace salvage::rescue::sample {
namespace {

/// packages/providers/ContactsProvider, the columns that tell who someone is.
constexpr std::string_view contacts_sql{R"(
PRAGMA page_size=4096;
CREATE TABLE android_metadata (locale TEXT);
INSERT INTO android_metadata VALUES('en_GB');
CREATE TABLE mimetypes (_id INTEGER PRIMARY KEY AUTOINCREMENT, mimetype TEXT NOT NULL);
INSERT INTO mimetypes(_id,mimetype) VALUES
 (1,'vnd.android.cursor.item/email_v2'),(5,'vnd.android.cursor.item/phone_v2'),(7,'vnd.android.cursor.item/name'),
 (4,'vnd.android.cursor.item/organization'),(10,'vnd.android.cursor.item/photo'),(12,'vnd.android.cursor.item/note');
CREATE TABLE contacts (_id INTEGER PRIMARY KEY AUTOINCREMENT, name_raw_contact_id INTEGER, starred INTEGER NOT NULL DEFAULT 0,
 times_contacted INTEGER NOT NULL DEFAULT 0, last_time_contacted INTEGER, has_phone_number INTEGER NOT NULL DEFAULT 0, lookup TEXT);
CREATE TABLE raw_contacts (_id INTEGER PRIMARY KEY AUTOINCREMENT, account_id INTEGER, contact_id INTEGER,
 deleted INTEGER NOT NULL DEFAULT 0, display_name TEXT, display_name_alt TEXT, times_contacted INTEGER NOT NULL DEFAULT 0,
 starred INTEGER NOT NULL DEFAULT 0);
CREATE TABLE data (_id INTEGER PRIMARY KEY AUTOINCREMENT, mimetype_id INTEGER NOT NULL, raw_contact_id INTEGER NOT NULL,
 is_primary INTEGER NOT NULL DEFAULT 0, is_super_primary INTEGER NOT NULL DEFAULT 0, data_version INTEGER NOT NULL DEFAULT 0,
 data1 TEXT, data2 TEXT, data3 TEXT, data4 TEXT, data5 TEXT, data6 TEXT, data7 TEXT, data8 TEXT, data9 TEXT, data10 TEXT,
 data11 TEXT, data12 TEXT, data13 TEXT, data14 TEXT, data15 BLOB);
INSERT INTO contacts(_id,name_raw_contact_id,starred,has_phone_number,lookup) VALUES
 (1,1,1,1,'0r1-294B'),(2,2,0,1,'0r2-4F2D'),(3,3,0,1,'0r3-7A11'),(4,4,0,0,'0r4-9C30');
INSERT INTO raw_contacts(_id,account_id,contact_id,deleted,display_name,display_name_alt) VALUES
 (1,1,1,0,'Ada Lovelace','Lovelace, Ada'),(2,1,2,0,'José Müller','Müller, José'),(3,1,3,0,'山田 花子','山田 花子'),
 (4,1,4,0,'Boiler repair; 24h','Boiler repair; 24h'),(5,1,NULL,1,'Deleted Person','Person, Deleted');
INSERT INTO data(mimetype_id,raw_contact_id,data1,data2,data3) VALUES
 (7,1,'Ada Lovelace','Ada','Lovelace'),(5,1,'+44 20 7946 0018','2',NULL),(1,1,'ada@example.org','1',NULL),
 (7,2,'José Müller','José','Müller'),(5,2,'+49 30 901820','1',NULL),(5,2,'+49 151 0000 0000','2',NULL),(4,2,'Example GmbH','1',NULL),
 (7,3,'山田 花子','花子','山田'),(5,3,'+81 3-0000-0000','3',NULL),(12,3,'met in Kyoto',NULL,NULL),
 (7,4,'Boiler repair; 24h','Boiler repair; 24h',NULL),(1,4,'help@boiler.example','2',NULL);
)"};

constexpr std::string_view calls_sql{R"(
PRAGMA page_size=4096;
CREATE TABLE android_metadata (locale TEXT);
INSERT INTO android_metadata VALUES('en_GB');
CREATE TABLE calls (_id INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT, presentation INTEGER NOT NULL DEFAULT 1, date INTEGER,
 duration INTEGER, type INTEGER, features INTEGER NOT NULL DEFAULT 0, new INTEGER, name TEXT, numbertype INTEGER,
 countryiso TEXT, is_read INTEGER, geocoded_location TEXT);
INSERT INTO calls(number,presentation,date,duration,type,new,name,countryiso) VALUES
 ('+442079460018',1,1502526000000,62,1,0,'Ada Lovelace','GB'),('+4930901820',1,1502612400000,0,3,1,'José Müller','DE'),
 ('+81300000000',1,1502698800000,305,2,0,'山田 花子','JP'),('',2,1502785200000,0,3,1,NULL,'GB');
)"};

/// packages/providers/TelephonyProvider: sms, and the tables that hold pictures and addresses of mms.
constexpr std::string_view messages_sql{R"(
PRAGMA page_size=4096;
CREATE TABLE android_metadata (locale TEXT);
INSERT INTO android_metadata VALUES('en_GB');
CREATE TABLE canonical_addresses (_id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT);
CREATE TABLE threads (_id INTEGER PRIMARY KEY AUTOINCREMENT, date INTEGER DEFAULT 0, message_count INTEGER DEFAULT 0,
 recipient_ids TEXT, snippet TEXT, snippet_cs INTEGER DEFAULT 0, read INTEGER DEFAULT 1, type INTEGER DEFAULT 0);
CREATE TABLE sms (_id INTEGER PRIMARY KEY, thread_id INTEGER, address TEXT, person INTEGER, date INTEGER,
 date_sent INTEGER DEFAULT 0, protocol INTEGER, read INTEGER DEFAULT 0, status INTEGER DEFAULT -1, type INTEGER,
 reply_path_present INTEGER, subject TEXT, body TEXT, service_center TEXT, locked INTEGER DEFAULT 0, sub_id INTEGER DEFAULT -1,
 error_code INTEGER DEFAULT 0, creator TEXT, seen INTEGER DEFAULT 0);
CREATE TABLE pdu (_id INTEGER PRIMARY KEY AUTOINCREMENT, thread_id INTEGER, date INTEGER, date_sent INTEGER DEFAULT 0,
 msg_box INTEGER, read INTEGER DEFAULT 0, m_id TEXT, sub TEXT, sub_cs INTEGER, ct_t TEXT, m_type INTEGER, seen INTEGER DEFAULT 0);
CREATE TABLE part (_id INTEGER PRIMARY KEY AUTOINCREMENT, mid INTEGER, seq INTEGER DEFAULT 0, ct TEXT, name TEXT, chset INTEGER,
 cid TEXT, cl TEXT, _data TEXT, text TEXT);
CREATE TABLE addr (_id INTEGER PRIMARY KEY, msg_id INTEGER, contact_id INTEGER, address TEXT, type INTEGER, charset INTEGER);
INSERT INTO canonical_addresses VALUES (1,'+442079460018'),(2,'+4930901820');
INSERT INTO threads(_id,date,message_count,recipient_ids,snippet) VALUES
 (1,1502564400000,3,'1','See you at the pier'),(2,1502650800000,1,'2','Grüße aus Berlin 🚀');
INSERT INTO sms(_id,thread_id,address,date,date_sent,read,type,body,seen) VALUES
 (1,1,'+442079460018',1502557200000,1502557198000,1,1,'Are you coming tonight?',1),
 (2,1,'+442079460018',1502560800000,0,1,2,'Yes, at eight.',1),
 (3,1,'+442079460018',1502564400000,1502564399000,1,1,'See you at the pier',1),
 (4,2,'+4930901820',1502650800000,1502650799000,0,1,'Grüße aus Berlin 🚀
zweite Zeile',0);
INSERT INTO pdu(_id,thread_id,date,msg_box,read,sub,ct_t,m_type) VALUES
 (1,1,1502568000,1,1,'holiday','application/vnd.wap.multipart.related',132);
INSERT INTO part(_id,mid,ct,chset,cl,text) VALUES (1,1,'text/plain',106,'text_0.txt','the sea today');
INSERT INTO part(_id,mid,ct,chset,cl,_data) VALUES
 (2,1,'image/jpeg',NULL,'sea.jpg','/data/data/com.android.providers.telephony/app_parts/PART_1502568000123_sea.jpg');
INSERT INTO addr(_id,msg_id,address,type,charset) VALUES (1,1,'+442079460018',137,106);
)"};

constexpr std::string_view chats_sql{R"(
PRAGMA page_size=4096;
CREATE TABLE chat_list (_id INTEGER PRIMARY KEY AUTOINCREMENT, key_remote_jid TEXT UNIQUE, message_table_id INTEGER, subject TEXT);
CREATE TABLE messages (_id INTEGER PRIMARY KEY AUTOINCREMENT, key_remote_jid TEXT NOT NULL, key_from_me INTEGER, key_id TEXT NOT NULL,
 status INTEGER, data TEXT, timestamp INTEGER, media_url TEXT, media_mime_type TEXT, media_size INTEGER, media_name TEXT,
 latitude REAL, longitude REAL, remote_resource TEXT, received_timestamp INTEGER);
INSERT INTO chat_list(key_remote_jid,message_table_id,subject) VALUES
 ('442079460018@s.whatsapp.net',2,NULL),('442079460018-1500000000@g.us',3,'Holiday');
INSERT INTO messages(key_remote_jid,key_from_me,key_id,status,data,timestamp,remote_resource,received_timestamp) VALUES
 ('442079460018@s.whatsapp.net',0,'A1',0,'Did the phone survive?',1503300000000,NULL,1503300001000),
 ('442079460018@s.whatsapp.net',1,'A2',13,'It loops at boot 😱',1503300060000,NULL,1503300060000),
 ('442079460018-1500000000@g.us',0,'B1',0,'Photos please!',1503300120000,'4930901820@s.whatsapp.net',1503300121000);
)"};

struct Database {
    std::string_view path;
    std::string_view sql;
    std::uint32_t owner;
};
constexpr std::array databases{
    Database{"/data/com.android.providers.contacts/databases/contacts2.db", contacts_sql, 10004},
    Database{"/data/com.android.providers.contacts/databases/calllog.db", calls_sql, 10004},
    Database{"/data/com.android.providers.telephony/databases/mmssms.db", messages_sql, 1001},
    Database{"/data/com.whatsapp/databases/msgstore.db", chats_sql, 10071},
};

/// Ada's picture, as the provider keeps small ones: in the row itself.
std::string portrait_sql()
{
    const auto portrait = make_photo({.width = 96, .height = 96, .look = 7});
    return fmt::format("INSERT INTO data(mimetype_id,raw_contact_id,data15) VALUES (10,1,X'{}');\n", to_hex(portrait));
}

} // namespace

Result<> stage_databases(Tree& tree)
{
    SALVAGE_TRY(tree.file("/data/com.android.providers.telephony/app_parts/PART_1502568000123_sea.jpg",
                          make_photo({.width = 240, .height = 160, .look = 3}),
                          {.mode = 0600, .owner = 1001, .mtime = 1502568000, .selinux = {}}));
    for (const auto& database : databases) {
        const auto further = database.sql == contacts_sql ? portrait_sql() : std::string{};
        SALVAGE_TRY(run_tool_or_fail({"sqlite3", "-batch", "-bail", tree.staged(database.path).string(),
                                      fmt::format("BEGIN;{}{}COMMIT;", database.sql, further)},
                                     "sqlite3"));
        SALVAGE_TRY(
            tree.adopt(database.path, {.mode = 0660, .owner = database.owner, .mtime = 1503349200, .selinux = {}}));
    }
    return {};
}

} // namespace salvage::rescue::sample
