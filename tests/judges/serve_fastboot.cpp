// Serves the simulated bootloader for judges that are not ours, until its standard input is closed.
// serve_fastboot tcp|udp IMAGE MAX_DOWNLOAD NAME:START:SIZE…   First line of output: the port.
#include <cstdio>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "salvage/core/text.hpp"
#include "salvage/device/phone.hpp"

namespace {

using namespace salvage;

Result<device::PhonePartition> parse_partition(std::string_view text)
{
    const auto first = text.find(':');
    const auto second = text.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) {
        return invalid_argument("a partition is NAME:START:SIZE");
    }
    const auto start = SALVAGE_TRY(parse_quantity(text.substr(first + 1, second - first - 1)));
    const auto size = SALVAGE_TRY(parse_quantity(text.substr(second + 1)));
    const auto range = ByteRange::make(ByteOffset{start}, ByteCount{size});
    if (!range) {
        return invalid_argument("a partition reaches beyond 2^64");
    }
    return device::PhonePartition{.name = std::string{text.substr(0, first)}, .range = *range};
}

Result<> serve(std::span<char*> arguments)
{
    if (arguments.size() < 4) {
        return invalid_argument("usage: serve_fastboot tcp|udp IMAGE MAX_DOWNLOAD NAME:START:SIZE…");
    }
    const bool is_tcp = std::string_view{arguments[0]} == "tcp";
    device::FastbootPhoneOptions options;
    options.max_download = ByteCount{SALVAGE_TRY(parse_quantity(arguments[2]))};
    for (const auto* const text : arguments.subspan(3)) {
        options.partitions.push_back(SALVAGE_TRY(parse_partition(text)));
    }
    std::vector<device::PhoneFlash::RegionSource> regions;
    regions.push_back({.name = "user", .path = arguments[1], .bytes = {}});
    const auto flash = SALVAGE_TRY(device::PhoneFlash::open(std::move(regions), device::StorageKind::emmc));
    auto server = SALVAGE_TRY(is_tcp ? device::FastbootServer::listen_tcp("127.0.0.1", 0)
                                     : device::FastbootServer::listen_udp("127.0.0.1", 0));
    std::cout << server.port() << std::endl;

    std::stop_source stop;
    const std::jthread keeper{[&] {
        while (std::getchar() != EOF) {
        }
        stop.request_stop();
    }};
    RunContext context;
    context.stop = stop.get_token();
    return server.run(*flash, options, device::real_waiter(), context);
}

} // namespace

int main(int argc, char** argv)
{
    const auto served = serve(std::span{argv, static_cast<std::size_t>(argc)}.subspan(1));
    if (!served.has_value()) {
        std::cerr << to_string(served.error()) << '\n';
        return 1;
    }
    return 0;
}
