// What a split will write: which partition into which file, and why some into none.
#pragma once

#include <string>
#include <vector>

#include "salvage/partition/layout.hpp"
#include "salvage/rescue/split.hpp"

namespace salvage::rescue {

/// A file to be written.
struct PlannedPart {
    std::string name;
    std::string file;
    std::string table; ///< kind of the table it came from; empty for a gap
    ByteRange range;   ///< whole, also where the dump ends inside it
    bool is_gap{false};
    bool is_wanted{true}; ///< else it is only told of, where an earlier run wrote it
};

struct SplitPlan {
    std::vector<PlannedPart> parts;       ///< by start
    std::vector<ByteRange> gaps;          ///< of the dump, outside all partitions
    std::vector<std::string> not_written; ///< with the reason
    bool is_whole{true};                  ///< the whole dump is read; else only what the parts need
};

/// Errors: not_found (a name of options.only that the layout does not have).
[[nodiscard]] Result<SplitPlan> plan_split(const partition::Layout& layout, ByteCount dump_size,
                                           const SplitOptions& options);

/// A name that every filesystem takes: letters, digits, ".", "-" and "_".
[[nodiscard]] std::string file_safe(std::string_view name);

} // namespace salvage::rescue
