// Inside rescue: what a restore plan is made of on its way, one question a file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "salvage/rescue/open.hpp"
#include "salvage/rescue/restore.hpp"

namespace salvage::rescue {

/// What the dump says about its key.
struct RestoreFacts {
    OpenOutcome outcome;
    std::optional<std::size_t> footer; ///< index into outcome.footers.footers
    bool is_hardware_bound{false};     ///< only the phone's chip can use the key

    [[nodiscard]] const FoundFooter* found() const noexcept
    {
        return footer ? &outcome.footers.footers.at(*footer) : nullptr;
    }
};
[[nodiscard]] Result<RestoreFacts> learn_key(const Dump& dump, const RunContext& context);

/// Why a partition is in the plan; in the order in which they are written.
enum class Belongs : std::uint8_t { firmware, keys, userdata, footer };

struct PickedPartition {
    partition::Partition partition; ///< of the dump
    Belongs belongs{Belongs::firmware};
    std::string why;
};
struct Picked {
    std::vector<PickedPartition> partitions; ///< in the order in which they are written
    std::vector<RefusedPartition> refused;
};
/// Errors: not_found (a name of the request), refused (a name that is never written).
[[nodiscard]] Result<Picked> pick_partitions(const Dump& dump, const RestoreFacts& facts,
                                             const RestoreRequest& request);

/// A step under way: with what only the plan's maker knows.
struct DraftStep {
    RestoreStep step;
    Belongs belongs{Belongs::firmware};
    partition::Partition partition; ///< of the dump
    io::SourcePtr image;
    std::optional<PhonePartitionFacts> phone;
    ByteCount lost;     ///< bytes of the image that the old phone could not give
    bool is_cut{false}; ///< the dump ends inside it
};

/// What the backup set lacks.
[[nodiscard]] std::vector<Finding> judge_backup_set(const RestoreSource& source, const RestoreFacts& facts,
                                                    const std::vector<DraftStep>& steps);
/// What stands between the plan and the phone.
[[nodiscard]] std::vector<Finding> find_conflicts(const RestorePlan& plan, const RestoreFacts& facts,
                                                  const KnownPhone& phone, const std::vector<DraftStep>& steps);
/// What the person does, in order.
[[nodiscard]] std::vector<std::string> write_notes(const RestorePlan& plan, const RestoreFacts& facts);

/// Findings with the accepted codes no longer keep the plan from being applied, where they may be accepted at all.
void accept_findings(std::vector<Finding>& findings, const std::vector<std::string>& accepted);

/// ro.build.fingerprint of the dump's system partition; nothing where it cannot be read.
[[nodiscard]] std::optional<std::string> build_fingerprint(const Dump& dump);

/// SHA-256 of a whole source, hex.  Progress: `step`, "bytes", `done` of `total`.  Errors: io, unreadable, cancelled.
struct HashProgress {
    std::string_view step;
    std::uint64_t done{};
    std::uint64_t total{};
};
[[nodiscard]] Result<std::string> hash_source(const io::ByteSource& source, HashProgress& progress,
                                              const RunContext& context);
/// The bytes of an image as a step names them.  Errors: io, truncated (the file is shorter than when it was planned).
[[nodiscard]] Result<io::SourcePtr> open_image(const RestoreImage& image);

} // namespace salvage::rescue
