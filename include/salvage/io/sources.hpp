// Where bytes come from: files, split files, sparse images, pasted hex dumps, memory.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/io/byte_source.hpp"

namespace salvage::io {

/// A regular file or a block device, opened read-only.  Holes of the file are reported as holes (SEEK_HOLE).
/// Errors: io (cannot be opened, is a directory).
[[nodiscard]] Result<SourcePtr> open_file(const std::filesystem::path& path);

/// Bytes held in memory.  `name` appears in locations.
[[nodiscard]] SourcePtr make_memory(Bytes bytes, std::string name);

/// Opens what a user names, whatever its container: raw file or device, first part of a split raw image (".001"),
/// Android sparse image, first segment of an E01, seekable zstd, or the text of a hex dump.  The order of the questions
/// stands in sources.cpp. Errors: io, malformed, unsupported.
[[nodiscard]] Result<SourcePtr> open_any(const std::filesystem::path& path);

/// Name of the container open_any chose: "raw", "device", "split-raw", "android-sparse", "e01", "zstd-seekable",
/// "hexdump".
[[nodiscard]] Result<std::string> container_kind(const std::filesystem::path& path);

/// The parts of a split raw image in order, given its first part: "dump.001" names dump.001, dump.002, …
/// Also ".000", ".01", ".00" and split's ".aa".  A gap (dump.001, dump.003) is an error, not an end.
/// Errors: invalid_argument (not named as a first part, or dump.000 stands beside dump.001), not_found (gap, or no such
/// file).
[[nodiscard]] Result<std::vector<std::filesystem::path>> find_split_parts(const std::filesystem::path& first);

/// An Android sparse image as the image it unpacks to.  Don't-care chunks are holes; a fill chunk of zeros too.
/// Memory: 32 bytes a chunk.  Chunk checksums are not verified here (see verify_sparse_checksums).
/// Errors: malformed, truncated, unsupported (version).  Spec: AOSP system/core, libsparse/sparse_format.h.
[[nodiscard]] Result<SourcePtr> make_sparse(SourcePtr source);

/// Checks the CRC32 chunks of a sparse image; true when there are any and all agree, false when there are none.
/// Reads the whole image.  Errors: mismatch (where = the chunk), io.
[[nodiscard]] Result<bool> verify_sparse_checksums(const SourcePtr& source);
[[nodiscard]] bool is_sparse_image(ByteView first_bytes) noexcept;

/// Bytes of a pasted `hexdump -C`, `hexdump`, `xxd`, `xxd -p` or `od -A x -t x1z` text.  A "*" line repeats the line
/// before it up to the next offset; the first offset becomes 0; prompts before and after are passed over.  Errors:
/// malformed (where = position in the text), unsupported (over 64 MiB).
[[nodiscard]] Result<Bytes> parse_hexdump(std::string_view text);
[[nodiscard]] bool looks_like_hexdump(std::string_view text) noexcept;

} // namespace salvage::io
