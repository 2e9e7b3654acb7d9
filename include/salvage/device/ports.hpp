// Where a phone is plugged in: USB devices and the serial ports that the kernel makes of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/device/transport.hpp"

namespace salvage::device {

/// A USB device as the kernel lists it.
struct UsbDevice {
    std::string port; ///< "1-2": stays when the device comes back on the same socket
    std::uint16_t vendor{};
    std::uint16_t product{};
    unsigned bus{};
    unsigned address{};       ///< on its bus; another one after each plugging
    std::string serial;       ///< the device's own serial number; may be empty
    std::string tty;          ///< "/dev/ttyACM0" where the kernel made one of it; may be empty
    bool has_fastboot{false}; ///< an interface of class ff/42/03
};

/// Lists what is plugged in now, by sysfs: no rights are needed, and no daemon has to run.  Devices that cannot be read
/// (they are going away) are left out.
[[nodiscard]] std::vector<UsbDevice> list_usb_devices(const std::filesystem::path& sysfs = "/sys");

/// What a MediaTek device says by its numbers: "BROM", "preloader", "download agent"; empty: it is none.
[[nodiscard]] std::string_view mediatek_role(const UsbDevice& device) noexcept;

/// The bulk pair of a device: of its CDC data interface (class 0A), or of its fastboot interface (ff/42/03).
enum class UsbInterface : std::uint8_t { cdc_data, fastboot };
/// Through libusb; takes the interface from the kernel's driver.
/// Errors: io (no rights: names the udev rule), not_found (no such interface), disconnected, already_exists (held by
/// another program).
[[nodiscard]] Result<std::unique_ptr<Transport>> open_usb(const UsbDevice& device, UsbInterface interface);

/// How to reach a phone.
struct PortChoice {
    enum class Route : std::uint8_t { automatic, usb, tty };
    Route route{Route::automatic}; ///< automatic: USB where we have the rights, else the tty
    std::string tty;               ///< this terminal and no other ("/dev/ttyACM0", "/dev/pts/4"); empty: look
    std::string usb_port;          ///< this socket and no other ("1-2"); empty: any
    std::chrono::seconds patience{300};
};

/// Hears once what is waited for, and what is in the way ("no rights to …").
using Notice = std::function<void(std::string_view text)>;

/// Waits for a MediaTek phone and opens it.  Looks every 20 ms: a preloader listens for a moment only, so the wait
/// begins before the cable is plugged in.
/// Errors: not_found (nobody came; says what was seen), cancelled; io where the phone is there and may not be opened.
[[nodiscard]] Result<std::unique_ptr<Transport>> wait_for_mediatek(const PortChoice& choice, const Notice& notice,
                                                                   const RunContext& context);

/// Waits for a phone in fastboot and opens it.  `serial` empty: the only one.
/// Errors: as wait_for_mediatek; invalid_argument (several are there: names them).
[[nodiscard]] Result<std::unique_ptr<Transport>> wait_for_fastboot(const std::string& serial,
                                                                   std::chrono::seconds patience, const Notice& notice,
                                                                   const RunContext& context);

} // namespace salvage::device
