// The AOSP struct behind the head, 1.0 to 1.3.
//
// Deviations that real phones show, and what is done:
//   - vold upgrades the version of a footer in place and keeps its ftr_size, so for 1.1 and later the layout never
//     follows from ftr_size;
//   - HTC's 256-bit footers may have the salt 32 bytes behind the key, as 1.0 has it;
//   - a kdf_type that vold does not know counts as PBKDF2 (get_kdf_func);
//   - carved footers end early (a published sample has 0x90C bytes of 0x910): what is there is read, and what is
//     missing is named, unless a key cannot be derived without it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "fde/footer_layout.hpp"
#include "fde/footer_parts.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/fde/keymaster_blob.hpp"

namespace salvage::fde {
namespace {

constexpr std::uint32_t known_flags = footer_flag::key_unencrypted | footer_flag::encryption_in_progress |
                                      footer_flag::inconsistent_state | footer_flag::data_corrupt |
                                      footer_flag::force_encryption | footer_flag::force_complete |
                                      0x1000U; // ASCII_PASSWORD_UPDATED, Qualcomm
/// sizeof(struct crypt_mnt_ftr) as vold of Android 4.0, 4.4, 5 and 7 wrote it, and of 4.0 and 7 on 32-bit x86.
constexpr std::array<std::uint32_t, 6> usual_ftr_sizes{0x64, 0x68, 0xC0, 0x910, 0x92C, 0x930};

template <std::unsigned_integral T>
T field(ByteView bytes, std::size_t at)
{
    return load_le<T>(bytes.subspan(at, sizeof(T)));
}

Bytes copy(ByteView bytes, std::size_t at, std::size_t count)
{
    const auto part = bytes.subspan(at, count);
    return {part.begin(), part.end()};
}

bool has(ByteView bytes, std::size_t end)
{
    return bytes.size() >= end;
}

std::optional<std::array<std::byte, 32>> unless_zero(ByteView bytes, std::size_t at)
{
    std::array<std::byte, 32> out{};
    if (!has(bytes, at + out.size()) || is_all_zero(bytes.subspan(at, out.size()))) {
        return std::nullopt;
    }
    std::ranges::copy(bytes.subspan(at, out.size()), out.begin());
    return out;
}

class AospParser {
public:
    AospParser(CryptoFooter head, ByteView bytes) : footer_{std::move(head)}, bytes_{bytes} {}

    Result<CryptoFooter> parse()
    {
        note_flags();
        note_size();
        SALVAGE_TRY(read_key());
        if (footer_.minor >= 1) {
            read_persist_place();
        }
        SALVAGE_TRY(read_salts());
        if (footer_.minor >= 2) {
            SALVAGE_TRY(read_kdf());
        }
        if (footer_.minor >= 3) {
            SALVAGE_TRY(read_version_3());
        }
        return std::move(footer_);
    }

private:
    void note(std::string_view code, Severity severity, std::string text, std::size_t at)
    {
        footer_.findings.push_back(footer_finding(code, severity, std::move(text), at));
    }

    void note_flags()
    {
        if (const auto unknown = footer_.flags & ~known_flags; unknown != 0) {
            note("footer-unknown-flags", Severity::note,
                 fmt::format("flags {:#x} have bits that AOSP does not define: {:#x}", footer_.flags, unknown),
                 layout::flags);
        }
    }

    void note_size()
    {
        if (footer_.minor >= 1 && std::ranges::find(usual_ftr_sizes, footer_.ftr_size) == usual_ftr_sizes.end()) {
            note("footer-unusual-size", Severity::note,
                 fmt::format("ftr_size {:#x} is none that AOSP wrote; the fields are read where AOSP has them",
                             footer_.ftr_size),
                 layout::ftr_size);
        }
    }

    [[nodiscard]] std::size_t key_at() const { return footer_.minor == 0 ? footer_.ftr_size : layout::master_key; }

    Result<> read_key()
    {
        SALVAGE_TRY(require_bytes(bytes_, key_at() + footer_.key_bytes, "master_key"));
        footer_.wrapped_key = copy(bytes_, key_at(), footer_.key_bytes);
        return {};
    }

    void read_persist_place()
    {
        if (!has(bytes_, layout::end_of_1_1)) {
            return;
        }
        footer_.persist_data_offset = {field<std::uint64_t>(bytes_, layout::persist_data_offset),
                                       field<std::uint64_t>(bytes_, layout::persist_data_offset + 8)};
        footer_.persist_data_size = field<std::uint32_t>(bytes_, layout::persist_data_size);
    }

    /// The usual place first.  With 32-byte keys there are two, because HTC and AOSP differ.
    [[nodiscard]] std::vector<std::size_t> salt_places() const
    {
        const auto behind_padding = key_at() + footer_.key_bytes + layout::salt_padding;
        const auto in_struct = footer_.minor == 0 ? key_at() + layout::master_key_bytes : layout::salt;
        const auto usual = footer_.minor == 0 ? behind_padding : in_struct;
        const auto other = footer_.minor == 0 ? in_struct : behind_padding;
        if (footer_.key_bytes != 32) {
            return {usual};
        }
        return {usual, other};
    }

    /// Whether the second place holds what AOSP has there: two offsets one persist_data_size apart, no salt.
    [[nodiscard]] bool has_persist_place() const
    {
        const auto [first, second] = footer_.persist_data_offset;
        return footer_.persist_data_size != 0 && first < second && second - first == footer_.persist_data_size;
    }

    Result<> read_salts()
    {
        const auto places = salt_places();
        SALVAGE_TRY(require_bytes(bytes_, places.front() + layout::salt_bytes, "salt"));
        for (const auto at : places) {
            const bool is_other_field = at == layout::persist_data_offset && footer_.minor >= 1 && has_persist_place();
            if (!has(bytes_, at + layout::salt_bytes) || is_other_field) {
                continue;
            }
            footer_.salts.push_back(copy(bytes_, at, layout::salt_bytes));
        }
        // Each salt costs a derivation a guess.  A salt is 16 bytes of /dev/urandom, never zeros.
        std::erase_if(footer_.salts, [](const Bytes& salt) { return is_all_zero(salt); });
        if (footer_.salts.empty()) {
            footer_.salts.emplace_back(layout::salt_bytes);
            note("footer-zero-salt", Severity::warning, "the salt is all zeros: the footer may be damaged or wiped",
                 places.front());
        }
        if (footer_.salts.size() > 1) {
            note("footer-two-salts", Severity::note,
                 fmt::format("the salt may be at {:#x} or, as HTC has it, at {:#x}: both are tried", places[0],
                             places[1]),
                 places[0]);
        }
        return {};
    }

    Result<> read_kdf()
    {
        SALVAGE_TRY(require_bytes(bytes_, layout::end_of_1_2, "p_factor"));
        footer_.kdf_raw = field<std::uint8_t>(bytes_, layout::kdf_type);
        footer_.scrypt = {.n_log2 = field<std::uint8_t>(bytes_, layout::n_factor),
                          .r_log2 = field<std::uint8_t>(bytes_, layout::r_factor),
                          .p_log2 = field<std::uint8_t>(bytes_, layout::p_factor)};
        if (footer_.kdf_raw >= 1 && footer_.kdf_raw <= 5) {
            footer_.kdf = static_cast<Kdf>(footer_.kdf_raw);
        } else {
            footer_.kdf = Kdf::pbkdf2;
            note("footer-unknown-kdf", Severity::warning,
                 fmt::format("kdf_type is {}, which Android does not define; its vold takes PBKDF2 then, and so do we",
                             footer_.kdf_raw),
                 layout::kdf_type);
        }
        return check_factors();
    }

    [[nodiscard]] Result<> check_factors() const
    {
        const std::array factors{footer_.scrypt.n_log2, footer_.scrypt.r_log2, footer_.scrypt.p_log2};
        for (std::size_t i = 0; i < factors.size(); ++i) {
            if (footer_.kdf != Kdf::pbkdf2 && factors.at(i) > layout::largest_factor) {
                const auto at = layout::n_factor + i;
                return malformed(ByteOffset{at}, "crypto footer has an impossible scrypt factor",
                                 fmt::format("2^{}, expected 2^{} at the most, at byte {:#x} of the footer",
                                             factors.at(i), layout::largest_factor, at));
            }
        }
        return {};
    }

    [[nodiscard]] bool needs_keymaster() const { return footer_.kdf_raw >= 3 && footer_.kdf != Kdf::pbkdf2; }

    Result<> read_version_3()
    {
        if (needs_keymaster()) {
            SALVAGE_TRY(require_bytes(bytes_, layout::scrypted_intermediate_key, "keymaster_blob"));
        }
        note_what_is_cut();
        read_crypt_type();
        if (has(bytes_, layout::hash_first_block)) {
            footer_.encrypted_upto = SectorCount{field<std::uint64_t>(bytes_, layout::encrypted_upto)};
        }
        footer_.hash_first_block = unless_zero(bytes_, layout::hash_first_block);
        footer_.scrypted_intermediate_key = unless_zero(bytes_, layout::scrypted_intermediate_key);
        read_keymaster_blob();
        check_own_hash();
        return {};
    }

    void note_what_is_cut()
    {
        struct Part {
            std::size_t end;
            std::string_view name;
        };
        constexpr std::array parts{Part{layout::hash_first_block, "encrypted_upto"},
                                   Part{layout::keymaster_blob, "hash_first_block"},
                                   Part{layout::scrypted_intermediate_key, "keymaster_blob"},
                                   Part{layout::sha256, "scrypted_intermediate_key"}};
        std::string missing;
        for (const auto& part : parts) {
            if (!has(bytes_, part.end)) {
                missing += fmt::format("{}{}", missing.empty() ? "" : ", ", part.name);
            }
        }
        const bool has_hash = footer_.ftr_size >= layout::sha256 + layout::sha256_bytes;
        if (has_hash && !has(bytes_, layout::sha256 + layout::sha256_bytes)) {
            missing += fmt::format("{}sha256", missing.empty() ? "" : ", ");
        }
        if (!missing.empty()) {
            note("footer-cut", Severity::warning,
                 fmt::format("the footer is cut at byte {:#x}; missing: {}", bytes_.size(), missing), bytes_.size());
        }
    }

    void read_crypt_type()
    {
        footer_.crypt_type_raw = field<std::uint32_t>(bytes_, layout::crypt_type);
        if (footer_.crypt_type_raw <= static_cast<std::uint32_t>(CryptType::pin)) {
            footer_.crypt_type = static_cast<CryptType>(footer_.crypt_type_raw);
            return;
        }
        note("footer-unknown-crypt-type", Severity::note,
             fmt::format("crypt_type is {}, expected 0 to 3; it only says what the phone asks for",
                         footer_.crypt_type_raw),
             layout::crypt_type);
    }

    void read_keymaster_blob()
    {
        if (!has(bytes_, layout::scrypted_intermediate_key)) {
            return;
        }
        const auto area = bytes_.subspan(layout::keymaster_blob, layout::keymaster_blob_bytes);
        auto size = field<std::uint32_t>(bytes_, layout::keymaster_blob_size);
        const bool is_lost = size == 0 && needs_keymaster() && !is_all_zero(area);
        if (size > area.size() || is_lost) {
            note("footer-keymaster-blob-size", Severity::warning,
                 fmt::format("keymaster_blob_size is {}, and the field has {} bytes: all of it is searched", size,
                             area.size()),
                 layout::keymaster_blob_size);
            size = static_cast<std::uint32_t>(area.size());
        }
        footer_.keymaster_blob = copy(area, 0, size);
        auto what = classify_keymaster_blob(footer_.keymaster_blob);
        footer_.keymaster = what.kind;
        std::ranges::move(what.findings, std::back_inserter(footer_.findings));
    }

    /// SHA-256 of the struct with this field zero.  Android 7 and later keep it on footers of every ftr_size.
    void check_own_hash()
    {
        const auto stored = unless_zero(bytes_, layout::sha256);
        if (!stored) {
            return;
        }
        Bytes whole(layout::end_of_1_3);
        std::ranges::copy(bytes_.first(std::min(bytes_.size(), whole.size())), whole.begin());
        std::ranges::fill(std::span{whole}.subspan(layout::sha256, layout::sha256_bytes), std::byte{0});
        const ByteView covered{whole};
        // 32-bit x86 has no tail padding.
        const bool agrees = crypto::sha256(covered) == *stored ||
                            crypto::sha256(covered.first(layout::sha256 + layout::sha256_bytes)) == *stored;
        const bool is_expected = footer_.ftr_size >= layout::sha256 + layout::sha256_bytes;
        if (agrees || is_expected) {
            footer_.is_sha256_valid = agrees;
        }
        if (!agrees) {
            note("footer-hash-mismatch", is_expected ? Severity::warning : Severity::note,
                 is_expected
                     ? "the footer's own SHA-256 does not agree with its bytes: some of them are damaged"
                     : "bytes where Android 7 keeps a SHA-256 do not agree with the footer; its ftr_size is of an "
                       "older Android, so they may be no hash",
                 layout::sha256);
        }
    }

    CryptoFooter footer_;
    ByteView bytes_;
};

} // namespace

Result<CryptoFooter> parse_aosp(FooterHead head, ByteView bytes)
{
    auto footer = SALVAGE_TRY(AospParser(std::move(head.footer), bytes).parse());
    if (footer.cipher == layout::qualcomm_hw_cipher) {
        footer.kind = FooterKind::qualcomm_hw;
    }
    return footer;
}

} // namespace salvage::fde
