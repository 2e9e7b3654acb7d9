// A USB gadget through FunctionFS: descriptors and control requests on ep0, bulk data on ep1 … epN.
#include "salvage/device/function_fs.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/usb/functionfs.h>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>

#include "device/phone/gadget_descriptors.hpp"
#include "salvage/core/owned_descriptor.hpp"

namespace salvage::device {
namespace {

namespace fs = std::filesystem;

Result<OwnedDescriptor> open_endpoint(const fs::path& path)
{
    const int value = ::open(path.c_str(), O_RDWR | O_CLOEXEC); // NOLINT(cppcoreguidelines-pro-type-vararg): POSIX.
    if (value < 0) {
        return from_errno(errno, "the gadget's endpoint cannot be opened", path.string())
            .with_hint("prepare the gadget as root with tools/gadget.sh");
    }
    return OwnedDescriptor{value};
}

Result<> write_whole(int descriptor, ByteView bytes, const fs::path& path)
{
    const auto written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 || static_cast<std::size_t>(written) != bytes.size()) {
        return from_errno(written < 0 ? errno : EIO, "the kernel does not take what was written", path.string());
    }
    return {};
}

/// Answers what a host asks on ep0: what it sends is taken, what it asks for is refused.
class ControlRequests {
public:
    explicit ControlRequests(int ep0) : thread_{[ep0](const std::stop_token& stop) { serve(ep0, stop); }} {}

private:
    static void serve(int ep0, const std::stop_token& stop)
    {
        constexpr int look_at_stop_ms = 50;
        while (!stop.stop_requested()) {
            pollfd waiting{.fd = ep0, .events = POLLIN, .revents = 0};
            if (::poll(&waiting, 1, look_at_stop_ms) <= 0) {
                continue;
            }
            usb_functionfs_event event{};
            if (::read(ep0, &event, sizeof event) == static_cast<ssize_t>(sizeof event) &&
                event.type == FUNCTIONFS_SETUP) {
                answer(ep0, event.u.setup); // NOLINT(cppcoreguidelines-pro-type-union-access): the kernel's own struct
            }
        }
    }

    static void answer(int ep0, const usb_ctrlrequest& request)
    {
        std::array<std::byte, 64> data{};
        const auto length = std::min<std::size_t>(request.wLength, data.size());
        const bool is_from_host = (request.bRequestType & USB_DIR_IN) == 0;
        // The wrong direction on ep0 is how FunctionFS is told to stall.
        const auto done = is_from_host ? ::read(ep0, data.data(), length) : ::read(ep0, data.data(), 0);
        static_cast<void>(done); // the host hears of it
    }

    std::jthread thread_;
};

Error endpoint_error(int number, std::string_view what, const std::string& name)
{
    auto error = from_errno(number, what, name);
    if (number == ESHUTDOWN || number == ENODEV || number == ECONNRESET || number == EIO) {
        error.code = ErrorCode::disconnected;
    }
    return error;
}

/// Pulls the cable.
void unplug(const fs::path& udc)
{
    const auto file = open_endpoint(udc);
    if (file.has_value()) {
        ignore(write_whole(file->get(), as_bytes("\n"), udc), "closing the endpoints pulls the cable, too");
    }
}

/// What the host has sent, packet by packet.  A phone's hardware always listens, so somebody has to read all the time:
/// also the empty packet that a host sends behind an upload.
class Inbox {
public:
    explicit Inbox(std::string name) : name_{std::move(name)} {}

    /// Runs on a thread of its own until the cable is pulled.
    void listen(int endpoint)
    {
        std::array<std::byte, high_speed_packet> packet{};
        for (;;) {
            // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): each turn gives its lock back.
            const auto got = ::read(endpoint, packet.data(), packet.size());
            const auto number = got < 0 ? errno : 0;
            std::unique_lock lock{mutex_};
            if (number == ESHUTDOWN && !has_heard_ && !is_closed_) {
                // FunctionFS sets up its endpoints once per interface and shuts the last ones down each time: a read
                // that came between two interfaces fails, the next one waits for the host.
                changed_.wait_for(lock, before_next_read, [this] { return is_closed_; });
                continue;
            }
            if (got < 0 && number != EINTR) {
                failure_ = number;
                changed_.notify_all();
                return;
            }
            if (got > 0) {
                has_heard_ = true;
                packets_.emplace_back(packet.begin(), packet.begin() + got);
                changed_.notify_all();
                changed_.wait(lock, [this] { return packets_.size() < max_packets || is_closed_; });
            }
            if (is_closed_) {
                return;
            }
        }
    }

    void close()
    {
        const std::scoped_lock lock{mutex_};
        is_closed_ = true;
        changed_.notify_all();
    }

    /// Whole packets up to the end of a transfer, as far as `into` holds them.
    Result<std::size_t> take(std::span<std::byte> into, Timeout timeout)
    {
        std::unique_lock lock{mutex_};
        if (!changed_.wait_for(lock, timeout, [this] { return !packets_.empty() || failure_ != 0 || is_closed_; })) {
            return Error{ErrorCode::timed_out, "the host is silent", name_, std::nullopt, {}, {}};
        }
        if (packets_.empty()) {
            return endpoint_error(failure_ != 0 ? failure_ : ESHUTDOWN, "nothing could be read from the host", name_);
        }
        std::size_t taken = 0;
        bool is_end = false;
        while (!packets_.empty() && !is_end && packets_.front().size() <= into.size() - taken) {
            const auto& packet = packets_.front();
            std::ranges::copy(packet, into.begin() + static_cast<std::ptrdiff_t>(taken));
            taken += packet.size();
            is_end = packet.size() < high_speed_packet;
            packets_.pop_front();
        }
        changed_.notify_all();
        if (taken == 0) {
            return malformed(ByteOffset{0}, "the host's packet is larger than what is asked for", name_);
        }
        return taken;
    }

private:
    static constexpr std::size_t max_packets = 8192; // 4 MiB; then the host has to wait
    static constexpr std::chrono::milliseconds before_next_read{10};

    std::string name_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Bytes> packets_;
    int failure_{0};
    bool has_heard_{false};
    bool is_closed_{false};
};

class GadgetTransport final : public Transport {
public:
    GadgetTransport(fs::path udc, OwnedDescriptor ep0, OwnedDescriptor in, OwnedDescriptor out, const std::string& name,
                    const std::stop_token& stop)
        : udc_{std::move(udc)}, ep0_{std::move(ep0)}, in_{std::move(in)}, name_{name},
          inbox_{std::make_shared<Inbox>(name)}, control_{ep0_.get()}, on_stop_{stop, [this] { pull(); }}
    {
        // Not joined: before a host has come, the kernel lets nobody out of the read.  The thread owns what it needs.
        std::thread{[inbox = inbox_, endpoint = std::make_shared<OwnedDescriptor>(std::move(out))] {
            inbox->listen(endpoint->get());
        }}.detach();
    }
    GadgetTransport(const GadgetTransport&) = delete;
    GadgetTransport& operator=(const GadgetTransport&) = delete;
    ~GadgetTransport() override { pull(); }

    Result<> write(ByteView bytes, Timeout /*timeout*/) override
    {
        const auto written = ::write(in_.get(), bytes.data(), bytes.size());
        if (written < 0 || static_cast<std::size_t>(written) != bytes.size()) {
            return endpoint_error(written < 0 ? errno : EIO, "the host does not take what is sent", name_);
        }
        return {};
    }

    Result<std::size_t> read_some(std::span<std::byte> into, Timeout timeout) override
    {
        return inbox_->take(into, timeout);
    }

    [[nodiscard]] std::size_t packet_bytes() const noexcept override { return high_speed_packet; }
    [[nodiscard]] std::string name() const override { return name_; }

private:
    void pull()
    {
        inbox_->close();
        unplug(udc_);
    }

    fs::path udc_;
    OwnedDescriptor ep0_;
    OwnedDescriptor in_;
    std::string name_;
    std::shared_ptr<Inbox> inbox_;
    ControlRequests control_;
    std::stop_callback<std::function<void()>> on_stop_;
};

/// The first USB device controller of this machine.
Result<std::string> first_udc()
{
    std::error_code problem;
    const fs::directory_iterator at{"/sys/class/udc", problem};
    if (problem || at == fs::directory_iterator{}) {
        return not_found("this machine has no USB device controller", "/sys/class/udc is empty",
                         "modprobe dummy_hcd makes one that is plugged into this machine itself");
    }
    return at->path().filename().string();
}

Result<> plug(const fs::path& udc)
{
    const auto name = SALVAGE_TRY(first_udc());
    const auto file = SALVAGE_TRY(open_endpoint(udc));
    return write_whole(file.get(), as_bytes(name), udc);
}

} // namespace

Result<std::unique_ptr<Transport>> open_function_fs(const FunctionFsPlace& place, GadgetKind kind,
                                                    const std::stop_token& stop)
{
    const auto ep0_path = place.mount / "ep0";
    auto ep0 = SALVAGE_TRY(open_endpoint(ep0_path));
    SALVAGE_TRY(write_whole(ep0.get(), gadget_descriptors(kind), ep0_path).in("describing the gadget"));
    SALVAGE_TRY(write_whole(ep0.get(), gadget_strings(), ep0_path).in("naming the gadget"));
    const auto numbers = gadget_endpoints(kind);
    auto in = SALVAGE_TRY(open_endpoint(place.mount / fmt::format("ep{}", numbers.in)));
    auto out = SALVAGE_TRY(open_endpoint(place.mount / fmt::format("ep{}", numbers.out)));
    const auto udc = place.gadget / "UDC";
    SALVAGE_TRY(plug(udc).in("plugging the gadget in"));
    return std::make_unique<GadgetTransport>(udc, std::move(ep0), std::move(in), std::move(out), place.mount.string(),
                                             stop);
}

} // namespace salvage::device
