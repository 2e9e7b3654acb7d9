// Files and folders that were named to be downloaded together.
#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/result.hpp"

namespace salvage::web {

struct Selection {
    std::vector<std::string> paths; ///< decoded
    bool is_deleted{false};
};

/// Keeps the newest.  Thread safe.
class Selections {
public:
    static constexpr std::size_t max_kept = 100;

    void add(std::string id, Selection selection)
    {
        const std::scoped_lock lock{mutex_};
        kept_.emplace_front(std::move(id), std::move(selection));
        if (kept_.size() > max_kept) {
            kept_.pop_back();
        }
    }
    [[nodiscard]] std::optional<Selection> find(const std::string& id) const
    {
        const std::scoped_lock lock{mutex_};
        for (const auto& [known, selection] : kept_) {
            if (known == id) {
                return selection;
            }
        }
        return std::nullopt;
    }

private:
    mutable std::mutex mutex_;
    std::list<std::pair<std::string, Selection>> kept_;
};

} // namespace salvage::web
