// Paths between a phone, a URL and JSON: names are bytes, and nothing in them means anything to a browser.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "salvage/core/result.hpp"

namespace salvage::web {

/// Percent-encoded wherever a byte is not one of A-Z a-z 0-9 - . _ ~ /.
[[nodiscard]] std::string key_of(std::string_view path);

/// Undoes percent-encoding, once.  Nothing: a '%' without two hex digits behind it.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

/// Splits "a=1&b=%2F".  Errors: invalid_argument (broken percent-encoding, over 100 pairs).
[[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query);

/// A path inside the phone, decoded from a key: starts with '/', has no NUL, no "." and no ".." in it.  "/" stays.
/// Errors: invalid_argument.
[[nodiscard]] Result<std::string> phone_path(std::string_view decoded);
/// From a key as it stands in JSON.  Errors: invalid_argument.
[[nodiscard]] Result<std::string> phone_path_of_key(std::string_view key);

/// A path on this computer: absolute, no NUL, no ".." in it.  Errors: invalid_argument.
[[nodiscard]] Result<std::string> local_path(std::string_view path);

/// UTF-8 for people: bytes that are not become U+FFFD, control and bidirectional marks too.
[[nodiscard]] std::string shown_name(std::string_view name);

/// A Content-Disposition: attachment under a name that no program is led astray by (RFC 6266, 8187).
[[nodiscard]] std::string attachment(std::string_view name);

} // namespace salvage::web
