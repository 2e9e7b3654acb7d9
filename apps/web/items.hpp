// Contacts, messages and what else the databases of the opened volume hold: read once, in the background.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

#include "item_shelf.hpp"
#include "workplace.hpp"

namespace salvage::web {

/// Thread safe.
class Items {
public:
    Items() = default;
    Items(const Items&) = delete;
    Items& operator=(const Items&) = delete;
    ~Items() = default;

    /// Begins to read where that volume has not been read.  Errors: io.
    [[nodiscard]] Result<std::shared_ptr<const ItemShelf>> get(const KnownPtr& known);
    /// Stops reading and lets go of the volume.
    void forget();

private:
    std::mutex changing_; ///< of what follows
    std::uint64_t number_{0};
    std::shared_ptr<ItemShelf> shelf_;
    std::jthread reader_;
};

} // namespace salvage::web
