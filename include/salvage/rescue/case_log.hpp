// The case log: append-only JSON lines, each with the SHA-256 of the line before.  See docs/formats/case.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/core/units.hpp"

namespace salvage::rescue {

/// Where a log stands.  Whoever has kept it can tell later whether the log was changed or cut.
struct LogHead {
    std::uint64_t records{};
    std::string sha256 = std::string(64, '0'); ///< of the last whole record, hex; zeros where there is none
    bool operator==(const LogHead&) const = default;
};

/// The last whole record, whether or not the chain before it holds: that is for verify_case to say.
/// Errors: io; not_found (no such log).
[[nodiscard]] Result<LogHead> log_head(const std::filesystem::path& log);

/// A value of a record's `data`; monostate is null.
using LogValue = std::variant<std::monostate, std::uint64_t, std::string, std::vector<std::string>>;
struct LogField {
    std::string key;
    LogValue value;
};

/// A run that began and has no end.
struct InterruptedRun {
    std::string run;        ///< "rescue", "export"
    std::uint64_t record{}; ///< number of the record that it began with
    bool operator==(const InterruptedRun&) const = default;
};

/// What an earlier run left behind, as the log tells it.
struct LogMemory {
    std::optional<InterruptedRun> interrupted; ///< of which no later run has told
    std::vector<std::string> finished_folders; ///< "parts": written to the end, each of its files recorded
};

/// A case log under way.  Thread safe.
class CaseLog final : public Log {
public:
    /// Goes on after the last whole record of an existing log; what was cut off after it is named by a record.
    /// Errors: io; already_exists (another run writes into it, or it is no plain file).
    [[nodiscard]] static Result<std::unique_ptr<CaseLog>> open(const std::filesystem::path& path, Clock& clock);
    void write(std::string_view event, std::string_view text) override;
    /// With facts for programs.  Never a secret.
    void write(std::string_view event, std::string_view text, std::span<const LogField> data);

    [[nodiscard]] LogHead head() const;
    /// As the log stood when it was opened.
    [[nodiscard]] const LogMemory& memory() const noexcept;

    CaseLog(const CaseLog&) = delete;
    CaseLog& operator=(const CaseLog&) = delete;
    ~CaseLog() override;

private:
    struct State;
    explicit CaseLog(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

/// A document that lies in the case folder itself: report.txt.
struct CaseDocument {
    std::string name; ///< plain, no folders
    std::string content;
};

/// Writes each, replacing an older one, and records its size and SHA-256; a kill -9 at any moment leaves a case that
/// verifies.  Errors: io, no_space, already_exists (another run writes into the case).
Result<> add_to_case(const std::filesystem::path& case_folder, std::span<const CaseDocument> documents, Clock& clock);

} // namespace salvage::rescue
