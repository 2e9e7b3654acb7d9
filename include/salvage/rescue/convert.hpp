// A dump from one container into another: raw, split raw, Android sparse, E01, seekable zstd.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/io/e01_writer.hpp"
#include "salvage/rescue/dump.hpp"

namespace salvage::rescue {

enum class ConvertFormat : std::uint8_t { raw, split, android_sparse, e01, zstd_seekable };

/// "raw", "split", "sparse", "e01", "zst".
[[nodiscard]] std::string_view to_string(ConvertFormat format) noexcept;
/// The format of that name, or nothing.
[[nodiscard]] std::optional<ConvertFormat> convert_format_from(std::string_view name) noexcept;
/// What a file's name says: .001 split, .simg and .sparse Android sparse, .E01 E01, .zst zstd; raw where it says
/// nothing.
[[nodiscard]] ConvertFormat convert_format_of(const std::filesystem::path& out);

enum class ReadAgain : bool { no, yes };

/// Of an E01; everything else has SHA-256.
enum class E01Hashes : std::uint8_t {
    all, ///< MD5 and SHA-1 in the image, SHA-256 beside it
    md5, ///< that one alone: what every reader of E01 checks, in two thirds of the processor time
};

struct ConvertOptions {
    ConvertFormat format{ConvertFormat::raw};
    ByteCount segment{2ULL << 30U}; ///< of split and E01: 1 MiB and more, for split a multiple of 4096
    io::E01Compression compression{io::E01Compression::fast}; ///< of E01 and, as levels 1, 1 and 9, of zstd
    io::E01CaseData case_data;                                ///< of E01
    E01Hashes hashes{E01Hashes::all};
    ReadAgain read_back{ReadAgain::no};
    unsigned workers{0}; ///< 0: one a core
};

/// A hash that the source's container has stored, beside what its content gives.
struct StoredHash {
    std::string kind; ///< "MD5", "SHA-1"
    std::string stored;
    std::string computed;
    [[nodiscard]] bool agrees() const noexcept { return stored == computed; }
};

struct ConvertReport {
    std::string source;
    std::string source_container;   ///< as Dump::container
    std::optional<io::E01Info> e01; ///< what the source says of itself, where it is an E01
    std::vector<StoredHash> stored; ///< hashes in the source
    std::string format;             ///< "raw" …; empty where nothing was written
    std::vector<std::string> files; ///< in order; the first is the one to name
    ByteCount size;                 ///< of the content
    ByteCount written;              ///< of the files, as far as they are allocated
    std::string sha256;             ///< of the content, with zeros where it is lost; empty with E01Hashes::md5
    std::string md5;                ///< where one of both sides is an E01
    std::string sha1;               ///< likewise
    std::vector<ByteRange> lost;    ///< unreadable in the source
    std::string map;                ///< ddrescue map of the lost areas; empty where nothing is lost
    std::string sums;               ///< file with the SHA-256; empty where there is none
    bool is_read_back{false};       ///< and was the same

    /// Whether all hashes that the source stores are right.
    [[nodiscard]] bool agrees() const noexcept;
};

/// Writes all of `dump` to `out` in one pass, under a name that is there only when the image is whole.
///
/// Holes and zeros take no room where the format can: holes in files, fill chunks, packed zeros.  What cannot be read
/// is written as zeros (Android sparse: "don't care"), noted in an E01, and kept in a ddrescue map beside the image,
/// where every verb finds it.  Beside the image: "<first file>.sha256", the content's hash as sha256sum writes it (the
/// name is
/// "-" where the content is in a container).
/// Progress: steps "convert" and "read-back", unit "bytes".
/// Errors: already_exists, invalid_argument (also E01Hashes::md5 for another format), unsupported (a size the format
/// cannot have), no_space, io, cancelled;
/// mismatch (read back, and not the same).
[[nodiscard]] Result<ConvertReport> convert(const Dump& dump, const std::filesystem::path& out,
                                            const ConvertOptions& options, const RunContext& context);

/// Reads all of `dump` and compares its content with the hashes its container has stored.
/// Errors: io, cancelled.
[[nodiscard]] Result<ConvertReport> check_stored_hashes(const Dump& dump, const RunContext& context);

} // namespace salvage::rescue
