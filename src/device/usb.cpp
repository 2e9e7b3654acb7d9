// A bulk pair of a USB device through libusb.
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <libusb.h>

#include "salvage/device/ports.hpp"

namespace salvage::device {
namespace {

constexpr std::string_view rights_hint =
    "install the udev rule (tools/udev/70-salvage.rules, see docs/phone.md), plug the cable anew; or run as root";

Error usb_error(int status, std::string_view what, const std::string& where)
{
    auto code = ErrorCode::io;
    std::string_view hint;
    switch (status) {
    case LIBUSB_ERROR_NO_DEVICE:
    case LIBUSB_ERROR_IO:
    case LIBUSB_ERROR_PIPE: code = ErrorCode::disconnected; break;
    case LIBUSB_ERROR_TIMEOUT: code = ErrorCode::timed_out; break;
    case LIBUSB_ERROR_BUSY: code = ErrorCode::already_exists; break;
    case LIBUSB_ERROR_OVERFLOW: code = ErrorCode::malformed; break;
    case LIBUSB_ERROR_ACCESS: hint = rights_hint; break;
    default: break;
    }
    return {.code = code,
            .what = std::string{what},
            .why = fmt::format("{}: {}", where, libusb_strerror(status)),
            .where = {},
            .hint = std::string{hint},
            .trail = {}};
}

struct Endpoints {
    int control_interface{-1}; ///< CDC's other half, or -1
    int interface{-1};
    std::uint8_t in{};
    std::uint8_t out{};
    std::size_t packet{512};
};

bool is_wanted(const libusb_interface_descriptor& one, UsbInterface wanted) noexcept
{
    constexpr std::uint8_t cdc_data_class = 0x0A;
    if (wanted == UsbInterface::cdc_data) {
        return one.bInterfaceClass == cdc_data_class;
    }
    return one.bInterfaceClass == 0xFF && one.bInterfaceSubClass == 0x42 && one.bInterfaceProtocol == 0x03;
}

/// The bulk pair of an interface; nothing where it has none.
std::optional<Endpoints> bulk_pair(const libusb_interface_descriptor& one)
{
    Endpoints out{.interface = one.bInterfaceNumber};
    const std::span endpoints{one.endpoint, one.bNumEndpoints};
    for (const auto& endpoint : endpoints) {
        if ((endpoint.bmAttributes & LIBUSB_TRANSFER_TYPE_MASK) != LIBUSB_TRANSFER_TYPE_BULK) {
            continue;
        }
        const bool is_in = (endpoint.bEndpointAddress & LIBUSB_ENDPOINT_DIR_MASK) == LIBUSB_ENDPOINT_IN;
        (is_in ? out.in : out.out) = endpoint.bEndpointAddress;
        if (is_in) {
            out.packet = endpoint.wMaxPacketSize & 0x7FFU;
        }
    }
    return out.in != 0 && out.out != 0 && out.packet != 0 ? std::optional{out} : std::nullopt;
}

std::optional<Endpoints> find_endpoints(const libusb_config_descriptor& config, UsbInterface wanted)
{
    std::optional<Endpoints> out;
    int control = -1;
    for (const auto& interface : std::span{config.interface, config.bNumInterfaces}) {
        if (interface.num_altsetting < 1) {
            continue;
        }
        const auto& first = interface.altsetting[0];
        if (first.bInterfaceClass == LIBUSB_CLASS_COMM) {
            control = first.bInterfaceNumber;
        }
        if (!out && is_wanted(first, wanted)) {
            out = bulk_pair(first);
        }
    }
    if (out && wanted == UsbInterface::cdc_data) {
        out->control_interface = control;
    }
    return out;
}

struct CloseContext {
    void operator()(libusb_context* context) const noexcept { libusb_exit(context); }
};
struct CloseHandle {
    void operator()(libusb_device_handle* handle) const noexcept { libusb_close(handle); }
};
using Context = std::unique_ptr<libusb_context, CloseContext>;
using Handle = std::unique_ptr<libusb_device_handle, CloseHandle>;

/// libusb takes no limit as 0.
unsigned milliseconds(Timeout timeout) noexcept
{
    const auto count = std::max<std::int64_t>(timeout.count(), 1);
    return static_cast<unsigned>(std::min<std::int64_t>(count, std::numeric_limits<int>::max()));
}

class UsbTransport final : public Transport {
public:
    UsbTransport(Context context, Handle handle, const Endpoints& endpoints, std::string name)
        : context_{std::move(context)}, handle_{std::move(handle)}, endpoints_{endpoints}, name_{std::move(name)}
    {
    }
    UsbTransport(const UsbTransport&) = delete;
    UsbTransport& operator=(const UsbTransport&) = delete;
    ~UsbTransport() override
    {
        libusb_release_interface(handle_.get(), endpoints_.interface);
        if (endpoints_.control_interface >= 0) {
            libusb_release_interface(handle_.get(), endpoints_.control_interface);
        }
    }

    Result<> write(ByteView bytes, Timeout timeout) override
    {
        // libusb cuts a transfer into the kernel's pieces by itself; larger than this only wastes kernel memory.
        constexpr std::size_t most = 1U << 20U;
        do {
            const auto part = bytes.first(std::min(bytes.size(), most));
            SALVAGE_TRY(write_part(part, timeout));
            bytes = bytes.subspan(part.size());
        } while (!bytes.empty());
        return {};
    }

    Result<std::size_t> read_some(std::span<std::byte> into, Timeout timeout) override
    {
        int got = 0;
        do {
            const auto status = libusb_bulk_transfer(handle_.get(), endpoints_.in, as_uchar(into),
                                                     static_cast<int>(std::min<std::size_t>(into.size(), 1U << 30U)),
                                                     &got, milliseconds(timeout));
            if (status != LIBUSB_SUCCESS && got == 0) {
                return usb_error(status, "nothing could be read from the phone", name_);
            }
        } while (got == 0); // a zero-length packet
        return static_cast<std::size_t>(got);
    }

    [[nodiscard]] std::size_t packet_bytes() const noexcept override { return endpoints_.packet; }
    [[nodiscard]] std::string name() const override { return name_; }

private:
    Result<> write_part(ByteView part, Timeout timeout)
    {
        int sent = 0;
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): libusb does not write to what it sends.
        auto* const data = const_cast<unsigned char*>(as_uchar(part));
        const auto status = libusb_bulk_transfer(handle_.get(), endpoints_.out, data, static_cast<int>(part.size()),
                                                 &sent, milliseconds(timeout));
        if (status != LIBUSB_SUCCESS) {
            return usb_error(status, "the phone does not take what is sent", name_);
        }
        return {};
    }

    Context context_;
    Handle handle_;
    Endpoints endpoints_;
    std::string name_;
};

Result<Handle> open_handle(libusb_context* context, const UsbDevice& wanted, const std::string& name)
{
    libusb_device** list = nullptr;
    const auto count = libusb_get_device_list(context, &list);
    if (count < 0) {
        return usb_error(static_cast<int>(count), "USB devices cannot be listed", name);
    }
    libusb_device_handle* handle = nullptr;
    int status = LIBUSB_ERROR_NO_DEVICE;
    for (auto* const device : std::span{list, static_cast<std::size_t>(count)}) {
        if (libusb_get_bus_number(device) == wanted.bus && libusb_get_device_address(device) == wanted.address) {
            status = libusb_open(device, &handle);
        }
    }
    libusb_free_device_list(list, 1);
    if (status != LIBUSB_SUCCESS) {
        return usb_error(status, "the phone's USB device cannot be opened", name);
    }
    return Handle{handle};
}

Result<Endpoints> endpoints_of(libusb_device_handle* handle, UsbInterface interface, const std::string& name)
{
    libusb_config_descriptor* config = nullptr;
    const auto status = libusb_get_active_config_descriptor(libusb_get_device(handle), &config);
    if (status != LIBUSB_SUCCESS) {
        return usb_error(status, "the phone's USB descriptors cannot be read", name);
    }
    const auto found = find_endpoints(*config, interface);
    libusb_free_config_descriptor(config);
    if (!found) {
        return not_found(interface == UsbInterface::fastboot ? "the USB device has no fastboot interface"
                                                             : "the USB device has no CDC data interface",
                         name);
    }
    return *found;
}

Result<> claim(libusb_device_handle* handle, const Endpoints& endpoints, const std::string& name)
{
    libusb_set_auto_detach_kernel_driver(handle, 1);
    for (const auto interface : {endpoints.control_interface, endpoints.interface}) {
        if (interface < 0) {
            continue;
        }
        const auto status = libusb_claim_interface(handle, interface);
        if (status != LIBUSB_SUCCESS) {
            return usb_error(status, "the phone's USB interface cannot be taken", name);
        }
    }
    return {};
}

/// 921600 8N1 and RTS, as the field's tools send them; a phone that does not care may refuse.
/// Spec: USB CDC PSTN subclass 1.2, 6.3.10 and 6.3.12.
void set_line(libusb_device_handle* handle, int control_interface)
{
    constexpr std::uint8_t to_interface = 0x21;
    constexpr std::uint8_t set_line_coding = 0x20;
    constexpr std::uint8_t set_control_line_state = 0x22;
    constexpr std::uint16_t request_to_send = 2;
    constexpr unsigned patience_ms = 500;
    std::array<unsigned char, 7> coding{0x00, 0x10, 0x0E, 0x00, 0x00, 0x00, 0x08};
    const auto index = static_cast<std::uint16_t>(control_interface);
    libusb_control_transfer(handle, to_interface, set_line_coding, 0, index, coding.data(), coding.size(), patience_ms);
    libusb_control_transfer(handle, to_interface, set_control_line_state, request_to_send, index, nullptr, 0,
                            patience_ms);
}

} // namespace

Result<std::unique_ptr<Transport>> open_usb(const UsbDevice& device, UsbInterface interface)
{
    auto name = fmt::format("usb {:04x}:{:04x} at {}", device.vendor, device.product, device.port);
    // A context of its own lists the devices of this moment: libusb's own list is only kept current by a udev daemon.
    libusb_context* raw = nullptr;
    if (const auto status = libusb_init(&raw); status != LIBUSB_SUCCESS) {
        return usb_error(status, "USB cannot be used", name);
    }
    Context context{raw};
    auto handle = SALVAGE_TRY(open_handle(context.get(), device, name));
    const auto endpoints = SALVAGE_TRY(endpoints_of(handle.get(), interface, name));
    SALVAGE_TRY(claim(handle.get(), endpoints, name));
    if (endpoints.control_interface >= 0) {
        set_line(handle.get(), endpoints.control_interface);
    }
    return std::make_unique<UsbTransport>(std::move(context), std::move(handle), endpoints, std::move(name));
}

} // namespace salvage::device
