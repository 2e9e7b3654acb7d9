// Progress that asks for a stop, for tests of what goes on where it was stopped.
#pragma once

#include <cstdint>
#include <stop_token>

#include "salvage/core/run_context.hpp"

namespace salvage::rescue {

/// Asks to stop when so many bytes are done.
class StopAt final : public Progress {
public:
    StopAt(std::stop_source& stop, std::uint64_t at) : stop_{&stop}, at_{at} {}
    void update(const ProgressUpdate& update) override
    {
        if (update.done >= at_) {
            stop_->request_stop();
        }
    }

private:
    std::stop_source* stop_;
    std::uint64_t at_;
};

} // namespace salvage::rescue
