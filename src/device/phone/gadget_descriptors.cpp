// USB descriptors of the simulated phone.  Spec: USB 2.0, 9.6; functionfs.h.
#include "device/phone/gadget_descriptors.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace salvage::device {
namespace {

constexpr std::uint32_t descriptors_magic_v2 = 3;
constexpr std::uint32_t strings_magic = 2;
constexpr std::uint32_t has_full_speed = 1;
constexpr std::uint32_t has_high_speed = 2;

constexpr std::uint8_t interface_type = 4;
constexpr std::uint8_t endpoint_type = 5;
constexpr std::uint8_t direction_in = 0x80;
constexpr std::uint8_t bulk = 2;
constexpr std::uint8_t interrupt = 3;

/// Appends descriptors and counts them.
class Builder {
public:
    void interface(std::uint8_t number, std::uint8_t endpoints, std::uint8_t code, std::uint8_t sub,
                   std::uint8_t protocol)
    {
        constexpr std::uint8_t first_string = 1;
        add({9, interface_type, number, 0, endpoints, code, sub, protocol, first_string});
    }
    void endpoint(std::uint8_t address, std::uint8_t attributes, std::size_t packet, std::uint8_t interval)
    {
        add({7, endpoint_type, address, attributes, static_cast<std::uint8_t>(packet & 0xFFU),
             static_cast<std::uint8_t>(packet >> 8U), interval});
    }
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
    [[nodiscard]] const Bytes& bytes() const noexcept { return bytes_; }

private:
    void add(const std::vector<std::uint8_t>& descriptor)
    {
        for (const auto byte : descriptor) {
            bytes_.push_back(std::byte{byte});
        }
        ++count_;
    }
    Bytes bytes_;
    std::uint32_t count_{0};
};

/// The interfaces at one speed; `packet` is the bulk packet of that speed.
Builder interfaces(GadgetKind kind, std::size_t packet)
{
    Builder out;
    if (kind == GadgetKind::fastboot) {
        out.interface(0, 2, 0xFF, 0x42, 0x03);
        out.endpoint(direction_in | 1U, bulk, packet, 0);
        out.endpoint(2, bulk, packet, 0);
        return out;
    }
    // FunctionFS takes no CDC functional descriptors, so no kernel driver makes a terminal of this one.
    constexpr std::size_t notification_bytes = 16;
    constexpr std::uint8_t every_32_ms = 9;
    out.interface(0, 1, 0x02, 0x02, 0x01);
    out.endpoint(direction_in | 3U, interrupt, notification_bytes, every_32_ms);
    out.interface(1, 2, 0x0A, 0x00, 0x00);
    out.endpoint(direction_in | 1U, bulk, packet, 0);
    out.endpoint(2, bulk, packet, 0);
    return out;
}

void append_u32(Bytes& out, std::uint32_t value)
{
    std::array<std::byte, 4> bytes{};
    store_le(bytes, value);
    out.insert(out.end(), bytes.begin(), bytes.end());
}

} // namespace

GadgetEndpoints gadget_endpoints(GadgetKind kind) noexcept
{
    return kind == GadgetKind::fastboot ? GadgetEndpoints{.in = 1, .out = 2} : GadgetEndpoints{.in = 2, .out = 3};
}

Bytes gadget_descriptors(GadgetKind kind)
{
    constexpr std::size_t full_speed_packet = 64;
    constexpr std::uint32_t header_bytes = 20;
    const auto full = interfaces(kind, full_speed_packet);
    const auto high = interfaces(kind, high_speed_packet);
    Bytes out;
    append_u32(out, descriptors_magic_v2);
    append_u32(out, header_bytes + static_cast<std::uint32_t>(full.bytes().size() + high.bytes().size()));
    append_u32(out, has_full_speed | has_high_speed);
    append_u32(out, full.count());
    append_u32(out, high.count());
    out.insert(out.end(), full.bytes().begin(), full.bytes().end());
    out.insert(out.end(), high.bytes().begin(), high.bytes().end());
    return out;
}

Bytes gadget_strings()
{
    constexpr std::string_view name = "salvage phone";
    constexpr std::uint32_t header_bytes = 16;
    constexpr std::uint16_t english = 0x0409;
    Bytes out;
    append_u32(out, strings_magic);
    append_u32(out, header_bytes + 2 + static_cast<std::uint32_t>(name.size()) + 1);
    append_u32(out, 1); // strings
    append_u32(out, 1); // languages
    out.push_back(std::byte{english & 0xFFU});
    out.push_back(std::byte{english >> 8U});
    const auto text = as_bytes(name);
    out.insert(out.end(), text.begin(), text.end());
    out.push_back(std::byte{0});
    return out;
}

} // namespace salvage::device
