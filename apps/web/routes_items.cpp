// Contacts, messages, calls and the rest, as tables and conversations.
#include <string>

#include "app.hpp"
#include "salvage/core/text.hpp"

namespace salvage::web {
namespace {

constexpr std::size_t max_search_bytes = 256;

Result<std::shared_ptr<const ItemShelf>> shelf_of(App& app)
{
    const auto known = SALVAGE_TRY(app.place.opened());
    return app.items.get(known);
}

Result<std::uint64_t> number_of(const Request& request)
{
    return parse_quantity(request.parts.at(0)).in("reading the number in the address");
}

Result<Answer> get_items(App& app, const Request& /*request*/)
{
    return answer_of(SALVAGE_TRY(shelf_of(app))->overview());
}

Result<std::string> wanted_text(const Request& request)
{
    const auto* const text = request.find("text");
    if (text != nullptr && text->size() > max_search_bytes) {
        return invalid_argument("that is more text than can be looked for", {}, "take 256 bytes at most");
    }
    return text == nullptr ? std::string{} : *text;
}

Result<Answer> get_messages(App& app, const Request& request)
{
    const auto text = SALVAGE_TRY(wanted_text(request));
    if (text.empty()) {
        return invalid_argument("no text was named to look for", {}, "give `text`");
    }
    const auto limit = SALVAGE_TRY(number_or(request, "limit", 100, 1, 1000));
    const auto shelf = SALVAGE_TRY(shelf_of(app));
    return answer_of(SALVAGE_TRY(shelf->said(text, limit)));
}

Result<Answer> get_item_table(App& app, const Request& request)
{
    ItemShelf::Wanted wanted{.kind = request.parts.at(0), .text = {}};
    wanted.offset = SALVAGE_TRY(number_or(request, "offset", 0, 0, UINT32_MAX));
    wanted.limit = SALVAGE_TRY(number_or(request, "limit", 200, 1, 1000));
    wanted.text = SALVAGE_TRY(wanted_text(request));
    const auto shelf = SALVAGE_TRY(shelf_of(app));
    return answer_of(SALVAGE_TRY(shelf->table(wanted)));
}

Result<Answer> get_conversation(App& app, const Request& request)
{
    const auto number = SALVAGE_TRY(number_of(request));
    const auto shelf = SALVAGE_TRY(shelf_of(app));
    return Answer{.body = SALVAGE_TRY(shelf->conversation(number))};
}

Result<Answer> get_item_picture(App& app, const Request& request)
{
    const auto number = SALVAGE_TRY(number_of(request));
    const auto shelf = SALVAGE_TRY(shelf_of(app));
    auto bytes = SALVAGE_TRY(shelf->picture(number));
    const auto* const type = bytes.starts_with("\x89PNG") ? "image/png" : "image/jpeg";
    return Answer{.type = type, .body = std::move(bytes), .policy = Policy::sandbox};
}

} // namespace

std::vector<Route> item_routes()
{
    return {{.method = "GET", .path = "/api/v1/items", .reach = Reach::reader, .handler = get_items},
            {.method = "GET", .path = "/api/v1/items/{}", .reach = Reach::reader, .handler = get_item_table},
            {.method = "GET", .path = "/api/v1/messages", .reach = Reach::reader, .handler = get_messages},
            {.method = "GET", .path = "/api/v1/conversations/{}", .reach = Reach::reader, .handler = get_conversation},
            {.method = "GET", .path = "/api/v1/item-pictures/{}", .reach = Reach::reader, .handler = get_item_picture}};
}

} // namespace salvage::web
