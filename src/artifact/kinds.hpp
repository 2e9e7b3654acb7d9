// What the registry lists: one function a kind, each in a file of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

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

Result<KindReport> extract_deleted_contacts(Extraction& extraction);
Result<KindReport> extract_deleted_messages(Extraction& extraction);
Result<KindReport> extract_deleted_calls(Extraction& extraction);

/// "incoming", "missed" … by the number that Android keeps for it.
[[nodiscard]] std::string_view call_direction(std::optional<std::int64_t> value) noexcept;
/// Where a log of calls may be, and its table.
struct CallSource {
    std::string_view package;
    std::string_view file;
    std::string_view table;
};
[[nodiscard]] std::span<const CallSource> call_sources() noexcept;
/// Whether a row of Samsung's log, where messages are as well, is a call; elsewhere `logtype` is nothing.
[[nodiscard]] bool is_call_type(std::optional<std::int64_t> logtype_value) noexcept;

/// Names by number and address, from the contacts.
Result<> learn_contact_names(Extraction& extraction);

/// Whether an error of Sink::store is about the phone's file, so that the rest goes on.
[[nodiscard]] bool is_about_the_source(const Error& error) noexcept;

} // namespace salvage::artifact
