// Flash without a download agent: block devices, and phones whose shell may read their own.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/device/flash.hpp"

namespace salvage::device {

/// A block device (a chip in a reader, a phone that shows itself as a disk) or a file, opened read-only.  An eMMC's
/// boot areas, which Linux shows as devices beside it, are its regions boot1 and boot2.  Bad sectors are told one by
/// one: a page that fails is read again past the page cache.
/// Errors: io, not_found (no such device: it may come back), invalid_argument (a folder, a terminal).
[[nodiscard]] Result<std::unique_ptr<FlashReader>> open_block_device(const std::filesystem::path& path);

struct AdbOptions {
    std::string program{"adb"};                ///< found through PATH
    std::string serial;                        ///< adb's name of the phone; empty: the only one
    std::string device{"/dev/block/mmcblk0"};  ///< on the phone
    std::string become_root;                   ///< put before each command there: "su -c"; empty: the shell is root
    std::chrono::milliseconds silence{30'000}; ///< longer than this without a byte is a stall
};

/// A phone with a root or recovery shell, through the user's own adb: `adb exec-out dd`.  No shell of this machine is
/// involved; what goes to the phone's shell is made of plain letters only.
/// Errors: not_found (no adb program; no such device on the phone), disconnected (adb sees no phone), refused (its
/// shell may not read the device), timed_out, invalid_argument (a device name that is no path), cancelled.
[[nodiscard]] Result<std::unique_ptr<FlashReader>> open_adb(const AdbOptions& options, const RunContext& context);

} // namespace salvage::device
