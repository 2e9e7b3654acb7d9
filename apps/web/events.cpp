#include "events.hpp"

#include <utility>

namespace salvage::web {

Hub::Listener::~Listener()
{
    const std::scoped_lock lock{hub_->mutex_};
    std::erase(hub_->listeners_, this);
}

Changes Hub::Listener::wait(std::chrono::milliseconds most)
{
    std::unique_lock lock{hub_->mutex_};
    hub_->changed_.wait_for(lock, most, [this] { return !pending_.is_empty(); });
    return std::exchange(pending_, Changes{.jobs = {}, .workplace = false, .is_over = pending_.is_over});
}

std::unique_ptr<Hub::Listener> Hub::listen()
{
    auto out = std::make_unique<Listener>(*this); // before the lock: where it is not wanted, its end takes the lock
    const std::scoped_lock lock{mutex_};
    if (listeners_.size() >= max_listeners) {
        return nullptr;
    }
    out->pending_.is_over = is_closed_;
    listeners_.push_back(out.get());
    return out;
}

void Hub::job_changed(const std::string& id)
{
    const std::scoped_lock lock{mutex_};
    for (auto* const listener : listeners_) {
        listener->pending_.jobs.insert(id);
    }
    changed_.notify_all();
}

void Hub::workplace_changed()
{
    const std::scoped_lock lock{mutex_};
    for (auto* const listener : listeners_) {
        listener->pending_.workplace = true;
    }
    changed_.notify_all();
}

void Hub::close()
{
    const std::scoped_lock lock{mutex_};
    is_closed_ = true;
    for (auto* const listener : listeners_) {
        listener->pending_.is_over = true;
    }
    changed_.notify_all();
}

} // namespace salvage::web
