// What goes on around a running search: its time, its status lines, and the keys of the person before it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "keys.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/password/search.hpp"
#include "salvage/render/search_status.hpp"

namespace salvage::cli {

/// Whether single keys of the terminal are read.
enum class WatchKeys : std::uint8_t { no, yes };

struct WatchOptions {
    WatchKeys keys{WatchKeys::yes};
    std::optional<std::chrono::seconds> runtime;
    std::chrono::seconds status_interval{10};
    /// Called with a status when it is due by the timer or asked for by the key `s`; null: keys alone.
    std::function<void(const render::SearchStatus&)> on_timer;
    std::function<void(const render::SearchStatus&)> on_key;
    std::function<void(const std::string&)> say;
};

/// Stands between a search and its context.  The engine tells progress several times a second, which serves as the
/// clock.
class SearchWatch final : public Progress {
public:
    SearchWatch(const RunContext& outer, WatchOptions options, render::SearchStatus status);
    SearchWatch(const SearchWatch&) = delete;
    SearchWatch& operator=(const SearchWatch&) = delete;
    ~SearchWatch() override = default;

    void update(const ProgressUpdate& update) override;
    void note_state(const password::SearchState& state);
    void note_found();
    [[nodiscard]] bool is_paused() const noexcept { return is_paused_.load(); }
    /// The context the search runs in.
    [[nodiscard]] RunContext over(RunContext context);
    /// What ended the search, where it was not its own end.
    [[nodiscard]] render::SearchPhase stopped_by() const noexcept { return stopped_by_.load(); }
    [[nodiscard]] render::SearchStatus status() const;

private:
    struct Forward {
        std::stop_source* stop;
        void operator()() const { stop->request_stop(); }
    };

    void press(char key);
    void stop_as(render::SearchPhase phase);

    Progress* next_;
    Clock* clock_;
    WatchOptions options_;
    mutable std::mutex mutex_;
    render::SearchStatus status_;
    std::chrono::nanoseconds begin_;
    std::chrono::nanoseconds last_told_;
    std::optional<std::uint64_t> first_done_;
    std::chrono::nanoseconds first_at_{0};
    std::stop_source stop_;
    std::stop_callback<Forward> forward_;
    std::atomic<bool> is_paused_{false};
    std::atomic<bool> is_status_asked_{false};
    std::atomic<render::SearchPhase> stopped_by_{render::SearchPhase::quit};
    std::unique_ptr<KeyWatcher> keys_; ///< last: its thread uses the rest
};

} // namespace salvage::cli
