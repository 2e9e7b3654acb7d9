// Hashes and MACs over OpenSSL.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "salvage/core/bytes.hpp"
#include "salvage/core/secret.hpp"

namespace salvage::crypto {

using Sha256Digest = std::array<std::byte, 32>;
using Sha1Digest = std::array<std::byte, 20>;

/// SHA-256 fed piece by piece.  Not thread safe; movable.
class Sha256 {
public:
    Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    ~Sha256();

    void update(ByteView bytes);
    /// The digest of all bytes so far; the object starts anew.
    [[nodiscard]] Sha256Digest finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

[[nodiscard]] Sha256Digest sha256(ByteView bytes);
[[nodiscard]] Sha256Digest hmac_sha256(ByteView key, ByteView bytes);

} // namespace salvage::crypto
