// What the parts of the crack verb share: its options, the footers it searches, and the two ways a search runs.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "crack_options.hpp"
#include "options.hpp"
#include "salvage/render/search_status.hpp"
#include "salvage/rescue/crack.hpp"
#include "session.hpp"
#include "slurm.hpp"

namespace salvage::cli {

struct CrackOptions {
    DumpOptions dump;
    SecretOptions secret;
    AttackOptions attack;
    DeviceOptions devices;
    SlurmCliOptions slurm;
    std::vector<std::string> also;
    bool all_footers{false};
    std::string session;
    std::string key_out;
    std::string potfile;
    std::optional<unsigned> runtime_seconds;
    unsigned status_seconds{10};
    std::optional<std::uint64_t> skip;
    std::optional<std::uint64_t> limit;
    bool is_potfile_disabled{false};
    bool is_show{false};
    bool is_status{false};
    bool is_status_json{false};
    bool also_footer{false};
    bool is_restore{false};
    bool is_keyspace_asked{false};

    /// A range with both ends is what a Hashtopolis agent asks for, and its lines are what it reads.
    [[nodiscard]] bool is_chunk() const noexcept { return skip && limit; }
};

/// An error whose own exit code means something else here ends in hashcat's -1.
enum class CrackExit : int { found = 0, exhausted = 1, stopped = 2, at_checkpoint = 3, out_of_time = 4, failed = 255 };

using Targets = std::vector<rescue::CrackTarget>;

[[nodiscard]] std::vector<rescue::SearchSubject> subjects_of(const Targets& targets);

/// Where secrets are kept; empty: nowhere.
[[nodiscard]] std::filesystem::path potfile_of(const CrackOptions& options);
/// Prints those that the potfile knows, and takes them out.  Errors: those of the potfile and the targets.
Result<> take_known(const CrackOptions& options, Targets& targets, Session& session);
/// `HASH:PLAIN` and a line's end.
[[nodiscard]] std::string hit_line(const rescue::CrackTarget& target, ByteView secret);
/// Writes the volume key where --key-out says so.  Errors: io, already_exists.
Result<> write_key(const CrackOptions& options, const SecretBytes& key, Session& session);

/// Searches here, with keys, status and time limit; sets the exit code.  Errors: those of rescue::run_search.
Result<> run_here(const CrackOptions& options, const Targets& targets, const rescue::CrackPlan& plan,
                  const rescue::SearchRequest& request, const RunContext& context, Session& session);
/// --slurm DIR, or one task of it.  Errors: those of submit_slurm and run_slurm_task.
Result<> run_elsewhere(const CrackOptions& options, const Targets& targets, const rescue::CrackPlan& plan,
                       const rescue::SearchRequest& request, Session& session);

} // namespace salvage::cli
