// Searches of a case by the names that a person chooses them by; each keeps its session in the case.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/rescue/inspect.hpp"
#include "salvage/rescue/search.hpp"

namespace salvage::rescue {

struct NamedAttack {
    std::string_view id;   ///< stable: "pin4", "pattern3", "words"
    std::string_view name; ///< "4-digit PIN"
};
/// In the order in which they are worth trying.
[[nodiscard]] std::span<const NamedAttack> named_attacks() noexcept;

/// Which attacks, one after another.
struct NamedSearch {
    std::vector<std::string> attacks; ///< ids
    std::string words;                ///< word list of "words"
    bool operator==(const NamedSearch&) const = default;

    /// In the order of named_attacks(), each once.  Errors: invalid_argument (an id that is none; "words" without a
    /// word list).
    [[nodiscard]] Result<NamedSearch> ordered() const;
};

/// Errors: as NamedSearch::ordered(); those of keyspaces and word lists; cancelled.
[[nodiscard]] Result<std::vector<SearchStep>> steps_of(const NamedSearch& search, const RunContext& context);
/// Candidates of an attack that needs no word list.  Errors: invalid_argument.
[[nodiscard]] Result<std::uint64_t> candidates_of(std::string_view attack);

/// What a search of an inspected dump runs against.  Errors: not_found (says why nothing can be searched for).
[[nodiscard]] Result<SearchSubject> find_subject(const Dump& dump, const InspectReport& report);

/// A session that lies in a case.
struct EarlierSearch {
    NamedSearch search;
    std::uint64_t done{};
    std::uint64_t total{};
    bool is_found{false}; ///< it had come to the secret
};
/// Those that run_named_search() left in `case_folder`; what is no session of its kind is passed over.  The oldest
/// first.
[[nodiscard]] std::vector<EarlierSearch> earlier_searches(const std::filesystem::path& case_folder);

struct NamedSearchRun {
    std::filesystem::path case_folder;
    std::function<bool()> is_paused;
    /// A session that has its hit is told of without measuring or trying anything.
    bool is_found_already{false};
};
/// Begins, or goes on where the session of the same attacks in the case's folder `sessions` stands.
/// Errors: those of plan_search and run_search.
[[nodiscard]] Result<SearchReport> run_named_search(const SearchSubject& subject, const NamedSearch& search,
                                                    const NamedSearchRun& run, const RunContext& context);

/// A found secret as a person would type or draw it: a pattern as its digits from 1.
[[nodiscard]] std::string typed_form(const password::Found& found);

} // namespace salvage::rescue
