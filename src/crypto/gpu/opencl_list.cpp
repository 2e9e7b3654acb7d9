// Which OpenCL devices there are.  What a driver says is input: every text and count has a bound.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "crypto/gpu/opencl.hpp"
#include "crypto/gpu/opencl_query.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/core/text.hpp"

namespace salvage::crypto::gpu::opencl {
namespace {

/// Domain, bus, device and function, as cl_khr_pci_bus_info has them.
using PciBusInfo = std::array<std::uint32_t, 4>;

/// The only type of cl_device_topology_amd whose other bytes mean something.
constexpr std::uint32_t amd_pcie = 1;

/// "0000:65:00.0", or nothing.  AMD's union: type, 17 unused bytes, bus, device, function.
std::string card_of(const Functions& functions, Handle device)
{
    if (const auto info = query<PciBusInfo>(functions, device, device_pci_bus_info_khr)) {
        return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", (*info)[0], (*info)[1], (*info)[2], (*info)[3]);
    }
    const auto bus = query<std::uint32_t>(functions, device, device_pci_bus_id_nv);
    const auto slot = query<std::uint32_t>(functions, device, device_pci_slot_id_nv);
    if (bus && slot) { // the slot holds device and function as PCI packs them
        return fmt::format("0000:{:02x}:{:02x}.{:x}", *bus, *slot >> 3U, *slot & 7U);
    }
    const auto amd = query<std::array<std::uint8_t, 24>>(functions, device, device_topology_amd);
    if (amd && load_le<std::uint32_t>(std::as_bytes(std::span{*amd})) == amd_pcie) {
        return fmt::format("0000:{:02x}:{:02x}.{:x}", (*amd)[21], (*amd)[22], (*amd)[23]);
    }
    return {};
}

/// Why a device cannot be used; nothing if it can.
std::optional<std::string_view> fault_of(const Functions& functions, Handle device)
{
    if (query<std::uint32_t>(functions, device, device_available).value_or(0) == 0) {
        return "it is not available";
    }
    if (query<std::uint32_t>(functions, device, device_compiler_available).value_or(0) == 0) {
        return "it has no compiler";
    }
    if (query<std::uint32_t>(functions, device, device_endian_little).value_or(0) == 0) {
        return "it is big-endian";
    }
    return std::nullopt;
}

GpuInfo info_of(const Functions& functions, Handle platform, Handle device)
{
    GpuInfo info;
    info.api = "OpenCL";
    info.name = printable(device_text(functions, device, device_name));
    info.driver = printable(fmt::format("{}, {}", platform_text(functions, platform, platform_name),
                                        device_text(functions, device, driver_version)));
    info.memory = ByteCount{query<std::uint64_t>(functions, device, device_global_mem_size).value_or(0)};
    info.compute_units = query<std::uint32_t>(functions, device, device_max_compute_units).value_or(1);
    info.is_cpu = (query<std::uint64_t>(functions, device, device_type).value_or(0) & device_type_cpu) != 0;
    info.card = card_of(functions, device);
    return info;
}

} // namespace

std::vector<GpuInfo> list(const Functions& functions, std::vector<std::string>& notes)
{
    std::vector<GpuInfo> found;
    const auto all = platforms(functions);
    if (all.empty()) {
        notes.emplace_back("OpenCL: there is no platform: no driver is installed (/etc/OpenCL/vendors)");
    }
    for (std::size_t p = 0; p < all.size(); ++p) {
        const auto devices = devices_of(functions, all[p]);
        for (std::size_t d = 0; d < devices.size(); ++d) {
            auto info = info_of(functions, all[p], devices[d]);
            if (const auto fault = fault_of(functions, devices[d])) {
                notes.push_back(fmt::format("OpenCL: {} is passed over: {}", info.name, *fault));
                continue;
            }
            info.platform_index = static_cast<std::uint32_t>(p);
            info.device_index = static_cast<std::uint32_t>(d);
            found.push_back(std::move(info));
        }
    }
    return found;
}

} // namespace salvage::crypto::gpu::opencl
