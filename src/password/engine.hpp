// The threads of a search and what they share: a cursor, a place for each worker, and the lowest hits so far.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "salvage/password/search.hpp"

namespace salvage::password {

/// How it works.  Workers take chunks of candidates in order from a cursor.  Each keeps a position: all of its chunk
/// below it is done.  So "everything below the smallest position, or below the cursor where nobody works, is done"
/// holds at every moment, and that number is what a checkpoint stores.
///
/// A hit closes its target for all candidates above it; the lowest hit of a target wins.  Once every target has one,
/// the highest of them bounds the search, as an error bounds it at its candidate: workers below go on, all others leave
/// off.  What a failed device had not finished goes back and is taken first.
class Engine {
public:
    Engine(const Keyspace& keyspace, std::span<const Target* const> targets, const Devices& devices, SearchState start,
           const RunContext& context);

    /// Runs to the end, a bound, or a stop.  `tick` is called from this thread about every `interval` and must be
    /// quick.
    Result<> run(std::chrono::milliseconds interval, const std::function<bool()>& is_paused,
                 const std::function<Result<>(const SearchState&)>& tick);

    [[nodiscard]] SearchState state() const;
    [[nodiscard]] std::uint64_t tried() const noexcept { return tried_.load(); }
    [[nodiscard]] std::uint64_t rejected() const noexcept { return rejected_.load(); }
    /// Whether every target has a hit.
    [[nodiscard]] bool is_all_found() const;
    /// The error that bounds the search, where one does, and where it stands.
    [[nodiscard]] std::optional<Error> error() const;
    [[nodiscard]] std::vector<std::string> lost_devices() const;

private:
    static constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();

    struct Chunk {
        std::uint64_t begin{};
        std::uint64_t end{};
    };
    /// One worker's place.  `position` is written by the worker alone; the rest is guarded by mutex_.
    struct alignas(64) Slot {
        std::atomic<std::uint64_t> position{0};
        Chunk chunk;
        bool is_active{false};
    };
    /// A worker's judges and buffers; what held candidates is wiped when it ends.
    struct Bench;

    void work(Slot& slot, crypto::KdfDevice& device);
    void work_until_done(Slot& slot, crypto::KdfDevice& device);
    /// Waits while there is nothing to take and somebody still works: a device that fails gives its chunk back.
    [[nodiscard]] std::optional<Chunk> take_chunk(Slot& slot, std::uint64_t size, std::size_t batch);
    [[nodiscard]] std::optional<Chunk> next_chunk_locked(std::uint64_t size, std::size_t batch);
    void wait_while_paused() const;
    [[nodiscard]] bool is_stopped() const noexcept;
    void judge_chunk(Slot& slot, Chunk chunk, Bench& bench);
    /// False where the group is not done: a stop, or a device that failed.
    [[nodiscard]] bool judge_group(Slot& slot, std::uint64_t first, std::size_t count, Bench& bench);
    [[nodiscard]] bool judge_for_target(Slot& slot, std::size_t target, std::uint64_t first, Bench& bench);
    void keep_part(Slot& slot, std::uint64_t position);
    void report_hit(std::size_t target, std::uint64_t index);
    void report_error(std::uint64_t index, Error error);
    void report_end(std::uint64_t index);
    void give_back(Slot& slot, const crypto::KdfDevice& device, Error error);
    [[nodiscard]] std::uint64_t last_hit() const noexcept;
    void update_bound_locked();
    [[nodiscard]] static std::uint64_t next_size(std::uint64_t size, std::size_t batch, std::chrono::nanoseconds taken);
    [[nodiscard]] SearchState state_locked() const;

    const Keyspace* keyspace_;
    std::span<const Target* const> targets_;
    const Devices* devices_;
    SearchState start_;
    const RunContext* context_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t cursor_;
    std::uint64_t end_;
    std::vector<Chunk> orphans_; ///< begun by devices that failed
    std::vector<std::unique_ptr<Slot>> slots_;
    unsigned running_{0};
    std::uint64_t error_at_{none};
    std::optional<Error> error_;
    std::optional<Error> lost_error_; ///< of the device that failed last
    std::vector<std::string> lost_;
    std::vector<std::atomic<std::uint64_t>> hits_; ///< by target; none
    std::atomic<std::uint64_t> bound_{none};       ///< no candidate from here on matters
    std::atomic<bool> is_halted_{false};
    std::atomic<bool> is_paused_{false};
    std::atomic<std::uint64_t> tried_{0};
    std::atomic<std::uint64_t> rejected_{0};
};

} // namespace salvage::password
