// Single keys that a person presses while a search runs.
#pragma once

#include <functional>
#include <memory>

namespace salvage::cli {

/// Reads keys from the terminal, without waiting for Enter, while it lives.
class KeyWatcher {
public:
    /// `on_key` is called from its own thread.  Null where standard input or error is no terminal, or another job has
    /// the terminal.
    [[nodiscard]] static std::unique_ptr<KeyWatcher> make(std::function<void(char)> on_key);

    KeyWatcher() = default;
    KeyWatcher(const KeyWatcher&) = delete;
    KeyWatcher& operator=(const KeyWatcher&) = delete;
    virtual ~KeyWatcher() = default; ///< the terminal is as it was before
};

} // namespace salvage::cli
