#include "pipe.hpp"

#include <algorithm>
#include <utility>

#include "salvage/core/run_context.hpp"

namespace salvage::web {

Result<> Pipe::write(ByteView bytes)
{
    while (!bytes.empty()) {
        if (piece_.capacity() == 0) {
            piece_.reserve(piece_bytes);
        }
        const auto part = bytes.first(std::min(bytes.size(), piece_bytes - piece_.size()));
        piece_.insert(piece_.end(), part.begin(), part.end());
        bytes = bytes.subspan(part.size());
        if (piece_.size() == piece_bytes) {
            SALVAGE_TRY(hand_over());
        }
    }
    return {};
}

Result<> Pipe::hand_over()
{
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return is_abandoned_ || ready_.size() < max_pieces; });
    if (is_abandoned_) {
        return cancelled("sending to a client that has left");
    }
    ready_.push_back(std::exchange(piece_, Bytes{}));
    changed_.notify_all();
    return {};
}

void Pipe::finish(bool is_whole)
{
    const bool has_all_left = piece_.empty() || hand_over().has_value();
    const std::scoped_lock lock{mutex_};
    is_finished_ = true;
    is_whole_ = is_whole && has_all_left;
    changed_.notify_all();
}

std::optional<Bytes> Pipe::read()
{
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return is_finished_ || !ready_.empty(); });
    if (ready_.empty()) {
        return std::nullopt;
    }
    auto out = std::move(ready_.front());
    ready_.pop_front();
    changed_.notify_all();
    return out;
}

bool Pipe::is_whole() const
{
    const std::scoped_lock lock{mutex_};
    return is_whole_;
}

void Pipe::abandon()
{
    const std::scoped_lock lock{mutex_};
    is_abandoned_ = true;
    changed_.notify_all();
}

} // namespace salvage::web
