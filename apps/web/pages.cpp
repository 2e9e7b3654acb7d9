#include "pages.hpp"

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "page_assets.hpp"

namespace salvage::web {
namespace {

Answer plain_page(int status, std::string_view title, std::string_view text)
{
    return {.status = status,
            .type = "text/html; charset=utf-8",
            .body = fmt::format("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title>"
                                "<meta name=\"viewport\" content=\"width=device-width\"></head>"
                                "<body><main><h1>{0}</h1><p>{1}</p></main></body></html>\n",
                                title, text),
            .policy = Policy::plain};
}

Answer not_let_in()
{
    return plain_page(
        401, "This browser was not let in",
        "Open the link that <b>salvage serve</b> printed in its terminal.  Each link lets in one browser, "
        "once; a new one is printed whenever a link was used.");
}

Answer open_link(App& app, const Request& request)
{
    const auto* const token = request.find("token");
    const auto spent = token == nullptr ? Result<bool>{false} : app.guard->spend(*token);
    if (!spent.value_or(false)) {
        return plain_page(403, "This link was used already, or is an old one",
                          "Each link lets in one browser, once.  The terminal in which <b>salvage serve</b> runs shows "
                          "the newest link last.");
    }
    app.link_used();
    Answer out{.status = 303, .type = "text/plain", .body = {}, .policy = Policy::plain};
    out.headers = {{.name = "Location", .value = "/"}, {.name = "Set-Cookie", .value = app.guard->set_cookie()}};
    return out;
}

Answer asset_answer(const Asset& asset, const std::string& known_etag)
{
    Answer out{.type = std::string{asset.type}, .body = {}, .policy = Policy::page};
    const bool is_named_by_content = asset.path.starts_with("/assets/");
    out.headers = {
        {.name = "ETag", .value = std::string{asset.etag}},
        {.name = "Cache-Control", .value = is_named_by_content ? "private, max-age=31536000, immutable" : "no-cache"}};
    if (known_etag == asset.etag) {
        out.status = 304;
        return out;
    }
    out.body = std::string{asset.bytes};
    return out;
}

} // namespace

Answer page_answer(App& app, const Claims& claims, const Request& request, const std::string& known_etag)
{
    if (const auto refused = app.guard->refusal(claims, Reach::anyone)) {
        return plain_page(refused->status, "This is not the page's own address",
                          "Open the link that <b>salvage serve</b> printed in its terminal.");
    }
    if (request.method != "GET") {
        return error_answer(405, "invalid_argument", invalid_argument("pages are only read"));
    }
    if (request.path == "/open") {
        return open_link(app, request);
    }
    const auto* const asset = find_asset(request.path);
    if (asset == nullptr) {
        return plain_page(404, "There is no such page", "<a href=\"/\">To the page</a>");
    }
    // The page's program and pictures are no secret; the page itself says why it would show nothing.
    if (asset->path == "/index.html" && app.guard->refusal(claims, Reach::reader)) {
        return not_let_in();
    }
    return asset_answer(*asset, known_etag);
}

} // namespace salvage::web
