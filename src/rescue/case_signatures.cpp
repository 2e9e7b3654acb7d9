// Signing the log's head, and judging what was signed.
#include "rescue/case_signatures.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "rescue/beneath.hpp"
#include "rescue/log_chain.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/output_file.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view head_word = "salvage.case-head/1 ";
constexpr std::string_view folder_name = "signatures";
constexpr std::size_t key_digits = 16;
// A line, a signature, a key: none is longer.
constexpr std::size_t max_part_bytes = 4096;
// Somebody signs by hand.
constexpr std::size_t max_signatures = 1000;

Result<std::string> read_part(int case_folder, const std::string& path)
{
    const auto file = SALVAGE_TRY(open_beneath(case_folder, path));
    std::string out(max_part_bytes + 1, '\0');
    std::size_t used = 0;
    while (used < out.size()) {
        const auto got = ::read(file.get(), out.data() + used, out.size() - used);
        if (got < 0) {
            return from_errno(errno, "it cannot be read", path);
        }
        if (got == 0) {
            break;
        }
        used += static_cast<std::size_t>(got);
    }
    if (used > max_part_bytes) {
        return malformed(ByteOffset{max_part_bytes}, "it is too long", path);
    }
    out.resize(used);
    return out;
}

StoredSignature load(int case_folder, std::string name)
{
    StoredSignature out;
    out.name = std::move(name);
    struct Part {
        std::string_view ending;
        std::string* into;
    };
    for (const auto& [ending, into] :
         {Part{".head", &out.head_bytes}, Part{".sig", &out.signature}, Part{".pem", &out.public_pem}}) {
        auto bytes = read_part(case_folder, out.name + std::string{ending});
        if (!bytes.has_value()) {
            out.problem = fmt::format("its {} cannot be read: {}", ending, bytes.error().what);
            return out;
        }
        *into = *std::move(bytes);
    }
    out.head = parse_head(out.head_bytes);
    return out;
}

Error broken_chain(const BrokenRecord& broken)
{
    return Error{ErrorCode::mismatch,
                 fmt::format("line {} of the case log, at byte {}, is not in its chain", broken.line,
                             format_offset(broken.offset)),
                 broken.why,
                 std::nullopt,
                 {},
                 {}};
}

/// Writes one part of the signature `name`, or finds it there with the same content; then true.
/// Errors: mismatch (it is there and is another).
Result<bool> put(const fs::path& folder, int descriptor, const std::string& name, std::string_view content)
{
    const auto done = io::write_file_atomically(folder / name, as_bytes(content), io::Existing::refuse);
    if (done.has_value()) {
        return false;
    }
    if (done.error().code != ErrorCode::already_exists) {
        return done.error();
    }
    const auto there = read_part(descriptor, name);
    if (!there.has_value() || *there != content) {
        return Error{ErrorCode::mismatch,
                     fmt::format("{} is there and is not what would be signed now", name),
                     "nothing is overwritten",
                     std::nullopt,
                     "look at it with salvage case verify; move it away and sign again",
                     {}};
    }
    return true;
}

Result<ChainReport> chain_of(int case_folder, const RecordVisitor& visit)
{
    const auto log = SALVAGE_TRY(open_beneath(case_folder, "log.jsonl").in("opening the case log"));
    return check_chain(read_log_from(log.get()), visit);
}

} // namespace

std::string_view to_string(CaseSignature::State state) noexcept
{
    switch (state) {
    case CaseSignature::State::valid: return "valid";
    case CaseSignature::State::other_key: return "other-key";
    case CaseSignature::State::wrong: break;
    }
    return "wrong";
}

std::string head_text(const LogHead& head)
{
    return fmt::format("{}{} {}\n", head_word, head.records, head.sha256);
}

std::optional<LogHead> parse_head(std::string_view text)
{
    LogHead out;
    if (text.starts_with(head_word)) {
        const auto numbers = text.substr(head_word.size());
        const auto space = numbers.find(' ');
        const auto* const end = numbers.data() + std::min(space, numbers.size());
        if (std::from_chars(numbers.data(), end, out.records).ec == std::errc{} && space != std::string_view::npos) {
            out.sha256 = numbers.substr(space + 1, out.sha256.size());
        }
    }
    return head_text(out) == text ? std::optional{std::move(out)} : std::nullopt;
}

Result<std::vector<StoredSignature>> load_signatures(int case_folder)
{
    std::vector<StoredSignature> out;
    const auto place = SALVAGE_TRY(walk_beneath(case_folder, folder_name));
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX
    const OwnedDescriptor folder{
        ::openat(place.folder.get(), place.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!folder.is_open()) {
        return errno == ENOENT || errno == ELOOP || errno == ENOTDIR
                   ? Result<std::vector<StoredSignature>>{std::move(out)}
                   : from_errno(errno, "the signatures cannot be opened", folder_name);
    }
    std::error_code problem;
    std::vector<std::string> names;
    for (fs::directory_iterator it{fmt::format("/proc/self/fd/{}", folder.get()), problem};
         !problem && it != fs::directory_iterator{} && names.size() < max_signatures; it.increment(problem)) {
        if (it->path().extension() == ".sig") {
            names.push_back(fmt::format("{}/{}", folder_name, it->path().stem().string()));
        }
    }
    std::ranges::sort(names);
    for (auto& name : names) {
        out.push_back(load(case_folder, std::move(name)));
    }
    return out;
}

CaseSignature judge_signature(const StoredSignature& stored, const std::map<std::uint64_t, std::string>& heads,
                              const crypto::Ed25519Verifier* key)
{
    CaseSignature out;
    out.name = stored.name;
    out.text = stored.problem;
    if (!stored.problem.empty()) {
        return out;
    }
    const auto beside = crypto::Ed25519Verifier::from_pem(as_bytes(stored.public_pem));
    if (!stored.head || !beside.has_value()) {
        out.text = stored.head ? "the key beside it is no Ed25519 key" : "what was signed is not the head of a log";
        return out;
    }
    out.records = stored.head->records;
    const bool is_own = key != nullptr && key->is_signature_of(as_bytes(stored.signature), as_bytes(stored.head_bytes));
    out.key = is_own ? key->fingerprint() : beside->fingerprint();
    if (!is_own && !beside->is_signature_of(as_bytes(stored.signature), as_bytes(stored.head_bytes))) {
        out.text = "it is no signature of the head beside it";
        return out;
    }
    const auto found = heads.find(stored.head->records);
    if (found == heads.end() || found->second != stored.head->sha256) {
        out.text = fmt::format("the log is not the one that was signed: its record {} {}", stored.head->records,
                               found == heads.end() ? "is not there" : "is another");
        return out;
    }
    out.state = key == nullptr || is_own ? CaseSignature::State::valid : CaseSignature::State::other_key;
    out.text = is_own           ? "by the key that was given"
               : key == nullptr ? "by the key beside it; whether that is the right one, --key tells"
                                : "by the key beside it, not by the one that was given";
    return out;
}

Result<> make_case_key(const std::filesystem::path& private_key, const std::filesystem::path& public_key)
{
    const auto signer = crypto::Ed25519Signer::generate();
    const auto pem = signer.private_pem();
    SALVAGE_TRY(io::write_file_atomically(private_key, pem.expose(), io::Existing::refuse, 0600));
    return io::write_file_atomically(public_key, as_bytes(signer.public_pem()), io::Existing::refuse);
}

Result<CaseSignReport> sign_case(const CaseSignRequest& request)
{
    const auto signer = SALVAGE_TRY(
        crypto::Ed25519Signer::from_pem(request.private_key, request.passphrase ? &*request.passphrase : nullptr)
            .in("reading the private key"));
    const auto folder = SALVAGE_TRY(open_case_folder(request.case_folder));
    const auto chain = SALVAGE_TRY(chain_of(folder.get(), [](const LogRecord&, const LogLine&, std::uint64_t) {}));
    if (chain.broken) {
        return broken_chain(*chain.broken).with_hint("it is not signed; look at it with salvage case verify");
    }
    const auto pem = signer.public_pem();
    const auto verifier = SALVAGE_TRY(crypto::Ed25519Verifier::from_pem(as_bytes(pem)));
    CaseSignReport out{.head = chain.head, .name = {}, .key = verifier.fingerprint()};
    out.name = fmt::format("{}/{:06}-{}", folder_name, out.head.records, out.key.substr(0, key_digits));
    std::error_code problem;
    if (!fs::is_directory(fs::symlink_status(request.case_folder / folder_name, problem)) &&
        !fs::create_directory(request.case_folder / folder_name, problem)) {
        return from_errno(problem ? problem.value() : ENOTDIR, "the folder for signatures cannot be made",
                          (request.case_folder / folder_name).string());
    }
    const auto text = head_text(out.head);
    const auto signature = signer.sign(as_bytes(text));
    SALVAGE_TRY(put(request.case_folder, folder.get(), out.name + ".head", text));
    SALVAGE_TRY(put(request.case_folder, folder.get(), out.name + ".pem", pem));
    out.was_there = SALVAGE_TRY(put(request.case_folder, folder.get(), out.name + ".sig", as_text(signature)));
    return out;
}

Result<> list_case_log(const fs::path& case_folder, const std::function<void(const ShownRecord&)>& show)
{
    const auto folder = SALVAGE_TRY(open_case_folder(case_folder));
    const auto chain = SALVAGE_TRY(
        chain_of(folder.get(), [&show](const LogRecord& record, const LogLine& /*line*/, std::uint64_t number) {
            const auto time = record.json.find("time");
            show({.number = number,
                  .time = time != record.json.end() && time->is_number_unsigned()
                              ? std::optional{time->get<std::uint64_t>()}
                              : std::nullopt,
                  .event = record.event,
                  .text = record.text});
        }));
    return chain.broken ? Result<>{broken_chain(*chain.broken)} : Result<>{};
}

} // namespace salvage::rescue
