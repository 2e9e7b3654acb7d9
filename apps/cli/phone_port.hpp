// Options of the verbs that talk to a MediaTek phone, and the way to it.
#pragma once

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "salvage/device/flash.hpp"
#include "salvage/device/mediatek.hpp"
#include "salvage/device/ports.hpp"
#include "session.hpp"

namespace salvage::cli {

/// --usb, --serial, --usb-port, --da, --preloader, --wait.
struct PhonePortOptions {
    bool is_usb{false};
    std::string serial;
    std::string usb_port;
    std::string agents_file;
    std::string preloader_file;
    unsigned wait_seconds{300};

    void add_to(CLI::App& verb);
    /// Whether one of them names a phone.
    [[nodiscard]] bool is_given() const noexcept { return is_usb || !serial.empty() || !usb_port.empty(); }

    using OpenWriter = std::function<Result<std::unique_ptr<device::FlashWriter>>(const RunContext& context)>;
    /// Waits for the phone and opens a session of its download agent; each call anew.  `session` outlives it.
    /// Errors: invalid_argument (no download agent file), io.
    [[nodiscard]] Result<OpenWriter> writer(Session& session) const;
    /// The same, for reading only.
    [[nodiscard]] Result<device::Connect> reader(Session& session) const;
};

} // namespace salvage::cli
