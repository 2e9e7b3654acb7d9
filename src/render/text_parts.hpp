// Inside render: the pieces that several texts share.
#pragma once

#include <string>
#include <vector>

#include "salvage/render/render.hpp"

namespace salvage::render {

/// The partitions as a table; with `facts` its last column says what is in them, otherwise what they are for.
[[nodiscard]] std::string partition_table(const partition::Layout& layout,
                                          const std::vector<rescue::PartitionFacts>* facts, TextStyle style);
[[nodiscard]] std::string finding_list(const std::vector<Finding>& findings, TextStyle style);
/// "2017-03-04 05:06:07", UTC; "@SECONDS" where no calendar reaches.
[[nodiscard]] std::string time_text(const filesystem::Timestamp& time);

} // namespace salvage::render
