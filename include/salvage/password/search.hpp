// Searching for secrets: targets that judge numbered candidates, and an engine that tries them all, exactly once.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/core/secret.hpp"
#include "salvage/core/units.hpp"
#include "salvage/crypto/kdf_device.hpp"
#include "salvage/password/keyspace.hpp"

namespace salvage::password {

/// Judges candidates of one target in bulk, on one device.  One thread at a time.
class Judge {
public:
    Judge() = default;
    Judge(const Judge&) = delete;
    Judge& operator=(const Judge&) = delete;
    virtual ~Judge() = default;

    /// Candidates that are best judged at once: lanes of a vector kernel, a GPU's whole grid.  At least 1.
    [[nodiscard]] virtual std::size_t batch_size() const noexcept = 0;
    /// Position of the first of `batch` that opens, or nothing.  False positives are confirmed away before.
    [[nodiscard]] virtual Result<std::optional<std::size_t>> first_accepted(std::span<const ByteView> batch) = 0;
};

/// What is searched for.  const, thread safe.
class Target {
public:
    Target() = default;
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;
    virtual ~Target() = default;

    /// `device` outlives the judge.  Judges of several targets may share one device.
    [[nodiscard]] virtual Result<std::unique_ptr<Judge>> make_judge(crypto::KdfDevice& device) const = 0;
    /// Facts of the last resort, called once on the hit.
    [[nodiscard]] virtual Result<std::vector<std::string>> proof(ByteView candidate) const = 0;
    /// Stable text that says which footer this is (a hash of it): a session resumes only on the same.
    [[nodiscard]] virtual std::string identity() const = 0;
    /// Cost of the scrypt it runs, where it runs one: what the memory of a device is planned by.
    [[nodiscard]] virtual std::optional<crypto::ScryptFactors> scrypt() const noexcept { return std::nullopt; }
};

/// Target number `target` opens with candidate number `index`, and with none before.
struct Hit {
    std::size_t target{};
    std::uint64_t index{};
    bool operator==(const Hit&) const = default;
};

/// A state a search can be resumed from: of its candidates [begin, end) all below `next` are done.
struct SearchState {
    std::string target_identity; ///< of several: joined by '+'
    std::string keyspace_identity;
    std::uint64_t begin{};
    std::uint64_t next{};
    std::uint64_t end{};
    /// Found so far, one a target at most, by target.  One at or beyond `next` may still give way to a lower one.
    std::vector<Hit> hits{};
    bool operator==(const SearchState&) const = default;
};

/// A found secret with what proves it.
struct Found {
    std::size_t target{};
    std::uint64_t index{};
    SecretBytes secret;   ///< as it goes into the key derivation
    std::string encoding; ///< "text", "pattern-digits", "pattern-raw"
    std::vector<std::string> proof;
};

using Devices = std::vector<std::unique_ptr<crypto::KdfDevice>>;

struct SearchOptions {
    std::uint64_t skip{0};
    std::optional<std::uint64_t> limit{};
    /// Goes on from here; its range is taken instead of skip and limit.
    std::optional<SearchState> resume{};
    std::chrono::milliseconds checkpoint_interval{std::chrono::seconds{5}};
    /// Called from one thread at a time: before the first candidate, at least every checkpoint_interval, and at the
    /// end.
    std::function<Result<>(const SearchState&)> checkpoint{};
    /// Called from the caller's thread for every hit once it is certain, in the order of candidates; the last ones
    /// before search() returns.
    std::function<Result<>(const Found&)> on_found{};
    /// While it says so, no new batch is begun.  Looked at several times a second.
    std::function<bool()> is_paused{};
};

enum class SearchEnd : std::uint8_t { found, exhausted, stopped };
struct SearchResult {
    SearchEnd end{SearchEnd::exhausted}; ///< found: every target has its hit
    std::vector<Found> found;            ///< of each target the hit with the lowest number, by number
    SearchState state;
    std::uint64_t tried{};    ///< candidates judged, or rejected by their keyspace, in this run
    std::uint64_t rejected{}; ///< of them
    std::chrono::duration<double> elapsed{};
    std::vector<std::string> lost_devices; ///< that failed and were dropped; what they had not finished was redone
};

/// Tries the candidates of a range in order, with one thread for each device.
///
/// Of each target the hit with the lowest number counts, whatever the devices and their number; a target with a hit is
/// judged no further.  An error of target or keyspace ends the search where it stands in the order: hits below it come
/// first.  A stop is looked at between batches.  Progress: step "search", unit "candidates", of the whole range, a
/// resumed one too; no total where the keyspace is open-ended.
/// Errors: those of target, keyspace, checkpoint and on_found, after a last checkpoint; invalid_argument (skip beyond
/// the keyspace; no device; no target); mismatch (`resume` is of another target or keyspace: names both); io (all
/// devices failed).  A stop is not an error.
[[nodiscard]] Result<SearchResult> search(const Keyspace& keyspace, std::span<const Target* const> targets,
                                          const Devices& devices, const SearchOptions& options,
                                          const RunContext& context);

/// Candidates a second of `targets` together on these devices: a batch to warm each up, then what `budget` allows, one
/// batch at least.  Errors: those of target; cancelled; internal (the clock does not move).
[[nodiscard]] Result<double> measure_rate(std::span<const Target* const> targets, const Devices& devices,
                                          std::chrono::milliseconds budget, const RunContext& context);

} // namespace salvage::password
