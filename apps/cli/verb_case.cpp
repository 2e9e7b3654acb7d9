// case: verify, sign, log.
#include <memory>

#include <fmt/format.h>

#include "options.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/render/case.hpp"
#include "salvage/rescue/case_verify.hpp"
#include "salvage/rescue/secrets.hpp"
#include "verbs.hpp"

namespace salvage::cli {
namespace {

// Some hundred bytes, with whatever OpenSSL's tools write above the key.
constexpr ByteCount max_key_file{1U << 20U};

template <typename Report>
void tell(Session& session, const Report& report)
{
    session.print(session.is_json ? render::json(report) : render::text(report, session.out_style()));
}

struct VerifyCaseOptions {
    std::string folder;
    std::string key;
    std::string head;
};

Result<> run_verify_case(const VerifyCaseOptions& options, Session& session)
{
    const auto context = session.context();
    rescue::CaseVerifyRequest request{.case_folder = options.folder, .public_key = {}, .head = options.head};
    if (!options.key.empty()) {
        const auto file = SALVAGE_TRY(io::open_file(options.key).in("opening the public key"));
        request.public_key = SALVAGE_TRY(io::read_all(*file, max_key_file));
    }
    const auto report = SALVAGE_TRY(rescue::verify_case(request, context));
    tell(session, report);
    session.finish(static_cast<int>(report.is_sound() ? Exit::done : Exit::mismatch));
    return {};
}

struct SignCaseOptions {
    std::string folder;
    std::string key;
    std::string passphrase_file;
};

Result<> run_sign_case(const SignCaseOptions& options, Session& session)
{
    rescue::CaseSignRequest request{
        .case_folder = options.folder,
        .private_key = SALVAGE_TRY(rescue::read_secret_file(options.key).in("opening the private key")),
        .passphrase = {}};
    if (!options.passphrase_file.empty()) {
        request.passphrase =
            SALVAGE_TRY(rescue::read_secret_file(options.passphrase_file).in("opening the passphrase"));
    }
    tell(session, SALVAGE_TRY(rescue::sign_case(request)));
    return {};
}

struct CaseLogOptions {
    std::string folder;
};

Result<> run_case_log(const CaseLogOptions& options, Session& session)
{
    return rescue::list_case_log(options.folder, [&session](const rescue::ShownRecord& record) {
        session.print(render::text(record, session.out_style()));
    });
}

void add_verify(CLI::App& app, Session& session)
{
    auto& command =
        verb(app, "verify", "checks the log's chain, every file it names, every exported file and the signatures",
             "salvage case verify my-case --key public.pem");
    const auto options = std::make_shared<VerifyCaseOptions>();
    command.add_option("case", options->folder, "case folder")->required();
    command.add_option("--key", options->key, "public key (PEM, Ed25519) that the case must be signed by");
    command.add_option("--head", options->head, "SHA-256 of a record that must be in the log, as a report printed it");
    add_output_options(command, session);
    on_chosen(command, session, options, run_verify_case);
}

void add_sign(CLI::App& app, Session& session)
{
    auto& command = verb(app, "sign", "signs the log's head, and with it all that the log names",
                         "openssl genpkey -algorithm ed25519 -out private.pem\n"
                         "  openssl pkey -in private.pem -pubout -out public.pem\n"
                         "  salvage case sign my-case --key private.pem");
    const auto options = std::make_shared<SignCaseOptions>();
    command.add_option("case", options->folder, "case folder")->required();
    command.add_option("--key", options->key, "private key (PEM, Ed25519)")->required();
    command.add_option("--passphrase-file", options->passphrase_file, "file with the passphrase of an encrypted key");
    add_output_options(command, session);
    on_chosen(command, session, options, run_sign_case);
}

void add_log(CLI::App& app, Session& session)
{
    auto& command = verb(app, "log", "what was done, one line a record", "salvage case log my-case");
    const auto options = std::make_shared<CaseLogOptions>();
    command.add_option("case", options->folder, "case folder")->required();
    on_chosen(command, session, options, run_case_log);
}

} // namespace

void add_case(CLI::App& app, Session& session)
{
    auto& command = verb(app, "case", "the log of a case: verify, sign, log", "salvage case verify my-case");
    command.require_subcommand(1);
    add_verify(command, session);
    add_sign(command, session);
    add_log(command, session);
}

} // namespace salvage::cli
