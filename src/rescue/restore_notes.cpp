// What a person does around a restore, in the order in which it is safe.
#include <algorithm>

#include <fmt/format.h>

#include "rescue/restore_draft.hpp"
#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

void add_fastboot_notes(std::vector<std::string>& into, const RestorePlan& plan)
{
    if (plan.phone.is_unlocked != true) {
        into.emplace_back("Before unlocking, be sure that the whole phone was read and the copy verified: `fastboot "
                          "oem unlock` wipes "
                          "userdata. This program never unlocks by itself.");
        into.emplace_back(
            "Unlock (`fastboot oem unlock`, then Volume-Up on the phone), reboot to the bootloader, and "
            "look: `fastboot getvar unlocked`. An OKAY alone proves nothing: pressing \"No\" answers OKAY "
            "as well.");
    }
    into.emplace_back("Keep the battery above half: the bootloader refuses to write with less than 3.5 V.");
}

} // namespace

std::vector<std::string> write_notes(const RestorePlan& plan, const RestoreFacts& facts)
{
    const auto uses = [&](RestoreTool tool) {
        return std::ranges::find(plan.steps, tool, &RestoreStep::tool) != plan.steps.end();
    };
    std::vector<std::string> out{
        "Read the whole phone first, whatever is on it now: what this plan overwrites is gone afterwards."};
    if (facts.is_hardware_bound) {
        out.emplace_back("It has to be the very phone that the dump was read from: its key never leaves its chip.");
    }
    if (uses(RestoreTool::fastboot)) {
        add_fastboot_notes(out, plan);
    }
    if (uses(RestoreTool::flash_tool)) {
        out.emplace_back(
            "SP Flash Tool writes its steps with the scatter file of this plan, in mode \"Download Only\", "
            "never \"Format All\": that erases the calibration and the IMEI.");
    }
    if (!plan.firmware || !plan.phone_firmware) {
        out.emplace_back("Whether the phone runs the same firmware as the dump is not known. userdata wants the system "
                         "that wrote it: where the phone has another one, put that back too (--also system --also "
                         "boot).");
    }
    out.emplace_back("Apply the plan. Do not let the phone start Android between the steps: it would make new keys.");
    out.emplace_back(
        uses(RestoreTool::fastboot)
            ? "Read the phone again and compare: `salvage restore verify`. Fastboot itself cannot read back."
            : "Read the phone again and compare: `salvage restore verify`.");
    out.emplace_back("Start the phone and enter the PIN, pattern or password of the day of the dump.");
    return out;
}

} // namespace salvage::rescue
