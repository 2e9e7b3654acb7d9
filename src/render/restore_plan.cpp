// A restore plan as a person reads it: what is missing, what is written and why, what is not, what to do.
#include <chrono>

#include <fmt/format.h>

#include "render/paint.hpp"
#include "render/text_parts.hpp"
#include "salvage/core/text.hpp"

namespace salvage::render {
namespace {

// What `restore apply` takes for the whole hash.
constexpr std::size_t shown_hash_digits = 12;

std::string known(const std::optional<std::string>& value)
{
    return value ? printable(*value) : std::string{"not known"};
}

std::string lock_state(const std::optional<bool>& is_unlocked)
{
    if (!is_unlocked) {
        return "not known whether it is locked";
    }
    return *is_unlocked ? "unlocked" : "locked";
}

std::string phone_lines(const rescue::RestorePlan& plan)
{
    const auto& phone = plan.phone;
    auto out = fmt::format("onto: product {}, serial number {}, bootloader {}\n", known(phone.product),
                           known(phone.serial), lock_state(phone.is_unlocked));
    for (const auto& source : plan.known_from) {
        out += fmt::format("      known from {}\n", printable(source));
    }
    out += fmt::format("firmware: of the dump {}; of the phone {}\n", known(plan.firmware), known(plan.phone_firmware));
    return out;
}

std::string place_of(const rescue::RestoreStep& step)
{
    auto out = step.start ? fmt::format("{} at {}", printable(step.region), format_offset(*step.start))
                          : fmt::format("the partition {}", printable(step.partition));
    return out + (step.phone_size ? fmt::format(", {} there", format_size_exact(*step.phone_size))
                                  : std::string{", its size there is not known"});
}

std::string step_lines(std::size_t number, const rescue::RestoreStep& step, TextStyle style)
{
    auto out = fmt::format("  {}. {}  {}\n", number, paint(printable(step.partition), Ink::strong, style),
                           printable(step.why));
    out += fmt::format("     image   {}, {} from {}\n", printable(step.image.path),
                       format_size_exact(step.image.range.size()), format_offset(step.image.range.start()));
    out += fmt::format("     sha256  {}\n", printable(step.image.sha256));
    out += fmt::format("     onto    {}\n", place_of(step));
    out += fmt::format("     by      {}, {} at {}/s\n", to_string(step.tool),
                       format_duration(std::chrono::duration<double>(static_cast<double>(step.seconds()))),
                       format_size(step.bytes_a_second));
    return out;
}

std::string refused_lines(const rescue::RestorePlan& plan, TextStyle style)
{
    std::string out;
    for (const auto& refused : plan.refused) {
        out += fmt::format("  {:<12} {}{}\n", printable(refused.partition), printable(refused.reason),
                           refused.can_be_asked_for ? " (--also writes it)" : "");
        out += paint(fmt::format("               {}\n", printable(refused.source)), Ink::faint, style);
    }
    return out;
}

std::string headed(std::string_view heading, const std::string& body, TextStyle style)
{
    return body.empty() ? std::string{} : "\n" + paint(heading, Ink::strong, style) + "\n" + body;
}

} // namespace

std::string text(const rescue::RestorePlan& plan, TextStyle style)
{
    auto out = fmt::format("from: {}\n", printable(plan.source)) + phone_lines(plan);
    out += fmt::format("userdata: {}: {}\n", printable(plan.verdict), printable(plan.verdict_text));
    out += headed("What the backup lacks", finding_list(plan.missing, style), style);
    std::string steps;
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        steps += step_lines(i + 1, plan.steps[i], style);
    }
    out += headed("What is written, in this order", steps, style);
    out += headed("What is not written", refused_lines(plan, style), style);
    out += headed("Conflicts", finding_list(plan.conflicts, style), style);
    std::string notes;
    for (std::size_t i = 0; i < plan.notes.size(); ++i) {
        notes += fmt::format("  {}. {}\n", i + 1, printable(plan.notes[i]));
    }
    out += headed("What you do, in this order", notes, style);
    out += fmt::format("\n{} in {} step{}, {}\n", format_size_exact(plan.bytes()), plan.steps.size(),
                       plan.steps.size() == 1 ? "" : "s",
                       format_duration(std::chrono::duration<double>(static_cast<double>(plan.seconds()))));
    const auto hash = hash_of(plan);
    if (const auto* const blocker = plan.blocker(); blocker != nullptr) {
        out += paint(fmt::format("This plan cannot be applied as it is: {}\n", printable(blocker->code)), Ink::danger,
                     style);
    } else {
        out += fmt::format("next: salvage restore apply PLAN.json --hash {}\n", hash.substr(0, shown_hash_digits));
    }
    return out + fmt::format("hash {}\n", hash);
}

std::string json(const rescue::RestorePlan& plan)
{
    return format_plan(plan);
}

} // namespace salvage::render
