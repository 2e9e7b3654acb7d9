// Serial ports: a phone's /dev/ttyACM*, or the host's end of a pseudo terminal.
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device/terminal.hpp"
#include "salvage/core/owned_descriptor.hpp"
#include "salvage/device/transport.hpp"

namespace salvage::device {
namespace {

using terminal::Ready;

class SerialPort final : public Transport {
public:
    SerialPort(OwnedDescriptor descriptor, std::string path)
        : descriptor_{std::move(descriptor)}, path_{std::move(path)}
    {
    }

    Result<> write(ByteView bytes, Timeout timeout) override
    {
        while (!bytes.empty()) {
            const auto ready = SALVAGE_TRY(terminal::wait_for(descriptor_.get(), POLLOUT, timeout, path_));
            if (ready == Ready::timed_out) {
                return terminal::silent(path_, timeout);
            }
            if (ready == Ready::hung_up) {
                return terminal::gone(path_);
            }
            const auto put = ::write(descriptor_.get(), bytes.data(), bytes.size());
            if (put < 0 && errno != EAGAIN && errno != EINTR) {
                return failure("writing failed");
            }
            bytes = bytes.subspan(put > 0 ? static_cast<std::size_t>(put) : 0);
        }
        return {};
    }

    Result<std::size_t> read_some(std::span<std::byte> into, Timeout timeout) override
    {
        const auto ready = SALVAGE_TRY(terminal::wait_for(descriptor_.get(), POLLIN, timeout, path_));
        if (ready == Ready::timed_out) {
            return terminal::silent(path_, timeout);
        }
        const auto got = ready == Ready::ready ? ::read(descriptor_.get(), into.data(), into.size()) : 0;
        if (got < 0) {
            return errno == EAGAIN || errno == EINTR ? terminal::silent(path_, timeout) : failure("reading failed");
        }
        // Ready and nothing there: the device was unplugged.
        return got == 0 ? Result<std::size_t>{terminal::gone(path_)} : static_cast<std::size_t>(got);
    }

    [[nodiscard]] std::size_t packet_bytes() const noexcept override { return 1; }
    [[nodiscard]] std::string name() const override { return path_; }

private:
    [[nodiscard]] Error failure(std::string_view what) const
    {
        const bool is_gone = errno == EIO || errno == ENODEV || errno == ENXIO || errno == EPIPE;
        return is_gone ? terminal::gone(path_) : from_errno(errno, what, path_);
    }

    OwnedDescriptor descriptor_;
    std::string path_;
};

Error open_error(int number, const std::string& path)
{
    auto error = from_errno(number, "the serial port cannot be opened", path);
    switch (number) {
    case ENOENT:
    case ENODEV:
    case ENXIO: error.code = ErrorCode::not_found; return error;
    case EBUSY:
        error.code = ErrorCode::already_exists;
        return std::move(error).with_hint(
            "another program holds it, ModemManager perhaps: close it, or install tools/udev/70-salvage.rules");
    case EACCES:
    case EPERM:
        return std::move(error).with_hint(
            "add yourself to the group dialout (sudo adduser $USER dialout, then log in again), or install "
            "tools/udev/70-salvage.rules");
    default: return error;
    }
}

} // namespace

Result<std::unique_ptr<Transport>> open_serial(const std::string& path)
{
    // Without O_NONBLOCK the open may wait for a carrier that never comes.
    OwnedDescriptor descriptor{::open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)};
    if (descriptor.get() < 0) {
        return open_error(errno, path);
    }
    SALVAGE_TRY(terminal::make_raw(descriptor.get(), path));
    // So that nobody else opens it now, except root.
    if (::ioctl(descriptor.get(), TIOCEXCL) != 0) {
        return from_errno(errno, "the serial port cannot be held exclusively", path);
    }
    return std::make_unique<SerialPort>(std::move(descriptor), path);
}

} // namespace salvage::device
