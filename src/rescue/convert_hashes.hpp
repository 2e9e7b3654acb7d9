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

struct HashChoice {
    bool sha256{true};
    bool md5{false};
    bool sha1{false};
};

/// Those that were chosen.
struct ContentDigests {
    std::optional<crypto::Sha256Digest> sha256;
    std::optional<io::Md5Digest> md5;
    std::optional<io::Sha1DigestOfImage> sha1;
};

/// Fed by one thread.
class ContentHashes {
public:
    explicit ContentHashes(HashChoice choice);
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
    std::unique_ptr<Lane> sha256_; ///< each null where it was not chosen
    std::unique_ptr<Lane> md5_;
    std::unique_ptr<Lane> sha1_;
    std::vector<Lane*> lanes_; ///< those that are there
};

} // namespace salvage::rescue
