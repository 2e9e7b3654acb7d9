// Options that several verbs share: the dump, its layout and footer; the secret; the raw key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "salvage/rescue/open.hpp"
#include "salvage/rescue/rescue.hpp"
#include "session.hpp"

namespace salvage::cli {

/// DUMP, --scatter, --footer, --map.
struct DumpOptions {
    std::string dump;
    std::vector<std::string> scatter;
    std::string footer;
    std::string map;

    void add_to(CLI::App& verb);
    [[nodiscard]] rescue::DumpRequest request() const;
};

/// --secret-file, --secret-fd, --ask, --pattern, --master-key and its cipher, --phone-enc-key, --adopted-by …
struct SecretOptions {
    std::vector<std::string> secret_files;
    std::optional<int> secret_fd;
    bool ask{false};
    std::string pattern;
    unsigned pattern_size{3};
    std::string master_key_file;
    std::string cipher{"aes-cbc-essiv:sha256"};
    std::optional<std::uint64_t> sector_size;
    std::string iv_base{"partition"};
    std::string phone_enc_key_file;
    std::string phone_hmac_key_file;
    std::string adopted_by; ///< dump of the phone whose storage this card was: the secret is that phone's

    void add_to(CLI::App& verb);
    /// Reads files and descriptors, asks where wanted.  Errors: io, invalid_argument.
    [[nodiscard]] Result<rescue::OpenRequest> request(Session& session) const;
};

/// The command of this run for a case's log, without the secrets that options carry.
[[nodiscard]] rescue::Invocation invocation_of(const Session& session);

/// --json and --quiet.
void add_output_options(CLI::App& verb, Session& session);

/// Opens for reading; where a secret is missing and a person sits at the terminal, asks for it once.
[[nodiscard]] Result<rescue::OpenedDump> open_or_ask(const DumpOptions& dump, const SecretOptions& secret,
                                                     Session& session, const RunContext& context);

} // namespace salvage::cli
