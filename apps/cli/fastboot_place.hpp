// Where a bootloader is reached or served, as a person writes it.
#pragma once

#include <cstdint>
#include <string>

#include "salvage/core/result.hpp"
#include "salvage/device/fastboot.hpp"

namespace salvage::cli {

struct FastbootPlace {
    std::string medium; ///< "tcp", "udp", "usb", "functionfs"
    std::string host;   ///< name or address; with usb a serial number, or empty
    std::uint16_t port{device::fastboot_port};
};

/// A phone in fastboot: "tcp:HOST[:PORT]", "udp:HOST[:PORT]", "usb[:SERIAL]".  An IPv6 address with a port stands in
/// brackets.  Errors: invalid_argument.
[[nodiscard]] Result<FastbootPlace> parse_fastboot_host(const std::string& text);
/// Where a simulated one listens: "tcp[:ADDRESS][:PORT]", "udp…", "functionfs".  127.0.0.1 unless an address is given;
/// port 0 takes any.  Errors: invalid_argument.
[[nodiscard]] Result<FastbootPlace> parse_fastboot_server(const std::string& text);
/// An address and a port of tcp or udp, as parse_fastboot_host takes them.
[[nodiscard]] std::string to_string(const FastbootPlace& place);

} // namespace salvage::cli
