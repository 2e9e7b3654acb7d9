// E01, the Expert Witness Compression Format: an image in compressed chunks with its hashes and the case it belongs to.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "salvage/io/byte_source.hpp"

namespace salvage::io {

using Md5Digest = std::array<std::byte, 16>;
using Sha1DigestOfImage = std::array<std::byte, 20>;

/// Who took the image of what; UTF-8, empty where the image does not say.
struct E01CaseData {
    std::string case_number;
    std::string evidence_number;
    std::string description;
    std::string examiner;
    std::string notes;
    std::string acquired; ///< as stored: "2026 11 26 1 21 22", or seconds since 1970
    std::string software; ///< name or version of the program that made it
    bool operator==(const E01CaseData&) const = default;
};

/// What an E01 says of itself.
struct E01Info {
    E01CaseData case_data;
    std::optional<Md5Digest> md5;          ///< of the whole content, as stored
    std::optional<Sha1DigestOfImage> sha1; ///< as stored
    ByteCount size;                        ///< of the content
    ByteCount chunk;                       ///< bytes of content a chunk
    std::size_t segments{};
    std::vector<ByteRange> acquisition_errors; ///< what whoever made it could not read, in order
    std::vector<std::string> damage;           ///< sentences: what of the container is damaged, and where
};

struct E01Image {
    SourcePtr content; ///< areas that were not read, or that no sound table names, are unreadable
    SourcePtr stored;  ///< the same with the acquisition errors as they are stored: what the stored hashes are of
    E01Info info;
};

/// Whether a file begins as a segment of an E01 (or SMART) image.  16 bytes are enough.
[[nodiscard]] bool is_e01(ByteView first_bytes) noexcept;
/// Whether it is a sibling of E01 that is not read here: Ex01 (EWF 2), or L01 (logical evidence).
[[nodiscard]] bool is_unread_ewf(ByteView first_bytes) noexcept;

/// The segments of an E01 in order, given its first: image.E01 … image.E99, image.EAA …; those that are there.
/// Errors: not_found (the first is not there).
[[nodiscard]] Result<std::vector<std::filesystem::path>> find_e01_segments(const std::filesystem::path& first);

/// The name of segment `number` (from 1) of the image whose first is `first`.
/// Errors: invalid_argument (over 14971, or `first` does not end in a letter and "01").
[[nodiscard]] Result<std::filesystem::path> e01_segment_path(const std::filesystem::path& first, std::uint32_t number);

/// Opens an E01 of EnCase 1 to 7, FTK Imager, libewf, guymager, or a SMART .s01, by the names of its segments.
/// Errors: as make_e01; not_found (a segment is missing), invalid_argument (not the first segment).
[[nodiscard]] Result<E01Image> open_e01(const std::filesystem::path& first);

/// The image in `segments`, all of them in order.
///
/// A chunk whose checksum or deflate stream is wrong is unreadable and costs no other; a damaged table is replaced by
/// its mirror, and where both are damaged, or the segment is cut off, their chunks are unreadable.
/// The content is thread safe.  Memory: 64 bytes a table (16,375 chunks and more), and 4 MiB of unpacked chunks.
/// Errors: malformed (where = byte of a segment), truncated (a segment is missing), unsupported, io.
/// Spec: libyal, "Expert Witness Compression Format (EWF)"; docs/formats/e01.md.
[[nodiscard]] Result<E01Image> make_e01(const std::vector<SourcePtr>& segments);

} // namespace salvage::io
