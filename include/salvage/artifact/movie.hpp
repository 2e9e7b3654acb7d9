// What a video tells of itself.
#pragma once

#include <optional>

#include "salvage/core/result.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::artifact {

struct MovieFacts {
    std::optional<double> seconds; ///< how long it plays; nothing: it does not say, or nothing that can be believed
};

/// Reads the headers of an MP4, 3GP or QuickTime file, wherever in it they are: some hundred bytes, however large it
/// is. No state; thread safe. Errors: not_found (no such file, or it ends before its headers), malformed (its boxes
/// lead nowhere), unreadable, io. Spec: ISO/IEC 14496-12, 4.2, 8.2.1 and 8.2.2; see docs/formats/mp4.md.
[[nodiscard]] Result<MovieFacts> read_movie_facts(const io::ByteSource& movie);

} // namespace salvage::artifact
