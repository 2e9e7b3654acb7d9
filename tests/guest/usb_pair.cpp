// Both ends of a real USB cable in one process: our gadget through FunctionFS, our host through libusb.
//   usb_pair MOUNT GADGET
#include <array>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "salvage/device/function_fs.hpp"
#include "salvage/device/ports.hpp"

namespace {

using namespace salvage;
using namespace salvage::device;

constexpr Timeout patience{5000};
constexpr std::size_t payload_bytes = 256U << 10U;

[[noreturn]] void fail(const std::string& why)
{
    fmt::print("usb_pair: {}\n", why);
    std::exit(1); // NOLINT(concurrency-mt-unsafe): the other thread may hang in the kernel.
}

template <typename T>
T need(Result<T> result)
{
    if (!result.has_value()) {
        fail(to_string(result.error()));
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*result);
    }
}

/// Sends back each byte's complement: one transfer for one transfer.
void phone(Transport& cable)
{
    std::vector<std::byte> buffer(payload_bytes);
    std::size_t sent = 0;
    TransportReader reader{cable};
    std::array<std::byte, 1> one{};
    for (int i = 0; i < 4; ++i) {
        need(reader.read(one, patience));
        one[0] = ~one[0];
        need(cable.write(one, patience));
    }
    need(reader.read(buffer, patience));
    for (auto& byte : buffer) {
        byte = ~byte;
    }
    for (; sent < buffer.size(); sent += 0x10000) {
        need(cable.write(std::span{buffer}.subspan(sent, 0x10000), patience));
    }
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 3) {
        return 2;
    }
    auto cable = need(open_function_fs({.mount = argv[1], .gadget = argv[2]}, GadgetKind::mediatek, {}));
    std::thread other{[&] { phone(*cable); }};
    const auto host = need(wait_for_mediatek(
        {.route = PortChoice::Route::usb, .tty = {}, .usb_port = {}, .patience = std::chrono::seconds{20}}, {}, {}));
    fmt::print("usb_pair: {} with packets of {}\n", host->name(), host->packet_bytes());
    TransportReader reader{*host};
    for (const auto byte : {0xA0, 0x0A, 0x50, 0x05}) {
        std::array<std::byte, 1> one{static_cast<std::byte>(byte)};
        need(host->write(one, patience));
        need(reader.read(one, patience));
        if (one[0] != ~static_cast<std::byte>(byte)) {
            fail("the handshake's answer is wrong");
        }
    }
    std::vector<std::byte> sent(payload_bytes);
    for (std::size_t i = 0; i < sent.size(); ++i) {
        sent[i] = static_cast<std::byte>((i * 2654435761U) >> 13U);
    }
    const auto begin = std::chrono::steady_clock::now();
    need(host->write(sent, patience));
    std::vector<std::byte> got(payload_bytes);
    need(reader.read(got, patience));
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    for (std::size_t i = 0; i < sent.size(); ++i) {
        if (got[i] != ~sent[i]) {
            fail(fmt::format("byte {} came back wrong", i));
        }
    }
    other.join();
    fmt::print("usb_pair: {} bytes each way in {:.2f} s\nusb_pair: passed\n", payload_bytes, seconds);
    return 0;
}
