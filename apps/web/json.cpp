// JSON, strictly read: what is not as the API says is an error, never a guess.
#include "json.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::web {
namespace {

// Requests are an object with lists in it; the rest is somebody's attempt.
constexpr int max_depth = 4;

Error wrong(std::string_view key, std::string_view expected)
{
    return invalid_argument(fmt::format("`{}` is not as expected", printable(key)), expected);
}

Json parse_bounded(const std::string& text)
{
    const auto keep = [](int depth, Json::parse_event_t /*event*/, Json& /*parsed*/) { return depth <= max_depth; };
    return Json::parse(text, keep, false);
}

} // namespace

std::string dumped(const Json& document)
{
    return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Answer answer_of(const Json& document, int status)
{
    return {.status = status, .body = dumped(document)};
}

Json error_json(std::string_view code, const Error& error)
{
    std::string name{code};
    std::ranges::replace(name, '-', '_'); // as the API spells them
    Json out{{"code", name}, {"what", error.what}};
    if (!error.why.empty()) {
        out["why"] = error.why;
    }
    if (error.where) {
        out["where"] = to_string(*error.where);
    }
    if (!error.hint.empty()) {
        out["hint"] = error.hint;
    }
    return {{"error", out}};
}

Answer error_answer(int status, std::string_view code, const Error& error)
{
    return answer_of(error_json(code, error), status);
}

Answer error_answer(const Error& error)
{
    return error_answer(status_of(error.code), to_string(error.code), error);
}

Answer busy(std::string_view what, std::string_view why, std::string_view hint)
{
    return error_answer(409, "busy", invalid_argument(what, why, hint));
}

Answer no_content()
{
    return {.status = 204, .type = {}};
}

int status_of(ErrorCode code) noexcept
{
    switch (code) {
    case ErrorCode::not_found: return 404;
    case ErrorCode::invalid_argument: return 400;
    case ErrorCode::wrong_secret:
    case ErrorCode::needs_phone_key:
    case ErrorCode::already_exists:
    case ErrorCode::mismatch:
    case ErrorCode::cancelled: return 409;
    case ErrorCode::truncated:
    case ErrorCode::unreadable:
    case ErrorCode::malformed:
    case ErrorCode::unsupported: return 422;
    case ErrorCode::refused:
    case ErrorCode::disconnected: return 502;
    case ErrorCode::timed_out: return 504;
    case ErrorCode::no_space: return 507;
    case ErrorCode::io:
    case ErrorCode::internal: return 500;
    }
    return 500;
}

const std::string* Request::find(std::string_view name) const
{
    for (const auto& [key, value] : query) {
        if (key == name) {
            return &value;
        }
    }
    return nullptr;
}

Result<Json> object_of(const Request& request)
{
    auto out = request.body.empty() ? Json(Json::object()) : parse_bounded(request.body);
    if (!out.is_object()) {
        return invalid_argument("the request is not a JSON object", {}, "see docs/api/openapi.yaml");
    }
    return out;
}

Result<std::optional<std::string>> text_at(const Json& object, const char* key, std::size_t most)
{
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) {
        return std::optional<std::string>{};
    }
    if (!found->is_string()) {
        return wrong(key, "a text was expected");
    }
    auto text = found->get<std::string>();
    if (text.size() > most) {
        return wrong(key, fmt::format("at most {} bytes were expected", most));
    }
    if (text.find('\0') != std::string::npos) {
        return wrong(key, "a NUL was not expected");
    }
    return std::optional{std::move(text)};
}

Result<bool> flag_at(const Json& object, const char* key)
{
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) {
        return false;
    }
    if (!found->is_boolean()) {
        return wrong(key, "true or false was expected");
    }
    return found->get<bool>();
}

Result<std::vector<std::string>> texts_at(const Json& object, const char* key, std::size_t most)
{
    std::vector<std::string> out;
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) {
        return out;
    }
    if (!found->is_array() || found->size() > most) {
        return wrong(key, fmt::format("a list of at most {} texts was expected", most));
    }
    out.reserve(found->size());
    for (const auto& each : *found) {
        if (!each.is_string() || each.get_ref<const std::string&>().find('\0') != std::string::npos) {
            return wrong(key, "a list of texts was expected");
        }
        out.push_back(each.get<std::string>());
    }
    return out;
}

Result<std::optional<std::uint64_t>> find_number(const Request& request, std::string_view name, std::uint64_t least,
                                                 std::uint64_t most)
{
    const auto* const text = request.find(name);
    if (text == nullptr) {
        return std::optional<std::uint64_t>{};
    }
    std::uint64_t out = 0;
    const auto* const end = text->data() + text->size();
    const auto [stopped, problem] = std::from_chars(text->data(), end, out);
    if (problem != std::errc{} || stopped != end || out < least || out > most) {
        return wrong(name, fmt::format("a number from {} to {} was expected", least, most));
    }
    return std::optional{out};
}

Result<std::uint64_t> number_or(const Request& request, std::string_view name, std::uint64_t otherwise,
                                std::uint64_t least, std::uint64_t most)
{
    const auto found = SALVAGE_TRY(find_number(request, name, least, most));
    return found.value_or(otherwise);
}

} // namespace salvage::web
