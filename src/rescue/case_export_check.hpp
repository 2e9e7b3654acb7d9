// The exported files of a case against their manifest.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>

#include "salvage/core/run_context.hpp"
#include "salvage/rescue/case_verify.hpp"

namespace salvage::rescue {

/// Names that something of the case accounts for, as hashes: bounded memory, and one in 2^64 is believed by mistake.
class KnownNames {
public:
    void add(const std::string& path)
    {
        if (names_.size() < max_names) {
            names_.insert(std::hash<std::string>{}(path));
        } else {
            is_overfull_ = true;
        }
    }
    [[nodiscard]] bool has(const std::string& path) const
    {
        return is_overfull_ || names_.contains(std::hash<std::string>{}(path));
    }

private:
    // More files than a phone has; beyond, no file is called unknown.
    static constexpr std::size_t max_names = 16'000'000;
    std::unordered_set<std::size_t> names_;
    bool is_overfull_{false};
};

/// What could not be opened or read, in the words of a verification.
[[nodiscard]] CaseProblem problem_from(const std::string& path, const Error& error);

/// Checks every entry of files/manifest.jsonl.  What is wrong goes to `problem`, what is right is counted in `report`.
/// Errors: io, cancelled.
Result<> check_export(int case_folder, KnownNames& known, CaseVerifyReport& report,
                      const std::function<void(CaseProblem)>& problem, const RunContext& context);

} // namespace salvage::rescue
