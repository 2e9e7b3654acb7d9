// Words for severities.
#include "salvage/core/finding.hpp"

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

} // namespace salvage
