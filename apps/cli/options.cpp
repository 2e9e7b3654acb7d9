// Shared options: declared once, read once.
#include "options.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>

#include "salvage/io/sources.hpp"
#include "salvage/rescue/adopted.hpp"
#include "salvage/rescue/secrets.hpp"

namespace salvage::cli {
namespace {

constexpr ByteCount max_secret_file{1U << 20U};

Result<SecretBytes> read_secret_fd(int descriptor)
{
    SecretBytes all{static_cast<std::size_t>(max_secret_file.value)};
    std::size_t used = 0;
    while (used < all.size()) {
        const auto got = ::read(descriptor, all.expose_for_writing().subspan(used).data(), all.size() - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return from_errno(errno, "the secret cannot be read", "--secret-fd");
        }
        if (got == 0) {
            break;
        }
        used += static_cast<std::size_t>(got);
    }
    return SecretBytes::copy_of(rescue::without_newline(all.expose().first(used)));
}

void append(std::vector<rescue::GivenSecret>& into, std::vector<rescue::GivenSecret> more)
{
    for (auto& secret : more) {
        into.push_back(std::move(secret));
    }
}

} // namespace

void DumpOptions::add_to(CLI::App& verb)
{
    verb.add_option(
            "dump", dump,
            "dump, partition image, split raw (.001), sparse image, E01, seekable zstd, block device or hex dump text")
        ->required();
    verb.add_option("--scatter", scatter,
                    "another source of the layout: scatter, GPT, MBR, EBR or PMT dump, fstab (repeatable)");
    verb.add_option("--footer", footer, "file that holds the crypto footer, where it is not in the dump");
    verb.add_option("--map", map, "ddrescue mapfile of the dump (default: DUMP.map where it exists)");
}

rescue::DumpRequest DumpOptions::request() const
{
    rescue::DumpRequest out{
        .path = dump, .layout_files = {scatter.begin(), scatter.end()}, .footer_file = {}, .map_file = {}};
    if (!footer.empty()) {
        out.footer_file = footer;
    }
    if (!map.empty()) {
        out.map_file = map;
    }
    return out;
}

void SecretOptions::add_to(CLI::App& verb)
{
    auto* const group = verb.add_option_group("Secret", "never on the command line itself, where others could read it");
    group->add_option("--secret-file", secret_files,
                      "file with the PIN, pattern digits or password; one newline at its end is dropped");
    group->add_option("--secret-fd", secret_fd, "file descriptor to read the secret from");
    group->add_flag("--ask", ask, "ask for the secret on the terminal");
    group->add_option("--pattern", pattern, "unlock pattern, dots counted row by row from 1: 1-4-7-8");
    group->add_option("--pattern-size", pattern_size, "dots a row")->check(CLI::Range(3, 6))->capture_default_str();
    group->add_option("--master-key", master_key_file, "file with the volume key itself, raw or hex");
    group->add_option("--cipher", cipher, "dm-crypt cipher of that key")->capture_default_str();
    group->add_option("--sector-size", sector_size, "its sector size in bytes: 512 to 4096; probed where not given");
    group->add_option("--iv-base", iv_base, "where its sector numbers start")
        ->check(CLI::IsMember({"partition", "disk"}))
        ->capture_default_str();
    group->add_option("--adopted-by", adopted_by,
                      "this is a memory card that a phone made its own storage: that phone's dump; the secret is the "
                      "phone's");
    group->add_option("--phone-enc-key", phone_enc_key_file, "file with this phone's keymaster ENC_KEY (Qualcomm)");
    group->add_option("--phone-hmac-key", phone_hmac_key_file, "file with its HMAC_KEY");
}

Result<rescue::OpenRequest> SecretOptions::request(Session& session) const
{
    rescue::OpenRequest out;
    for (const auto& path : secret_files) {
        const auto secret = SALVAGE_TRY(rescue::read_secret_file(path));
        append(out.secrets, rescue::encodings_of(secret.expose()));
    }
    if (secret_fd) {
        const auto secret = SALVAGE_TRY(read_secret_fd(*secret_fd));
        append(out.secrets, rescue::encodings_of(secret.expose()));
    }
    if (!pattern.empty()) {
        append(out.secrets, SALVAGE_TRY(rescue::encodings_of_pattern(pattern, pattern_size)));
    }
    if (ask) {
        const auto secret = SALVAGE_TRY(session.ask_secret("PIN, pattern digits or password: "));
        append(out.secrets, rescue::encodings_of(secret.expose()));
    }
    if (!master_key_file.empty()) {
        rescue::GivenMasterKey key{.key = SALVAGE_TRY(rescue::read_key_file(master_key_file)),
                                   .cipher = cipher,
                                   .sector = {},
                                   .is_iv_counted_from_disk = iv_base == "disk"};
        if (sector_size) {
            key.sector = SectorSize::make(*sector_size);
            if (!key.sector) {
                return invalid_argument("the sector size is not one", "a power of two from 512 to 65536 was expected");
            }
        }
        out.master_key = std::move(key);
    }
    if (!phone_enc_key_file.empty() || !phone_hmac_key_file.empty()) {
        if (phone_enc_key_file.empty() || phone_hmac_key_file.empty()) {
            return invalid_argument("one of the phone's two keys is missing",
                                    "--phone-enc-key and --phone-hmac-key go together");
        }
        out.phone_keys = fde::PhoneKeys{.encryption_key = SALVAGE_TRY(rescue::read_key_file(phone_enc_key_file)),
                                        .hmac_key = SALVAGE_TRY(rescue::read_key_file(phone_hmac_key_file))};
    }
    return out;
}

rescue::Invocation invocation_of(const Session& session)
{
    // The only option whose value is itself a secret; the others name a file or a descriptor.
    constexpr std::string_view secret_option = "--pattern";
    constexpr std::string_view mark = "(a secret, not recorded)";
    rescue::Invocation out{.version = SALVAGE_VERSION, .verb = {}, .options = {}};
    bool is_secret = false;
    for (const auto& word : session.command) {
        const auto option = std::string_view{word}.substr(0, word.find('='));
        if (out.verb.empty()) {
            out.verb = word;
        } else if (is_secret) {
            out.options.emplace_back(mark);
        } else if (option == secret_option && option.size() != word.size()) {
            out.options.push_back(fmt::format("{}={}", option, mark));
        } else {
            out.options.push_back(word);
        }
        is_secret = !is_secret && word == secret_option;
    }
    return out;
}

void add_output_options(CLI::App& verb, Session& session)
{
    verb.add_flag("--json", session.is_json, "one JSON document on standard output");
    verb.add_flag("-q,--quiet", session.is_quiet, "no talk on standard error");
}

namespace {

Result<rescue::OpenedDump> open_one(const DumpOptions& dump, const SecretOptions& secret, Session& session,
                                    const RunContext& context)
{
    auto request = SALVAGE_TRY(secret.request(session));
    request.measure_cost = false;
    auto opened = rescue::open_for_reading(dump.request(), request, context);
    const bool has_none = request.secrets.empty() && !request.master_key;
    if (opened.has_value() || opened.error().code != ErrorCode::wrong_secret || !has_none ||
        isatty(STDIN_FILENO) != 1) {
        return opened;
    }
    const auto typed = SALVAGE_TRY(session.ask_secret("PIN, pattern digits or password: "));
    append(request.secrets, rescue::encodings_of(typed.expose()));
    return rescue::open_for_reading(dump.request(), request, context);
}

/// The card of a phone: the phone is opened with the secret, the card with the key that lies there.
Result<rescue::OpenedDump> open_adopted(const DumpOptions& card, const SecretOptions& secret, Session& session,
                                        const RunContext& context)
{
    DumpOptions phone;
    phone.dump = secret.adopted_by;
    const auto opened = SALVAGE_TRY(open_one(phone, secret, session, context).in("opening " + secret.adopted_by));
    const auto files = SALVAGE_TRY(rescue::open_files(*opened.outcome.volume));
    const auto dump = SALVAGE_TRY(rescue::open_dump(card.request()));
    rescue::OpenRequest request;
    request.measure_cost = false;
    request.master_key = SALVAGE_TRY(rescue::adopted_card_key(dump, *files));
    return rescue::open_for_reading(card.request(), request, context);
}

} // namespace

Result<rescue::OpenedDump> open_or_ask(const DumpOptions& dump, const SecretOptions& secret, Session& session,
                                       const RunContext& context)
{
    return secret.adopted_by.empty() ? open_one(dump, secret, session, context)
                                     : open_adopted(dump, secret, session, context);
}

} // namespace salvage::cli
