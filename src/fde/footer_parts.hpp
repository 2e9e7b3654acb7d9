// The parts parse_footer is made of.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "salvage/fde/footer.hpp"

namespace salvage::fde {

/// Magic, version, sizes and cipher name: the first 0x64 bytes, validated.
struct FooterHead {
    CryptoFooter footer;
    bool has_samsung_magic{};
};
[[nodiscard]] Result<FooterHead> parse_footer_head(ByteView bytes);

/// Key, salt, and what versions 1.1 to 1.3 add.
[[nodiscard]] Result<CryptoFooter> parse_aosp(FooterHead head, ByteView bytes);
/// What follows Samsung's magic: EDK payload, ODE, or an AOSP struct after all.
[[nodiscard]] Result<CryptoFooter> parse_samsung(FooterHead head, ByteView bytes);
/// Where the EDK payload begins: 0x64, or elsewhere in the first 4 KiB.
[[nodiscard]] std::optional<std::size_t> find_edk_payload(ByteView bytes);

/// truncated, naming the field that is not there.  `end` is the field's end.
[[nodiscard]] Result<> require_bytes(ByteView bytes, std::size_t end, std::string_view field);
[[nodiscard]] Finding footer_finding(std::string_view code, Severity severity, std::string text, std::size_t at);

} // namespace salvage::fde
