// The threads of a search and what they share: a cursor, a place for each worker, and the lowest thing that happened.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "salvage/password/search.hpp"

namespace salvage::password {

/// How it works.  Workers take chunks of candidates in order from a cursor.  Each keeps a position: all of its chunk
/// below it is done.  So "everything below the smallest position, or below the cursor where nobody works, is done"
/// holds at every moment, and that number is what a checkpoint stores.
///
/// A hit or an error is an event at its candidate.  The lowest event wins: workers below it work on, all others leave
/// off.
class Engine {
public:
    Engine(const Keyspace& keyspace, const Target& target, SearchState start, const RunContext& context);

    /// Runs to the end, an event, or a stop.  `tick` is called from this thread about every `interval` and must be
    /// quick.
    Result<> run(unsigned workers, std::chrono::milliseconds interval,
                 const std::function<Result<>(const SearchState&)>& tick);

    [[nodiscard]] SearchState state();
    [[nodiscard]] std::uint64_t tried() const noexcept { return tried_.load(); }
    /// Number of the hit, where the lowest event is one.
    [[nodiscard]] std::optional<std::uint64_t> hit() const;
    /// The error, where the lowest event is one.
    [[nodiscard]] std::optional<Error> error() const;

private:
    static constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();

    /// One worker's place.  `position` is written by the worker alone; `is_active` is guarded by mutex_.
    struct alignas(64) Slot {
        std::atomic<std::uint64_t> position{0};
        bool is_active{false};
    };
    struct Chunk {
        std::uint64_t begin{};
        std::uint64_t end{};
    };
    /// A worker's own buffers, wiped when it ends.
    struct Buffers;

    void work(Slot& slot);
    void work_until_done(Slot& slot);
    [[nodiscard]] std::optional<Chunk> take_chunk(Slot& slot, std::uint64_t size);
    /// False where the worker has to leave off.
    [[nodiscard]] bool judge_chunk(Slot& slot, Chunk chunk, Buffers& buffers);
    [[nodiscard]] bool judge_group(Slot& slot, std::uint64_t first, std::size_t count, Buffers& buffers);
    [[nodiscard]] bool must_leave_off(std::uint64_t position) const noexcept;
    void report_event(Slot& slot, std::uint64_t index, std::optional<Error> error);
    [[nodiscard]] std::uint64_t next_size(std::uint64_t size, std::chrono::nanoseconds taken) const noexcept;
    [[nodiscard]] std::uint64_t next_locked() const;

    const Keyspace* keyspace_;
    const Target* target_;
    SearchState start_;
    const RunContext* context_;
    std::size_t batch_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t cursor_;
    std::vector<std::unique_ptr<Slot>> slots_;
    unsigned running_{0};
    std::optional<Error> event_error_;
    std::atomic<std::uint64_t> event_{none};
    std::atomic<bool> is_halted_{false};
    std::atomic<std::uint64_t> tried_{0};
};

} // namespace salvage::password
