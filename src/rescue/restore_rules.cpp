// Partitions that a restore leaves alone.
#include "rescue/restore_rules.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace salvage::rescue {
namespace {

using enum WriteRule::Kind;

constexpr std::string_view bricks = "part of the boot chain: one that does not fit this phone leaves it dead";
constexpr std::string_view table = "the partition table: the phone's own may have other sizes, and all else would move";
constexpr std::string_view radio = "serial numbers, IMEI and calibration of one radio";
constexpr std::string_view boot_message =
    "an order to the bootloader: an old one may start a factory reset, which wipes userdata";

constexpr std::string_view protected_by_tool = "MediaTek scatter files: operation_type PROTECTED or BINREGION";
constexpr std::string_view reserved_by_tool = "MediaTek scatter files: operation_type RESERVED";
constexpr std::string_view boot_loaders = "MediaTek scatter files: operation_type BOOTLOADERS";
constexpr std::string_view lk = "MediaTek LK: lk/app/mt_boot";
constexpr std::string_view message = "AOSP bootable/recovery: bootloader_message.h";
constexpr std::string_view qualcomm = "Qualcomm modem: EFS in fsg, fsc, modemst1, modemst2";

// Sorted by name.  Old and new spellings stand side by side.
constexpr std::array rules{
    WriteRule{"bmtpool", unless_asked, "the list of this flash's own bad blocks", reserved_by_tool},
    WriteRule{"boot_para", unless_asked, boot_message, message},
    WriteRule{"dkb", unless_asked, "keys that the maker put into one phone", lk},
    WriteRule{"ebr*", unless_asked, table, "MediaTek ptgen"},
    WriteRule{"efs", never, radio, "Samsung: /efs"},
    WriteRule{"efuse", never, "settings that are burnt into the chip once", lk},
    WriteRule{"flashinfo", unless_asked, "what the flash tool knows of this flash", reserved_by_tool},
    WriteRule{"frp", never, "the account lock and the switch that allows unlocking",
              "AOSP PersistentDataBlockService; MediaTek LK sec_unlock.c"},
    WriteRule{"fsc", never, radio, qualcomm},
    WriteRule{"fsg", never, radio, qualcomm},
    WriteRule{"gz*", unless_asked, bricks, boot_loaders},
    WriteRule{"kb", unless_asked, "keys that the maker put into one phone", lk},
    WriteRule{"lk*", unless_asked, bricks, boot_loaders},
    WriteRule{"mbr", unless_asked, table, "MediaTek ptgen"},
    WriteRule{"misc", unless_asked, boot_message, message},
    WriteRule{"modemst*", never, radio, qualcomm},
    WriteRule{"nvcfg", never, radio, protected_by_tool},
    WriteRule{"nvdata", never, radio, "MediaTek: the working copy of nvram"},
    WriteRule{"nvram", never, radio, protected_by_tool},
    WriteRule{"otp", unless_asked, "memory that is written once", reserved_by_tool},
    WriteRule{"para", unless_asked, boot_message, message},
    WriteRule{"persist*", unless_asked, "sensor calibration and keys of one phone", protected_by_tool},
    WriteRule{"pgpt", unless_asked, table, "UEFI 2.10, 5.3"},
    WriteRule{"pmt", unless_asked, table, "MediaTek LK: pmt"},
    WriteRule{"preloader*", never, bricks, boot_loaders},
    WriteRule{"pro_info", never, radio, protected_by_tool},
    WriteRule{"proinfo", never, radio, protected_by_tool},
    WriteRule{"protect1", never, radio, protected_by_tool},
    WriteRule{"protect2", never, radio, protected_by_tool},
    WriteRule{"protect_f", never, radio, protected_by_tool},
    WriteRule{"protect_s", never, radio, protected_by_tool},
    WriteRule{"rpmb", never, "memory that takes signed writes of the chip only", "JEDEC JESD84-B51, 6.6.22"},
    WriteRule{"scp*", unless_asked, bricks, boot_loaders},
    WriteRule{"seccfg", never, "the lock state of the bootloader", "MediaTek LK sec_unlock.c"},
    WriteRule{"sgpt", unless_asked, table, "UEFI 2.10, 5.3"},
    WriteRule{"spmfw", unless_asked, bricks, boot_loaders},
    WriteRule{"sspm*", unless_asked, bricks, boot_loaders},
    WriteRule{"tee*", unless_asked, bricks, boot_loaders},
    WriteRule{"uboot", unless_asked, bricks, boot_loaders},
};
static_assert(std::ranges::is_sorted(rules, {}, &WriteRule::name));

// Sorted.  What is no part of the user area.
constexpr std::array region_rules{
    WriteRule{"boot1", never, bricks, boot_loaders},
    WriteRule{"boot2", never, bricks, boot_loaders},
    WriteRule{"lu0", never, bricks, "MediaTek scatter files: UFS_LU0_LU1 holds the preloader"},
    WriteRule{"lu1", never, bricks, "MediaTek scatter files: UFS_LU0_LU1 holds the preloader"},
    WriteRule{"rpmb", never, "memory that takes signed writes of the chip only", "JEDEC JESD84-B51, 6.6.22"},
};
static_assert(std::ranges::is_sorted(region_rules, {}, &WriteRule::name));

// Sorted by the old spelling.  Source: scatter files of the MT6572 to MT6592 beside those of the MT6735 and later.
using Spelling = std::pair<std::string_view, std::string_view>;
constexpr std::array spellings{
    Spelling{"android", "system"},     Spelling{"bootimg", "boot"},       Spelling{"pro_info", "proinfo"},
    Spelling{"protect_f", "protect1"}, Spelling{"protect_s", "protect2"}, Spelling{"recoveryimg", "recovery"},
    Spelling{"sec_ro", "secro"},       Spelling{"uboot", "lk"},           Spelling{"usrdata", "userdata"},
};
static_assert(std::ranges::is_sorted(spellings));

bool matches(const WriteRule& rule, std::string_view name) noexcept
{
    return rule.name.ends_with('*') ? name.starts_with(rule.name.substr(0, rule.name.size() - 1)) : name == rule.name;
}

char to_lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text)
{
    std::string out{text};
    std::ranges::transform(out, out.begin(), to_lower);
    return out;
}

} // namespace

std::string plain_name(std::string_view name)
{
    const auto lowered = lower(name);
    std::string_view rest{lowered};
    for (const std::string_view mark : {"__nodl_", "rsv_"}) {
        rest = rest.starts_with(mark) ? rest.substr(mark.size()) : rest;
    }
    return std::string{rest};
}

std::string_view without_slot(std::string_view name) noexcept
{
    const bool has_slot = name.ends_with("_a") || name.ends_with("_b") || name.ends_with("_A") || name.ends_with("_B");
    return has_slot ? name.substr(0, name.size() - 2) : name;
}

const WriteRule* write_rule_of(std::string_view name)
{
    const auto plain = plain_name(name);
    const auto* const found = std::ranges::find_if(
        rules, [&](const WriteRule& rule) { return matches(rule, plain) || matches(rule, without_slot(plain)); });
    return found != rules.end() ? found : nullptr;
}

const WriteRule* write_rule_of_region(std::string_view region)
{
    const auto* const found = std::ranges::lower_bound(region_rules, region, {}, &WriteRule::name);
    return found != region_rules.end() && found->name == region ? found : nullptr;
}

const WriteRule* write_rule_of(std::string_view name, std::string_view region)
{
    const auto* const by_region = write_rule_of_region(region);
    return by_region != nullptr ? by_region : write_rule_of(name);
}

bool is_same_name(std::string_view left, std::string_view right)
{
    const auto modern = [](std::string_view name) {
        const auto plain = plain_name(name);
        const auto* const found = std::ranges::lower_bound(spellings, plain, {}, &Spelling::first);
        return found != spellings.end() && found->first == plain ? std::string{found->second} : plain;
    };
    return modern(left) == modern(right);
}

} // namespace salvage::rescue
