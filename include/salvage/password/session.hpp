// A search's state in a file: what a later start goes on from.  Format: docs/formats/session.md.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/password/search.hpp"

namespace salvage::password {

/// A state and how to start again.
struct Session {
    SearchState state;
    /// The command line that began the search, without the program's name; empty where there was none to repeat.
    /// Secrets do not come by command line, but what is half remembered of one does: the file is its owner's alone.
    std::vector<std::string> command;
    std::string folder; ///< where it was typed
    bool operator==(const Session&) const = default;
};

/// Longest session file that is read or written; a chain of a hundred word lists takes a tenth of it.
inline constexpr ByteCount max_session_bytes{64U << 10U};
inline constexpr std::size_t max_session_arguments = 1000;
/// As many footers as one search takes.
inline constexpr std::size_t max_targets = 1000;

/// The session as text.  Errors: unsupported (over max_session_bytes or max_session_arguments).
[[nodiscard]] Result<std::string> format_session(const Session& session);

/// Errors: malformed (where = position of the line), unsupported (version; over max_session_bytes).
[[nodiscard]] Result<Session> parse_session(ByteView bytes);

/// Replaces `path` in one step, mode 0600: a kill at any moment leaves the old state or the new one.  Errors: io,
/// no_space.
Result<> save_session(const std::filesystem::path& path, const Session& session);

/// Errors: not_found (no such file); io; those of parse_session.
[[nodiscard]] Result<Session> load_session(const std::filesystem::path& path);

/// Whether a search over `keyspace` against `targets` may go on from `state`.
/// Errors: mismatch (names what the session is of and what was given); malformed (the range is not within the
/// keyspace, a hit not within the range).
[[nodiscard]] Result<> check_session(const SearchState& state, const Keyspace& keyspace,
                                     std::span<const Target* const> targets);

} // namespace salvage::password
