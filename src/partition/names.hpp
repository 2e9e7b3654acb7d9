// Partition names in their old and new spellings, and what each is for.
#pragma once

#include <string>
#include <string_view>

namespace salvage::partition {

/// Lower case, ASCII only.
[[nodiscard]] std::string lowered(std::string_view text);

/// The GPT-era spelling of a name: USRDATA, __NODL_USRDATA and userdata are all "userdata".
[[nodiscard]] std::string canonical_name(std::string_view name);

/// True where both name one partition.
[[nodiscard]] bool is_same_partition(std::string_view left, std::string_view right);

} // namespace salvage::partition
