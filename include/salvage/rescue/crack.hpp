// What `crack` works on: a footer found in a dump, a footer file or a hash line.
#pragma once

#include <string>

#include "salvage/rescue/open.hpp"
#include "salvage/rescue/search.hpp"

namespace salvage::rescue {

struct CrackTarget {
    std::string name; ///< printed before the secret: path, or path and offset
    SearchSubject subject;
};

/// The best footer of a dump, a footer file, or a file with a `$fde$…` or 160-hex line.
/// Errors: needs_phone_key, unsupported (as the verdict says), not_found (no footer), io.
[[nodiscard]] Result<CrackTarget> crack_target(const DumpRequest& dump, const OpenRequest& request,
                                               const RunContext& context);

/// Digits of PINs as a user types them: "4", or "4-6".  Errors: invalid_argument.
struct PinRange {
    unsigned min{};
    unsigned max{};
};
[[nodiscard]] Result<PinRange> parse_pin_range(const std::string& text);

/// Where userdata of a dump can be asked about a key, and where it starts.  Errors: as open_partition.
[[nodiscard]] Result<SearchSubject> search_subject(const Dump& dump, const FoundFooter& found,
                                                   std::unique_ptr<const fde::Unlocker> unlocker);

} // namespace salvage::rescue
