// Verbs that take something out of a dump, and the log of the case that they work from or write into.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "salvage/rescue/case_run.hpp"
#include "session.hpp"

namespace salvage::cli {

/// What a verb writes; nothing where it only looks.
using Outputs = std::optional<std::vector<rescue::RunOutput>>;
/// Nothing where none of the paths is named.
[[nodiscard]] Outputs outputs_at(std::initializer_list<std::string> paths);

/// Runs `work` between its beginning and its end in the log of the case.
/// `source`: as the user named it.  Errors: those of `work` and of rescue::CaseRun.
Result<> run_recorded(Session& session, const std::string& source, Outputs outputs,
                      const std::function<Result<>()>& work);

/// As on_chosen, recorded.  `Options` has the dump's as `dump`.
template <typename Options>
void on_chosen_recorded(CLI::App& app, Session& session, const std::shared_ptr<Options>& options,
                        Result<> (*work)(const Options&, Session&), Outputs (*outputs)(const Options&))
{
    app.callback([&session, options, work, outputs] {
        const auto done =
            run_recorded(session, options->dump.dump, outputs(*options), [&] { return work(*options, session); });
        if (!done.has_value()) {
            session.fail(done.error());
        }
    });
}

} // namespace salvage::cli
