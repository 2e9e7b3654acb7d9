// Secrets that were found, kept for the next time: hashcat's potfile.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/secret.hpp"

namespace salvage::rescue {

/// Largest potfile that is read.
inline constexpr ByteCount max_potfile_bytes{64U << 20U};

/// `HASH:PLAIN` a line, as hashcat writes them; a plain text with other bytes than printable ASCII, with a colon or in
/// that very form, as `$HEX[…]`.
[[nodiscard]] std::string format_plain(ByteView secret);
[[nodiscard]] std::string format_pot_line(std::string_view hash, ByteView secret);

/// The secrets that a potfile has for `hash`, in its order.  Lines of other hashes, and what is no line, are passed
/// over.  No file: none.  Errors: io; unsupported (over max_potfile_bytes).
[[nodiscard]] Result<std::vector<SecretBytes>> find_in_potfile(const std::filesystem::path& path,
                                                               std::string_view hash);

/// Adds a line in one write and flushes it; makes the file (mode 0600) and its folder.  Several searches may add to one
/// file.  Errors: io, no_space.
Result<> add_to_potfile(const std::filesystem::path& path, std::string_view hash, ByteView secret);

/// $XDG_DATA_HOME/salvage/salvage.potfile, ~/.local/share where that is not set; empty where neither is known.
/// `get`: the value of an environment variable, or null.
[[nodiscard]] std::filesystem::path default_potfile(const std::function<const char*(const char*)>& get);

} // namespace salvage::rescue
