// What stands between a plan and the phone: sizes, locks, tools, firmware.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "rescue/restore_draft.hpp"
#include "rescue/restore_rules.hpp"
#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

// Sorted.  What no acceptance makes possible: the write would fail half-way, or hit something else.
constexpr std::array<std::string_view, 5> unacceptable{"image-larger-than-partition", "no-place-known",
                                                       "nothing-to-write", "partition-absent", "size-is-odd"};
static_assert(std::ranges::is_sorted(unacceptable));

constexpr std::uint64_t sparse_block = 4096;
constexpr std::uint64_t smallest_block = 512;

bool is_bootable(std::string_view partition)
{
    return is_same_name(without_slot(partition), "boot") || is_same_name(without_slot(partition), "recovery");
}

/// Collects the conflicts of a plan.
class Conflicts {
public:
    Conflicts(const RestorePlan& plan, const RestoreFacts& facts, const KnownPhone& phone)
        : plan_{&plan}, facts_{&facts}, phone_{&phone}
    {
    }

    std::vector<Finding> run(const std::vector<DraftStep>& steps)
    {
        if (steps.empty()) {
            add("nothing-to-write", Severity::error, {}, "No partition of this dump is to be written.");
        }
        judge_phone();
        for (const auto& step : steps) {
            judge_place(step);
            judge_size(step);
            judge_tool(step);
        }
        judge_firmware(steps);
        return std::move(out_);
    }

private:
    Finding& add(std::string code, Severity severity, const std::string& partition, std::string text)
    {
        return out_.emplace_back(Finding{.code = std::move(code),
                                         .severity = severity,
                                         .text = std::move(text),
                                         .where = {.source = {}, .offset = {}, .partition = partition},
                                         .numbers = {},
                                         .words = {}});
    }

    [[nodiscard]] bool uses(RestoreTool tool) const
    {
        return std::ranges::find(plan_->steps, tool, &RestoreStep::tool) != plan_->steps.end();
    }

    void judge_phone()
    {
        if (uses(RestoreTool::fastboot) && plan_->phone.is_unlocked == false) {
            add("bootloader-locked", Severity::error, {},
                "The bootloader is locked: it refuses to write. Unlocking it wipes userdata, so the whole phone is "
                "read first, then unlocked, then restored; or the download agent writes (--tool da-write), which "
                "needs no unlocking.");
        }
        if (uses(RestoreTool::fastboot) && facts_->is_hardware_bound && plan_->phone.is_unlocked != true) {
            add("unlocking-may-change-keys", Severity::warning, {},
                "The key of this userdata is bound to the phone's chip, and a chip may bind it to the lock state as "
                "well (AOSP keymaster, root of trust): after unlocking it may be refused. The download agent writes "
                "without unlocking (--tool da-write).");
        }
        if (uses(RestoreTool::fastboot) && !plan_->phone.max_download) {
            add("max-download-unknown", Severity::note, {},
                "How much the bootloader takes at once is not known yet; it is asked when the plan is applied.");
        }
        if (!phone_->is_layout_known() && uses(RestoreTool::da_write)) {
            add("phone-layout-unknown", Severity::error, {},
                "The phone's own partition table was not given, so the places of the dump were taken. The download "
                "agent writes to addresses: read the phone's GPT first and give it with --phone.");
        }
    }

    void judge_place(const DraftStep& draft)
    {
        const auto& name = draft.step.partition;
        if (!draft.phone && phone_->is_layout_known()) {
            add("partition-absent", Severity::error, name,
                fmt::format("The phone has no partition {}.", printable(name)));
        } else if (draft.step.tool == RestoreTool::da_write && !draft.step.start) {
            add("no-place-known", Severity::error, name,
                fmt::format("Where {} begins on the phone is not known, and the download agent goes by addresses.",
                            printable(name)));
        }
    }

    void judge_size(const DraftStep& draft)
    {
        const auto& step = draft.step;
        const auto image = step.image.range.size();
        if (draft.phone && draft.phone->size && !draft.phone->is_size_trusted) {
            add("size-not-trusted", Severity::note, step.partition,
                fmt::format("The phone is said to have {} for {}; that is not counted: MediaTek's bootloader tells "
                            "800 MiB at most, and scatter files carry a placeholder.",
                            format_size(*draft.phone->size), printable(step.partition)))
                .numbers = {{"said", draft.phone->size->value}, {"image", image.value}};
        }
        if (!step.phone_size || *step.phone_size == image) {
            return;
        }
        const std::vector<std::pair<std::string, std::uint64_t>> numbers{{"phone", step.phone_size->value},
                                                                         {"image", image.value}};
        if (image > *step.phone_size) {
            add("image-larger-than-partition", Severity::error, step.partition,
                fmt::format("{} has {} on the phone, and the image has {}.", printable(step.partition),
                            format_size_exact(*step.phone_size), format_size_exact(image)))
                .numbers = numbers;
            return;
        }
        const bool is_tail_footer = draft.belongs == Belongs::userdata && facts_->found() != nullptr &&
                                    is_same_name(facts_->found()->partition, step.partition);
        add("size-differs", is_tail_footer ? Severity::error : Severity::warning, step.partition,
            fmt::format("{} has {} on the phone, and the image has {}.{}", printable(step.partition),
                        format_size_exact(*step.phone_size), format_size_exact(image),
                        is_tail_footer ? " The key footer counts from the partition's end: the phone would look for it "
                                         "in the wrong place."
                                       : ""))
            .numbers = numbers;
    }

    void judge_tool(const DraftStep& draft)
    {
        switch (draft.step.tool) {
        case RestoreTool::fastboot: judge_fastboot(draft); break;
        case RestoreTool::flash_tool: judge_flash_tool(draft); break;
        case RestoreTool::da_write: judge_agent(draft); break;
        }
    }

    void judge_agent(const DraftStep& draft)
    {
        const auto bytes = draft.step.image.range.size().value;
        const auto start = draft.step.start.value_or(ByteOffset{0}).value;
        if (bytes % smallest_block != 0 || start % smallest_block != 0) {
            add("size-is-odd", Severity::error, draft.step.partition,
                fmt::format("{} is {} bytes long at {} on the phone; a download agent writes whole sectors of 512 "
                            "bytes.",
                            printable(draft.step.partition), bytes, format_offset(ByteOffset{start})));
        }
    }

    void judge_fastboot(const DraftStep& draft)
    {
        const auto& name = draft.step.partition;
        const auto bytes = draft.step.image.range.size().value;
        const bool fits = plan_->phone.max_download && bytes <= plan_->phone.max_download->value;
        if (bytes % smallest_block != 0 && !fits) {
            add("size-is-odd", Severity::error, name,
                fmt::format("{} has {} bytes, no multiple of 512: a sparse image cannot hold it, and it is too large "
                            "to go over in one piece.",
                            printable(name), bytes));
        } else if (bytes % sparse_block != 0 && !fits) {
            add("odd-tail", Severity::warning, name,
                fmt::format("{} has {} bytes, no multiple of 4096: it goes over in sparse pieces with smaller blocks, "
                            "which no phone of this maker has proven yet.",
                            printable(name), bytes))
                .numbers = {{"tail", bytes % sparse_block}};
        }
        if (is_bootable(name) && !begins_as_android(draft)) {
            add("no-android-magic", Severity::error, name,
                fmt::format("The image of {} does not begin with ANDROID!, and the bootloader refuses it.",
                            printable(name)));
        }
    }

    static bool begins_as_android(const DraftStep& draft)
    {
        const auto magic = io::read_up_to(*draft.image, ByteOffset{0}, ByteCount{8});
        return magic.has_value() && as_text(*magic) == "ANDROID!";
    }

    void judge_flash_tool(const DraftStep& draft)
    {
        const auto* const on_phone = phone_->layout ? phone_->layout->find(draft.step.partition) : nullptr;
        const std::pair<std::string, std::string> hidden{"operation_type", "INVISIBLE"};
        if (on_phone != nullptr && std::ranges::find(on_phone->attributes, hidden) != on_phone->attributes.end()) {
            add("invisible-to-flash-tool", Severity::error, draft.step.partition,
                fmt::format("The scatter file says that {} is INVISIBLE: the flash tool does not write it. Fastboot or "
                            "the download agent does.",
                            printable(draft.step.partition)));
        }
    }

    void judge_firmware(const std::vector<DraftStep>& steps)
    {
        if (!plan_->firmware || !plan_->phone_firmware || plan_->firmware == plan_->phone_firmware) {
            return;
        }
        const bool brings_own = std::ranges::any_of(
            steps, [](const DraftStep& draft) { return is_same_name(without_slot(draft.step.partition), "system"); });
        add("firmware-differs", brings_own ? Severity::note : Severity::error, {},
            brings_own ? "The phone runs another firmware than the dump; the plan puts the dump's own system back."
                       : "The phone runs another firmware than the one that wrote this userdata, and may refuse it. "
                         "Put that back too: --also system --also boot")
            .words = {{"dump", *plan_->firmware}, {"phone", *plan_->phone_firmware}};
    }

    const RestorePlan* plan_;
    const RestoreFacts* facts_;
    const KnownPhone* phone_;
    std::vector<Finding> out_;
};

} // namespace

std::vector<Finding> find_conflicts(const RestorePlan& plan, const RestoreFacts& facts, const KnownPhone& phone,
                                    const std::vector<DraftStep>& steps)
{
    return Conflicts{plan, facts, phone}.run(steps);
}

void accept_findings(std::vector<Finding>& findings, const std::vector<std::string>& accepted)
{
    for (auto& finding : findings) {
        const bool may_be = !std::ranges::binary_search(unacceptable, std::string_view{finding.code});
        if (finding.severity == Severity::error && may_be &&
            std::ranges::find(accepted, finding.code) != accepted.end()) {
            finding.severity = Severity::warning;
            finding.words.emplace_back("accepted", "by the person who made the plan");
        }
    }
}

} // namespace salvage::rescue
