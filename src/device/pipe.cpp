// Two ends of a cable in one process, with a clock that moves only when both ends wait.
//
// Each end is at work or waits: for bytes, for room, or for a moment.  An end that waits can go on when what it waits
// for is there.  Whoever begins to wait and finds that neither end can go on moves the clock to the earlier of the two
// deadlines and lets that end, and no other, have its time-out.  An end that was destroyed waits for ever.
#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "salvage/device/transport.hpp"

namespace salvage::device {
namespace {

using std::chrono::nanoseconds;

// What a writer may be ahead of the reader.
constexpr std::size_t max_buffered_bytes = 4U << 20U;
// A deadline that does not overflow when it is added to the clock: some 100 years.
constexpr auto longest_wait = std::chrono::hours{24 * 365 * 100};
// 2026-01-01: reports made under virtual time carry a plausible date, always the same.
constexpr auto first_wall_time = std::chrono::seconds{1767225600};

struct Transfer {
    Bytes bytes;
    std::size_t taken{0};
    [[nodiscard]] std::size_t left() const noexcept { return bytes.size() - taken; }
};

enum class Waiting : std::uint8_t { no, for_bytes, for_room, for_time };

struct End {
    std::deque<Transfer> inbox; ///< what the other end wrote
    std::size_t inbox_bytes{0};
    bool is_there{true};
    Waiting waiting{Waiting::no};
    nanoseconds deadline{};
    bool is_expired{false};
};

class Core {
public:
    explicit Core(std::size_t packet_bytes) : packet_bytes_{std::max<std::size_t>(packet_bytes, 1)} {}

    [[nodiscard]] std::size_t packet_bytes() const noexcept { return packet_bytes_; }
    [[nodiscard]] nanoseconds now() const
    {
        const std::scoped_lock lock{mutex_};
        return now_;
    }
    void pull()
    {
        const std::scoped_lock lock{mutex_};
        is_pulled_ = true;
        changed_.notify_all();
    }
    void leave(std::size_t end)
    {
        const std::scoped_lock lock{mutex_};
        ends_[end].is_there = false;
        // The other end may have been waiting for this one to move.
        pass_time();
        changed_.notify_all();
    }
    void wait(std::size_t end, nanoseconds time)
    {
        std::unique_lock lock{mutex_};
        ignore_timeout(block(lock, end, Waiting::for_time, deadline_after(time)));
    }
    Result<> write(std::size_t end, ByteView bytes, Timeout timeout)
    {
        std::unique_lock lock{mutex_};
        auto& other = ends_[1 - end];
        const auto deadline = deadline_after(timeout);
        while (!is_gone(end) && !has_room(other)) {
            if (block(lock, end, Waiting::for_room, deadline) == Outcome::timed_out) {
                return silence("the other end takes nothing", timeout);
            }
        }
        if (is_gone(end)) {
            return gone();
        }
        // A stream has no empty transfers.
        if (!bytes.empty() || packet_bytes_ > 1) {
            other.inbox.push_back({.bytes = Bytes{bytes.begin(), bytes.end()}});
            other.inbox_bytes += bytes.size();
            changed_.notify_all();
        }
        return {};
    }
    Result<std::size_t> read(std::size_t end, std::span<std::byte> into, Timeout timeout)
    {
        std::unique_lock lock{mutex_};
        const auto deadline = deadline_after(timeout);
        std::size_t got = 0;
        while (true) {
            const auto step = SALVAGE_TRY(take(ends_[end], into.subspan(got)));
            got += step.count;
            changed_.notify_all(); // there is room again
            if (got > 0 && (step.is_complete || got == into.size())) {
                return got;
            }
            if (is_gone(end)) {
                return got > 0 ? Result<std::size_t>{got} : Result<std::size_t>{gone()};
            }
            if (block(lock, end, Waiting::for_bytes, deadline) == Outcome::timed_out) {
                return got > 0 ? Result<std::size_t>{got} : Result<std::size_t>{silence("no byte came", timeout)};
            }
        }
    }

private:
    enum class Outcome : std::uint8_t { can_go_on, timed_out };
    struct Step {
        std::size_t count{0};
        bool is_complete{false}; ///< by a short packet, or because a stream gives what it has
    };

    static void ignore_timeout(Outcome /*the moment has come*/) noexcept {}

    [[nodiscard]] bool is_gone(std::size_t end) const { return is_pulled_ || !ends_[1 - end].is_there; }
    [[nodiscard]] static bool has_room(const End& end) { return end.inbox_bytes < max_buffered_bytes; }
    [[nodiscard]] nanoseconds deadline_after(nanoseconds time) const
    {
        return now_ + std::clamp<nanoseconds>(time, nanoseconds{0}, longest_wait);
    }
    [[nodiscard]] static Error gone()
    {
        return Error{ErrorCode::disconnected, "the other end of the pipe is gone", {}, std::nullopt, {}, {}};
    }
    [[nodiscard]] static Error silence(std::string_view what, Timeout timeout)
    {
        return Error{ErrorCode::timed_out,
                     std::string{what},
                     fmt::format("waited {} ms", timeout.count()),
                     std::nullopt,
                     {},
                     {}};
    }

    /// Moves whole packets out of the inbox, as far as they fit.
    Result<Step> take(End& end, std::span<std::byte> into) const
    {
        Step step;
        while (!end.inbox.empty() && step.count < into.size() && !step.is_complete) {
            auto& front = end.inbox.front();
            const auto space = into.size() - step.count;
            auto count = std::min(front.left(), space);
            if (count < front.left()) {
                count -= count % packet_bytes_;
                if (count < space) {
                    return overflow(front.left(), into.size());
                }
            }
            std::ranges::copy_n(front.bytes.begin() + static_cast<std::ptrdiff_t>(front.taken),
                                static_cast<std::ptrdiff_t>(count),
                                into.begin() + static_cast<std::ptrdiff_t>(step.count));
            step.count += count;
            front.taken += count;
            end.inbox_bytes -= count;
            if (front.left() == 0) {
                const bool is_short = packet_bytes_ > 1 && front.bytes.size() % packet_bytes_ != 0;
                const bool is_zero_length = front.bytes.empty();
                end.inbox.pop_front();
                step.is_complete = is_short || is_zero_length;
            }
        }
        step.is_complete = step.is_complete || packet_bytes_ == 1;
        return step;
    }

    [[nodiscard]] Error overflow(std::size_t transfer, std::size_t asked) const
    {
        return malformed(
            ByteOffset{0}, "a read overflows: the packet is larger than what was asked for",
            fmt::format("a transfer of {} bytes in packets of {}, a read of {} bytes", transfer, packet_bytes_, asked));
    }

    [[nodiscard]] bool can_go_on(std::size_t index) const
    {
        const auto& end = ends_[index];
        switch (end.waiting) {
        case Waiting::no: return end.is_there;
        case Waiting::for_bytes: return !end.inbox.empty() || is_gone(index) || end.is_expired;
        case Waiting::for_room: return has_room(ends_[1 - index]) || is_gone(index) || end.is_expired;
        case Waiting::for_time: return end.is_expired || is_pulled_; // a pulled cable leaves nobody to move the clock
        }
        return true;
    }

    /// Where nobody can go on: the clock jumps, and one end has its time-out.
    void pass_time()
    {
        if (can_go_on(0) || can_go_on(1)) {
            return;
        }
        End* next = nullptr;
        // The phone first where both are due at once: it is then the same on every machine.
        for (const std::size_t index : {std::size_t{1}, std::size_t{0}}) {
            auto& end = ends_[index];
            if (end.waiting != Waiting::no && (next == nullptr || end.deadline < next->deadline)) {
                next = &end;
            }
        }
        if (next != nullptr) {
            now_ = std::max(now_, next->deadline);
            next->is_expired = true;
            changed_.notify_all();
        }
    }

    Outcome block(std::unique_lock<std::mutex>& lock, std::size_t index, Waiting waiting, nanoseconds deadline)
    {
        auto& end = ends_[index];
        end.waiting = waiting;
        end.deadline = deadline;
        end.is_expired = false;
        pass_time();
        changed_.wait(lock, [&] { return can_go_on(index); });
        const auto outcome = end.is_expired ? Outcome::timed_out : Outcome::can_go_on;
        end.waiting = Waiting::no;
        end.is_expired = false;
        return outcome;
    }

    const std::size_t packet_bytes_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::array<End, 2> ends_; ///< 0 the host's, 1 the phone's
    nanoseconds now_{};
    bool is_pulled_{false};
};

class PipeEnd final : public Transport {
public:
    PipeEnd(std::shared_ptr<Core> core, std::size_t index) : core_{std::move(core)}, index_{index} {}
    PipeEnd(const PipeEnd&) = delete;
    PipeEnd& operator=(const PipeEnd&) = delete;
    ~PipeEnd() override { core_->leave(index_); }

    Result<> write(ByteView bytes, Timeout timeout) override { return core_->write(index_, bytes, timeout); }
    Result<std::size_t> read_some(std::span<std::byte> into, Timeout timeout) override
    {
        if (into.empty()) {
            return invalid_argument("a read asks for no bytes");
        }
        return core_->read(index_, into, timeout);
    }
    [[nodiscard]] std::size_t packet_bytes() const noexcept override { return core_->packet_bytes(); }
    [[nodiscard]] std::string name() const override { return index_ == 0 ? "pipe (host)" : "pipe (phone)"; }

private:
    std::shared_ptr<Core> core_;
    std::size_t index_;
};

class PipeClock final : public Clock {
public:
    explicit PipeClock(std::shared_ptr<Core> core) : core_{std::move(core)} {}
    [[nodiscard]] nanoseconds now() const override { return core_->now(); }
    [[nodiscard]] std::chrono::seconds wall_time() const override
    {
        return first_wall_time + std::chrono::duration_cast<std::chrono::seconds>(core_->now());
    }

private:
    std::shared_ptr<Core> core_;
};

class PipeWaiter final : public Waiter {
public:
    explicit PipeWaiter(std::shared_ptr<Core> core) : core_{std::move(core)} {}
    void wait(nanoseconds time) override { core_->wait(1, time); }

private:
    std::shared_ptr<Core> core_;
};

} // namespace

Pipe make_pipe(std::size_t packet_bytes)
{
    const auto core = std::make_shared<Core>(packet_bytes);
    return {.host = std::make_unique<PipeEnd>(core, 0),
            .phone = std::make_unique<PipeEnd>(core, 1),
            .clock = std::make_shared<PipeClock>(core),
            .waiter = std::make_shared<PipeWaiter>(core),
            .pull = [core] { core->pull(); }};
}

} // namespace salvage::device
