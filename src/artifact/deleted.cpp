// Messages, calls and contacts that were deleted, as far as their databases still hold them.
#include <array>
#include <map>

#include <fmt/format.h>

#include "artifact/contact_store.hpp"
#include "artifact/deleted_output.hpp"
#include "artifact/kinds.hpp"
#include "artifact/message_store.hpp"

namespace salvage::artifact {
namespace {

Json text_or_null(const std::string& text)
{
    return text.empty() ? Json{} : text_json(std::string_view{text});
}

/// Nothing of a row that says nothing to anybody: the pictures of MMS, the announcement of one.
std::optional<ShownDeleted> show_deleted_message(const Extraction& extraction, const FoundFields& fields)
{
    const bool is_sms = fields.table() == "sms";
    const bool is_part = fields.table() == "part";
    const auto time_ms = is_sms ? fields.integer("date") : from_seconds(fields.integer("date"));
    const auto address = is_sms ? fields.text("address") : std::string{};
    const auto text = is_sms ? fields.text("body") : is_part ? fields.text("text") : undo_latin1(fields.text("sub"));
    const bool is_of_use = is_sms    ? !address.empty() || !text.empty()
                           : is_part ? !text.empty() && fields.text("ct") == "text/plain"
                                     : time_ms.has_value();
    if (!is_of_use) {
        return std::nullopt;
    }
    const auto* const what = is_sms ? "SMS" : is_part ? "text of an MMS" : "MMS";
    const auto who = address.empty() ? std::string{} : extraction.names.find(address);
    const auto box = box_of(fields.integer(is_sms ? "type" : "msg_box"));
    const auto box_word = box == Box::unknown ? std::string{} : std::string{to_string(box)};
    Json json = Json::object();
    json["kind"] = what;
    json["box"] = text_or_null(box_word);
    json["address"] = text_or_null(address);
    json["name"] = text_or_null(who);
    json["time"] = time_json(time_ms);
    json["text"] = text_or_null(text);
    return ShownDeleted{.cells = {{.text = shown_time(time_ms)},
                                  {.text = what},
                                  {.text = box_word},
                                  {.text = address},
                                  {.text = who},
                                  {.text = text}},
                        .json = std::move(json)};
}

std::optional<ShownDeleted> show_deleted_call(const Extraction& extraction, const FoundFields& fields)
{
    const auto address = fields.text("number");
    const auto time_ms = fields.integer("date");
    if ((address.empty() && !time_ms) || !is_call_type(fields.integer("logtype"))) {
        return std::nullopt;
    }
    auto who = extraction.names.find(address);
    who = who.empty() ? fields.text("name") : who;
    const auto seconds = fields.integer("duration");
    const auto direction = std::string{call_direction(fields.integer("type"))};
    Json json = Json::object();
    json["number"] = text_or_null(address);
    json["name"] = text_or_null(who);
    json["time"] = time_json(time_ms);
    json["seconds"] = seconds ? Json(*seconds) : Json{};
    json["direction"] = direction;
    return ShownDeleted{.cells = {{.text = who},
                                  {.text = address},
                                  {.text = direction},
                                  {.text = shown_time(time_ms)},
                                  {.text = seconds ? std::to_string(*seconds) : std::string{}}},
                        .json = std::move(json)};
}

/// What ContactsContract calls a kind of entry, and what people do.
struct EntryWord {
    std::string_view mime_type;
    std::string_view word;
};
constexpr std::array entry_words{EntryWord{"vnd.android.cursor.item/name", "name"},
                                 EntryWord{"vnd.android.cursor.item/phone_v2", "phone"},
                                 EntryWord{"vnd.android.cursor.item/email_v2", "e-mail"},
                                 EntryWord{"vnd.android.cursor.item/postal-address_v2", "address"},
                                 EntryWord{"vnd.android.cursor.item/organization", "organisation"},
                                 EntryWord{"vnd.android.cursor.item/note", "note"},
                                 EntryWord{"vnd.android.cursor.item/nickname", "nickname"},
                                 EntryWord{"vnd.android.cursor.item/website", "website"},
                                 EntryWord{"vnd.android.cursor.item/sip_address", "internet call"},
                                 EntryWord{"vnd.android.cursor.item/im", "messenger"},
                                 EntryWord{"vnd.android.cursor.item/relation", "relation"},
                                 EntryWord{"vnd.android.cursor.item/contact_event", "event"}};

/// Entries of one address book: of a person, entries stand under one number.
class DeletedContacts {
public:
    explicit DeletedContacts(OpenDatabase& database) : database_{&database} {}

    /// Errors: cancelled.
    Result<> read_words()
    {
        constexpr std::array<std::string_view, 1> fields{"mimetype"};
        return database_->each("mimetypes", fields, [&](const Row& row) -> Result<> {
            const auto mime_type = row.text_or_empty(0);
            for (const auto& entry : entry_words) {
                if (entry.mime_type == mime_type && row.rowid) {
                    words_[*row.rowid] = entry.word;
                }
            }
            return {};
        });
    }

    /// Learns whose entries are whose: from deleted rows, too.  Errors: cancelled.
    Result<> read_names(const std::vector<RecoveredRow>& rows)
    {
        for (const auto& row : rows) {
            const FoundFields fields{*database_->database().find_table(row.table), row};
            const bool is_person = fields.table() == "raw_contacts";
            const auto person = is_person ? row.rowid : fields.integer("raw_contact_id");
            const auto called = is_person ? fields.text("display_name") : fields.text("data1");
            if (person && !called.empty() && (is_person || word_of(fields) == "name") &&
                database_->may_keep(called.size())) {
                names_.emplace(*person, called);
            }
        }
        constexpr std::array<std::string_view, 1> fields{"display_name"};
        return database_->each("raw_contacts", fields, [&](const Row& row) -> Result<> {
            auto called = row.text_or_empty(0);
            if (row.rowid && !called.empty() && database_->may_keep(called.size())) {
                names_.insert_or_assign(*row.rowid, std::move(called));
            }
            return {};
        });
    }

    [[nodiscard]] std::optional<ShownDeleted> show(const FoundFields& fields) const
    {
        const bool is_person = fields.table() == "raw_contacts";
        const auto person = is_person ? fields.row().rowid : fields.integer("raw_contact_id");
        const auto value = is_person ? fields.text("display_name") : fields.text("data1");
        const auto word = is_person ? std::string_view{"person"} : word_of(fields);
        if (value.empty() || word.empty()) {
            return std::nullopt;
        }
        const auto known = person ? names_.find(*person) : names_.end();
        const auto who = known == names_.end() ? (is_person || word == "name" ? value : std::string{}) : known->second;
        Json json = Json::object();
        json["name"] = text_or_null(who);
        json["entry"] = word;
        json["value"] = text_or_null(value);
        json["person"] = person ? Json(*person) : Json{};
        return ShownDeleted{.cells = {{.text = who},
                                      {.text = std::string{word}},
                                      {.text = value},
                                      {.text = person ? std::to_string(*person) : std::string{}}},
                            .json = std::move(json)};
    }

private:
    /// Empty where the kind of entry is none that tells anybody anything: pictures, groups.
    [[nodiscard]] std::string_view word_of(const FoundFields& fields) const
    {
        const auto kind = fields.integer("mimetype_id");
        const auto found = kind ? words_.find(*kind) : words_.end();
        return found == words_.end() ? std::string_view{} : found->second;
    }

    OpenDatabase* database_;
    std::map<std::int64_t, std::string_view> words_;
    std::map<std::int64_t, std::string> names_;
};

} // namespace

Result<KindReport> extract_deleted_messages(Extraction& extraction)
{
    constexpr std::array<std::string_view, 3> tables{"sms", "pdu", "part"};
    KindReport report{.name = "deleted-messages", .title = "Deleted messages"};
    DeletedList list{extraction, report, "messages", {"Time", "Kind", "Box", "Number", "Name", "Text"}};
    for (const auto& folder : app_folders(*extraction.files, "com.android.providers.telephony")) {
        auto database = SALVAGE_TRY(OpenDatabase::open(extraction, folder + "/databases/mmssms.db", report));
        if (database) {
            SALVAGE_TRY(list.take(*database, tables, "date",
                                  [&](const FoundFields& fields) { return show_deleted_message(extraction, fields); }));
            database->close(report);
        }
    }
    SALVAGE_TRY(list.end());
    return report;
}

Result<KindReport> extract_deleted_calls(Extraction& extraction)
{
    KindReport report{.name = "deleted-calls", .title = "Deleted calls"};
    DeletedList list{extraction, report, "calls", {"Name", "Number", "Direction", "Time", "Seconds"}};
    for (const auto& source : call_sources()) {
        for (const auto& folder : app_folders(*extraction.files, source.package)) {
            auto database = SALVAGE_TRY(
                OpenDatabase::open(extraction, fmt::format("{}/databases/{}", folder, source.file), report));
            if (database && database->has(source.table)) {
                const std::array tables{source.table};
                SALVAGE_TRY(list.take(*database, tables, "date", [&](const FoundFields& fields) {
                    return show_deleted_call(extraction, fields);
                }));
                database->close(report);
            }
        }
    }
    SALVAGE_TRY(list.end());
    return report;
}

Result<KindReport> extract_deleted_contacts(Extraction& extraction)
{
    constexpr std::array<std::string_view, 2> tables{"raw_contacts", "data"};
    KindReport report{.name = "deleted-contacts", .title = "Deleted contacts"};
    DeletedList list{extraction, report, "contacts", {"Name", "Entry", "Value", "Person"}};
    list.add_note(
        "A contact lies in several rows, one for each number, address or name: those with the same person are "
        "of one contact.");
    auto databases = SALVAGE_TRY(open_contact_databases(extraction, report));
    for (auto& database : databases) {
        const auto rows = SALVAGE_TRY(list.find(database, tables));
        DeletedContacts contacts{database};
        SALVAGE_TRY(contacts.read_words());
        SALVAGE_TRY(contacts.read_names(rows));
        for (const auto& row : rows) {
            const FoundFields fields{*database.database().find_table(row.table), row};
            if (auto shown = contacts.show(fields)) {
                SALVAGE_TRY(list.add(database, fields, *std::move(shown)));
            }
        }
        database.close(report);
    }
    SALVAGE_TRY(list.end());
    return report;
}

} // namespace salvage::artifact
