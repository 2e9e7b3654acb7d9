// What became of a restore: applied, compared.
#include <utility>

#include <fmt/format.h>

#include "render/json_parts.hpp"
#include "render/paint.hpp"
#include "salvage/core/text.hpp"

namespace salvage::render {
namespace {

using State = rescue::AppliedStep::State;

std::string state_words(const rescue::AppliedStep& step)
{
    switch (step.state) {
    case State::would_write:
        return step.first == 0 ? fmt::format("would be written in {} piece{}", step.pieces, step.pieces == 1 ? "" : "s")
                               : fmt::format("would go on at piece {} of {}", step.first + 1, step.pieces);
    case State::written:
        return step.first == 0 ? "written"
                               : fmt::format("written, from piece {} of {} on", step.first + 1, step.pieces);
    case State::written_before: return "written by an earlier run";
    case State::other_tool: return "not done here: the plan gives it to another tool";
    }
    return {};
}

template <typename T>
Json number_or_null(const std::optional<T>& value)
{
    return value ? Json(value->value) : Json(nullptr);
}

template <typename T>
Json or_null(const std::optional<T>& value)
{
    return value ? Json(*value) : Json(nullptr);
}

} // namespace

std::string text(const rescue::ApplyReport& report, TextStyle style)
{
    std::string out;
    if (report.phone.product || report.phone.serial) {
        out += fmt::format("phone: {}, {}\n", printable(report.phone.product.value_or("product not known")),
                           printable(report.phone.serial.value_or("serial number not known")));
    }
    for (const auto& step : report.steps) {
        out += fmt::format("  {:<12} {}\n", printable(step.partition), state_words(step));
    }
    if (report.is_dry_run) {
        return out + paint("Nothing was written: the phone and all images are as planned. To write: --write\n",
                           Ink::warning, style);
    }
    out += paint("Done. ", Ink::good, style);
    return out + fmt::format("Read the phone back and compare: salvage restore verify\njournal: {}\n",
                             printable(report.journal));
}

std::string json(const rescue::ApplyReport& report)
{
    auto steps = Json::array();
    for (const auto& step : report.steps) {
        steps.push_back({{"partition", step.partition},
                         {"state", to_string(step.state)},
                         {"pieces", step.pieces},
                         {"first_piece", step.first}});
    }
    return dumped({{"schema", "salvage.restore-apply/1"},
                   {"plan", report.hash},
                   {"phone",
                    {{"product", or_null(report.phone.product)},
                     {"serial", or_null(report.phone.serial)},
                     {"unlocked", or_null(report.phone.is_unlocked)},
                     {"max_download", number_or_null(report.phone.max_download)}}},
                   {"dry_run", report.is_dry_run},
                   {"resumed", report.is_resumed},
                   {"journal", report.journal},
                   {"steps", std::move(steps)}});
}

std::string text(const rescue::VerifyReport& report, TextStyle style)
{
    std::string out;
    for (const auto& step : report.steps) {
        if (step.is_same) {
            out += fmt::format("  {:<12} {}  {}\n", printable(step.partition), paint("same", Ink::good, style),
                               step.sha256);
            continue;
        }
        out += fmt::format("  {:<12} {}  first at {}: found {:02X}, expected {:02X}; {} of {} MiB blocks differ\n",
                           printable(step.partition), paint("DIFFERS", Ink::danger, style),
                           format_offset(step.first_difference.value_or(ByteOffset{0})), step.found, step.expected,
                           format_count(step.differing_mib), format_count(step.mib));
    }
    return out;
}

std::string json(const rescue::VerifyReport& report)
{
    auto steps = Json::array();
    for (const auto& step : report.steps) {
        const bool differs = !step.is_same;
        steps.push_back({{"partition", step.partition},
                         {"same", step.is_same},
                         {"sha256", step.sha256},
                         {"first_difference", number_or_null(step.first_difference)},
                         {"phone_offset", number_or_null(step.on_phone)},
                         {"expected", differs ? Json(step.expected) : Json(nullptr)},
                         {"found", differs ? Json(step.found) : Json(nullptr)},
                         {"differing_mib", step.differing_mib},
                         {"mib", step.mib}});
    }
    return dumped({{"schema", "salvage.restore-verify/1"},
                   {"same", !report.first_mismatch().has_value()},
                   {"steps", std::move(steps)}});
}

} // namespace salvage::render
