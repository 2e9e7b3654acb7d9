// Contacts as Android's ContactsProvider keeps them: contacts2.db and the files of larger photos.
// Spec: AOSP packages/providers/ContactsProvider, ContactsDatabaseHelper.java; frameworks/base, ContactsContract.java;
// docs/formats/android-databases.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "artifact/reading.hpp"

namespace salvage::artifact {

/// A value with what it is for: "mobile", "work", or the owner's own word.
struct Labelled {
    std::string value;
    std::string label;
};

struct PostalAddress {
    std::string formatted;
    std::string street, box, neighbourhood, city, region, postcode, country;
    std::string label;
};

struct Organisation {
    std::string company, department, title;
};

/// Somebody: all entries that the phone showed as one person.
struct Contact {
    std::string display_name;
    std::string prefix, given, middle, family, suffix;
    std::vector<Labelled> phones, emails, messengers, websites, relations, events, others;
    std::vector<std::string> nicknames, notes, groups, accounts;
    std::vector<PostalAddress> addresses;
    std::vector<Organisation> organisations;
    std::optional<std::int64_t> photo_row;  ///< in the table data: a small picture
    std::optional<std::int64_t> photo_file; ///< number of the larger one's file
    bool is_starred{false};
    std::vector<Origin> origins;
};

struct ContactBook {
    std::vector<Contact> contacts; ///< by name
    std::uint64_t deleted{};       ///< entries that the phone had marked as deleted
};

/// Errors: cancelled.  Damage is in the report.
[[nodiscard]] Result<ContactBook> read_contacts(OpenDatabase& database);

/// The contacts' databases of all users of the phone.  Errors: cancelled.
[[nodiscard]] Result<std::vector<OpenDatabase>> open_contact_databases(const Extraction& extraction,
                                                                       KindReport& report);

/// One contact as a vCard 4.0; `photo` is a JPEG or PNG, or empty.  Spec: RFC 6350.
[[nodiscard]] std::string to_vcard(const Contact& contact, ByteView photo);

} // namespace salvage::artifact
