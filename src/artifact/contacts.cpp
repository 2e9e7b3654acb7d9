// Contacts: vCard for the next phone, CSV for a table, JSON for programs, a page for people.
#include <algorithm>

#include <fmt/format.h>

#include "artifact/contact_store.hpp"
#include "artifact/forms.hpp"
#include "artifact/kinds.hpp"
#include "artifact/list_output.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::artifact {
namespace {

// A photo in an address book has 720 pixels at most.
constexpr ByteCount max_photo{8U << 20U};

std::string joined(const std::vector<Labelled>& values)
{
    std::string out;
    for (const auto& [value, label] : values) {
        out += (out.empty() ? "" : "\n") + (label.empty() ? value : fmt::format("{} ({})", value, label));
    }
    return out;
}
/// For a spreadsheet: a number with a '+' in front and a word behind would pass for a formula.
std::string listed(const std::vector<Labelled>& values)
{
    std::string out;
    for (const auto& [value, label] : values) {
        out += (out.empty() ? "" : "\n") + (label.empty() ? value : fmt::format("{}: {}", label, value));
    }
    return out;
}
std::string joined(const std::vector<std::string>& values)
{
    std::string out;
    for (const auto& value : values) {
        out += (out.empty() ? "" : "\n") + value;
    }
    return out;
}
std::string joined(const std::vector<PostalAddress>& values)
{
    std::string out;
    for (const auto& one : values) {
        auto text = one.formatted;
        for (const auto* const part : {&one.street, &one.postcode, &one.city, &one.region, &one.country}) {
            text += one.formatted.empty() && !part->empty() ? (text.empty() ? "" : ", ") + *part : std::string{};
        }
        out += (out.empty() ? "" : "\n") + text + (one.label.empty() ? std::string{} : fmt::format(" ({})", one.label));
    }
    return out;
}
std::string joined(const std::vector<Organisation>& values)
{
    std::string out;
    for (const auto& one : values) {
        for (const auto* const part : {&one.title, &one.department, &one.company}) {
            out += part->empty() ? std::string{} : (out.empty() ? "" : ", ") + *part;
        }
    }
    return out;
}

Json labelled_json(const std::vector<Labelled>& values)
{
    Json out = Json::array();
    for (const auto& [value, label] : values) {
        out.push_back({{"value", text_json(std::string_view{value})}, {"label", text_json(std::string_view{label})}});
    }
    return out;
}
Json list_json(const std::vector<std::string>& values)
{
    Json out = Json::array();
    for (const auto& value : values) {
        out.push_back(text_json(std::string_view{value}));
    }
    return out;
}

Json to_json(const Contact& contact, const std::string& photo)
{
    Json out = Json::object();
    out["name"] = text_json(std::string_view{contact.display_name});
    out["phones"] = labelled_json(contact.phones);
    out["emails"] = labelled_json(contact.emails);
    out["messengers"] = labelled_json(contact.messengers);
    out["addresses"] = text_json(std::string_view{joined(contact.addresses)});
    out["organisations"] = text_json(std::string_view{joined(contact.organisations)});
    out["websites"] = labelled_json(contact.websites);
    out["relations"] = labelled_json(contact.relations);
    out["events"] = labelled_json(contact.events);
    out["nicknames"] = list_json(contact.nicknames);
    out["notes"] = list_json(contact.notes);
    out["groups"] = list_json(contact.groups);
    out["accounts"] = list_json(contact.accounts);
    out["others"] = labelled_json(contact.others);
    out["starred"] = contact.is_starred;
    out["photo"] = photo.empty() ? Json{} : text_json(std::string_view{photo});
    auto origins = Json::array();
    for (const auto& origin : contact.origins) {
        origins.push_back(origin_json(origin));
    }
    out["origin"] = std::move(origins);
    return out;
}

class Writer {
public:
    Writer(Extraction& extraction, KindReport& report)
        : extraction_{&extraction}, report_{&report}, rows_{extraction.bounds.shown_rows, extraction.bounds.shown_bytes}
    {
    }

    Result<> begin()
    {
        auto* const sink = extraction_->sink;
        cards_ = SALVAGE_TRY(sink->begin("contacts/contacts.vcf"));
        csv_ = SALVAGE_TRY(sink->begin("contacts/contacts.csv"));
        json_ = SALVAGE_TRY(sink->begin("contacts/contacts.json"));
        SALVAGE_TRY(json_->add("{\"schema\":\"salvage.contacts/1\",\"contacts\":["));
        const std::vector<std::string> titles{"Name",  "Phones", "E-mails", "Addresses", "Organisation",
                                              "Notes", "Events", "Groups",  "Account",   "Origin"};
        return csv_->add(csv_line(titles));
    }

    Result<> add(OpenDatabase& database, const Contact& contact)
    {
        if (extraction_->context->is_stopped()) {
            return cancelled("taking out contacts");
        }
        if (cards_ == nullptr) {
            SALVAGE_TRY(begin());
        }
        const auto photo = SALVAGE_TRY(photo_of(database, contact));
        SALVAGE_TRY(cards_->add(to_vcard(contact, photo)));
        const auto stored = SALVAGE_TRY(store_photo(contact, photo));
        SALVAGE_TRY(json_->add((report_->items == 0 ? "\n" : ",\n") + dumped(to_json(contact, stored))));
        const std::vector<std::string> cells{
            contact.display_name,
            listed(contact.phones),
            listed(contact.emails),
            joined(contact.addresses),
            joined(contact.organisations),
            joined(contact.notes),
            listed(contact.events),
            joined(contact.groups),
            joined(contact.accounts),
            contact.origins.empty() ? std::string{} : to_string(contact.origins.front())};
        SALVAGE_TRY(csv_->add(csv_line(cells)));
        show(contact, stored);
        ++report_->items;
        return {};
    }

    Result<> end()
    {
        if (cards_ == nullptr) {
            return {};
        }
        SALVAGE_TRY(json_->add("\n]}\n"));
        for (auto* const file : {cards_.get(), csv_.get(), json_.get()}) {
            SALVAGE_TRY(file->finish());
        }
        report_->outputs.insert(report_->outputs.end(),
                                {"contacts/contacts.vcf", "contacts/contacts.csv", "contacts/contacts.json"});
        report_->page = "contacts/contacts.html";
        TablePage page{.path = report_->page,
                       .title = report_->title,
                       .columns = {"Name", "Phones", "E-mails", "Addresses", "Organisation", "More", "Origin"},
                       .rows = {},
                       .notes = report_->notes};
        rows_.end(page, "the CSV and JSON");
        return extraction_->sink->page(page);
    }

private:
    /// The larger picture where its file is there, else the small one.
    Result<Bytes> photo_of(OpenDatabase& database, const Contact& contact)
    {
        if (contact.photo_file) {
            const auto folder = database.path().substr(0, database.path().rfind("/databases/"));
            const auto file = extraction_->files->open(fmt::format("{}/files/photos/{}", folder, *contact.photo_file));
            auto bytes = file.has_value() ? io::read_all(**file, max_photo) : Result<Bytes>{file.error()};
            if (bytes.has_value()) {
                return bytes;
            }
        }
        if (contact.photo_row) {
            constexpr std::array<std::string_view, 1> columns{"data15"};
            const auto row = SALVAGE_TRY(database.row("data", columns, *contact.photo_row));
            const auto* const blob = row ? row->blob(0) : nullptr;
            if (blob != nullptr && blob->size() <= max_photo.value) {
                return *blob;
            }
        }
        return Bytes{};
    }

    Result<std::string> store_photo(const Contact& contact, const Bytes& photo)
    {
        if (photo.empty()) {
            return std::string{};
        }
        const auto* const ending = as_text(photo).starts_with("\x89PNG") ? ".png" : ".jpg";
        const auto source = io::make_memory(photo, "photo");
        const auto stored = SALVAGE_TRY(
            extraction_->sink->store(*source, "contacts/photos", contact.display_name + ending, std::nullopt,
                                     contact.origins.empty() ? Origin{} : contact.origins.front()));
        return stored.path;
    }

    void show(const Contact& contact, const std::string& photo)
    {
        std::string more;
        for (const auto& text :
             {joined(contact.notes), joined(contact.events), joined(contact.messengers), joined(contact.websites),
              joined(contact.relations), joined(contact.groups), joined(contact.others)}) {
            more += text.empty() ? std::string{} : (more.empty() ? "" : "\n") + text;
        }
        rows_.add({{.text = contact.display_name, .link = {}, .picture = photo},
                   {.text = joined(contact.phones)},
                   {.text = joined(contact.emails)},
                   {.text = joined(contact.addresses)},
                   {.text = joined(contact.organisations)},
                   {.text = more},
                   {.text = contact.origins.empty() ? std::string{} : to_string(contact.origins.front())}});
        extraction_->sink->index({.title = contact.display_name,
                                  .detail = joined(contact.phones) + " " + joined(contact.emails),
                                  .path = "contacts/contacts.html"});
    }

    Extraction* extraction_;
    KindReport* report_;
    std::unique_ptr<TextOutput> cards_;
    std::unique_ptr<TextOutput> csv_;
    std::unique_ptr<TextOutput> json_;
    ShownRows rows_;
};

} // namespace

Result<KindReport> extract_contacts(Extraction& extraction)
{
    KindReport report{.name = "contacts", .title = "Contacts"};
    auto databases = SALVAGE_TRY(open_contact_databases(extraction, report));
    if (databases.empty()) {
        return report;
    }
    Writer writer{extraction, report};
    for (auto& database : databases) {
        const auto book = SALVAGE_TRY(read_contacts(database));
        for (const auto& contact : book.contacts) {
            SALVAGE_TRY(writer.add(database, contact));
        }
        if (book.deleted > 0) {
            report.notes.push_back(
                fmt::format("{} entries that the phone had marked as deleted are left out.", book.deleted));
        }
        database.close(report);
    }
    SALVAGE_TRY(writer.end());
    return report;
}

Result<> learn_contact_names(Extraction& extraction)
{
    KindReport unused;
    auto databases = SALVAGE_TRY(open_contact_databases(extraction, unused));
    for (auto& database : databases) {
        const auto book = SALVAGE_TRY(read_contacts(database));
        for (const auto& contact : book.contacts) {
            for (const auto* const values : {&contact.phones, &contact.emails}) {
                for (const auto& value : *values) {
                    extraction.names.add(value.value, contact.display_name);
                }
            }
        }
    }
    return {};
}

} // namespace salvage::artifact
