// What the registry lists: one function a kind, each in a file of its own.
#pragma once

#include "artifact/reading.hpp"
#include "salvage/artifact/extraction.hpp"

namespace salvage::artifact {

Result<KindReport> extract_contacts(Extraction& extraction);
Result<KindReport> extract_messages(Extraction& extraction);
Result<KindReport> extract_calls(Extraction& extraction);
Result<KindReport> extract_photos(Extraction& extraction);
Result<KindReport> extract_calendar(Extraction& extraction);
Result<KindReport> extract_whatsapp(Extraction& extraction);
Result<KindReport> extract_wifi(Extraction& extraction);
Result<KindReport> extract_browser(Extraction& extraction);
Result<KindReport> extract_accounts(Extraction& extraction);
Result<KindReport> extract_apps(Extraction& extraction);
Result<KindReport> extract_phone(Extraction& extraction);

/// Names by number and address, from the contacts.
Result<> learn_contact_names(Extraction& extraction);

/// Whether an error of Sink::store is about the phone's file, so that the rest goes on.
[[nodiscard]] bool is_about_the_source(const Error& error) noexcept;

} // namespace salvage::artifact
