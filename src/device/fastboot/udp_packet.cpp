// Fastboot's packets over UDP.
#include "udp_packet.hpp"

namespace salvage::device {
namespace {

constexpr std::uint8_t continued_flag = 1;

} // namespace

std::optional<UdpPacket> parse_udp_packet(ByteView datagram) noexcept
{
    if (datagram.size() < udp_header_bytes) {
        return std::nullopt;
    }
    const auto id = std::to_integer<std::uint8_t>(datagram[0]);
    if (id > static_cast<std::uint8_t>(UdpId::fastboot)) {
        return std::nullopt;
    }
    return UdpPacket{.id = static_cast<UdpId>(id),
                     .is_continued = (std::to_integer<std::uint8_t>(datagram[1]) & continued_flag) != 0,
                     .sequence = load_be<std::uint16_t>(datagram.subspan(2)),
                     .data = datagram.subspan(udp_header_bytes)};
}

Bytes encode(const UdpPacket& packet)
{
    Bytes out(udp_header_bytes);
    out[0] = static_cast<std::byte>(packet.id);
    out[1] = packet.is_continued ? std::byte{continued_flag} : std::byte{0};
    store_be<std::uint16_t>(std::span{out}.subspan(2), packet.sequence);
    out.insert(out.end(), packet.data.begin(), packet.data.end());
    return out;
}

std::optional<UdpInit> parse_udp_init(ByteView data) noexcept
{
    if (data.size() < 4) {
        return std::nullopt;
    }
    return UdpInit{.version = load_be<std::uint16_t>(data), .packet_bytes = load_be<std::uint16_t>(data.subspan(2))};
}

Bytes encode(const UdpInit& init)
{
    Bytes out(4);
    store_be<std::uint16_t>(out, init.version);
    store_be<std::uint16_t>(std::span{out}.subspan(2), init.packet_bytes);
    return out;
}

} // namespace salvage::device
