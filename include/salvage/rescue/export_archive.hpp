// Taking files out into an archive: one stream, with the same manifest and sums as in a folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "salvage/core/bytes.hpp"
#include "salvage/rescue/export.hpp"

namespace salvage::rescue {

enum class ArchiveFormat : std::uint8_t {
    pax, ///< POSIX tar: times to the nanosecond, extended attributes, holes, any name
    zip, ///< stored, zip64 where needed: for people and programs that know no tar
};

/// Takes bytes in order.
using ByteSink = std::function<Result<>(ByteView)>;

/// Writes the tree at options.path, then the lists of export_folder in a folder salvage-export.  What is lost of a file
/// is zeros.  An archive cannot be gone on with.
///
/// pax: second names are links, fifos and devices are there, sockets only in the manifest.  zip: second names have the
/// content again; no extended attributes, no fifos, devices or sockets; times in seconds.
/// Progress: step "export", unit "bytes".  Memory: some MiB; the manifest waits in an unnamed temporary file.
/// Errors: not_found (path), those of `sink`, io, cancelled.  A damaged file is not an error: it is in `failed`.
[[nodiscard]] Result<ExportReport> export_archive(const filesystem::FileSystem& filesystem, ArchiveFormat format,
                                                  const ByteSink& sink, const ExportOptions& options,
                                                  const RunContext& context);

/// The same into a file, which is there whole or not at all.  Errors: already_exists, io, no_space; as export_archive.
[[nodiscard]] Result<ExportReport> export_to_file(const filesystem::FileSystem& filesystem, ArchiveFormat format,
                                                  const std::filesystem::path& path, const ExportOptions& options,
                                                  const RunContext& context);

} // namespace salvage::rescue
