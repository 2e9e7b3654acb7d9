// Carving: files that no table tells of any more, found by their own structure in areas that are unused.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/io/byte_source.hpp"
#include "salvage/rescue/command.hpp"
#include "salvage/rescue/export.hpp"
#include "salvage/rescue/open.hpp"

namespace salvage::rescue {

/// A source under a path that another program can open; gone with the object.
class ShownSource {
public:
    ShownSource() = default;
    ShownSource(const ShownSource&) = delete;
    ShownSource& operator=(const ShownSource&) = delete;
    virtual ~ShownSource() = default;
    [[nodiscard]] virtual const std::filesystem::path& path() const noexcept = 0;
};
/// Shows `source` somewhere below `folder`, which is empty and ours.
using ShowSource = std::function<Result<std::unique_ptr<ShownSource>>(
    const io::SourcePtr& source, const std::filesystem::path& folder, const RunContext& context)>;
/// By writing it there: needs as much room as the source has data.  Errors: no_space, io, unreadable, cancelled.
[[nodiscard]] Result<std::unique_ptr<ShownSource>>
show_as_copy(const io::SourcePtr& source, const std::filesystem::path& folder, const RunContext& context);

/// Something to carve in.
struct CarveSearch {
    std::string name;             ///< of the folder that it goes to: "decrypted", "raw"
    io::SourcePtr source;         ///< a volume
    io::SourcePtr raw;            ///< the same bytes as on the flash: zeros there were never written; may be `source`
    std::vector<ByteRange> areas; ///< of `source`, ascending
};

/// What of opened userdata belongs to no live file: decrypted, and raw as well where it was encrypted, since an
/// encryption that took used blocks only has left old plain text in the others.
/// Errors: unsupported (a filesystem whose unused areas are not known), those of opening.
[[nodiscard]] Result<std::vector<CarveSearch>> carve_searches(const OpenedDump& opened);
/// All of userdata as it is on the flash: where it cannot be opened.  Errors: not_found (no userdata here).
[[nodiscard]] Result<std::vector<CarveSearch>> raw_carve_searches(const Dump& dump);

struct CarveOptions {
    std::vector<FileKind> kinds{}; ///< empty: all five
    bool is_everything{false};     ///< every form that PhotoRec knows, among them some that fit chance, too
    std::string source_identity{}; ///< an unfinished folder of another source is refused
};

/// What one search gave.
struct CarvedPart {
    std::string name;
    ByteCount searched;   ///< unused, with content
    ByteCount empty;      ///< unused, zeros on the flash: not searched
    ByteCount unreadable; ///< unused and lost
    std::uint64_t files{};
    ByteCount bytes;
    std::map<std::string, std::uint64_t> by_ending; ///< "jpg" → 12
    std::vector<std::string> incomplete;            ///< why files may be missing; empty where none should be
};

struct CarveReport {
    std::vector<CarvedPart> parts;
    std::string manifest; ///< path of carved.jsonl
    std::string sums;     ///< path of SHA256SUMS
};

/// Carves by PhotoRec, a program of its own (Debian package testdisk), into `out`: a folder for each search, files
/// named by where they begin in the volume, and carved.jsonl with the runs of each as offsets in volume and dump. The
/// folder looks whole only when it is; an interrupted one is begun anew. Progress: step "carve", unit "bytes".  Memory:
/// 64 bytes a run of unused blocks with content, some 500 a carved file. Errors: not_found (no PhotoRec here),
/// already_exists (the folder holds something else, or is finished), those of `show`, io, no_space (less than 64 MiB of
/// room), cancelled.
[[nodiscard]] Result<CarveReport> carve(const std::vector<CarveSearch>& searches, const std::filesystem::path& out,
                                        const CarveOptions& options, const ShowSource& show, CommandRunner& runner,
                                        const RunContext& context);

} // namespace salvage::rescue
