// The terminal without line buffering and echo, given back as it was.
#include "keys.hpp"

#include <thread>
#include <utility>

#include <poll.h>
#include <termios.h>
#include <unistd.h>

namespace salvage::cli {
namespace {

constexpr int poll_milliseconds = 100;

class TerminalKeys final : public KeyWatcher {
public:
    explicit TerminalKeys(std::function<void(char)> on_key) : on_key_{std::move(on_key)}
    {
        tcgetattr(STDIN_FILENO, &before_);
        auto raw = before_;
        raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO); // Ctrl-C stays a signal
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
        reader_ = std::jthread{[this](const std::stop_token& stop) { read_keys(stop); }};
    }
    TerminalKeys(const TerminalKeys&) = delete;
    TerminalKeys& operator=(const TerminalKeys&) = delete;
    ~TerminalKeys() override
    {
        reader_.request_stop();
        reader_.join();
        tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    }

private:
    void read_keys(const std::stop_token& stop)
    {
        while (!stop.stop_requested()) {
            pollfd waiting{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
            if (poll(&waiting, 1, poll_milliseconds) <= 0) {
                continue;
            }
            char key = 0;
            if (read(STDIN_FILENO, &key, 1) != 1) {
                return; // the terminal is gone
            }
            on_key_(key);
        }
    }

    std::function<void(char)> on_key_;
    termios before_{};
    std::jthread reader_;
};

} // namespace

std::unique_ptr<KeyWatcher> KeyWatcher::make(std::function<void(char)> on_key)
{
    const bool is_ours =
        isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 && tcgetpgrp(STDIN_FILENO) == getpgrp();
    return is_ours ? std::make_unique<TerminalKeys>(std::move(on_key)) : nullptr;
}

} // namespace salvage::cli
