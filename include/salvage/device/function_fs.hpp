// The phone's end of a real USB cable: a gadget of this machine, through Linux's FunctionFS.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>

#include "salvage/core/result.hpp"
#include "salvage/device/transport.hpp"

namespace salvage::device {

enum class GadgetKind : std::uint8_t {
    mediatek, ///< CDC: a control interface (02/02/01) and a data interface (0A) with the bulk pair
    fastboot, ///< ff/42/03 with a bulk pair
};

/// Where a gadget was prepared (tools/gadget.sh does it, as root).
struct FunctionFsPlace {
    std::filesystem::path mount;  ///< of the FunctionFS instance: holds ep0
    std::filesystem::path gadget; ///< in configfs: the cable is plugged in by writing its UDC
};

/// Plugs the gadget in.  One write is one transfer, and waits without a limit until the host takes it; destroyed, or at
/// `stop`: the cable is pulled.  Up to 4 MiB that the host has sent wait to be read.
/// Errors: io (no gadget there, no rights), not_found (no USB device controller).
/// Spec: Linux Documentation/usb/functionfs.rst; USB CDC PSTN subclass 1.2.
[[nodiscard]] Result<std::unique_ptr<Transport>> open_function_fs(const FunctionFsPlace& place, GadgetKind kind,
                                                                  const std::stop_token& stop);

} // namespace salvage::device
