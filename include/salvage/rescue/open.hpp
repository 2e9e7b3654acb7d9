// Opening userdata: trying what is known, proving what fits, and saying why nothing does.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/core/secret.hpp"
#include "salvage/fde/unlock.hpp"
#include "salvage/filesystem/filesystem.hpp"
#include "salvage/rescue/dump.hpp"
#include "salvage/rescue/footers.hpp"
#include "salvage/rescue/verdict.hpp"

namespace salvage::rescue {

/// A secret as the user gave it, in one encoding.
struct GivenSecret {
    SecretBytes bytes;    ///< as it goes into the key derivation
    std::string encoding; ///< "text", "pattern-digits", "pattern-raw"
};

/// A volume key the user holds.
struct GivenMasterKey {
    SecretBytes key;
    std::string cipher{"aes-cbc-essiv:sha256"};
    std::optional<SectorSize> sector;
    bool is_iv_counted_from_disk{false};
};

struct OpenRequest {
    std::vector<GivenSecret> secrets;
    std::optional<GivenMasterKey> master_key;
    std::optional<fde::PhoneKeys> phone_keys;
    bool try_default_password{true};
    /// Measures the cost of the usual searches where a secret is missing (takes about a second).
    bool measure_cost{true};
};

/// Userdata in the clear and what shows that it is.
struct OpenedVolume {
    io::SourcePtr plain;
    fde::KeyProof proof;
    SecretBytes key;                   ///< empty where the volume was never encrypted
    std::string how;                   ///< "default password, scrypt, AES-128 unwrap"
    std::optional<std::size_t> footer; ///< index into FooterSearch::footers
    bool was_encrypted{true};
};

/// What came of trying: always a verdict, with `open` and `not_encrypted` a volume.
struct OpenOutcome {
    Verdict verdict;
    std::shared_ptr<const OpenedVolume> volume;
    FooterSearch footers;
    std::vector<Finding> findings;
};

/// Tries the default password and the given secrets against every footer.  Errors: io only; "cannot be opened" is a
/// verdict.
[[nodiscard]] Result<OpenOutcome> open_userdata(const Dump& dump, FooterSearch footers, const OpenRequest& request,
                                                const RunContext& context);

/// The filesystem of the opened userdata, or of a plain partition.
[[nodiscard]] Result<std::unique_ptr<const filesystem::FileSystem>> open_files(const OpenedVolume& volume);

/// For ls, cat, export, decrypt: opens the dump and its userdata, or fails with what the verdict says.
/// Errors: those of open_dump; wrong_secret, needs_phone_key, mismatch, unsupported … as the verdict is.
struct OpenedDump {
    Dump dump;
    OpenOutcome outcome;
};
[[nodiscard]] Result<OpenedDump> open_for_reading(const DumpRequest& dump, const OpenRequest& request,
                                                  const RunContext& context);

} // namespace salvage::rescue
