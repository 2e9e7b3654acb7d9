// Searching for a PIN, pattern or password: numbered candidates, a target that judges, an engine that resumes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/core/secret.hpp"
#include "salvage/core/units.hpp"

namespace salvage::password {

/// A numbered list of candidates: the n-th is always the same.  const, thread safe.
class Keyspace {
public:
    Keyspace() = default;
    Keyspace(const Keyspace&) = delete;
    Keyspace& operator=(const Keyspace&) = delete;
    virtual ~Keyspace() = default;

    [[nodiscard]] virtual Candidates size() const noexcept = 0;
    /// The candidate with number `index` < size(), as bytes that go into the key derivation.
    virtual Result<> candidate(std::uint64_t index, std::string& into) const = 0;
    /// Candidates `first`, `first` + 1, … one for each string; as calling candidate() for each, and cheaper for word
    /// lists. Requires: first + into.size() <= size().
    virtual Result<> candidates(std::uint64_t first, std::span<std::string> into) const;
    /// How candidate `index` is encoded: "text", "pattern-digits", "pattern-raw".
    [[nodiscard]] virtual std::string encoding(std::uint64_t index) const;
    /// Stable text that says what this keyspace is ("pin:4:4", "wordlist:sha256=…"): a session resumes only on the
    /// same.
    [[nodiscard]] virtual std::string identity() const = 0;
    /// For people: "4-digit PINs, in the order people choose them".
    [[nodiscard]] virtual std::string description() const = 0;
};
using KeyspacePtr = std::shared_ptr<const Keyspace>;

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

/// Longest candidate a word list yields.  Longer lines are left out and counted in the description: nobody types them.
inline constexpr std::size_t max_word_bytes = 1024;
/// Lines of a word list, any bytes, `$HEX[…]` unwrapped; empty lines are candidates too.  Indexed once: one pass over
/// the file, 16 bytes of memory for every 4096 lines or megabyte.  A line ends with "\n" or "\r\n". Errors: io;
/// cancelled.
[[nodiscard]] Result<KeyspacePtr> make_wordlist(const std::string& path, const RunContext& context = {});
/// Given secrets, in order.
[[nodiscard]] KeyspacePtr make_list(std::vector<std::string> secrets, std::string description,
                                    std::string encoding = "text");
/// One after another.  Errors: invalid_argument (more than 2^64 candidates).
[[nodiscard]] Result<KeyspacePtr> make_chain(std::vector<KeyspacePtr> parts);

/// A found secret with what proves it.
struct Found {
    std::uint64_t index{};
    SecretBytes secret;   ///< as it goes into the key derivation
    std::string encoding; ///< "text", "pattern-digits", "pattern-raw"
    std::vector<std::string> proof;
};

/// Judges candidates.  const, thread safe: called from every core.
class Target {
public:
    Target() = default;
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;
    virtual ~Target() = default;
    /// True where this candidate opens.  False positives are confirmed away before true is returned.
    [[nodiscard]] virtual Result<bool> accepts(ByteView candidate) const = 0;
    /// Candidates a backend judges best at once: lanes of a SIMD kernel, a GPU's whole grid.  1: no gain from more.
    [[nodiscard]] virtual std::size_t batch_size() const noexcept { return 1; }
    /// Position of the first of `batch` that opens, or nothing.  What comes after it need not be judged.
    /// Here: one by one.  Requires: batch.size() <= batch_size().
    [[nodiscard]] virtual Result<std::optional<std::size_t>> first_accepted(std::span<const ByteView> batch) const;
    /// Facts of the last resort, called once on the hit.
    [[nodiscard]] virtual Result<std::vector<std::string>> proof(ByteView candidate) const = 0;
    /// Stable text that says which footer this is (a hash of it): a session resumes only on the same.
    [[nodiscard]] virtual std::string identity() const = 0;
    /// Memory of one thread that judges batches of batch_size().
    [[nodiscard]] virtual ByteCount memory_per_worker() const noexcept = 0;
    /// Threads that pay: a device that is busy with one wants no second.  Nothing: as many as there are cores.
    [[nodiscard]] virtual std::optional<unsigned> max_workers() const noexcept { return std::nullopt; }
};

/// A state a search can be resumed from: of its candidates [begin, end) all below `next` are done.
struct SearchState {
    std::string target_identity;
    std::string keyspace_identity;
    std::uint64_t begin{};
    std::uint64_t next{};
    std::uint64_t end{};
    bool operator==(const SearchState&) const = default;
};

struct SearchOptions {
    std::uint64_t skip{0};
    std::optional<std::uint64_t> limit;
    /// Goes on from here; its range is taken instead of skip and limit.
    std::optional<SearchState> resume;
    unsigned workers{0}; ///< 0: one a core, fewer where memory does not allow
    std::chrono::milliseconds checkpoint_interval{std::chrono::seconds{5}};
    /// Called from one thread at a time: before the first candidate, at least every checkpoint_interval, and at the
    /// end.
    std::function<Result<>(const SearchState&)> checkpoint;
};

enum class SearchEnd : std::uint8_t { found, exhausted, stopped };
struct SearchResult {
    SearchEnd end{SearchEnd::exhausted};
    std::optional<Found> found; ///< the hit with the lowest number, whatever the number of threads
    SearchState state;
    std::uint64_t tried{};
    std::chrono::duration<double> elapsed{};
};

/// Tries the candidates of a range in order, on every core.
///
/// The lowest-numbered thing that happens decides: a hit, or an error of target or keyspace.  So the result does not
/// depend on the number of threads.  `state.next` of a hit is the hit itself: resuming finds it again.  A stop is
/// looked at between batches.  Progress: step "search", unit "candidates", of the whole range, a resumed one too.
/// Errors: those of target, keyspace and checkpoint, after a last checkpoint; invalid_argument (skip beyond the
/// keyspace); mismatch (`resume` is of another target or keyspace: names both).  A stop is not an error.
[[nodiscard]] Result<SearchResult> search(const Keyspace& keyspace, const Target& target, const SearchOptions& options,
                                          const RunContext& context);

/// How many threads a search gets, and why.
struct WorkerPlan {
    unsigned workers{1};
    unsigned wanted{1};                 ///< what cores, caller and target would have
    ByteCount memory_each;              ///< of one thread
    std::optional<ByteCount> available; ///< memory that is free now, as far as the system tells
    [[nodiscard]] bool is_limited_by_memory() const noexcept { return workers < wanted; }
};
/// The threads search() starts now where `wanted` (0: one a core) are asked for.  A quarter of the free memory stays
/// free.
[[nodiscard]] WorkerPlan plan_workers(const Target& target, unsigned wanted);

/// Candidates a second of `target` on this machine, all cores, measured for about `budget` (one batch a core at least).
/// Errors: those of target; cancelled; internal (the clock does not move).
[[nodiscard]] Result<double> measure_rate(const Target& target, unsigned workers, std::chrono::milliseconds budget,
                                          const RunContext& context);

} // namespace salvage::password
