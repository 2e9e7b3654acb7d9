// What a person types, in every form a phone may have fed to its key derivation.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/rescue/open.hpp"

namespace salvage::rescue {

/// The encodings a typed secret may stand for: the text itself; for distinct digits 1 to 9 also the pattern as early
/// Android 5 stored it (zero-based bytes); the text's own hex digits, as some Android 5 hardware paths took it.
[[nodiscard]] std::vector<GivenSecret> encodings_of(ByteView secret);

/// A pattern "1-4-7-8" on a side x side grid, digits counted row by row from 1, in both encodings.
/// Errors: invalid_argument (not a legal pattern).
[[nodiscard]] Result<std::vector<GivenSecret>> encodings_of_pattern(std::string_view dashed, unsigned side);

/// Bytes of a file with a PIN, pattern or password: one newline at its end is dropped.
/// Errors: io, unsupported (over 1 MiB).
[[nodiscard]] Result<SecretBytes> read_secret_file(const std::filesystem::path& path);
/// A key of 16, 32 or 64 bytes: raw, every byte as it is, or as hex text.  16 bytes are never hex: no key has 8.
/// Errors: as read_secret_file; invalid_argument (neither).
[[nodiscard]] Result<SecretBytes> read_key_file(const std::filesystem::path& path);
/// Without one newline at the end.
[[nodiscard]] ByteView without_newline(ByteView bytes) noexcept;

} // namespace salvage::rescue
