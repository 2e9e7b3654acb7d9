// The phone's end of a pseudo terminal.
//
// While nobody holds the host's end, the kernel reports a hang-up and reads fail with EIO.  Before the first host that
// means "not plugged in yet" and is waited out; after one has been there it means that the host has gone.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "device/terminal.hpp"
#include "salvage/core/owned_descriptor.hpp"
#include "salvage/device/transport.hpp"

namespace salvage::device {
namespace {

using terminal::Ready;

// A hang-up cannot be waited for to end.
constexpr Timeout look_again{5};

class Master final : public Transport {
public:
    Master(OwnedDescriptor descriptor, std::string path) : descriptor_{std::move(descriptor)}, path_{std::move(path)} {}

    Result<> write(ByteView bytes, Timeout timeout) override
    {
        while (!bytes.empty()) {
            SALVAGE_TRY(wait(POLLOUT, timeout));
            const auto put = ::write(descriptor_.get(), bytes.data(), bytes.size());
            if (put < 0 && errno != EAGAIN && errno != EINTR) {
                return errno == EIO ? lost_host() : from_errno(errno, "writing failed", path_);
            }
            bytes = bytes.subspan(put > 0 ? static_cast<std::size_t>(put) : 0);
        }
        return {};
    }

    Result<std::size_t> read_some(std::span<std::byte> into, Timeout timeout) override
    {
        SALVAGE_TRY(wait(POLLIN, timeout));
        const auto got = ::read(descriptor_.get(), into.data(), into.size());
        if (got > 0) {
            return static_cast<std::size_t>(got);
        }
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return terminal::silent(path_, timeout);
        }
        return got == 0 || errno == EIO ? lost_host() : from_errno(errno, "reading failed", path_);
    }

    [[nodiscard]] std::size_t packet_bytes() const noexcept override { return 1; }
    [[nodiscard]] std::string name() const override { return path_; }

private:
    /// The next host may come: the terminal stays.
    Error lost_host()
    {
        has_host_ = false;
        return terminal::gone(path_);
    }

    [[nodiscard]] bool is_hung_up() const
    {
        pollfd asked{.fd = descriptor_.get(), .events = 0, .revents = 0};
        return ::poll(&asked, 1, 0) > 0 && (static_cast<unsigned>(asked.revents) & unsigned{POLLHUP}) != 0;
    }

    /// Errors: timed_out, disconnected (a host was there and is gone), io.
    Result<> wait(short events, Timeout timeout)
    {
        auto left = timeout;
        while (!has_host_ && is_hung_up()) {
            if (left <= Timeout{0}) {
                return terminal::silent(path_, timeout);
            }
            const auto pause = std::min(left, look_again);
            std::this_thread::sleep_for(pause);
            left -= pause;
        }
        has_host_ = true;
        const auto ready = SALVAGE_TRY(terminal::wait_for(descriptor_.get(), events, left, path_));
        if (ready == Ready::timed_out) {
            return terminal::silent(path_, timeout);
        }
        // What the host left unread is of no use to it; what it wrote before it went is read first.
        if (ready == Ready::hung_up || (events == POLLOUT && is_hung_up())) {
            return lost_host();
        }
        return {};
    }

    OwnedDescriptor descriptor_;
    std::string path_;
    bool has_host_{false};
};

} // namespace

Result<PseudoTerminal> open_pseudo_terminal()
{
    OwnedDescriptor master{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)};
    if (master.get() < 0 || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0) {
        return from_errno(errno, "no pseudo terminal can be opened", "/dev/ptmx");
    }
    std::array<char, 128> name{};
    if (::ptsname_r(master.get(), name.data(), name.size()) != 0) {
        return from_errno(errno, "the pseudo terminal has no name", "/dev/ptmx");
    }
    const std::string path{name.data()};
    {
        // Raw from the start, or the phone's first bytes are echoed back to it.
        const OwnedDescriptor slave{::open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
        if (slave.get() < 0) {
            return from_errno(errno, "the pseudo terminal cannot be opened", path);
        }
        SALVAGE_TRY(terminal::make_raw(slave.get(), path));
    }
    return PseudoTerminal{.phone = std::make_unique<Master>(std::move(master), path), .path = path};
}

} // namespace salvage::device
