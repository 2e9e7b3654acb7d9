// What went wrong, where, why, and what to do next: the value every failure is reported as.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/units.hpp"

namespace salvage {

/// For programs; the sentences of an Error are for people.
enum class ErrorCode : std::uint8_t {
    io,               ///< the operating system refused or failed
    truncated,        ///< the input ends before what was asked for
    unreadable,       ///< a known bad area
    malformed,        ///< the bytes contradict the format
    unsupported,      ///< understood, and not done
    wrong_secret,     ///< the given secret does not open this
    needs_phone_key,  ///< the key never leaves the phone's chip
    not_found,        ///< looked and did not find
    mismatch,         ///< two things that should agree do not
    cancelled,        ///< stopped on request; resumable
    already_exists,   ///< the target exists and is not overwritten
    no_space,         ///< the target's medium is full; resumable
    timed_out,        ///< a device was silent for too long; resumable
    disconnected,     ///< a device went away; resumable
    refused,          ///< a device said no, or demands what the user did not give
    invalid_argument, ///< the caller asked for something that means nothing
    internal,         ///< our own fault
};

[[nodiscard]] std::string_view to_string(ErrorCode code) noexcept;

/// One step of a location: an offset in a named source.
struct Place {
    std::string source;
    ByteOffset at;
    bool operator==(const Place&) const = default;
};

/// Chain of places from the raw dump (first) up to the view that was asked (last).
struct Location {
    std::vector<Place> chain;
    bool operator==(const Location&) const = default;
};

/// "dump.bin » gpt:userdata » byte 0x48FFFC000 (19595575296)".
[[nodiscard]] std::string to_string(const Location& where);

struct Error {
    ErrorCode code{ErrorCode::internal};
    std::string what;               ///< "crypto footer has no valid magic"
    std::string why;                ///< "found 00 00 00 00, expected C4 B1 B5 D0"
    std::optional<Location> where;  ///< as far as it is known
    std::string hint;               ///< the next step, may be empty
    std::vector<std::string> trail; ///< steps that failed, innermost first

    /// Adds the step that failed: "reading the backup GPT".
    [[nodiscard]] Error in(std::string_view step) &&;
    /// Lifts an offset within a parser's bytes to a place in `source`, `base` being where those bytes began.
    [[nodiscard]] Error at(std::string_view source, ByteOffset base) &&;
    [[nodiscard]] Error with_hint(std::string_view text) &&;
};

/// One paragraph: what, where, why, hint, trail.  For logs and test output; the command line lays it out itself.
[[nodiscard]] std::string to_string(const Error& error);

/// An error about bytes a parser holds: `at` counts from the first of them.
[[nodiscard]] Error malformed(ByteOffset at, std::string_view what, std::string_view why = {});
[[nodiscard]] Error truncated(ByteOffset at, std::string_view what, std::string_view why = {});
[[nodiscard]] Error unsupported(std::string_view what, std::string_view why = {}, std::string_view hint = {});
[[nodiscard]] Error invalid_argument(std::string_view what, std::string_view why = {}, std::string_view hint = {});
[[nodiscard]] Error not_found(std::string_view what, std::string_view why = {}, std::string_view hint = {});
/// From errno of a failed call on `path`.  ENOSPC and EDQUOT become no_space, EEXIST already_exists.
[[nodiscard]] Error from_errno(int error_number, std::string_view what, std::string_view path);

} // namespace salvage
