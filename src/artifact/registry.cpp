// Every kind of data: one line here, one file beside.
#include <algorithm>
#include <array>

#include "artifact/kinds.hpp"

namespace salvage::artifact {
namespace {

// In the order in which an owner asks for them.
constexpr std::array all_kinds{
    Kind{.name = "photos", .title = "Photos and videos", .extract = extract_photos},
    Kind{.name = "contacts", .title = "Contacts", .extract = extract_contacts},
    Kind{.name = "messages", .title = "Messages", .extract = extract_messages},
    Kind{.name = "calls", .title = "Calls", .extract = extract_calls},
    Kind{.name = "whatsapp", .title = "WhatsApp", .extract = extract_whatsapp},
    Kind{.name = "calendar", .title = "Calendar", .extract = extract_calendar},
    Kind{.name = "wifi", .title = "Wi-Fi networks", .extract = extract_wifi},
    Kind{.name = "browser", .title = "Bookmarks and visited pages", .extract = extract_browser},
    Kind{.name = "accounts", .title = "Accounts", .extract = extract_accounts},
    Kind{.name = "apps", .title = "Installed apps", .extract = extract_apps},
    Kind{.name = "phone", .title = "The phone itself", .extract = extract_phone},
};

constexpr std::array all_deleted_kinds{
    Kind{.name = "contacts", .title = "Deleted contacts", .extract = extract_deleted_contacts},
    Kind{.name = "messages", .title = "Deleted messages", .extract = extract_deleted_messages},
    Kind{.name = "calls", .title = "Deleted calls", .extract = extract_deleted_calls},
};

} // namespace

std::span<const Kind> kinds() noexcept
{
    return all_kinds;
}

std::span<const Kind> deleted_kinds() noexcept
{
    return all_deleted_kinds;
}

Result<> learn_names(Extraction& extraction)
{
    return learn_contact_names(extraction);
}

bool is_about_the_source(const Error& error) noexcept
{
    constexpr std::array codes{ErrorCode::malformed, ErrorCode::unreadable, ErrorCode::truncated,
                               ErrorCode::unsupported, ErrorCode::not_found};
    return std::ranges::find(codes, error.code) != codes.end();
}

} // namespace salvage::artifact
