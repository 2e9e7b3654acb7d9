// Looking at single bytes: find text or signatures, show hex with named fields, name an offset.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/fde/footer.hpp"
#include "salvage/rescue/dump.hpp"
#include "salvage/scan/scan.hpp"

namespace salvage::rescue {

struct FindHit {
    ByteOffset at;
    std::string pattern;
    std::string partition; ///< may be empty
    ByteOffset at_in_partition;
    std::optional<bool> is_structure; ///< of a known structure; nothing where only bytes were asked for
    std::string note;                 ///< what it is, or why it is none
};
struct FindReport {
    std::string path;
    ByteCount size;
    std::vector<FindHit> hits;
    std::uint64_t hits_not_listed{};
};

/// What to look for: signatures where empty; else text, or hex bytes with `0x` or in pairs after `hex:`.
struct FindRequest {
    std::string text;
    bool is_hex{false};
    std::uint64_t max_hits{100'000};
};
[[nodiscard]] Result<FindReport> find(const Dump& dump, const FindRequest& request, const RunContext& context);

struct HexReport {
    std::string path;
    ByteOffset at;
    std::string place; ///< "metadata+0x24"
    Bytes bytes;       ///< unreadable areas are left zero and named in `extents`
    std::vector<io::Extent> extents;
    std::string structure; ///< "AOSP crypto footer", or empty
    ByteOffset structure_at;
    std::vector<fde::FooterField> fields; ///< ranges count from structure_at
};
[[nodiscard]] Result<HexReport> hex(const Dump& dump, std::string_view where, ByteCount length);

/// Bytes of a source without names: `at`, `bytes` and `extents` of the report are set.
/// Errors: invalid_argument (`at` lies beyond the end), io.
[[nodiscard]] Result<HexReport> hex(const io::ByteSource& source, ByteOffset at, ByteCount length);

/// Told how many bytes were just read; an error ends the reading.
using BytesRead = std::function<Result<>(std::uint64_t bytes)>;
/// SHA-256 of a file as hex.  Errors: io; those of `told`.
[[nodiscard]] Result<std::string> sha256_of_file(const std::filesystem::path& path, const BytesRead& told = {});

} // namespace salvage::rescue
