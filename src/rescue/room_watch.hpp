// Stops another program before it has filled the medium.
#pragma once

#include <atomic>
#include <filesystem>
#include <stop_token>
#include <thread>

#include "salvage/core/run_context.hpp"

namespace salvage::rescue {

/// While it lives, looks how much room there is where `folder` is.  PhotoRec on a full medium asks a person for another
/// folder and waits; nobody is there to answer.
class RoomWatch {
public:
    /// `folder` exists.  Stops, too, when `outer` is stopped.
    RoomWatch(std::filesystem::path folder, const RunContext& outer);
    RoomWatch(const RoomWatch&) = delete;
    RoomWatch& operator=(const RoomWatch&) = delete;
    ~RoomWatch() = default;

    /// `outer`, but stopped when there is no more room.
    [[nodiscard]] const RunContext& context() const noexcept { return inner_; }
    [[nodiscard]] bool is_full() const noexcept { return is_full_; }

private:
    void watch(const std::stop_token& ended);

    std::filesystem::path folder_;
    std::stop_token outer_;
    std::stop_source stop_;
    RunContext inner_;
    std::atomic<bool> is_full_{false};
    std::jthread thread_; // the last: it uses the others
};

} // namespace salvage::rescue
