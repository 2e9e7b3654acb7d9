// Terminals as pipes of bytes.
#include "device/terminal.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <fmt/format.h>

namespace salvage::device::terminal {

Result<> make_raw(int descriptor, const std::string& path)
{
    termios settings{};
    if (::tcgetattr(descriptor, &settings) != 0) {
        return from_errno(errno, "this is no terminal device", path);
    }
    ::cfmakeraw(&settings);
    // The speed means nothing over USB; this is what a preloader is used to be asked for.
    ::cfsetspeed(&settings, B921600);
    settings.c_cflag |= static_cast<tcflag_t>(CLOCAL | CREAD);
    settings.c_cflag &= ~static_cast<tcflag_t>(CSTOPB | CRTSCTS);
    settings.c_cc[VMIN] = 0;
    settings.c_cc[VTIME] = 0;
    if (::tcsetattr(descriptor, TCSANOW, &settings) != 0) {
        return from_errno(errno, "the terminal device cannot be set up", path);
    }
    return {};
}

Result<Ready> wait_for(int descriptor, short events, Timeout timeout, const std::string& path)
{
    pollfd wanted{.fd = descriptor, .events = events, .revents = 0};
    constexpr std::int64_t longest = std::numeric_limits<int>::max();
    const auto patience = static_cast<int>(std::clamp<std::int64_t>(timeout.count(), 0, longest));
    const auto count = ::poll(&wanted, 1, patience);
    if (count < 0 && errno != EINTR) {
        return from_errno(errno, "waiting for the terminal device failed", path);
    }
    // A signal: whoever waits looks at its stop token and waits again.
    if (count <= 0) {
        return Ready::timed_out;
    }
    const auto found = static_cast<unsigned>(wanted.revents);
    if ((found & static_cast<unsigned>(events)) != 0) {
        return Ready::ready;
    }
    return Ready::hung_up;
}

Error gone(const std::string& path)
{
    return Error{ErrorCode::disconnected, "the other end of the terminal device is gone", path, std::nullopt, {}, {}};
}

Error silent(const std::string& path, Timeout timeout)
{
    return Error{ErrorCode::timed_out,
                 "the terminal device is silent",
                 fmt::format("{}: waited {} ms", path, timeout.count()),
                 std::nullopt,
                 {},
                 {}};
}

} // namespace salvage::device::terminal
