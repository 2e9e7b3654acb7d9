// Wi-Fi networks as Android keeps them: wpa_supplicant.conf up to 7, WifiConfigStore.xml since 8.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/result.hpp"

namespace salvage::artifact {

struct WifiNetwork {
    std::string name;     ///< SSID, as bytes
    std::string password; ///< of the network; empty where there is none
    std::string security; ///< "WPA-PSK", "NONE", …
    std::string identity; ///< of the user, in networks of companies
    bool is_hidden{false};
};

/// The `network={…}` blocks.  What is no such block is passed over; a text that ends within one gives what it had.
/// Spec: w1.fi, wpa_supplicant.conf(5).
[[nodiscard]] std::vector<WifiNetwork> parse_wpa_supplicant(std::string_view text);

/// Errors: malformed (no XML).  Spec: AOSP frameworks/opt/net/wifi, XmlUtil.java.
[[nodiscard]] Result<std::vector<WifiNetwork>> parse_wifi_config_store(std::string_view xml);

} // namespace salvage::artifact
