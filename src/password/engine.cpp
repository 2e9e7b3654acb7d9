// Threads that take numbered chunks in order; the idea stands in the header.
#include "password/engine.hpp"

#include <algorithm>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace salvage::password {
namespace {

constexpr std::size_t group_size = 256; // candidates fetched at once: word lists read a block for it
constexpr std::uint64_t largest_chunk = std::uint64_t{1} << 20U;
constexpr std::chrono::milliseconds chunk_time{
    50}; // long enough to make the cursor cheap, short enough to end together
constexpr std::chrono::milliseconds longest_wait{100};

Error no_memory()
{
    return Error{ErrorCode::io,
                 "the memory does not suffice for the search",
                 "an allocation was refused",
                 std::nullopt,
                 "search with fewer threads",
                 {}};
}

} // namespace

struct Engine::Buffers {
    std::vector<std::string> texts;
    std::vector<ByteView> views;

    Buffers() = default;
    Buffers(const Buffers&) = delete;
    Buffers& operator=(const Buffers&) = delete;
    ~Buffers()
    {
        for (auto& text : texts) {
            wipe(std::as_writable_bytes(std::span{text}));
        }
    }
};

Engine::Engine(const Keyspace& keyspace, const Target& target, SearchState start, const RunContext& context)
    : keyspace_{&keyspace}, target_{&target}, start_{std::move(start)}, context_{&context},
      batch_{std::max<std::size_t>(1, target.batch_size())}, cursor_{start_.next}
{
}

Result<> Engine::run(unsigned workers, std::chrono::milliseconds interval,
                     const std::function<Result<>(const SearchState&)>& tick)
{
    for (unsigned i = 0; i < workers; ++i) {
        slots_.push_back(std::make_unique<Slot>());
    }
    std::vector<std::jthread> threads; // joined before anything they use is gone
    {
        const std::scoped_lock lock{mutex_};
        for (const auto& slot : slots_) {
            try {
                threads.emplace_back([this, &slot = *slot] { work(slot); });
                ++running_;
            } catch (const std::system_error& problem) {
                if (threads.empty()) {
                    return from_errno(problem.code().value(), "no thread can be started", "search");
                }
                break; // fewer threads are fine
            }
        }
    }
    const auto wait = std::clamp(interval, std::chrono::milliseconds{1}, longest_wait);
    Result<> outcome;
    std::unique_lock lock{mutex_};
    while (running_ > 0) {
        changed_.wait_for(lock, wait);
        auto now = start_;
        now.next = next_locked();
        lock.unlock();
        if (outcome.has_value()) {
            outcome = tick(now);
            is_halted_ = is_halted_ || !outcome.has_value();
        }
        lock.lock();
    }
    return outcome;
}

void Engine::work(Slot& slot)
{
    try {
        work_until_done(slot);
    } catch (const std::bad_alloc&) {
        report_event(slot, slot.position.load(), no_memory());
    }
    const std::scoped_lock lock{mutex_};
    --running_;
    changed_.notify_one();
}

void Engine::work_until_done(Slot& slot)
{
    Buffers buffers;
    std::uint64_t size = batch_;
    while (const auto chunk = take_chunk(slot, size)) {
        const auto begin = context_->clock->now();
        if (!judge_chunk(slot, *chunk, buffers)) {
            return;
        }
        size = next_size(size, context_->clock->now() - begin);
    }
}

std::optional<Engine::Chunk> Engine::take_chunk(Slot& slot, std::uint64_t size)
{
    const std::scoped_lock lock{mutex_};
    slot.is_active = false;
    const auto end = std::min(start_.end, event_.load());
    if (cursor_ >= end || must_leave_off(cursor_)) {
        return std::nullopt;
    }
    const Chunk chunk{.begin = cursor_, .end = cursor_ + std::min(size, start_.end - cursor_)};
    slot.position = chunk.begin;
    slot.is_active = true;
    cursor_ = chunk.end;
    return chunk;
}

bool Engine::must_leave_off(std::uint64_t position) const noexcept
{
    return is_halted_.load() || position >= event_.load() || context_->is_stopped();
}

bool Engine::judge_chunk(Slot& slot, Chunk chunk, Buffers& buffers)
{
    auto most = std::max(group_size, batch_);
    for (auto first = chunk.begin; first < chunk.end;) {
        if (must_leave_off(first)) {
            return false;
        }
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(most, chunk.end - first));
        if (buffers.texts.size() < count) {
            buffers.texts.resize(count);
        }
        auto fetched = keyspace_->candidates(first, std::span{buffers.texts}.first(count));
        if (!fetched.has_value()) {
            if (count == 1) {
                report_event(slot, first, std::move(fetched.error()));
                return false;
            }
            most = 1; // one by one, so that all candidates before the bad one are judged whatever the chunks are
            continue;
        }
        if (!judge_group(slot, first, count, buffers)) {
            return false;
        }
        first += count;
    }
    return true;
}

bool Engine::judge_group(Slot& slot, std::uint64_t first, std::size_t count, Buffers& buffers)
{
    for (std::size_t at = 0; at < count;) {
        if (must_leave_off(first + at)) {
            return false;
        }
        const auto size = std::min(batch_, count - at);
        buffers.views.clear();
        for (std::size_t i = at; i < at + size; ++i) {
            buffers.views.push_back(as_bytes(buffers.texts[i]));
        }
        auto accepted = target_->first_accepted(buffers.views);
        if (!accepted.has_value()) {
            report_event(slot, first + at, std::move(accepted.error()));
            return false;
        }
        if (*accepted) {
            tried_ += **accepted + 1;
            report_event(slot, first + at + **accepted, std::nullopt);
            return false;
        }
        at += size;
        tried_ += size;
        slot.position = first + at;
    }
    return true;
}

void Engine::report_event(Slot& slot, std::uint64_t index, std::optional<Error> error)
{
    const std::scoped_lock lock{mutex_};
    slot.position = index;
    slot.is_active = true; // it stays where it is: what lies below is done, this one is not
    if (index < event_.load()) {
        event_ = index;
        event_error_ = std::move(error);
    }
}

std::uint64_t Engine::next_size(std::uint64_t size, std::chrono::nanoseconds taken) const noexcept
{
    const auto wished = taken.count() <= 0 ? size * 2
                                           : static_cast<std::uint64_t>(static_cast<double>(size) * 1e6 *
                                                                        static_cast<double>(chunk_time.count()) /
                                                                        static_cast<double>(taken.count()));
    const auto bounded = std::min({wished, size * 4, largest_chunk});
    return std::max<std::uint64_t>(batch_, bounded / batch_ * batch_);
}

std::uint64_t Engine::next_locked() const
{
    auto next = cursor_;
    for (const auto& slot : slots_) {
        if (slot->is_active) {
            next = std::min(next, slot->position.load());
        }
    }
    return next;
}

SearchState Engine::state()
{
    const std::scoped_lock lock{mutex_};
    auto now = start_;
    now.next = next_locked();
    return now;
}

std::optional<std::uint64_t> Engine::hit() const
{
    const std::scoped_lock lock{mutex_};
    const bool is_hit = event_.load() != none && !event_error_;
    return is_hit ? std::optional{event_.load()} : std::nullopt;
}

std::optional<Error> Engine::error() const
{
    const std::scoped_lock lock{mutex_};
    return event_error_;
}

} // namespace salvage::password
