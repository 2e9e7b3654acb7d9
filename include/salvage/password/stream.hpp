// Words that somebody else's program writes while we search: standard input.
#pragma once

#include <stop_token>

#include "salvage/core/result.hpp"
#include "salvage/password/keyspace.hpp"

namespace salvage::password {

struct StreamOptions {
    /// Text of words that is kept for requests that come late, out of order, or once more.
    ByteCount kept{64U << 20U};
    std::stop_token stop{}; ///< a stopped search does not wait for words
};

/// Lines of an open file that is read forward only, as in word lists; longer ones than max_word_bytes are rejected
/// candidates.  Open-ended: candidates() waits until the words are there or the file ends.
///
/// Ranges may be asked for in any order and from many threads.  The last `kept` bytes of words can be had again.  Where
/// room is needed, the oldest words go first that were handed out; those nobody asked for follow (that is how a search
/// skips).  `descriptor` stays the caller's and is read by nobody else.
/// Errors of candidates(): unsupported (words that are gone), io, cancelled.
[[nodiscard]] KeyspacePtr make_stream(int descriptor, const StreamOptions& options = {});

} // namespace salvage::password
