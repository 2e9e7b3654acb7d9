// The last answer to a question that takes its time.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include "salvage/core/result.hpp"

namespace salvage::web {

/// Who asks while another's answer is being made waits for it.  Thread safe.
template <typename Value>
class Remembered {
public:
    /// What `make` gave for that number, or gives now; errors are not kept.
    template <typename Make>
    [[nodiscard]] Result<Value> get(std::uint64_t number, Make make)
    {
        const std::scoped_lock lock{mutex_};
        if (!value_ || number_ != number) {
            value_ = SALVAGE_TRY(make());
            number_ = number;
        }
        return *value_;
    }

private:
    std::mutex mutex_;
    std::uint64_t number_{0};
    std::optional<Value> value_;
};

} // namespace salvage::web
