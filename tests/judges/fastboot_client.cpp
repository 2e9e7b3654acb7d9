// Our fastboot client for bootloaders that are not ours.
// fastboot_client tcp|udp HOST PORT getvar NAME | erase NAME | flash NAME IMAGE [MAX_DOWNLOAD]
#include <iostream>
#include <span>
#include <string>
#include <string_view>

#include "salvage/core/text.hpp"
#include "salvage/device/fastboot.hpp"
#include "salvage/io/sources.hpp"

namespace {

using namespace salvage;

Result<> flash(device::Fastboot& fastboot, std::span<char*> arguments)
{
    const auto image = SALVAGE_TRY(io::open_file(arguments[1]));
    auto most = SALVAGE_TRY(fastboot.max_download());
    if (arguments.size() > 2) {
        most = ByteCount{SALVAGE_TRY(parse_quantity(arguments[2]))};
    }
    const auto plan = SALVAGE_TRY(device::Fastboot::plan_flash(image, most));
    std::cout << plan.downloads.size() << (plan.is_sparse ? " sparse pieces\n" : " raw image\n");
    return fastboot.flash(arguments[0], plan, 0, {}, RunContext{});
}

Result<> run(std::span<char*> arguments)
{
    if (arguments.size() < 5) {
        return invalid_argument("usage: fastboot_client tcp|udp HOST PORT COMMAND …");
    }
    const auto port = static_cast<std::uint16_t>(SALVAGE_TRY(parse_quantity(arguments[2])));
    auto link = SALVAGE_TRY(std::string_view{arguments[0]} == "tcp" ? device::connect_fastboot_tcp(arguments[1], port)
                                                                    : device::connect_fastboot_udp(arguments[1], port));
    device::Fastboot fastboot{std::move(link), [](std::string_view line) { std::cout << line << '\n'; }};
    const std::string_view command{arguments[3]};
    if (command == "getvar") {
        const auto value = SALVAGE_TRY(fastboot.variable(arguments[4]));
        std::cout << value.value_or("(unknown)") << '\n';
        return {};
    }
    if (command == "erase") {
        return fastboot.erase(arguments[4]);
    }
    if (command == "flash" && arguments.size() > 5) {
        return flash(fastboot, arguments.subspan(4));
    }
    return invalid_argument("no such command", command);
}

} // namespace

int main(int argc, char** argv)
{
    const auto done = run(std::span{argv, static_cast<std::size_t>(argc)}.subspan(1));
    if (!done.has_value()) {
        std::cerr << to_string(done.error()) << '\n';
        return 1;
    }
    return 0;
}
