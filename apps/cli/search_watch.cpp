// Deadline, status timer, keys.  hashcat's keys: s status, p pause, r resume, c quit at a checkpoint, q quit.
#include "search_watch.hpp"

#include <algorithm>
#include <utility>

namespace salvage::cli {

SearchWatch::SearchWatch(const RunContext& outer, WatchOptions options, render::SearchStatus status)
    : next_{outer.progress}, clock_{outer.clock}, options_{std::move(options)}, status_{std::move(status)},
      begin_{outer.clock->now()}, last_told_{begin_}, forward_{outer.stop, Forward{&stop_}}
{
    status_.started = clock_->wall_time();
    if (options_.keys == WatchKeys::yes) {
        keys_ = KeyWatcher::make([this](char key) { press(key); });
    }
    if (keys_ && options_.say) {
        options_.say("Keys: s status, p pause, r resume, c or q quit\n");
    }
}

void SearchWatch::press(char key)
{
    switch (key) {
    case 's':
    case '\n': is_status_asked_ = true; break;
    case 'p': is_paused_ = true; break;
    case 'r': is_paused_ = false; break;
    case 'c': stop_as(render::SearchPhase::at_checkpoint); break;
    case 'q': stop_as(render::SearchPhase::quit); break;
    default: break;
    }
}

void SearchWatch::stop_as(render::SearchPhase phase)
{
    stopped_by_ = phase;
    stop_.request_stop();
}

void SearchWatch::update(const ProgressUpdate& update)
{
    next_->update(update);
    const auto now = clock_->now();
    {
        const std::scoped_lock lock{mutex_};
        status_.done = update.done;
        if (!first_done_) {
            first_done_ = update.done;
            first_at_ = now;
        }
        const std::chrono::duration<double> seconds = now - first_at_;
        if (seconds.count() > 0) {
            status_.rate = static_cast<double>(update.done - std::min(*first_done_, update.done)) / seconds.count();
        }
    }
    if (options_.runtime && now - begin_ >= *options_.runtime && !stop_.stop_requested()) {
        stop_as(render::SearchPhase::out_of_time);
    }
    if (is_status_asked_.exchange(false) && options_.on_key) {
        options_.on_key(status());
    }
    if (options_.on_timer && now - last_told_ >= options_.status_interval) {
        last_told_ = now;
        options_.on_timer(status());
    }
}

void SearchWatch::note_state(const password::SearchState& state)
{
    const std::scoped_lock lock{mutex_};
    status_.begin = state.begin;
    status_.next = state.next;
    if (status_.end) {
        status_.end = state.end;
    }
}

void SearchWatch::note_found()
{
    const std::scoped_lock lock{mutex_};
    ++status_.found;
}

RunContext SearchWatch::over(RunContext context)
{
    context.progress = this;
    context.stop = stop_.get_token();
    return context;
}

render::SearchStatus SearchWatch::status() const
{
    const std::scoped_lock lock{mutex_};
    auto out = status_;
    out.now = clock_->wall_time();
    out.phase = is_paused_.load() ? render::SearchPhase::paused : render::SearchPhase::running;
    return out;
}

} // namespace salvage::cli
