// JSON as the routes write and read it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "http.hpp"

namespace salvage::web {

using Json = nlohmann::ordered_json;

/// One line; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string dumped(const Json& document);
[[nodiscard]] Answer answer_of(const Json& document, int status = 200);
/// The object under `error` without the envelope is an Error's; with it as the API has it.
[[nodiscard]] Json error_json(std::string_view code, const Error& error);

template <typename T>
[[nodiscard]] Json or_null(const std::optional<T>& value)
{
    return value ? Json(*value) : Json(nullptr);
}
[[nodiscard]] inline Json text_or_null(const std::string& text)
{
    return text.empty() ? Json(nullptr) : Json(text);
}

/// A body that must be an object.  Errors: invalid_argument.
[[nodiscard]] Result<Json> object_of(const Request& request);
/// Errors: invalid_argument (there, and no text; longer than `most` bytes; with a NUL).
[[nodiscard]] Result<std::optional<std::string>> text_at(const Json& object, const char* key, std::size_t most = 4096);
[[nodiscard]] Result<bool> flag_at(const Json& object, const char* key);
[[nodiscard]] Result<std::vector<std::string>> texts_at(const Json& object, const char* key, std::size_t most);

/// A number of the query.  Errors: invalid_argument (no number, out of range).
[[nodiscard]] Result<std::optional<std::uint64_t>> find_number(const Request& request, std::string_view name,
                                                               std::uint64_t least, std::uint64_t most);
[[nodiscard]] Result<std::uint64_t> number_or(const Request& request, std::string_view name, std::uint64_t otherwise,
                                              std::uint64_t least, std::uint64_t most);

} // namespace salvage::web
