// Work that takes its time: a thread each, progress with rate and time left, pause and stop.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "salvage/core/run_context.hpp"

namespace salvage::web {

enum class JobKind : std::uint8_t { open, sample_phone, search, export_files, find };
enum class JobState : std::uint8_t { running, paused, stopped, done, failed };
[[nodiscard]] std::string_view to_string(JobKind kind) noexcept;
[[nodiscard]] std::string_view to_string(JobState state) noexcept;

/// A job as it stands.
struct JobView {
    std::string id{};
    JobKind kind{JobKind::open};
    JobState state{JobState::running};
    std::string title{};
    std::string step{};
    std::string unit{};
    std::uint64_t done{};
    std::optional<std::uint64_t> total{};
    std::optional<double> rate{}; ///< units a second, over the last seconds
    std::optional<double> seconds_left{};
    double seconds{};       ///< since it began
    bool can_resume{false}; ///< the same call goes on where it was
    std::vector<std::string> attacks{};
    std::optional<Error> error{};
    std::string result{}; ///< JSON, or empty
};

/// How fast numbers grow, from those of the last seconds.
class RateWindow {
public:
    void add(std::chrono::nanoseconds now, std::uint64_t done);
    void clear() { points_.clear(); }
    /// Nothing: there is not enough to tell.
    [[nodiscard]] std::optional<double> rate() const;

private:
    struct Point {
        std::chrono::nanoseconds at{};
        std::uint64_t done{};
    };
    std::deque<Point> points_;
};

/// What the work of a job is given.
class JobControl {
public:
    JobControl() = default;
    JobControl(const JobControl&) = delete;
    JobControl& operator=(const JobControl&) = delete;
    virtual ~JobControl() = default;
    /// Stops with the job, tells its progress.
    [[nodiscard]] virtual RunContext context() = 0;
    [[nodiscard]] virtual bool is_paused() const = 0;
    /// A result of work that then ends with an error: what a stopped search has tried.
    virtual void leave(std::string result) = 0;
};
/// Gives the job's result as JSON, or nothing of it.
using Work = std::function<Result<std::string>(JobControl&)>;

struct JobPlan {
    JobKind kind{JobKind::open};
    std::string title{};
    bool can_resume{false}; ///< once it is stopped
    std::vector<std::string> attacks{};
};

/// Thread safe.
class Jobs {
public:
    /// `changed` is called from any thread, and has to be quick.
    Jobs(Clock& clock, std::function<void(const std::string& id)> changed);
    Jobs(const Jobs&) = delete;
    Jobs& operator=(const Jobs&) = delete;
    ~Jobs();

    [[nodiscard]] std::string start(JobPlan plan, Work work);
    /// Like start(), but nothing where a job of that kind goes on.  Takes the place of one that has ended and was begun
    /// with the same plan.
    [[nodiscard]] std::optional<std::string> start_alone(JobPlan plan, Work work);
    /// A job of an earlier run.  Its id is given here.
    void remember(JobView view);
    [[nodiscard]] std::vector<JobView> list() const; ///< the newest first
    [[nodiscard]] std::optional<JobView> find(const std::string& id) const;
    [[nodiscard]] bool is_under_way(JobKind kind) const;

    /// Errors: not_found; invalid_argument (it has ended; it cannot be paused).
    [[nodiscard]] Result<JobView> pause(const std::string& id);
    [[nodiscard]] Result<JobView> resume(const std::string& id);
    [[nodiscard]] Result<JobView> stop(const std::string& id);
    /// Asks all to stop and waits until they have, and those that they began meanwhile, too.  Not from a job.
    void stop_all();
    /// Drops those that have ended.
    void forget_ended();

private:
    class Job;
    [[nodiscard]] std::string start_locked(JobPlan plan, Work work);
    [[nodiscard]] std::shared_ptr<Job> held(const std::string& id) const;
    [[nodiscard]] Result<JobView> set_paused(const std::string& id, bool is_paused);

    Clock* clock_;
    std::function<void(const std::string&)> changed_;
    mutable std::mutex mutex_;
    std::list<std::shared_ptr<Job>> jobs_; ///< the newest first
    std::uint64_t next_{1};
};

} // namespace salvage::web
