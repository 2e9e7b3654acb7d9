#include "artifact/wifi.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "artifact/kinds.hpp"
#include "artifact/list_output.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/core/text.hpp"

namespace salvage::artifact {
namespace {

// A phone knows some hundred networks.
constexpr std::size_t max_networks = 10'000;

/// A value in double quotes, in printf's escapes (P"…"), or as hex digits.
std::string value_of(std::string_view text)
{
    if (text.starts_with("P\"")) {
        text.remove_prefix(1);
    }
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
        return std::string{text.substr(1, text.size() - 2)};
    }
    return std::string{text};
}

/// An SSID without quotes is hex; a password without is the key itself.
std::string name_of(std::string_view text)
{
    const auto bytes =
        text.starts_with('"') || text.starts_with('P') ? Result<Bytes>{not_found("in quotes")} : from_hex(text);
    return bytes.has_value() ? std::string{as_text(*bytes)} : value_of(text);
}

void take(WifiNetwork& network, std::string_view key, std::string_view value)
{
    if (key == "ssid") {
        network.name = name_of(value);
    } else if (key == "psk" || key == "password" || key == "wep_key0") {
        network.password = value_of(value);
    } else if (key == "key_mgmt") {
        network.security = std::string{value};
    } else if (key == "identity") {
        network.identity = value_of(value);
    } else if (key == "scan_ssid") {
        network.is_hidden = value == "1";
    }
}

WifiNetwork network_of(const pugi::xml_node& configuration)
{
    WifiNetwork out;
    for (const auto& node : configuration.children()) {
        const std::string_view key = node.attribute("name").value();
        const std::string_view text = node.text().get();
        if (key == "SSID") {
            out.name = name_of(text);
        } else if (key == "PreSharedKey") {
            out.password = value_of(text);
        } else if (key == "ConfigKey") {
            // "name"WPA_PSK: what follows the quote is the kind of protection.
            out.security = std::string{text.substr(std::min(text.rfind('"') + 1, text.size()))};
        } else if (key == "HiddenSSID") {
            out.is_hidden = std::string_view{node.attribute("value").value()} == "true";
        } else if (key == "WEPKeys" && out.password.empty()) {
            out.password = value_of(node.child("item").attribute("value").value());
        }
    }
    return out;
}

} // namespace

std::vector<WifiNetwork> parse_wpa_supplicant(std::string_view text)
{
    std::vector<WifiNetwork> out;
    bool is_inside = false;
    while (!text.empty() && out.size() <= max_networks) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.starts_with("network={")) {
            out.emplace_back();
            is_inside = true;
        } else if (line == "}") {
            is_inside = false;
        } else if (const auto equals = line.find('='); is_inside && equals != std::string_view::npos) {
            take(out.back(), line.substr(0, equals), line.substr(equals + 1));
        }
    }
    std::erase_if(out, [](const WifiNetwork& network) { return network.name.empty(); });
    return out;
}

Result<std::vector<WifiNetwork>> parse_wifi_config_store(std::string_view xml)
{
    pugi::xml_document document;
    const auto read = document.load_buffer(xml.data(), xml.size());
    if (!read) {
        return malformed(ByteOffset{static_cast<std::uint64_t>(std::max<std::ptrdiff_t>(0, read.offset))},
                         "the list of Wi-Fi networks is no XML", read.description());
    }
    std::vector<WifiNetwork> out;
    for (const auto& network : document.child("WifiConfigStoreData").child("NetworkList").children("Network")) {
        auto one = network_of(network.child("WifiConfiguration"));
        if (const auto enterprise = network.child("WifiEnterpriseConfiguration")) {
            for (const auto& node : enterprise.children("string")) {
                const std::string_view key = node.attribute("name").value();
                if (key == "Identity") {
                    one.identity = node.text().get();
                } else if (key == "Password") {
                    one.password = node.text().get();
                }
            }
        }
        if (!one.name.empty() && out.size() < max_networks) {
            out.push_back(std::move(one));
        }
    }
    return out;
}

Result<KindReport> extract_wifi(Extraction& extraction)
{
    KindReport report{.name = "wifi", .title = "Wi-Fi networks"};
    ListOutput list{extraction, report, {"Name", "Password", "Security", "User"}};
    constexpr std::array places{"/misc/wifi/wpa_supplicant.conf", "/misc/wifi/WifiConfigStore.xml",
                                "/wifi/bcm_supp.conf", "/misc/wifi/wpa_supplicant_hcf.conf"};
    for (const auto* const place : places) {
        const auto bytes = small_file(extraction, place, report);
        if (!bytes) {
            continue;
        }
        auto networks = std::string_view{place}.ends_with(".xml")
                            ? parse_wifi_config_store(as_text(*bytes))
                            : Result<std::vector<WifiNetwork>>{parse_wpa_supplicant(as_text(*bytes))};
        if (!networks.has_value()) {
            report.problems.push_back(fmt::format("{}: {}", place, to_string(networks.error())));
            continue;
        }
        for (const auto& network : *networks) {
            Json json = Json::object();
            json["name"] = text_json(std::string_view{network.name});
            json["password"] = network.password.empty() ? Json{} : text_json(std::string_view{network.password});
            json["security"] = text_json(std::string_view{network.security});
            json["identity"] = network.identity.empty() ? Json{} : text_json(std::string_view{network.identity});
            json["hidden"] = network.is_hidden;
            SALVAGE_TRY(list.add({{.text = network.name},
                                  {.text = network.password},
                                  {.text = network.security},
                                  {.text = network.identity}},
                                 std::move(json), {.file = place}));
        }
    }
    SALVAGE_TRY(list.end());
    return report;
}

} // namespace salvage::artifact
