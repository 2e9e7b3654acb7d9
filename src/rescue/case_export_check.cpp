// Entry by entry: files by size and SHA-256, links by their target, folders by being there.
#include "rescue/case_export_check.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "rescue/beneath.hpp"
#include "rescue/log_reader.hpp"
#include "rescue/out_folder.hpp"

namespace salvage::rescue {
namespace {

using Json = nlohmann::ordered_json;

/// A line of the manifest, as far as it says what is on the disk.
struct Entry {
    std::string path; ///< in the case
    std::string type;
    std::optional<std::uint64_t> size;
    std::optional<std::string> sha256;
    std::string target;
};

std::optional<Entry> entry_of(const Json& line)
{
    const auto stored = get_text(line, "stored");
    if (!stored) {
        return std::nullopt; // only in the manifest
    }
    auto sum = get_text(line, "stored_sha256");
    return Entry{.path = "files/" + *stored,
                 .type = get_text(line, "type").value_or(std::string{}),
                 .size = get_number(line, "size"),
                 .sha256 = sum ? std::move(sum) : get_text(line, "sha256"),
                 .target = get_text(line, "target").value_or(std::string{})};
}

class ExportCheck {
public:
    ExportCheck(int folder, CaseVerifyReport& report, const RunContext& context)
        : folder_{folder}, report_{&report}, context_{&context}
    {
    }

    /// What is wrong with it; nothing where all is right.
    Result<std::optional<CaseProblem>> check(const Entry& entry)
    {
        if (entry.type == "file") {
            return check_file(entry);
        }
        const auto place = walk_beneath(folder_, entry.path);
        if (!place.has_value()) {
            return std::optional{problem_from(entry.path, place.error())};
        }
        struct stat status{};
        if (::fstatat(place->folder.get(), place->name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
            return std::optional{CaseProblem{.path = entry.path, .code = "missing", .text = "it is not there"}};
        }
        if (entry.type == "symlink" ? !S_ISLNK(status.st_mode) : !S_ISDIR(status.st_mode)) {
            return std::optional{
                CaseProblem{.path = entry.path, .code = "kind", .text = fmt::format("it is no {}", entry.type)}};
        }
        if (entry.type == "symlink" && target_of(*place) != entry.target) {
            return std::optional{
                CaseProblem{.path = entry.path, .code = "target", .text = "it points elsewhere than it did"}};
        }
        return std::optional<CaseProblem>{};
    }

private:
    static std::string target_of(const NameBeneath& place)
    {
        std::array<char, 4096> out{};
        const auto got = ::readlinkat(place.folder.get(), place.name.c_str(), out.data(), out.size());
        return got < 0 ? std::string{} : std::string{out.data(), static_cast<std::size_t>(got)};
    }

    Result<std::optional<CaseProblem>> check_file(const Entry& entry)
    {
        const auto file = open_beneath(folder_, entry.path);
        if (!file.has_value()) {
            return std::optional{problem_from(entry.path, file.error())};
        }
        struct stat status{};
        if (::fstat(file->get(), &status) != 0) {
            return std::optional{
                CaseProblem{.path = entry.path, .code = "unreadable", .text = "it cannot be looked at"}};
        }
        const auto size = static_cast<std::uint64_t>(status.st_size);
        if (entry.size != size) {
            return std::optional{
                CaseProblem{.path = entry.path,
                            .code = "size",
                            .text = fmt::format("it has {} bytes, the manifest says {}", size,
                                                entry.size ? fmt::to_string(*entry.size) : std::string{"nothing"})}};
        }
        if (!entry.sha256) {
            ++report_->without_hash;
            return std::optional<CaseProblem>{};
        }
        auto bytes = report_->bytes.value;
        const auto found = measure(file->get(), bytes, *context_);
        report_->bytes = ByteCount{bytes};
        if (!found.has_value()) {
            return found.error().code == ErrorCode::cancelled ? Result<std::optional<CaseProblem>>{found.error()}
                                                              : std::optional{problem_from(entry.path, found.error())};
        }
        return found->sha256 == *entry.sha256
                   ? std::optional<CaseProblem>{}
                   : std::optional{CaseProblem{
                         .path = entry.path, .code = "sha256", .text = "its content is not what was exported"}};
    }

    int folder_;
    CaseVerifyReport* report_;
    const RunContext* context_;
};

} // namespace

CaseProblem problem_from(const std::string& path, const Error& error)
{
    const auto* const code = error.code == ErrorCode::refused     ? "outside"
                             : error.code == ErrorCode::not_found ? "missing"
                             : error.code == ErrorCode::mismatch  ? "kind"
                                                                  : "unreadable";
    return {.path = path, .code = code, .text = error.what};
}

Result<> check_export(int case_folder, KnownNames& known, CaseVerifyReport& report,
                      const std::function<void(CaseProblem)>& problem, const RunContext& context)
{
    const auto manifest = open_beneath(case_folder, "files/manifest.jsonl");
    if (!manifest.has_value()) {
        return {}; // told already: the log names it
    }
    ExportCheck check{case_folder, report, context};
    auto lines = read_log_from(manifest->get());
    while (const auto line = SALVAGE_TRY(lines.next())) {
        if (context.is_stopped()) {
            return cancelled("verifying the case");
        }
        const auto json = parse_bounded(line->text);
        if (!json) {
            problem({.path = "files/manifest.jsonl",
                     .code = "unreadable",
                     .text = fmt::format("its line {} is no line of a manifest", line->number)});
            continue;
        }
        const auto entry = entry_of(*json);
        if (!entry) {
            continue;
        }
        known.add(entry->path);
        if (auto wrong = SALVAGE_TRY(check.check(*entry))) {
            problem(*std::move(wrong));
        } else {
            ++report.exported;
        }
    }
    return {};
}

} // namespace salvage::rescue
