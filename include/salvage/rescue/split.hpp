// Cutting a dump into one image a partition, in one pass, hashed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/io/byte_source.hpp"
#include "salvage/partition/layout.hpp"
#include "salvage/rescue/hashing.hpp"

namespace salvage::rescue {

struct SplitOptions {
    std::string source_identity;   ///< an unfinished split of the same dump goes on; of another is refused
    bool write_gaps{false};        ///< areas outside all partitions, as gap-0xSTART.bin
    std::vector<std::string> only; ///< names; empty: all
    Hashing hashing{Hashing::yes}; ///< a folder begun with one is not gone on with by the other
};

struct SplitPart {
    std::string name;   ///< of the partition
    std::string file;   ///< in the folder: "userdata.img"
    ByteRange range;    ///< in the dump
    std::string sha256; ///< hex, holes as zeros; empty where bytes were lost or no hash was wanted
    ByteCount lost;     ///< unreadable bytes, left as holes
    bool is_cut{false}; ///< the dump ends inside it
};

struct SplitReport {
    std::vector<SplitPart> parts;
    std::vector<ByteRange> gaps; ///< data outside all partitions
    std::string sha256; ///< of the whole dump; empty where bytes were lost, `only` was given, or no hash was wanted
    std::vector<std::string> not_written; ///< partitions of other regions, or whose place is unknown: with the reason
    std::string manifest;
    std::string sums; ///< empty where no hash was wanted
};

/// Progress: step "split", unit "bytes".
/// Errors: already_exists (the folder holds something else), no_space, io, cancelled.
[[nodiscard]] Result<SplitReport> split(const io::SourcePtr& dump, const partition::Layout& layout,
                                        const std::filesystem::path& out, const SplitOptions& options,
                                        const RunContext& context);

} // namespace salvage::rescue
