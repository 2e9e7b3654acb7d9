// Threads that take numbered chunks in order; the idea stands in the header.
#include "password/engine.hpp"

#include <algorithm>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

namespace salvage::password {
namespace {

constexpr std::size_t group_size = 256; // candidates fetched at once: word lists read a block for it
constexpr std::uint64_t largest_chunk = std::uint64_t{1} << 20U;
// Long enough to make the cursor cheap, short enough to end together.
constexpr std::chrono::milliseconds chunk_time{50};
constexpr std::chrono::milliseconds longest_wait{100};
constexpr std::chrono::milliseconds pause_step{20};

Error no_memory()
{
    return Error{ErrorCode::io,
                 "the memory does not suffice for the search",
                 "an allocation was refused",
                 std::nullopt,
                 "search with fewer threads or scrypt lanes: --threads, --scrypt-lanes",
                 {}};
}

} // namespace

struct Engine::Bench {
    crypto::KdfDevice* device;
    std::vector<std::unique_ptr<Judge>> judges; ///< by target
    std::size_t batch{1};
    std::vector<Candidate> candidates;
    std::vector<ByteView> views;          ///< of those that are not rejected
    std::vector<std::uint64_t> positions; ///< their places in the group

    explicit Bench(crypto::KdfDevice& its_device) : device{&its_device} {}
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;
    ~Bench()
    {
        for (auto& candidate : candidates) {
            wipe(std::as_writable_bytes(std::span{candidate.bytes}));
        }
    }

    Result<> set_up(std::span<const Target* const> targets)
    {
        for (const auto* const target : targets) {
            judges.push_back(SALVAGE_TRY(target->make_judge(*device)));
            batch = std::max(batch, judges.back()->batch_size());
        }
        return {};
    }

    /// Views of the first `count` candidates that stand for one; says how many do not.
    std::size_t gather(std::size_t count)
    {
        views.clear();
        positions.clear();
        for (std::size_t i = 0; i < count; ++i) {
            if (!candidates[i].is_rejected) {
                views.push_back(as_bytes(candidates[i].bytes));
                positions.push_back(i);
            }
        }
        return count - views.size();
    }
};

Engine::Engine(const Keyspace& keyspace, std::span<const Target* const> targets, const Devices& devices,
               SearchState start, const RunContext& context)
    : keyspace_{&keyspace}, targets_{targets}, devices_{&devices}, start_{std::move(start)}, context_{&context},
      cursor_{start_.next}, end_{start_.end}, hits_(targets.size())
{
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        hits_[i] = none;
    }
    for (const auto& hit : start_.hits) {
        hits_[hit.target] = hit.index;
    }
    const std::scoped_lock lock{mutex_};
    update_bound_locked();
}

Result<> Engine::run(std::chrono::milliseconds interval, const std::function<bool()>& is_paused,
                     const std::function<Result<>(const SearchState&)>& tick)
{
    for (std::size_t i = 0; i < devices_->size(); ++i) {
        slots_.push_back(std::make_unique<Slot>());
    }
    is_paused_ = is_paused && is_paused();
    std::vector<std::jthread> threads; // joined before anything they use is gone
    {
        const std::scoped_lock lock{mutex_};
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            try {
                threads.emplace_back([this, &slot = *slots_[i], &device = *devices_->at(i)] { work(slot, device); });
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
        const auto now = state_locked();
        lock.unlock();
        is_paused_ = is_paused && is_paused();
        if (outcome.has_value()) {
            outcome = tick(now);
            is_halted_ = is_halted_ || !outcome.has_value();
        }
        lock.lock();
    }
    // Chunks of failed devices that nobody took: the search has no end of its own then.
    if (outcome.has_value() && !orphans_.empty() && lost_error_ && !is_halted_ && !context_->is_stopped()) {
        return *lost_error_;
    }
    return outcome;
}

void Engine::work(Slot& slot, crypto::KdfDevice& device)
{
    try {
        work_until_done(slot, device);
    } catch (const std::bad_alloc&) {
        report_error(slot.position.load(), no_memory());
    }
    const std::scoped_lock lock{mutex_};
    --running_;
    changed_.notify_one();
}

void Engine::work_until_done(Slot& slot, crypto::KdfDevice& device)
{
    Bench bench{device};
    if (auto ready = bench.set_up(targets_); !ready.has_value()) {
        report_error(start_.next, std::move(ready).error());
        return;
    }
    std::uint64_t size = bench.batch;
    while (const auto chunk = take_chunk(slot, size, bench.batch)) {
        const auto begin = context_->clock->now();
        judge_chunk(slot, *chunk, bench);
        if (device.is_lost() || is_stopped()) {
            return; // a stopped one's place stays where it is: that is where a later start goes on
        }
        size = next_size(size, bench.batch, context_->clock->now() - begin);
    }
}

std::optional<Engine::Chunk> Engine::take_chunk(Slot& slot, std::uint64_t size, std::size_t batch)
{
    wait_while_paused();
    std::unique_lock lock{mutex_};
    slot.is_active = false;
    changed_.notify_all(); // who waits for this one's chunk to come back
    while (!is_stopped()) {
        if (const auto chunk = next_chunk_locked(size, batch)) {
            slot.chunk = *chunk;
            slot.position = chunk->begin;
            slot.is_active = true;
            return chunk;
        }
        const bool is_anyone_busy = std::ranges::any_of(slots_, [](const auto& other) { return other->is_active; });
        if (!is_anyone_busy) {
            break;
        }
        changed_.wait_for(lock, pause_step); // a device that fails now leaves something to do
    }
    return std::nullopt;
}

std::optional<Engine::Chunk> Engine::next_chunk_locked(std::uint64_t size, std::size_t batch)
{
    std::erase_if(orphans_, [&](const Chunk& chunk) { return chunk.begin >= bound_.load(); });
    if (!orphans_.empty()) {
        const auto chunk = orphans_.back();
        orphans_.pop_back();
        return chunk;
    }
    const auto end = std::min(end_, bound_.load());
    if (cursor_ >= end) {
        return std::nullopt;
    }
    // The last chunks are small, so that all threads end at about the same time.
    const auto share = (end - cursor_) / devices_->size() / batch * batch;
    const auto wanted = std::clamp<std::uint64_t>(share, batch, std::max<std::uint64_t>(size, batch));
    const Chunk chunk{.begin = cursor_, .end = cursor_ + std::min(wanted, end - cursor_)};
    cursor_ = chunk.end;
    return chunk;
}

void Engine::wait_while_paused() const
{
    while (is_paused_.load() && !is_stopped()) {
        std::this_thread::sleep_for(pause_step);
    }
}

bool Engine::is_stopped() const noexcept
{
    return is_halted_.load() || context_->is_stopped();
}

void Engine::judge_chunk(Slot& slot, Chunk chunk, Bench& bench)
{
    auto most = std::max(group_size, bench.batch);
    for (auto first = chunk.begin; first < chunk.end;) {
        wait_while_paused();
        if (is_stopped() || first >= bound_.load()) {
            return;
        }
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(most, chunk.end - first));
        if (bench.candidates.size() < count) {
            bench.candidates.resize(count);
        }
        auto fetched = keyspace_->candidates(first, std::span{bench.candidates}.first(count));
        if (!fetched.has_value()) {
            if (count == 1) {
                report_error(first, std::move(fetched).error());
                return;
            }
            most = 1; // one by one, so that all candidates before the bad one are judged whatever the chunks are
            continue;
        }
        if (!judge_group(slot, first, *fetched, bench)) {
            return;
        }
        if (*fetched < count) {
            report_end(first + *fetched);
            return;
        }
        first += count;
    }
}

bool Engine::judge_group(Slot& slot, std::uint64_t first, std::size_t count, Bench& bench)
{
    const auto rejected = bench.gather(count);
    for (std::size_t target = 0; target < targets_.size(); ++target) {
        if (!judge_for_target(slot, target, first, bench)) {
            return false;
        }
    }
    const auto end = std::clamp(bound_.load(), first, first + count);
    tried_ += end - first;
    rejected_ += rejected;
    slot.position = end;
    return true;
}

bool Engine::judge_for_target(Slot& slot, std::size_t target, std::uint64_t first, Bench& bench)
{
    auto& judge = *bench.judges[target];
    const auto batch = std::max<std::size_t>(1, judge.batch_size());
    for (std::size_t at = 0; at < bench.views.size();) {
        const auto position = first + bench.positions[at];
        if (is_stopped()) {
            keep_part(slot, position);
            return false;
        }
        if (position >= hits_[target].load() || position >= bound_.load()) {
            return true;
        }
        const auto size = std::min(batch, bench.views.size() - at);
        auto accepted = judge.first_accepted(std::span{bench.views}.subspan(at, size));
        if (!accepted.has_value()) {
            if (is_stopped()) { // a device that looks at the stop itself
                keep_part(slot, position);
                return false;
            }
            if (bench.device->is_lost()) {
                keep_part(slot, position);
                give_back(slot, *bench.device, std::move(accepted).error());
                return false;
            }
            report_error(position, std::move(accepted).error());
            return true; // the other targets are judged up to here all the same
        }
        if (*accepted) {
            report_hit(target, first + bench.positions[at + **accepted]);
            return true;
        }
        at += size;
    }
    return true;
}

/// One target's group that is left off in the middle: what lies below `position` need not be done again.
void Engine::keep_part(Slot& slot, std::uint64_t position)
{
    if (targets_.size() == 1) {
        tried_ += position - slot.position.load();
        slot.position = position;
    }
}

void Engine::report_hit(std::size_t target, std::uint64_t index)
{
    const std::scoped_lock lock{mutex_};
    hits_[target] = std::min(hits_[target].load(), index);
    update_bound_locked();
}

void Engine::report_error(std::uint64_t index, Error error)
{
    const std::scoped_lock lock{mutex_};
    if (index < error_at_) {
        error_at_ = index;
        error_ = std::move(error);
    }
    update_bound_locked();
}

void Engine::report_end(std::uint64_t index)
{
    const std::scoped_lock lock{mutex_};
    end_ = std::min(end_, index);
    cursor_ = std::min(cursor_, end_);
}

void Engine::give_back(Slot& slot, const crypto::KdfDevice& device, Error error)
{
    const std::scoped_lock lock{mutex_};
    orphans_.push_back({.begin = slot.position.load(), .end = slot.chunk.end});
    slot.is_active = false;
    lost_.push_back(device.name() + ": " + error.what);
    lost_error_ = std::move(error);
}

/// The highest of the targets' hits; none where a target has no hit yet.
std::uint64_t Engine::last_hit() const noexcept
{
    std::uint64_t last = 0;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        last = std::max(last, hits_[i].load());
    }
    return last;
}

void Engine::update_bound_locked()
{
    const auto last = last_hit();
    bound_ = std::min(error_at_, last == none ? none : last + 1);
}

std::uint64_t Engine::next_size(std::uint64_t size, std::size_t batch, std::chrono::nanoseconds taken)
{
    const auto wished = taken.count() <= 0 ? size * 2
                                           : static_cast<std::uint64_t>(static_cast<double>(size) * 1e6 *
                                                                        static_cast<double>(chunk_time.count()) /
                                                                        static_cast<double>(taken.count()));
    const auto bounded = std::min({wished, size * 4, std::max<std::uint64_t>(largest_chunk, batch)});
    return std::max<std::uint64_t>(batch, bounded / batch * batch);
}

SearchState Engine::state_locked() const
{
    auto next = cursor_;
    for (const auto& slot : slots_) {
        if (slot->is_active) {
            next = std::min(next, slot->position.load());
        }
    }
    for (const auto& chunk : orphans_) {
        next = std::min(next, chunk.begin);
    }
    auto now = start_;
    now.end = std::min(now.end, end_);
    now.next = std::clamp(std::min(next, bound_.load()), now.begin, now.end);
    now.hits.clear();
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        if (hits_[i].load() != none) {
            now.hits.push_back({.target = i, .index = hits_[i].load()});
        }
    }
    return now;
}

SearchState Engine::state() const
{
    const std::scoped_lock lock{mutex_};
    return state_locked();
}

bool Engine::is_all_found() const
{
    const std::scoped_lock lock{mutex_};
    return last_hit() < error_at_;
}

std::optional<Error> Engine::error() const
{
    const std::scoped_lock lock{mutex_};
    return last_hit() < error_at_ ? std::nullopt : error_;
}

std::vector<std::string> Engine::lost_devices() const
{
    const std::scoped_lock lock{mutex_};
    return lost_;
}

} // namespace salvage::password
