// Jobs and their numbers.
#include "jobs.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::web {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_kept = 100;
constexpr std::chrono::nanoseconds window = 15s;
constexpr std::chrono::nanoseconds between_points = 200ms;
constexpr std::chrono::nanoseconds between_news = 200ms;

double seconds_of(std::chrono::nanoseconds time)
{
    return std::chrono::duration<double>(time).count();
}

bool is_ended(JobState state) noexcept
{
    return state != JobState::running && state != JobState::paused;
}

} // namespace

std::string_view to_string(JobKind kind) noexcept
{
    switch (kind) {
    case JobKind::open: return "open";
    case JobKind::sample_phone: return "sample-phone";
    case JobKind::search: return "search";
    case JobKind::export_files: return "export";
    case JobKind::find: return "find";
    }
    return "open";
}

std::string_view to_string(JobState state) noexcept
{
    switch (state) {
    case JobState::running: return "running";
    case JobState::paused: return "paused";
    case JobState::stopped: return "stopped";
    case JobState::done: return "done";
    case JobState::failed: return "failed";
    }
    return "failed";
}

void RateWindow::add(std::chrono::nanoseconds now, std::uint64_t done)
{
    if (!points_.empty() && done < points_.back().done) {
        points_.clear();
    }
    if (!points_.empty() && now - points_.back().at < between_points) {
        return;
    }
    points_.push_back({.at = now, .done = done});
    while (points_.size() > 2 && now - points_.front().at > window) {
        points_.pop_front();
    }
}

std::optional<double> RateWindow::rate() const
{
    if (points_.size() < 2) {
        return std::nullopt;
    }
    const auto time = seconds_of(points_.back().at - points_.front().at);
    return static_cast<double>(points_.back().done - points_.front().done) / time;
}

class Jobs::Job final : public JobControl, public Progress {
public:
    Job(std::string id, JobPlan plan, Clock& clock, const std::function<void(const std::string&)>& changed)
        : clock_{&clock}, changed_{&changed}, begun_{clock.now()}
    {
        view_.id = std::move(id);
        view_.kind = plan.kind;
        view_.title = std::move(plan.title);
        view_.attacks = std::move(plan.attacks);
        can_resume_ = plan.can_resume;
    }
    explicit Job(JobView view, Clock& clock, const std::function<void(const std::string&)>& changed)
        : clock_{&clock}, changed_{&changed}, begun_{clock.now()}, view_{std::move(view)}
    {
    }
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;
    ~Job() override
    {
        stop_.request_stop();
        join();
    }

    void run(Work work)
    {
        thread_ = std::thread{[this, work = std::move(work)] { end(outcome_of(work)); }};
    }
    void join()
    {
        const std::scoped_lock lock{join_mutex_};
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    [[nodiscard]] RunContext context() override
    {
        RunContext out;
        out.clock = clock_;
        out.progress = this;
        out.stop = stop_.get_token();
        return out;
    }
    [[nodiscard]] bool is_paused() const override { return is_paused_; }
    void leave(std::string result) override
    {
        const std::scoped_lock lock{mutex_};
        view_.result = std::move(result);
    }

    void update(const ProgressUpdate& update) override
    {
        {
            const std::scoped_lock lock{mutex_};
            const auto now = clock_->now();
            const bool is_new_step = view_.step != update.step;
            if (is_new_step) {
                view_.step = update.step;
                view_.unit = update.unit;
                rates_.clear();
            }
            view_.done = update.done;
            view_.total = update.total;
            if (!is_paused_) {
                rates_.add(now, update.done);
            }
            if (!is_new_step && now - told_ < between_news) {
                return;
            }
            told_ = now;
        }
        tell();
    }

    [[nodiscard]] JobView view() const
    {
        const std::scoped_lock lock{mutex_};
        auto out = view_;
        if (!is_ended(out.state)) {
            out.seconds = seconds_of(clock_->now() - begun_);
        }
        if (out.state == JobState::running) {
            out.rate = rates_.rate();
            if (out.rate && *out.rate > 0 && out.total && *out.total >= out.done) {
                out.seconds_left = static_cast<double>(*out.total - out.done) / *out.rate;
            }
        }
        return out;
    }
    [[nodiscard]] bool has_ended() const
    {
        const std::scoped_lock lock{mutex_};
        return is_ended(view_.state);
    }

    Result<> set_paused(bool is_paused)
    {
        {
            const std::scoped_lock lock{mutex_};
            if (is_ended(view_.state)) {
                return invalid_argument("this has ended", "there is nothing to pause or to go on with",
                                        "begin it again; what was done is kept where it can be");
            }
            if (view_.kind != JobKind::search) {
                return invalid_argument("only a search can be paused", "everything else can be stopped");
            }
            is_paused_ = is_paused;
            view_.state = is_paused ? JobState::paused : JobState::running;
            rates_.clear();
        }
        tell();
        return {};
    }
    void request_stop()
    {
        stop_.request_stop();
        is_paused_ = false; // a paused search looks at its stop when it goes on
    }

private:
    Result<std::string> outcome_of(const Work& work)
    {
        try {
            return work(*this);
        } catch (const std::bad_alloc&) {
            return Error{ErrorCode::io, "there is not enough memory for this", {}, std::nullopt, {}, {}};
        } catch (const std::exception& error) {
            return Error{ErrorCode::internal, "a fault of this program", error.what(), std::nullopt, {}, {}};
        }
    }
    void end(Result<std::string> outcome)
    {
        {
            const std::scoped_lock lock{mutex_};
            view_.seconds = seconds_of(clock_->now() - begun_);
            if (outcome.has_value()) {
                view_.state = JobState::done;
                view_.result = *std::move(outcome);
            } else if (outcome.error().code == ErrorCode::cancelled) {
                view_.state = JobState::stopped;
            } else {
                view_.state = JobState::failed;
                view_.error = std::move(outcome).error();
            }
            view_.can_resume = can_resume_ && view_.state == JobState::stopped;
        }
        tell();
    }
    void tell() { (*changed_)(view_.id); } // the id never changes

    Clock* clock_;
    const std::function<void(const std::string&)>* changed_;
    std::chrono::nanoseconds begun_;
    std::stop_source stop_;
    std::atomic<bool> is_paused_{false};
    bool can_resume_{false};
    mutable std::mutex mutex_; ///< of what follows
    JobView view_;
    RateWindow rates_;
    std::chrono::nanoseconds told_{};
    std::mutex join_mutex_;
    std::thread thread_;
};

Jobs::Jobs(Clock& clock, std::function<void(const std::string&)> changed) : clock_{&clock}, changed_{std::move(changed)}
{
}

Jobs::~Jobs()
{
    stop_all();
}

std::string Jobs::start_locked(JobPlan plan, Work work)
{
    const auto job = std::make_shared<Job>(fmt::format("{}", next_++), std::move(plan), *clock_, changed_);
    jobs_.push_front(job);
    job->run(std::move(work));
    // The oldest that have ended make room.
    for (auto it = jobs_.end(); jobs_.size() > max_kept && it != jobs_.begin();) {
        --it;
        if ((*it)->has_ended()) {
            it = jobs_.erase(it);
        }
    }
    return job->view().id;
}

std::string Jobs::start(JobPlan plan, Work work)
{
    std::string id;
    {
        const std::scoped_lock lock{mutex_};
        id = start_locked(std::move(plan), std::move(work));
    }
    changed_(id);
    return id;
}

std::optional<std::string> Jobs::start_alone(JobPlan plan, Work work)
{
    std::string id;
    {
        const std::scoped_lock lock{mutex_};
        const auto is_same = [&plan](const auto& job) { return job->view().kind == plan.kind && !job->has_ended(); };
        if (std::ranges::any_of(jobs_, is_same)) {
            return std::nullopt;
        }
        // What ended and is begun again goes on under its new number.
        std::erase_if(jobs_, [&plan](const auto& job) {
            const auto view = job->view();
            return view.kind == plan.kind && view.title == plan.title && view.attacks == plan.attacks &&
                   job->has_ended();
        });
        id = start_locked(std::move(plan), std::move(work));
    }
    changed_(id);
    return id;
}

void Jobs::remember(JobView view)
{
    std::string id;
    {
        const std::scoped_lock lock{mutex_};
        id = view.id = fmt::format("{}", next_++);
        jobs_.push_front(std::make_shared<Job>(std::move(view), *clock_, changed_));
    }
    changed_(id);
}

std::vector<JobView> Jobs::list() const
{
    const std::scoped_lock lock{mutex_};
    std::vector<JobView> out;
    out.reserve(jobs_.size());
    for (const auto& job : jobs_) {
        out.push_back(job->view());
    }
    return out;
}

std::shared_ptr<Jobs::Job> Jobs::held(const std::string& id) const
{
    const std::scoped_lock lock{mutex_};
    const auto found = std::ranges::find_if(jobs_, [&id](const auto& job) { return job->view().id == id; });
    return found == jobs_.end() ? nullptr : *found;
}

std::optional<JobView> Jobs::find(const std::string& id) const
{
    const auto job = held(id);
    return job ? std::optional{job->view()} : std::nullopt;
}

bool Jobs::is_under_way(JobKind kind) const
{
    const std::scoped_lock lock{mutex_};
    return std::ranges::any_of(jobs_,
                               [kind](const auto& job) { return job->view().kind == kind && !job->has_ended(); });
}

namespace {

Error no_such_job(const std::string& id)
{
    return not_found(fmt::format("there is no job {}", printable(id)), "it may be of an earlier start of the server");
}

} // namespace

Result<JobView> Jobs::set_paused(const std::string& id, bool is_paused)
{
    const auto job = held(id);
    if (!job) {
        return no_such_job(id);
    }
    SALVAGE_TRY(job->set_paused(is_paused));
    return job->view();
}

Result<JobView> Jobs::pause(const std::string& id)
{
    return set_paused(id, true);
}

Result<JobView> Jobs::resume(const std::string& id)
{
    return set_paused(id, false);
}

Result<JobView> Jobs::stop(const std::string& id)
{
    const auto job = held(id);
    if (!job) {
        return no_such_job(id);
    }
    if (!job->has_ended()) {
        job->request_stop();
        job->join(); // ends with a checkpoint, within a batch
    }
    return job->view();
}

void Jobs::stop_all()
{
    while (true) {
        std::vector<std::shared_ptr<Job>> all;
        {
            const std::scoped_lock lock{mutex_};
            std::ranges::copy_if(jobs_, std::back_inserter(all), [](const auto& job) { return !job->has_ended(); });
        }
        if (all.empty()) {
            return;
        }
        for (const auto& job : all) {
            job->request_stop();
        }
        for (const auto& job : all) {
            job->join();
        }
    }
}

void Jobs::forget_ended()
{
    const std::scoped_lock lock{mutex_};
    std::erase_if(jobs_, [](const auto& job) { return job->has_ended(); });
}

} // namespace salvage::web
