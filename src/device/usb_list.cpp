// USB devices by sysfs.  Spec: Linux Documentation/ABI/stable/sysfs-bus-usb.
#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <system_error>

#include "salvage/device/ports.hpp"

namespace salvage::device {
namespace {

namespace fs = std::filesystem;

// A hub tree holds 127 devices a bus; nobody has so many buses.
constexpr std::size_t max_devices = 4096;

/// First line of a small file; nothing where it cannot be read.
std::optional<std::string> line_of(const fs::path& file)
{
    std::ifstream in{file};
    std::string line;
    if (!std::getline(in, line) || line.size() > 256) {
        return std::nullopt;
    }
    return line;
}

template <typename T>
std::optional<T> number_of(const fs::path& file, int base)
{
    const auto line = line_of(file);
    T value{};
    if (!line || line->empty()) {
        return std::nullopt;
    }
    const auto* const end = line->data() + line->size();
    const auto [stop, problem] = std::from_chars(line->data(), end, value, base);
    return problem == std::errc{} && stop == end ? std::optional{value} : std::nullopt;
}

std::vector<fs::path> children(const fs::path& folder)
{
    std::vector<fs::path> out;
    std::error_code problem;
    for (fs::directory_iterator at{folder, problem};
         !problem && at != fs::directory_iterator{} && out.size() < max_devices; at.increment(problem)) {
        out.push_back(at->path());
    }
    std::ranges::sort(out);
    return out;
}

bool is_fastboot(const fs::path& interface)
{
    return line_of(interface / "bInterfaceClass") == "ff" && line_of(interface / "bInterfaceSubClass") == "42" &&
           line_of(interface / "bInterfaceProtocol") == "03";
}

/// Interfaces of a device "1-2" are its folders "1-2:1.0", "1-2:1.1" …
void add_interfaces(const fs::path& folder, UsbDevice& device)
{
    for (const auto& interface : children(folder)) {
        if (!interface.filename().string().starts_with(device.port + ':')) {
            continue;
        }
        device.has_fastboot = device.has_fastboot || is_fastboot(interface);
        for (const auto& tty : children(interface / "tty")) {
            device.tty = "/dev/" + tty.filename().string();
        }
    }
}

std::optional<UsbDevice> device_of(const fs::path& folder)
{
    const auto vendor = number_of<std::uint16_t>(folder / "idVendor", 16);
    const auto product = number_of<std::uint16_t>(folder / "idProduct", 16);
    const auto bus = number_of<unsigned>(folder / "busnum", 10);
    const auto address = number_of<unsigned>(folder / "devnum", 10);
    if (!vendor || !product || !bus || !address) {
        return std::nullopt;
    }
    UsbDevice out{.port = folder.filename().string(),
                  .vendor = *vendor,
                  .product = *product,
                  .bus = *bus,
                  .address = *address,
                  .serial = line_of(folder / "serial").value_or(std::string{}),
                  .tty = {}};
    add_interfaces(folder, out);
    return out;
}

struct KnownDevice {
    std::uint16_t vendor;
    std::uint16_t product;
    std::string_view role;
};
// Sources: mtkclient config/usb_ids.py; penumbra src/connection/mod.rs.  Sorted.
constexpr std::array<KnownDevice, 9> known_devices{{
    {.vendor = 0x0E8D, .product = 0x0003, .role = "BROM"},
    {.vendor = 0x0E8D, .product = 0x2000, .role = "preloader"},
    {.vendor = 0x0E8D, .product = 0x2001, .role = "download agent"},
    {.vendor = 0x0E8D, .product = 0x20FF, .role = "preloader"},
    {.vendor = 0x0E8D, .product = 0x3000, .role = "preloader"},
    {.vendor = 0x0E8D, .product = 0x6000, .role = "preloader"},
    {.vendor = 0x0FCE, .product = 0xF200, .role = "BROM"},
    {.vendor = 0x1004, .product = 0x6000, .role = "preloader"},
    {.vendor = 0x22D9, .product = 0x0006, .role = "preloader"},
}};

} // namespace

std::vector<UsbDevice> list_usb_devices(const fs::path& sysfs)
{
    std::vector<UsbDevice> out;
    for (const auto& folder : children(sysfs / "bus/usb/devices")) {
        if (auto device = device_of(folder)) {
            out.push_back(*std::move(device));
        }
    }
    return out;
}

std::string_view mediatek_role(const UsbDevice& device) noexcept
{
    const auto is_it = [&](const KnownDevice& known) {
        return known.vendor == device.vendor && known.product == device.product;
    };
    const auto* const found = std::ranges::find_if(known_devices, is_it);
    return found == known_devices.end() ? std::string_view{} : found->role;
}

} // namespace salvage::device
