// Answers of a simulated XFlash agent.  Layouts: docs/formats/xflash.md.
#include "device/phone/xflash_answers.hpp"

#include <array>
#include <initializer_list>
#include <string_view>

#include "device/mediatek/xflash_words.hpp"

namespace salvage::device::phone {
namespace {

using xflash::Control;

constexpr std::size_t cid_bytes = 16;
constexpr std::uint32_t partition_table_gpt = 0x64;

template <std::unsigned_integral T>
void put(Bytes& out, T value)
{
    std::array<std::byte, sizeof(T)> bytes{};
    store_le<T>(bytes, value);
    out.insert(out.end(), bytes.begin(), bytes.end());
}

Bytes words(std::initializer_list<std::uint32_t> values)
{
    Bytes out;
    for (const auto value : values) {
        put(out, value);
    }
    return out;
}

Bytes text(std::string_view value)
{
    const auto bytes = as_bytes(value);
    return {bytes.begin(), bytes.end()};
}

void put_sizes(Bytes& out, const StorageInfo& info, std::initializer_list<std::string_view> names)
{
    for (const auto name : names) {
        const auto* const region = info.find(name);
        put(out, region == nullptr ? std::uint64_t{0} : region->size.value);
    }
}

void put_cid(Bytes& out, const StorageInfo& info)
{
    Bytes cid = info.cid;
    cid.resize(cid_bytes);
    out.insert(out.end(), cid.begin(), cid.end());
}

Bytes emmc_info(const StorageInfo& info)
{
    if (info.kind != StorageKind::emmc) {
        return Bytes(xflash::emmc_info_bytes);
    }
    auto out = words({1, static_cast<std::uint32_t>(info.block.value)});
    put_sizes(out, info, {"boot1", "boot2", "rpmb", "gp1", "gp2", "gp3", "gp4", "user"});
    put_cid(out, info);
    put(out, info.firmware_version);
    return out;
}

Bytes ufs_info(const StorageInfo& info)
{
    constexpr std::size_t total_bytes = 32 + 42;
    if (info.kind != StorageKind::ufs) {
        return Bytes(total_bytes);
    }
    auto out = words({1, static_cast<std::uint32_t>(info.block.value)});
    put_sizes(out, info, {"lu2", "lu1", "lu0"});
    put_cid(out, info);
    out.resize(total_bytes);
    return out;
}

Bytes ram_info(const StorageInfo& info)
{
    // kind, base, size: SRAM, then DRAM
    Bytes out;
    put(out, std::uint64_t{1});
    put(out, std::uint64_t{0x100000});
    put(out, info.sram.value);
    put(out, std::uint64_t{2});
    put(out, std::uint64_t{0x40000000});
    put(out, info.dram.value);
    return out;
}

Bytes chip_id(std::uint16_t hw_code)
{
    Bytes out;
    for (const auto value :
         {hw_code, std::uint16_t{0x8A00}, std::uint16_t{0xCA01}, std::uint16_t{0}, std::uint16_t{0}}) {
        put(out, value);
    }
    return out;
}

} // namespace

std::optional<Bytes> xflash_answer(std::uint32_t control, const MediatekPhoneOptions& options, const StorageInfo& info)
{
    switch (static_cast<Control>(control)) {
    case Control::get_emmc_info: return emmc_info(info);
    case Control::get_nand_info: return Bytes(61);
    case Control::get_nor_info: return Bytes(16);
    case Control::get_ufs_info: return ufs_info(info);
    case Control::get_da_version: return text("salvage simulated agent");
    case Control::get_packet_length: return words({options.read_packet_bytes, options.read_packet_bytes});
    case Control::get_random_id: return Bytes(16);
    case Control::get_partition_table_kind: return words({partition_table_gpt});
    case Control::get_connection_agent: return text(options.is_brom ? "brom" : "preloader");
    case Control::get_usb_speed: return text("high-speed");
    case Control::get_ram_info: return ram_info(info);
    case Control::get_chip_id: return chip_id(options.hw_code);
    case Control::get_expire_date: return text("2099-12-31");
    case Control::get_sla_enabled: return words({0});
    default: return std::nullopt;
    }
}

} // namespace salvage::device::phone
