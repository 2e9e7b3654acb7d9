#include "recorded.hpp"

#include <utility>

#include <fmt/format.h>

#include "options.hpp"
#include "salvage/core/text.hpp"

namespace salvage::cli {

Outputs outputs_at(std::initializer_list<std::string> paths)
{
    Outputs out;
    for (const auto& path : paths) {
        if (!path.empty()) {
            out = out.value_or(std::vector<rescue::RunOutput>{});
            out->push_back({.path = path});
        }
    }
    return out;
}

Result<> run_recorded(Session& session, const std::string& source, Outputs outputs,
                      const std::function<Result<>()>& work)
{
    if (!outputs) {
        return work();
    }
    auto invocation = invocation_of(session);
    auto run = SALVAGE_TRY(rescue::CaseRun::begin({.name = invocation.verb,
                                                   .source = source,
                                                   .outputs = *std::move(outputs),
                                                   .invocation = std::move(invocation)},
                                                  {}));
    for (const auto& folder : run.silent()) {
        session.say(fmt::format("{}: its log cannot be written to, so it does not tell of this run\n",
                                printable(folder.string())));
    }
    session.outcome = {};
    auto done = work();
    const auto context = session.context();
    auto told = run.end(done, session.outcome, context);
    return done.has_value() ? std::move(told) : std::move(done);
}

} // namespace salvage::cli
