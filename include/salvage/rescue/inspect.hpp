// Inspecting a dump: what is in it, whether it is whole, and whether it can be opened.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/rescue/open.hpp"
#include "salvage/scan/scan.hpp"

namespace salvage::rescue {

/// Sampled entropy of a block, in bits a byte: random data measures 7.9x, text and code 4 to 6.5, one byte over and
/// over 0.
inline constexpr double looks_encrypted_from = 7.9;
inline constexpr double looks_empty_below = 0.05;

/// What a partition's own bytes say.
struct PartitionFacts {
    std::string filesystem; ///< recognised by its superblock; may be empty
    std::string looks;      ///< "looks encrypted", "text or code", "empty", "mixed", "not read"
    double entropy{};       ///< mean, bits a byte; negative where nothing was read
};

struct SourceFacts {
    std::string path;
    std::string container;
    ByteCount size;
    std::optional<std::string> sha256; ///< hex
};

struct InspectReport {
    SourceFacts source;
    partition::Layout layout;
    std::vector<PartitionFacts> partitions; ///< one for each of layout.partitions
    Completeness completeness;
    scan::ScanResult scan;
    std::vector<scan::Pattern> patterns;
    OpenOutcome outcome;
    std::vector<Finding> findings; ///< all, layout's and outcome's among them
};

/// One pass over the dump, then the verdict.  Errors: io, cancelled.
[[nodiscard]] Result<InspectReport> inspect(const Dump& dump, const OpenRequest& request, const RunContext& context);

/// Tries to open a dump that was inspected, with other secrets: `known` with a new outcome.  Nothing is scanned again.
/// Errors: io, cancelled.
[[nodiscard]] Result<InspectReport> open_inspected(const Dump& dump, const InspectReport& known,
                                                   const OpenRequest& request, const RunContext& context);

/// Footers of a file and whether they can be opened: a dump, a partition, a carved block or a pasted hex dump.
struct FooterReport {
    SourceFacts source;
    FooterSearch search;
    std::vector<Verdict> verdicts; ///< one for each footer
};
[[nodiscard]] Result<FooterReport> inspect_footers(const Dump& dump, const OpenRequest& request,
                                                   const RunContext& context);

/// What a footer alone allows: needs_secret, needs_phone_key, unsupported, or open where a given secret is its
/// password.
[[nodiscard]] Verdict judge_footer(const fde::CryptoFooter& footer, const OpenRequest& request,
                                   const RunContext& context);

} // namespace salvage::rescue
