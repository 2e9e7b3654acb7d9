// Hashing beside reading and writing: a thread of its own, and the buffers that travel to it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/crypto/hash.hpp"

namespace salvage::rescue {

/// A fixed number of buffers; whoever drops the last pointer to one gives it back.  Thread safe.
/// Requires: outlives its buffers.
class BufferPool {
public:
    BufferPool(std::size_t count, std::size_t bytes);
    /// Waits until one is free.  Its content is what was there before.
    [[nodiscard]] std::shared_ptr<Bytes> take();

private:
    void give_back(Bytes* buffer) noexcept;

    std::mutex mutex_;
    std::condition_variable freed_;
    std::vector<std::unique_ptr<Bytes>> free_;
};

/// A thread that hashes what it is handed, in the order it is handed.
class HashLane {
public:
    HashLane();
    HashLane(const HashLane&) = delete;
    HashLane& operator=(const HashLane&) = delete;
    ~HashLane(); ///< what is not yet hashed is dropped

    /// Adds bytes [from, from + count) of `buffer` to `hash`.  Waits while the queue is long.
    /// Requires: `hash` is left alone until wait().
    void update(crypto::Sha256& hash, std::shared_ptr<const Bytes> buffer, std::size_t from, std::size_t count);
    /// Adds `count` zeros.
    void update_zeros(crypto::Sha256& hash, std::uint64_t count);
    /// Returns when everything handed over is hashed.
    void wait();

private:
    struct Job {
        crypto::Sha256* hash;
        std::shared_ptr<const Bytes> buffer; ///< null: zeros
        std::size_t from;
        std::uint64_t count;
    };
    void push(Job job);
    void run();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Job> jobs_;
    bool is_busy_{false};
    bool is_ending_{false};
    std::thread thread_; ///< last: starts when all else is there
};

/// Adds `count` zeros to `hash`.
void hash_zeros(crypto::Sha256& hash, std::uint64_t count);

} // namespace salvage::rescue
