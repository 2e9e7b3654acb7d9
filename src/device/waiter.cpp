// Waiting in real time.
#include <thread>

#include "salvage/device/transport.hpp"

namespace salvage::device {
namespace {

class RealWaiter final : public Waiter {
public:
    void wait(std::chrono::nanoseconds time) override { std::this_thread::sleep_for(time); }
};

} // namespace

Waiter& real_waiter() noexcept
{
    static RealWaiter waiter;
    return waiter;
}

} // namespace salvage::device
