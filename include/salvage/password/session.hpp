// A search's state in a file: what a later start goes on from.  Format: docs/formats/session.md.
#pragma once

#include <filesystem>
#include <string>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/password/search.hpp"

namespace salvage::password {

/// Longest session file that is read or written; a chain of a hundred word lists takes a tenth of it.
inline constexpr ByteCount max_session_bytes{64U << 10U};

/// The state as text.  Errors: unsupported (over max_session_bytes).
[[nodiscard]] Result<std::string> format_session(const SearchState& state);

/// Errors: malformed (where = position of the line), unsupported (version; over max_session_bytes).
[[nodiscard]] Result<SearchState> parse_session(ByteView bytes);

/// Replaces `path` in one step, mode 0600: a kill at any moment leaves the old state or the new one.  Errors: io,
/// no_space.
Result<> save_session(const std::filesystem::path& path, const SearchState& state);

/// Errors: not_found (no such file); io; those of parse_session.
[[nodiscard]] Result<SearchState> load_session(const std::filesystem::path& path);

/// Whether a search over `keyspace` against `target` may go on from `state`.
/// Errors: mismatch (names what the session is of and what was given); malformed (the range is not within the
/// keyspace).
[[nodiscard]] Result<> check_session(const SearchState& state, const Keyspace& keyspace, const Target& target);

} // namespace salvage::password
