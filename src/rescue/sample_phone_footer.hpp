// The sample phone's crypto footer: deriving, wrapping, and writing the struct.
#pragma once

#include <cstdint>
#include <optional>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/rescue/sample_phone.hpp"

namespace salvage::rescue::sample {

inline constexpr std::size_t footer_area_bytes = 0x4000;

/// What a footer says beside its spec.
struct FooterFacts {
    std::uint64_t seed{};
    SampleSecret secret;
    SampleFooter footer;
    std::string cipher_name;
    Bytes master_key;
    std::uint64_t volume_sectors{};
    std::uint64_t footer_at{};                   ///< on the device that holds it; persist data offsets are absolute
    std::optional<std::uint64_t> encrypted_upto; ///< last encrypted sector
    Bytes first_block_hash;                      ///< SHA-256 of the first 4096 plain bytes; empty: zeros
};

struct BuiltFooter {
    Bytes area; ///< footer_area_bytes long
    std::optional<SamplePhoneKeys> phone_keys;
};

/// Errors: invalid_argument (key, version and kdf that do not go together).
[[nodiscard]] Result<BuiltFooter> build_footer(const FooterFacts& facts);

/// A keymaster blob around a fresh RSA key.
struct KeymasterBlob {
    Bytes bytes;
    std::optional<SamplePhoneKeys> phone_keys;
};
class RsaKey;
class Random;
[[nodiscard]] Result<KeymasterBlob> build_keymaster_blob(SampleFooter::Keymaster kind, const RsaKey& key,
                                                         Random& random);

} // namespace salvage::rescue::sample
