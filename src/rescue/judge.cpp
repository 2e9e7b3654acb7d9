// Verdicts in words: each says what is so, by what proof, and what to type next.
#include "rescue/judge.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "salvage/core/text.hpp"
#include "salvage/rescue/adopted.hpp"

namespace salvage::rescue {

std::string next_for_footer(const Verdict& verdict, const Dump& dump)
{
    switch (verdict.code) {
    case VerdictCode::open:
        return is_footer_alone(dump) ? "salvage rescue DUMP --footer " + shell_quoted(dump.path)
                                     : "salvage rescue " + shell_quoted(dump.path);
    case VerdictCode::needs_secret: return fmt::format("salvage crack {}", shell_quoted(dump.path));
    default: return "Keep this file beside the dump: the same phone needs both";
    }
}

namespace {

std::string flags_in_words(std::uint32_t flags)
{
    struct Flag {
        std::uint32_t bit;
        std::string_view text;
    };
    constexpr std::array known{
        Flag{fde::footer_flag::key_unencrypted, "key stored in the clear"},
        Flag{fde::footer_flag::encryption_in_progress, "encryption was interrupted"},
        Flag{fde::footer_flag::inconsistent_state, "conversion did not end cleanly"},
        Flag{fde::footer_flag::data_corrupt, "the phone once found the password right and the data unreadable"},
        Flag{fde::footer_flag::force_encryption, "to be encrypted at the next boot"},
        Flag{fde::footer_flag::force_complete, "encrypted with the default password"},
    };
    std::vector<std::string_view> words;
    for (const auto& flag : known) {
        if ((flags & flag.bit) != 0) {
            words.push_back(flag.text);
        }
    }
    return fmt::format("{}", fmt::join(words, "; "));
}

std::string dump_and_layout(const Dump& dump)
{
    auto out = shell_quoted(dump.path);
    for (const auto& table : dump.layout.tables) {
        if (table.path != dump.path && !table.path.empty()) {
            out += " --scatter " + shell_quoted(table.path);
        }
    }
    if (!dump.footer_path.empty()) {
        out += " --footer " + shell_quoted(dump.footer_path);
    }
    return out;
}

/// Bits a byte of 64 KiB samples at the start and in the middle; negative where nothing can be read.
double sampled_entropy(const io::ByteSource& source, ByteOffset at)
{
    constexpr ByteCount sample{65536};
    const auto bytes = io::read_up_to(source, at, sample);
    if (!bytes.has_value() || bytes->empty()) {
        return -1;
    }
    std::array<std::uint64_t, 256> counts{};
    for (const auto byte : *bytes) {
        ++counts.at(std::to_integer<std::size_t>(byte));
    }
    double entropy = 0;
    for (const auto count : counts) {
        if (count > 0) {
            const auto share = static_cast<double>(count) / static_cast<double>(bytes->size());
            entropy -= share * std::log2(share);
        }
    }
    return entropy;
}

// 64 KiB of random bytes measure 7.997; compressed media 7.9x but never from a partition's first byte on.
constexpr double ciphertext_entropy = 7.98;

std::string secret_word(const fde::CryptoFooter& footer)
{
    if (!footer.crypt_type) {
        return "PIN, pattern or password";
    }
    switch (*footer.crypt_type) {
    case fde::CryptType::pin: return "PIN";
    case fde::CryptType::pattern: return "pattern";
    case fde::CryptType::password: return footer.minor >= 3 ? "password" : "PIN, pattern or password";
    case fde::CryptType::default_password: return "secret";
    }
    return "PIN, pattern or password";
}

std::string size_fact(const Dump& dump, const FoundFooter& found)
{
    const auto userdata = userdata_of(dump);
    const auto mapped = to_bytes(found.footer.fs_size, sector_512());
    if (!userdata || !mapped) {
        return {};
    }
    if (*mapped == userdata->size) {
        return fmt::format("The footer's fs_size equals the userdata partition: {}.", format_size_exact(*mapped));
    }
    if (mapped->value < userdata->size.value && userdata->size.value - mapped->value <= 0x8000) {
        return fmt::format(
            "The footer's fs_size is {} less than the userdata partition: the footer's own reserve at its end.",
            format_size(userdata->size - *mapped));
    }
    return fmt::format(
        "The footer's fs_size is {} and the userdata partition is {}: they may come from different installations.",
        format_size_exact(*mapped), format_size_exact(userdata->size));
}

} // namespace

std::vector<std::string> footer_proof(const FoundFooter& found)
{
    const auto& footer = found.footer;
    std::vector<std::string> out{
        fmt::format("{} crypto footer {}.{} at {} ({}), found by {}.", fde::to_string(footer.kind), footer.major,
                    footer.minor, format_offset(found.offset), found.place, found.found_by),
        fmt::format("Key derivation: {}{}; cipher: {}; key of {} bytes.", fde::to_string(footer.kdf),
                    footer.kdf == fde::Kdf::pbkdf2 || footer.kdf == fde::Kdf::samsung_pbkdf2_sha256
                        ? std::string{}
                        : fmt::format(" (N=2^{}, r=2^{}, p=2^{})", footer.scrypt.n_log2, footer.scrypt.r_log2,
                                      footer.scrypt.p_log2),
                    printable(footer.cipher), footer.key_bytes)};
    if (const auto words = flags_in_words(footer.flags); !words.empty()) {
        out.push_back(fmt::format("Flags {:#x}: {}.", footer.flags, words));
    }
    if (footer.keymaster != fde::KeymasterBlob::none) {
        out.push_back(fmt::format("Keymaster blob: {}.", fde::to_string(footer.keymaster)));
    }
    if (!found.placement.text.empty()) {
        out.push_back(found.placement.text);
    }
    return out;
}

std::optional<PlainJudgement> judge_plain(const Dump& dump)
{
    const auto userdata = userdata_of(dump);
    if (!userdata) {
        return std::nullopt;
    }
    const auto source = open_partition(dump, *userdata);
    if (!source.has_value()) {
        return std::nullopt;
    }
    const auto plain = fde::probe_filesystem(**source);
    if (!plain) {
        return std::nullopt;
    }
    auto volume = std::make_shared<OpenedVolume>();
    volume->plain = *source;
    volume->was_encrypted = false;
    volume->proof.filesystem = plain->name;
    volume->how = "not encrypted";
    PlainJudgement out;
    out.volume = std::move(volume);
    out.verdict.proof.push_back(
        fmt::format("{} superblock in the clear at the start of {}.", plain->name, userdata->name));
    if (plain->has_encrypt_feature) {
        out.verdict.code = VerdictCode::file_based_encryption;
        out.verdict.text =
            "The filesystem is readable, but it uses file-based encryption: names and content of most files are "
            "ciphertext whose keys the phone's chip keeps. What is not encrypted can be exported.";
        out.verdict.proof.emplace_back("The filesystem's feature 'encrypt' is set.");
        out.verdict.next = fmt::format("salvage ls {} /", dump_and_layout(dump));
        return out;
    }
    out.verdict.code = VerdictCode::not_encrypted;
    out.verdict.text =
        fmt::format("{} is a plain {} filesystem. Nothing has to be unlocked.", userdata->name, plain->name);
    out.verdict.next = fmt::format("salvage export {} -o FOLDER", dump_and_layout(dump));
    return out;
}

namespace {

/// A filesystem on `metadata` where older phones keep a footer: Android 9+ keeps metadata encryption's keys there.
std::optional<std::string> metadata_filesystem(const Dump& dump)
{
    const auto source = open_partition(dump, "metadata");
    if (dump.is_bare || !source.has_value()) {
        return std::nullopt;
    }
    const auto plain = fde::probe_filesystem(**source);
    return plain ? std::optional{plain->name} : std::nullopt;
}

Verdict key_missing(const Dump& dump, const FooterSearch& footers, double entropy)
{
    Verdict out{.code = VerdictCode::key_missing, .text = {}, .proof = {}, .next = {}, .cost = {}};
    const bool has_metadata = dump.layout.find("metadata") != nullptr;
    out.text = "userdata looks encrypted, and the crypto footer that holds its key is not in this dump. ";
    out.text +=
        has_metadata
            ? "The place where it belongs, the partition metadata, holds none: it was wiped, or another dump has it."
            : "It lies in the last 16 KiB of userdata, or in a small partition of its own (metadata, encrypt, extra, "
              "bk1).";
    out.proof.push_back(fmt::format("userdata starts with {:.3f} bits of entropy a byte: ciphertext.", entropy));
    for (const auto& searched : footers.searched) {
        out.proof.push_back("Searched: " + searched + ".");
    }
    const auto completeness = judge_completeness(dump, ByteCount{0});
    if (completeness.expected && !completeness.is_complete) {
        out.proof.push_back(completeness.text);
    }
    out.next =
        fmt::format("salvage inspect {} --footer FILE   (FILE: the metadata partition, or the missing end of userdata)",
                    shell_quoted(dump.path));
    return out;
}

} // namespace

PlainJudgement judge_without_footer(const Dump& dump, const FooterSearch& footers)
{
    PlainJudgement out;
    const auto userdata = userdata_of(dump);
    if (!userdata) {
        out.verdict = {.code = VerdictCode::unsupported,
                       .text = "The layout of this dump has no userdata partition, so there is nothing to open.",
                       .proof = {fmt::format("{} partitions are known.", dump.layout.partitions.size())},
                       .next = fmt::format("salvage layout {}", shell_quoted(dump.path)),
                       .cost = {}};
        return out;
    }
    const auto source = open_partition(dump, *userdata);
    const auto entropy = source.has_value() ? sampled_entropy(**source, ByteOffset{0}) : -1.0;
    if (entropy >= ciphertext_entropy && adopted_partition(dump)) {
        out.verdict = {.code = VerdictCode::key_missing,
                       .text = "This is a memory card that a phone made part of its own storage. Its key lies on that "
                               "phone's userdata, and on no other medium.",
                       .proof = {fmt::format("Partition {} is of the type android_expand.", printable(userdata->name)),
                                 fmt::format("It starts with {:.3f} bits of entropy a byte: ciphertext.", entropy)},
                       .next = fmt::format("salvage ls {} --adopted-by PHONE.img --ask", shell_quoted(dump.path)),
                       .cost = {}};
        return out;
    }
    if (entropy >= ciphertext_entropy) {
        if (const auto filesystem = metadata_filesystem(dump)) {
            out.verdict = {
                .code = VerdictCode::file_based_encryption,
                .text =
                    "userdata is encrypted as a whole with a key that Android 9 and later keep in the filesystem on "
                    "metadata, wrapped by the phone's chip (metadata encryption). No password opens it on a computer.",
                .proof = {fmt::format("metadata holds a {} filesystem instead of a crypto footer.", *filesystem),
                          fmt::format("userdata starts with {:.3f} bits of entropy a byte: ciphertext.", entropy)},
                .next = fmt::format("salvage split {} -o PARTS", dump_and_layout(dump)),
                .cost = {}};
            return out;
        }
        out.verdict = key_missing(dump, footers, entropy);
        return out;
    }
    out.verdict = {.code = VerdictCode::damaged,
                   .text = entropy < 0
                               ? "The start of userdata could not be read, and no crypto footer was found."
                               : "userdata starts neither with a filesystem nor with ciphertext: it was wiped, or the "
                                 "layout points to the wrong place.",
                   .proof = {entropy < 0 ? "The first 64 KiB of userdata are unreadable."
                                         : fmt::format("userdata starts with {:.3f} bits of entropy a byte.", entropy)},
                   .next = fmt::format("salvage hex {} {}", dump_and_layout(dump), dump.is_bare ? "0" : "userdata"),
                   .cost = {}};
    return out;
}

Verdict needs_secret(const Dump& dump, const FoundFooter& found, bool was_one_given)
{
    const auto word = secret_word(found.footer);
    Verdict out{.code = VerdictCode::needs_secret,
                .text = fmt::format("This opens on a computer once the {} is known; the phone is not needed.{}", word,
                                    was_one_given ? " The secret that was given is not it." : ""),
                .proof = footer_proof(found),
                .next = fmt::format("salvage crack {}", dump_and_layout(dump)),
                .cost = {}};
    if (auto fact = size_fact(dump, found); !fact.empty()) {
        out.proof.push_back(std::move(fact));
    }
    return out;
}

Verdict needs_phone_key(const Dump& dump, const FoundFooter& found, const fde::OfflineAnswer& answer)
{
    Verdict out{.code = VerdictCode::needs_phone_key,
                .text = "The data is intact, but its key is wrapped by a key inside this phone's chip. Put the same "
                        "partitions back "
                        "on the same phone and unlock it there.",
                .proof = footer_proof(found),
                .next = fmt::format("salvage split {} -o PARTS", dump_and_layout(dump)),
                .cost = {}};
    out.proof.push_back(answer.reason);
    if (auto fact = size_fact(dump, found); !fact.empty()) {
        out.proof.push_back(std::move(fact));
    }
    std::vector<std::string> together{"userdata"};
    if (!found.partition.empty() && found.partition != "userdata") {
        together.insert(together.begin(), found.partition);
    }
    for (const auto* const name : {"keystore", "oemkeystore", "secro", "nvdata"}) {
        if (dump.layout.find(name) != nullptr) {
            together.emplace_back(name);
        }
    }
    out.proof.push_back(fmt::format("Partitions that belong together: {}.", fmt::join(together, ", ")));
    return out;
}

Verdict not_supported(const FoundFooter& found, const std::string& reason)
{
    Verdict out{.code = VerdictCode::unsupported, .text = reason, .proof = footer_proof(found), .next = {}, .cost = {}};
    out.next = "Keep the dump: the same phone can still open this data if its partitions are put back";
    return out;
}

Verdict mismatch(const Dump& dump, const FoundFooter& found, const std::string& which_secret)
{
    Verdict out{.code = VerdictCode::mismatch,
                .text = fmt::format(
                    "The {} is right for this footer, but the key it gives does not open this userdata: footer and "
                    "data come from different installations. A phone in this state says \"password correct, but "
                    "data corrupted\".",
                    which_secret),
                .proof = footer_proof(found),
                .next = fmt::format("salvage find {}   (an older footer may lie elsewhere; or give it: --footer FILE)",
                                    dump_and_layout(dump)),
                .cost = {}};
    if (auto fact = size_fact(dump, found); !fact.empty()) {
        out.proof.push_back(std::move(fact));
    }
    return out;
}

Verdict damaged_start(const FoundFooter& found, const Error& error)
{
    Verdict out{.code = VerdictCode::damaged,
                .text =
                    "The footer is whole, but the first blocks of userdata cannot be read, so no key can be proven.",
                .proof = footer_proof(found),
                .next = "Read the start of userdata again, or give the volume key: --master-key FILE --cipher NAME",
                .cost = {}};
    out.proof.push_back(to_string(error));
    return out;
}

Verdict opened(const Dump& dump, const OpenedVolume& volume, const FoundFooter* found)
{
    Verdict out{
        .code = VerdictCode::open,
        .text = fmt::format("userdata is open ({}). The filesystem inside is {}.", volume.how, volume.proof.filesystem),
        .proof = volume.proof.facts,
        .next = fmt::format("salvage export {} -o FOLDER", dump_and_layout(dump)),
        .cost = {}};
    out.proof.push_back(fmt::format("Mapping: {}, {}.", crypto::to_string(volume.proof.volume.cipher),
                                    format_size_exact(volume.proof.volume.length)));
    if (volume.proof.volume.encrypted_upto) {
        out.proof.push_back(fmt::format("Encryption stopped part-way: bytes from {} on are plain.",
                                        format_offset(ByteOffset{volume.proof.volume.encrypted_upto->value})));
    }
    if (found != nullptr) {
        auto facts = footer_proof(*found);
        std::ranges::move(facts, std::back_inserter(out.proof));
    }
    return out;
}

} // namespace salvage::rescue
