// How the kernel would map userdata: for people who have root and dm-crypt.
#pragma once

#include <filesystem>
#include <string>

#include "salvage/core/result.hpp"
#include "salvage/rescue/open.hpp"

namespace salvage::rescue {

/// A shell script that maps the opened userdata read-only with losetup and dmsetup, and the lines that undo it.
///
/// The key is in the file `key_file`, raw; it stands neither in the script nor in any program's arguments.
/// Errors: unsupported (userdata was never encrypted; the dump is in a container that the kernel does not read).
/// Spec: Linux Documentation/admin-guide/device-mapper/dm-crypt.rst; losetup(8).
[[nodiscard]] Result<std::string> dmsetup_script(const OpenedDump& opened, const std::filesystem::path& key_file);

} // namespace salvage::rescue
