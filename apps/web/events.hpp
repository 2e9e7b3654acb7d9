// Who listens to what changes.  A listener is told what changed, not how often: however slow it is, it holds up nobody
// and takes no more memory than there are jobs.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace salvage::web {

/// What changed since the last time.
struct Changes {
    std::set<std::string> jobs; ///< ids
    bool workplace{false};
    bool is_over{false}; ///< there will be no more

    [[nodiscard]] bool is_empty() const noexcept { return jobs.empty() && !workplace && !is_over; }
};

/// Thread safe.
class Hub {
public:
    static constexpr std::size_t max_listeners = 32;

    class Listener {
    public:
        explicit Listener(Hub& hub) : hub_{&hub} {}
        Listener(const Listener&) = delete;
        Listener& operator=(const Listener&) = delete;
        ~Listener();
        /// Waits until something changed or the time is over, and takes it.
        [[nodiscard]] Changes wait(std::chrono::milliseconds most);

    private:
        friend class Hub;
        Hub* hub_;
        Changes pending_;
    };

    /// Null: there are enough already.  The hub outlives it.
    [[nodiscard]] std::unique_ptr<Listener> listen();
    void job_changed(const std::string& id);
    void workplace_changed();
    /// Tells all listeners, the later ones too, that it is over.
    void close();

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Listener*> listeners_;
    bool is_closed_{false};
};

} // namespace salvage::web
