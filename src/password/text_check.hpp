// A few bits of a hash over what a keyspace was made of, for its identity.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "salvage/core/bytes.hpp"
#include "salvage/crypto/hash.hpp"

namespace salvage::password {

/// Identities are written to files and into messages, so they carry 16 bits of a hash and no more: enough to notice
/// another text, useless for guessing what is in this one.
class TextCheck {
public:
    /// Parts keep apart: "ab", "c" is not "a", "bc".
    void add(std::string_view part)
    {
        add(part.size());
        hash_.update(as_bytes(part));
    }
    void add(std::uint64_t number)
    {
        std::array<std::byte, sizeof(number)> bytes{};
        store_le<std::uint64_t>(bytes, number);
        hash_.update(bytes);
    }
    [[nodiscard]] std::string finish()
    {
        const auto digest = hash_.finish();
        return to_hex(ByteView{digest}.first(2));
    }

private:
    crypto::Sha256 hash_;
};

} // namespace salvage::password
