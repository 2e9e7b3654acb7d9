// Hashing in a thread of its own.
#include "rescue/hash_lane.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace salvage::rescue {
namespace {

// More waiting jobs than buffers in any pool: only runs of zeros can fill it.
constexpr std::size_t max_waiting = 64;

constexpr std::array<std::byte, 65536> zeros{};

} // namespace

BufferPool::BufferPool(std::size_t count, std::size_t bytes)
{
    free_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        free_.push_back(std::make_unique<Bytes>(bytes));
    }
}

std::shared_ptr<Bytes> BufferPool::take()
{
    std::unique_lock lock{mutex_};
    freed_.wait(lock, [this] { return !free_.empty(); });
    auto buffer = std::move(free_.back());
    free_.pop_back();
    return {buffer.release(), [this](Bytes* used) { give_back(used); }};
}

void BufferPool::give_back(Bytes* buffer) noexcept
{
    {
        const std::scoped_lock lock{mutex_};
        free_.emplace_back(buffer); // never grows beyond what was reserved
    }
    freed_.notify_one();
}

HashLane::HashLane() : thread_{[this] { run(); }} {}

HashLane::~HashLane()
{
    {
        const std::scoped_lock lock{mutex_};
        is_ending_ = true;
        jobs_.clear();
    }
    changed_.notify_all();
    thread_.join();
}

void HashLane::update(crypto::Sha256& hash, std::shared_ptr<const Bytes> buffer, std::size_t from, std::size_t count)
{
    push({.hash = &hash, .buffer = std::move(buffer), .from = from, .count = count});
}

void HashLane::update_zeros(crypto::Sha256& hash, std::uint64_t count)
{
    push({.hash = &hash, .buffer = nullptr, .from = 0, .count = count});
}

void HashLane::push(Job job)
{
    {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return jobs_.size() < max_waiting; });
        jobs_.push_back(std::move(job));
    }
    changed_.notify_all();
}

void HashLane::wait()
{
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return jobs_.empty() && !is_busy_; });
}

void HashLane::run()
{
    std::unique_lock lock{mutex_};
    for (;;) {
        changed_.wait(lock, [this] { return is_ending_ || !jobs_.empty(); });
        if (is_ending_) {
            return;
        }
        auto job = std::move(jobs_.front());
        jobs_.pop_front();
        is_busy_ = true;
        lock.unlock();
        if (job.buffer) {
            job.hash->update(ByteView{*job.buffer}.subspan(job.from, static_cast<std::size_t>(job.count)));
        } else {
            hash_zeros(*job.hash, job.count);
        }
        job = {}; // the buffer goes back before anyone is told
        lock.lock();
        is_busy_ = false;
        changed_.notify_all();
    }
}

void hash_zeros(crypto::Sha256& hash, std::uint64_t count)
{
    while (count > 0) {
        const auto part = std::min<std::uint64_t>(count, zeros.size());
        hash.update(ByteView{zeros}.first(static_cast<std::size_t>(part)));
        count -= part;
    }
}

} // namespace salvage::rescue
