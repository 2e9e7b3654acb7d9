// Findings in one expression, and as many of one code as a person would read.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "salvage/core/finding.hpp"

namespace salvage::partition {

using Numbers = std::vector<std::pair<std::string, std::uint64_t>>;
using Words = std::vector<std::pair<std::string, std::string>>;

struct NoteDetails {
    FindingPlace where{};
    Numbers numbers{};
    Words words{};
};

/// Collects findings; of one code no more than a table can honestly have, so that a bomb does not fill memory.
class Notes {
public:
    explicit Notes(std::string source = {}) : source_{std::move(source)} {}

    void add(Severity severity, std::string_view code, std::string text, NoteDetails details = {})
    {
        if (++counts_[std::string{code}] > max_of_one_code) {
            return;
        }
        if (details.where.source.empty()) {
            details.where.source = source_;
        }
        findings_.push_back({.code = std::string{code},
                             .severity = severity,
                             .text = std::move(text),
                             .where = std::move(details.where),
                             .numbers = std::move(details.numbers),
                             .words = std::move(details.words)});
    }
    void note(std::string_view code, std::string text, NoteDetails details = {})
    {
        add(Severity::note, code, std::move(text), std::move(details));
    }
    void warn(std::string_view code, std::string text, NoteDetails details = {})
    {
        add(Severity::warning, code, std::move(text), std::move(details));
    }

    [[nodiscard]] bool has(std::string_view code) const { return counts_.contains(std::string{code}); }
    [[nodiscard]] std::vector<Finding> take() { return std::move(findings_); }

private:
    static constexpr std::uint64_t max_of_one_code = 256; // real tables have at most 160 partitions

    std::string source_;
    std::vector<Finding> findings_;
    std::map<std::string, std::uint64_t> counts_;
};

} // namespace salvage::partition
