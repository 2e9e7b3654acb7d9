// The ring between the reading and the hashing thread.
#include "scan/hash_lane.hpp"

namespace salvage::scan {
namespace {

/// 4 MiB: enough to bridge a slow read, and little enough to stay in a shared cache.
constexpr std::size_t ring_slots = 16;

} // namespace

HashLane::HashLane(Hashing hashing) : slots_(hashing == Hashing::yes ? ring_slots : 1)
{
    if (hashing == Hashing::yes) {
        zeros_.resize(chunk_bytes);
        thread_ = std::jthread{[this] { hash_all(); }};
    }
}

HashLane::~HashLane()
{
    end(true);
}

ChunkBuffer& HashLane::buffer()
{
    wait_for_room();
    return slots_[submitted_ % slots_.size()].buffer; // only this thread changes submitted_
}

void HashLane::submit(std::size_t size)
{
    submit_view(slots_[submitted_ % slots_.size()].buffer.chunk().first(size));
}

void HashLane::submit_zeros(std::size_t size)
{
    if (is_hashing()) {
        wait_for_room();
        submit_view(ByteView{zeros_}.first(size));
    }
}

void HashLane::submit_view(ByteView bytes)
{
    if (!is_hashing()) {
        return;
    }
    {
        const std::scoped_lock lock{mutex_};
        slots_[submitted_ % slots_.size()].wanted = bytes;
        ++submitted_;
    }
    has_work_.notify_one();
}

void HashLane::wait_for_room()
{
    if (!is_hashing()) {
        return;
    }
    std::unique_lock lock{mutex_};
    if (submitted_ - hashed_ == slots_.size()) {
        // Half of the ring at once: waking for each buffer would cost as much as filling it.
        has_room_.wait(lock, [this] { return submitted_ - hashed_ <= slots_.size() / 2; });
    }
}

void HashLane::give_up()
{
    end(true);
    has_given_up_ = true;
}

std::optional<crypto::Sha256Digest> HashLane::finish()
{
    if (!is_hashing()) {
        return std::nullopt;
    }
    end(false);
    return sum_.finish();
}

void HashLane::end(bool at_once)
{
    if (!thread_.joinable()) {
        return;
    }
    {
        const std::scoped_lock lock{mutex_};
        is_complete_ = true;
        must_stop_ = at_once;
    }
    has_work_.notify_one();
    thread_.join();
}

void HashLane::hash_all()
{
    std::unique_lock lock{mutex_};
    while (true) {
        has_work_.wait(lock, [this] { return submitted_ != hashed_ || is_complete_; });
        if (must_stop_ || submitted_ == hashed_) {
            return;
        }
        const auto wanted = slots_[hashed_ % slots_.size()].wanted;
        lock.unlock();
        sum_.update(wanted);
        lock.lock();
        ++hashed_;
        if (submitted_ - hashed_ <= slots_.size() / 2) {
            has_room_.notify_one();
        }
    }
}

} // namespace salvage::scan
