// How a search on Slurm stands, for people and for programs.
#pragma once

#include <string>

#include "salvage/render/render.hpp"
#include "salvage/rescue/slurm.hpp"

namespace salvage::render {

/// A few lines; ends in a newline.  Hits are counted here and printed by the command, as `target:plain`.
[[nodiscard]] std::string text(const rescue::SlurmReport& report, TextStyle style);
/// One document, schema salvage.slurm/1; see docs/distributed.md.
[[nodiscard]] std::string json(const rescue::SlurmReport& report);

} // namespace salvage::render
