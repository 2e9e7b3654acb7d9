// Partition names in their old and new spellings, and what each is for.
#include "names.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "salvage/partition/layout.hpp"

namespace salvage::partition {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// Sorted by the old spelling.  Source: scatter files of the MT6572 to MT6592 beside those of the MT6735 and later.
constexpr std::array aliases{
    Pair{"android", "system"},     Pair{"bootimg", "boot"},       Pair{"pro_info", "proinfo"},
    Pair{"protect_f", "protect1"}, Pair{"protect_s", "protect2"}, Pair{"recoveryimg", "recovery"},
    Pair{"sec_ro", "secro"},       Pair{"uboot", "lk"},           Pair{"usrdata", "userdata"},
};
static_assert(std::ranges::is_sorted(aliases));

struct NameRole {
    std::string_view name;
    Role role;
};

// Sorted by name.  A trailing "*" stands for any ending.  Source: what MediaTek and Qualcomm phones keep in them.
constexpr std::array roles{
    NameRole{"aboot", Role::boot_chain},
    NameRole{"bk1", Role::keys_and_footers}, // Xiaomi keeps the crypto footer here
    NameRole{"bmtpool", Role::reserved},
    NameRole{"boot", Role::boot_chain},
    NameRole{"boot_para", Role::boot_chain},
    NameRole{"cache", Role::system},
    NameRole{"custom", Role::system},
    NameRole{"dkb", Role::keys_and_footers},
    NameRole{"dsp_bl", Role::boot_chain},
    NameRole{"dtbo", Role::boot_chain},
    NameRole{"ebr*", Role::boot_chain},
    NameRole{"efs", Role::radio_calibration},
    NameRole{"efuse", Role::boot_chain},
    NameRole{"encrypt", Role::keys_and_footers}, // LG MediaTek: the crypto footer
    NameRole{"expdb", Role::reserved},
    NameRole{"extra", Role::keys_and_footers}, // HTC: the crypto footer
    NameRole{"fat", Role::user_data},
    NameRole{"flashinfo", Role::reserved},
    NameRole{"frp", Role::keys_and_footers},
    NameRole{"fsc", Role::radio_calibration},
    NameRole{"fsg", Role::radio_calibration},
    NameRole{"gz1", Role::boot_chain},
    NameRole{"gz2", Role::boot_chain},
    NameRole{"init_boot", Role::boot_chain},
    NameRole{"intsd", Role::user_data},
    NameRole{"kb", Role::keys_and_footers},
    NameRole{"keymaster*", Role::keys_and_footers},
    NameRole{"keystore", Role::keys_and_footers},
    NameRole{"lk*", Role::boot_chain},
    NameRole{"logo", Role::boot_chain},
    NameRole{"mbr", Role::boot_chain},
    NameRole{"md*", Role::radio_calibration},
    NameRole{"metadata", Role::keys_and_footers},
    NameRole{"misc", Role::boot_chain},
    NameRole{"modem*", Role::radio_calibration},
    NameRole{"nvcfg", Role::radio_calibration},
    NameRole{"nvdata", Role::radio_calibration},
    NameRole{"nvram", Role::radio_calibration},
    NameRole{"odm", Role::system},
    NameRole{"oem", Role::system},
    NameRole{"oemkeystore", Role::keys_and_footers},
    NameRole{"otp", Role::reserved},
    NameRole{"para", Role::boot_chain},
    NameRole{"persist*", Role::radio_calibration},
    NameRole{"pgpt", Role::boot_chain},
    NameRole{"pmt", Role::boot_chain},
    NameRole{"preloader*", Role::boot_chain},
    NameRole{"product", Role::system},
    NameRole{"proinfo", Role::radio_calibration},
    NameRole{"protect1", Role::radio_calibration},
    NameRole{"protect2", Role::radio_calibration},
    NameRole{"recovery", Role::boot_chain},
    NameRole{"scp*", Role::boot_chain},
    NameRole{"sec1", Role::keys_and_footers},
    NameRole{"seccfg", Role::keys_and_footers},
    NameRole{"secro", Role::keys_and_footers},
    NameRole{"sgpt", Role::boot_chain},
    NameRole{"spmfw", Role::boot_chain},
    NameRole{"sspm*", Role::boot_chain},
    NameRole{"super", Role::system},
    NameRole{"system*", Role::system},
    NameRole{"tee*", Role::boot_chain},
    NameRole{"userdata", Role::user_data},
    NameRole{"vbmeta*", Role::boot_chain},
    NameRole{"vendor*", Role::system},
};

bool matches(const NameRole& entry, std::string_view name) noexcept
{
    return entry.name.ends_with('*') ? name.starts_with(entry.name.substr(0, entry.name.size() - 1))
                                     : name == entry.name;
}

std::string_view without_prefix(std::string_view name, std::string_view prefix) noexcept
{
    return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

} // namespace

std::string lowered(std::string_view text)
{
    std::string out{text};
    std::ranges::transform(out, out.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

std::string canonical_name(std::string_view name)
{
    const auto lower = lowered(name);
    // "not downloadable" and "reserved" marks of scatter files older than V1.1.1.
    const auto bare = without_prefix(without_prefix(lower, "__nodl_"), "rsv_");
    const auto* const found = std::ranges::lower_bound(aliases, bare, {}, &Pair::first);
    return std::string{found != aliases.end() && found->first == bare ? found->second : bare};
}

bool is_same_partition(std::string_view left, std::string_view right)
{
    return canonical_name(left) == canonical_name(right);
}

std::string_view to_string(Role role) noexcept
{
    switch (role) {
    case Role::boot_chain: return "boot chain";
    case Role::system: return "system";
    case Role::user_data: return "user data";
    case Role::keys_and_footers: return "keys and footers";
    case Role::radio_calibration: return "radio and calibration";
    case Role::reserved: return "reserved";
    case Role::unknown: break;
    }
    return "unknown";
}

Role role_of(std::string_view name) noexcept
{
    const auto canonical = canonical_name(name);
    const std::string_view whole{canonical};
    const bool has_slot = whole.ends_with("_a") || whole.ends_with("_b");
    const auto bare = has_slot ? whole.substr(0, whole.size() - 2) : whole;
    const auto* const found = std::ranges::find_if(roles, [&](const NameRole& entry) { return matches(entry, bare); });
    return found != roles.end() ? found->role : Role::unknown;
}

} // namespace salvage::partition
