// Where a bootloader is reached or served.
#include "fastboot_place.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::cli {
namespace {

/// "MEDIUM:HOST:PORT" taken apart; what is not there is empty.
struct Parts {
    std::string_view medium;
    std::string_view host;
    std::optional<std::string_view> port;
};

bool is_network(std::string_view medium)
{
    return medium == "tcp" || medium == "udp";
}

Parts split(std::string_view text)
{
    Parts out;
    const auto colon = text.find(':');
    out.medium = text.substr(0, colon);
    out.host = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
    if (!is_network(out.medium)) {
        return out; // a serial number may hold colons
    }
    if (const auto closing = out.host.find(']'); out.host.starts_with('[') && closing != std::string_view::npos) {
        const auto behind = out.host.substr(closing + 1);
        if (!behind.empty()) {
            out.port = behind.substr(behind.starts_with(':') ? 1 : 0);
        }
        out.host = out.host.substr(1, closing - 1);
        return out;
    }
    // One colon parts host and port; more of them are an IPv6 address.
    if (std::ranges::count(out.host, ':') == 1) {
        const auto last = out.host.find(':');
        out.port = out.host.substr(last + 1);
        out.host = out.host.substr(0, last);
    }
    return out;
}

std::optional<std::uint16_t> parse_port(std::string_view digits)
{
    std::uint16_t port = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    const bool is_port = problem == std::errc{} && end == digits.data() + digits.size();
    return is_port ? std::optional{port} : std::nullopt;
}

} // namespace

Result<FastbootPlace> parse_fastboot_host(const std::string& text)
{
    const auto parts = split(text);
    const auto port = parts.port ? parse_port(*parts.port) : device::fastboot_port;
    const bool is_reachable = is_network(parts.medium) && !parts.host.empty() && port.value_or(0) != 0;
    if (!is_reachable && parts.medium != "usb") {
        return invalid_argument(fmt::format("'{}' is no way to a bootloader", printable(text)), {},
                                "write tcp:HOST, tcp:HOST:PORT, udp:HOST, usb or usb:SERIAL");
    }
    return FastbootPlace{.medium = std::string{parts.medium},
                         .host = std::string{parts.host},
                         .port = port.value_or(device::fastboot_port)};
}

Result<FastbootPlace> parse_fastboot_server(const std::string& text)
{
    auto parts = split(text);
    if (!parts.port && parse_port(parts.host)) {
        parts.port = std::exchange(parts.host, {}); // "tcp:5554"
    }
    const auto port = parts.port ? parse_port(*parts.port) : device::fastboot_port;
    const bool is_function_fs = parts.medium == "functionfs" && parts.host.empty();
    if (!(is_network(parts.medium) && port) && !is_function_fs) {
        return invalid_argument(fmt::format("'{}' is no place for fastboot", printable(text)), {},
                                "write tcp:PORT, tcp:ADDRESS:PORT, udp:… or functionfs");
    }
    return FastbootPlace{.medium = std::string{parts.medium},
                         .host = parts.host.empty() ? "127.0.0.1" : std::string{parts.host},
                         .port = port.value_or(device::fastboot_port)};
}

std::string to_string(const FastbootPlace& place)
{
    const bool is_ipv6 = place.host.find(':') != std::string::npos;
    return is_ipv6 ? fmt::format("{}:[{}]:{}", place.medium, place.host, place.port)
                   : fmt::format("{}:{}:{}", place.medium, place.host, place.port);
}

} // namespace salvage::cli
