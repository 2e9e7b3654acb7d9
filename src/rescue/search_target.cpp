// A footer as a target: the cheapest sound question first, userdata before the footer's own check value.
#include "salvage/rescue/search.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "rescue/search_target.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/byte_source.hpp"
#include "salvage/password/session.hpp"

namespace salvage::rescue {

bool is_key_under_default_password(const fde::CryptoFooter& footer) noexcept
{
    constexpr auto flags = fde::footer_flag::force_encryption | fde::footer_flag::force_complete;
    return footer.kind == fde::FooterKind::aosp && (footer.flags & flags) != 0;
}

namespace {

constexpr std::size_t most_listed = 1000;
constexpr ByteCount head_of_userdata{4096}; // tells one userdata from another in a session

bool is_samsung(const fde::CryptoFooter& footer) noexcept
{
    return footer.kind == fde::FooterKind::samsung_edk;
}

bool has_check_value(const fde::CryptoFooter& footer) noexcept
{
    return footer.scrypted_intermediate_key.has_value() || (is_samsung(footer) && !footer.samsung_hmac.empty());
}

std::string_view name_of_check(const fde::CryptoFooter& footer) noexcept
{
    return is_samsung(footer) ? "the footer's HMAC" : "the footer's check value (scrypted intermediate key)";
}

/// Feeds numbers and byte fields with their lengths, so that no two footers give the same stream.
class IdentityHash {
public:
    void add(std::uint64_t number)
    {
        std::array<std::byte, sizeof(number)> bytes{};
        store_le<std::uint64_t>(bytes, number);
        hash_.update(bytes);
    }
    void add(ByteView bytes)
    {
        add(bytes.size());
        hash_.update(bytes);
    }
    [[nodiscard]] std::string finish() { return to_hex(ByteView{hash_.finish()}.first(16)); }

private:
    crypto::Sha256 hash_;
};

/// What a guess is judged by, hashed.  Counters that a phone may still have changed are left out.
std::string hash_of(const fde::CryptoFooter& footer)
{
    IdentityHash hash;
    hash.add(static_cast<std::uint64_t>(footer.kind));
    hash.add(static_cast<std::uint64_t>(footer.kdf));
    hash.add((std::uint64_t{footer.scrypt.n_log2} << 16U) | (std::uint64_t{footer.scrypt.r_log2} << 8U) |
             footer.scrypt.p_log2);
    hash.add(is_key_under_default_password(footer) ? 1U : 0U);
    hash.add(as_bytes(footer.cipher));
    hash.add(footer.wrapped_key);
    hash.add(footer.salts.size());
    for (const auto& salt : footer.salts) {
        hash.add(salt);
    }
    hash.add(footer.samsung_hmac);
    hash.add(footer.scrypted_intermediate_key ? ByteView{*footer.scrypted_intermediate_key} : ByteView{});
    hash.add(footer.keymaster_blob);
    return hash.finish();
}

std::string identity_of(const SearchSubject& subject, PasswordCheck check)
{
    auto out = fmt::format("footer:{}", hash_of(subject.unlocker->footer()));
    if (subject.userdata) {
        const auto head = io::read_up_to(*subject.userdata, ByteOffset{0}, head_of_userdata);
        // What cannot be read fails later, with a better message.
        const auto digest = crypto::sha256(head.has_value() ? ByteView{*head} : ByteView{});
        out += fmt::format(",userdata:{}", to_hex(ByteView{digest}.first(8)));
    } else {
        out += ",alone";
    }
    return out + (check == PasswordCheck::all ? ",check=all" : "");
}

class Target final : public FooterTarget {
public:
    Target(SearchSubject subject, PasswordCheck check, std::vector<SecretBytes> listed,
           std::unique_ptr<const fde::KeyProbe> probe)
        : subject_{std::move(subject)}, footer_{&subject_.unlocker->footer()}, check_{check},
          listed_{std::move(listed)}, probe_{std::move(probe)}, identity_{identity_of(subject_, check)}
    {
    }

    /// Derives what the default password gives, once, where every right secret leads to that key.
    Result<> prepare()
    {
        if (is_key_under_default_password(*footer_)) {
            default_keys_ = SALVAGE_TRY(subject_.unlocker->master_keys(as_bytes(default_password), false));
        }
        return {};
    }

    Result<ProvenKey> judge(ByteView candidate) const override
    {
        const bool is_checked = has_check_value(*footer_) && must_check(candidate);
        const auto keys = SALVAGE_TRY(subject_.unlocker->master_keys(candidate, is_checked));
        if (probe_) {
            if (auto proven = SALVAGE_TRY(prove(keys, is_default(candidate) ? Keys::all : Keys::own))) {
                return std::move(*proven);
            }
        }
        const bool is_password = SALVAGE_TRY(is_footer_password(candidate, keys, is_checked));
        if (!is_password) {
            return ProvenKey{};
        }
        return probe_ ? right_for_footer() : right_for_footer_alone(keys);
    }

    Result<std::unique_ptr<password::Judge>> make_judge(crypto::KdfDevice& device) const override;

    /// Whether the candidate is more than wrong, asked in full.
    [[nodiscard]] Result<bool> accepts(ByteView candidate) const
    {
        const auto judged = SALVAGE_TRY(judge(candidate));
        return judged.judgement != CandidateJudgement::wrong;
    }
    /// Whether the filter has to ask the footer's check value for every candidate.
    [[nodiscard]] bool must_check_all() const
    {
        return check_ == PasswordCheck::all || !probe_ || is_key_under_default_password(*footer_);
    }
    [[nodiscard]] bool is_listed(ByteView candidate) const
    {
        return std::ranges::any_of(
            listed_, [&](const SecretBytes& secret) { return equal_constant_time(secret.expose(), candidate); });
    }
    [[nodiscard]] const fde::KeyProbe* probe() const noexcept { return probe_.get(); }
    [[nodiscard]] std::size_t key_bytes() const noexcept { return footer_->key_bytes; }

    Result<std::vector<std::string>> proof(ByteView candidate) const override
    {
        auto judged = SALVAGE_TRY(judge(candidate));
        return std::move(judged.facts);
    }

    [[nodiscard]] std::string identity() const override { return identity_; }
    [[nodiscard]] std::optional<crypto::ScryptFactors> scrypt() const noexcept override
    {
        const auto derivation = subject_.unlocker->scrypt();
        return derivation || !must_check_all() ? derivation : subject_.unlocker->check_scrypt();
    }

private:
    /// Without userdata, or with a key that the secret does not wrap, the check value is all there is to ask.
    [[nodiscard]] bool must_check(ByteView candidate) const { return must_check_all() || is_listed(candidate); }

    /// Keys of the default password come with every secret where the flags say so; they prove nothing about it.
    enum class Keys : std::uint8_t { all, own };

    static bool is_default(ByteView candidate) { return equal_constant_time(candidate, as_bytes(default_password)); }

    [[nodiscard]] bool is_of_default_password(const fde::MasterKey& key) const
    {
        return std::ranges::any_of(default_keys_, [&](const fde::MasterKey& other) {
            return equal_constant_time(other.key.expose(), key.key.expose());
        });
    }

    /// The first key that userdata shows to be right.  The probe is cheap; what it lets through is proven in full.
    Result<std::optional<ProvenKey>> prove(const std::vector<fde::MasterKey>& keys, Keys which) const
    {
        for (const auto& key : keys) {
            if ((which == Keys::own && is_of_default_password(key)) || !probe_->accepts(key.key.expose())) {
                continue;
            }
            auto proof = SALVAGE_TRY(
                fde::prove_key(*footer_, key.key.expose(), *subject_.userdata, subject_.disk_lba).in("proving a key"));
            if (proof) {
                return std::optional{proven(key, std::move(*proof))};
            }
        }
        return std::optional<ProvenKey>{};
    }

    [[nodiscard]] ProvenKey proven(const fde::MasterKey& key, fde::KeyProof proof) const
    {
        ProvenKey out{.judgement = CandidateJudgement::opens,
                      .key = key.key.clone(),
                      .how = key.how,
                      .proof = {},
                      .facts = proof.facts};
        out.facts.push_back(fmt::format("Key: {}; mapping: {}, {}.", key.how, crypto::to_string(proof.volume.cipher),
                                        format_size_exact(proof.volume.length)));
        if (key.sik_matches.has_value() && !is_samsung(*footer_)) {
            out.facts.push_back(
                *key.sik_matches
                    ? fmt::format("By {} this is the footer's password too.", name_of_check(*footer_))
                    : fmt::format("By {} the footer has another password as well.", name_of_check(*footer_)));
        }
        out.proof = std::move(proof);
        return out;
    }

    /// A Samsung footer whose HMAC refuses yields no keys; elsewhere the check value was computed beside the keys.
    Result<bool> is_footer_password(ByteView candidate, const std::vector<fde::MasterKey>& keys, bool is_checked) const
    {
        if (is_samsung(*footer_)) {
            return !keys.empty();
        }
        if (!is_checked) {
            return false;
        }
        const auto told = std::ranges::find_if(keys, [](const auto& key) { return key.sik_matches.has_value(); });
        if (told != keys.end()) {
            return std::ranges::any_of(keys, [](const auto& key) { return key.sik_matches.value_or(false); });
        }
        const auto answer = SALVAGE_TRY(subject_.unlocker->is_password(candidate));
        return answer.value_or(false);
    }

    /// The footer's password, and its keys did not open: with the flags, the default password's key still may.
    Result<ProvenKey> right_for_footer() const
    {
        if (auto out = SALVAGE_TRY(prove(default_keys_, Keys::all))) {
            out->facts.push_back(fmt::format("By {} this is the user's own password; the key itself is wrapped with "
                                             "the default password (flags {:#x}).",
                                             name_of_check(*footer_), footer_->flags));
            return std::move(*out);
        }
        ProvenKey out;
        out.judgement = CandidateJudgement::footer_only;
        out.facts = {fmt::format("By {} this is the footer's password.", name_of_check(*footer_)),
                     "No key it gives shows a filesystem on this userdata."};
        return out;
    }

    [[nodiscard]] ProvenKey right_for_footer_alone(const std::vector<fde::MasterKey>& own_keys) const
    {
        const auto& keys = is_key_under_default_password(*footer_) ? default_keys_ : own_keys;
        ProvenKey out;
        out.judgement = CandidateJudgement::opens;
        out.facts = {fmt::format("By {} this is the footer's password.", name_of_check(*footer_)),
                     "There was no userdata to prove the volume key on."};
        if (keys.size() == 1) {
            out.key = keys.front().key.clone();
            out.how = keys.front().how;
        } else if (!keys.empty()) {
            out.how = "several unwraps are possible";
            out.facts.push_back(fmt::format(
                "The footer leaves {} ways to unwrap the key; userdata would tell which is right.", keys.size()));
        }
        return out;
    }

    SearchSubject subject_;
    const fde::CryptoFooter* footer_;
    PasswordCheck check_;
    std::vector<SecretBytes> listed_;
    std::unique_ptr<const fde::KeyProbe> probe_;
    std::string identity_;
    std::vector<fde::MasterKey> default_keys_;
};

/// Asks about one candidate after another, each in full: where a footer needs no derivation.
class PlainJudge final : public password::Judge {
public:
    explicit PlainJudge(const Target& target) : target_{&target} {}
    [[nodiscard]] std::size_t batch_size() const noexcept override { return 1; }
    Result<std::optional<std::size_t>> first_accepted(std::span<const ByteView> batch) override
    {
        for (std::size_t i = 0; i < batch.size(); ++i) {
            if (SALVAGE_TRY(target_->accepts(batch[i]))) {
                return std::optional{i};
            }
        }
        return std::optional<std::size_t>{};
    }

private:
    const Target* target_;
};

/// Derives a whole batch on its device and filters it by the cheapest sound question; what passes is asked in full.
class BatchJudge final : public password::Judge {
public:
    BatchJudge(const Target& target, std::unique_ptr<fde::BatchUnlocker> unlocker)
        : target_{&target}, unlocker_{std::move(unlocker)}, key_{target.key_bytes()}
    {
    }
    [[nodiscard]] std::size_t batch_size() const noexcept override { return unlocker_->batch_size(); }

    Result<std::optional<std::size_t>> first_accepted(std::span<const ByteView> batch) override
    {
        SALVAGE_TRY(unlocker_->load(batch));
        const auto checked =
            target_->must_check_all() ? SALVAGE_TRY(unlocker_->check()) : std::vector<std::uint8_t>(batch.size(), 0);
        for (std::size_t i = 0; i < batch.size(); ++i) {
            const bool passes = checked[i] != 0 || shows_key(i) || target_->is_listed(batch[i]);
            if (passes && SALVAGE_TRY(target_->accepts(batch[i]))) {
                return std::optional{i};
            }
        }
        return std::optional<std::size_t>{};
    }

private:
    bool shows_key(std::size_t secret)
    {
        if (target_->probe() == nullptr) {
            return false;
        }
        const auto key = key_.expose_for_writing();
        for (std::size_t way = 0; way < unlocker_->ways(); ++way) {
            if (unlocker_->key(secret, way, key) && target_->probe()->accepts(key)) {
                return true;
            }
        }
        return false;
    }

    const Target* target_;
    std::unique_ptr<fde::BatchUnlocker> unlocker_;
    SecretBytes key_;
};

Result<std::unique_ptr<password::Judge>> Target::make_judge(crypto::KdfDevice& device) const
{
    auto unlocker = subject_.unlocker->make_batch(device);
    if (!unlocker) {
        return std::make_unique<PlainJudge>(*this);
    }
    return std::make_unique<BatchJudge>(*this, std::move(unlocker));
}

std::vector<SecretBytes> copies_of(const std::vector<GivenSecret>& listed)
{
    std::vector<SecretBytes> out;
    for (const auto& secret : std::span{listed}.first(std::min(listed.size(), most_listed))) {
        out.push_back(secret.bytes.clone());
    }
    return out;
}

Error nothing_tells()
{
    return not_found("nothing tells a right secret from a wrong one",
                     "there is no userdata, and this footer has no check value of its own",
                     "give the whole dump, or userdata's image beside --footer FILE");
}

} // namespace

Result<std::unique_ptr<const FooterTarget>> make_footer_target(SearchSubject subject, PasswordCheck check,
                                                               const std::vector<GivenSecret>& listed)
{
    std::unique_ptr<const fde::KeyProbe> probe;
    if (subject.userdata) {
        probe = SALVAGE_TRY(fde::make_key_probe(subject.unlocker->footer(), *subject.userdata, subject.disk_lba)
                                .in("reading what a key is proven on"));
    } else if (!has_check_value(subject.unlocker->footer())) {
        return nothing_tells();
    }
    auto target = std::make_unique<Target>(std::move(subject), check, copies_of(listed), std::move(probe));
    SALVAGE_TRY(target->prepare().in("deriving the key of the default password"));
    return std::unique_ptr<const FooterTarget>{std::move(target)};
}

Result<TargetSet> TargetSet::make(std::span<const SearchSubject> subjects, PasswordCheck check,
                                  const std::vector<GivenSecret>& listed)
{
    if (subjects.empty() || subjects.size() > password::max_targets) {
        return invalid_argument("a search is for one footer at least, and not for that many",
                                fmt::format("{} footers, at most {}", subjects.size(), password::max_targets));
    }
    TargetSet out;
    for (const auto& subject : subjects) {
        out.targets_.push_back(SALVAGE_TRY(make_footer_target(subject, check, listed)));
        out.views_.push_back(out.targets_.back().get());
    }
    return out;
}

std::string TargetSet::identity() const
{
    std::string out;
    for (const auto* const target : views_) {
        out += out.empty() ? "" : "+";
        out += target->identity();
    }
    return out;
}

} // namespace salvage::rescue
