// What somebody half remembers of a password or a pattern, as candidates (docs/formats/masks.md).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "salvage/core/result.hpp"
#include "salvage/password/keyspace.hpp"
#include "salvage/password/mask.hpp"

namespace salvage::password {

inline constexpr std::size_t max_template_bytes = 4096;
inline constexpr std::size_t max_remembered_bytes = 256; ///< of a candidate
inline constexpr unsigned max_template_repeats = 64;     ///< n in {m,n}
inline constexpr unsigned max_template_nesting = 16;     ///< brackets within brackets

/// How a template is written, for --help.
inline constexpr std::string_view remembered_syntax =
    "?l ?u ?d ?h ?H ?s ?a ?b ?1..?4  one character of that kind, as in masks; ?? is a ?\n"
    "[Ss0-9]     one of these characters\n"
    "(a|b|c)     one of these, each a template of its own; (a|) is a or nothing\n"
    "{n} {m,n}   n times, or m to n times, what stands before: ?d{2,4}\n"
    "<sommer>    these letters, each small or capital\n"
    "\\x          the character x itself, for any of ? [ ] ( ) { } < > | \\\n";

struct RememberedSpec {
    std::string text; ///< `(Sommer|[Ww]inter)?d{2,4}!{0,1}`
    CustomCharsets charsets{};
};

/// Every candidate that the template describes exactly once, however many ways lead to it; shorter ones first, and
/// among equally long ones in the order in which their characters were written, from the first place on.
/// A mask is a template, except that [ ] ( ) { } < > | \ need a backslash.
/// Errors: invalid_argument (names column and character; more than 2^64 candidates; longer than the bounds above);
/// unsupported (a template so interwoven that numbering it takes too much); io (a charset file).
[[nodiscard]] Result<KeyspacePtr> make_remembered(const RememberedSpec& spec);

/// Every legal pattern that fits, exactly once, shorter ones first: "1-?-?-8", `?` being one unknown dot and `*` any
/// number of them, none too.  Dots are counted row by row from 1.  No secret is in the errors.
/// Memory grows with what is left open: anything on 3x3; larger grids as far as the tables take no more than 256 MiB.
/// Errors: invalid_argument (not a pattern; nothing fits); unsupported (too open for the grid, with the bound).
[[nodiscard]] Result<KeyspacePtr> make_remembered_pattern(std::string_view dashed, unsigned side,
                                                          PatternEncoding encoding);

} // namespace salvage::password
