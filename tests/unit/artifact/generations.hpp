// One phone's life in the shapes of four Androids: the same people, messages and days; other tables, columns and
// places. Spec: docs/formats/android-databases.md.
#pragma once

#include <string>

#include "fake_phone.hpp"

namespace salvage::test {

inline std::string contacts_sql()
{
    return "CREATE TABLE mimetypes(_id INTEGER PRIMARY KEY, mimetype TEXT NOT NULL);"
           "INSERT INTO mimetypes "
           "VALUES(1,'vnd.android.cursor.item/email_v2'),(5,'vnd.android.cursor.item/"
           "phone_v2'),(7,'vnd.android.cursor.item/name'),"
           "(4,'vnd.android.cursor.item/organization'),(12,'vnd.android.cursor.item/"
           "note'),(10,'vnd.android.cursor.item/photo'),"
           "(11,'vnd.android.cursor.item/group_membership'),(8,'vnd.android.cursor.item/"
           "postal-address_v2'),(13,'vnd.android.cursor.item/contact_event'),"
           "(14,'vnd.android.cursor.item/website'),(15,'vnd.com.example.app/secret');"
           "CREATE TABLE accounts(_id INTEGER PRIMARY KEY, account_name TEXT, account_type TEXT);"
           "INSERT INTO accounts VALUES(1,'ada@example.org','com.google');"
           "CREATE TABLE groups(_id INTEGER PRIMARY KEY, title TEXT); INSERT INTO groups VALUES(3,'Family, close');"
           "CREATE TABLE raw_contacts(_id INTEGER PRIMARY KEY, account_id INTEGER, contact_id INTEGER, deleted INTEGER "
           "DEFAULT 0, display_name TEXT, starred INTEGER DEFAULT 0);"
           "INSERT INTO raw_contacts VALUES(1,1,1,0,'J\xC3\xB6rg M\xC3\xBCller; "
           "jr',1),(2,1,2,0,'\xE5\xB1\xB1\xE7\x94\xB0 \xE8\x8A\xB1\xE5\xAD\x90 \xF0\x9F\x8C\xB8',0),"
           "(3,1,1,0,'J. M\xC3\xBCller',0),(4,1,NULL,1,'Gone',0);"
           "CREATE TABLE data(_id INTEGER PRIMARY KEY, mimetype_id INTEGER, raw_contact_id INTEGER, is_primary INTEGER "
           "DEFAULT 0, data1 TEXT, data2 TEXT, data3 TEXT,"
           "data4 TEXT, data5 TEXT, data6 TEXT, data7 TEXT, data8 TEXT, data9 TEXT, data10 TEXT, data11 TEXT, data12 "
           "TEXT, data13 TEXT, data14 TEXT, data15 BLOB);"
           "INSERT INTO data(mimetype_id,raw_contact_id,data1,data2,data3) VALUES(7,1,'J\xC3\xB6rg M\xC3\xBCller; "
           "jr','J\xC3\xB6rg','M\xC3\xBCller'),(5,1,'+49 30 901820','2',NULL),"
           "(5,3,'030 111','0','Boot, hinten'),(1,1,'joerg@example.org','1',NULL),(12,1,'Zeile 1' || char(10) || "
           "'Zeile 2',NULL,NULL),(11,1,'3',NULL,NULL),(13,1,'1980-02-29','3',NULL),"
           "(14,1,'https://example.org/?a=1,2',NULL,NULL),(15,1,'opaque',NULL,NULL),(7,2,'\xE5\xB1\xB1\xE7\x94\xB0 "
           "\xE8\x8A\xB1\xE5\xAD\x90 \xF0\x9F\x8C\xB8','\xE8\x8A\xB1\xE5\xAD\x90','\xE5\xB1\xB1\xE7\x94\xB0'),"
           "(5,2,'+81 3-0000-0000','3',NULL);"
           "INSERT INTO data(mimetype_id,raw_contact_id,data1,data2,data4,data7,data9,data10) VALUES(8,1,'Hafenstr. 1, "
           "Kiel','1','Hafenstr. 1','Kiel','24103','Deutschland');"
           "INSERT INTO data(mimetype_id,raw_contact_id,data1,data4,data5) VALUES(4,1,'Werft "
           "GmbH','Kapit\xC3\xA4n','Dock');"
           "INSERT INTO data(mimetype_id,raw_contact_id,data15) VALUES(10,1,x'FFD8FFE000104A464946000101000001000100"
           "00FFD9');";
}

inline std::string calls_sql(int android)
{
    const std::string more = android >= 5
                                 ? ", features INTEGER NOT NULL DEFAULT 0, presentation INTEGER NOT NULL DEFAULT 1"
                                 : ", presentation INTEGER NOT NULL DEFAULT 1";
    return "CREATE TABLE calls(_id INTEGER PRIMARY KEY, number TEXT, date INTEGER, duration INTEGER, type INTEGER, "
           "name TEXT, geocoded_location TEXT" +
           more +
           ");INSERT INTO calls(number,date,duration,type,name,presentation) "
           "VALUES('030901820',1502526000000,62,1,NULL,1),('',1502612400000,0,3,NULL,2),('=1+1',1502698800000,5,2,'<b>"
           "x</b>',1);";
}

inline std::string messages_sql(int android)
{
    const std::string newer = android >= 5 ? ", sub_id INTEGER DEFAULT -1, creator TEXT" : "";
    return "CREATE TABLE canonical_addresses(_id INTEGER PRIMARY KEY, address TEXT);"
           "INSERT INTO canonical_addresses VALUES(1,'+4930901820'),(2,'+81300000000'),(3,'+15550100');"
           "CREATE TABLE threads(_id INTEGER PRIMARY KEY, date INTEGER DEFAULT 0, message_count INTEGER DEFAULT 0, "
           "recipient_ids TEXT, snippet TEXT);"
           "INSERT INTO threads(_id,recipient_ids) VALUES(1,'1'),(2,'1 2 3');"
           "CREATE TABLE sms(_id INTEGER PRIMARY KEY, thread_id INTEGER, address TEXT, person INTEGER, date INTEGER, "
           "date_sent INTEGER DEFAULT 0, protocol INTEGER, read INTEGER DEFAULT 0,"
           "status INTEGER DEFAULT -1, type INTEGER, reply_path_present INTEGER, subject TEXT, body TEXT, "
           "service_center TEXT, locked INTEGER DEFAULT 0, error_code INTEGER DEFAULT 0, seen INTEGER DEFAULT 0" +
           newer +
           ");INSERT INTO sms(_id,thread_id,address,date,date_sent,read,type,body) "
           "VALUES(1,1,'+4930901820',1502557200000,1502557198000,1,1,'Kommst du? \xF0\x9F\x9A\xA2 "
           "<script>alert(1)</script>'),"
           "(2,1,'+4930901820',1502560800000,0,1,2,'\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D & "
           "\"ja\"'),(3,1,'+4930901820',1502560900000,0,1,3,'noch nicht'),(4,1,'+4930901820',1502560950000,0,1,5,NULL);"
           "CREATE TABLE pdu(_id INTEGER PRIMARY KEY, thread_id INTEGER, date INTEGER, date_sent INTEGER DEFAULT 0, "
           "msg_box INTEGER, read INTEGER DEFAULT 0, m_id TEXT, sub TEXT, sub_cs INTEGER,"
           "ct_t TEXT, m_type INTEGER, seen INTEGER DEFAULT 0" +
           newer +
           ");INSERT INTO pdu(_id,thread_id,date,msg_box,sub,sub_cs,ct_t,m_type) "
           "VALUES(9,2,1502568000,1,'Gr\xC3\x83\xC2\xBC\xC3\x83\xC2\x9F"
           "e',106,'application/vnd.wap.multipart.related',132);"
           "CREATE TABLE part(_id INTEGER PRIMARY KEY, mid INTEGER, seq INTEGER DEFAULT 0, ct TEXT, name TEXT, chset "
           "INTEGER, cid TEXT, cl TEXT, _data TEXT, text TEXT);"
           "INSERT INTO part(_id,mid,seq,ct,cl,_data,text) "
           "VALUES(1,9,-1,'application/smil','smil.xml',NULL,'<smil/>'),(2,9,0,'text/plain','text_0.txt',NULL,'das "
           "Meer heute'),"
           "(3,9,1,'image/jpeg','../../evil.jpg','/data/data/com.android.providers.telephony/app_parts/"
           "PART_1502568000000',NULL);"
           "CREATE TABLE addr(_id INTEGER PRIMARY KEY, msg_id INTEGER, contact_id INTEGER, address TEXT, type INTEGER, "
           "charset INTEGER);"
           "INSERT INTO addr(msg_id,address,type,charset) "
           "VALUES(9,'+81300000000',137,106),(9,'insert-address-token',151,106),(9,'+15550100',151,106);";
}

inline std::string calendar_sql()
{
    return "CREATE TABLE Calendars(_id INTEGER PRIMARY KEY, calendar_displayName TEXT, name TEXT); INSERT INTO "
           "Calendars VALUES(1,'Family',NULL);"
           "CREATE TABLE Attendees(_id INTEGER PRIMARY KEY, event_id INTEGER, attendeeName TEXT, attendeeEmail TEXT); "
           "INSERT INTO Attendees VALUES(1,1,'J\xC3\xB6rg','joerg@example.org');"
           "CREATE TABLE Events(_id INTEGER PRIMARY KEY, calendar_id INTEGER, title TEXT, description TEXT, "
           "eventLocation TEXT, dtstart INTEGER, dtend INTEGER, duration TEXT,"
           "allDay INTEGER DEFAULT 0, eventTimezone TEXT, rrule TEXT, exdate TEXT, deleted INTEGER DEFAULT 0, "
           "eventStatus INTEGER);"
           "INSERT INTO Events VALUES(1,1,'Dentist, again; really','Bring: card' || char(10) || 'and "
           "X','Kiel',1502526000000,1502529600000,NULL,0,'Europe/Berlin',NULL,NULL,0,1),"
           "(2,1,'Swimming',NULL,NULL,1502690400000,NULL,'P3600S',0,'Europe/"
           "Berlin','FREQ=WEEKLY;BYDAY=MO',NULL,0,1),(3,1,'Birthday','','',1502496000000,1502582400000,NULL,1,'UTC',"
           "NULL,NULL,0,NULL),"
           "(4,1,'Gone','','',1502496000000,NULL,NULL,0,'UTC',NULL,NULL,1,NULL),(5,1,'Injected',NULL,NULL,"
           "1502496000000,1502582400000,NULL,0,'UTC','FREQ=DAILY' || char(13) || char(10) || "
           "'ATTACH:file:///etc/passwd',NULL,0,1);";
}

/// The phone as Android `android` (4, 5, 7 or 9) keeps it.
inline std::unique_ptr<FakePhone> phone_of(int android)
{
    auto out = std::make_unique<FakePhone>();
    const std::string contacts = "/data/com.android.providers.contacts/databases/";
    const std::string telephony =
        android >= 7 ? "/user_de/0/com.android.providers.telephony" : "/data/com.android.providers.telephony";
    const auto people = contacts_sql();
    if (android >= 7) {
        out->add_with_wal(contacts + "contacts2.db", people, "UPDATE raw_contacts SET starred=1 WHERE _id=2;");
        out->add_database(contacts + "calllog.db", calls_sql(android));
    } else {
        out->add_database(contacts + "contacts2.db", people + calls_sql(android));
    }
    const auto texts = messages_sql(android);
    const auto cut = texts.find("CREATE TABLE addr");
    if (android >= 9) {
        out->add_with_wal(telephony + "/databases/mmssms.db", texts.substr(0, cut), texts.substr(cut));
    } else {
        out->add_database(telephony + "/databases/mmssms.db", texts);
    }
    out->add(telephony + "/app_parts/PART_1502568000000", "\xFF\xD8\xFF\xD9 a picture");
    out->add_database("/data/com.android.providers.calendar/databases/calendar.db", calendar_sql());
    const std::string accounts = "CREATE TABLE accounts(_id INTEGER PRIMARY KEY, name TEXT, type TEXT, password TEXT); "
                                 "INSERT INTO accounts VALUES(1,'ada@example.org','com.google','hunter2');";
    out->add_database(android >= 7 ? "/system_ce/0/accounts_ce.db" : "/system/users/0/accounts.db", accounts);
    if (android >= 9) {
        out->add("/misc/wifi/WifiConfigStore.xml",
                 "<?xml version='1.0'?><WifiConfigStoreData><NetworkList><Network><WifiConfiguration><string "
                 "name=\"ConfigKey\">&quot;Caf\xC3\xA9&quot;WPA_PSK</string>"
                 "<string name=\"SSID\">&quot;Caf\xC3\xA9&quot;</string><string name=\"PreSharedKey\">&quot;latte "
                 "macchiato&quot;</string></WifiConfiguration></Network></NetworkList></WifiConfigStoreData>");
        out->add("/property/persistent_properties", std::string{"\x0A\x24\x0A\x14persist.sys.timezone\x12\x0C"
                                                                "Europe/Paris",
                                                                38});
    } else {
        out->add(
            "/misc/wifi/wpa_supplicant.conf",
            "ctrl_interface=wlan0\nnetwork={\n\tssid=436166C3A9\n\tpsk=\"latte macchiato\"\n\tkey_mgmt=WPA-PSK\n}\n");
        out->add("/property/persist.sys.timezone", "Europe/Paris");
    }
    const std::string build =
        android >= 7 ? "<version sdkVersion=\"24\" databaseVersion=\"3\" fingerprint=\"maker/phone:7.0/X\"/>"
                     : "<last-platform-version internal=\"19\" external=\"0\" fingerprint=\"maker/phone:7.0/X\"/>";
    out->add("/system/packages.xml",
             "<?xml version='1.0'?><packages>" + build +
                 "<package name=\"com.example\" codePath=\"/data/app/com.example-1\" it=\"15dd2f6b400\" "
                 "ut=\"15dd2f6b400\" version=\"42\" installer=\"com.android.vending\"/></packages>");
    out->add(
        "/data/com.android.chrome/app_chrome/Default/Bookmarks",
        R"({"roots":{"bookmark_bar":{"type":"folder","name":"Bar","children":[{"type":"url","name":"Maps","url":"https://maps.example/","date_added":"13146999600000000"}]}}})");
    out->set_system_properties("# begin\nro.product.model=MT6750 phone\nro.build.version.release=7.0\nro.secret=1\n");
    return out;
}

} // namespace salvage::test
