// Several hashes of one content side by side, each in a thread of its own.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/e01.hpp"

namespace salvage::rescue {

enum class WithOldHashes : bool { no, yes };

struct ContentDigests {
    crypto::Sha256Digest sha256{};
    std::optional<io::Md5Digest> md5;
    std::optional<io::Sha1DigestOfImage> sha1;
};

/// SHA-256, and where an E01 needs them MD5 and SHA-1.  Fed by one thread.
class ContentHashes {
public:
    explicit ContentHashes(WithOldHashes old);
    ContentHashes(const ContentHashes&) = delete;
    ContentHashes& operator=(const ContentHashes&) = delete;
    ~ContentHashes(); ///< what is not yet hashed is dropped

    /// The next `count` bytes are the first of `buffer`.  Waits while a lane is far behind.
    void update(const std::shared_ptr<const Bytes>& buffer, std::size_t count);
    /// Returns when no buffer is held any more.
    void wait();
    /// Of everything so far.  Requires: called once.
    [[nodiscard]] ContentDigests finish();

private:
    class Lane;
    std::vector<std::unique_ptr<Lane>> lanes_;
};

} // namespace salvage::rescue
