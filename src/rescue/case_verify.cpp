// The whole check of a case: chain, files, export, strangers, signatures; then one sentence.
#include "salvage/rescue/case_verify.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "rescue/beneath.hpp"
#include "rescue/case_export_check.hpp"
#include "rescue/case_ledger.hpp"
#include "rescue/case_signatures.hpp"
#include "rescue/log_chain.hpp"
#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_listed_problems = 1000;
constexpr std::size_t max_listed_names = 100;

std::string plural(std::uint64_t count, std::string_view one, std::string_view many)
{
    return fmt::format("{} {}", format_count(count), count == 1 ? one : many);
}

/// Ours, and not judged: the log itself, what is under way, and what has no hash that may be written down.
bool is_own(const std::string& path)
{
    const auto slash = path.rfind('/');
    const auto name = path.substr(slash == std::string::npos ? 0 : slash + 1);
    return path == "log.jsonl" || path == "secret.bin" || path.starts_with("search.session") ||
           path.starts_with("sessions/") || path.starts_with("thumbnails/") || path.starts_with("backups/") ||
           path.starts_with("signatures/") || path.starts_with("files/.salvage-") ||
           path.starts_with("parts/.salvage-") || (slash == std::string::npos && name.ends_with(".partial"));
}

class CaseCheck {
public:
    CaseCheck(const CaseVerifyRequest& request, OwnedDescriptor folder, const RunContext& context)
        : request_{&request}, folder_{std::move(folder)}, context_{&context}
    {
    }

    Result<CaseVerifyReport> run()
    {
        report_.folder = request_->case_folder.string();
        std::optional<crypto::Ed25519Verifier> key;
        if (request_->public_key) {
            key = SALVAGE_TRY(crypto::Ed25519Verifier::from_pem(*request_->public_key).in("reading the public key"));
        }
        const auto stored = SALVAGE_TRY(load_signatures(folder_.get()));
        for (const auto& one : stored) {
            signed_records_.insert(one.head ? one.head->records : 0);
        }
        SALVAGE_TRY(check_log());
        SALVAGE_TRY(check_files());
        list_strangers();
        for (const auto& one : stored) {
            report_.signatures.push_back(judge_signature(one, heads_, key ? &*key : nullptr));
        }
        if (key) {
            report_.is_signed_by_key = std::ranges::any_of(report_.signatures, [](const CaseSignature& signature) {
                return signature.state == CaseSignature::State::valid;
            });
        }
        report_.text = verdict();
        return std::move(report_);
    }

private:
    Result<> check_log()
    {
        const auto log = SALVAGE_TRY(open_beneath(folder_.get(), "log.jsonl").in("opening the case log"));
        bool has_head = false;
        auto chain = SALVAGE_TRY(check_chain(read_log_from(log.get()),
                                             [&](const LogRecord& record, const LogLine& line, std::uint64_t number) {
                                                 ledger_.add(record);
                                                 has_head = has_head || line.sha256 == request_->head;
                                                 if (signed_records_.contains(number)) {
                                                     heads_[number] = line.sha256;
                                                 }
                                             }));
        report_.head = std::move(chain.head);
        report_.broken = std::move(chain.broken);
        report_.torn_lines = chain.torn_lines;
        report_.is_tail_torn = chain.is_tail_torn;
        if (!request_->head.empty()) {
            report_.has_head = has_head;
        }
        return {};
    }

    Result<> check_files()
    {
        if (ledger_.is_overfull()) {
            add_problem({.path = "log.jsonl", .code = "unreadable", .text = "it names more files than any case has"});
        }
        bool has_manifest = false;
        for (const auto& [path, expected] : ledger_.files()) {
            known_.add(path);
            auto wrong = SALVAGE_TRY(check_file(path, expected));
            has_manifest = has_manifest || (path == "files/manifest.jsonl" && !wrong);
            if (wrong) {
                add_problem(*std::move(wrong));
            } else {
                ++report_.files;
            }
        }
        return has_manifest ? check_export(
                                  folder_.get(), known_, report_,
                                  [this](CaseProblem problem) { add_problem(std::move(problem)); }, *context_)
                            : Result<>{};
    }

    /// What is wrong with a file that the log names.
    Result<std::optional<CaseProblem>> check_file(const std::string& path, const Expected& expected)
    {
        const auto file = open_beneath(folder_.get(), path);
        if (!file.has_value()) {
            const auto code = file.error().code;
            if (code == ErrorCode::not_found && !expected.written) {
                return std::optional<CaseProblem>{}; // planned, and the run was interrupted before
            }
            return std::optional{problem_from(path, file.error())};
        }
        auto bytes = report_.bytes.value;
        const auto found = measure(file->get(), bytes, *context_);
        report_.bytes = ByteCount{bytes};
        if (!found.has_value()) {
            return found.error().code == ErrorCode::cancelled ? Result<std::optional<CaseProblem>>{found.error()}
                                                              : std::optional{problem_from(path, found.error())};
        }
        auto wrong = difference(path, expected, *found);
        if (wrong && !expected.written) {
            add_unfinished(path); // planned over what the log does not know
            wrong.reset();
        }
        return wrong;
    }

    static std::optional<CaseProblem> difference(const std::string& path, const Expected& expected,
                                                 const Measured& found)
    {
        const auto is_it = [&](const std::optional<NamedFile>& one) {
            return one && one->size == found.size.value && one->sha256 == found.sha256;
        };
        if (is_it(expected.written) || is_it(expected.planned)) {
            return std::nullopt;
        }
        const auto& wanted = expected.written ? *expected.written : *expected.planned;
        if (wanted.size != found.size.value) {
            return CaseProblem{.path = path,
                               .code = "size",
                               .text = fmt::format("it has {} bytes, the log says {}", found.size.value, wanted.size)};
        }
        return CaseProblem{.path = path,
                           .code = "sha256",
                           .text = fmt::format("its SHA-256 is {}, the log says {}", found.sha256, wanted.sha256)};
    }

    /// A problem, unless the file was being written when the last run was interrupted: then nobody can say.
    void add_problem(CaseProblem problem)
    {
        if (problem.code != "outside" && ledger_.is_unfinished(problem.path)) {
            add_unfinished(problem.path);
            return;
        }
        ++report_.problem_count;
        if (report_.problems.size() < max_listed_problems) {
            report_.problems.push_back(std::move(problem));
        }
    }

    void add_unfinished(const std::string& path)
    {
        ++report_.unfinished_count;
        if (report_.unfinished.size() < max_listed_names) {
            report_.unfinished.push_back(path);
        }
    }

    /// Files that are there and that nothing accounts for.  Links are not followed.
    void list_strangers()
    {
        std::error_code problem;
        const auto& folder = request_->case_folder;
        for (fs::recursive_directory_iterator it{folder, problem}; !problem && it != fs::recursive_directory_iterator{};
             it.increment(problem)) {
            std::error_code ignored;
            const auto path = it->path().lexically_relative(folder).string();
            if (fs::is_directory(it->symlink_status(ignored)) || is_own(path) || known_.has(path)) {
                continue;
            }
            if (ledger_.is_unfinished(path)) {
                add_unfinished(path);
                continue;
            }
            ++report_.extra_count;
            if (report_.extra.size() < max_listed_names) {
                report_.extra.push_back(path);
            }
        }
        if (problem) {
            add_problem({.path = ".", .code = "unreadable", .text = "what else is there cannot be listed whole"});
        }
        std::ranges::sort(report_.extra);
    }

    [[nodiscard]] std::string verdict() const
    {
        if (report_.broken) {
            return fmt::format("The log was changed: line {}, at byte {}, is not in its chain.", report_.broken->line,
                               format_offset(report_.broken->offset));
        }
        if (report_.has_head == false) {
            return "The log is not the one whose head was given: no record of it has that hash.";
        }
        if (report_.problem_count > 0) {
            return fmt::format("The case was changed: {} not as the log says.",
                               plural(report_.problem_count, "file is", "files are"));
        }
        if (const auto wrong =
                std::ranges::find(report_.signatures, CaseSignature::State::wrong, &CaseSignature::state);
            wrong != report_.signatures.end()) {
            return fmt::format("The signature {} does not hold: {}.", printable(wrong->name), wrong->text);
        }
        if (report_.is_signed_by_key == false) {
            return "The case is not signed by the key that was given.";
        }
        return fmt::format("The case is as its log says: {} in an unbroken chain, {}, {} exported.{}",
                           plural(report_.head.records, "record", "records"), plural(report_.files, "file", "files"),
                           format_count(report_.exported),
                           report_.is_tail_torn || report_.unfinished_count > 0
                               ? " The last run was interrupted; the same command goes on."
                               : "");
    }

    const CaseVerifyRequest* request_;
    OwnedDescriptor folder_;
    const RunContext* context_;
    CaseLedger ledger_;
    KnownNames known_;
    std::set<std::uint64_t> signed_records_;
    std::map<std::uint64_t, std::string> heads_; ///< of those
    CaseVerifyReport report_;
};

} // namespace

bool CaseVerifyReport::is_sound() const noexcept
{
    const auto is_wrong = [](const CaseSignature& one) { return one.state == CaseSignature::State::wrong; };
    return !broken && problem_count == 0 && has_head.value_or(true) && is_signed_by_key.value_or(true) &&
           std::ranges::none_of(signatures, is_wrong);
}

Result<CaseVerifyReport> verify_case(const CaseVerifyRequest& request, const RunContext& context)
{
    return CaseCheck{request, SALVAGE_TRY(open_case_folder(request.case_folder)), context}.run();
}

} // namespace salvage::rescue
