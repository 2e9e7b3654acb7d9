// What a backup set lacks, named before anything is written.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "rescue/restore_draft.hpp"
#include "rescue/restore_rules.hpp"
#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

Finding lack(std::string code, Severity severity, std::string text)
{
    return {.code = std::move(code),
            .severity = severity,
            .text = std::move(text),
            .where = {},
            .numbers = {},
            .words = {}};
}

bool has_table(const Dump& dump)
{
    constexpr std::array<std::string_view, 4> kinds{"gpt", "gpt-backup", "mbr", "pmt"};
    return std::ranges::any_of(dump.layout.tables, [&](const partition::Table& table) {
        return table.path == dump.path && std::ranges::find(kinds, table.kind) != kinds.end();
    });
}

void judge_regions(std::vector<Finding>& into, const RestoreSource& source)
{
    for (const std::string region : {"boot1", "boot2"}) {
        if (std::ranges::find(source.boot_regions, region) == source.boot_regions.end()) {
            into.push_back(lack(fmt::format("backup-lacks-{}", region), Severity::warning,
                                fmt::format("There is no file of the region {} beside the dump. It holds the "
                                            "preloader: without it a phone that is damaged there stays dead.",
                                            region)));
        }
    }
    into.push_back(lack("backup-lacks-rpmb", Severity::note,
                        "The region rpmb is in no backup: the chip alone can write it. A phone whose rpmb was reset "
                        "may refuse keys of before."));
    const bool has_part = std::ranges::any_of(
        source.dump.layout.partitions, [](const auto& partition) { return is_same_name(partition.name, "pgpt"); });
    const bool is_among_parts = has_part && !source.parts.empty();
    if (!has_table(source.dump) && !is_among_parts) {
        into.push_back(lack("backup-lacks-table", Severity::warning,
                            "There is no partition table in this backup: where its partitions were is known from other "
                            "files only."));
    }
}

void judge_key(std::vector<Finding>& into, const RestoreSource& source, const RestoreFacts& facts)
{
    const auto code = facts.outcome.verdict.code;
    if (code == VerdictCode::key_missing) {
        into.push_back(lack("backup-lacks-footer", Severity::error,
                            "userdata looks encrypted, and the key footer that opens it is not in this backup. Written "
                            "back alone it opens nothing."));
    } else if (code == VerdictCode::mismatch) {
        into.push_back(lack("footer-of-other-data", Severity::error, facts.outcome.verdict.text));
    } else if (code == VerdictCode::damaged) {
        into.push_back(lack("userdata-damaged", Severity::error, facts.outcome.verdict.text));
    }
    const auto* const found = facts.found();
    if (found != nullptr && !found->file.empty()) {
        auto finding = lack("footer-in-other-file", Severity::error,
                            "The key footer is in a file of its own and not in this backup's partition. Put it there "
                            "first: a restore writes whole partitions.");
        finding.where.source = found->file;
        into.push_back(std::move(finding));
    }
    if (found != nullptr && found->file.empty() && !found->placement.fits) {
        auto finding = lack("footer-misplaced", Severity::warning, found->placement.text);
        finding.where = {.source = source.dump.path, .offset = found->offset, .partition = found->partition};
        into.push_back(std::move(finding));
    }
}

void judge_part(std::vector<Finding>& into, const DraftStep& draft)
{
    const auto& step = draft.step;
    if (draft.is_cut) {
        auto finding =
            lack("part-cut", Severity::error,
                 fmt::format("The dump ends inside {}: {} of {} are there.", printable(step.partition),
                             format_size_exact(step.image.range.size()), format_size_exact(draft.partition.size)));
        finding.where.partition = step.partition;
        finding.numbers = {{"size", draft.partition.size.value}, {"present", step.image.range.size().value}};
        into.push_back(std::move(finding));
    }
    if (draft.lost.value > 0) {
        auto finding = lack("part-unreadable", Severity::warning,
                            fmt::format("{} of {} could not be read from the phone; they are written as the file has "
                                        "them, and what lay there is lost.",
                                        format_size_exact(draft.lost), printable(step.partition)));
        finding.where.partition = step.partition;
        finding.numbers = {{"lost_bytes", draft.lost.value}};
        into.push_back(std::move(finding));
    }
}

} // namespace

std::vector<Finding> judge_backup_set(const RestoreSource& source, const RestoreFacts& facts,
                                      const std::vector<DraftStep>& steps)
{
    std::vector<Finding> out;
    judge_key(out, source, facts);
    for (const auto& step : steps) {
        judge_part(out, step);
    }
    judge_regions(out, source);
    return out;
}

} // namespace salvage::rescue
