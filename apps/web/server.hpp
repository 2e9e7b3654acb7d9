// The server of the local page: loopback only, one person's browser.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "salvage/core/run_context.hpp"
#include "salvage/rescue/case_searches.hpp"
#include "salvage/rescue/open.hpp"

namespace salvage::web {

struct ServeRequest {
    std::uint16_t port{0}; ///< 0: a free one
    std::string version;
    /// What is opened at once; nothing: the start page.
    std::optional<rescue::DumpRequest> dump{};
    std::string case_folder{}; ///< empty: beside the dump
    std::string statement{};
    rescue::OpenRequest secrets{};
    rescue::NamedSearch search{}; ///< begun at once, where attacks are named
    /// Told of the link to open, and of a new one whenever it was used.
    std::function<void(const std::string& link)> on_link;
};

/// Serves until `context` is stopped; searches are saved then, and the case's log ends whole.
/// Errors: io (the port is taken; connections are no longer accepted), those of `context.entropy`.
Result<> serve(ServeRequest request, const RunContext& context);

} // namespace salvage::web
