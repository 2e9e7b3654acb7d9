// Unlocking with a secret that is known.
#include <fmt/format.h>

#include "app.hpp"
#include "salvage/rescue/secrets.hpp"

namespace salvage::web {
namespace {

/// What was typed, in memory that is wiped; the request's own copies live as long as the request.
Result<rescue::OpenRequest> secrets_of(const Json& body, std::string& kind)
{
    rescue::OpenRequest out;
    out.try_default_password = false;
    if (const auto pattern = SALVAGE_TRY(text_at(body, "pattern", 200)); pattern && !pattern->empty()) {
        const auto side = body.value("side", Json(3U));
        if (!side.is_number_unsigned() || side.get<std::uint64_t>() < 3 || side.get<std::uint64_t>() > 6) {
            return invalid_argument("a pattern has 3 to 6 dots a side");
        }
        kind = "pattern";
        out.secrets = SALVAGE_TRY(rescue::encodings_of_pattern(*pattern, side.get<unsigned>()));
        return out;
    }
    const auto secret = SALVAGE_TRY(text_at(body, "secret", 1024));
    if (!secret || secret->empty()) {
        return invalid_argument("no secret was given", "`secret` or `pattern` has to be there");
    }
    kind = secret->find_first_not_of("0123456789") == std::string::npos ? "PIN" : "password";
    out.secrets = rescue::encodings_of(as_bytes(*secret));
    return out;
}

Result<Answer> post_unlock(App& app, const Request& request)
{
    const auto body = SALVAGE_TRY(object_of(request));
    std::string kind;
    auto secrets = SALVAGE_TRY(secrets_of(body, kind));
    const auto known = SALVAGE_TRY(app.place.known());
    const auto verdict = SALVAGE_TRY(app.place.unlock(std::move(secrets), kind, {}, known->open->context()));
    const auto now = app.place.view();
    return answer_of(Json{{"is_open", now.known && now.known->is_open()}, {"verdict", verdict_json(verdict)}});
}

} // namespace

std::vector<Route> unlock_routes()
{
    return {{.method = "POST", .path = "/api/v1/unlock", .reach = Reach::writer, .handler = post_unlock}};
}

void remember_searches(App& /*app*/) {}

} // namespace salvage::web
