// What a long operation needs from outside: time, chance, someone to tell, and when to stop.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>

#include "salvage/core/result.hpp"

namespace salvage {

/// Time, so that tests can own it.  Thread safe.
class Clock {
public:
    virtual ~Clock() = default;
    /// Monotonic, for rates and intervals.
    [[nodiscard]] virtual std::chrono::nanoseconds now() const = 0;
    /// Seconds since 1970-01-01 UTC, for logs and reports.
    [[nodiscard]] virtual std::chrono::seconds wall_time() const = 0;
};
[[nodiscard]] Clock& system_clock() noexcept;

/// Random bytes.  Thread safe.
class Entropy {
public:
    virtual ~Entropy() = default;
    virtual Result<> fill(std::span<std::byte> into) = 0;
};
[[nodiscard]] Entropy& system_entropy() noexcept;

/// Numbers of a step under way.  `unit` is what done and total count: "bytes", "candidates", "files".
struct ProgressUpdate {
    std::string_view step; ///< stable name: "inspect", "search", "export"
    std::string_view unit;
    std::uint64_t done{};
    std::optional<std::uint64_t> total;
};

/// Receives progress.  Called from any thread; must be quick.
class Progress {
public:
    virtual ~Progress() = default;
    virtual void update(const ProgressUpdate& update) = 0;
};
[[nodiscard]] Progress& no_progress() noexcept;

/// Structured events a person may want to read later.  Thread safe.
class Log {
public:
    virtual ~Log() = default;
    /// `event` is a stable dotted name ("search.checkpoint"), `text` one sentence without secrets.
    virtual void write(std::string_view event, std::string_view text) = 0;
};
[[nodiscard]] Log& no_log() noexcept;

/// The collaborators of one long operation.  The defaults are the real clock and silence.
struct RunContext {
    Clock* clock{&system_clock()};
    Entropy* entropy{&system_entropy()};
    Progress* progress{&no_progress()};
    Log* log{&no_log()};
    std::stop_token stop{};

    [[nodiscard]] bool is_stopped() const noexcept { return stop.stop_requested(); }
};

/// The error every stopped operation returns.
[[nodiscard]] Error cancelled(std::string_view what);

} // namespace salvage
