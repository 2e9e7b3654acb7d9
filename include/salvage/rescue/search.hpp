// Searching for the secret of a footer: what is tried in which order, what it costs, and what was found.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/fde/unlock.hpp"
#include "salvage/password/devices.hpp"
#include "salvage/password/search.hpp"
#include "salvage/rescue/open.hpp"
#include "salvage/rescue/verdict.hpp"

namespace salvage::rescue {

/// What a search runs against: a footer, and userdata where there is one.  Copies share both.
struct SearchSubject {
    std::shared_ptr<const fde::Unlocker> unlocker;
    io::SourcePtr userdata; ///< null: the footer alone, judged by its own check value
    SectorIndex disk_lba;   ///< where userdata starts on the disk, in 512-byte sectors
};

/// When the footer's own check value (SIK) is computed although there is userdata to prove a key on.  It doubles the
/// cost of a scrypt guess; what it buys is the answer "right password, but another installation's data". Footers with
/// flag 0x10 or 0x20 are always checked: their key is not wrapped by the user's secret.
enum class PasswordCheck : std::uint8_t {
    listed, ///< for given secrets and the default password only
    all,    ///< for every candidate
};

/// What a candidate turned out to be.
enum class CandidateJudgement : std::uint8_t {
    wrong,
    opens,       ///< a master key is proven on userdata; or there is no userdata and the footer's check value agrees
    footer_only, ///< the footer's own password, but no key it yields shows a filesystem on userdata
};

/// A candidate's master key with its proof.  `key` may be there without `proof`: the footer alone was searched.
struct ProvenKey {
    CandidateJudgement judgement{CandidateJudgement::wrong};
    SecretBytes key;
    std::string how; ///< "scrypt, AES-128 unwrap"
    std::optional<fde::KeyProof> proof;
    std::vector<std::string> facts; ///< proof lines for a person
};

/// A footer as a target of password::search.  const, thread safe.
class FooterTarget : public password::Target {
public:
    /// Judges one candidate in full; what `accepts` says is "not wrong".
    [[nodiscard]] virtual Result<ProvenKey> judge(ByteView candidate) const = 0;
};

/// `listed`: the secrets that PasswordCheck::listed checks; only the first 1000 are.
/// Errors: not_found (the footer alone has nothing that tells a right secret from a wrong one: says what is missing);
/// those of fde::make_key_probe.
[[nodiscard]] Result<std::unique_ptr<const FooterTarget>>
make_footer_target(SearchSubject subject, PasswordCheck check = PasswordCheck::listed,
                   const std::vector<GivenSecret>& listed = {});

/// One secret in full, as a search would judge its hit.  Errors: those of make_footer_target.
[[nodiscard]] Result<ProvenKey> judge_secret(const SearchSubject& subject, ByteView secret);

/// A part of a search.
struct SearchStep {
    std::string name; ///< "4-digit PIN"
    password::KeyspacePtr keyspace;
    double seconds{}; ///< for all of it, from the rate measured on this machine; 0 where it was not measured
};

/// What to search for.
struct SearchRequest {
    std::vector<GivenSecret> secrets; ///< tried first
    /// The user's own attacks, in order.  Where there are none, and no secrets, the owner's plan is made of what
    /// follows.
    std::vector<SearchStep> attacks;
    bool try_default_password{true};
    unsigned max_pin{8};                          ///< 4 to 16; 0: no PINs
    unsigned pattern_side{3};                     ///< 0: no patterns
    std::vector<std::filesystem::path> wordlists; ///< tried last, or before PINs where the footer says "password"
    PasswordCheck check{PasswordCheck::listed};
    password::DeviceRequest devices;
};

/// Devices that a plan was measured on.  Its search runs on the same ones: they are warm.
using SharedDevices = std::shared_ptr<const password::Devices>;

/// Steps in the order they are worth trying, likely and cheap ones first.
struct CrackPlan {
    std::vector<SearchStep> steps;
    double rate{};       ///< candidates a second, of all targets together, measured
    std::string devices; ///< threads, lanes, memory, and where memory is why there are not more
    bool uses_gpu{false};
    SharedDevices opened;
    std::string target_identity; ///< of all footers: what sessions and chunks belong to
    /// The largest number there is where the last step is a stream.
    [[nodiscard]] std::uint64_t candidates() const noexcept;
    /// The steps as one keyspace.  Errors: invalid_argument (none, or more than 2^64 candidates).
    [[nodiscard]] Result<password::KeyspacePtr> keyspace() const;
};
/// The steps alone, without measuring.  `footer` moves the kind it names forward; null: nothing is known of it.
/// Errors: those of keyspaces and word lists; cancelled.
[[nodiscard]] Result<std::vector<SearchStep>> plan_steps(const fde::CryptoFooter* footer, SearchRequest& request,
                                                         const RunContext& context);
/// With the rate, measured for about half a second and a batch at least.  `request.attacks` moves into the plan.
/// Errors: those of plan_steps and make_footer_target.
[[nodiscard]] Result<CrackPlan> plan_search(std::span<const SearchSubject> subjects, SearchRequest& request,
                                            const RunContext& context);

/// The name of the step that a candidate of the whole plan is of; empty beyond the end.
[[nodiscard]] std::string step_name_at(const std::vector<SearchStep>& steps, std::uint64_t index);

struct SearchRun {
    std::optional<std::filesystem::path> session_file; ///< gone on with where it exists, made where it does not
    std::vector<std::string> command;                  ///< kept in the session, to be repeated by --restore
    std::uint64_t skip{0};                             ///< candidates of the whole plan
    std::optional<std::uint64_t> limit;
    std::chrono::milliseconds checkpoint_interval{std::chrono::seconds{5}};
    std::function<Result<>(const password::Found&)> on_found; ///< as password::SearchOptions
    std::function<bool()> is_paused;
    /// Called with every state that is saved: for status lines.
    std::function<void(const password::SearchState&)> on_state;
};

/// A session file name that no other footers, plan or range have: "salvage-3f2a9c01d2e4.session".
/// Errors: those of CrackPlan::keyspace.
[[nodiscard]] Result<std::string> session_name(const CrackPlan& plan, const SearchRun& run);

/// A secret that was found.
struct FoundSecret {
    password::Found found;  ///< target, secret, encoding, number, proof lines
    std::string step;       ///< of the plan: "4-digit PIN"
    SecretBytes master_key; ///< empty where only the footer's password is known
    std::string how;
    std::optional<fde::KeyProof> key_proof; ///< nothing where the footer alone was searched
    /// The secret is the footer's password, and userdata does not open with it: footer and userdata are of different
    /// installations, or userdata's start is damaged.  There is no master key then.
    bool is_for_footer_only{false};
};

struct SearchReport {
    password::SearchEnd end{password::SearchEnd::exhausted};
    std::vector<FoundSecret> found; ///< one a target at most, in the order of candidates
    std::size_t targets{1};
    bool was_resumed{false};
    password::SearchState state;
    std::uint64_t tried{};
    std::uint64_t rejected{};
    std::chrono::duration<double> elapsed{};
    std::vector<std::string> searched; ///< one sentence a step, for the report
    std::vector<std::string> lost_devices;
};

/// Runs the steps as one numbered keyspace against all subjects, on the plan's devices.  A session of other footers,
/// another plan or range is refused (mismatch).
/// Errors: those of password::search, sessions and make_footer_target; invalid_argument (no steps).
[[nodiscard]] Result<SearchReport> run_search(std::span<const SearchSubject> subjects, const CrackPlan& plan,
                                              const SearchRequest& request, const SearchRun& run,
                                              const RunContext& context);

/// What the usual searches take here: 4-digit PIN, 6-digit PIN, 3x3 pattern.  Measures the key derivation for about
/// half a second (one batch at least), with the memory a search would take.  Empty where it cannot be measured.
[[nodiscard]] std::vector<AttackCost> forecast(const fde::Unlocker& unlocker, const RunContext& context);

} // namespace salvage::rescue
