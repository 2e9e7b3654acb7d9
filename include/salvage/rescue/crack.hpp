// What `crack` works on: a footer found in a dump, a footer file or a hash line.
#pragma once

#include <string>
#include <vector>

#include "salvage/rescue/open.hpp"
#include "salvage/rescue/search.hpp"

namespace salvage::rescue {

struct CrackTarget {
    std::string name; ///< for people: path, path and offset, or path and line
    std::string
        hash; ///< printed before the secret, and the potfile's key: the hash line, or a name that holds no colon
    SearchSubject subject;
};

/// What is to be searched for in one file.
enum class FootersOf : std::uint8_t {
    dump_best, ///< of a dump the first footer that can be tried
    dump_all,  ///< of a dump all that can be tried
};

/// Footers of a dump, a footer file, or all lines of a file with `$fde$…`, 160-hex or `$salvage$…` lines.
/// Errors: needs_phone_key, unsupported (as the verdict says), not_found (no footer), malformed (a line: says which),
/// io.
[[nodiscard]] Result<std::vector<CrackTarget>> crack_targets(const DumpRequest& dump, const OpenRequest& request,
                                                             FootersOf which, const RunContext& context);

/// A footer as one line: hashcat's form where it has one, ours otherwise.  Errors: unsupported (what no search opens),
/// io.
[[nodiscard]] Result<std::string> hash_line_of(const Dump& dump, const FoundFooter& found);

/// Where userdata of a dump can be asked about a key, and where it starts.  Errors: as open_partition.
[[nodiscard]] Result<SearchSubject> search_subject(const Dump& dump, const FoundFooter& found,
                                                   std::unique_ptr<const fde::Unlocker> unlocker);

} // namespace salvage::rescue
