#include "artifact/contact_store.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include <fmt/format.h>

#include "artifact/forms.hpp"

namespace salvage::artifact {
namespace {

// A name, a number, an address; a note may be a page.
constexpr std::size_t max_field = 4096;
constexpr std::size_t max_note = 64U << 10U;
// One person's numbers, addresses, notes; each is compared with the others.
constexpr std::size_t max_entries = 2000;
// What an entry takes beside its texts.
constexpr std::size_t entry_bytes = 192;

/// The table data has these, which each kind of entry uses in its own way.
constexpr std::array<std::string_view, 18> data_columns{
    "mimetype_id", "raw_contact_id", "mimetype", "data1", "data2",  "data3",  "data4",      "data5",
    "data6",       "data7",          "data8",    "data9", "data10", "data14", "is_primary", "is_super_primary",
    "data11",      "data12"};
constexpr std::size_t data_at = 2; // data1 stands at data_at + 1
constexpr std::size_t photo_file_at = 13;

std::string field(const Row& row, std::size_t number)
{
    return row.text_or_empty(data_at + number).substr(0, max_field);
}

using Words = std::initializer_list<std::pair<std::int64_t, std::string_view>>;

/// What an entry is for: a number that stands for a word, or 0 and the owner's own.
std::string label_of(const Row& row, Words words)
{
    const auto type = row.integer(data_at + 2);
    if (!type || *type == 0) {
        return field(row, 3);
    }
    const auto* const found = std::ranges::find(words, *type, &std::pair<std::int64_t, std::string_view>::first);
    return found == words.end() ? "other" : std::string{found->second};
}

void add_name(Contact& contact, const Row& row)
{
    const auto take = [](std::string& into, std::string value) {
        if (into.empty()) {
            into = std::move(value);
        }
    };
    take(contact.display_name, field(row, 1));
    take(contact.given, field(row, 2));
    take(contact.family, field(row, 3));
    take(contact.prefix, field(row, 4));
    take(contact.middle, field(row, 5));
    take(contact.suffix, field(row, 6));
}

void add_unique(std::vector<Labelled>& into, Labelled value)
{
    const bool is_known = std::ranges::any_of(into, [&](const Labelled& one) { return one.value == value.value; });
    if (!value.value.empty() && !is_known) {
        into.push_back(std::move(value));
    }
}
void add_unique(std::vector<std::string>& into, std::string value)
{
    if (!value.empty() && std::ranges::find(into, value) == into.end()) {
        into.push_back(std::move(value));
    }
}

void add_phone(Contact& contact, const Row& row)
{
    add_unique(contact.phones, {.value = field(row, 1),
                                .label = label_of(row, {{1, "home"},
                                                        {2, "mobile"},
                                                        {3, "work"},
                                                        {4, "fax at work"},
                                                        {5, "fax at home"},
                                                        {6, "pager"},
                                                        {7, "other"},
                                                        {10, "company"},
                                                        {12, "main"},
                                                        {13, "other fax"},
                                                        {17, "mobile at work"},
                                                        {18, "pager at work"}})});
}

void add_email(Contact& contact, const Row& row)
{
    add_unique(contact.emails, {.value = field(row, 1),
                                .label = label_of(row, {{1, "home"}, {2, "work"}, {3, "other"}, {4, "mobile"}})});
}

void add_address(Contact& contact, const Row& row)
{
    contact.addresses.push_back({.formatted = field(row, 1),
                                 .street = field(row, 4),
                                 .box = field(row, 5),
                                 .neighbourhood = field(row, 6),
                                 .city = field(row, 7),
                                 .region = field(row, 8),
                                 .postcode = field(row, 9),
                                 .country = field(row, 10),
                                 .label = label_of(row, {{1, "home"}, {2, "work"}, {3, "other"}})});
}

void add_organisation(Contact& contact, const Row& row)
{
    contact.organisations.push_back({.company = field(row, 1), .department = field(row, 5), .title = field(row, 4)});
}

void add_note(Contact& contact, const Row& row)
{
    add_unique(contact.notes, row.text_or_empty(data_at + 1).substr(0, max_note));
}

void add_event(Contact& contact, const Row& row)
{
    add_unique(contact.events,
               {.value = field(row, 1), .label = label_of(row, {{1, "anniversary"}, {2, "other"}, {3, "birthday"}})});
}

void add_messenger(Contact& contact, const Row& row)
{
    constexpr std::array<std::string_view, 9> protocols{"aim",         "msn", "yahoo",  "skype",     "qq",
                                                        "google-talk", "icq", "jabber", "netmeeting"};
    const auto protocol = row.integer(data_at + 5).value_or(-1);
    add_unique(contact.messengers,
               {.value = field(row, 1),
                .label = protocol >= 0 && protocol < 9 ? std::string{protocols.at(static_cast<std::size_t>(protocol))}
                                                       : field(row, 6)});
}

void add_relation(Contact& contact, const Row& row)
{
    add_unique(contact.relations, {.value = field(row, 1),
                                   .label = label_of(row, {{1, "assistant"},
                                                           {2, "brother"},
                                                           {3, "child"},
                                                           {4, "partner"},
                                                           {5, "father"},
                                                           {6, "friend"},
                                                           {7, "manager"},
                                                           {8, "mother"},
                                                           {9, "parent"},
                                                           {10, "partner"},
                                                           {11, "referred by"},
                                                           {12, "relative"},
                                                           {13, "sister"},
                                                           {14, "spouse"}})});
}

void add_photo(Contact& contact, const Row& row)
{
    if (!contact.photo_row) {
        contact.photo_row = row.rowid;
        contact.photo_file = row.integer(photo_file_at);
    }
}

struct Meaning {
    std::string_view mimetype;
    void (*add)(Contact&, const Row&);
};
// frameworks/base, ContactsContract.CommonDataKinds.
constexpr std::array meanings{
    Meaning{"vnd.android.cursor.item/name", add_name},
    Meaning{"vnd.android.cursor.item/phone_v2", add_phone},
    Meaning{"vnd.android.cursor.item/email_v2", add_email},
    Meaning{"vnd.android.cursor.item/postal-address_v2", add_address},
    Meaning{"vnd.android.cursor.item/organization", add_organisation},
    Meaning{"vnd.android.cursor.item/note", add_note},
    Meaning{"vnd.android.cursor.item/contact_event", add_event},
    Meaning{"vnd.android.cursor.item/im", add_messenger},
    Meaning{"vnd.android.cursor.item/relation", add_relation},
    Meaning{"vnd.android.cursor.item/photo", add_photo},
    Meaning{"vnd.android.cursor.item/nickname",
            [](Contact& contact, const Row& row) { add_unique(contact.nicknames, field(row, 1)); }},
    Meaning{
        "vnd.android.cursor.item/website",
        [](Contact& contact, const Row& row) { add_unique(contact.websites, {.value = field(row, 1), .label = {}}); }},
    Meaning{"vnd.android.cursor.item/sip_address",
            [](Contact& contact, const Row& row) {
                add_unique(contact.messengers, {.value = field(row, 1), .label = "sip"});
            }},
};
constexpr std::string_view group_mimetype = "vnd.android.cursor.item/group_membership";

class BookReader {
public:
    explicit BookReader(OpenDatabase& database) : database_{&database} {}

    Result<ContactBook> run()
    {
        SALVAGE_TRY(read_names("mimetypes", "mimetype", mimetypes_));
        SALVAGE_TRY(read_names("groups", "title", groups_));
        SALVAGE_TRY(read_names("accounts", "account_name", accounts_));
        SALVAGE_TRY(read_people());
        database_->note_read("data", std::array<std::string_view, 3>{"mimetype_id", "raw_contact_id", "data1"});
        SALVAGE_TRY(database_->each("data", data_columns, [&](const Row& row) -> Result<> {
            add(row);
            return {};
        }));
        std::ranges::sort(book_.contacts, {}, [](const Contact& contact) {
            return std::pair{contact.display_name.empty(), contact.display_name};
        });
        return std::move(book_);
    }

private:
    Result<> read_names(std::string_view table, std::string_view column, std::map<std::int64_t, std::string>& into)
    {
        const std::array columns{column};
        return database_->each(table, columns, [&](const Row& row) -> Result<> {
            if (may_keep(row)) {
                into[row.rowid.value_or(0)] = row.text_or_empty(0).substr(0, max_field);
            }
            return {};
        });
    }

    /// All columns together: each is cut by itself.
    bool may_keep(const Row& row)
    {
        std::size_t bytes = entry_bytes;
        for (const auto& value : row.values) {
            const auto* const text = std::get_if<std::string>(&value);
            bytes += text == nullptr ? 0 : std::min(text->size(), max_note);
        }
        return database_->may_keep(bytes);
    }

    Result<> read_people()
    {
        constexpr std::array<std::string_view, 7> columns{"contact_id", "deleted",      "display_name", "starred",
                                                          "account_id", "account_name", "account_type"};
        return database_->each("raw_contacts", columns, [&](const Row& row) -> Result<> {
            if (row.integer(1).value_or(0) != 0) {
                ++book_.deleted;
                return {};
            }
            if (!may_keep(row)) {
                return {};
            }
            auto& contact = person_of(row);
            if (contact.origins.size() >= max_entries) {
                database_->leave_out();
                return {};
            }
            if (contact.display_name.empty()) {
                contact.display_name = row.text_or_empty(2).substr(0, max_field);
            }
            contact.is_starred = contact.is_starred || row.integer(3).value_or(0) != 0;
            const auto account = row.integer(4) ? accounts_.find(*row.integer(4)) : accounts_.end();
            add_unique(contact.accounts,
                       account != accounts_.end() ? account->second : row.text_or_empty(5).substr(0, max_field));
            contact.origins.push_back(database_->origin("raw_contacts", row));
            return {};
        });
    }

    /// Entries with one contact_id are one person; one without is a person of its own.
    Contact& person_of(const Row& row)
    {
        const auto raw = row.rowid.value_or(0);
        const auto person = row.integer(0);
        auto known = person ? by_person_.find(*person) : by_person_.end();
        if (known == by_person_.end()) {
            book_.contacts.emplace_back();
            const auto index = book_.contacts.size() - 1;
            by_raw_[raw] = index;
            if (person) {
                by_person_[*person] = index;
            }
            return book_.contacts.back();
        }
        by_raw_[raw] = known->second;
        return book_.contacts[known->second];
    }

    void add(const Row& row)
    {
        const auto raw = by_raw_.find(row.integer(1).value_or(-1));
        if (raw == by_raw_.end()) {
            return; // of a deleted entry
        }
        if (!may_keep(row)) {
            return;
        }
        auto& contact = book_.contacts[raw->second];
        if (++entries_[raw->second] > max_entries) {
            database_->leave_out();
            return;
        }
        const auto mimetype = mimetypes_.find(row.integer(0).value_or(-1));
        const auto type = mimetype == mimetypes_.end() ? row.text_or_empty(2) : mimetype->second;
        if (type == group_mimetype) {
            const auto group = groups_.find(row.integer(data_at + 1).value_or(-1));
            add_unique(contact.groups, group == groups_.end() ? std::string{} : group->second);
            return;
        }
        const auto* const meaning = std::ranges::find(meanings, type, &Meaning::mimetype);
        if (meaning != meanings.end()) {
            meaning->add(contact, row);
        } else { // an app's own: what it shows, with what it is
            add_unique(contact.others, {.value = field(row, 1), .label = type.substr(0, max_field)});
        }
    }

    OpenDatabase* database_;
    ContactBook book_;
    std::map<std::int64_t, std::string> mimetypes_;
    std::map<std::int64_t, std::string> groups_;
    std::map<std::int64_t, std::string> accounts_;
    std::map<std::int64_t, std::size_t> by_raw_;
    std::map<std::int64_t, std::size_t> by_person_;
    std::map<std::size_t, std::size_t> entries_; ///< of each contact
};

} // namespace

Result<ContactBook> read_contacts(OpenDatabase& database)
{
    return BookReader{database}.run();
}

Result<std::vector<OpenDatabase>> open_contact_databases(const Extraction& extraction, KindReport& report)
{
    std::vector<OpenDatabase> out;
    for (const auto& folder : app_folders(*extraction.files, "com.android.providers.contacts")) {
        if (auto database = SALVAGE_TRY(OpenDatabase::open(extraction, folder + "/databases/contacts2.db", report))) {
            out.push_back(*std::move(database));
        }
    }
    return out;
}

} // namespace salvage::artifact
