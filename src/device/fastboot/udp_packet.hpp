// Fastboot's packets over UDP.  Both ends use them.
// Spec: AOSP system/core, fastboot/README.md, "UDP Protocol v1".
#pragma once

#include <cstdint>
#include <optional>

#include "salvage/core/bytes.hpp"

namespace salvage::device {

enum class UdpId : std::uint8_t {
    error = 0,    ///< text follows
    query = 1,    ///< the phone answers with the sequence it expects next
    init = 2,     ///< both ends say their version and largest packet
    fastboot = 3, ///< commands, data and answers; empty: "go on"
};

constexpr std::size_t udp_header_bytes = 4;
constexpr std::uint16_t udp_version = 1;
/// The least that an end must take, and what AOSP's host takes.
constexpr std::uint16_t min_udp_packet = 512;
constexpr std::uint16_t host_udp_packet = 8192;

struct UdpPacket {
    UdpId id{UdpId::error};
    bool is_continued{false}; ///< more of the same message follows
    std::uint16_t sequence{};
    ByteView data; ///< valid as long as the datagram
};

/// Nothing where the datagram is no packet.
[[nodiscard]] std::optional<UdpPacket> parse_udp_packet(ByteView datagram) noexcept;
[[nodiscard]] Bytes encode(const UdpPacket& packet);

/// What an init packet says.
struct UdpInit {
    std::uint16_t version{};
    std::uint16_t packet_bytes{};
};
[[nodiscard]] std::optional<UdpInit> parse_udp_init(ByteView data) noexcept;
[[nodiscard]] Bytes encode(const UdpInit& init);

} // namespace salvage::device
