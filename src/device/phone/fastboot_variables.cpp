// What the simulated bootloader says of itself, in the manner of MediaTek's LK.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "fastboot_phone.hpp"

namespace salvage::device {
namespace {

constexpr std::uint64_t partition_size_cap = 800ULL << 20U;

std::string size_of(const FastbootPhone& phone, const PhonePartition& partition)
{
    auto size = partition.range.size().value;
    if (phone.options().has_capped_partition_size && partition.name == "userdata") {
        size = std::min(size, partition_size_cap);
    }
    return fmt::format("{:x}", size); // without 0x
}

std::string type_of(const PhonePartition& partition)
{
    constexpr std::array<std::string_view, 3> filesystems = {"system", "userdata", "cache"};
    return std::ranges::find(filesystems, partition.name) == filesystems.end() ? "raw data" : "ext4";
}

std::optional<std::string> own_variable(const FastbootPhone& phone, std::string_view name)
{
    if (name == "version") {
        return "0.5";
    }
    if (name == "product") {
        return phone.options().product;
    }
    if (name == "max-download-size") {
        return fmt::format("0x{:x}", phone.options().max_download.value);
    }
    if (name == "unlocked") {
        return phone.is_unlocked() ? "yes" : "no";
    }
    if (name == "secure") {
        return "yes";
    }
    if (name == "battery-soc-ok") {
        return phone.options().is_battery_low ? "no" : "yes";
    }
    if (name == "battery-voltage") {
        return phone.options().is_battery_low ? "3400" : "4100"; // mV; LK wants 3500
    }
    return std::nullopt;
}

constexpr std::array<std::string_view, 7> own_names = {
    "max-download-size", "battery-voltage", "battery-soc-ok", "unlocked", "secure", "product", "version"};

} // namespace

std::optional<std::string> fastboot_variable(const FastbootPhone& phone, std::string_view name)
{
    constexpr std::string_view size_prefix = "partition-size:";
    constexpr std::string_view type_prefix = "partition-type:";
    if (name.starts_with(size_prefix)) {
        const auto* const partition = phone.find(name.substr(size_prefix.size()));
        return partition == nullptr ? std::nullopt : std::optional{size_of(phone, *partition)};
    }
    if (name.starts_with(type_prefix)) {
        const auto* const partition = phone.find(name.substr(type_prefix.size()));
        return partition == nullptr ? std::nullopt : std::optional{type_of(*partition)};
    }
    return own_variable(phone, name);
}

std::vector<std::string> fastboot_variables(const FastbootPhone& phone)
{
    std::vector<std::string> out;
    out.reserve(own_names.size() + 2 * phone.options().partitions.size());
    for (const auto name : own_names) {
        out.push_back(fmt::format("{}: {}", name, own_variable(phone, name).value_or("")));
    }
    for (const auto& partition : phone.options().partitions) {
        out.push_back(fmt::format("partition-type:{}: {}", partition.name, type_of(partition)));
        out.push_back(fmt::format("partition-size:{}: {}", partition.name, size_of(phone, partition)));
    }
    return out;
}

} // namespace salvage::device
