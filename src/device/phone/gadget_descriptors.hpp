// What a simulated phone says of itself on USB, in the form that FunctionFS takes.
#pragma once

#include <cstddef>

#include "salvage/core/bytes.hpp"
#include "salvage/device/function_fs.hpp"

namespace salvage::device {

constexpr std::size_t high_speed_packet = 512;

/// Numbers of the endpoint files: ep1, ep2 … in the order of the descriptors.
struct GadgetEndpoints {
    unsigned in;
    unsigned out;
};
[[nodiscard]] GadgetEndpoints gadget_endpoints(GadgetKind kind) noexcept;

/// Interfaces and endpoints at full and high speed.  Spec: Linux include/uapi/linux/usb/functionfs.h, format 2.
[[nodiscard]] Bytes gadget_descriptors(GadgetKind kind);
/// One English string, "salvage phone".
[[nodiscard]] Bytes gadget_strings();

} // namespace salvage::device
