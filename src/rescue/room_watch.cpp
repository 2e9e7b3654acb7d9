#include "rescue/room_watch.hpp"

#include <chrono>
#include <cstdint>
#include <system_error>
#include <utility>

namespace salvage::rescue {
namespace {

// What a program writes between two looks at 3 GB/s.
constexpr std::uintmax_t least_room = 64U << 20U;
constexpr std::chrono::milliseconds between_looks{20};

} // namespace

RoomWatch::RoomWatch(std::filesystem::path folder, const RunContext& outer)
    : folder_{std::move(folder)}, outer_{outer.stop}, inner_{outer}
{
    inner_.stop = stop_.get_token();
    thread_ = std::jthread{[this](const std::stop_token& ended) { watch(ended); }};
}

void RoomWatch::watch(const std::stop_token& ended)
{
    while (!ended.stop_requested()) {
        std::error_code problem;
        const auto space = std::filesystem::space(folder_, problem);
        is_full_ = is_full_ || (!problem && space.available < least_room);
        if (is_full_ || outer_.stop_requested()) {
            stop_.request_stop();
            return;
        }
        std::this_thread::sleep_for(between_looks);
    }
}

} // namespace salvage::rescue
