// Whether a case is as its log says: the chain, every file it names, the exported files, the signatures.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/core/secret.hpp"
#include "salvage/rescue/case_log.hpp"

namespace salvage::rescue {

/// The first line of a log that is not in its chain.
struct BrokenRecord {
    std::uint64_t line{}; ///< from 1
    ByteOffset offset;    ///< of its first byte
    std::string why;
};

/// A file that is not as the log or the export's manifest says.
struct CaseProblem {
    std::string path; ///< in the case
    std::string code; ///< stable: missing, size, sha256, kind, outside, unreadable, target
    std::string text; ///< one sentence
};

struct CaseSignature {
    enum class State : std::uint8_t {
        valid,     ///< by the key that was given, or by the one beside it where none was
        other_key, ///< right by the key beside it, which is not the one that was given
        wrong,     ///< does not belong to what it stands beside, or the log is not the one that was signed
    };
    std::string name;        ///< "signatures/000042-0123456789abcdef"
    std::uint64_t records{}; ///< how many records it covers
    std::string key;         ///< SHA-256 of the public key (DER), hex
    State state{State::wrong};
    std::string text;
};
[[nodiscard]] std::string_view to_string(CaseSignature::State state) noexcept;

struct CaseVerifyRequest {
    std::filesystem::path case_folder;
    std::optional<Bytes> public_key; ///< PEM; a signature by it must be there
    std::string head; ///< SHA-256 of a record that must be in the chain: as a report printed it; or empty
};

struct CaseVerifyReport {
    std::string folder;
    std::string text; ///< the verdict, one sentence
    LogHead head;     ///< as far as the chain holds
    std::optional<BrokenRecord> broken;
    std::uint64_t torn_lines{};
    bool is_tail_torn{false};
    std::optional<bool> has_head;        ///< whether the wanted head is in the chain
    std::uint64_t files{};               ///< that the log names and that are right
    std::uint64_t exported{};            ///< that the manifest names and that are right
    ByteCount bytes;                     ///< read
    std::vector<CaseProblem> problems;   ///< the first thousand
    std::uint64_t problem_count{};       ///< all
    std::vector<std::string> unfinished; ///< being written when the last run was interrupted; the first hundred
    std::uint64_t unfinished_count{};
    std::vector<std::string> extra; ///< there, and named by nothing; the first hundred
    std::uint64_t extra_count{};
    std::uint64_t without_hash{}; ///< exported files that have none, judged by their size
    std::vector<CaseSignature> signatures;
    std::optional<bool> is_signed_by_key; ///< where a key was given

    [[nodiscard]] bool is_sound() const noexcept;
};

/// Reads the case alone and opens nothing outside it, whatever its files say.  Progress: step "verify", unit "bytes".
/// What is wrong with the case is in the report; errors: not_found (no case log), io, cancelled, malformed and
/// unsupported (the key that was given).
[[nodiscard]] Result<CaseVerifyReport> verify_case(const CaseVerifyRequest& request, const RunContext& context);

/// Makes a key to sign with: two new files, as openssl writes them; the private one is not encrypted, mode 0600.
/// Errors: already_exists, io, no_space.
Result<> make_case_key(const std::filesystem::path& private_key, const std::filesystem::path& public_key);

struct CaseSignRequest {
    std::filesystem::path case_folder;
    SecretBytes private_key;               ///< PEM
    std::optional<SecretBytes> passphrase; ///< of that PEM
};
struct CaseSignReport {
    LogHead head;
    std::string name;      ///< "signatures/000042-0123456789abcdef": with .head, .sig and .pem
    std::string key;       ///< SHA-256 of the public key (DER), hex
    bool was_there{false}; ///< the same key has signed the same head before
};

/// Signs the log's head with Ed25519.  Nothing that is there is changed.
/// Errors: mismatch (the chain is broken: not signed), not_found, malformed, unsupported (no Ed25519 key),
/// invalid_argument (an encrypted key without passphrase), wrong_secret (another passphrase), io, no_space.
[[nodiscard]] Result<CaseSignReport> sign_case(const CaseSignRequest& request);

/// A record for people.
struct ShownRecord {
    std::uint64_t number{};
    std::optional<std::uint64_t> time; ///< seconds since 1970 UTC
    std::string event;
    std::string text;
};
/// Gives each record of the chain to `show`.  Errors: not_found, io; mismatch (the chain is broken: where).
Result<> list_case_log(const std::filesystem::path& case_folder, const std::function<void(const ShownRecord&)>& show);

} // namespace salvage::rescue
