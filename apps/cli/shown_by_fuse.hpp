// A source under a path by way of FUSE: no copy is made.
#pragma once

#include "salvage/rescue/carve.hpp"

namespace salvage::cli {

/// By a mount below `folder`, read-only, until the object is gone.  Errors: not_found (no FUSE here), io.
[[nodiscard]] Result<std::unique_ptr<rescue::ShownSource>>
show_by_fuse(const io::SourcePtr& source, const std::filesystem::path& folder, const RunContext& context);

} // namespace salvage::cli
