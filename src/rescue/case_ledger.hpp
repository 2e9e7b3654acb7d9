// What a case's log says of its files, taken together.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "rescue/log_reader.hpp"

namespace salvage::rescue {

// A case has some hundred files that its log names; more is no log of ours.
inline constexpr std::size_t max_named_files = 100'000;

/// A file's last word, and what was about to be written over it when the log ends.
struct Expected {
    std::optional<NamedFile> written;
    std::optional<NamedFile> planned;
};

class CaseLedger {
public:
    /// Records come in the log's order.
    void add(const LogRecord& record);

    [[nodiscard]] const std::map<std::string, Expected>& files() const noexcept { return files_; }
    /// Whether it lies in a folder that was being written when the log ends.
    [[nodiscard]] bool is_unfinished(std::string_view path) const;
    /// The log names more files than any case has; the rest is left out.
    [[nodiscard]] bool is_overfull() const noexcept { return is_overfull_; }

private:
    Expected* entry_of(const std::string& path);

    std::map<std::string, Expected> files_;
    std::set<std::string, std::less<>> open_folders_;
    bool is_overfull_{false};
};

} // namespace salvage::rescue
