// Searching for the secret of a footer: what is tried in which order, what it costs, and what was found.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/fde/unlock.hpp"
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

/// A part of a search.
struct SearchStep {
    std::string name; ///< "4-digit PIN"
    password::KeyspacePtr keyspace;
    double seconds{}; ///< for all of it, from the rate measured on this machine; 0 where it was not measured
};

/// What to search for.
struct SearchRequest {
    std::vector<GivenSecret> secrets; ///< tried first
    bool try_default_password{true};
    unsigned min_pin{4};
    unsigned max_pin{6};      ///< 0: no PINs
    unsigned pattern_side{3}; ///< 0: no patterns
    unsigned min_dots{4};
    unsigned max_dots{9};                         ///< fewer where the grid is larger: see password::make_patterns
    std::vector<std::filesystem::path> wordlists; ///< tried last, or before PINs where the footer says "password"
    PasswordCheck check{PasswordCheck::listed};
    unsigned workers{0}; ///< threads the rate is measured with, as SearchRun::workers
};

/// Steps in the order they are worth trying, cheap and likely ones first; the footer's crypt_type moves its kind
/// forward.
struct CrackPlan {
    std::vector<SearchStep> steps;
    double rate{};       ///< candidates a second, measured
    std::string threads; ///< how many, what memory each takes, and where memory is why there are not more
    [[nodiscard]] std::uint64_t candidates() const noexcept;
};
/// Measures the rate for about half a second.  Errors: those of make_footer_target, keyspaces and word lists;
/// cancelled.
[[nodiscard]] Result<CrackPlan> plan_search(const SearchSubject& subject, const SearchRequest& request,
                                            const RunContext& context);

struct SearchRun {
    std::optional<std::filesystem::path> session_file; ///< gone on with where it exists, made where it does not
    std::uint64_t skip{0};                             ///< candidates of the whole plan
    std::optional<std::uint64_t> limit;
    unsigned workers{0};
    std::chrono::milliseconds checkpoint_interval{std::chrono::seconds{5}};
};

/// A session file name that no other footer, plan or range has: "salvage-3f2a9c01d2e4.session".
/// Errors: those of make_footer_target; invalid_argument (no steps).
[[nodiscard]] Result<std::string> session_name(const SearchSubject& subject, const std::vector<SearchStep>& steps,
                                               const SearchRequest& request, const SearchRun& run);

/// A secret that was found.
struct FoundSecret {
    password::Found found;  ///< secret, encoding, number, proof lines
    std::string step;       ///< of the plan: "4-digit PIN"
    SecretBytes master_key; ///< empty with password_matches_footer_only
    std::string how;
    std::optional<fde::KeyProof> key_proof; ///< nothing where the footer alone was searched
};

struct SearchReport {
    password::SearchEnd end{password::SearchEnd::exhausted};
    std::optional<FoundSecret> found;
    /// The secret is the footer's password, and userdata does not open with it: footer and userdata are of different
    /// installations, or userdata's start is damaged.  `found` then has no master key.
    bool password_matches_footer_only{false};
    bool was_resumed{false};
    password::SearchState state;
    std::uint64_t tried{};
    std::chrono::duration<double> elapsed{};
    std::vector<std::string> searched; ///< one sentence a step, for the report
};

/// Runs the steps as one numbered keyspace.  A session of another footer, plan or range is refused (mismatch).
/// Errors: those of password::search, sessions and make_footer_target; invalid_argument (no steps).
[[nodiscard]] Result<SearchReport> run_search(const SearchSubject& subject, const std::vector<SearchStep>& steps,
                                              const SearchRequest& request, const SearchRun& run,
                                              const RunContext& context);

/// What the usual searches take here: 4-digit PIN, 6-digit PIN, 3x3 pattern.  Measures the key derivation for about
/// half a second (one derivation at least).  Empty where it cannot be measured.
[[nodiscard]] std::vector<AttackCost> forecast(const fde::Unlocker& unlocker, const RunContext& context);

} // namespace salvage::rescue
