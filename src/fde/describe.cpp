// The fields of a footer one by one, for hex views.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include <fmt/ranges.h>

#include "fde/footer_layout.hpp"
#include "fde/footer_parts.hpp"
#include "salvage/core/text.hpp"
#include "salvage/fde/footer.hpp"
#include "salvage/fde/keymaster_blob.hpp"

namespace salvage::fde {
namespace {

constexpr std::string_view aosp = "AOSP system/vold, cryptfs.h, struct crypt_mnt_ftr";
constexpr std::string_view aosp_ics = "AOSP system/vold of Android 4.0, cryptfs.c, get_crypt_ftr_and_key";
constexpr std::string_view samsung = "TWRP libcrypt_samsung, edk_payload_t";
constexpr std::string_view unknown_source = "unknown";

/// How a field's bytes are shown.
enum class Shown : std::uint8_t { number, hex_number, bytes, text, nowhere };

struct FlagName {
    std::uint32_t bit;
    std::string_view name;
};
constexpr std::array flag_names{FlagName{footer_flag::key_unencrypted, "KEY_UNENCRYPTED"},
                                FlagName{footer_flag::encryption_in_progress, "ENCRYPTION_IN_PROGRESS"},
                                FlagName{footer_flag::inconsistent_state, "INCONSISTENT_STATE"},
                                FlagName{footer_flag::data_corrupt, "DATA_CORRUPT"},
                                FlagName{footer_flag::force_encryption, "FORCE_ENCRYPTION"},
                                FlagName{footer_flag::force_complete, "FORCE_COMPLETE"},
                                FlagName{0x1000, "ASCII_PASSWORD_UPDATED"}};

std::string names_of_flags(std::uint32_t flags)
{
    std::vector<std::string> names;
    for (const auto& flag : flag_names) {
        if ((flags & flag.bit) != 0) {
            names.emplace_back(flag.name);
            flags &= ~flag.bit;
        }
    }
    if (flags != 0) {
        names.push_back(fmt::format("unknown {:#x}", flags));
    }
    return names.empty() ? "none set" : fmt::format("{}", fmt::join(names, ", "));
}

std::string words_of_sectors(std::uint64_t sectors)
{
    const auto bytes = to_bytes(SectorCount{sectors}, sector_512());
    return bytes ? fmt::format("512-byte sectors: {}", format_size_exact(*bytes)) : "more than any disk has";
}

/// Collects fields in the order they are added, and sorts them at the end.
class Description {
public:
    Description(ByteView bytes, const CryptoFooter& footer) : bytes_{bytes}, footer_{&footer} {}

    /// Fields that the bytes do not hold whole are left out: the footer is cut there.
    void add(std::string_view name, std::size_t at, std::size_t size, Shown shown, std::string meaning,
             std::string_view spec)
    {
        if (size == 0 || bytes_.size() < at + size) {
            return;
        }
        fields_.push_back({.name = std::string{name},
                           .range = ByteRange::between(ByteOffset{at}, ByteOffset{at + size}),
                           .value = value(bytes_.subspan(at, size), shown),
                           .meaning = std::move(meaning),
                           .spec = std::string{spec}});
    }

    void add_head()
    {
        const auto& footer = *footer_;
        add("magic", layout::magic, 4, Shown::hex_number,
            load_le<std::uint32_t>(bytes_) == layout::aosp_magic ? "crypto footer" : "crypto footer, Samsung", aosp);
        add("major_version", layout::major_version, 2, Shown::number, "", aosp);
        add("minor_version", layout::minor_version, 2, Shown::number, version_meaning(), aosp);
        add("ftr_size", layout::ftr_size, 4, Shown::hex_number,
            "size of the struct when it was first written; upgrades do not change it", aosp);
        add("flags", layout::flags, 4, Shown::hex_number, names_of_flags(footer.flags), aosp);
        add("keysize", layout::keysize, 4, Shown::number, "bytes of the master key", aosp);
        const bool has_type = footer.minor >= 3;
        add(has_type ? "crypt_type" : "spare1", layout::crypt_type, 4, Shown::number,
            has_type && footer.crypt_type ? fmt::format("the phone asks for: {}", to_string(*footer.crypt_type)) : "",
            aosp);
        add("fs_size", layout::fs_size, 8, Shown::hex_number, words_of_sectors(footer.fs_size.value), aosp);
        add("failed_decrypt_count", layout::failed_decrypt_count, 4, Shown::number,
            "wrong secrets since the last right one", aosp);
        add("crypto_type_name", layout::crypto_type_name, layout::crypto_type_name_bytes, Shown::text,
            "dm-crypt cipher of userdata", aosp);
    }

    void add_edk()
    {
        const auto at = find_edk_payload(bytes_).value_or(layout::edk_payload);
        add("edk_magic", at, 4, Shown::hex_number, "Samsung's wrapped key begins", samsung);
        add("edk_version", at + 4, 4, Shown::number, "", samsung);
        add("edk_reserved", at + 8, layout::edk_key - 8, Shown::bytes, "", samsung);
        add("edk", at + layout::edk_key, layout::edk_key_bytes, Shown::bytes, "data key, wrapped by the secret",
            samsung);
        add("edk_hmac", at + layout::edk_hmac, layout::edk_hmac_bytes, Shown::bytes,
            "HMAC-SHA256 of the EDK: tells a right secret from a wrong one", samsung);
        add("edk_salt", at + layout::edk_salt, layout::salt_bytes, Shown::bytes, "salt of PBKDF2-HMAC-SHA256", samsung);
    }

    void add_first_version()
    {
        const std::size_t key_at = footer_->ftr_size;
        add_key(key_at, footer_->key_bytes, aosp_ics);
        add("salt", key_at + footer_->key_bytes + layout::salt_padding, layout::salt_bytes, Shown::bytes,
            "salt of PBKDF2-HMAC-SHA1", aosp_ics);
    }

    void add_later_versions()
    {
        add_key(layout::master_key, footer_->key_bytes, aosp);
        add("salt", layout::salt, layout::salt_bytes, Shown::bytes, "salt of the key derivation", aosp);
        add("persist_data_offset[0]", layout::persist_data_offset, 8, Shown::hex_number,
            "absolute place of the properties kept beside the footer; the footer itself is 0x1000 before it", aosp);
        add("persist_data_offset[1]", layout::persist_data_offset + 8, 8, Shown::hex_number,
            "the other copy; one of the two is valid", aosp);
        add("persist_data_size", layout::persist_data_size, 4, Shown::hex_number, "", aosp);
        if (footer_->minor >= 2) {
            add_kdf();
        }
        if (footer_->minor >= 3) {
            add_version_3();
        }
    }

    void add_ode()
    {
        const auto end = std::min<std::size_t>(footer_->ftr_size, bytes_.size());
        if (end > layout::head_bytes) {
            add("unknown", layout::head_bytes, end - layout::head_bytes, Shown::bytes,
                "Samsung's on-device encryption; the layout is not publicly known", unknown_source);
        }
    }

    std::vector<FooterField> finish() &&
    {
        std::ranges::sort(fields_, {}, [](const FooterField& field) { return field.range.start(); });
        return std::move(fields_);
    }

private:
    static std::string value(ByteView bytes, Shown shown)
    {
        constexpr std::size_t most_shown = 48;
        if (shown == Shown::nowhere) {
            return "not shown";
        }
        if (shown == Shown::text) {
            const auto text = as_text(bytes);
            return printable(text.substr(0, text.find('\0')));
        }
        if (shown == Shown::bytes) {
            const auto part = bytes.first(std::min(bytes.size(), most_shown));
            return to_hex(part) + (part.size() < bytes.size() ? "…" : "");
        }
        std::uint64_t number = 0;
        for (std::size_t i = bytes.size(); i-- > 0;) {
            number = (number << 8U) | std::to_integer<std::uint64_t>(bytes[i]);
        }
        return shown == Shown::number ? fmt::format("{}", number) : fmt::format("{:#x}", number);
    }

    [[nodiscard]] std::string version_meaning() const
    {
        if (footer_->kind == FooterKind::samsung_edk) {
            return "Samsung, Android 3 to 4.4";
        }
        constexpr std::array names{"Android 3.0 to 4.3", "between Android 4.3 and 4.4", "Android 4.4",
                                   "Android 5.0 and later"};
        return names.at(footer_->minor);
    }

    void add_key(std::size_t at, std::size_t size, std::string_view spec)
    {
        const bool is_clear = (footer_->flags & footer_flag::key_unencrypted) != 0;
        add("master_key", at, size, is_clear ? Shown::nowhere : Shown::bytes,
            is_clear ? "the key of userdata, in the clear" : "the key of userdata, wrapped by the secret", spec);
    }

    void add_kdf()
    {
        const bool is_known = footer_->kdf_raw == static_cast<std::uint8_t>(footer_->kdf);
        add("kdf_type", layout::kdf_type, 1, Shown::number,
            is_known ? std::string{to_string(footer_->kdf)} : "unknown to Android; its vold takes PBKDF2 then", aosp);
        const auto power = [](std::string_view name, unsigned log2) { return fmt::format("{} = 2^{}", name, log2); };
        add("N_factor", layout::n_factor, 1, Shown::number, power("scrypt N", footer_->scrypt.n_log2), aosp);
        add("r_factor", layout::r_factor, 1, Shown::number, power("scrypt r", footer_->scrypt.r_log2), aosp);
        add("p_factor", layout::p_factor, 1, Shown::number, power("scrypt p", footer_->scrypt.p_log2), aosp);
    }

    void add_version_3()
    {
        add("encrypted_upto", layout::encrypted_upto, 8, Shown::hex_number, upto_meaning(), aosp);
        add("hash_first_block", layout::hash_first_block, 32, Shown::bytes,
            footer_->hash_first_block ? "SHA-256 of the first 4096 bytes of userdata, deciphered" : "not set", aosp);
        add("keymaster_blob", layout::keymaster_blob, layout::keymaster_blob_bytes, Shown::bytes,
            classify_keymaster_blob(footer_->keymaster_blob).text, aosp);
        add("keymaster_blob_size", layout::keymaster_blob_size, 4, Shown::hex_number, "", aosp);
        add("scrypted_intermediate_key", layout::scrypted_intermediate_key, 32, Shown::bytes,
            footer_->scrypted_intermediate_key ? "check value: tells a right secret from a wrong one"
                                               : "not set: the footer is of an older Android and was upgraded",
            aosp);
        if (footer_->is_sha256_valid) {
            add("sha256", layout::sha256, layout::sha256_bytes, Shown::bytes,
                *footer_->is_sha256_valid ? "agrees with the footer" : "does not agree with the footer",
                "AOSP system/vold of Android 7, cryptfs.h");
        }
    }

    [[nodiscard]] std::string upto_meaning() const
    {
        const auto upto = footer_->encrypted_upto.value_or(SectorCount{});
        if (upto == footer_->fs_size) {
            return "all of userdata is encrypted";
        }
        return fmt::format("last encrypted sector, {}", words_of_sectors(upto.value));
    }

    ByteView bytes_;
    const CryptoFooter* footer_;
    std::vector<FooterField> fields_;
};

} // namespace

Result<std::vector<FooterField>> describe_footer(ByteView bytes)
{
    const auto whole = bytes.first(std::min<std::size_t>(bytes.size(), footer_area.value));
    const auto footer = SALVAGE_TRY(parse_footer(whole));
    Description out{whole, footer};
    out.add_head();
    if (footer.kind == FooterKind::samsung_edk) {
        out.add_edk();
    } else if (footer.kind == FooterKind::samsung_ode) {
        out.add_ode();
    } else if (footer.minor == 0) {
        out.add_first_version();
    } else {
        out.add_later_versions();
    }
    return std::move(out).finish();
}

} // namespace salvage::fde
