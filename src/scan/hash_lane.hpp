// SHA-256 on a thread of its own, fed through a ring of buffers.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/crypto/hash.hpp"
#include "scan/buffers.hpp"

namespace salvage::scan {

enum class Hashing : bool { no, yes };

/// Hands out buffers to read into and hashes what is submitted, in order.  Without hashing there is one buffer and no
/// thread.  One thread uses it; its own thread is gone when it is destroyed.
class HashLane {
public:
    explicit HashLane(Hashing hashing);
    HashLane(const HashLane&) = delete;
    HashLane& operator=(const HashLane&) = delete;
    ~HashLane();

    /// The buffer that the next submit() is about; waits until it is free.
    [[nodiscard]] ChunkBuffer& buffer();
    /// The first `size` bytes of buffer()'s chunk come next.
    void submit(std::size_t size);
    /// `size` zero bytes come next.  Requires: size <= chunk_bytes.
    void submit_zeros(std::size_t size);
    /// There will be no digest: something could not be read.
    void give_up();
    [[nodiscard]] bool is_hashing() const noexcept { return thread_.joinable() && !has_given_up_; }
    /// Waits for the thread.  Nothing without hashing, or after give_up().
    [[nodiscard]] std::optional<crypto::Sha256Digest> finish();

private:
    struct Slot {
        ChunkBuffer buffer;
        ByteView wanted; ///< of the buffer, or zeros
    };

    void submit_view(ByteView bytes);
    void wait_for_room();
    void end(bool at_once);
    void hash_all();

    std::vector<Slot> slots_;
    Bytes zeros_;
    std::mutex mutex_;
    std::condition_variable has_work_;
    std::condition_variable has_room_;
    std::size_t submitted_{0}; // with mutex_: the next four
    std::size_t hashed_{0};
    bool is_complete_{false};
    bool must_stop_{false};
    bool has_given_up_{false};
    crypto::Sha256 sum_; ///< the thread's own until it ended
    std::jthread thread_;
};

} // namespace salvage::scan
