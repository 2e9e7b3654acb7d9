// The signatures of a case: signatures/RECORDS-KEY.head, .sig, .pem.  See docs/formats/case.md.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "salvage/crypto/ed25519.hpp"
#include "salvage/rescue/case_verify.hpp"

namespace salvage::rescue {

/// The bytes that are signed: one line.
[[nodiscard]] std::string head_text(const LogHead& head);
/// Nothing where it is not what head_text wrote.
[[nodiscard]] std::optional<LogHead> parse_head(std::string_view text);

/// One as it lies there, whatever it is worth.
struct StoredSignature {
    std::string name; ///< without an ending
    std::optional<LogHead> head;
    std::string head_bytes;
    std::string signature;
    std::string public_pem;
    std::string problem; ///< why it cannot be read
};

/// Opens nothing outside the case.  Errors: io.
[[nodiscard]] Result<std::vector<StoredSignature>> load_signatures(int case_folder);

/// `heads` holds the hashes of the records that signatures name, as the chain has them.
[[nodiscard]] CaseSignature judge_signature(const StoredSignature& stored,
                                            const std::map<std::uint64_t, std::string>& heads,
                                            const crypto::Ed25519Verifier* key);

} // namespace salvage::rescue
