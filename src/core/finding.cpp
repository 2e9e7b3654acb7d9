// Words for severities.
#include "salvage/core/finding.hpp"

#include <utility>

namespace salvage {

std::string_view to_string(Severity severity) noexcept
{
    switch (severity) {
    case Severity::note: return "note";
    case Severity::warning: return "warning";
    case Severity::error: return "error";
    }
    return "note";
}

Finding make_finding(std::string_view code, Severity severity, std::string text)
{
    return Finding{.code = std::string{code},
                   .severity = severity,
                   .text = std::move(text),
                   .where = {},
                   .numbers = {},
                   .words = {}};
}

} // namespace salvage
