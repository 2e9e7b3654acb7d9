// Scatter and fstab texts as MediaTek's build writes them.
#include "sample_phone_table.hpp"

#include <string>

#include <fmt/format.h>

namespace salvage::rescue::sample {
namespace {

using Era = SamplePhoneSpec::Era;

constexpr std::uint64_t boot_region_bytes = 0xC00000; ///< MT6582 counts it in linear addresses
constexpr std::uint64_t placeholder_userdata = 0xC0000000;
constexpr std::uint64_t shift = 0x100000;

constexpr std::string_view banner{
    "####################################################################################################\n"};

struct Block {
    std::string_view name;
    std::string_view file;
    std::string_view type;
    std::string linear;
    std::string physical;
    std::uint64_t size;
    std::string_view region;
    bool is_reserved;
    std::string_view operation;
};

bool is_downloaded(const Block& block)
{
    return block.file != "NONE";
}

std::string write_block(std::size_t index, const Block& block, Era era)
{
    auto out =
        fmt::format("- partition_index: SYS{}\n  partition_name: {}\n  file_name: {}\n  is_download: {}\n  type: {}\n"
                    "  linear_start_addr: {}\n  physical_start_addr: {}\n  partition_size: {:#x}\n  region: {}\n"
                    "  storage: HW_STORAGE_EMMC\n  boundary_check: {}\n  is_reserved: {}\n  operation_type: {}\n",
                    index, block.name, block.file, is_downloaded(block), block.type, block.linear, block.physical,
                    block.size, block.region, !block.is_reserved, block.is_reserved, block.operation);
    if (era == Era::gpt) {
        out += fmt::format("  is_upgradable: {}\n  empty_boot_needed: false\n", is_downloaded(block));
    }
    out += "  reserve: 0x00\n\n";
    return out;
}

/// 0xFFFFxxxx: how many 128 KiB blocks before the end of the flash a reserved partition begins.
std::string address_from_end(const Plan& plan, const Slot& slot)
{
    return fmt::format("0xFFFF{:04x}", (plan.device_size - slot.start) / 0x20000);
}

std::string addresses_text(const Plan& plan, const Slot& slot, std::uint64_t base)
{
    return slot.is_reserved ? address_from_end(plan, slot) : fmt::format("{:#x}", slot.start + base);
}

} // namespace

std::string_view scatter_file_name(Era era)
{
    return era == Era::gpt ? "MT6750_Android_scatter.txt" : "MT6582_Android_scatter.txt";
}

std::string_view fstab_file_name(Era era)
{
    return era == Era::gpt ? "fstab.mt6755" : "fstab.mt6582";
}

std::string make_scatter(const Plan& plan, const SamplePhoneSpec& spec)
{
    const bool is_gpt = spec.era == Era::gpt;
    auto out = fmt::format(
        "{0}#\n#  General Setting\n#\n{0}- general: MTK_PLATFORM_CFG\n  info:\n    - config_version: {1}\n"
        "      platform: {2}\n      project: salvage_sample\n      storage: EMMC\n      boot_channel: MSDC_0\n"
        "      block_size: 0x20000\n{0}#\n#  Layout Setting\n#\n{0}",
        banner, is_gpt ? "V1.1.2" : "V1.1.1", is_gpt ? "MT6750" : "MT6582");
    const std::uint64_t linear_base = is_gpt ? 0 : boot_region_bytes;
    out += write_block(0,
                       {.name = is_gpt ? "preloader" : "PRELOADER",
                        .file = "preloader_salvage_sample.bin",
                        .type = "SV5_BL_BIN",
                        .linear = "0x0",
                        .physical = "0x0",
                        .size = is_gpt ? 0x40000 : boot_region_bytes,
                        .region = "EMMC_BOOT_1",
                        .is_reserved = false,
                        .operation = "BOOTLOADERS"},
                       spec.era);
    std::size_t index = 1;
    for (auto slot : plan.slots) {
        if (spec.damage.is_scatter_shifted && slot.name == names_of(spec.era).cache) {
            slot.start -= shift;
        }
        const bool is_userdata = slot.name == names_of(spec.era).userdata;
        out += write_block(index++,
                           {.name = slot.name,
                            .file = slot.file,
                            .type = slot.type,
                            .linear = addresses_text(plan, slot, linear_base),
                            .physical = addresses_text(plan, slot, 0),
                            .size = is_userdata ? placeholder_userdata : slot.size,
                            .region = "EMMC_USER",
                            .is_reserved = slot.is_reserved,
                            .operation = slot.operation},
                           spec.era);
    }
    return out;
}

std::string make_fstab(const SamplePhoneSpec& spec)
{
    const bool is_gpt = spec.era == Era::gpt;
    const auto device = [&](std::string_view gpt_name, std::string_view mbr_name) {
        return is_gpt ? fmt::format("/dev/block/platform/mtk-msdc.0/11230000.msdc0/by-name/{}", gpt_name)
                      : fmt::format("/emmc@{}", mbr_name);
    };
    const bool is_tail = spec.footer.place == SampleFooter::Place::userdata_tail;
    const auto place = is_tail ? std::string{"footer"} : device("metadata", "metadata");
    const auto encryption = spec.content.state == SampleContent::State::file_based_encryption
                                ? std::string{"fileencryption=software"}
                                : fmt::format("{}={}", is_gpt ? "forceencrypt" : "encryptable", place);
    auto out =
        std::string{"# Android fstab file.\n#<src>  <mnt_point>  <type>  <mnt_flags and options>  <fs_mgr_flags>\n"};
    out += fmt::format("{} /system ext4 ro wait\n", device("system", "android"));
    const bool is_f2fs = spec.content.volume == SampleContent::Volume::f2fs;
    out += fmt::format("{} /data {} noatime,nosuid,nodev,{}discard wait,check,{}{}\n", device("userdata", "usrdata"),
                       is_f2fs ? "f2fs" : "ext4", is_f2fs ? "" : "noauto_da_alloc,", is_tail ? "length=-16384," : "",
                       encryption);
    out += fmt::format("{} /cache ext4 noatime,nosuid,nodev,noauto_da_alloc,discard wait,check\n",
                       device("cache", "cache"));
    out += fmt::format("{} /protect_f ext4 noatime,nosuid,nodev wait,check\n", device("protect1", "protect_f"));
    out += "/devices/mtk-msdc.0/11240000.msdc1* auto vfat defaults voldmanaged=sdcard1:auto,encryptable=userdata\n";
    return out;
}

} // namespace salvage::rescue::sample
