// Numbered candidates: the n-th of an attack is always the same, whatever the machine, the threads or the range asked.
//
// That is what makes a search resumable to the candidate, splittable over machines, and its result independent of
// both: any split of [0, size) into ranges covers each candidate exactly once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/core/units.hpp"

namespace salvage::password {

/// Longest candidate anything yields.  Longer ones are rejected: nobody types them.
inline constexpr std::size_t max_word_bytes = 1024;

/// What stands at a number of a keyspace.
struct Candidate {
    std::string bytes; ///< as they go into the key derivation
    /// The number stands for no candidate: a rule refused the word, or the result is too long.  It counts as done.
    bool is_rejected{false};
};

/// const, thread safe.
class Keyspace {
public:
    Keyspace() = default;
    Keyspace(const Keyspace&) = delete;
    Keyspace& operator=(const Keyspace&) = delete;
    virtual ~Keyspace() = default;

    /// How many there are.  Open-ended ones say the largest number there is.
    [[nodiscard]] virtual Candidates size() const noexcept = 0;
    /// True for a stream whose end nobody knows yet: it is read forward only, and once.
    [[nodiscard]] virtual bool is_open_ended() const noexcept { return false; }
    /// Fills into[i] with what stands at first + i, and says how many it filled: all, unless an open-ended keyspace
    /// ends here.  Strings are reused, so filling the same span again allocates little.
    /// Requires: first + into.size() <= size().  Errors: io (a file that changed), those of the stream.
    [[nodiscard]] virtual Result<std::size_t> candidates(std::uint64_t first, std::span<Candidate> into) const = 0;
    /// How candidate `index` is encoded: "text", "pattern-digits", "pattern-raw".
    [[nodiscard]] virtual std::string encoding(std::uint64_t index) const;
    /// Stable text that says what this keyspace is ("pin:4:4", "wordlist:sha256=…"): a session resumes only on the
    /// same.  It says nothing about a single candidate.
    [[nodiscard]] virtual std::string identity() const = 0;
    /// For people: "4-digit PINs, in the order people choose them".
    [[nodiscard]] virtual std::string description() const = 0;
};
using KeyspacePtr = std::shared_ptr<const Keyspace>;

/// The one candidate at `index`.  Errors: internal (index >= size()); those of candidates().
[[nodiscard]] Result<Candidate> candidate_at(const Keyspace& keyspace, std::uint64_t index);

/// A keyspace whose candidates are computed from their number alone.
class ComputedKeyspace : public Keyspace {
public:
    [[nodiscard]] Result<std::size_t> candidates(std::uint64_t first, std::span<Candidate> into) const final;

protected:
    /// Requires: index < size().  `into` is emptied before.
    virtual void compute(std::uint64_t index, Candidate& into) const = 0;
};

// ---- What people choose

/// PINs of min to max digits (4 to 16): those people choose first, then the rest in order, each exactly once.
[[nodiscard]] Result<KeyspacePtr> make_pins(unsigned min_digits, unsigned max_digits);

enum class PatternEncoding : std::uint8_t {
    digits,   ///< '1'…'9': Android 5 and later
    raw_zero, ///< bytes 0x00…0x08: early 5.0 footers
};
/// Every legal unlock pattern of a side x side grid (3 to 6), `min_dots` to `max_dots` long, people's shapes first.
/// Memory of the numbering tables grows with the grid: 3x3 complete; 4x4 and larger up to the `max_dots` that is asked
/// for, refused with the reason where a numbering would take over 256 MiB.
[[nodiscard]] Result<KeyspacePtr> make_patterns(unsigned side, unsigned min_dots, unsigned max_dots,
                                                PatternEncoding encoding);
[[nodiscard]] Result<std::string> encode_pattern(std::string_view dashed, unsigned side,
                                                 PatternEncoding encoding); ///< "1-4-7-8"

// ---- Lists

/// Lines of a word list, any bytes, `$HEX[…]` unwrapped; empty lines are candidates too.  Indexed once: one pass over
/// the file, 16 bytes of memory for every 4096 lines or megabyte.  A line ends with "\n" or "\r\n"; lines over
/// max_word_bytes are left out and counted in the description.  Errors: io; cancelled.
[[nodiscard]] Result<KeyspacePtr> make_wordlist(const std::string& path, const RunContext& context = {});
/// Given secrets, in order.
[[nodiscard]] KeyspacePtr make_list(std::vector<std::string> secrets, std::string description,
                                    std::string encoding = "text");
/// Numbers [begin, end) of another keyspace, counted from 0 anew.  Requires: begin <= end <= keyspace->size().
[[nodiscard]] KeyspacePtr make_range(KeyspacePtr keyspace, std::uint64_t begin, std::uint64_t end);
/// One after another.  Errors: invalid_argument (more than 2^64 candidates; an open-ended part that is not the last).
[[nodiscard]] Result<KeyspacePtr> make_chain(std::vector<KeyspacePtr> parts);

} // namespace salvage::password
