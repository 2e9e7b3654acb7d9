// Inspecting: one pass over the dump, then what it means.
#include "salvage/rescue/inspect.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "rescue/judge.hpp"
#include "salvage/core/text.hpp"
#include "salvage/rescue/search.hpp"

namespace salvage::rescue {
namespace {

/// What a partition's blocks look like together.  Empty blocks tell nothing about the others.
class BlockCounts {
public:
    void add(const scan::BlockSummary& block)
    {
        if (block.is_unreadable || block.entropy < 0) {
            return;
        }
        ++read_;
        if (block.is_zero) {
            return;
        }
        const auto entropy = static_cast<double>(block.entropy);
        ++written_;
        sum_ += entropy;
        random_ += entropy >= looks_encrypted_from ? 1U : 0U;
    }

    /// Bits a byte over the blocks that hold anything; negative where nothing could be read.
    [[nodiscard]] double mean_entropy() const noexcept
    {
        if (read_ == 0) {
            return -1;
        }
        return written_ == 0 ? 0 : sum_ / static_cast<double>(written_);
    }

    [[nodiscard]] std::string looks() const
    {
        if (read_ == 0) {
            return "could not be read";
        }
        if (mean_entropy() < looks_empty_below) {
            return "empty";
        }
        if (random_ * 10 >= written_ * 9) {
            return "looks encrypted";
        }
        return random_ * 4 >= written_ ? "mixed" : "text or code";
    }

private:
    double sum_{0};
    std::uint64_t read_{0};
    std::uint64_t written_{0};
    std::uint64_t random_{0};
};

PartitionFacts facts_of(const Dump& dump, const partition::Partition& partition, const scan::ScanResult& scan)
{
    PartitionFacts out{.filesystem = {}, .looks = "not in this dump", .entropy = -1};
    const auto source = open_partition(dump, partition);
    if (!source.has_value()) {
        return out;
    }
    if (const auto plain = fde::probe_filesystem(**source)) {
        out.filesystem = plain->name;
    }
    const auto range = ByteRange::make(partition.start, partition.size);
    if (!range || scan.block.value == 0) {
        return out;
    }
    const auto first = range->start().value / scan.block.value;
    const auto last = (range->end().value + scan.block.value - 1) / scan.block.value;
    BlockCounts counts;
    for (auto i = first; i < std::min<std::uint64_t>(last, scan.blocks.size()); ++i) {
        counts.add(scan.blocks[i]);
    }
    out.looks = counts.looks();
    out.entropy = counts.mean_entropy();
    return out;
}

std::vector<Finding> all_findings(const InspectReport& report)
{
    auto out = report.layout.findings;
    std::ranges::copy(report.outcome.findings, std::back_inserter(out));
    for (const auto& found : report.outcome.footers.footers) {
        for (auto finding : found.footer.findings) {
            finding.where.partition = found.partition;
            finding.where.offset = found.offset;
            out.push_back(std::move(finding));
        }
    }
    return out;
}

} // namespace

Result<InspectReport> inspect(const Dump& dump, const OpenRequest& request, const RunContext& context)
{
    InspectReport report;
    const scan::ScanOptions options{.patterns = scan::default_patterns(), .range = {}};
    report.scan = SALVAGE_TRY(scan::scan(*dump.source, options, context).in("reading the dump"));
    report.patterns = options.patterns;
    report.source = {.path = dump.path, .container = dump.container, .size = dump.source->size(), .sha256 = {}};
    if (report.scan.sha256) {
        report.source.sha256 = to_hex(*report.scan.sha256);
    }
    report.layout = dump.layout;
    for (const auto& partition : dump.layout.partitions) {
        report.partitions.push_back(facts_of(dump, partition, report.scan));
    }
    report.completeness = judge_completeness(dump, report.scan.unreadable_bytes);
    auto footers = SALVAGE_TRY(find_footers_at_known_places(dump));
    add_footers_from_scan(footers, dump, report.patterns, report.scan.hits);
    footers.searched.emplace_back("every byte of the dump");
    report.outcome = SALVAGE_TRY(open_userdata(dump, std::move(footers), request, context));
    report.findings = all_findings(report);
    return report;
}

Result<InspectReport> open_inspected(const Dump& dump, const InspectReport& known, const OpenRequest& request,
                                     const RunContext& context)
{
    auto report = known;
    report.outcome = SALVAGE_TRY(open_userdata(dump, known.outcome.footers, request, context));
    report.findings = all_findings(report);
    return report;
}

Verdict judge_footer(const fde::CryptoFooter& footer, const OpenRequest& request, const RunContext& context)
{
    const auto answer = fde::can_open_offline(footer);
    if (answer.offline == fde::Offline::unsupported) {
        return {.code = VerdictCode::unsupported, .text = answer.reason, .proof = {}, .next = {}, .cost = {}};
    }
    const auto* const phone_keys = request.phone_keys ? &*request.phone_keys : nullptr;
    const auto unlocker = fde::make_unlocker(footer, phone_keys);
    if (!unlocker.has_value()) {
        return {.code = VerdictCode::needs_phone_key, .text = answer.reason, .proof = {}, .next = {}, .cost = {}};
    }
    const auto opens = [&](ByteView secret) {
        const auto is_password = (*unlocker)->is_password(secret);
        return is_password.has_value() && is_password->value_or(false);
    };
    if (request.try_default_password && opens(as_bytes("default_password"))) {
        return {.code = VerdictCode::open,
                .text = "The default password opens this footer: the phone asked nobody for a secret.",
                .proof = {"Checked by the footer's own check value."},
                .next = {},
                .cost = {}};
    }
    for (const auto& given : request.secrets) {
        if (opens(given.bytes.expose())) {
            return {.code = VerdictCode::open,
                    .text = "The given secret is this footer's password.",
                    .proof = {"Checked by the footer's own check value."},
                    .next = {},
                    .cost = {}};
        }
    }
    Verdict out{.code = VerdictCode::needs_secret,
                .text = "This footer opens on a computer once the secret is known; the phone is not needed.",
                .proof = {answer.reason},
                .next = {},
                .cost = {}};
    if (!request.secrets.empty()) {
        out.text +=
            " The secret that was given is not it, or the footer has no check value and userdata is needed to tell.";
    }
    if (request.measure_cost) {
        out.cost = forecast(**unlocker, context);
    }
    return out;
}

Result<FooterReport> inspect_footers(const Dump& dump, const OpenRequest& request, const RunContext& context)
{
    FooterReport report;
    report.source = {.path = dump.path, .container = dump.container, .size = dump.source->size(), .sha256 = {}};
    report.search = SALVAGE_TRY(find_footers(dump, context));
    for (const auto& found : report.search.footers) {
        auto verdict = judge_footer(found.footer, request, context);
        verdict.next = next_for_footer(verdict, dump);
        report.verdicts.push_back(std::move(verdict));
    }
    return report;
}

} // namespace salvage::rescue
