// Opening userdata.  Every footer is tried with every secret; what proves a key is decided by fde, what follows here.
#include "salvage/rescue/open.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "rescue/judge.hpp"
#include "salvage/core/text.hpp"
#include "salvage/rescue/inspect.hpp"
#include "salvage/rescue/search.hpp"

namespace salvage::rescue {
namespace {

constexpr std::string_view default_password = "default_password";

/// What came of one footer.
struct Attempt {
    Verdict verdict;
    std::shared_ptr<const OpenedVolume> volume;
};

/// Lower is better: a dump is what its best footer says.
int rank(VerdictCode code) noexcept
{
    constexpr std::array order{VerdictCode::open,     VerdictCode::not_encrypted, VerdictCode::file_based_encryption,
                               VerdictCode::mismatch, VerdictCode::needs_secret,  VerdictCode::needs_phone_key,
                               VerdictCode::damaged,  VerdictCode::unsupported,   VerdictCode::key_missing};
    return static_cast<int>(std::ranges::find(order, code) - order.begin());
}

SectorIndex disk_lba_of(const partition::Partition& userdata)
{
    return SectorIndex{userdata.start.value / sector_512().bytes()};
}

/// Tries one footer against userdata.
class FooterAttempt {
public:
    FooterAttempt(const Dump& dump, const FoundFooter& found, std::size_t index, const OpenRequest& request,
                  const RunContext& context)
        : dump_{&dump}, found_{&found}, index_{index}, request_{&request}, context_{&context}
    {
    }

    Result<Attempt> run(const io::SourcePtr& userdata, SectorIndex disk_lba)
    {
        const auto answer = fde::can_open_offline(found_->footer);
        if (answer.offline == fde::Offline::unsupported) {
            return Attempt{.verdict = not_supported(*found_, answer.reason), .volume = {}};
        }
        const auto* const phone_keys = request_->phone_keys ? &*request_->phone_keys : nullptr;
        if (answer.offline == fde::Offline::needs_phone ||
            (answer.offline == fde::Offline::with_phone_keys && phone_keys == nullptr)) {
            return Attempt{.verdict = needs_phone_key(*dump_, *found_, answer), .volume = {}};
        }
        auto unlocker = fde::make_unlocker(found_->footer, phone_keys);
        if (!unlocker.has_value()) {
            return Attempt{.verdict = not_supported(*found_, to_string(unlocker.error())), .volume = {}};
        }
        unlocker_ = std::move(*unlocker);
        return try_all(userdata, disk_lba);
    }

private:
    Result<Attempt> try_all(const io::SourcePtr& userdata, SectorIndex disk_lba)
    {
        std::optional<std::string> right_for_footer;
        std::optional<Error> unproven; // a backup superblock may still prove the next key
        for (const auto& [secret, name] : secrets()) {
            if (context_->is_stopped()) {
                return cancelled("opening userdata");
            }
            auto keys = SALVAGE_TRY(unlocker_->master_keys(secret, true));
            for (auto& key : keys) {
                if (key.sik_matches.value_or(false)) {
                    right_for_footer = name;
                }
                auto proof = fde::prove_key(found_->footer, key.key.expose(), *userdata, disk_lba);
                if (!proof.has_value()) {
                    unproven = std::move(proof).error();
                } else if (*proof) {
                    return success(userdata, std::move(key), **proof, name);
                }
            }
        }
        if (unproven && unproven->code == ErrorCode::unsupported) {
            return Attempt{.verdict = not_supported(*found_, to_string(*unproven)), .volume = {}};
        }
        if (unproven) {
            return Attempt{.verdict = damaged_start(*found_, *unproven), .volume = {}};
        }
        if (right_for_footer) {
            return Attempt{.verdict = mismatch(*dump_, *found_, *right_for_footer), .volume = {}};
        }
        auto verdict = needs_secret(*dump_, *found_, !request_->secrets.empty());
        if (request_->measure_cost) {
            verdict.cost = forecast(*unlocker_, *context_);
        }
        return Attempt{.verdict = std::move(verdict), .volume = {}};
    }

    [[nodiscard]] std::vector<std::pair<ByteView, std::string>> secrets() const
    {
        std::vector<std::pair<ByteView, std::string>> out;
        if (request_->try_default_password) {
            out.emplace_back(as_bytes(default_password), "default password");
        }
        for (const auto& given : request_->secrets) {
            out.emplace_back(given.bytes.expose(), "secret (" + given.encoding + ")");
        }
        return out;
    }

    Result<Attempt> success(const io::SourcePtr& userdata, fde::MasterKey key, const fde::KeyProof& proof,
                            const std::string& secret_name)
    {
        auto volume = std::make_shared<OpenedVolume>();
        volume->plain = SALVAGE_TRY(fde::make_decrypting(userdata, proof.volume, key.key.expose()));
        volume->proof = proof;
        volume->key = std::move(key.key);
        volume->how = fmt::format("{}, {}", secret_name, key.how);
        volume->footer = index_;
        auto verdict = opened(*dump_, *volume, found_);
        return Attempt{.verdict = std::move(verdict), .volume = std::move(volume)};
    }

    const Dump* dump_;
    const FoundFooter* found_;
    std::size_t index_;
    const OpenRequest* request_;
    const RunContext* context_;
    std::unique_ptr<const fde::Unlocker> unlocker_;
};

/// A footer made of what the user says, so that a raw key goes the same way as a derived one.
Result<fde::CryptoFooter> footer_of(const GivenMasterKey& given, ByteCount userdata_size)
{
    fde::CryptoFooter footer;
    footer.cipher = given.cipher;
    footer.key_bytes = static_cast<std::uint32_t>(given.key.size());
    footer.fs_size = SectorCount{userdata_size.value / sector_512().bytes()};
    SALVAGE_TRY(crypto::parse_cipher_name(given.cipher));
    return footer;
}

/// The mapping as the user says it is; Android's habits where nothing is said.
crypto::SectorCipherSpec mapping_of(const GivenMasterKey& given, crypto::SectorCipherSpec named, SectorIndex disk_lba)
{
    named.sector = given.sector.value_or(sector_512());
    named.iv_base = given.is_iv_counted_from_disk ? disk_lba : SectorIndex{0};
    named.iv_counts_large_sectors = named.sector != sector_512(); // ro.crypto.fde_sector_size sets both at once
    return named;
}

/// Whether what the data show is what the user says.  How large sectors are counted is not said: there the data are
/// right, which have told it by their second block; the first sector's number is 0 either way.
bool is_as_given(const fde::KeyProof& proof, const GivenMasterKey& given, SectorIndex disk_lba)
{
    const auto& shown = proof.volume.cipher;
    return (!given.sector || *given.sector == shown.sector) &&
           (!given.is_iv_counted_from_disk || shown.iv_base == disk_lba);
}

/// A proof under the mapping that was given; nothing where no filesystem appears under it.
Result<std::optional<fde::KeyProof>> prove_as_given(const GivenMasterKey& given, const io::SourcePtr& userdata,
                                                    SectorIndex disk_lba)
{
    const auto spec = mapping_of(given, SALVAGE_TRY(crypto::parse_cipher_name(given.cipher)), disk_lba);
    const auto whole_sectors = userdata->size().value / spec.sector.bytes() * spec.sector.bytes();
    const fde::VolumeSpec volume{.cipher = spec, .length = ByteCount{whole_sectors}, .encrypted_upto = {}};
    const auto plain = SALVAGE_TRY(fde::make_decrypting(userdata, volume, given.key.expose()));
    const auto found = fde::probe_filesystem(*plain);
    if (!found) {
        return std::optional<fde::KeyProof>{};
    }
    return std::optional{fde::KeyProof{.volume = volume,
                                       .filesystem = found->name,
                                       .facts = {found->name + " superblock appears under the mapping that was given."},
                                       .strength_bits = 64}};
}

Result<Attempt> try_master_key(const Dump& dump, const GivenMasterKey& given, const io::SourcePtr& userdata,
                               SectorIndex disk_lba)
{
    const auto footer = SALVAGE_TRY(footer_of(given, userdata->size()));
    auto proof =
        SALVAGE_TRY(fde::prove_key(footer, given.key.expose(), *userdata, disk_lba).in("proving the given key"));
    if (!proof || !is_as_given(*proof, given, disk_lba)) {
        // The user knows better than a probe, or no filesystem shows: take the mapping as it was given.
        proof = SALVAGE_TRY(prove_as_given(given, userdata, disk_lba));
    }
    if (!proof) {
        Verdict verdict{
            .code = VerdictCode::mismatch,
            .text = "The given key does not open this userdata: no filesystem appears under it.",
            .proof = {fmt::format("Tried: {}, 512- and 4096-byte sectors, IV from the partition and from the disk.",
                                  printable(given.cipher))},
            .next = fmt::format("salvage footer {}", shell_quoted(dump.path)),
            .cost = {}};
        return Attempt{.verdict = std::move(verdict), .volume = {}};
    }
    auto volume = std::make_shared<OpenedVolume>();
    volume->plain = SALVAGE_TRY(fde::make_decrypting(userdata, proof->volume, given.key.expose()));
    volume->proof = *proof;
    volume->key = given.key.clone();
    volume->how = "given volume key";
    auto verdict = opened(dump, *volume, nullptr);
    return Attempt{.verdict = std::move(verdict), .volume = std::move(volume)};
}

void keep_better(OpenOutcome& outcome, Attempt attempt, bool is_first)
{
    if (is_first || rank(attempt.verdict.code) < rank(outcome.verdict.code)) {
        outcome.verdict = std::move(attempt.verdict);
        outcome.volume = std::move(attempt.volume);
    }
}

void add_stale_footer_finding(OpenOutcome& outcome)
{
    if (outcome.footers.footers.empty()) {
        return;
    }
    const auto& found = outcome.footers.footers.front();
    outcome.findings.push_back(
        {.code = "footer-of-plain-userdata",
         .severity = Severity::note,
         .text = "A crypto footer is there although userdata is in the clear: it is older than the data, or "
                 "encryption was asked for and has not begun.",
         .where = {.source = found.file, .offset = found.offset, .partition = found.partition},
         .numbers = {{"flags", found.footer.flags}},
         .words = {}});
}

} // namespace

Result<OpenOutcome> open_userdata(const Dump& dump, FooterSearch footers, const OpenRequest& request,
                                  const RunContext& context)
{
    OpenOutcome outcome;
    outcome.footers = std::move(footers);
    const auto userdata = userdata_of(dump);
    const auto source =
        userdata ? open_partition(dump, *userdata) : Result<io::SourcePtr>{not_found("no userdata partition")};
    if (source.has_value() && request.master_key) {
        auto attempt = SALVAGE_TRY(try_master_key(dump, *request.master_key, *source, disk_lba_of(*userdata)));
        keep_better(outcome, std::move(attempt), true);
        return outcome;
    }
    // A part-way encrypted volume is ciphertext at its start, so a plain superblock there means: not encrypted.
    if (auto plain = judge_plain(dump)) {
        outcome.verdict = std::move(plain->verdict);
        outcome.volume = std::move(plain->volume);
        add_stale_footer_finding(outcome);
        return outcome;
    }
    if (!outcome.footers.footers.empty() && is_footer_alone(dump)) {
        outcome.verdict = judge_footer(outcome.footers.footers.front().footer, request, context);
        outcome.verdict.next = next_for_footer(outcome.verdict, dump);
        return outcome;
    }
    if (outcome.footers.footers.empty() || !source.has_value()) {
        auto judged = judge_without_footer(dump, outcome.footers);
        outcome.verdict = std::move(judged.verdict);
        return outcome;
    }
    for (std::size_t i = 0; i < outcome.footers.footers.size(); ++i) {
        FooterAttempt attempt{dump, outcome.footers.footers.at(i), i, request, context};
        keep_better(outcome, SALVAGE_TRY(attempt.run(*source, disk_lba_of(*userdata))), i == 0);
        if (outcome.verdict.code == VerdictCode::open) {
            break;
        }
    }
    return outcome;
}

Result<std::unique_ptr<const filesystem::FileSystem>> open_files(const OpenedVolume& volume)
{
    return filesystem::open(volume.plain).in("opening the filesystem of userdata");
}

namespace {

Error as_error(const Verdict& verdict)
{
    auto code = ErrorCode::unsupported;
    switch (verdict.code) {
    case VerdictCode::open:
        return not_found("this file holds a crypto footer and no userdata", verdict.text, verdict.next);
    case VerdictCode::needs_secret: code = ErrorCode::wrong_secret; break;
    case VerdictCode::needs_phone_key: code = ErrorCode::needs_phone_key; break;
    case VerdictCode::key_missing: code = ErrorCode::not_found; break;
    case VerdictCode::mismatch: code = ErrorCode::mismatch; break;
    case VerdictCode::damaged: code = ErrorCode::malformed; break;
    default: break;
    }
    return Error{code, std::string{headline(verdict.code)}, verdict.text, std::nullopt, verdict.next, {}};
}

} // namespace

Result<OpenedDump> open_for_reading(const DumpRequest& dump_request, const OpenRequest& request,
                                    const RunContext& context)
{
    OpenedDump out{.dump = SALVAGE_TRY(open_dump(dump_request)), .outcome = {}};
    if (request.master_key || judge_plain(out.dump)) {
        out.outcome = SALVAGE_TRY(open_userdata(out.dump, {}, request, context));
    } else {
        auto footers = SALVAGE_TRY(find_footers(out.dump, context));
        out.outcome = SALVAGE_TRY(open_userdata(out.dump, std::move(footers), request, context));
    }
    if (!out.outcome.volume) {
        return as_error(out.outcome.verdict);
    }
    return out;
}

} // namespace salvage::rescue
