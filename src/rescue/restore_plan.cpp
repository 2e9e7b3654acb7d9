// Making a restore plan: pick, place, hash, then say what is missing, what conflicts and what to do.
#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "rescue/restore_draft.hpp"
#include "rescue/restore_rules.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"

namespace salvage::rescue {
namespace {

// What a USB 2 phone takes, from reports in the field; the estimate says which rate it was made with.
constexpr ByteCount fastboot_rate{16ULL << 20U};
constexpr ByteCount agent_rate{12ULL << 20U};
constexpr ByteCount flash_tool_rate{12ULL << 20U};

constexpr std::array<std::string_view, 3> tool_names{"fastboot", "da-write", "flash-tool"};

ByteCount rate_of(RestoreTool tool) noexcept
{
    switch (tool) {
    case RestoreTool::fastboot: return fastboot_rate;
    case RestoreTool::da_write: return agent_rate;
    case RestoreTool::flash_tool: break;
    }
    return flash_tool_rate;
}

std::string absolute(const std::filesystem::path& path)
{
    std::error_code problem;
    const auto out = std::filesystem::absolute(path, problem);
    return (problem ? path : out).lexically_normal().string();
}

bool has_attribute(const partition::Partition& partition, std::string_view key, std::string_view value)
{
    return std::ranges::any_of(partition.attributes,
                               [&](const auto& one) { return one.first == key && one.second == value; });
}

/// Bytes of a source that are known to be bad.
ByteCount lost_in(const io::ByteSource& source)
{
    ByteCount out;
    const auto extents = source.extents(io::whole(source));
    if (!extents.has_value()) {
        return out;
    }
    for (const auto& extent : *extents) {
        out = extent.kind == io::ExtentKind::unreadable ? out + extent.range.size() : out;
    }
    return out;
}

/// Makes the steps of a plan.
class StepMaker {
public:
    StepMaker(const RestoreSource& source, const KnownPhone& phone, const RestoreRequest& request)
        : source_{&source}, phone_{&phone}, request_{&request}
    {
    }

    Result<DraftStep> make(const PickedPartition& picked)
    {
        const auto& partition = picked.partition;
        DraftStep draft{.step = {},
                        .belongs = picked.belongs,
                        .partition = partition,
                        .image = {},
                        .phone = phone_->find(partition.name),
                        .lost = {},
                        .is_cut = false};
        auto& step = draft.step;
        step.partition = draft.phone ? draft.phone->name : partition.name;
        step.why = picked.why;
        step.tool = tool_for(partition.name);
        step.bytes_a_second = rate_of(step.tool);
        if (step.tool == RestoreTool::da_write) {
            place(draft);
        }
        if (draft.phone && draft.phone->is_size_trusted) {
            step.phone_size = draft.phone->size;
        }
        SALVAGE_TRY(take_image(draft).in("taking the image of " + printable(partition.name)));
        return draft;
    }

private:
    [[nodiscard]] RestoreTool tool_for(std::string_view partition) const
    {
        if (request_->tool) {
            return *request_->tool;
        }
        if (!phone_->variables.empty()) {
            return phone_->facts().is_unlocked == false && phone_->is_layout_known() ? RestoreTool::da_write
                                                                                     : RestoreTool::fastboot;
        }
        const auto* const found = phone_->layout ? phone_->layout->find(partition) : nullptr;
        if (found != nullptr && found->source.starts_with("scatter")) {
            // What the flash tool hides goes by the bootloader, as in the first rescue of this kind.
            return has_attribute(*found, "operation_type", "INVISIBLE") ? RestoreTool::fastboot
                                                                        : RestoreTool::flash_tool;
        }
        return phone_->is_layout_known() ? RestoreTool::da_write : RestoreTool::fastboot;
    }

    /// Where the download agent writes; the dump's own place where the phone's is not known, which is a conflict.
    void place(DraftStep& draft) const
    {
        if (draft.phone) {
            draft.step.region = draft.phone->region;
            draft.step.start = draft.phone->start;
        } else if (!phone_->is_layout_known() && draft.partition.is_start_known) {
            draft.step.start = draft.partition.start;
        }
    }

    Result<> take_image(DraftStep& draft) const
    {
        const auto& partition = draft.partition;
        // With bad areas and missing ends marked: to count what is lost.
        const auto marked = SALVAGE_TRY(open_partition(source_->dump, partition));
        draft.lost = lost_in(*marked);
        auto& image = draft.step.image;
        const auto part =
            std::ranges::find(source_->parts, partition.name, &std::pair<std::string, std::string>::first);
        const bool is_part = part != source_->parts.end();
        image.path = is_part ? part->second : absolute(source_->dump.path);
        // As the file has it: nothing is made up where the old phone could not be read.
        const auto file = SALVAGE_TRY(io::open_any(image.path));
        const auto start = is_part ? ByteOffset{0} : partition.start;
        const auto wanted = ByteRange::make(start, partition.size);
        image.range = wanted ? wanted->intersection(io::whole(*file)) : ByteRange{};
        if (image.range.is_empty() && partition.size.value > 0) {
            return truncated(start, fmt::format("the file ends before {} begins", printable(partition.name)),
                             fmt::format("it has {}", format_size_exact(file->size())))
                .at(image.path, {})
                .with_hint("it may hold the partition table alone: give the whole dump");
        }
        draft.is_cut = image.range.size() < partition.size;
        if (draft.is_cut) {
            // What lies beyond the end is said once, as cut.
            const auto beyond = partition.size - image.range.size();
            draft.lost = draft.lost > beyond ? draft.lost - beyond : ByteCount{0};
        }
        draft.image = SALVAGE_TRY(io::make_subrange(file, image.range, image.path));
        return {};
    }

    const RestoreSource* source_;
    const KnownPhone* phone_;
    const RestoreRequest* request_;
};

/// A file too small to be more than a key footer would, as "userdata", go over the first bytes of the phone's own.
Result<> check_is_more_than_a_footer(const Dump& dump)
{
    if (!is_footer_alone(dump)) {
        return {};
    }
    return invalid_argument("this file holds a key footer at most, and no partition to put back",
                            fmt::format("{} has {}", printable(dump.path), format_size_exact(dump.source->size())),
                            "give the dump, or the image of userdata");
}

Result<> hash_images(std::vector<DraftStep>& drafts, const RunContext& context)
{
    HashProgress progress{.step = "plan"};
    for (const auto& draft : drafts) {
        progress.total += draft.image->size().value;
    }
    for (auto& draft : drafts) {
        draft.step.image.sha256 = SALVAGE_TRY(hash_source(*draft.image, progress, context));
    }
    return {};
}

/// What does not come back from JSON as it went in cannot be applied later.
Result<> check_is_text(const RestorePlan& plan)
{
    const auto text = format_plan(plan);
    const auto again = parse_plan(as_bytes(text));
    if (!again.has_value()) {
        return Error{again.error()}.in("reading the plan back");
    }
    if (again->steps != plan.steps || again->source != plan.source) {
        return invalid_argument("a name or a path is not UTF-8, and a plan cannot carry it", {},
                                "give the dump a plain name; leave odd partitions out with --only");
    }
    return {};
}

} // namespace

std::string_view to_string(RestoreTool tool) noexcept
{
    return tool_names.at(static_cast<std::size_t>(tool));
}

std::optional<RestoreTool> restore_tool_of(std::string_view name) noexcept
{
    const auto* const found = std::ranges::find(tool_names, name);
    return found != tool_names.end() ? std::optional{static_cast<RestoreTool>(found - tool_names.begin())}
                                     : std::nullopt;
}

std::uint64_t RestoreStep::seconds() const noexcept
{
    const auto rate = std::max<std::uint64_t>(bytes_a_second.value, 1);
    const auto bytes = image.range.size().value;
    return (bytes / rate) + (bytes % rate != 0 ? 1 : 0);
}

ByteCount RestorePlan::bytes() const noexcept
{
    ByteCount out;
    for (const auto& step : steps) {
        out = out + step.image.range.size();
    }
    return out;
}

std::uint64_t RestorePlan::seconds() const noexcept
{
    std::uint64_t out = 0;
    for (const auto& step : steps) {
        out += step.seconds();
    }
    return out;
}

const Finding* RestorePlan::blocker() const noexcept
{
    for (const auto* const findings : {&missing, &conflicts}) {
        const auto found = std::ranges::find(*findings, Severity::error, &Finding::severity);
        if (found != findings->end()) {
            return &*found;
        }
    }
    return nullptr;
}

Result<RestorePlan> plan_restore(const RestoreSource& source, const KnownPhone& phone, const RestoreRequest& request,
                                 const RunContext& context)
{
    SALVAGE_TRY(check_is_more_than_a_footer(source.dump));
    const auto facts = SALVAGE_TRY(learn_key(source.dump, context).in("looking for the key of userdata"));
    auto picked = SALVAGE_TRY(pick_partitions(source.dump, facts, request));
    std::vector<DraftStep> drafts;
    drafts.reserve(picked.partitions.size());
    StepMaker maker{source, phone, request};
    for (const auto& one : picked.partitions) {
        drafts.push_back(SALVAGE_TRY(maker.make(one)));
    }
    SALVAGE_TRY(hash_images(drafts, context));
    RestorePlan plan;
    plan.source = absolute(source.dump.path);
    plan.verdict = to_string(facts.outcome.verdict.code);
    plan.verdict_text = facts.outcome.verdict.text;
    plan.phone = phone.facts();
    plan.known_from = phone.known_from;
    plan.firmware = build_fingerprint(source.dump);
    plan.phone_firmware = phone.firmware;
    plan.refused = std::move(picked.refused);
    plan.also = request.also;
    plan.steps.reserve(drafts.size());
    for (const auto& draft : drafts) {
        plan.steps.push_back(draft.step);
    }
    plan.missing = judge_backup_set(source, facts, drafts);
    plan.conflicts = find_conflicts(plan, facts, phone, drafts);
    accept_findings(plan.missing, request.accepted);
    accept_findings(plan.conflicts, request.accepted);
    plan.notes = write_notes(plan, facts);
    SALVAGE_TRY(check_is_text(plan));
    return plan;
}

} // namespace salvage::rescue
