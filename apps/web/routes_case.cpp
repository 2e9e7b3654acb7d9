// What the case holds besides: the plan of a restore, the log.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "app.hpp"
#include "salvage/render/render.hpp"
#include "salvage/rescue/case_verify.hpp"
#include "salvage/rescue/restore.hpp"
#include "salvage/rescue/shell_words.hpp"

namespace salvage::web {
namespace {

// ---- restore

Result<std::string> plan_of(const Known& known, const RunContext& context)
{
    const auto source = SALVAGE_TRY(rescue::open_restore_source(known.open->request));
    const auto plan = SALVAGE_TRY(rescue::plan_restore(source, {}, {}, context));
    return render::json(plan);
}

Result<Answer> get_restore(App& app, const Request& /*request*/)
{
    const auto known = SALVAGE_TRY(app.place.known());
    const auto plan = app.plans.get(known->open->number, [&] { return plan_of(*known, known->open->context()); });
    const auto folder = rescue::shell_quoted(known->open->folder->path().string());
    Json out;
    out["plan"] = plan.has_value() ? Json::parse(*plan, nullptr, false) : Json(nullptr);
    out["why"] = plan.has_value() ? std::string{} : to_string(plan.error());
    out["command"] = plan.has_value() ? fmt::format("salvage restore plan {} --fastboot usb -o restore-plan.json\n"
                                                    "salvage restore apply restore-plan.json --fastboot usb",
                                                    folder)
                                      : std::string{};
    return answer_of(out);
}

// ---- the log

Json record_json(const rescue::ShownRecord& record)
{
    // Beyond the year 9999 there is no calendar to write it in.
    constexpr std::uint64_t last_second = 253'402'300'799;
    const bool has_time = record.time && *record.time <= last_second;
    return {{"number", record.number},
            {"time", has_time
                         ? fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(*record.time)))
                         : std::string{}},
            {"event", record.event},
            {"text", record.text}};
}

Result<Answer> get_log(App& app, const Request& request)
{
    const auto known = SALVAGE_TRY(app.place.known());
    const auto offset = SALVAGE_TRY(number_or(request, "offset", 0, 0, UINT32_MAX));
    const auto limit = SALVAGE_TRY(number_or(request, "limit", 200, 1, 1000));
    Json records = Json::array();
    std::uint64_t total = 0;
    SALVAGE_TRY(rescue::list_case_log(known->open->folder->path(), [&](const rescue::ShownRecord& record) {
        if (total >= offset && total < offset + limit) {
            records.push_back(record_json(record));
        }
        ++total;
    }));
    const auto head = known->open->folder->log().head();
    return answer_of(Json{{"head", head.records == 0 ? Json(nullptr) : Json(head.sha256)},
                          {"total", total},
                          {"records", std::move(records)}});
}

} // namespace

std::vector<Route> case_routes()
{
    return {{.method = "GET", .path = "/api/v1/restore", .reach = Reach::reader, .handler = get_restore},
            {.method = "GET", .path = "/api/v1/log", .reach = Reach::reader, .handler = get_log}};
}

} // namespace salvage::web
