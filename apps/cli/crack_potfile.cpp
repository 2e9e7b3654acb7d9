// The potfile of the crack verb: what is known already, and where a key goes.
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "crack_command.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/rescue/potfile.hpp"

namespace salvage::cli {

std::filesystem::path potfile_of(const CrackOptions& options)
{
    if (options.is_potfile_disabled) {
        return {};
    }
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here changes the environment.
    const auto get = [](const char* name) { return std::getenv(name); };
    return options.potfile.empty() ? rescue::default_potfile(get) : std::filesystem::path{options.potfile};
}

std::string hit_line(const rescue::CrackTarget& target, ByteView secret)
{
    return rescue::format_pot_line(target.hash, secret);
}

Result<> write_key(const CrackOptions& options, const SecretBytes& key, Session& session)
{
    if (options.key_out.empty()) {
        return {};
    }
    if (key.is_empty()) {
        session.say("No volume key was written: none is proven.\n");
        return {};
    }
    return io::write_file_atomically(options.key_out, key.expose(), io::Existing::refuse, 0600)
        .in("writing the volume key");
}

namespace {

/// A secret with the key it opens.
struct KnownSecret {
    SecretBytes secret;
    SecretBytes key;
};

/// A secret of the potfile that opens the target: what another file of the same name left there does not.
Result<std::optional<KnownSecret>> known_secret(const rescue::CrackTarget& target, const std::filesystem::path& potfile)
{
    for (auto& secret : SALVAGE_TRY(rescue::find_in_potfile(potfile, target.hash))) {
        auto judged = SALVAGE_TRY(rescue::judge_secret(target.subject, secret.expose()));
        if (judged.judgement == rescue::CandidateJudgement::opens) {
            return std::optional{KnownSecret{.secret = std::move(secret), .key = std::move(judged.key)}};
        }
    }
    return std::optional<KnownSecret>{};
}

} // namespace

Result<> take_known(const CrackOptions& options, Targets& targets, Session& session)
{
    const auto potfile = potfile_of(options);
    if (potfile.empty()) {
        return {};
    }
    Targets left;
    for (auto& target : targets) {
        const auto known = SALVAGE_TRY(known_secret(target, potfile));
        if (!known) {
            left.push_back(std::move(target));
            continue;
        }
        session.say(fmt::format("{} is known from {}\n", printable(target.name), potfile.string()));
        session.print(hit_line(target, known->secret.expose()));
        SALVAGE_TRY(write_key(options, known->key, session));
    }
    targets = std::move(left);
    return {};
}

} // namespace salvage::cli
